//! Operators that move a window over a map: its geometry, pools, and resizing.

use tract_onnx::pb;

use super::super::graph::{Between, MapId, Window};
use super::super::onnx::{self, Constant};
use super::values::{Pending, PendingOp, Value};
use super::{LARGEST_MAP, LARGEST_STEP, Lowered, Lowering};

impl Lowering<'_> {
    pub(super) fn window(
        &self,
        node: &pb::NodeProto,
        kernel: [usize; 2],
        shape: &[usize],
    ) -> Lowered<Window> {
        let pair = |name: &str| -> Lowered<[usize; 2]> {
            match onnx::ints(node, name) {
                None => Ok([1, 1]),
                Some(&[a, b]) if [a, b].iter().all(|v| (1..=LARGEST_STEP).contains(v)) => {
                    Ok([a as usize, b as usize])
                }
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
                Some(&[a, b, c, d])
                    if [a, b, c, d].iter().all(|p| (0..=LARGEST_STEP).contains(p)) =>
                {
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
        if pad.iter().any(|&p| p > LARGEST_STEP as usize) || kernel.iter().any(|&k| k > LARGEST_MAP)
        {
            return Err("a window larger than any".into());
        }
        Ok(Window { kernel, stride, dilation, pad })
    }

    pub(super) fn pool(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
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

    pub(super) fn pool_of(
        &self,
        node: &pb::NodeProto,
        input: MapId,
        shape: &[usize],
        largest: bool,
    ) -> Lowered<Pending> {
        let Some(&[kh, kw]) = onnx::ints(node, "kernel_shape") else {
            return Err("is not over a picture".into());
        };
        let side = |k: i64| k.clamp(1, LARGEST_MAP as i64) as usize;
        let window = self.window(node, [side(kh), side(kw)], shape)?;
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

    pub(super) fn mean_of(&self, input: MapId, mut shape: Vec<usize>) -> Lowered<Pending> {
        let map = self.maps[input];
        if shape.len() != 4 {
            return Err("is not over a picture".into());
        }
        shape[2..].fill(1);
        let kernel = [map.height, map.width];
        let window = Window { kernel, stride: [1, 1], dilation: [1, 1], pad: [0; 4] };
        Ok(Pending::new(PendingOp::AveragePool { input, window, padded: false }, shape))
    }

    pub(super) fn global_average(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        self.mean_of(input, shape).map(Value::Pending)
    }

    pub(super) fn reduce_mean(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
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

    pub(super) fn resize(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.real(node, 0)?;
        let map = self.maps[input];
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
        // Where each output lies between the input's rows or columns.
        let places = |(outputs, scale): (usize, f32), length: usize| -> Lowered<Vec<f32>> {
            if outputs > LARGEST_MAP {
                return Err(format!("{outputs} outputs"));
            }
            let place = |o: usize| match how {
                "asymmetric" => Ok(o as f32 / scale),
                "pytorch_half_pixel" if outputs == 1 => Ok(0.0),
                "half_pixel" | "pytorch_half_pixel" => Ok((o as f32 + 0.5) / scale - 0.5),
                "align_corners" if outputs > 1 => {
                    Ok(o as f32 * (length - 1) as f32 / (outputs - 1) as f32)
                }
                other => Err(format!("coordinates {other}")),
            };
            (0..outputs).map(place).collect()
        };
        let rows = places(along(2, map.height)?, map.height)?;
        let columns = places(along(3, map.width)?, map.width)?;
        let shape = vec![1, shape[1], rows.len(), columns.len()];
        let op = match onnx::text(node, "mode", "nearest") {
            "nearest" => {
                let index = |at: f32, length: usize| {
                    let index = match rounding {
                        "floor" => at.floor(),
                        "ceil" => at.ceil(),
                        "round_prefer_ceil" => (at + 0.5).floor(),
                        _ => (at - 0.5).ceil(),
                    };
                    index.clamp(0.0, (length - 1) as f32) as usize
                };
                let rows = rows.into_iter().map(|at| index(at, map.height)).collect();
                let columns = columns.into_iter().map(|at| index(at, map.width)).collect();
                PendingOp::Nearest { input, rows, columns }
            }
            "linear" if onnx::int(node, "antialias", 0) == 0 => {
                let between = |at: f32, length: usize| {
                    let at = at.clamp(0.0, (length - 1) as f32);
                    let first = at as usize;
                    let second = (first + 1).min(length - 1);
                    // Beyond the last, both are the same one.
                    let weights = match second > first {
                        true => [second as f32 - at, at - first as f32],
                        false => [0.5; 2],
                    };
                    Between { places: [first, second], weights }
                };
                let rows = rows.into_iter().map(|at| between(at, map.height)).collect();
                let columns = columns.into_iter().map(|at| between(at, map.width)).collect();
                PendingOp::Linear { input, rows, columns }
            }
            other => return Err(format!("interpolates ({other})")),
        };
        Ok(Value::Pending(Pending::new(op, shape)))
    }
}
