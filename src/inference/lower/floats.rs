//! Float operators between DequantizeLinear and QuantizeLinear.

use tract_onnx::pb;

use super::super::graph::{End, MapId, Tail, Window};
use super::super::onnx;
use super::values::{self, Bias, Pending, PendingOp, Unary, Value};
use super::{LARGEST_MAP, Lowered, Lowering};

impl Lowering<'_> {
    pub(super) fn convolution(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        let (weights, bias) = (self.input(node, 1)?, self.optional(node, 2)?);
        let bias = bias.map(Bias::read).transpose()?;
        Ok(Value::Pending(self.convolution_of(node, input, &shape, weights, bias)?))
    }

    pub(super) fn convolution_of(
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
        let sides = [0, 1].map(|i| window.pad[i] + window.pad[i + 2]);
        let padded = (map.height + sides[0]) * (map.width + sides[1]);
        if padded.saturating_mul(map.channels) > LARGEST_MAP {
            return Err("a map with its padding too large".into());
        }
        let weights = values::reorder(&values, channels, depth, kh * kw);
        let op = PendingOp::Convolution { input, window, groups, weights, scale, bias };
        Ok(Pending::new(op, vec![1, channels, rows, columns]))
    }

    pub(super) fn linear(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
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
                floats.tail.push(Tail::Linear { weights: matrix, bias });
                Ok(Value::Floats(floats))
            }
        }
    }

    /// A fully connected layer is a convolution whose window is the whole map.
    pub(super) fn linear_of(
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

    pub(super) fn sum(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        if let Some(value) = self.with_number(node, Unary::Plus)? {
            return Ok(value);
        }
        if let Some(value) = self.with_row(node)? {
            return Ok(value);
        }
        let (a, shape) = self.real(node, 0)?;
        let (b, other) = self.real(node, 1)?;
        self.sum_of([a, b], shape, &other).map(Value::Pending)
    }

    /// A row of results and a row of numbers: the bias of a fully connected layer, or a step at an
    /// end of the network, where one number may go to all.
    fn with_row(&self, node: &pb::NodeProto) -> Lowered<Option<Value>> {
        let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
        let (value, constant) = if a.count().is_some() { (b, a) } else { (a, b) };
        let Some(numbers) = constant.row() else { return Ok(None) };
        let fits = |shape: &[usize]| shape.len() == 2 && shape[1] == numbers.len();
        let end = match value {
            Value::Pending(Pending {
                op: PendingOp::Convolution { input, window, groups, weights, scale, bias: None },
                shape,
                low: f32::NEG_INFINITY,
                high: f32::INFINITY,
            }) if fits(&shape) => {
                let bias = Some(Bias::Reals(numbers));
                let op = PendingOp::Convolution { input, window, groups, weights, scale, bias };
                return Ok(Some(Value::Pending(Pending::new(op, shape))));
            }
            Value::Floats(end) => end,
            _ => return Ok(None),
        };
        if numbers.len() != 1 && !fits(&end.shape) {
            return Err("adds numbers that do not fit the row".into());
        }
        let tail = end.tail.into_iter().chain([Tail::Plus(numbers)]).collect();
        Ok(Some(Value::Floats(End { tail, ..end })))
    }

    pub(super) fn product(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        if let Some(value) = self.with_number(node, Unary::Times)? {
            return Ok(value);
        }
        let (a, shape) = self.real(node, 0)?;
        let (b, other) = self.real(node, 1)?;
        self.product_of([a, b], shape, other).map(Value::Pending)
    }

    /// A map and a constant of one number.
    fn with_number(
        &self,
        node: &pb::NodeProto,
        function: fn(f32) -> Unary,
    ) -> Lowered<Option<Value>> {
        let (a, b) = (self.input(node, 0)?, self.input(node, 1)?);
        let ((Value::Real { map, shape }, constant) | (constant, Value::Real { map, shape })) =
            (a, b)
        else {
            return Ok(None);
        };
        let Some(number) = constant.scalar().filter(|_| constant.count() == Some(1)) else {
            return Ok(None);
        };
        let op = PendingOp::Unary { input: map, functions: vec![function(number)] };
        Ok(Some(Value::Pending(Pending::new(op, shape))))
    }

    pub(super) fn product_of(
        &self,
        inputs: [MapId; 2],
        shape: Vec<usize>,
        other: Vec<usize>,
    ) -> Lowered<Pending> {
        let one = |s: &[usize]| s.len() == 4 && s[2] * s[3] == 1;
        let channels = shape.len() == other.len() && shape.get(1) == other.get(1);
        let shape = match channels {
            true if shape == other || one(&other) => shape,
            true if one(&shape) => other,
            _ => return Err("multiplies maps of different shapes".into()),
        };
        Ok(Pending::new(PendingOp::Multiply { inputs }, shape))
    }

    pub(super) fn sum_of(
        &self,
        inputs: [MapId; 2],
        shape: Vec<usize>,
        other: &[usize],
    ) -> Lowered<Pending> {
        if shape != other {
            return Err("adds maps of different shapes".into());
        }
        Ok(Pending::new(PendingOp::Add { inputs }, shape))
    }

    pub(super) fn concat(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let parts: Lowered<Vec<_>> = (0..node.input.len()).map(|i| self.real(node, i)).collect();
        self.concat_of(onnx::int(node, "axis", 1), parts?).map(Value::Pending)
    }

    pub(super) fn concat_of(&self, axis: i64, parts: Vec<(MapId, Vec<usize>)>) -> Lowered<Pending> {
        let Some((_, first)) = parts.first() else { return Err("joins nothing".into()) };
        let mut shape = first.clone();
        let rank = first.len() as i64;
        // Of a row, only a map of one pixel has its channels in this order.
        let row = |map: MapId| self.maps[map].height * self.maps[map].width == 1;
        let fits = |(map, s): &(MapId, Vec<usize>)| match s.len() {
            2 => rank == 2 && row(*map),
            4 => s[2..] == first[2..],
            _ => false,
        };
        if axis != 1 && axis != 1 - rank || !parts.iter().all(fits) {
            return Err("joins along another axis than the channels".into());
        }
        shape[1] = parts.iter().map(|(_, s)| s[1]).sum();
        let inputs = parts.into_iter().map(|(map, _)| map).collect();
        Ok(Pending::new(PendingOp::Concat { inputs }, shape))
    }

    /// Clip's bounds: attributes in old files, inputs in new ones.
    pub(super) fn bounds(&self, node: &pb::NodeProto) -> Lowered<(f32, f32)> {
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

    pub(super) fn activation(&mut self, node: &pb::NodeProto, function: Unary) -> Lowered<Value> {
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
                floats.tail.push(match function {
                    Unary::Sigmoid => Tail::Sigmoid,
                    Unary::Clip(0.0, f32::INFINITY) => Tail::Relu,
                    Unary::Clip(..) => return Err("a bounded activation on reals".into()),
                    _ => return Err("an activation on reals".into()),
                });
                Ok(Value::Floats(floats))
            }
        }
    }

    pub(super) fn softmax(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let mut floats = self.input(node, 0)?.floats()?;
        let last = floats.shape.len() as i64 - 1;
        if floats.shape.len() != 2 || ![-1, last].contains(&onnx::int(node, "axis", -1)) {
            return Err("runs along another axis than the last".into());
        }
        floats.tail.push(Tail::Softmax);
        Ok(Value::Floats(floats))
    }

    pub(super) fn flatten(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
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
}
