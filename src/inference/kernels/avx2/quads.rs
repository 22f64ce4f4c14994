//! Depthwise convolution with AVX-VNNI: quads of eight channels, a register each.

use std::arch::x86_64::*;

use super::super::quads::{self, Block, Quads, Walk, walks};
use super::super::{Geometry, Output, Share, Weights};
use super::store_block;

const LANES: usize = 8;
/// Of a quad's weights.
const BYTES: usize = 32;
const TILE: usize = 2;

pub struct Depthwise(Quads);

impl Depthwise {
    pub fn new(g: &Geometry, columns: usize, weights: &Weights) -> Depthwise {
        Depthwise(Quads::new(g, columns, weights, &weights.bias, LANES, WALKS))
    }
}

// Size, stride, quads, pixels of a quad, pixels together.
walks!("avx2,avxvnni", (3, 1, 1, 2, 2), (5, 1, 2, 2, 2), (3, 2, 1, 1, 2), (5, 2, 2, 2, 2));

type Order = ();

/// # Safety
/// None; as for the other instruction sets. The processor must have the features; so for all below.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn order() -> Order {}

/// # Safety
/// 8 bytes must be readable at each place.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn quad(at: [*const u8; 4], (): Order) -> __m256i {
    // SAFETY: as the caller promises.
    let [a, b, c, d] = at.map(|at| unsafe { _mm_loadl_epi64(at.cast()) });
    let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
    let low = _mm256_castsi128_si256(_mm_unpacklo_epi16(ab, cd));
    _mm256_inserti128_si256(low, _mm_unpackhi_epi16(ab, cd), 1)
}

/// # Safety
/// Eight numbers must be readable.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn start(bias: *const i32) -> __m256i {
    // SAFETY: as the caller promises.
    unsafe { _mm256_loadu_si256(bias.cast()) }
}

/// # Safety
/// 32 bytes must be readable.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn multiply(sum: __m256i, quad: __m256i, weights: *const i8) -> __m256i {
    // SAFETY: as the caller promises.
    _mm256_dpbusd_avx_epi32(sum, quad, unsafe { _mm256_loadu_si256(weights.cast()) })
}

/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "avx2,avxvnni")]
unsafe fn store<const PIXELS: usize>(
    sums: [__m256i; PIXELS],
    block: &Block,
    out: Output,
    (): Order,
    to: *mut u8,
    step: usize,
) {
    // SAFETY: as the caller promises.
    unsafe { store_block(sums, block, out, to, step) };
}
