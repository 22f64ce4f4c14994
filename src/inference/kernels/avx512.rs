//! AVX-512 with VNNI: 16 channels and four inputs of each in a register, activations broadcast.

use std::arch::x86_64::*;
use std::array::from_fn;

use super::{Geometry, Line, Output, Share, Weights, lines};

mod depthwise;
mod rows;

pub use depthwise::Depthwise;
pub use rows::{add, look_up};

pub fn detected() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Up to four registers of sums to bytes: lane `l` of the result holds four bytes of each
/// register's lane `l`, register after register.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn to_bytes<const N: usize>(sums: [__m512i; N], scale: [__m512; N], out: Output) -> __m512i {
    let round = |i: usize| {
        // What is not there is packed as something that is.
        let i = if i < N { i } else { 0 };
        _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[i]), scale[i]))
    };
    pack(from_fn(round), out)
}

/// Rounded numbers to bytes, in the same order.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn pack(rounded: [__m512i; 4], out: Output) -> __m512i {
    let first = _mm512_packs_epi32(rounded[0], rounded[1]);
    let second = _mm512_packs_epi32(rounded[2], rounded[3]);
    if out == (Output { zero: 0, low: 0, high: 255 }) {
        return _mm512_packus_epi16(first, second);
    }
    // Sums that saturate here are beyond `low` or `high` in any case.
    let zero = _mm512_set1_epi16(i16::from(out.zero));
    let (first, second) = (_mm512_adds_epi16(first, zero), _mm512_adds_epi16(second, zero));
    let bytes =
        _mm512_max_epu8(_mm512_packus_epi16(first, second), _mm512_set1_epi8(out.low as i8));
    _mm512_min_epu8(bytes, _mm512_set1_epi8(out.high as i8))
}

/// Up to four blocks of 16 output channels.
struct Group {
    /// Strip by step of four bytes by block by channel by byte.
    values: Vec<Line<i8, 64>>,
    bias: Vec<Line<i32, 16>>,
    scale: Vec<Line<f32, 16>>,
    blocks: usize,
    first: usize,
    /// One bit a channel that there is.
    stored: u64,
    pixels: usize,
}

pub struct Dense {
    groups: Vec<Group>,
}

/// Bytes of output that are written before they leave the first cache.
const BAND: usize = 16 << 10;

/// Pixels of a tile, by blocks: as many as 32 registers take.
const PIXELS: [&[usize]; 4] =
    [&[14, 8, 7, 4, 2, 1], &[12, 8, 7, 4, 2, 1], &[8, 7, 5, 4, 2, 1], &[6, 5, 4, 2, 1]];

/// The tile that wastes the least on rows of `width` pixels, and its cost; the last tile of a row
/// overlaps. `steps` of four inputs make an output.
fn pixels(width: usize, blocks: usize, steps: usize) -> (usize, usize) {
    let cost = |pixels: usize| {
        // Two registers are loaded, and two multiplied, a cycle; an output register takes about
        // five instructions more.
        let step = (pixels + blocks).max(pixels * blocks).max(8);
        width.div_ceil(pixels) * (steps * step + pixels * blocks * 3 + 12)
    };
    let fitting = PIXELS[blocks - 1].iter().filter(|&&p| p <= width);
    fitting.map(|&p| (p, cost(p))).min_by_key(|&(_, cost)| cost).unwrap_or((1, cost(1)))
}

/// Blocks of each group, so that all together cost least.
fn split(blocks: usize, width: usize, steps: usize) -> Vec<usize> {
    let even = |groups: usize| -> Vec<usize> {
        (0..groups).map(|i| blocks / groups + usize::from(i < blocks % groups)).collect()
    };
    let cost = |split: &Vec<usize>| -> usize {
        split.iter().map(|&blocks| pixels(width, blocks, steps).1).sum()
    };
    (blocks.div_ceil(4)..=blocks).map(even).min_by_key(cost).unwrap_or_default()
}

impl Dense {
    pub fn new(g: &Geometry, weights: &Weights) -> Dense {
        let steps = g.strips.len() * g.depth.div_ceil(4);
        let mut next = 0;
        let split = split(weights.channels().div_ceil(16), g.width, steps);
        let groups = split.into_iter().map(|blocks| {
            next += blocks;
            Group::new(g, weights, (next - blocks) * 16, blocks)
        });
        Dense { groups: groups.collect() }
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
    ) {
        for band in self.bands(g, share) {
            for group in &self.groups {
                macro_rules! tiles {
                    ($($pixels:literal $blocks:literal),*) => {
                        match (group.pixels, group.blocks) {
                            $(($pixels, $blocks) => tile::<$pixels, $blocks>,)*
                            (_, 1) => tile::<1, 1>,
                            (_, 2) => tile::<1, 2>,
                            (_, 3) => tile::<1, 3>,
                            _ => tile::<1, 4>,
                        }
                    };
                }
                let tile = tiles!(
                    14 1, 8 1, 7 1, 4 1, 2 1, 12 2, 8 2, 7 2, 4 2, 2 2,
                    8 3, 7 3, 5 3, 4 3, 2 3, 6 4, 5 4, 4 4, 2 4
                );
                // SAFETY: as the caller promises.
                unsafe { tile(g, &band, share.columns.end, group, out, src, dst.add(group.first)) };
            }
        }
    }

    /// Rows and columns that all groups do before any goes on, so that their output, of which
    /// each writes a part of every pixel, stays in the first cache.
    fn bands(&self, g: &Geometry, share: &Share) -> impl Iterator<Item = Share> {
        let even = self.groups.iter().map(|group| group.pixels).fold(1, lcm);
        let Share { rows, columns } = share.clone();
        let (mut high, mut wide) = (rows.len().max(1), columns.len().max(1));
        if self.groups.len() > 1 {
            wide = (BAND / g.out_x).next_multiple_of(even).clamp(1, wide);
            high = (BAND / (g.out_x * wide)).clamp(1, high);
        }
        rows.clone().step_by(high).flat_map(move |y| {
            let rows = y..rows.end.min(y + high);
            columns.clone().step_by(wide).map({
                let end = columns.end;
                move |x| Share { rows: rows.clone(), columns: x..end.min(x + wide) }
            })
        })
    }
}

fn lcm(a: usize, b: usize) -> usize {
    (1..=b).map(|i| a * i).find(|multiple| multiple.is_multiple_of(b)).unwrap_or(a)
}

impl Group {
    fn new(g: &Geometry, weights: &Weights, first: usize, blocks: usize) -> Group {
        let channels = weights.channels();
        let window = g.strips.len() * g.depth;
        let range = first..first + blocks * 16;
        let mut values = Vec::new();
        for strip in 0..g.strips.len() {
            for step in 0..g.depth.div_ceil(4) {
                for c in range.clone() {
                    for byte in step * 4..step * 4 + 4 {
                        let inside = c < channels && byte < g.depth;
                        let at = c * window + strip * g.depth + byte;
                        values.push(if inside { weights.values[at] } else { 0 });
                    }
                }
            }
        }
        let here = range.start..range.end.min(channels);
        let (values, bias) = (lines(&values, 0), lines(&weights.bias[here.clone()], 0));
        let scale = lines(&weights.scale[here], 0.0);
        let count = (channels - first).min(blocks * 16);
        let stored = if count == 64 { u64::MAX } else { (1 << count) - 1 };
        let (pixels, _) = pixels(g.width, blocks, g.strips.len() * g.depth.div_ceil(4));
        Group { values, bias, scale, blocks, first, stored, pixels }
    }
}

/// Computes a band; a tile may reach out of it, as far as column `end`.
///
/// # Safety
/// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn tile<const PIXELS: usize, const BLOCKS: usize>(
    g: &Geometry,
    band: &Share,
    end: usize,
    group: &Group,
    out: Output,
    src: *const u8,
    dst: *mut u8,
) {
    let steps = g.depth.div_ceil(4);
    let order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    // All bytes of whole pixels, one after the other.
    let whole = 4 % BLOCKS == 0 && group.stored.count_ones() as usize == BLOCKS * 16;
    let adjacent = whole && g.out_x == BLOCKS * 16;
    for y in band.rows.clone() {
        let mut next = band.columns.start;
        while next < band.columns.end {
            let x = next.min(end - PIXELS);
            next = x + PIXELS;
            // SAFETY: rows, pixels and strips are the geometry's own, weights were packed for
            // `steps` steps of `BLOCKS` registers a strip, bias and scale for `BLOCKS` registers.
            unsafe {
                let window = src.add(y * g.in_y + x * g.in_x);
                let mut sums = [[_mm512_setzero_si512(); BLOCKS]; PIXELS];
                for block in 0..BLOCKS {
                    let bias = _mm512_load_si512(group.bias.as_ptr().add(block).cast());
                    for pixel in &mut sums {
                        pixel[block] = bias;
                    }
                }
                let mut values = group.values.as_ptr().cast::<i8>();
                for &strip in &g.strips {
                    let mut at = window.add(strip);
                    for _ in 0..steps {
                        let mut w = [_mm512_setzero_si512(); BLOCKS];
                        for (block, w) in w.iter_mut().enumerate() {
                            *w = _mm512_load_si512(values.add(block * 64).cast());
                        }
                        for (pixel, sums) in sums.iter_mut().enumerate() {
                            let four = at.add(pixel * g.in_x).cast::<i32>().read_unaligned();
                            let four = _mm512_set1_epi32(four);
                            for block in 0..BLOCKS {
                                sums[block] = _mm512_dpbusd_epi32(sums[block], four, w[block]);
                            }
                        }
                        values = values.add(BLOCKS * 64);
                        at = at.add(4);
                    }
                }
                let mut scale = [_mm512_setzero_ps(); BLOCKS];
                for (block, scale) in scale.iter_mut().enumerate() {
                    *scale = _mm512_load_ps(group.scale.as_ptr().add(block).cast());
                }
                // As many pixels together as make four registers.
                let (to, together) = (dst.add(y * g.out_y + x * g.out_x), 4 / BLOCKS);
                for first in 0..PIXELS.div_ceil(together) {
                    let first = first * together;
                    let last = PIXELS.min(first + together) - 1;
                    // What is over repeats the last.
                    let pixel = |i: usize| last.min(first + i / BLOCKS);
                    let four = from_fn::<_, 4, _>(|i| sums[pixel(i)][i % BLOCKS]);
                    let bytes = to_bytes(four, from_fn(|i| scale[i % BLOCKS]), out);
                    let bytes = _mm512_permutexvar_epi32(order, bytes);
                    let to = to.add(first * g.out_x);
                    if last - first + 1 == together && adjacent {
                        _mm512_storeu_si512(to.cast(), bytes);
                        continue;
                    }
                    for pixel in 0..=last - first {
                        let to = to.add(pixel * g.out_x).cast();
                        let bytes = match (BLOCKS, pixel) {
                            (1, 1) => _mm512_castsi128_si512(_mm512_extracti32x4_epi32(bytes, 1)),
                            (1, 2) => _mm512_castsi128_si512(_mm512_extracti32x4_epi32(bytes, 2)),
                            (1, 3) => _mm512_castsi128_si512(_mm512_extracti32x4_epi32(bytes, 3)),
                            (2, 1) => _mm512_castsi256_si512(_mm512_extracti64x4_epi64(bytes, 1)),
                            _ => bytes,
                        };
                        _mm512_mask_storeu_epi8(to, group.stored, bytes);
                    }
                }
            }
        }
    }
}

/// Multiplies in registers alone; returns how many multiply-accumulates that was.
#[target_feature(enable = "avx512f,avx512vnni")]
pub fn multiply_only(rounds: usize) -> usize {
    let mut sums = [_mm512_setzero_si512(); 16];
    let (mut a, mut w) = (_mm512_set1_epi8(3), _mm512_set1_epi8(1));
    for _ in 0..rounds {
        // SAFETY: no instruction at all; the compiler must take both for changed and so cannot
        // fold the rounds.
        unsafe { std::arch::asm!("/* {0} {1} */", inout(zmm_reg) a, inout(zmm_reg) w) };
        for sum in &mut sums {
            *sum = _mm512_dpbusd_epi32(*sum, a, w);
        }
    }
    std::hint::black_box(sums);
    rounds * sums.len() * 64
}
