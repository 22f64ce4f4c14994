//! Depthwise convolution without dot products: products of 16 channels, widened to sums.

use std::arch::aarch64::*;
use std::ops::Range;

use super::super::{Geometry, Output, Share, Weights};
use super::{Tile, best, padded, pairs_fit, store, to_bytes};

/// Sixteen channels at a time, of which the last block may use only eight.
pub struct Depthwise {
    /// Block by tap by channel.
    values: Vec<i8>,
    bias: Vec<i32>,
    scale: Vec<f32>,
    channels: usize,
    pairs_fit: bool,
    /// For blocks of sixteen channels, and of eight.
    tiles: [Tile<Depthwise>; 2],
}

const DEPTHWISE: [(usize, usize, [Tile<Depthwise>; 2]); 4] = [
    (4, 16, [depthwise::<4, true>, depthwise::<4, false>]),
    (3, 16, [depthwise::<3, true>, depthwise::<3, false>]),
    (2, 16, [depthwise::<2, true>, depthwise::<2, false>]),
    (1, 16, [depthwise::<1, true>, depthwise::<1, false>]),
];

impl Depthwise {
    pub fn new(g: &Geometry, weights: &Weights) -> Depthwise {
        let channels = weights.channels();
        let mut values = Vec::new();
        for block in (0..channels).step_by(16) {
            for tap in weights.values.chunks(channels) {
                values.extend((block..block + 16).map(|c| tap.get(c).copied().unwrap_or(0)));
            }
        }
        let sum =
            |c: usize| weights.values.iter().skip(c).step_by(channels).map(|&w| i32::from(w)).sum();
        let bias = padded(&weights.flipped_bias(sum), 0);
        let scale = padded(&weights.scale, 0.0);
        let (_, tiles) = best(&DEPTHWISE, g.width, channels);
        Depthwise { values, bias, scale, channels, pairs_fit: pairs_fit(weights), tiles }
    }

    /// # Safety
    /// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
    pub unsafe fn run(
        &self,
        g: &Geometry,
        share: &Share,
        out: Output,
        src: *const u8,
        dst: *mut u8,
    ) {
        for y in share.rows.clone() {
            for block in 0..self.channels.div_ceil(16) {
                let tile = self.tiles[usize::from(self.channels - block * 16 <= 8)];
                // SAFETY: as the caller promises.
                unsafe {
                    let (src, dst) = (src.add(y * g.in_y), dst.add(y * g.out_y));
                    tile(self, g, &share.columns, out, block, src, dst);
                }
            }
        }
    }
}

/// Adds 16 products to sums; without `WIDE` only the first eight.
#[inline]
#[target_feature(enable = "neon")]
fn widen<const WIDE: bool>(sums: &mut [int32x4_t; 4], low: int16x8_t, high: int16x8_t) {
    sums[0] = vaddw_s16(sums[0], vget_low_s16(low));
    sums[1] = vaddw_high_s16(sums[1], low);
    if WIDE {
        sums[2] = vaddw_s16(sums[2], vget_low_s16(high));
        sums[3] = vaddw_high_s16(sums[3], high);
    }
}

/// # Safety
/// The row must lie in the memory around `src` and `dst`, with SLACK bytes behind.
#[target_feature(enable = "neon")]
unsafe fn depthwise<const PIXELS: usize, const WIDE: bool>(
    layer: &Depthwise,
    g: &Geometry,
    columns: &Range<usize>,
    out: Output,
    block: usize,
    src: *const u8,
    dst: *mut u8,
) {
    let first = block * 16;
    let (pairs, singles) =
        if layer.pairs_fit { g.strips.as_chunks() } else { (&[][..], &g.strips[..]) };
    let mut next = columns.start;
    while next < columns.end {
        let x = next.min(columns.end - PIXELS);
        next = x + PIXELS;
        // SAFETY: pixels and taps are the geometry's own; weights, bias and scale are packed for
        // whole blocks of 16 channels.
        unsafe {
            let at = src.add(x * g.in_x + first).cast::<i8>();
            let bias = layer.bias.as_ptr().add(first);
            let mut sums = [[0, 4, 8, 12].map(|i| vld1q_s32(bias.add(i))); PIXELS];
            let mut values = layer.values.as_ptr().add(first * g.strips.len());
            for &[one, two] in pairs {
                let w = [vld1q_s8(values), vld1q_s8(values.add(16))];
                values = values.add(32);
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    let at = at.add(pixel * g.in_x);
                    let bytes = [vld1q_s8(at.add(one)), vld1q_s8(at.add(two))];
                    let low = vmull_s8(vget_low_s8(bytes[0]), vget_low_s8(w[0]));
                    let low = vmlal_s8(low, vget_low_s8(bytes[1]), vget_low_s8(w[1]));
                    let high = vmlal_high_s8(vmull_high_s8(bytes[0], w[0]), bytes[1], w[1]);
                    widen::<WIDE>(sums, low, high);
                }
            }
            for &tap in singles {
                let w = vld1q_s8(values);
                values = values.add(16);
                for (pixel, sums) in sums.iter_mut().enumerate() {
                    let bytes = vld1q_s8(at.add(tap + pixel * g.in_x));
                    let low = vmull_s8(vget_low_s8(bytes), vget_low_s8(w));
                    widen::<WIDE>(sums, low, vmull_high_s8(bytes, w));
                }
            }
            let scale = [0, 4, 8, 12].map(|i| vld1q_f32(layer.scale.as_ptr().add(first + i)));
            let count = layer.channels - first;
            for (pixel, sums) in sums.iter().enumerate() {
                let to = dst.add((x + pixel) * g.out_x + first);
                store(to_bytes([sums[0], sums[1]], [scale[0], scale[1]], out), to, count);
                if WIDE {
                    let bytes = to_bytes([sums[2], sums[3]], [scale[2], scale[3]], out);
                    store(bytes, to.add(8), count - 8);
                }
            }
        }
    }
}
