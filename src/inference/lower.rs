//! From a quantized ONNX network to a [`Graph`] of byte layers.
//!
//! Both forms are read: QDQ (float operators between DequantizeLinear and QuantizeLinear, as ONNX
//! Runtime's and PyTorch's quantizers write them) and QLinear operators, `com.microsoft`'s
//! included. The file is read before tract sees it: tract's typed model has already multiplied
//! the weights with their scales, and knows nothing of `com.microsoft`.
//!
//! A float operator becomes a layer where its result is quantized; until then it is *pending*,
//! and activations that follow narrow its range. All or nothing: a network with one operator
//! that has no byte form stays with tract as a whole, and the [`Obstacle`] names it.

mod values;

use std::collections::HashMap;
use std::fmt;

use tract_onnx::pb;

use super::graph::{Entry, Graph, Layer, Map, MapId, Op, Quantization, Table, Tail, Window};
use super::kernels::Output;
use super::onnx::{self, Constant, Data};
use values::{Bias, Pending, PendingOp, Unary, Value};

/// The first operator that has no byte form, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    pub node: String,
    pub operator: String,
    pub reason: String,
}

impl Obstacle {
    /// Nobody asked for bytes.
    pub fn unwanted() -> Obstacle {
        let (operator, reason) = ("network".to_owned(), "stock tract was asked for".to_owned());
        Obstacle { node: String::new(), operator, reason }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle { node, operator, reason } = self;
        if node.is_empty() {
            return write!(f, "{operator}: {reason}");
        }
        write!(f, "{operator} `{node}`: {reason}")
    }
}

type Lowered<T> = Result<T, String>;

/// Lowers a whole network.
pub fn lower(model: &pb::ModelProto) -> Result<Graph, Obstacle> {
    let whole = |reason: &str| Obstacle {
        node: String::new(),
        operator: "network".into(),
        reason: reason.into(),
    };
    let graph = model.graph.as_ref().ok_or_else(|| whole("the file has no graph"))?;
    let constants: HashMap<&str, &pb::TensorProto> =
        graph.initializer.iter().map(|t| (&t.name[..], t)).collect();
    let mut inputs = graph.input.iter().filter(|i| !constants.contains_key(&i.name[..]));
    let (Some(input), None, [output]) = (inputs.next(), inputs.next(), &graph.output[..]) else {
        return Err(whole("not one input and one output"));
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
        })?;
    }
    let end = lowering.value(&output.name).and_then(|v| v.floats()).map_err(|e| whole(&e))?;
    let entry = lowering.entry.ok_or_else(|| whole("the input is never quantized"))?;
    let Lowering { maps, layers, .. } = lowering;
    Ok(Graph {
        entry,
        maps,
        layers,
        exit: end.exit,
        tail: end.steps,
        input_shape: shape,
        output_shape: end.shape,
    })
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
            "Identity" => self.value(&node.input[0])?,
            "QuantizeLinear" => self.quantize(node)?,
            "DequantizeLinear" => self.dequantize(node)?,
            "Conv" => self.convolution(node)?,
            "Gemm" | "MatMul" => self.linear(node)?,
            "Add" => self.sum(node)?,
            "Concat" => self.concat(node)?,
            "Relu" => self.activation(node, Unary::Clip(0.0, f32::INFINITY))?,
            "Clip" => {
                let (low, high) = self.bounds(node)?;
                self.activation(node, Unary::Clip(low, high))?
            }
            "Sigmoid" => self.activation(node, Unary::Sigmoid)?,
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
            "QLinearConcat" => self.q_concat(node)?,
            "QLinearSigmoid" => {
                let (input, shape) = self.bytes(node, [0, 1, 2])?;
                let op = PendingOp::Unary { input, functions: vec![Unary::Sigmoid] };
                self.finish_as(node, Pending::new(op, shape), [3, 4])?
            }
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
        if height * width * channels == 0 {
            return Err("an empty map".into());
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

    fn window(&self, node: &pb::NodeProto, kernel: [usize; 2], shape: &[usize]) -> Lowered<Window> {
        let pair = |name: &str| -> Lowered<[usize; 2]> {
            match onnx::ints(node, name) {
                None => Ok([1, 1]),
                Some(&[a, b]) if a > 0 && b > 0 => Ok([a as usize, b as usize]),
                Some(other) => Err(format!("{name} {other:?}")),
            }
        };
        let (stride, dilation) = (pair("strides")?, pair("dilations")?);
        if onnx::int(node, "ceil_mode", 0) != 0 {
            return Err("rounds its size up".into());
        }
        let &[_, _, height, width] = shape else { return Err("is not given a picture".into()) };
        let same = |i: usize, length: usize| {
            let outputs = length.div_ceil(stride[i]);
            ((outputs - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1).saturating_sub(length)
        };
        let pad = match onnx::text(node, "auto_pad", "NOTSET") {
            "NOTSET" => match onnx::ints(node, "pads") {
                None => [0; 4],
                Some(&[a, b, c, d]) if [a, b, c, d].iter().all(|p| (0..4096).contains(p)) => {
                    [a as usize, b as usize, c as usize, d as usize]
                }
                Some(other) => return Err(format!("pads {other:?}")),
            },
            "VALID" => [0; 4],
            "SAME_UPPER" => {
                let (y, x) = (same(0, height), same(1, width));
                [y / 2, x / 2, y - y / 2, x - x / 2]
            }
            other => return Err(format!("auto_pad {other}")),
        };
        Ok(Window { kernel, stride, dilation, pad })
    }

    fn convolution(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        let (weights, bias) = (self.input(node, 1)?, self.optional(node, 2)?);
        let bias = bias.map(Bias::read).transpose()?;
        Ok(Value::Pending(self.convolution_of(node, input, &shape, weights, bias)?))
    }

    fn convolution_of(
        &self,
        node: &pb::NodeProto,
        input: MapId,
        shape: &[usize],
        weights: Value,
        bias: Option<Bias>,
    ) -> Lowered<Pending> {
        let Value::Scaled { constant, .. } = &weights else {
            return Err("weights that are not quantized".into());
        };
        let &[channels, ..] = &constant.shape[..] else { return Err("weights of no shape".into()) };
        let (values, scale, sizes) = self.weights(weights, channels)?;
        let &[_, depth, kh, kw] = &sizes[..] else { return Err("is not over a picture".into()) };
        let groups = onnx::int(node, "group", 1).max(1) as usize;
        let fits = depth * groups == self.maps[input].channels && channels.is_multiple_of(groups);
        if !fits || kh * kw == 0 {
            return Err(format!("weights {sizes:?} do not fit the input"));
        }
        let window = self.window(node, [kh, kw], shape)?;
        let map = self.maps[input];
        let [rows, columns] =
            window.output(map.height, map.width).ok_or("a window larger than the picture")?;
        let weights = values::reorder(&values, channels, depth, kh * kw);
        let op = PendingOp::Convolution { input, window, groups, weights, scale, bias };
        Ok(Pending::new(op, vec![1, channels, rows, columns]))
    }

    fn linear(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let value = self.input(node, 0)?;
        let bias = self.optional(node, 2)?;
        let alpha = onnx::real(node, "alpha", 1.0);
        if alpha != 1.0 || onnx::real(node, "beta", 1.0) != 1.0 || onnx::int(node, "transA", 0) != 0
        {
            return Err("scales or transposes its input".into());
        }
        let transposed = onnx::int(node, "transB", 0) != 0;
        let weights = self.input(node, 1)?;
        let bias = bias.map(Bias::read).transpose()?;
        match (&value, &weights) {
            (Value::Real { map, shape }, Value::Scaled { .. }) => {
                let pending = self.linear_of(*map, shape, weights, bias, transposed)?;
                Ok(Value::Pending(pending))
            }
            _ => {
                let mut floats = value.floats()?;
                let (matrix, rows) = weights.matrix(transposed)?;
                let bias = bias.map_or_else(|| vec![0.0; rows], |b| b.reals());
                if floats.shape.len() != 2 || matrix.len() != rows * floats.shape[1] {
                    return Err("weights that do not fit the input".into());
                }
                floats.shape[1] = rows;
                floats.steps.push(Tail::Linear { weights: matrix, bias });
                Ok(Value::Floats(floats))
            }
        }
    }

    /// A fully connected layer is a convolution whose window is the whole map.
    fn linear_of(
        &self,
        input: MapId,
        shape: &[usize],
        weights: Value,
        bias: Option<Bias>,
        transposed: bool,
    ) -> Lowered<Pending> {
        let map = self.maps[input];
        let inputs = map.height * map.width * map.channels;
        if shape != [1, inputs] {
            return Err(format!("is given {shape:?}, not one row"));
        }
        let Value::Scaled { constant, .. } = &weights else {
            return Err("weights that are not quantized".into());
        };
        let &[rows, columns] = &constant.shape[..] else { return Err("is no matrix".into()) };
        let channels = if transposed { rows } else { columns };
        let (mut values, scale, _) = self.weights(weights, channels)?;
        if values.len() != channels * inputs {
            return Err("weights that do not fit the input".into());
        }
        if !transposed {
            let at = |i: usize| values[i % inputs * channels + i / inputs];
            values = (0..values.len()).map(at).collect();
        }
        let weights = values::reorder(&values, channels, map.channels, map.height * map.width);
        let kernel = [map.height, map.width];
        let window = Window { kernel, stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
        let op = PendingOp::Convolution { input, window, groups: 1, weights, scale, bias };
        Ok(Pending::new(op, vec![1, channels]))
    }

    fn sum(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (a, shape) = self.real(node, 0)?;
        let (b, other) = self.real(node, 1)?;
        self.sum_of([a, b], shape, &other).map(Value::Pending)
    }

    fn sum_of(&self, inputs: [MapId; 2], shape: Vec<usize>, other: &[usize]) -> Lowered<Pending> {
        if shape != other {
            return Err("adds maps of different shapes".into());
        }
        Ok(Pending::new(PendingOp::Add { inputs }, shape))
    }

    fn concat(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let parts: Lowered<Vec<_>> = (0..node.input.len()).map(|i| self.real(node, i)).collect();
        self.concat_of(onnx::int(node, "axis", 1), parts?).map(Value::Pending)
    }

    fn concat_of(&self, axis: i64, parts: Vec<(MapId, Vec<usize>)>) -> Lowered<Pending> {
        let Some((_, first)) = parts.first() else { return Err("joins nothing".into()) };
        let mut shape = first.clone();
        let fits = |s: &[usize]| s.len() == 4 && s[2..] == first[2..];
        if axis != 1 && axis != -3 || !parts.iter().all(|(_, s)| fits(s)) {
            return Err("joins along another axis than the channels".into());
        }
        shape[1] = parts.iter().map(|(_, s)| s[1]).sum();
        let inputs = parts.into_iter().map(|(map, _)| map).collect();
        Ok(Pending::new(PendingOp::Concat { inputs }, shape))
    }

    /// Clip's bounds: attributes in old files, inputs in new ones.
    fn bounds(&self, node: &pb::NodeProto) -> Lowered<(f32, f32)> {
        let bound = |i: usize, name: &str, default: f32| -> Lowered<f32> {
            match self.optional(node, i)? {
                None => Ok(onnx::real(node, name, default)),
                Some(Value::Constant(c)) => {
                    c.reals().and_then(|v| v.first().copied()).ok_or("an empty bound".into())
                }
                // A bound may itself stand behind a DequantizeLinear.
                Some(value) => value.scalar().ok_or("a bound that is not a constant".into()),
            }
        };
        Ok((bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?))
    }

    fn activation(&mut self, node: &pb::NodeProto, function: Unary) -> Lowered<Value> {
        match (self.input(node, 0)?, function) {
            (Value::Pending(mut pending), Unary::Clip(low, high)) => {
                pending.narrow(low, high);
                Ok(Value::Pending(pending))
            }
            (Value::Real { map, shape }, function) => {
                let op = PendingOp::Unary { input: map, functions: vec![function] };
                Ok(Value::Pending(Pending::new(op, shape)))
            }
            (value, function) => {
                let mut floats = value.floats()?;
                floats.steps.push(match function {
                    Unary::Sigmoid => Tail::Sigmoid,
                    Unary::Clip(0.0, f32::INFINITY) => Tail::Relu,
                    Unary::Clip(..) => return Err("a bounded activation on reals".into()),
                });
                Ok(Value::Floats(floats))
            }
        }
    }

    fn softmax(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let mut floats = self.input(node, 0)?.floats()?;
        let last = floats.shape.len() as i64 - 1;
        if floats.shape.len() != 2 || ![-1, last].contains(&onnx::int(node, "axis", -1)) {
            return Err("runs along another axis than the last".into());
        }
        floats.steps.push(Tail::Softmax);
        Ok(Value::Floats(floats))
    }

    fn pool(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let largest = node.op_type == "MaxPool";
        match self.input(node, 0)? {
            // Bytes can be compared as they are.
            Value::Bytes { map, signed, shape } if largest => {
                let pending = self.pool_of(node, map, &shape, true)?;
                let (shape, quantization) = (pending.shape.clone(), self.maps[map].quantization);
                Ok(Value::Bytes { map: self.finish(pending, quantization)?, signed, shape })
            }
            Value::Real { map, shape } => {
                self.pool_of(node, map, &shape, largest).map(Value::Pending)
            }
            _ => Err("is given no quantized activation".into()),
        }
    }

    fn pool_of(
        &self,
        node: &pb::NodeProto,
        input: MapId,
        shape: &[usize],
        largest: bool,
    ) -> Lowered<Pending> {
        let Some(&[kh, kw]) = onnx::ints(node, "kernel_shape") else {
            return Err("is not over a picture".into());
        };
        let window = self.window(node, [kh.max(1) as usize, kw.max(1) as usize], shape)?;
        if window.pad[0].max(window.pad[2]) >= window.kernel[0]
            || window.pad[1].max(window.pad[3]) >= window.kernel[1]
        {
            return Err("pads by a whole window".into());
        }
        let map = self.maps[input];
        let [rows, columns] =
            window.output(map.height, map.width).ok_or("a window larger than the picture")?;
        let padded = onnx::int(node, "count_include_pad", 0) != 0;
        let op = if largest {
            PendingOp::MaxPool { input, window }
        } else {
            PendingOp::AveragePool { input, window, padded }
        };
        Ok(Pending::new(op, vec![1, map.channels, rows, columns]))
    }

    fn mean_of(&self, input: MapId, mut shape: Vec<usize>) -> Lowered<Pending> {
        let map = self.maps[input];
        if shape.len() != 4 {
            return Err("is not over a picture".into());
        }
        shape[2..].fill(1);
        let kernel = [map.height, map.width];
        let window = Window { kernel, stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
        Ok(Pending::new(PendingOp::AveragePool { input, window, padded: false }, shape))
    }

    fn global_average(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        self.mean_of(input, shape).map(Value::Pending)
    }

    fn reduce_mean(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        let axes = match onnx::ints(node, "axes") {
            Some(axes) => axes.to_vec(),
            None => self.constant(node, 1)?.ints().unwrap_or_default(),
        };
        let mut axes: Vec<i64> = axes.iter().map(|a| a.rem_euclid(4)).collect();
        axes.sort_unstable();
        if axes != [2, 3] {
            return Err("is not over the picture".into());
        }
        let mut pending = self.mean_of(input, shape)?;
        if onnx::int(node, "keepdims", 1) == 0 {
            pending.shape.truncate(2);
        }
        Ok(Value::Pending(pending))
    }

    fn flatten(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let mut value = self.input(node, 0)?;
        let shape = value.shape_mut().ok_or("flattens no activation")?;
        let count = shape.iter().product();
        let fine = match &node.op_type[..] {
            "Flatten" => onnx::int(node, "axis", 1) == 1,
            "Squeeze" => shape.len() == 4 && shape[2] * shape[3] == 1,
            _ => {
                let wanted = self.constant(node, 1)?.ints().unwrap_or_default();
                matches!(wanted[..], [-1..=1, n] if n == -1 || n == count as i64)
            }
        };
        if !fine || shape.first() != Some(&1) {
            return Err("changes the shape otherwise than to one row".into());
        }
        *shape = vec![1, count];
        Ok(value)
    }

    fn resize(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        let map = self.maps[input];
        if onnx::text(node, "mode", "nearest") != "nearest" {
            return Err("interpolates".into());
        }
        let numbers = |i: usize| -> Lowered<Option<Constant>> {
            Ok(match self.optional(node, i)? {
                Some(Value::Constant(c)) if c.len() == 4 => Some(c),
                _ => None,
            })
        };
        let (scales, sizes) = (numbers(2)?, numbers(3)?);
        let along = |i: usize, length: usize| -> Lowered<(usize, f32)> {
            if let Some(sizes) = sizes.as_ref().and_then(Constant::ints) {
                let outputs = usize::try_from(sizes[i]).unwrap_or(0);
                return Ok((outputs, outputs as f32 / length as f32));
            }
            let scale = scales.as_ref().and_then(|s| s.reals()).ok_or("has no sizes")?[i];
            Ok(((length as f32 * scale) as usize, scale))
        };
        let how = onnx::text(node, "coordinate_transformation_mode", "half_pixel");
        let rounding = onnx::text(node, "nearest_mode", "round_prefer_floor");
        let indices = |(outputs, scale): (usize, f32), length: usize| -> Lowered<Vec<usize>> {
            let place = |o: usize| -> Lowered<usize> {
                let at = match how {
                    "asymmetric" => o as f32 / scale,
                    "half_pixel" | "pytorch_half_pixel" => (o as f32 + 0.5) / scale - 0.5,
                    "align_corners" if outputs > 1 => {
                        o as f32 * (length - 1) as f32 / (outputs - 1) as f32
                    }
                    other => return Err(format!("coordinates {other}")),
                };
                let index = match rounding {
                    "floor" => at.floor(),
                    "ceil" => at.ceil(),
                    "round_prefer_ceil" => (at + 0.5).floor(),
                    _ => (at - 0.5).ceil(),
                };
                Ok(index.clamp(0.0, (length - 1) as f32) as usize)
            };
            (0..outputs).map(place).collect()
        };
        let rows = indices(along(2, map.height)?, map.height)?;
        let columns = indices(along(3, map.width)?, map.width)?;
        let shape = vec![1, shape[1], rows.len(), columns.len()];
        Ok(Value::Pending(Pending::new(PendingOp::Nearest { input, rows, columns }, shape)))
    }

    fn q_convolution(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.bytes(node, [0, 1, 2])?;
        let weights = self.scaled(node, [3, 4, 5])?;
        let bias = self.optional(node, 8)?.map(Bias::read).transpose()?;
        let pending = self.convolution_of(node, input, &shape, weights, bias)?;
        self.finish_as(node, pending, [6, 7])
    }

    fn q_linear(
        &mut self,
        node: &pb::NodeProto,
        end: [usize; 2],
        bias: Option<usize>,
    ) -> Lowered<Value> {
        let (input, shape) = self.bytes(node, [0, 1, 2])?;
        let weights = self.scaled(node, [3, 4, 5])?;
        let bias = bias.map(|i| self.optional(node, i)).transpose()?.flatten();
        let bias = bias.map(Bias::read).transpose()?;
        let transposed = onnx::int(node, "transB", 0) != 0;
        let pending = self.linear_of(input, &shape, weights, bias, transposed)?;
        if self.optional(node, end[0])?.is_none() {
            return Ok(Value::Pending(pending));
        }
        self.finish_as(node, pending, end)
    }

    fn scaled(&self, node: &pb::NodeProto, at: [usize; 3]) -> Lowered<Value> {
        let scale = self.constant(node, at[1])?;
        let scale = scale.reals().ok_or("a scale that is not real")?.to_vec();
        let zero = self.constant(node, at[2])?.ints().ok_or("a real zero point")?;
        Ok(Value::Scaled { constant: self.constant(node, at[0])?, scale, zero, axis: 0 })
    }

    fn q_sum(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (a, shape) = self.bytes(node, [0, 1, 2])?;
        let (b, other) = self.bytes(node, [3, 4, 5])?;
        let pending = self.sum_of([a, b], shape, &other)?;
        self.finish_as(node, pending, [6, 7])
    }

    fn q_concat(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let parts: Lowered<Vec<_>> =
            (2..node.input.len()).step_by(3).map(|i| self.bytes(node, [i, i + 1, i + 2])).collect();
        let pending = self.concat_of(onnx::int(node, "axis", 1), parts?)?;
        self.finish_as(node, pending, [0, 1])
    }

    fn finish_as(&mut self, node: &pb::NodeProto, p: Pending, at: [usize; 2]) -> Lowered<Value> {
        let (quantization, signed) = self.quantization(node, at)?;
        let shape = p.shape.clone();
        Ok(Value::Bytes { map: self.finish(p, quantization)?, signed, shape })
    }

    /// Makes a pending operator a layer whose result is quantized so.
    fn finish(&mut self, pending: Pending, quantization: Quantization) -> Lowered<MapId> {
        let Pending { op, shape, low, high } = pending;
        let output = Output {
            zero: quantization.zero,
            low: if low == f32::NEG_INFINITY { 0 } else { quantization.byte(low) },
            high: if high == f32::INFINITY { 255 } else { quantization.byte(high) },
        };
        let scale = |input: MapId| self.maps[input].quantization.scale;
        let table = |input: MapId, functions: &[Unary]| -> Box<Table> {
            let from = self.maps[input].quantization;
            let value = |byte: usize| {
                let real = functions.iter().fold(from.real(byte as u8), |x, f| f.of(x));
                quantization.byte(real.clamp(low, high))
            };
            Box::new(std::array::from_fn(value))
        };
        let op = match op {
            PendingOp::Convolution { input, window, groups, weights, scale, bias } => {
                let from = self.maps[input].quantization;
                let (bias, scale) = values::fold(from, quantization.scale, &weights, &scale, bias)?;
                Op::Convolution { input, window, groups, weights, bias, scale, output }
            }
            PendingOp::Add { inputs } => {
                let factors = inputs.map(|input| scale(input) / quantization.scale);
                Op::Add { inputs, factors, output }
            }
            PendingOp::Concat { inputs } => {
                Op::Concat { inputs: inputs.iter().map(|&i| (i, table(i, &[]))).collect() }
            }
            // A flattened map stays as it lies: only the order of weights depends on it.
            PendingOp::Unary { input, functions } => {
                let table = table(input, &functions);
                return Ok(self.lookup(input, table, quantization));
            }
            PendingOp::AveragePool { input, window, padded } => {
                let factor = scale(input) / quantization.scale;
                Op::AveragePool { input, window, padded, factor, output }
            }
            // These only choose among bytes; a table follows where their meaning changes.
            PendingOp::MaxPool { input, window } => {
                let op = Op::MaxPool { input, window };
                return self.chosen(op, input, &shape, quantization, &table(input, &[]));
            }
            PendingOp::Nearest { input, rows, columns } => {
                let op = Op::Nearest { input, rows, columns };
                return self.chosen(op, input, &shape, quantization, &table(input, &[]));
            }
        };
        self.layer(op, &shape, quantization)
    }

    fn chosen(
        &mut self,
        op: Op,
        input: MapId,
        shape: &[usize],
        quantization: Quantization,
        table: &Table,
    ) -> Lowered<MapId> {
        let from = self.maps[input].quantization;
        let map = self.layer(op, shape, from)?;
        Ok(self.lookup(map, Box::new(*table), quantization))
    }

    /// A table over a map of any shape; nothing where it would change nothing.
    fn lookup(&mut self, input: MapId, table: Box<Table>, quantization: Quantization) -> MapId {
        let same = table.iter().enumerate().all(|(i, &byte)| i == usize::from(byte));
        if same && self.maps[input].quantization == quantization {
            return input;
        }
        self.maps.push(Map { quantization, ..self.maps[input] });
        let output = self.maps.len() - 1;
        self.layers.push(Layer {
            name: self.name.clone(),
            op: Op::Lookup { input, table },
            output,
        });
        output
    }

    fn layer(&mut self, op: Op, shape: &[usize], quantization: Quantization) -> Lowered<MapId> {
        let output = self.map(shape, quantization)?;
        self.layers.push(Layer { name: self.name.clone(), op, output });
        Ok(output)
    }
}
