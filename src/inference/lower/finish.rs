//! Pending operators become layers once it is known how their result is quantized.

use super::super::graph::{Layer, Map, MapId, Op, Quantization, Table};
use super::super::kernels::Output;
use super::values::{self, Pending, PendingOp, Unary};
use super::{Lowered, Lowering};

impl Lowering<'_> {
    /// Makes a pending operator a layer whose result is quantized so.
    pub(super) fn finish(
        &mut self,
        pending: Pending,
        quantization: Quantization,
    ) -> Lowered<MapId> {
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
            PendingOp::Multiply { inputs } => {
                let [a, b] = inputs.map(scale);
                let factor = a * b / quantization.scale;
                // Beyond this, instruction sets differ in how they turn a real into a whole number.
                if factor.is_nan() || factor * 65_025.0 >= 2_147_483_000.0 {
                    return Err("scales that leave 32 bits".into());
                }
                Op::Multiply { inputs, factor, output }
            }
            PendingOp::Linear { input, rows, columns } => {
                Op::Linear { input, rows, columns, output }
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

    pub(super) fn chosen(
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
    pub(super) fn lookup(
        &mut self,
        input: MapId,
        table: Box<Table>,
        quantization: Quantization,
    ) -> MapId {
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

    pub(super) fn layer(
        &mut self,
        op: Op,
        shape: &[usize],
        quantization: Quantization,
    ) -> Lowered<MapId> {
        let output = self.map(shape, quantization)?;
        self.layers.push(Layer { name: self.name.clone(), op, output });
        Ok(output)
    }
}
