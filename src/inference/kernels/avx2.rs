//! AVX2, with AVX-VNNI where there is: tiles of pixels by 16 channels.
//!
//! Without VNNI, activations are widened to 16 bits once a layer and multiplied in pairs:
//! `vpmaddubsw`, which takes bytes, would saturate.

use std::arch::x86_64::*;

use super::{Geometry, Output, SLACK, Share, Weights};

pub mod quads;

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
        let pixels = [6, 4, 2, 1].into_iter().find(|&p| p <= width).unwrap_or(1);
        // Fours that come out even are better than sixes that overlap.
        let even = |p| width.is_multiple_of(p);
        let pixels = if pixels == 6 && !even(6) && even(4) { 4 } else { pixels };
        if self.vnni {
            let tile = match pixels {
                6 => vnni::<6>,
                4 => vnni::<4>,
                2 => vnni::<2>,
                _ => vnni::<1>,
            };
            // SAFETY: as the caller promises.
            unsafe { tile(self, g, share, out, src, dst) };
            return;
        }
        // What this share reads, and SLACK bytes more, at twice its place.
        let last = g.strips.iter().max().copied().unwrap_or(0);
        let at = |y: usize, x: usize| y * g.in_y + x * g.in_x;
        let first = at(share.rows.start, share.columns.start);
        let end = at(share.rows.end - 1, share.columns.end - 1) + last + g.depth + SLACK;
        // SAFETY: as the caller promises.
        let bytes = unsafe { std::slice::from_raw_parts(src.add(first), end - first) };
        let wide = &mut scratch[..self.scratch(g)];
        let pairs = wide[2 * first..2 * end].as_chunks_mut::<2>().0;
        for (pair, &byte) in pairs.iter_mut().zip(bytes) {
            *pair = [byte, 0];
        }
        let tile = match pixels {
            6 => madd::<6>,
            4 => madd::<4>,
            2 => madd::<2>,
            _ => madd::<1>,
        };
        // SAFETY: as the caller promises; the copy reaches as far as the share and SLACK bytes more.
        unsafe { tile(self, g, share, out, wide.as_ptr(), dst) }
    }
}

/// Sixteen sums to bytes.
///
/// # Safety
/// `scale` must point at 16 numbers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn to_bytes(low: __m256i, high: __m256i, scale: *const f32, out: Output) -> __m128i {
    // SAFETY: as the caller promises.
    let scales = unsafe { [_mm256_loadu_ps(scale), _mm256_loadu_ps(scale.add(8))] };
    let round = |sums, scale| _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale));
    let packed = _mm256_packs_epi32(round(low, scales[0]), round(high, scales[1]));
    let packed = _mm256_adds_epi16(packed, _mm256_set1_epi16(i16::from(out.zero)));
    limit(_mm256_packus_epi16(packed, packed), out)
}

/// Sixteen bytes out of the dwords 0, 4, 1, 5 of what was packed lane by lane.
#[inline]
#[target_feature(enable = "avx2")]
fn limit(packed: __m256i, out: Output) -> __m128i {
    let order = _mm256_setr_epi32(0, 4, 1, 5, 0, 0, 0, 0);
    let bytes = _mm256_castsi256_si128(_mm256_permutevar8x32_epi32(packed, order));
    let bytes = _mm_max_epu8(bytes, _mm_set1_epi8(out.low as i8));
    _mm_min_epu8(bytes, _mm_set1_epi8(out.high as i8))
}

/// # Safety
/// `to` must be writable for `count` bytes, or 16.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store(bytes: __m128i, to: *mut u8, count: usize) {
    // SAFETY: as the caller promises.
    unsafe {
        if count >= 16 {
            _mm_storeu_si128(to.cast(), bytes);
        } else {
            let mut all = [0u8; 16];
            _mm_storeu_si128(all.as_mut_ptr().cast(), bytes);
            std::ptr::copy_nonoverlapping(all.as_ptr(), to, count);
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
                            for (pixel, [low, high]) in sums.into_iter().enumerate() {
                                let scale = layer.scale.as_ptr().add(group * 16);
                                let bytes = to_bytes(low, high, scale, out);
                                let count = layer.channels - group * 16;
                                store(bytes, to.add(pixel * g.out_x), count);
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

/// Channel of lane `lane` of register `half`, in a block of 16, once pairs of taps are unpacked.
fn channel(half: usize, lane: usize) -> usize {
    lane / 4 * 8 + half * 4 + lane % 4
}

/// Sixteen channels at a time; taps are widened and multiplied in pairs.
pub struct Depthwise {
    /// Block by pair of taps by half by channel by tap.
    values: Vec<i16>,
    /// Block by half by channel.
    bias: Vec<i32>,
    scale: Vec<f32>,
    channels: usize,
}

impl Depthwise {
    pub fn new(g: &Geometry, weights: &Weights) -> Depthwise {
        let channels = weights.channels();
        let taps = g.strips.len();
        let (mut values, mut bias, mut scale) = (Vec::new(), Vec::new(), Vec::new());
        for block in (0..channels).step_by(16) {
            let halves =
                (0..2).flat_map(|half| (0..8).map(move |lane| block + channel(half, lane)));
            for pair in (0..taps).step_by(2) {
                for c in halves.clone() {
                    for tap in pair..pair + 2 {
                        let inside = tap < taps && c < channels;
                        let value = if inside { weights.values[tap * channels + c] } else { 0 };
                        values.push(i16::from(value));
                    }
                }
            }
            bias.extend(halves.clone().map(|c| weights.bias.get(c).copied().unwrap_or(0)));
            scale.extend(halves.map(|c| weights.scale.get(c).copied().unwrap_or(0.0)));
        }
        Depthwise { values, bias, scale, channels }
    }

    /// # Safety
    /// The processor must have the features, and the geometry must lie in the memory around `src`
    /// and `dst`, with SLACK bytes behind.
    #[target_feature(enable = "avx2")]
    pub unsafe fn run(
        &self,
        g: &Geometry,
        share: &Share,
        out: Output,
        src: *const u8,
        dst: *mut u8,
    ) {
        let pairs = g.strips.len().div_ceil(2);
        for y in share.rows.clone() {
            for x in share.columns.clone() {
                for block in 0..self.channels.div_ceil(16) {
                    // SAFETY: rows, pixels and taps are the geometry's own; weights, bias and
                    // scale are packed for whole blocks of 16 channels.
                    unsafe {
                        let at = src.add(y * g.in_y + x * g.in_x + block * 16);
                        let bias = self.bias.as_ptr().add(block * 16);
                        let mut low = _mm256_loadu_si256(bias.cast());
                        let mut high = _mm256_loadu_si256(bias.add(8).cast());
                        let mut values = self.values.as_ptr().add(block * pairs * 32);
                        for pair in g.strips.chunks(2) {
                            let wide = |&tap: &usize| {
                                _mm256_cvtepu8_epi16(_mm_loadu_si128(at.add(tap).cast()))
                            };
                            let first = wide(&pair[0]);
                            let second = pair.get(1).map_or(_mm256_setzero_si256(), wide);
                            let w = _mm256_loadu_si256(values.cast());
                            low = multiply_pairs(low, _mm256_unpacklo_epi16(first, second), w);
                            let w = _mm256_loadu_si256(values.add(16).cast());
                            high = multiply_pairs(high, _mm256_unpackhi_epi16(first, second), w);
                            values = values.add(32);
                        }
                        let scale = self.scale.as_ptr().add(block * 16);
                        let scales = [_mm256_loadu_ps(scale), _mm256_loadu_ps(scale.add(8))];
                        let round = |sums, scale| {
                            _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_cvtepi32_ps(sums), scale))
                        };
                        let packed =
                            _mm256_packs_epi32(round(low, scales[0]), round(high, scales[1]));
                        let zero = _mm256_set1_epi16(i16::from(out.zero));
                        let packed = _mm256_adds_epi16(packed, zero);
                        // Packing undoes the unpacking of 16-bit pairs.
                        let bytes = _mm_packus_epi16(
                            _mm256_castsi256_si128(packed),
                            _mm256_extracti128_si256(packed, 1),
                        );
                        let bytes = _mm_max_epu8(bytes, _mm_set1_epi8(out.low as i8));
                        let bytes = _mm_min_epu8(bytes, _mm_set1_epi8(out.high as i8));
                        let to = dst.add(y * g.out_y + x * g.out_x + block * 16);
                        store(bytes, to, self.channels - block * 16);
                    }
                }
            }
        }
    }
}

macro_rules! multiply_only {
    ($name:ident, $features:literal, $macs:literal, $multiply:expr) => {
        /// Multiplies in registers alone; returns how many multiply-accumulates that was.
        #[target_feature(enable = $features)]
        pub fn $name(rounds: usize) -> usize {
            let mut sums = [_mm256_setzero_si256(); 12];
            let (mut a, mut w) = (_mm256_set1_epi8(3), _mm256_set1_epi8(1));
            for _ in 0..rounds {
                // SAFETY: no instruction at all; the compiler must take both for changed and so
                // cannot fold the rounds.
                unsafe { std::arch::asm!("/* {0} {1} */", inout(ymm_reg) a, inout(ymm_reg) w) };
                for sum in &mut sums {
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
