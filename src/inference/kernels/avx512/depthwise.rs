//! Depthwise convolution: quads of 16 channels, a register each.

use std::arch::x86_64::*;

use super::super::quads::{self, Block, Quads, Walk, walks};
use super::super::{Geometry, Output, Share, Weights};
use super::to_bytes;

const LANES: usize = 16;
/// Of a quad's weights.
const BYTES: usize = 64;
const TILE: usize = 4;

pub struct Depthwise(Quads);

impl Depthwise {
    pub fn new(g: &Geometry, columns: usize, weights: &Weights) -> Depthwise {
        Depthwise(Quads::new(g, columns, weights, &weights.bias, LANES, WALKS))
    }
}

// Size, stride, quads, pixels of a quad, pixels together.
walks!(
    "avx512f,avx512bw,avx512vl,avx512vnni",
    (3, 1, 1, 2, 4),
    (5, 1, 2, 4, 4),
    (3, 2, 1, 1, 4),
    (5, 2, 2, 2, 4)
);

/// How dwords, and then bytes of each lane, become a quad; also how packed bytes become pixels.
type Order = [__m512i; 2];

/// The compiler must not know the numbers: it would take a move apart into more of its own.
///
/// # Safety
/// The processor must have the features; so for all below.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn order() -> Order {
    let mut dwords = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let bytes = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let mut bytes = _mm512_broadcast_i32x4(bytes);
    // SAFETY: no instruction at all.
    unsafe { std::arch::asm!("/* {0} {1} */", inout(zmm_reg) dwords, inout(zmm_reg) bytes) };
    [dwords, bytes]
}

/// # Safety
/// 16 bytes must be readable at each place.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn quad(at: [*const u8; 4], order: Order) -> __m512i {
    // SAFETY: as the caller promises.
    let [a, b, c, d] = at.map(|at| unsafe { _mm_loadu_si128(at.cast()) });
    let low = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
    let high = _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1);
    let all = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    _mm512_shuffle_epi8(_mm512_permutexvar_epi32(order[0], all), order[1])
}

/// # Safety
/// `bias` must begin a cache line of 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn start(bias: *const i32) -> __m512i {
    // SAFETY: as the caller promises.
    unsafe { _mm512_load_si512(bias.cast()) }
}

/// # Safety
/// `weights` must begin a cache line.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn multiply(sum: __m512i, quad: __m512i, weights: *const i8) -> __m512i {
    // SAFETY: as the caller promises.
    _mm512_dpbusd_epi32(sum, quad, unsafe { _mm512_load_si512(weights.cast()) })
}

/// Stores a block at up to four pixels, `step` bytes apart.
///
/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn store<const PIXELS: usize>(
    sums: [__m512i; PIXELS],
    block: &Block,
    out: Output,
    order: Order,
    to: *mut u8,
    step: usize,
) {
    // SAFETY: a whole line.
    let scale = unsafe { _mm512_load_ps(block.scale.0.as_ptr()) };
    let bytes = _mm512_permutexvar_epi32(order[0], to_bytes(sums, [scale; PIXELS], out));
    let pixels = [
        _mm512_castsi512_si128(bytes),
        _mm512_extracti32x4_epi32(bytes, 1),
        _mm512_extracti32x4_epi32(bytes, 2),
        _mm512_extracti32x4_epi32(bytes, 3),
    ];
    for (i, pixel) in pixels.into_iter().enumerate().take(PIXELS) {
        // SAFETY: as the caller promises.
        unsafe {
            let to = to.add(i * step);
            if block.count == LANES {
                _mm_storeu_si128(to.cast(), pixel);
            } else {
                _mm_mask_storeu_epi8(to.cast(), (1 << block.count) - 1, pixel);
            }
        }
    }
}
