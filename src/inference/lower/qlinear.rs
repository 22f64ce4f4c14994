//! QLinear operators, ONNX's own and `com.microsoft`'s: scales and zero points are inputs.

use tract_onnx::pb;

use super::super::onnx;
use super::values::{Bias, Pending, PendingOp, Unary, Value};
use super::{Lowered, Lowering};

impl Lowering<'_> {
    pub(super) fn q_convolution(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (input, shape) = self.bytes(node, [0, 1, 2])?;
        let weights = self.scaled(node, [3, 4, 5])?;
        let bias = self.optional(node, 8)?.map(Bias::read).transpose()?;
        let pending = self.convolution_of(node, input, &shape, weights, bias)?;
        self.finish_as(node, pending, [6, 7])
    }

    pub(super) fn q_linear(
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

    pub(super) fn scaled(&self, node: &pb::NodeProto, at: [usize; 3]) -> Lowered<Value> {
        let scale = self.constant(node, at[1])?;
        let scale = scale.reals().ok_or("a scale that is not real")?.to_vec();
        let zero = self.constant(node, at[2])?.ints().ok_or("a real zero point")?;
        Ok(Value::Scaled { constant: self.constant(node, at[0])?, scale, zero, axis: 0 })
    }

    pub(super) fn q_sum(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (a, shape) = self.bytes(node, [0, 1, 2])?;
        let (b, other) = self.bytes(node, [3, 4, 5])?;
        let pending = self.sum_of([a, b], shape, &other)?;
        self.finish_as(node, pending, [6, 7])
    }

    pub(super) fn q_product(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let (a, shape) = self.bytes(node, [0, 1, 2])?;
        let (b, other) = self.bytes(node, [3, 4, 5])?;
        let pending = self.product_of([a, b], shape, other)?;
        self.finish_as(node, pending, [6, 7])
    }

    pub(super) fn q_activation(&mut self, node: &pb::NodeProto, f: Unary) -> Lowered<Value> {
        let (input, shape) = self.bytes(node, [0, 1, 2])?;
        let op = PendingOp::Unary { input, functions: vec![f] };
        self.finish_as(node, Pending::new(op, shape), [3, 4])
    }

    pub(super) fn q_concat(&mut self, node: &pb::NodeProto) -> Lowered<Value> {
        let parts: Lowered<Vec<_>> =
            (2..node.input.len()).step_by(3).map(|i| self.bytes(node, [i, i + 1, i + 2])).collect();
        let pending = self.concat_of(onnx::int(node, "axis", 1), parts?)?;
        self.finish_as(node, pending, [0, 1])
    }

    pub(super) fn finish_as(
        &mut self,
        node: &pb::NodeProto,
        p: Pending,
        at: [usize; 2],
    ) -> Lowered<Value> {
        let (quantization, signed) = self.quantization(node, at)?;
        let shape = p.shape.clone();
        Ok(Value::Bytes { map: self.finish(p, quantization)?, signed, shape })
    }
}
