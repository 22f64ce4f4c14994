//! What a quantized network computes, in bytes: the lowered form between ONNX and the engine.
//!
//! Every map of activations is unsigned bytes, height by width by channels, with one scale and
//! zero point; signed ones have been relabelled (zero point + 128). Floats appear again only in
//! the few numbers at the network's end.

use super::kernels::Output;

/// `real = scale * (byte - zero)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantization {
    pub scale: f32,
    pub zero: u8,
}

impl Quantization {
    /// As ONNX's QuantizeLinear: divided, rounded half to even, saturated.
    pub fn byte(self, real: f32) -> u8 {
        // A byte from a number that is none would hide it; a network gives none.
        ((real / self.scale).round_ties_even() + f32::from(self.zero)).clamp(0.0, 255.0) as u8
    }

    pub fn real(self, byte: u8) -> f32 {
        (i32::from(byte) - i32::from(self.zero)) as f32 * self.scale
    }
}

/// A map of activations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Map {
    pub height: usize,
    pub width: usize,
    pub channels: usize,
    pub quantization: Quantization,
}

/// Index of a map in [`Graph::maps`].
pub type MapId = usize;

/// A window that moves over a map: height before width; `pad` is top, left, bottom, right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    pub pad: [usize; 4],
}

impl Window {
    /// Rows and columns of the output; none if the window is larger than the padded input.
    pub fn output(&self, height: usize, width: usize) -> Option<[usize; 2]> {
        let along = |i: usize, length: usize| {
            let padded = length + self.pad[i] + self.pad[i + 2];
            let span = self.dilation[i] * (self.kernel[i] - 1) + 1;
            (padded >= span).then(|| (padded - span) / self.stride[i] + 1)
        };
        Some([along(0, height)?, along(1, width)?])
    }
}

/// A place between two rows or columns, and what each of them weighs there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    pub places: [usize; 2],
    pub weights: [f32; 2],
}

/// Values of a byte function, such as an activation or another quantization.
pub type Table = [u8; 256];

/// One layer's operation.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// `weights`: output channel, window row, window column, input channel of the group.
    Convolution {
        input: MapId,
        window: Window,
        groups: usize,
        weights: Vec<i8>,
        bias: Vec<i32>,
        scale: Vec<f32>,
        output: Output,
    },
    /// `round((a - zero_a) * factors[0] + (b - zero_b) * factors[1]) + zero`, each product and
    /// the sum rounded to f32.
    Add {
        inputs: [MapId; 2],
        factors: [f32; 2],
        output: Output,
    },
    /// `round((a - zero_a) * (b - zero_b) * factor) + zero`; either may be of one pixel, which
    /// then meets every pixel of the other.
    Multiply {
        inputs: [MapId; 2],
        factor: f32,
        output: Output,
    },
    Lookup {
        input: MapId,
        table: Box<Table>,
    },
    /// Channels of one after those of the other, each through a table of its own.
    Concat {
        inputs: Vec<(MapId, Box<Table>)>,
    },
    MaxPool {
        input: MapId,
        window: Window,
    },
    /// `round((sum - n * zero_in) * factor / n) + zero`, over the pixels inside the map, or with
    /// `padded` over all of the window.
    AveragePool {
        input: MapId,
        window: Window,
        padded: bool,
        factor: f32,
        output: Output,
    },
    /// Each output row and column takes the input's row and column named here.
    Nearest {
        input: MapId,
        rows: Vec<usize>,
        columns: Vec<usize>,
    },
    /// Each output row and column lies between two of the input's. On reals, as ONNX Runtime adds
    /// them up: row weight times column weight times value, from the first row to the second.
    Linear {
        input: MapId,
        rows: Vec<Between>,
        columns: Vec<Between>,
        output: Output,
    },
}

impl Op {
    pub fn inputs(&self) -> Vec<MapId> {
        match self {
            Op::Convolution { input, .. }
            | Op::Lookup { input, .. }
            | Op::MaxPool { input, .. }
            | Op::AveragePool { input, .. }
            | Op::Nearest { input, .. }
            | Op::Linear { input, .. } => vec![*input],
            Op::Add { inputs, .. } | Op::Multiply { inputs, .. } => inputs.to_vec(),
            Op::Concat { inputs } => inputs.iter().map(|(input, _)| *input).collect(),
        }
    }

    /// For tables of layers.
    pub fn kind(&self) -> &'static str {
        match self {
            Op::Convolution { groups, weights, bias, window, .. } => {
                let depthwise = *groups == bias.len()
                    && weights.len() == bias.len() * window.kernel[0] * window.kernel[1];
                match (depthwise && *groups > 1, window.kernel) {
                    (true, _) => "depthwise",
                    (_, [1, 1]) => "pointwise",
                    _ => "convolution",
                }
            }
            Op::Add { .. } => "add",
            Op::Multiply { .. } => "multiply",
            Op::Lookup { .. } => "lookup",
            Op::Concat { .. } => "concat",
            Op::MaxPool { .. } => "max pool",
            Op::AveragePool { .. } => "average pool",
            Op::Nearest { .. } | Op::Linear { .. } => "resize",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// The name of the ONNX node.
    pub name: String,
    pub op: Op,
    pub output: MapId,
}

/// How the network's input becomes its first map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Bytes as they are; signed ones are relabelled.
    Bytes { signed: bool },
    /// Reals, quantized as the map says.
    Reals,
}

/// How a map becomes an output of the network: reals, in ONNX's order (channel, row, column).
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exit {
    /// Mean of each channel.
    Mean(MapId),
    /// Every byte as a real.
    Flat(MapId),
}

impl Exit {
    pub fn map(self) -> MapId {
        let (Exit::Mean(map) | Exit::Flat(map)) = self;
        map
    }
}

/// A step on the reals at the end. Sums run in order, so they are the same everywhere.
#[derive(Debug, Clone, PartialEq)]
pub enum Tail {
    /// `weights`: output by input.
    Linear {
        weights: Vec<f32>,
        bias: Vec<f32>,
    },
    /// One number to each real, or the same to all.
    Plus(Vec<f32>),
    Relu,
    Sigmoid,
    /// Over each row of that many.
    Softmax,
}

/// An output of the network.
#[derive(Debug, Clone, PartialEq)]
pub struct End {
    pub exit: Exit,
    pub tail: Vec<Tail>,
    /// As ONNX declares it.
    pub shape: Vec<usize>,
}

/// A whole network.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    pub entry: Entry,
    /// The first one is the input.
    pub maps: Vec<Map>,
    pub layers: Vec<Layer>,
    /// At least one, in ONNX's order.
    pub ends: Vec<End>,
    /// As ONNX declares it.
    pub input_shape: Vec<usize>,
}

impl Graph {
    /// Multiply-accumulates of a layer, for one input.
    pub fn macs(&self, layer: &Layer) -> usize {
        match &layer.op {
            Op::Convolution { weights, .. } => {
                let map = self.maps[layer.output];
                weights.len() * map.height * map.width
            }
            _ => 0,
        }
    }
}
