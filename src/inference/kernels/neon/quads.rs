//! Depthwise convolution with dot products: quads of eight channels, two registers each.

use std::arch::aarch64::*;

use super::super::quads::{self, Block, Quads, Walk, walks};
use super::super::{Geometry, Output, Share, Weights};
use super::{sdot_all, store as store_bytes, to_bytes};

const LANES: usize = 8;
/// Of a quad's weights.
const BYTES: usize = 32;
const TILE: usize = 2;

pub struct Depthwise(Quads);

impl Depthwise {
    pub fn new(g: &Geometry, columns: usize, weights: &Weights) -> Depthwise {
        let channels = weights.channels();
        let sum =
            |c: usize| weights.values.iter().skip(c).step_by(channels).map(|&w| i32::from(w)).sum();
        let bias = weights.flipped_bias(sum);
        Depthwise(Quads::new(g, columns, weights, &bias, LANES, WALKS))
    }
}

// Size, stride, quads, pixels of a quad, pixels together.
walks!("neon", (3, 1, 1, 2, 4), (5, 1, 2, 2, 2), (3, 2, 1, 1, 4), (5, 2, 2, 2, 2));

type Order = ();

/// # Safety
/// None; as for the other instruction sets.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn order() -> Order {}

/// # Safety
/// 8 bytes must be readable at each place.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn quad(at: [*const u8; 4], (): Order) -> [int8x16_t; 2] {
    // SAFETY: as the caller promises.
    let wide = |at: *const u8| unsafe { vcombine_s8(vld1_s8(at.cast()), vdup_n_s8(0)) };
    let [a, b, c, d] = at.map(wide);
    let ab = vreinterpretq_s16_s8(vzip1q_s8(a, b));
    let cd = vreinterpretq_s16_s8(vzip1q_s8(c, d));
    [vreinterpretq_s8_s16(vzip1q_s16(ab, cd)), vreinterpretq_s8_s16(vzip2q_s16(ab, cd))]
}

/// # Safety
/// Eight numbers must be readable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn start(bias: *const i32) -> [int32x4_t; 2] {
    // SAFETY: as the caller promises.
    unsafe { [vld1q_s32(bias), vld1q_s32(bias.add(4))] }
}

/// # Safety
/// 32 bytes must be readable, and the processor must have dot products.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn multiply(
    mut sum: [int32x4_t; 2],
    quad: [int8x16_t; 2],
    weights: *const i8,
) -> [int32x4_t; 2] {
    // SAFETY: as the caller promises.
    unsafe {
        sdot_all(&mut sum[0], quad[0], vld1q_s8(weights));
        sdot_all(&mut sum[1], quad[1], vld1q_s8(weights.add(16)));
    }
    sum
}

/// Apart, so that the common case is inlined.
///
/// # Safety
/// `to` must be writable for `count` bytes.
#[cold]
#[inline(never)]
#[target_feature(enable = "neon")]
unsafe fn store_some(bytes: int8x8_t, to: *mut u8, count: usize) {
    // SAFETY: as the caller promises.
    unsafe { store_bytes(bytes, to, count) };
}

/// Stores a block at up to two pixels, `step` bytes apart.
///
/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "neon")]
unsafe fn store<const PIXELS: usize>(
    sums: [[int32x4_t; 2]; PIXELS],
    block: &Block,
    out: Output,
    (): Order,
    to: *mut u8,
    step: usize,
) {
    let scale = block.scale.0.as_ptr();
    for (i, sums) in sums.into_iter().enumerate() {
        // SAFETY: as the caller promises; eight scales of a line.
        unsafe {
            let scale = [vld1q_f32(scale), vld1q_f32(scale.add(4))];
            let (bytes, to) = (to_bytes(sums, scale, out), to.add(i * step));
            if block.count == LANES {
                vst1_u8(to, vreinterpret_u8_s8(bytes));
            } else {
                store_some(bytes, to, block.count);
            }
        }
    }
}
