//! What lowering knows of each value of the ONNX file.

use tract_onnx::pb::tensor_proto::DataType;

use super::super::graph::{Between, End, Exit, MapId, Quantization, Tail, Window};
use super::super::onnx::Constant;
use super::Lowered;

#[derive(Debug, Clone)]
pub enum Value {
    Input {
        kind: DataType,
        shape: Vec<usize>,
    },
    Constant(Constant),
    /// A constant behind a DequantizeLinear.
    Scaled {
        constant: Constant,
        scale: Vec<f32>,
        zero: Vec<i64>,
        axis: i64,
    },
    /// A map, as bytes.
    Bytes {
        map: MapId,
        signed: bool,
        shape: Vec<usize>,
    },
    /// A map behind a DequantizeLinear.
    Real {
        map: MapId,
        shape: Vec<usize>,
    },
    /// A float operator whose result has not been quantized yet.
    Pending(Pending),
    /// The reals at an end of the network.
    Floats(End),
}

impl Value {
    pub fn shape_mut(&mut self) -> Option<&mut Vec<usize>> {
        match self {
            Value::Bytes { shape, .. } | Value::Real { shape, .. } => Some(shape),
            Value::Pending(pending) => Some(&mut pending.shape),
            Value::Floats(floats) => Some(&mut floats.shape),
            _ => None,
        }
    }

    /// Leaves the bytes for good.
    pub fn floats(self) -> Lowered<End> {
        match self {
            Value::Floats(floats) => Ok(floats),
            Value::Real { map, shape } => {
                Ok(End { exit: Exit::Flat(map), tail: Vec::new(), shape })
            }
            Value::Pending(pending) => pending.floats(),
            _ => Err("is not real numbers".into()),
        }
    }

    /// A constant matrix of reals as output by input, and its rows.
    pub fn matrix(&self, transposed: bool) -> Lowered<(Vec<f32>, usize)> {
        let (shape, values) = match self {
            Value::Constant(constant) => {
                let reals = constant.reals().ok_or("weights that are not real")?;
                (&constant.shape, reals.to_vec())
            }
            Value::Scaled { constant, scale, zero, axis } => {
                let ints = constant.ints().ok_or("weights that are not whole numbers")?;
                let &[_, columns] = &constant.shape[..] else { return Err("is no matrix".into()) };
                let along = |i: usize| if *axis == 0 { i / columns } else { i % columns };
                let pick = |len: usize, i: usize| if len == 1 { 0 } else { along(i) };
                let real = |(i, &v): (usize, &i64)| -> Option<f32> {
                    let zero = zero.get(pick(zero.len(), i)).copied().unwrap_or(0);
                    Some((v - zero) as f32 * scale.get(pick(scale.len(), i))?)
                };
                let reals: Option<Vec<f32>> = ints.iter().enumerate().map(real).collect();
                (&constant.shape, reals.ok_or("scales that do not fit the weights")?)
            }
            _ => return Err("weights that are no constant".into()),
        };
        let &[rows, columns] = &shape[..] else { return Err("is no matrix".into()) };
        if transposed {
            return Ok((values, rows));
        }
        let at = |i: usize| values[i % rows * columns + i / rows];
        Ok(((0..values.len()).map(at).collect(), columns))
    }

    /// How many numbers a constant has.
    pub fn count(&self) -> Option<usize> {
        match self {
            Value::Constant(constant) | Value::Scaled { constant, .. } => Some(constant.len()),
            _ => None,
        }
    }

    /// A constant of real numbers in a row.
    pub fn row(&self) -> Option<Vec<f32>> {
        match self {
            Value::Constant(constant) => {
                let numbers = constant.reals()?;
                let row = constant.shape.iter().rev().skip(1).all(|&d| d == 1);
                (row && !numbers.is_empty()).then(|| numbers.to_vec())
            }
            Value::Scaled { constant, .. } if constant.len() == 1 => Some(vec![self.scalar()?]),
            _ => None,
        }
    }

    /// A constant of one number.
    pub fn scalar(&self) -> Option<f32> {
        match self {
            Value::Constant(constant) => constant.reals()?.first().copied(),
            Value::Scaled { constant, scale, zero, .. } => {
                let value = constant.ints()?.first()? - zero.first().copied().unwrap_or(0);
                Some(value as f32 * scale.first()?)
            }
            _ => None,
        }
    }
}

/// A byte function of one variable, on the reals that the bytes stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unary {
    Clip(f32, f32),
    Sigmoid,
    Tanh,
    /// With the slope below zero.
    LeakyRelu(f32),
    /// `clip(alpha * x + beta, 0, 1)`.
    HardSigmoid(f32, f32),
    HardSwish,
    Plus(f32),
    Times(f32),
}

impl Unary {
    pub fn of(self, x: f32) -> f32 {
        match self {
            Unary::Clip(low, high) => x.max(low).min(high),
            Unary::Sigmoid => 1.0 / (1.0 + libm::expf(-x)),
            Unary::Tanh => libm::tanhf(x),
            Unary::LeakyRelu(slope) => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Unary::HardSigmoid(alpha, beta) => (alpha * x + beta).clamp(0.0, 1.0),
            Unary::HardSwish => x * (x / 6.0 + 0.5).clamp(0.0, 1.0),
            Unary::Plus(y) => x + y,
            Unary::Times(y) => x * y,
        }
    }
}

#[derive(Debug, Clone)]
pub struct Pending {
    pub op: PendingOp,
    pub shape: Vec<usize>,
    /// Range that activations have narrowed the result to.
    pub low: f32,
    pub high: f32,
}

#[derive(Debug, Clone)]
pub enum PendingOp {
    Convolution {
        input: MapId,
        window: Window,
        groups: usize,
        weights: Vec<i8>,
        scale: Vec<f32>,
        bias: Option<Bias>,
    },
    Add {
        inputs: [MapId; 2],
    },
    Multiply {
        inputs: [MapId; 2],
    },
    Concat {
        inputs: Vec<MapId>,
    },
    Unary {
        input: MapId,
        functions: Vec<Unary>,
    },
    MaxPool {
        input: MapId,
        window: Window,
    },
    AveragePool {
        input: MapId,
        window: Window,
        padded: bool,
    },
    Nearest {
        input: MapId,
        rows: Vec<usize>,
        columns: Vec<usize>,
    },
    Linear {
        input: MapId,
        rows: Vec<Between>,
        columns: Vec<Between>,
    },
}

impl Pending {
    pub fn new(op: PendingOp, shape: Vec<usize>) -> Pending {
        Pending { op, shape, low: f32::NEG_INFINITY, high: f32::INFINITY }
    }

    pub fn narrow(&mut self, low: f32, high: f32) {
        self.low = self.low.max(low).min(high);
        self.high = self.high.min(high).max(low);
    }

    fn floats(self) -> Lowered<End> {
        let unlimited = self.low == f32::NEG_INFINITY && self.high == f32::INFINITY;
        let (exit, tail) = match self.op {
            PendingOp::AveragePool { input, .. }
                if self.shape.len() == 2 || self.shape[2..] == [1, 1] =>
            {
                (Exit::Mean(input), Vec::new())
            }
            // The last fully connected layer of a picture of one pixel.
            PendingOp::Convolution { input, window, weights, scale, bias, groups: 1 }
                if self.shape.len() == 2 && window.kernel == [1, 1] =>
            {
                let inputs = weights.len() / scale.len();
                let real = |(i, &w): (usize, &i8)| f32::from(w) * scale[i / inputs];
                let weights = weights.iter().enumerate().map(real).collect();
                let bias = bias.map_or_else(|| vec![0.0; scale.len()], |b| b.reals());
                (Exit::Flat(input), vec![Tail::Linear { weights, bias }])
            }
            _ => return Err("is used as reals, and never quantized".into()),
        };
        if !unlimited {
            return Err("is bounded, and never quantized".into());
        }
        Ok(End { exit, tail, shape: self.shape })
    }
}

/// A bias, quantized or not.
#[derive(Debug, Clone)]
pub enum Bias {
    /// In units of input scale times weight scale.
    Sums(Vec<i32>),
    Scaled {
        values: Vec<i64>,
        scale: Vec<f32>,
    },
    Reals(Vec<f32>),
}

impl Bias {
    pub fn read(value: Value) -> Lowered<Bias> {
        match value {
            Value::Constant(constant) => match &constant.data {
                super::Data::F32(v) => Ok(Bias::Reals(v.clone())),
                super::Data::I32(v) => Ok(Bias::Sums(v.clone())),
                _ => Err("a bias that is neither real nor of 32 bits".into()),
            },
            Value::Scaled { constant, scale, .. } => {
                let values = constant.ints().ok_or("a real bias")?;
                if scale.len() != 1 && scale.len() != values.len() {
                    return Err("a bias with another number of scales".into());
                }
                Ok(Bias::Scaled { values, scale })
            }
            _ => Err("a bias that is no constant".into()),
        }
    }

    pub fn reals(&self) -> Vec<f32> {
        match self {
            Bias::Sums(v) => v.iter().map(|&v| v as f32).collect(),
            Bias::Scaled { values, scale } => {
                let factor = |i: usize| scale[if scale.len() == 1 { 0 } else { i }];
                values.iter().enumerate().map(|(i, &v)| v as f32 * factor(i)).collect()
            }
            Bias::Reals(v) => v.clone(),
        }
    }

    fn len(&self) -> usize {
        match self {
            Bias::Sums(v) => v.len(),
            Bias::Scaled { values, .. } => values.len(),
            Bias::Reals(v) => v.len(),
        }
    }

    /// The bias of channel `c` in units of `unit`.
    fn sum(&self, c: usize, unit: f32) -> f64 {
        match self {
            Bias::Sums(v) => f64::from(v[c]),
            Bias::Scaled { values, scale } => {
                let scale = scale[if scale.len() == 1 { 0 } else { c }];
                // Quantizers write the product of both scales; it may differ in the last bits.
                let same = (scale / unit - 1.0).abs() < 1e-5;
                let factor = if same { 1.0 } else { f64::from(scale) / f64::from(unit) };
                (values[c] as f64 * factor).round_ties_even()
            }
            Bias::Reals(v) => (f64::from(v[c]) / f64::from(unit)).round_ties_even(),
        }
    }
}

/// Channel, row, column to row, column, channel, for each output channel.
pub fn reorder(values: &[i8], channels: usize, depth: usize, taps: usize) -> Vec<i8> {
    let window = depth * taps;
    let at = |i: usize| values[i / window * window + i % depth * taps + i % window / depth];
    (0..channels * window).map(at).collect()
}

/// Folds the input's zero point into the bias and all scales into one factor a channel.
///
/// A bias so near the end of 32 bits that a sum could overflow is cut by what could be added to it:
/// quantizers write such for channels whose weights are all but zero, and there that is nothing.
pub fn fold(
    from: Quantization,
    to: f32,
    weights: &[i8],
    scale: &[f32],
    bias: Option<Bias>,
) -> Lowered<(Vec<i32>, Vec<f32>)> {
    let channels = scale.len();
    if bias.as_ref().is_some_and(|b| b.len() != channels) {
        return Err("a bias that does not fit the channels".into());
    }
    let window = weights.len() / channels;
    let mut folded = (Vec::with_capacity(channels), Vec::with_capacity(channels));
    for (c, &scale) in scale.iter().enumerate() {
        let row = &weights[c * window..(c + 1) * window];
        let sum: i64 = row.iter().map(|&w| i64::from(w)).sum();
        let reach: i64 = 255 * row.iter().map(|&w| i64::from(w).abs()).sum::<i64>();
        let unit = from.scale * scale;
        let own = bias.as_ref().map_or(0.0, |bias| bias.sum(c, unit));
        let limit = i64::from(i32::MAX) - reach - 1;
        if limit <= 0 || own.abs() > f64::from(i32::MAX) + 1.0 {
            return Err("sums beyond 32 bits".into());
        }
        let bias = (own as i64).saturating_sub(i64::from(from.zero) * sum).clamp(-limit, limit);
        let factor = unit / to;
        // Beyond this, instruction sets differ in how they turn a real into a whole number.
        let most = (bias.abs() + reach) as f64 * f64::from(factor);
        if !(factor.is_finite() && factor >= 0.0 && most < 2_147_483_000.0) {
            return Err("scales that leave 32 bits".into());
        }
        folded.0.push(bias as i32);
        folded.1.push(factor);
    }
    Ok(folded)
}
