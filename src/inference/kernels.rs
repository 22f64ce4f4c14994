//! Dense and depthwise convolution on bytes, for every processor.
//!
//! One arithmetic, whatever the instruction set: `acc` is the exact i32 sum of bias and of
//! activation times weight, and
//! `y = clamp(round_half_even(f32(acc) * scale) + zero, low, high)`
//! with one f32 multiplication, which no compiler may fuse (ONNX's QLinearConv with its scales
//! folded into one factor). [`scalar`] is the definition; tests hold every other kernel to its bits.
//!
//! Activations lie in a flat arena as rows of pixels of channels (NHWC). A kernel reads *strips*:
//! runs of adjacent bytes, such as one row of a convolution's window, so nothing is copied
//! together first. All `unsafe` of the program is in this module: raw pointers are only used for
//! places that [`Geometry::check`] has found to lie within the arena.
//!
//! NEON multiplies signed bytes only. There, the arena holds each byte with its top bit flipped
//! ([`Isa::flip`]), which is the same number less 128; the bias makes up for it.

#![allow(unsafe_code)]

mod arena;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod bytes;
#[cfg(target_arch = "aarch64")]
mod neon;
mod peak;
mod quads;
mod rows;
pub mod scalar;
mod step;
mod team;

use std::ops::Range;

pub use arena::{Arena, Part};
pub use peak::peak;
pub use rows::{
    Columns, Product, Sum, add_row, add_up, blend, larger, largest, look_up, multiply_row,
    quantize_row,
};
pub use step::{Place, Scratch, Step, Work};
pub use team::Team;

/// Bytes that a kernel may read behind the last strip, and that an arena has behind its last map.
pub const SLACK: usize = 128;

/// An instruction set that there are kernels for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Isa {
    Scalar,
    Avx2,
    AvxVnni,
    Avx512Vnni,
    Neon,
    NeonDot,
}

impl Isa {
    /// What this processor has, the fastest last.
    pub fn available() -> Vec<Isa> {
        let mut found = vec![Isa::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx2") {
                found.push(Isa::Avx2);
                if is_x86_feature_detected!("avxvnni") {
                    found.push(Isa::AvxVnni);
                }
            }
            if avx512::detected() {
                found.push(Isa::Avx512Vnni);
            }
        }
        #[cfg(target_arch = "aarch64")]
        {
            found.push(Isa::Neon);
            if std::arch::is_aarch64_feature_detected!("dotprod") {
                found.push(Isa::NeonDot);
            }
        }
        found
    }

    /// The fastest of this processor.
    pub fn best() -> Isa {
        Isa::available().pop().unwrap_or(Isa::Scalar)
    }

    /// The available one of that name.
    pub fn named(name: &str) -> Option<Isa> {
        Isa::available().into_iter().find(|isa| isa.name() == name)
    }

    /// As users write it.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Scalar => "scalar",
            Isa::Avx2 => "avx2",
            Isa::AvxVnni => "avx-vnni",
            Isa::Avx512Vnni => "avx512-vnni",
            Isa::Neon => "neon",
            Isa::NeonDot => "neon-dotprod",
        }
    }

    /// What each byte of the arena is combined with (exclusive or).
    pub fn flip(self) -> u8 {
        if matches!(self, Isa::Neon | Isa::NeonDot) { 0x80 } else { 0 }
    }
}

/// Where a layer reads and writes, in bytes of the arena.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Geometry {
    /// Output rows and pixels in one.
    pub rows: usize,
    pub width: usize,
    /// From one output pixel, or row, to the next: how far the window moves over the input.
    pub in_x: usize,
    pub in_y: usize,
    /// The same in the output.
    pub out_x: usize,
    pub out_y: usize,
    /// Where the window's strips start, from the window's own start.
    pub strips: Vec<usize>,
    /// Bytes of a strip: taps times channels for a dense layer, channels for a depthwise one.
    pub depth: usize,
}

impl Geometry {
    /// Input bytes from the first that is read to the last.
    pub fn reach(&self) -> usize {
        let last = self.strips.iter().max().copied().unwrap_or(0);
        (self.rows - 1) * self.in_y + (self.width - 1) * self.in_x + last + self.depth
    }

    /// A thread's part of the output: rows, or where there are too few, pixels of every row. None
    /// if it is not worth its while.
    fn share(&self, part: Part) -> Option<Share> {
        let all = Share { rows: 0..self.rows, columns: 0..self.width };
        // No tile is wider.
        const LEAST: usize = 16;
        let share = if self.rows >= part.of {
            Share { rows: part.rows(self.rows), ..all }
        } else if self.width >= part.of * LEAST {
            Share { columns: part.rows(self.width), ..all }
        } else if part.index == 0 {
            all
        } else {
            return None;
        };
        Some(share)
    }

    /// Panics unless every byte that is read or written lies in an arena of `len` bytes: an error
    /// of the planner's that must not become a stray write.
    fn check(&self, len: usize, src: usize, dst: usize, channels: usize) {
        let written = (self.rows - 1) * self.out_y + (self.width - 1) * self.out_x + channels;
        assert!(src + self.reach() + SLACK <= len && dst + written + SLACK <= len);
    }
}

/// What a thread computes of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Share {
    rows: Range<usize>,
    columns: Range<usize>,
}

/// How sums become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    pub zero: u8,
    pub low: u8,
    pub high: u8,
}

/// A layer's numbers: `values` is channel by strip by byte of it (dense), or tap by channel
/// (depthwise); `bias` holds the input's zero point already.
#[derive(Debug, Clone, PartialEq)]
pub struct Weights {
    pub values: Vec<i8>,
    pub bias: Vec<i32>,
    pub scale: Vec<f32>,
}

impl Weights {
    pub fn channels(&self) -> usize {
        self.bias.len()
    }

    /// The bias for flipped activations: `sum((a - 128) * w) + 128 * sum(w)`.
    #[cfg(target_arch = "aarch64")]
    fn flipped_bias(&self, sum: impl Fn(usize) -> i32) -> Vec<i32> {
        self.bias.iter().enumerate().map(|(c, b)| b + 128 * sum(c)).collect()
    }
}

/// Packed weights by cache lines: a register's load must not straddle two.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line<T: Copy, const N: usize>([T; N]);

/// `values` from the start of a line on; what is over is filled with `fill`.
fn lines<T: Copy, const N: usize>(values: &[T], fill: T) -> Vec<Line<T, N>> {
    let line = |chunk: &[T]| Line(std::array::from_fn(|i| *chunk.get(i).unwrap_or(&fill)));
    values.chunks(N).map(line).collect()
}

enum DenseKernel {
    Scalar(Weights),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::Dense),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Dense),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Dense),
}

/// A convolution over all channels, packed for an instruction set.
pub struct Dense {
    geometry: Geometry,
    output: Output,
    channels: usize,
    kernel: DenseKernel,
}

/// Where a register of 16 sums would hold few channels of a pixel, those of its neighbours as well:
/// pixels that lie one after the other become one pixel, each of its channels with weights for its
/// own inputs and none for the others. As many products, and fewer sums to turn to bytes.
fn together(g: Geometry, weights: Weights) -> (Geometry, Weights) {
    let channels = weights.channels();
    let pixels = 16 / channels.max(1);
    let adjacent = g.strips == [0] && g.in_x == g.depth && g.out_x == channels;
    if pixels < 2 || !adjacent || 16 % channels != 0 || !g.width.is_multiple_of(pixels) {
        return (g, weights);
    }
    let (old, depth) = (g.depth, g.depth * pixels);
    let mut values = vec![0; 16 * depth];
    for c in 0..16 {
        let from = &weights.values[c % channels * old..][..old];
        values[c * depth + c / channels * old..][..old].copy_from_slice(from);
    }
    let geometry = Geometry { width: g.width / pixels, in_x: depth, out_x: 16, depth, ..g };
    let weights =
        Weights { values, bias: weights.bias.repeat(pixels), scale: weights.scale.repeat(pixels) };
    (geometry, weights)
}

impl Dense {
    pub fn new(isa: Isa, geometry: Geometry, weights: Weights, output: Output) -> Dense {
        let channels = weights.channels();
        assert_eq!(weights.values.len(), channels * geometry.strips.len() * geometry.depth);
        let (geometry, weights) = match isa {
            Isa::Avx2 | Isa::AvxVnni | Isa::Avx512Vnni => together(geometry, weights),
            _ => (geometry, weights),
        };
        let channels = weights.channels();
        let kernel = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => DenseKernel::Avx2(avx2::Dense::new(false, &geometry, &weights)),
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => DenseKernel::Avx2(avx2::Dense::new(true, &geometry, &weights)),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => DenseKernel::Avx512(avx512::Dense::new(&geometry, &weights)),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => DenseKernel::Neon(neon::Dense::new(false, &geometry, &weights)),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => DenseKernel::Neon(neon::Dense::new(true, &geometry, &weights)),
            _ => DenseKernel::Scalar(weights),
        };
        Dense { geometry, output, channels, kernel }
    }

    /// Bytes of scratch memory that [`Self::run`] wants.
    pub fn scratch(&self) -> usize {
        match &self.kernel {
            #[cfg(target_arch = "x86_64")]
            DenseKernel::Avx2(dense) => dense.scratch(&self.geometry),
            _ => 0,
        }
    }

    /// Reads at `src` and writes at `dst` of the arena.
    pub fn run(&self, arena: Arena, src: usize, dst: usize, scratch: &mut [u8], part: Part) {
        self.geometry.check(arena.size(), src, dst, self.channels);
        let Some(share) = self.geometry.share(part) else { return };
        let (g, out) = (&self.geometry, self.output);
        // SAFETY: both lie in the arena, as has just been checked.
        let (src, dst) = unsafe { (arena.base().add(src).cast_const(), arena.base().add(dst)) };
        let _ = scratch;
        // SAFETY: all of the geometry lies in the arena, SLACK bytes before its end; `Isa::available`
        // found the features; a share is written by no one else.
        unsafe {
            match &self.kernel {
                DenseKernel::Scalar(weights) => scalar::dense(g, &share, weights, out, src, dst),
                #[cfg(target_arch = "x86_64")]
                DenseKernel::Avx2(dense) => dense.run(g, &share, out, src, dst, scratch),
                #[cfg(target_arch = "x86_64")]
                DenseKernel::Avx512(dense) => dense.run(g, &share, out, src, dst),
                #[cfg(target_arch = "aarch64")]
                DenseKernel::Neon(dense) => dense.run(g, &share, out, src, dst),
            }
        }
    }
}

enum DepthwiseKernel {
    Scalar(Weights),
    #[cfg(target_arch = "x86_64")]
    Avx2(avx2::wide::Depthwise),
    #[cfg(target_arch = "x86_64")]
    AvxVnni(avx2::quads::Depthwise),
    #[cfg(target_arch = "x86_64")]
    Avx512(avx512::Depthwise),
    #[cfg(target_arch = "aarch64")]
    Neon(neon::Depthwise),
    #[cfg(target_arch = "aarch64")]
    NeonDot(neon::quads::Depthwise),
}

/// A convolution of each channel by itself, packed for an instruction set. A strip is one tap.
pub struct Depthwise {
    geometry: Geometry,
    output: Output,
    channels: usize,
    kernel: DepthwiseKernel,
}

impl Depthwise {
    /// `columns`: taps in a row of the window.
    pub fn new(
        isa: Isa,
        geometry: Geometry,
        columns: usize,
        weights: Weights,
        output: Output,
    ) -> Depthwise {
        let channels = weights.channels();
        assert_eq!(geometry.depth, channels);
        assert_eq!(weights.values.len(), channels * geometry.strips.len());
        let _ = columns;
        let kernel = match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => {
                DepthwiseKernel::Avx2(avx2::wide::Depthwise::new(&geometry, columns, &weights))
            }
            #[cfg(target_arch = "x86_64")]
            Isa::AvxVnni => {
                let layer = avx2::quads::Depthwise::new(&geometry, columns, &weights);
                DepthwiseKernel::AvxVnni(layer)
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512Vnni => {
                DepthwiseKernel::Avx512(avx512::Depthwise::new(&geometry, columns, &weights))
            }
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => DepthwiseKernel::Neon(neon::Depthwise::new(&geometry, &weights)),
            #[cfg(target_arch = "aarch64")]
            Isa::NeonDot => {
                let layer = neon::quads::Depthwise::new(&geometry, columns, &weights);
                DepthwiseKernel::NeonDot(layer)
            }
            _ => DepthwiseKernel::Scalar(weights),
        };
        Depthwise { geometry, output, channels, kernel }
    }

    /// Reads at `src` and writes at `dst` of the arena.
    pub fn run(&self, arena: Arena, src: usize, dst: usize, part: Part) {
        self.geometry.check(arena.size(), src, dst, self.channels);
        let Some(share) = self.geometry.share(part) else { return };
        let (g, out) = (&self.geometry, self.output);
        // SAFETY: both lie in the arena, as has just been checked.
        let (src, dst) = unsafe { (arena.base().add(src).cast_const(), arena.base().add(dst)) };
        // SAFETY: all of the geometry lies in the arena, SLACK bytes before its end; `Isa::available`
        // found the features; a share is written by no one else.
        unsafe {
            match &self.kernel {
                DepthwiseKernel::Scalar(weights) => {
                    scalar::depthwise(g, &share, weights, out, src, dst);
                }
                #[cfg(target_arch = "x86_64")]
                DepthwiseKernel::Avx2(layer) => layer.run(g, &share, out, src, dst),
                #[cfg(target_arch = "x86_64")]
                DepthwiseKernel::AvxVnni(layer) => layer.run(g, &share, out, src, dst),
                #[cfg(target_arch = "x86_64")]
                DepthwiseKernel::Avx512(layer) => layer.run(g, &share, out, src, dst),
                #[cfg(target_arch = "aarch64")]
                DepthwiseKernel::Neon(layer) => layer.run(g, &share, out, src, dst),
                #[cfg(target_arch = "aarch64")]
                DepthwiseKernel::NeonDot(layer) => layer.run(g, &share, out, src, dst),
            }
        }
    }
}

#[cfg(test)]
mod tests;
