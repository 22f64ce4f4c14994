//! AVX2, with AVX-VNNI where there is: tiles of pixels by 16 channels.
//!
//! Without VNNI, activations are widened to 16 bits once a layer and multiplied in pairs:
//! `vpmaddubsw`, which takes bytes, would saturate.

use std::arch::x86_64::*;

use super::quads::Block;
use super::{Geometry, Output, SLACK, Share, Weights};

pub mod quads;
pub mod wide;

pub struct Dense {
    vnni: bool,
    /// Group of 16 channels by strip by step by channel by byte, as bytes or as 16-bit numbers.
    values: Vec<u8>,
    bias: Vec<i32>,
    scale: Vec<f32>,
    channels: usize,
}

fn padded<T: Copy>(values: &[T], fill: T) -> Vec<T> {
    let mut values = values.to_vec();
    values.resize(values.len().next_multiple_of(16), fill);
    values
}

impl Dense {
    pub fn new(vnni: bool, g: &Geometry, weights: &Weights) -> Dense {
        let channels = weights.channels();
        let window = g.strips.len() * g.depth;
        let together = if vnni { 4 } else { 2 };
        let mut values = Vec::new();
        for group in (0..channels).step_by(16) {
            for strip in 0..g.strips.len() {
                for step in 0..g.depth.div_ceil(together) {
                    for c in group..group + 16 {
                        for byte in step * together..(step + 1) * together {
                            let inside = c < channels && byte < g.depth;
                            let at = c * window + strip * g.depth + byte;
                            let value = if inside { weights.values[at] } else { 0 };
                            if vnni {
                                values.push(value as u8);
                            } else {
                                values.extend(i16::from(value).to_le_bytes());
                            }
                        }
                    }
                }
            }
        }
        let (bias, scale) = (padded(&weights.bias, 0), padded(&weights.scale, 0.0));
        Dense { vnni, values, bias, scale, channels }
    }

    pub fn scratch(&self, g: &Geometry) -> usize {
        if self.vnni { 0 } else { 2 * (g.reach() + SLACK) }
    }

    /// # Safety
    /// The processor must have the features, and the geometry must lie in the memory around `src`
    /// and `dst`, with SLACK bytes behind.
    pub unsafe fn run(
        &self,
        g: &Geometry,
        share: &Share,
        out: Output,
        src: *const u8,
        dst: *mut u8,
        scratch: &mut [u8],
    ) {
        if share.rows.is_empty() {
            return;
        }
        let width = share.columns.len();
        // The last tile of a row overlaps; weights are loaded once a tile.
        let cost = |&pixels: &usize| width.div_ceil(pixels) * (2 * pixels + 3);
        let fitting = [6, 5, 4, 3, 2, 1].into_iter().filter(|&pixels| pixels <= width);
        let pixels = fitting.min_by_key(cost).unwrap_or(1);
        if self.vnni {
            let tile = match pixels {
                6 => vnni::<6>,
                5 => vnni::<5>,
                4 => vnni::<4>,
                3 => vnni::<3>,
                2 => vnni::<2>,
                _ => vnni::<1>,
            };
            // SAFETY: as the caller promises.
            unsafe { tile(self, g, share, out, src, dst) };
            return;
        }
        let tile = match pixels {
            6 => madd::<6>,
            5 => madd::<5>,
            4 => madd::<4>,
            3 => madd::<3>,
            2 => madd::<2>,
            _ => madd::<1>,
        };
        let last = g.strips.iter().max().copied().unwrap_or(0);
        for band in bands(g, share, pixels) {
            let (y, x) = (band.rows.start, band.columns.start);
            let (height, width) = (band.rows.len(), band.columns.len());
            // What the band reads, and SLACK bytes more.
            let len = (height - 1) * g.in_y + (width - 1) * g.in_x + last + g.depth + SLACK;
            // SAFETY: as the caller promises.
            let bytes =
                unsafe { std::slice::from_raw_parts(src.add(y * g.in_y + x * g.in_x), len) };
            let wide = &mut scratch[..2 * len];
            for (pair, &byte) in wide.as_chunks_mut::<2>().0.iter_mut().zip(bytes) {
                *pair = [byte, 0];
            }
            let here = Share { rows: 0..height, columns: 0..width };
            // SAFETY: as the caller promises; the copy begins where the band does, and reaches as
            // far as it and SLACK bytes more.
            unsafe {
                tile(self, g, &here, out, wide.as_ptr(), dst.add(y * g.out_y + x * g.out_x));
            }
        }
    }
}

/// Bytes of input that are widened at a time: both they and the copy stay in the first cache.
const BAND: usize = 10 << 10;

/// A share in rows, or in pixels of its only row, each at least a tile.
fn bands(g: &Geometry, share: &Share, pixels: usize) -> impl Iterator<Item = Share> {
    let Share { rows, columns } = share.clone();
    let down = rows.len() > 1;
    let (whole, each) = match down {
        true => (rows.clone(), (BAND / g.in_y.max(1)).max(4)),
        false => (columns.clone(), (BAND / g.in_x.max(1)).max(16).next_multiple_of(pixels)),
    };
    let count = (whole.len() / each).max(1);
    (0..count).map(move |i| {
        let start = whole.start + i * each;
        // What is left over goes to the last.
        let part = start..if i + 1 == count { whole.end } else { start + each };
        match down {
            true => Share { rows: part, columns: columns.clone() },
            false => Share { rows: rows.clone(), columns: part },
        }
    })
}

/// Sixteen sums of each of two pixels to bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn to_bytes(sums: [[__m256i; 2]; 2], scale: [__m256; 2], out: Output) -> [__m128i; 2] {
    let round = |pixel: usize, half: usize| {
        let real = _mm256_cvtepi32_ps(sums[pixel][half]);
        _mm256_cvtps_epi32(_mm256_mul_ps(real, scale[half]))
    };
    let packed = [0, 1].map(|pixel| _mm256_packs_epi32(round(pixel, 0), round(pixel, 1)));
    let bytes = limit(packed[0], packed[1], out);
    // Each lane has two dwords of each half of each pixel.
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let bytes = _mm256_permutevar8x32_epi32(bytes, order);
    [_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1)]
}

/// Rounded 16-bit numbers to bytes.
#[inline]
#[target_feature(enable = "avx2")]
fn limit(low: __m256i, high: __m256i, out: Output) -> __m256i {
    if out == (Output { zero: 0, low: 0, high: 255 }) {
        return _mm256_packus_epi16(low, high);
    }
    let zero = _mm256_set1_epi16(i16::from(out.zero));
    let (low, high) = (_mm256_adds_epi16(low, zero), _mm256_adds_epi16(high, zero));
    let bytes = _mm256_packus_epi16(low, high);
    let bytes = _mm256_max_epu8(bytes, _mm256_set1_epi8(out.low as i8));
    _mm256_min_epu8(bytes, _mm256_set1_epi8(out.high as i8))
}

/// # Safety
/// `to` must be writable for `count` bytes, or 16.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(bytes: __m128i, to: *mut u8, count: usize) {
    // SAFETY: as the caller promises; the parts make up `count`. No call, which would empty all
    // registers of the caller's.
    unsafe {
        if count >= 16 {
            _mm_storeu_si128(to.cast(), bytes);
            return;
        }
        let (mut to, mut rest) = (to, _mm_cvtsi128_si64(bytes) as u64);
        if count & 8 != 0 {
            to.cast::<u64>().write_unaligned(rest);
            to = to.add(8);
            rest = _mm_extract_epi64(bytes, 1) as u64;
        }
        if count & 4 != 0 {
            to.cast::<u32>().write_unaligned(rest as u32);
            to = to.add(4);
            rest >>= 32;
        }
        if count & 2 != 0 {
            to.cast::<u16>().write_unaligned(rest as u16);
            to = to.add(2);
            rest >>= 16;
        }
        if count & 1 != 0 {
            to.write(rest as u8);
        }
    }
}

macro_rules! tile {
    ($name:ident, $features:literal, $bytes:literal, $multiply:expr) => {
        /// `src` holds inputs of `$bytes` bytes each.
        ///
        /// # Safety
        /// The geometry must lie in the memory around `src` and `dst`, with SLACK inputs behind.
        #[target_feature(enable = $features)]
        unsafe fn $name<const PIXELS: usize>(
            layer: &Dense,
            g: &Geometry,
            share: &Share,
            out: Output,
            src: *const u8,
            dst: *mut u8,
        ) {
            let steps = (g.depth * $bytes).div_ceil(4);
            for group in 0..layer.channels.div_ceil(16) {
                let packed = group * g.strips.len() * steps * 64;
                for y in share.rows.clone() {
                    let mut next = share.columns.start;
                    while next < share.columns.end {
                        let x = next.min(share.columns.end - PIXELS);
                        next = x + PIXELS;
                        // SAFETY: rows, pixels and strips are the geometry's own; weights, bias
                        // and scale are packed for whole groups of 16 channels.
                        unsafe {
                            let window = src.add((y * g.in_y + x * g.in_x) * $bytes);
                            let bias = layer.bias.as_ptr().add(group * 16);
                            let bias = [
                                _mm256_loadu_si256(bias.cast()),
                                _mm256_loadu_si256(bias.add(8).cast()),
                            ];
                            let mut sums = [bias; PIXELS];
                            let mut values = layer.values.as_ptr().add(packed);
                            for &strip in &g.strips {
                                let mut at = window.add(strip * $bytes);
                                for _ in 0..steps {
                                    let low = _mm256_loadu_si256(values.cast());
                                    let high = _mm256_loadu_si256(values.add(32).cast());
                                    for (pixel, sums) in sums.iter_mut().enumerate() {
                                        let four = at.add(pixel * g.in_x * $bytes).cast::<i32>();
                                        let four = _mm256_set1_epi32(four.read_unaligned());
                                        sums[0] = $multiply(sums[0], four, low);
                                        sums[1] = $multiply(sums[1], four, high);
                                    }
                                    values = values.add(64);
                                    at = at.add(4);
                                }
                            }
                            let to = dst.add(y * g.out_y + x * g.out_x + group * 16);
                            let scale = layer.scale.as_ptr().add(group * 16);
                            let scale = [_mm256_loadu_ps(scale), _mm256_loadu_ps(scale.add(8))];
                            let count = layer.channels - group * 16;
                            for pair in 0..PIXELS.div_ceil(2) {
                                let (first, second) = (pair * 2, (pair * 2 + 1).min(PIXELS - 1));
                                let bytes = to_bytes([sums[first], sums[second]], scale, out);
                                store(bytes[0], to.add(first * g.out_x), count);
                                if second > first {
                                    store(bytes[1], to.add(second * g.out_x), count);
                                }
                            }
                        }
                    }
                }
            }
        }
    };
}

#[inline]
#[target_feature(enable = "avx2,avxvnni")]
fn multiply_vnni(sums: __m256i, four: __m256i, weights: __m256i) -> __m256i {
    _mm256_dpbusd_avx_epi32(sums, four, weights)
}

#[inline]
#[target_feature(enable = "avx2")]
fn multiply_pairs(sums: __m256i, two: __m256i, weights: __m256i) -> __m256i {
    _mm256_add_epi32(sums, _mm256_madd_epi16(two, weights))
}

tile!(vnni, "avx2,avxvnni", 1, multiply_vnni);
tile!(madd, "avx2", 2, multiply_pairs);

/// Stores eight channels at one or two pixels, `step` bytes apart.
///
/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store_block<const PIXELS: usize>(
    sums: [__m256i; PIXELS],
    block: &Block,
    out: Output,
    to: *mut u8,
    step: usize,
) {
    // SAFETY: eight of a line.
    let scale = unsafe { _mm256_loadu_ps(block.scale.0.as_ptr()) };
    let round = |i: usize| {
        let real = _mm256_mul_ps(_mm256_cvtepi32_ps(sums[i.min(PIXELS - 1)]), scale);
        _mm256_cvtps_epi32(real)
    };
    let packed = _mm256_packs_epi32(round(0), round(1));
    let bytes = limit(packed, packed, out);
    // Each lane has four channels of both pixels.
    let (low, high) = (_mm256_castsi256_si128(bytes), _mm256_extracti128_si256(bytes, 1));
    let bytes = _mm_unpacklo_epi32(low, high);
    for i in 0..PIXELS {
        let pixel = if i == 0 { bytes } else { _mm_unpackhi_epi64(bytes, bytes) };
        // SAFETY: as the caller promises.
        unsafe {
            let to = to.add(i * step);
            if block.count == 8 {
                _mm_storel_epi64(to.cast(), pixel);
            } else {
                store_some(pixel, to, block.count);
            }
        }
    }
}

/// Apart, so that the common case is small enough to be inlined.
///
/// # Safety
/// `to` must be writable for `count` bytes.
#[cold]
#[inline(never)]
#[target_feature(enable = "avx2")]
unsafe fn store_some(bytes: __m128i, to: *mut u8, count: usize) {
    // SAFETY: as the caller promises.
    unsafe { store(bytes, to, count) };
}

macro_rules! multiply_only {
    ($name:ident, $features:literal, $macs:literal, $multiply:expr) => {
        /// Multiplies in registers alone; returns how many multiply-accumulates that was.
        #[target_feature(enable = $features)]
        pub fn $name(rounds: usize) -> usize {
            let mut sums = [_mm256_setzero_si256(); 12];
            let (a, mut w) = (_mm256_set1_epi8(3), _mm256_set1_epi8(1));
            for _ in 0..rounds {
                for sum in &mut sums {
                    // SAFETY: no instruction at all; the compiler must take `w` for changed and so
                    // cannot fold products.
                    unsafe { std::arch::asm!("/* {0} */", inout(ymm_reg) w) };
                    *sum = $multiply(*sum, a, w);
                }
            }
            std::hint::black_box(sums);
            rounds * sums.len() * $macs
        }
    };
}

multiply_only!(multiply_only_vnni, "avx2,avxvnni", 32, multiply_vnni);
multiply_only!(multiply_only, "avx2", 16, multiply_pairs);
