//! From a quantized ONNX network to a [`Graph`] of byte layers.
//!
//! Both forms are read: QDQ (float operators between DequantizeLinear and QuantizeLinear, as ONNX
//! Runtime's and PyTorch's quantizers write them) and QLinear operators, `com.microsoft`'s
//! included. The file is read before tract sees it: tract's typed model has already multiplied
//! the weights with their scales, and knows nothing of `com.microsoft`.
//!
//! A float operator becomes a layer where its result is quantized; until then it is *pending*,
//! and activations that follow narrow its range. All or nothing: of a network with an operator that
//! has no byte form, which the [`Obstacle`] names, `parts` lowers what lies before and after.

mod finish;
mod floats;
mod qlinear;
mod values;
mod windows;

use std::collections::HashMap;
use std::fmt;

use tract_onnx::pb;

use super::graph::{Entry, Graph, Layer, Map, MapId, Quantization};
use super::onnx::{self, Constant, Data};
use values::{Pending, PendingOp, Unary, Value};

/// The first operator that has no byte form, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub node: String,
    pub operator: String,
    pub reason: String,
    /// The node's first output, by which a file tells nodes apart.
    pub output: String,
}

impl Obstacle {
    /// Nobody asked for bytes.
    pub fn unwanted() -> Obstacle {
        Obstacle::of("network", "stock tract was asked for")
    }

    /// No single node's.
    pub fn of(operator: &str, reason: &str) -> Obstacle {
        let (operator, reason) = (operator.to_owned(), reason.to_owned());
        Obstacle { node: String::new(), operator, reason, output: String::new() }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle { node, operator, reason, .. } = self;
        if node.is_empty() {
            return write!(f, "{operator}: {reason}");
        }
        write!(f, "{operator} `{node}`: {reason}")
    }
}

type Lowered<T> = Result<T, String>;

/// Bytes of the largest map, and the largest pad, stride or dilation: beyond any network for a
/// clinic, and small enough for every sum of sizes.
const LARGEST_MAP: usize = 1 << 26;
const LARGEST_STEP: i64 = 64;

/// Lowers a whole network.
pub fn lower(model: &pb::ModelProto) -> Result<Graph, Obstacle> {
    let whole = |reason: &str| Obstacle::of("network", reason);
    let graph = model.graph.as_ref().ok_or_else(|| whole("the file has no graph"))?;
    let constants: HashMap<&str, &pb::TensorProto> =
        graph.initializer.iter().map(|t| (&t.name[..], t)).collect();
    let mut inputs = graph.input.iter().filter(|i| !constants.contains_key(&i.name[..]));
    let (Some(input), None, [_, ..]) = (inputs.next(), inputs.next(), &graph.output[..]) else {
        return Err(whole("not one input, or no output"));
    };
    let (kind, shape) =
        onnx::declared(input).ok_or_else(|| whole("the input has no fixed shape"))?;
    let mut lowering = Lowering {
        constants,
        values: HashMap::new(),
        maps: Vec::new(),
        layers: Vec::new(),
        entry: None,
        name: String::new(),
    };
    let start = Value::Input { kind, shape: shape.clone() };
    lowering.values.insert(input.name.clone(), start);
    for node in &graph.node {
        lowering.name = if node.name.is_empty() {
            node.output.first().cloned().unwrap_or_default()
        } else {
            node.name.clone()
        };
        lowering.node(node).map_err(|reason| Obstacle {
            node: lowering.name.clone(),
            operator: node.op_type.clone(),
            reason,
            output: node.output.first().cloned().unwrap_or_default(),
        })?;
    }
    let end = |output: &pb::ValueInfoProto| {
        let end = lowering.value(&output.name).and_then(|v| v.floats());
        end.map_err(|e| whole(&format!("the output `{}` {e}", output.name)))
    };
    let ends = graph.output.iter().map(end).collect::<Result<_, _>>()?;
    let entry = lowering.entry.ok_or_else(|| whole("the input is never quantized"))?;
    let Lowering { maps, layers, .. } = lowering;
    Ok(Graph { entry, maps, layers, ends, input_shape: shape })
}

struct Lowering<'a> {
    constants: HashMap<&'a str, &'a pb::TensorProto>,
    values: HashMap<String, Value>,
    maps: Vec<Map>,
    layers: Vec<Layer>,
    entry: Option<Entry>,
    /// Of the node that is being lowered.
    name: String,
}

impl Lowering<'_> {
    fn node(&mut self, node: &pb::NodeProto) -> Lowered<()> {
        let value = match &node.op_type[..] {
            "Constant" => {
                let tensor = onnx::tensor(node, "value").ok_or("only tensors are constants")?;
                Value::Constant(Constant::read(tensor).ok_or("of a type that is not read")?)
            }
            "Identity" => self.input(node, 0)?,
            "QuantizeLinear" => self.quantize(node)?,
            "DequantizeLinear" => self.dequantize(node)?,
            "Conv" => self.convolution(node)?,
            "Gemm" | "MatMul" => self.linear(node)?,
            "Add" => self.sum(node)?,
            "Mul" => self.product(node)?,
            "Concat" => self.concat(node)?,
            "Relu" => self.activation(node, Unary::Clip(0.0, f32::INFINITY))?,
            "Clip" => {
                let (low, high) = self.bounds(node)?;
                self.activation(node, Unary::Clip(low, high))?
            }
            "Sigmoid" => self.activation(node, Unary::Sigmoid)?,
            "Tanh" => self.activation(node, Unary::Tanh)?,
            "LeakyRelu" => self.activation(node, leaky(node))?,
            "HardSigmoid" => {
                let (alpha, beta) = (onnx::real(node, "alpha", 0.2), onnx::real(node, "beta", 0.5));
                self.activation(node, Unary::HardSigmoid(alpha, beta))?
            }
            "HardSwish" => self.activation(node, Unary::HardSwish)?,
            "Softmax" => self.softmax(node)?,
            "MaxPool" | "AveragePool" => self.pool(node)?,
            "GlobalAveragePool" => self.global_average(node)?,
            "ReduceMean" => self.reduce_mean(node)?,
            "Flatten" | "Reshape" | "Squeeze" => self.flatten(node)?,
            "Resize" => self.resize(node)?,
            "QLinearConv" => self.q_convolution(node)?,
            "QLinearMatMul" => self.q_linear(node, [6, 7], None)?,
            "QGemm" => self.q_linear(node, [7, 8], Some(6))?,
            "QLinearAdd" => self.q_sum(node)?,
            "QLinearMul" => self.q_product(node)?,
            "QLinearConcat" => self.q_concat(node)?,
            "QLinearSigmoid" => self.q_activation(node, Unary::Sigmoid)?,
            "QLinearLeakyRelu" => self.q_activation(node, leaky(node))?,
            "QLinearGlobalAveragePool" => {
                let (input, shape) = self.bytes(node, [0, 1, 2])?;
                let pending = self.mean_of(input, shape)?;
                self.finish_as(node, pending, [3, 4])?
            }
            "QLinearAveragePool" => {
                let (input, shape) = self.bytes(node, [0, 1, 2])?;
                let pending = self.pool_of(node, input, &shape, false)?;
                self.finish_as(node, pending, [3, 4])?
            }
            _ => return Err("has no byte form".into()),
        };
        let [name] = &node.output[..] else { return Err("has more than one output".into()) };
        self.values.insert(name.clone(), value);
        Ok(())
    }

    fn value(&self, name: &str) -> Lowered<Value> {
        if let Some(value) = self.values.get(name) {
            return Ok(value.clone());
        }
        let tensor = self.constants.get(name).ok_or_else(|| format!("`{name}` is unknown"))?;
        let constant = Constant::read(tensor);
        Ok(Value::Constant(constant.ok_or_else(|| format!("`{name}` is of a type not read"))?))
    }

    fn input(&self, node: &pb::NodeProto, i: usize) -> Lowered<Value> {
        self.value(node.input.get(i).ok_or("has too few inputs")?)
    }

    /// An input that may be absent, which ONNX writes as an empty name too.
    fn optional(&self, node: &pb::NodeProto, i: usize) -> Lowered<Option<Value>> {
        node.input.get(i).filter(|name| !name.is_empty()).map(|name| self.value(name)).transpose()
    }

    fn constant(&self, node: &pb::NodeProto, i: usize) -> Lowered<Constant> {
        match self.input(node, i)? {
            Value::Constant(constant) => Ok(constant),
            _ => Err(format!("input {i} is not a constant")),
        }
    }

    fn map(&mut self, shape: &[usize], quantization: Quantization) -> Lowered<MapId> {
        let (height, width, channels) = match *shape {
            [1, c, h, w] => (h, w, c),
            [1, c] => (1, 1, c),
            _ => return Err(format!("shape {shape:?} is not one picture")),
        };
        let bytes = height.checked_mul(width).and_then(|plane| plane.checked_mul(channels));
        if !bytes.is_some_and(|bytes| (1..=LARGEST_MAP).contains(&bytes)) {
            return Err(format!("a map of {height}x{width}x{channels} bytes"));
        }
        self.maps.push(Map { height, width, channels, quantization });
        Ok(self.maps.len() - 1)
    }

    /// Scale and zero point out of two inputs; whether the bytes are signed.
    fn quantization(&self, node: &pb::NodeProto, at: [usize; 2]) -> Lowered<(Quantization, bool)> {
        let scale = self.constant(node, at[0])?;
        let &[scale] = scale.reals().unwrap_or_default() else {
            return Err("activations with a scale for each channel".into());
        };
        let zero = match self.optional(node, at[1])? {
            Some(Value::Constant(zero)) => zero,
            Some(_) => return Err("a zero point that is not a constant".into()),
            None => Constant { shape: vec![], data: Data::U8(vec![0]) },
        };
        let (zero, signed) = match zero.data {
            Data::U8(ref v) if v.len() == 1 => (v[0], false),
            Data::I8(ref v) if v.len() == 1 => (v[0] as u8 ^ 0x80, true),
            _ => return Err("activations that are not of 8 bits".into()),
        };
        if !(scale.is_finite() && scale > 0.0) {
            return Err(format!("a scale of {scale}"));
        }
        Ok((Quantization { scale, zero }, signed))
    }

    fn quantize(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (quantization, signed) = self.quantization(node, [1, 2])?;
        let (map, shape) = match self.input(node, 0)? {
            Value::Input { kind: pb::tensor_proto::DataType::Float, shape } => {
                self.enter(Entry::Reals)?;
                (self.map(&shape, quantization)?, shape)
            }
            Value::Pending(pending) => {
                let shape = pending.shape.clone();
                (self.finish(pending, quantization)?, shape)
            }
            Value::Real { map, shape } => {
                let op = PendingOp::Unary { input: map, functions: Vec::new() };
                (self.finish(Pending::new(op, shape.clone()), quantization)?, shape)
            }
            _ => return Err("quantizes what is no activation".into()),
        };
        Ok(Value::Bytes { map, signed, shape })
    }

    fn enter(&mut self, entry: Entry) -> Lowered<()> {
        if self.entry.is_some() {
            return Err("the input is used twice".into());
        }
        self.entry = Some(entry);
        Ok(())
    }

    fn dequantize(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        if let Value::Constant(constant) = self.input(node, 0)? {
            let scale = self.constant(node, 1)?;
            let scale = scale.reals().ok_or("a scale that is not real")?.to_vec();
            let zero = match self.optional(node, 2)? {
                Some(Value::Constant(zero)) => zero.ints().ok_or("a real zero point")?,
                _ => vec![0],
            };
            return Ok(Value::Scaled { constant, scale, zero, axis: onnx::int(node, "axis", 1) });
        }
        let (map, shape) = self.bytes(node, [0, 1, 2])?;
        Ok(Value::Real { map, shape })
    }

    /// The map behind three inputs: bytes, scale, zero point.
    fn bytes(&mut self, node: &pb::NodeProto, at: [usize; 3]) -> Lowered<(MapId, Vec<usize>)> {
        let (quantization, signed) = self.quantization(node, [at[1], at[2]])?;
        match self.input(node, at[0])? {
            Value::Bytes { map, signed: stored, shape } => {
                if self.maps[map].quantization != quantization || signed != stored {
                    return Err("reads bytes by another scale than they were written by".into());
                }
                Ok((map, shape))
            }
            Value::Input { kind, shape } => {
                use pb::tensor_proto::DataType as T;
                let stored = match kind {
                    T::Uint8 => false,
                    T::Int8 => true,
                    _ => return Err("the input is not bytes".into()),
                };
                if stored != signed {
                    return Err("the zero point's type is not the input's".into());
                }
                self.enter(Entry::Bytes { signed })?;
                Ok((self.map(&shape, quantization)?, shape))
            }
            _ => Err("is not given bytes".into()),
        }
    }

    fn real(&mut self, node: &pb::NodeProto, i: usize) -> Lowered<(MapId, Vec<usize>)> {
        match self.input(node, i)? {
            Value::Real { map, shape } => Ok((map, shape)),
            Value::Pending(_) => Err(format!("input {i} was never quantized")),
            _ => Err(format!("input {i} is no quantized activation")),
        }
    }

    /// Weights as signed bytes and their scale for each of `channels`.
    fn weights(&self, value: Value, channels: usize) -> Lowered<(Vec<i8>, Vec<f32>, Vec<usize>)> {
        let Value::Scaled { constant, scale, zero, .. } = value else {
            return Err("weights that are not quantized".into());
        };
        let zero = match &zero[..] {
            [] => 0,
            [first, rest @ ..] if rest.iter().all(|z| z == first) => *first,
            _ => return Err("weights with a zero point for each channel".into()),
        };
        let ints = constant.ints().ok_or("weights that are not of 8 bits")?;
        let values: Option<Vec<i8>> = ints.iter().map(|v| i8::try_from(v - zero).ok()).collect();
        let values = values.ok_or("weights beyond a signed byte around their zero point")?;
        let scale = match scale.len() {
            1 => vec![scale[0]; channels],
            n if n == channels => scale,
            n => return Err(format!("{n} scales for {channels} channels")),
        };
        Ok((values, scale, constant.shape))
    }
}

fn leaky(node: &pb::NodeProto) -> Unary {
    Unary::LeakyRelu(onnx::real(node, "alpha", 0.01))
}

#[cfg(test)]
mod tests;
