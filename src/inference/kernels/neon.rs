//! NEON, with dot products where there are: tiles of pixels by channels, their sums in registers.
//!
//! Both factors are signed bytes: the arena holds each activation less 128 ([`Isa::flip`]) and the
//! bias makes up for it. With dot products, a lane is a channel and adds up four bytes at once.
//! Without, a register of products is one channel's; two products are added in 16 bits before they
//! are widened, which is exact unless both weights are -128: layers with such a weight take every
//! product by itself. SDOT is written in assembly, as its intrinsics are not stable yet.
//!
//! [`Isa::flip`]: super::Isa::flip

use std::arch::aarch64::*;
use std::arch::asm;
use std::array::from_fn;
use std::hint::black_box;
use std::ops::Range;

use super::{Geometry, Output, Share, Weights};

mod depthwise;
mod plain;
pub mod quads;
mod rows;

use plain::{multiply_pairs, plain};

pub use depthwise::Depthwise;
pub use rows::look_up;

/// Computes one row of one group of channels, of which its layer knows what it needs; pointers are
/// to the row's first window and first output pixel.
type Tile<Layer> = unsafe fn(&Layer, &Geometry, &Range<usize>, Output, usize, *const u8, *mut u8);

/// The tile (pixels, channels, code) that wastes the least; the last tile of a row overlaps.
fn best<T: Copy>(tiles: &[(usize, usize, T)], width: usize, channels: usize) -> (usize, T) {
    // Weights are loaded once a tile, which takes about as long as one more pixel.
    let cost = |&&(pixels, group, _): &&(usize, usize, T)| {
        width.div_ceil(pixels) * channels.div_ceil(group) * group * (pixels + 1)
    };
    let fitting = tiles.iter().filter(|tile| tile.0 <= width);
    let &(_, group, tile) = fitting.min_by_key(cost).unwrap_or(&tiles[tiles.len() - 1]);
    (group, tile)
}

fn padded<T: Copy>(values: &[T], fill: T) -> Vec<T> {
    let mut values = values.to_vec();
    values.resize(values.len().next_multiple_of(16), fill);
    values
}

/// Two products of a byte and one of these weights fit 16 bits.
fn pairs_fit(weights: &Weights) -> bool {
    !weights.values.contains(&i8::MIN)
}

/// Eight sums to flipped bytes.
#[inline]
#[target_feature(enable = "neon")]
fn to_bytes(sums: [int32x4_t; 2], scale: [float32x4_t; 2], out: Output) -> int8x8_t {
    let round = |i: usize| vqmovn_s32(vcvtnq_s32_f32(vmulq_f32(vcvtq_f32_s32(sums[i]), scale[i])));
    // Sums that saturate here are beyond `low` or `high` in any case.
    let zero = vdupq_n_s16(i16::from(out.zero) - 128);
    let bytes = vqmovn_s16(vqaddq_s16(vcombine_s16(round(0), round(1)), zero));
    let bytes = vmax_s8(bytes, vdup_n_s8((out.low ^ 0x80) as i8));
    vmin_s8(bytes, vdup_n_s8((out.high ^ 0x80) as i8))
}

/// # Safety
/// `to` must be writable for `count` bytes, or 8.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store(bytes: int8x8_t, to: *mut u8, count: usize) {
    // SAFETY: as the caller promises; the three parts make up `count`.
    unsafe {
        if count >= 8 {
            vst1_u8(to, vreinterpret_u8_s8(bytes));
            return;
        }
        let mut rest = vget_lane_u64::<0>(vreinterpret_u64_s8(bytes));
        if count & 4 != 0 {
            to.cast::<u32>().write_unaligned(rest as u32);
            rest >>= 32;
        }
        if count & 2 != 0 {
            to.add(count & 4).cast::<u16>().write_unaligned(rest as u16);
            rest >>= 16;
        }
        if count & 1 != 0 {
            to.add(count & 6).write(rest as u8);
        }
    }
}

pub struct Dense {
    /// Group of channels by strip by step by channel by byte.
    values: Vec<i8>,
    bias: Vec<i32>,
    scale: Vec<f32>,
    channels: usize,
    /// Channels of a group.
    group: usize,
    /// How often a strip has 16 bytes, and how often 4 (with dot products) or 8 after that.
    sixteens: usize,
    rest: usize,
    tile: Tile<Dense>,
}

/// Up to 20 sums, and as many activations and weights as there are registers left for.
const DOT: [(usize, usize, Tile<Dense>); 8] = [
    (8, 8, dot::<8, 2>),
    (7, 8, dot::<7, 2>),
    (4, 8, dot::<4, 2>),
    (5, 16, dot::<5, 4>),
    (4, 16, dot::<4, 4>),
    (3, 16, dot::<3, 4>),
    (2, 16, dot::<2, 4>),
    (1, 16, dot::<1, 4>),
];

const PLAIN: [(usize, usize, Tile<Dense>); 5] = [
    (5, 4, plain::<5>),
    (4, 4, plain::<4>),
    (3, 4, plain::<3>),
    (2, 4, plain::<2>),
    (1, 4, plain::<1>),
];

impl Dense {
    pub fn new(dot: bool, g: &Geometry, weights: &Weights) -> Dense {
        let channels = weights.channels();
        let tiles = if dot { &DOT[..] } else { &PLAIN[..] };
        let (group, tile) = best(tiles, g.width, channels);
        // A rest that takes as many steps as 16 bytes do is taken as 16.
        let (sixteens, small) = match dot {
            true => ((g.depth + 3) / 16, 4),
            false if pairs_fit(weights) => ((g.depth + 7) / 16, 8),
            false => (0, 8),
        };
        let rest = g.depth.saturating_sub(sixteens * 16).div_ceil(small);
        let mut steps: Vec<Range<usize>> = Vec::new();
        let first = if dot { 4 } else { 16 };
        steps.extend((0..sixteens * 16).step_by(first).map(|at| at..at + first));
        steps.extend((0..rest).map(|i| sixteens * 16 + i * small).map(|at| at..at + small));

        let window = g.strips.len() * g.depth;
        let mut values = Vec::new();
        for first in (0..channels).step_by(group) {
            for strip in 0..g.strips.len() {
                for step in &steps {
                    for c in first..first + group {
                        for byte in step.clone() {
                            let inside = c < channels && byte < g.depth;
                            let at = c * window + strip * g.depth + byte;
                            values.push(if inside { weights.values[at] } else { 0 });
                        }
                    }
                }
            }
        }
        let sum =
            |c: usize| weights.values[c * window..][..window].iter().map(|&w| i32::from(w)).sum();
        let bias = padded(&weights.flipped_bias(sum), 0);
        let scale = padded(&weights.scale, 0.0);
        Dense { values, bias, scale, channels, group, sixteens, rest, tile }
    }

    /// # Safety
    /// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind, and the
    /// processor must have dot products if the layer was made for them.
    pub unsafe fn run(
        &self,
        g: &Geometry,
        share: &Share,
        out: Output,
        src: *const u8,
        dst: *mut u8,
    ) {
        let row = |group: usize, y: usize| {
            // SAFETY: as the caller promises.
            unsafe {
                let (src, dst) = (src.add(y * g.in_y), dst.add(y * g.out_y));
                (self.tile)(self, g, &share.columns, out, group, src, dst);
            }
        };
        let (groups, rows) = (self.channels.div_ceil(self.group), share.rows.clone());
        // What is larger, weights or input, passes through the cache only once.
        if self.values.len() < g.reach() {
            rows.for_each(|y| (0..groups).for_each(|group| row(group, y)));
        } else {
            (0..groups).for_each(|group| rows.clone().for_each(|y| row(group, y)));
        }
    }

    /// Where the weights of a group start.
    fn packed(&self, group: usize) -> *const i8 {
        let size = self.values.len() / self.channels.div_ceil(self.group);
        self.values[group * size..].as_ptr()
    }
}

/// Adds the products of four channels' weights with lane `LANE` of the activations.
///
/// # Safety
/// The processor must have dot products.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sdot<const LANE: usize>(sums: &mut int32x4_t, weights: int8x16_t, bytes: int8x16_t) {
    // SAFETY: the instruction only reads and writes the registers named.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[{3}]",
            inout(vreg) *sums, in(vreg) weights, in(vreg) bytes, const LANE,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
}

/// Adds the products of four channels' four bytes and weights.
///
/// # Safety
/// The processor must have dot products.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn sdot_all(sums: &mut int32x4_t, bytes: int8x16_t, weights: int8x16_t) {
    // SAFETY: the instruction only reads and writes the registers named.
    unsafe {
        asm!(
            ".arch_extension dotprod",
            "sdot {0:v}.4s, {1:v}.16b, {2:v}.16b",
            inout(vreg) *sums, in(vreg) bytes, in(vreg) weights,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
}

/// One step of four bytes, for all sums of a tile.
///
/// # Safety
/// As for [`sdot`]; `values` must hold the step's weights.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn step<const LANE: usize, const PIXELS: usize, const BLOCKS: usize>(
    sums: &mut [[int32x4_t; BLOCKS]; PIXELS],
    bytes: &[int8x16_t; PIXELS],
    values: *const i8,
) {
    for block in 0..BLOCKS {
        // SAFETY: as the caller promises.
        unsafe {
            let weights = vld1q_s8(values.add(block * 16));
            for (sums, &bytes) in sums.iter_mut().zip(bytes) {
                sdot::<LANE>(&mut sums[block], weights, bytes);
            }
        }
    }
}

/// With dot products, blocks of four channels.
///
/// # Safety
/// As for [`sdot`]; the row must lie in the memory around `src` and `dst`, with SLACK bytes behind,
/// and the layer must be packed for this tile.
#[target_feature(enable = "neon")]
unsafe fn dot<const PIXELS: usize, const BLOCKS: usize>(
    layer: &Dense,
    g: &Geometry,
    columns: &Range<usize>,
    out: Output,
    group: usize,
    src: *const u8,
    dst: *mut u8,
) {
    let first = group * BLOCKS * 4;
    let size = BLOCKS * 16;
    let mut next = columns.start;
    while next < columns.end {
        let x = next.min(columns.end - PIXELS);
        next = x + PIXELS;
        // SAFETY: pixels and strips are the geometry's own; weights are packed for `sixteens` and
        // `rest`, bias and scale for whole groups; BLOCKS is even.
        unsafe {
            let window = src.add(x * g.in_x).cast::<i8>();
            let mut sums = [[vdupq_n_s32(0); BLOCKS]; PIXELS];
            for block in 0..BLOCKS {
                let bias = vld1q_s32(layer.bias.as_ptr().add(first + block * 4));
                sums.iter_mut().for_each(|sums| sums[block] = bias);
            }
            let mut values = layer.packed(group);
            for &strip in &g.strips {
                let mut at = window.add(strip);
                for _ in 0..layer.sixteens {
                    let bytes = from_fn(|pixel| vld1q_s8(at.add(pixel * g.in_x)));
                    step::<0, PIXELS, BLOCKS>(&mut sums, &bytes, values);
                    step::<1, PIXELS, BLOCKS>(&mut sums, &bytes, values.add(size));
                    step::<2, PIXELS, BLOCKS>(&mut sums, &bytes, values.add(2 * size));
                    step::<3, PIXELS, BLOCKS>(&mut sums, &bytes, values.add(3 * size));
                    values = values.add(4 * size);
                    at = at.add(16);
                }
                if layer.rest > 0 {
                    let bytes = from_fn(|pixel| vld1q_s8(at.add(pixel * g.in_x)));
                    step::<0, PIXELS, BLOCKS>(&mut sums, &bytes, values);
                    if layer.rest > 1 {
                        step::<1, PIXELS, BLOCKS>(&mut sums, &bytes, values.add(size));
                    }
                    if layer.rest > 2 {
                        step::<2, PIXELS, BLOCKS>(&mut sums, &bytes, values.add(2 * size));
                    }
                    values = values.add(layer.rest * size);
                }
            }
            // Two loops: one that also stored would not be unrolled, and leave all sums in memory.
            let mut bytes = [[vdup_n_s8(0); 2]; PIXELS];
            for pair in 0..BLOCKS / 2 {
                let scale = layer.scale.as_ptr().add(first + pair * 8);
                let scale = [vld1q_f32(scale), vld1q_f32(scale.add(4))];
                for (bytes, sums) in bytes.iter_mut().zip(&sums) {
                    bytes[pair] = to_bytes([sums[pair * 2], sums[pair * 2 + 1]], scale, out);
                }
            }
            let count = layer.channels - first;
            for (pixel, bytes) in bytes.into_iter().enumerate() {
                let to = dst.add((x + pixel) * g.out_x + first);
                store(bytes[0], to, count);
                if BLOCKS > 2 && count > 8 {
                    store(bytes[1], to.add(8), count - 8);
                }
            }
        }
    }
}

/// Multiplies in registers alone; returns how many multiply-accumulates that was.
#[target_feature(enable = "neon")]
pub fn multiply_only(rounds: usize) -> usize {
    let mut sums = [vdupq_n_s32(0); 16];
    let (a, mut w) = (vdupq_n_s8(3), vdupq_n_s8(1));
    for _ in 0..rounds {
        for sums in &mut sums {
            // SAFETY: does nothing, but the compiler must take `w` for a new number every time.
            unsafe { asm!("/* {0:v} */", inout(vreg) w, options(nomem, nostack, preserves_flags)) };
            *sums = multiply_pairs(*sums, a, w);
        }
    }
    black_box(sums);
    rounds * sums.len() * 16
}

/// The same with dot products.
///
/// # Safety
/// As for [`sdot`].
#[target_feature(enable = "neon")]
pub unsafe fn multiply_only_dot(rounds: usize) -> usize {
    let mut sums = black_box([vdupq_n_s32(0); 16]);
    let (a, w) = (vdupq_n_s8(3), vdupq_n_s8(1));
    for _ in 0..rounds {
        // SAFETY: as the caller promises.
        sums.iter_mut().for_each(|sums| unsafe { sdot::<0>(sums, w, a) });
    }
    black_box(sums);
    rounds * sums.len() * 16
}
