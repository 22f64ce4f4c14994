//! Dense layers without dot products: a register of products is one channel's.

use std::arch::aarch64::*;
use std::ops::Range;

use super::super::{Geometry, Output};
use super::{Dense, store, to_bytes};

/// Adds 16 products, of weights of which pairs fit.
#[inline]
#[target_feature(enable = "neon")]
pub fn multiply_pairs(sums: int32x4_t, bytes: int8x16_t, weights: int8x16_t) -> int32x4_t {
    let products = vmull_s8(vget_low_s8(bytes), vget_low_s8(weights));
    vpadalq_s16(sums, vmlal_high_s8(products, bytes, weights))
}

/// Without dot products, four channels.
///
/// # Safety
/// The row must lie in the memory around `src` and `dst`, with SLACK bytes behind, and the layer
/// must be packed for this tile.
#[target_feature(enable = "neon")]
pub unsafe fn plain<const PIXELS: usize>(
    layer: &Dense,
    g: &Geometry,
    columns: &Range<usize>,
    out: Output,
    group: usize,
    src: *const u8,
    dst: *mut u8,
) {
    let first = group * 4;
    let mut next = columns.start;
    while next < columns.end {
        let x = next.min(columns.end - PIXELS);
        next = x + PIXELS;
        // SAFETY: pixels and strips are the geometry's own; weights are packed for `sixteens` and
        // `rest`, bias and scale for whole groups.
        unsafe {
            let window = src.add(x * g.in_x).cast::<i8>();
            let mut sums = [[vdupq_n_s32(0); 4]; PIXELS];
            let mut values = layer.packed(group);
            for &strip in &g.strips {
                let mut at = window.add(strip);
                for _ in 0..layer.sixteens {
                    let w = [0, 16, 32, 48].map(|i| vld1q_s8(values.add(i)));
                    for (pixel, sums) in sums.iter_mut().enumerate() {
                        let bytes = vld1q_s8(at.add(pixel * g.in_x));
                        for (sums, w) in sums.iter_mut().zip(w) {
                            *sums = multiply_pairs(*sums, bytes, w);
                        }
                    }
                    values = values.add(64);
                    at = at.add(16);
                }
                for _ in 0..layer.rest {
                    let w = [0, 8, 16, 24].map(|i| vld1_s8(values.add(i)));
                    for (pixel, sums) in sums.iter_mut().enumerate() {
                        let bytes = vld1_s8(at.add(pixel * g.in_x));
                        for (sums, w) in sums.iter_mut().zip(w) {
                            *sums = vpadalq_s16(*sums, vmull_s8(bytes, w));
                        }
                    }
                    values = values.add(32);
                    at = at.add(8);
                }
            }
            let bias = vld1q_s32(layer.bias.as_ptr().add(first));
            let scale = vld1q_f32(layer.scale.as_ptr().add(first));
            for (pixel, [a, b, c, d]) in sums.into_iter().enumerate() {
                let sums = vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d));
                let bytes = to_bytes([vaddq_s32(sums, bias); 2], [scale; 2], out);
                let to = dst.add((x + pixel) * g.out_x + first);
                store(bytes, to, (layer.channels - first).min(4));
            }
        }
    }
}
