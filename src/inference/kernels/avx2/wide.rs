//! Depthwise convolution with AVX2 alone: quads of eight channels, widened to 16 bits and multiplied
//! in pairs. A channel has two sums, one of each pair, until it is stored.

use std::arch::x86_64::*;

use super::super::quads::{self, Block, Quads, Walk, walks};
use super::super::{Geometry, Line, Output, Share, Weights};
use super::store_block;

const LANES: usize = 8;
/// Of a quad's weights.
const BYTES: usize = 64;
const TILE: usize = 2;

pub struct Depthwise(Quads);

impl Depthwise {
    pub fn new(g: &Geometry, columns: usize, weights: &Weights) -> Depthwise {
        let mut quads = Quads::new(g, columns, weights, &weights.bias, LANES, WALKS);
        for block in &mut quads.blocks {
            let wide = |bytes: &[i8]| {
                let each = bytes.iter().flat_map(|&w| i16::from(w).to_le_bytes());
                let mut line = [0i8; 64];
                line.iter_mut().zip(each).for_each(|(to, byte)| *to = byte as i8);
                Line(line)
            };
            block.values =
                block.values.iter().flat_map(|line| line.0.chunks(32).map(wide)).collect();
        }
        Depthwise(quads)
    }
}

// Size, stride, quads, pixels of a quad, pixels together.
walks!("avx2", (3, 1, 1, 2, 2), (5, 1, 2, 1, 1), (3, 2, 1, 1, 2), (5, 2, 2, 1, 2));

type Order = ();
/// Channels 0 to 3, and 4 to 7.
type Half = [__m256i; 2];

/// # Safety
/// None; as for the other instruction sets. The processor must have AVX2; so for all below.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn order() -> Order {}

/// # Safety
/// 8 bytes must be readable at each place.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn quad(at: [*const u8; 4], (): Order) -> Half {
    // SAFETY: as the caller promises.
    let [a, b, c, d] = at.map(|at| unsafe { _mm_loadl_epi64(at.cast()) });
    let (ab, cd) = (_mm_unpacklo_epi8(a, b), _mm_unpacklo_epi8(c, d));
    [_mm_unpacklo_epi16(ab, cd), _mm_unpackhi_epi16(ab, cd)].map(|half| _mm256_cvtepu8_epi16(half))
}

/// # Safety
/// Eight numbers must be readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn start(bias: *const i32) -> Half {
    // SAFETY: as the caller promises.
    [0, 4].map(|at| unsafe { _mm256_cvtepu32_epi64(_mm_loadu_si128(bias.add(at).cast())) })
}

/// # Safety
/// 64 bytes must be readable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn multiply(sum: Half, quad: Half, weights: *const i8) -> Half {
    [0, 1].map(|half| {
        // SAFETY: as the caller promises.
        let weights = unsafe { _mm256_load_si256(weights.add(half * 32).cast()) };
        _mm256_add_epi32(sum[half], _mm256_madd_epi16(quad[half], weights))
    })
}

/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store<const PIXELS: usize>(
    sums: [Half; PIXELS],
    block: &Block,
    out: Output,
    (): Order,
    to: *mut u8,
    step: usize,
) {
    let sums = sums.map(|[low, high]| {
        // Channels 0, 1, 4, 5, 2, 3, 6, 7.
        let sums = _mm256_hadd_epi32(low, high);
        _mm256_permute4x64_epi64(sums, 0b11_01_10_00)
    });
    // SAFETY: as the caller promises.
    unsafe { store_block(sums, block, out, to, step) };
}
