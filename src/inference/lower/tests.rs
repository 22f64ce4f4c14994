//! A network of every operator in both of ONNX's forms, against stock tract's float execution.

#![allow(clippy::unwrap_used)]

use tract_onnx::pb::{self, tensor_proto::DataType};
use tract_onnx::prelude::*;

use super::super::engine::{Engine, Program};
use super::super::kernels::Isa;
use super::super::parts::Part;
use super::super::{Path, Runner};
use super::*;
use std::sync::Arc;

mod outputs;

fn tensor(name: &str, kind: DataType, dims: &[i64], raw: Vec<u8>) -> pb::TensorProto {
    pb::TensorProto {
        name: name.into(),
        data_type: kind as i32,
        dims: dims.to_vec(),
        raw_data: raw,
        ..Default::default()
    }
}

fn ints(name: &str, values: &[i64]) -> pb::AttributeProto {
    use pb::attribute_proto::AttributeType as T;
    let scalar = values.len() == 1;
    pb::AttributeProto {
        name: name.into(),
        r#type: (if scalar { T::Int } else { T::Ints }) as i32,
        i: values[0],
        ints: if scalar { Vec::new() } else { values.to_vec() },
        ..Default::default()
    }
}

fn word(name: &str, value: &str) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.into(),
        r#type: pb::attribute_proto::AttributeType::String as i32,
        s: value.as_bytes().to_vec(),
        ..Default::default()
    }
}

/// A graph in the making; `end` is the latest activation, in bytes and dequantized.
struct Builder {
    graph: pb::GraphProto,
    count: usize,
}

impl Builder {
    fn new(shape: &[i64], kind: DataType) -> Builder {
        let graph = pb::GraphProto { input: vec![value("x", kind, shape)], ..Default::default() };
        Builder { graph, count: 0 }
    }

    fn fresh(&mut self) -> String {
        self.count += 1;
        format!("v{}", self.count)
    }

    fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<pb::AttributeProto>) -> String {
        let output = self.fresh();
        self.graph.node.push(pb::NodeProto {
            name: format!("{op} {output}"),
            op_type: op.into(),
            input: inputs.iter().map(|i| (*i).to_owned()).collect(),
            output: vec![output.clone()],
            attribute: attributes,
            ..Default::default()
        });
        output
    }

    fn reals(&mut self, dims: &[i64], values: &[f32]) -> String {
        let name = self.fresh();
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.graph.initializer.push(tensor(&name, DataType::Float, dims, raw));
        name
    }

    fn bytes(&mut self, kind: DataType, dims: &[i64], values: Vec<u8>) -> String {
        let name = self.fresh();
        self.graph.initializer.push(tensor(&name, kind, dims, values));
        name
    }

    /// Pseudo-random signed weights with a scale for each output channel, dequantized.
    fn weights(&mut self, dims: &[i64]) -> String {
        let count: i64 = dims.iter().product();
        let values = (0..count).map(|i| (i * 57 + 13).rem_euclid(255) as u8).collect();
        let values = self.bytes(DataType::Int8, dims, values);
        let per = count / dims[0];
        let scales: Vec<f32> =
            (0..dims[0]).map(|i| (0.5 + i as f32 / 7.0) / 70.0 / (per as f32).sqrt()).collect();
        let scale = self.reals(&[dims[0]], &scales);
        let zero = self.bytes(DataType::Int8, &[dims[0]], vec![0; dims[0] as usize]);
        self.node("DequantizeLinear", &[&values, &scale, &zero], vec![ints("axis", &[0])])
    }

    /// Quantizes and dequantizes; the real one.
    fn step(&mut self, real: &str, scale: f32, zero: u8) -> String {
        let (scale, zero) =
            (self.reals(&[], &[scale]), self.bytes(DataType::Uint8, &[], vec![zero]));
        let bytes = self.node("QuantizeLinear", &[real, &scale, &zero], vec![]);
        self.node("DequantizeLinear", &[&bytes, &scale, &zero], vec![])
    }

    fn finish(self, output: &str, shape: &[i64]) -> pb::ModelProto {
        self.finish_all(&[(output, shape)])
    }

    fn finish_all(mut self, outputs: &[(&str, &[i64])]) -> pb::ModelProto {
        let output = |&(name, shape): &(&str, &[i64])| value(name, DataType::Float, shape);
        self.graph.output = outputs.iter().map(output).collect();
        let opset = pb::OperatorSetIdProto { domain: String::new(), version: 17 };
        pb::ModelProto {
            ir_version: 8,
            opset_import: vec![opset],
            graph: Some(self.graph),
            ..Default::default()
        }
    }
}

fn value(name: &str, kind: DataType, shape: &[i64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&v: &i64| Dimension { value: Some(Value::DimValue(v)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: kind as i32, shape: Some(shape) };
    let kind = pb::TypeProto {
        value: Some(pb::type_proto::Value::TensorType(tensor)),
        ..Default::default()
    };
    pb::ValueInfoProto { name: name.into(), r#type: Some(kind), ..Default::default() }
}

fn pads(p: i64) -> pb::AttributeProto {
    ints("pads", &[p, p, p, p])
}

/// Convolutions (dense, grouped, depthwise, dilated), sum, join, pools, resize, activations.
fn every_operator() -> pb::ModelProto {
    let mut b = Builder::new(&[1, 3, 12, 12], DataType::Uint8);
    let (scale, zero) = (b.reals(&[], &[1.0 / 128.0]), b.bytes(DataType::Uint8, &[], vec![127]));
    let x = b.node("DequantizeLinear", &["x", &scale, &zero], vec![]);
    let w = b.weights(&[8, 3, 3, 3]);
    let bias = b.reals(&[8], &[0.1, -0.1, 0.2, 0.0, 0.3, -0.2, 0.05, 0.4]);
    let c = b.node("Conv", &[&x, &w, &bias], vec![pads(1)]);
    let c = b.node("Relu", &[&c], vec![]);
    let first = b.step(&c, 1.5 / 255.0, 0);
    let w = b.weights(&[8, 1, 3, 3]);
    let c = b.node("Conv", &[&first, &w], vec![pads(1), ints("group", &[8])]);
    let c = b.step(&c, 2.0 / 255.0, 120);
    let sum = b.node("Add", &[&c, &first], vec![]);
    let sum = b.step(&sum, 3.0 / 255.0, 90);
    let w = b.weights(&[6, 4, 3, 3]);
    let attributes = vec![pads(2), ints("group", &[2]), ints("dilations", &[2, 2])];
    let grouped = b.node("Conv", &[&sum, &w], attributes);
    let grouped = b.step(&grouped, 2.0 / 255.0, 128);
    let w = b.weights(&[5, 8, 1, 1]);
    let point = b.node("Conv", &[&sum, &w], vec![]);
    let point = b.step(&point, 1.6 / 255.0, 128);
    let joined = b.node("Concat", &[&grouped, &point], vec![ints("axis", &[1])]);
    let joined = b.step(&joined, 2.0 / 255.0, 128);
    let two = || vec![ints("kernel_shape", &[3, 3]), ints("strides", &[2, 2]), pads(1)];
    let pooled = b.node("MaxPool", &[&joined], two());
    let pooled = b.step(&pooled, 2.0 / 255.0, 128);
    let pooled = b.node("AveragePool", &[&pooled], two());
    let pooled = b.step(&pooled, 1.5 / 255.0, 100);
    let (none, double) = (b.reals(&[0], &[]), b.reals(&[4], &[1.0, 1.0, 2.0, 2.0]));
    let attributes = vec![
        word("mode", "nearest"),
        word("coordinate_transformation_mode", "asymmetric"),
        word("nearest_mode", "floor"),
    ];
    let large = b.node("Resize", &[&pooled, &none, &double], attributes);
    let large = b.step(&large, 1.5 / 255.0, 100);
    let soft = b.node("Sigmoid", &[&large], vec![]);
    let soft = b.step(&soft, 1.0 / 255.0, 0);
    // Squeeze and excitation, with the activations of mobile networks.
    let gate = b.node("GlobalAveragePool", &[&soft], vec![]);
    let gate = b.step(&gate, 1.0 / 255.0, 0);
    let w = b.weights(&[11, 11, 1, 1]);
    let gate = b.node("Conv", &[&gate, &w], vec![]);
    let gate = b.step(&gate, 2.0 / 255.0, 128);
    let gate = b.node("HardSigmoid", &[&gate], vec![]);
    let gate = b.step(&gate, 1.0 / 255.0, 0);
    let soft = b.node("Mul", &[&gate, &soft], vec![]);
    let soft = b.step(&soft, 0.7 / 255.0, 0);
    let hard = b.node("HardSwish", &[&large], vec![]);
    let hard = b.step(&hard, 1.2 / 255.0, 60);
    let soft = b.node("Mul", &[&soft, &hard], vec![]);
    let soft = b.step(&soft, 0.5 / 255.0, 100);
    let half = b.reals(&[], &[0.25]);
    let soft = b.node("Add", &[&soft, &half], vec![]);
    let soft = b.step(&soft, 0.8 / 255.0, 30);
    let leaky = b.node("LeakyRelu", &[&soft], vec![]);
    let soft = b.step(&leaky, 0.8 / 255.0, 30);
    let attributes =
        vec![word("mode", "linear"), word("coordinate_transformation_mode", "half_pixel")];
    let soft = b.node("Resize", &[&soft, &none, &double], attributes);
    let soft = b.step(&soft, 0.7 / 255.0, 30);
    let soft = b.node("Tanh", &[&soft], vec![]);
    let soft = b.step(&soft, 0.6 / 255.0, 20);
    let mean = b.node("GlobalAveragePool", &[&soft], vec![]);
    let flat = b.node("Flatten", &[&mean], vec![]);
    let matrix: Vec<f32> = (0..33).map(|i| (i as f32 * 0.7).sin() * 3.0).collect();
    let (matrix, bias) = (b.reals(&[3, 11], &matrix), b.reals(&[3], &[0.1, 0.2, -0.3]));
    let end = b.node("Gemm", &[&flat, &matrix, &bias], vec![ints("transB", &[1])]);
    let end = b.node("Softmax", &[&end], vec![ints("axis", &[1])]);
    b.finish(&end, &[1, 3])
}

fn picture(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect()
}

#[test]
fn every_operator_agrees_with_stock_tract() {
    let proto = every_operator();
    let graph = lower(&proto).map_err(|e| e.to_string()).unwrap();
    let input = picture(3 * 12 * 12);
    let stock = tract_onnx::onnx().model_for_proto_model(&proto).unwrap();
    let stock = stock.into_optimized().unwrap().into_runnable().unwrap();
    let tensor = Tensor::from_shape(&[1, 3, 12, 12], &input).unwrap();
    let expected = stock.run(tvec!(tensor.into_tvalue())).unwrap();
    let expected: Vec<f32> =
        expected[0].to_plain_array_view::<f32>().unwrap().iter().copied().collect();
    for isa in Isa::available() {
        let mut engine = Engine::new(Arc::new(Program::new(graph.clone(), isa, 1)));
        let found = engine.run_bytes(&input)[0].clone();
        // Bytes that float rounds the other way move a probability by far less than this.
        let close = found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.01);
        assert!(close && found.len() == 3, "{}: {found:?}, not {expected:?}", isa.name());
    }
}

/// Erf amid convolutions, with a shortcut around it, and Erf at the end.
#[test]
fn parts_around_an_obstacle_are_lowered() {
    let mut b = Builder::new(&[1, 3, 12, 12], DataType::Uint8);
    let (scale, zero) = (b.reals(&[], &[1.0 / 128.0]), b.bytes(DataType::Uint8, &[], vec![127]));
    let x = b.node("DequantizeLinear", &["x", &scale, &zero], vec![]);
    let w = b.weights(&[8, 3, 3, 3]);
    let c = b.node("Conv", &[&x, &w], vec![pads(1)]);
    let c = b.node("Relu", &[&c], vec![]);
    let c = b.step(&c, 1.5 / 255.0, 0);
    let erf = b.node("Erf", &[&c], vec![]);
    let erf = b.step(&erf, 1.0 / 255.0, 0);
    let sum = b.node("Add", &[&erf, &c], vec![]);
    let sum = b.step(&sum, 2.0 / 255.0, 0);
    let w = b.weights(&[4, 8, 3, 3]);
    let c = b.node("Conv", &[&sum, &w], vec![ints("strides", &[2, 2])]);
    let c = b.step(&c, 2.0 / 255.0, 128);
    let end = b.node("Erf", &[&c], vec![]);
    let proto = b.finish(&end, &[1, 4, 5, 5]);
    let obstacle = lower(&proto).unwrap_err();
    let named = obstacle.to_string();
    let parts = crate::inference::parts::parts(&proto, obstacle).unwrap();
    let kinds: Vec<String> = parts
        .iter()
        .map(|part| match part {
            Part::Lowered(graph) => format!("{} layers", graph.layers.len()),
            Part::Tract(_, obstacle) => obstacle.to_string(),
        })
        .collect();
    assert_eq!(kinds.len(), 4, "{kinds:?}");
    assert_eq!((&kinds[0][..], &kinds[1], &kinds[2][..]), ("1 layers", &named, "1 layers"));
    assert!(kinds[3].starts_with("Erf"), "{kinds:?}");

    let mut bytes = Vec::new();
    prost::Message::encode(&proto, &mut bytes).unwrap();
    let stock = Runner::load("erf", &bytes, None).unwrap().run().unwrap();
    for isa in Isa::available() {
        let mut runner = Runner::load("erf", &bytes, Some(isa)).unwrap();
        assert!(matches!(runner.path(), Path::Parts { layers: 2, .. }), "{}", runner.path());
        let ours = runner.run().unwrap();
        let far = ours.iter().zip(&stock).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(far < 0.02 && ours.len() == 100, "{}: {far}", isa.name());
    }
}

#[test]
fn what_has_no_byte_form_is_named() {
    let mut b = Builder::new(&[1, 1, 4, 4], DataType::Float);
    let x = b.step("x", 0.01, 3);
    let end = b.node("Erf", &[&x], vec![]);
    let obstacle = lower(&b.finish(&end, &[1, 1, 4, 4])).unwrap_err();
    assert_eq!(obstacle.to_string(), format!("Erf `Erf {end}`: has no byte form"));

    let mut b = Builder::new(&[1, 1, 4, 4], DataType::Float);
    let w = b.reals(&[1, 1, 1, 1], &[0.5]);
    let end = b.node("Conv", &["x", &w], vec![]);
    let obstacle = lower(&b.finish(&end, &[1, 1, 4, 4])).unwrap_err();
    assert!(obstacle.to_string().contains("is no quantized activation"), "{obstacle}");

    let mut b = Builder::new(&[1, 1, 4, 4], DataType::Float);
    let x = b.step("x", f32::NAN, 3);
    assert!(lower(&b.finish(&x, &[1, 1, 4, 4])).unwrap_err().reason.contains("a scale of NaN"));
}

#[test]
fn a_bias_near_the_end_of_32_bits_neither_wraps_nor_changes_the_result() {
    let network = |bias: i32| {
        let mut b = Builder::new(&[1, 1, 2, 2], DataType::Float);
        let x = b.step("x", 1.0 / 255.0, 0);
        let w = b.bytes(DataType::Int8, &[1, 1, 1, 1], vec![127]);
        let (scale, zero) = (b.reals(&[1], &[1e-6]), b.bytes(DataType::Int8, &[1], vec![0]));
        let w = b.node("DequantizeLinear", &[&w, &scale, &zero], vec![ints("axis", &[0])]);
        let bias = b.bytes(DataType::Int32, &[1], bias.to_le_bytes().to_vec());
        let scale = b.reals(&[1], &[1e-6 / 255.0]);
        let zero = b.bytes(DataType::Int32, &[1], vec![0; 4]);
        let bias = b.node("DequantizeLinear", &[&bias, &scale, &zero], vec![ints("axis", &[0])]);
        let c = b.node("Conv", &[&x, &w, &bias], vec![]);
        let c = b.step(&c, 0.1, 100);
        b.finish(&c, &[1, 1, 2, 2])
    };
    for bias in [i32::MIN, i32::MAX] {
        let graph = lower(&network(bias)).unwrap();
        let mut engine = Engine::new(Arc::new(Program::new(graph, Isa::Scalar, 1)));
        let expected = (bias as f32 * 1e-6 / 255.0 / 0.1).round() * 0.1;
        let found = &engine.run_reals(&[1.0, 0.5, 0.0, 0.25])[0];
        assert!(found.iter().all(|&y| (y - expected).abs() < 1e-4), "{found:?}, not {expected}");
    }
}

/// Networks damaged in one or two places are refused or run; nothing panics.
#[test]
fn a_damaged_network_never_panics() {
    let wholes = [every_operator(), outputs::network(1), outputs::network(2), outputs::network(3)];
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = |limit: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit.max(1)
    };
    let odd = [0, 1, -1, 2, 3, 7, 64, 65, 4097, 1 << 20, i64::MAX, i64::MIN];
    let mut ran = 0;
    for i in 0..6000 {
        let mut proto = wholes[i % 2 * (1 + i / 2 % 3)].clone();
        let graph = proto.graph.as_mut().unwrap();
        if next(50) == 0 {
            let output = next(graph.output.len());
            let names = ["x", "v1", "v2", "v30", "nowhere"];
            graph.output[output].name = names[next(names.len())].into();
        }
        for _ in 0..=next(2) {
            let (node, tensor) = (next(graph.node.len()), next(graph.initializer.len()));
            let (node, tensor) = (&mut graph.node[node], &mut graph.initializer[tensor]);
            let (attributes, dims) = (node.attribute.len(), tensor.dims.len());
            match next(8) {
                0 => drop(node.input.pop()),
                1 => node.input.reverse(),
                2 => node.op_type = ["Add", "Conv", "QGemm", "Resize", "Identity"][next(5)].into(),
                3 if attributes > 0 => {
                    let attribute = &mut node.attribute[next(attributes)];
                    let len = attribute.ints.len();
                    attribute.i = odd[next(odd.len())];
                    if len > 0 {
                        attribute.ints[next(len)] = odd[next(odd.len())];
                    }
                }
                4 if dims > 0 => tensor.dims[next(dims)] = odd[next(odd.len())],
                5 => tensor.dims.reverse(),
                6 => {
                    let len = tensor.raw_data.len();
                    tensor.raw_data.truncate(next(len));
                    tensor.dims = vec![tensor.raw_data.len() as i64];
                }
                _ => {
                    let len = tensor.raw_data.len();
                    if len > 0 {
                        tensor.raw_data[next(len)] = next(256) as u8;
                    }
                }
            }
        }
        if let Ok(graph) = lower(&proto) {
            let shape: usize = graph.input_shape.iter().product();
            let mut engine = Engine::new(Arc::new(Program::new(graph, Isa::best(), 1)));
            engine.run_bytes(&picture(shape));
            ran += 1;
        }
    }
    assert!(ran > 600, "{ran} of 6000 ran");
}
