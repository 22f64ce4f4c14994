//! Depthwise convolution: a block of 16 channels at four adjacent pixels of the output.
//!
//! Four adjacent pixels of the input, transposed to four bytes of each channel, are a *quad*. One
//! quad serves every output pixel and row that it lies under, with weights moved by as many bytes.

use std::arch::x86_64::*;
use std::ops::Range;

use super::super::{Geometry, Line, Output, Share, Weights, lines};
use super::to_bytes;

/// Pixels of the output that are stored together.
const TILE: usize = 4;
/// Bytes of the first cache that a map may take.
const CACHE: usize = 32 << 10;

/// 16 channels, or those that there are.
struct Block {
    values: Vec<Line<i8, 64>>,
    bias: Line<i32, 16>,
    scale: Line<f32, 16>,
    first: usize,
    stored: __mmask16,
}

/// How a window is walked down the rows: its size, how far it moves, and how many quads in a row
/// give how many pixels of the output, so many times for a tile.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Walk {
    size: usize,
    stride: usize,
    quads: usize,
    pixels: usize,
}

const WALKS: [Walk; 4] = [
    Walk { size: 3, stride: 1, quads: 1, pixels: 2 },
    Walk { size: 5, stride: 1, quads: 2, pixels: 4 },
    Walk { size: 3, stride: 2, quads: 1, pixels: 1 },
    Walk { size: 5, stride: 2, quads: 2, pixels: 2 },
];

impl Walk {
    /// The one for a window that moves by whole rows and pixels of its own.
    fn of(g: &Geometry, columns: usize) -> Option<Walk> {
        let rows = g.strips.len() / columns;
        let (right, down) = (g.strips.get(1)? - g.strips[0], g.strips.get(columns)? - g.strips[0]);
        let regular = (0..g.strips.len())
            .all(|i| g.strips[i] == g.strips[0] + i / columns * down + i % columns * right);
        let fits = |walk: &Walk| {
            let moves = [g.in_x, g.in_y] == [walk.stride * right, walk.stride * down];
            moves && rows == walk.size && columns == walk.size
        };
        let all = regular && g.width >= TILE && rows * columns == g.strips.len();
        WALKS.into_iter().find(|walk| all && fits(walk))
    }
}

pub struct Depthwise {
    blocks: Vec<Block>,
    walk: Option<Walk>,
    /// Without a walk: taps in fours, the last filled up with taps of weight zero.
    quads: Vec<[usize; 4]>,
    /// From one tap to its right neighbour.
    pixel: usize,
    row: usize,
}

impl Depthwise {
    pub fn new(g: &Geometry, columns: usize, weights: &Weights) -> Depthwise {
        let channels = weights.channels();
        let walk = Walk::of(g, columns);
        // The last block begins early enough to be whole, if it can.
        let first = |block: usize| (block * 16).min(channels.saturating_sub(16));
        let blocks = (0..channels.div_ceil(16)).map(|block| {
            let first = first(block);
            let here = first..channels.min(first + 16);
            let value = |tap: Option<usize>, lane: usize| match tap {
                Some(tap) if first + lane < channels => {
                    weights.values[tap * channels + first + lane]
                }
                _ => 0,
            };
            let quad = |taps: [Option<usize>; 4]| (0..64).map(move |i| value(taps[i % 4], i / 4));
            let values: Vec<i8> = match walk {
                Some(Walk { size, stride, quads, pixels }) => {
                    let places = (0..size * pixels * quads)
                        .map(|i| (i / quads / pixels, i / quads % pixels, i % quads));
                    places
                        .flat_map(|(row, pixel, q)| {
                            let column = |byte: usize| (q * 4 + byte).checked_sub(pixel * stride);
                            let tap =
                                |byte| column(byte).filter(|&c| c < size).map(|c| row * size + c);
                            quad(std::array::from_fn(tap))
                        })
                        .collect()
                }
                None => {
                    let taps = g.strips.len();
                    (0..taps.div_ceil(4))
                        .flat_map(|q| {
                            quad(std::array::from_fn(|byte| {
                                Some(q * 4 + byte).filter(|&tap| tap < taps)
                            }))
                        })
                        .collect()
                }
            };
            Block {
                values: lines(&values, 0),
                bias: lines(&weights.bias[here.clone()], 0)[0],
                scale: lines(&weights.scale[here.clone()], 0.0)[0],
                first,
                stored: ((1u32 << here.len()) - 1) as u16,
            }
        });
        let four = |taps: &[usize]| std::array::from_fn(|i| *taps.get(i).unwrap_or(&taps[0]));
        let apart = |i: usize| g.strips.get(i).map_or(0, |start| start - g.strips[0]);
        Depthwise {
            blocks: blocks.collect(),
            walk,
            quads: g.strips.chunks(4).map(four).collect(),
            pixel: apart(1),
            row: apart(columns),
        }
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
        if share.rows.is_empty() {
            return;
        }
        let run = match self.walk.map(|walk| (walk.size, walk.stride)) {
            Some((3, 1)) => walk::<3, 1, 1, 2>,
            Some((5, 1)) => walk::<5, 1, 2, 4>,
            Some((3, 2)) => walk::<3, 2, 1, 1>,
            Some((5, 2)) => walk::<5, 2, 2, 2>,
            _ if g.width >= TILE => any::<TILE>,
            _ => any::<1>,
        };
        let (rows, Range { start, end }) = (share.rows.clone(), share.columns.clone());
        // Blocks share cache lines: what lies between two of them must fit the first cache, all
        // pixels, or else those of a tile.
        let apart = (g.in_y / self.row.max(1)) * (g.in_x / self.pixel.max(1));
        let wide = match rows.len() * (end - start) * apart * 64 <= CACHE {
            true => end - start,
            false => TILE.min(end - start),
        };
        for x in (start..end).step_by(wide) {
            let columns = x.min(end - wide)..end.min(x + wide);
            for block in &self.blocks {
                let band = Share { rows: rows.clone(), columns: columns.clone() };
                // SAFETY: as the caller promises.
                unsafe {
                    run(self, g, band, block, out, src.add(block.first), dst.add(block.first))
                };
            }
        }
    }
}

/// Sixteen bytes at each of four places, as four bytes of each of 16 channels.
///
/// # Safety
/// 16 bytes must be readable at each place.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn quad(at: [*const u8; 4], order: [__m512i; 2]) -> __m512i {
    // SAFETY: as the caller promises.
    let [a, b, c, d] = at.map(|at| unsafe { _mm_loadu_si128(at.cast()) });
    let low = _mm256_inserti128_si256(_mm256_castsi128_si256(a), b, 1);
    let high = _mm256_inserti128_si256(_mm256_castsi128_si256(c), d, 1);
    let all = _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
    _mm512_shuffle_epi8(_mm512_permutexvar_epi32(order[0], all), order[1])
}

/// How [`quad`] moves dwords and bytes. The compiler must not know: it would take the moves apart
/// into more of its own.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
fn transposed() -> [__m512i; 2] {
    let mut dwords = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let bytes = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    let mut bytes = _mm512_broadcast_i32x4(bytes);
    // SAFETY: no instruction at all.
    unsafe { std::arch::asm!("/* {0} {1} */", inout(zmm_reg) dwords, inout(zmm_reg) bytes) };
    [dwords, bytes]
}

/// Stores a block at up to four pixels, `step` bytes apart.
///
/// # Safety
/// The block's bytes at each pixel must be writable.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn store<const PIXELS: usize>(
    sums: [__m512i; PIXELS],
    scale: __m512,
    block: &Block,
    out: Output,
    order: __m512i,
    to: *mut u8,
    step: usize,
) {
    let bytes = _mm512_permutexvar_epi32(order, to_bytes(sums, [scale; PIXELS], out));
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
            if block.stored == u16::MAX {
                _mm_storeu_si128(to.cast(), pixel);
            } else {
                _mm_mask_storeu_epi8(to.cast(), block.stored, pixel);
            }
        }
    }
}

/// Walks a tile down all output rows. Each input row is read once, and serves every output row
/// that its window reaches.
///
/// # Safety
/// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn walk<const SIZE: usize, const STRIDE: usize, const QUADS: usize, const PIXELS: usize>(
    layer: &Depthwise,
    g: &Geometry,
    band: Share,
    block: &Block,
    out: Output,
    src: *const u8,
    dst: *mut u8,
) {
    // SAFETY: rows, pixels and taps are the geometry's own; what a window does not reach is not
    // read. Weights were packed for `SIZE` by `PIXELS` by `QUADS`, all else for 16 channels.
    unsafe {
        let bias = _mm512_load_si512(block.bias.0.as_ptr().cast());
        let scale = _mm512_load_ps(block.scale.0.as_ptr());
        let values = block.values.as_ptr().cast::<i8>();
        let order = transposed();
        let mut next = band.columns.start;
        while next < band.columns.end {
            let x = next.min(band.columns.end - TILE);
            next = x + TILE;
            let first = band.rows.start;
            let mut row = src.add(first * g.in_y + x * g.in_x);
            let mut to = dst.add(first * g.out_y + x * g.out_x);
            let mut sums = [[bias; TILE]; SIZE];
            let inputs = (band.rows.len() - 1) * STRIDE + SIZE;
            let mut input = 0;
            // Written out by phase, so that all sums have a register: in phase `p`, the output row
            // that begins with this input row is number `p / STRIDE` of those in the making.
            macro_rules! phase {
                ($p:literal) => {
                    if $p < SIZE.div_ceil(STRIDE) * STRIDE {
                        let live = SIZE.div_ceil(STRIDE);
                        if $p % STRIDE == 0 {
                            sums[$p / STRIDE] = [bias; TILE];
                        }
                        for group in 0..TILE / PIXELS {
                            for q in 0..QUADS {
                                // Pixels that no window of the tile reaches are not read.
                                let last = (TILE - 1) * STRIDE + SIZE - 1;
                                let first = group * PIXELS * STRIDE + q * 4;
                                let at = |i: usize| row.add((first + i).min(last) * layer.pixel);
                                let quad = quad([at(0), at(1), at(2), at(3)], order);
                                for r in 0..SIZE {
                                    let begun = $p + live * STRIDE * SIZE - r;
                                    if begun % STRIDE != 0 {
                                        continue;
                                    }
                                    let sums = &mut sums[begun / STRIDE % live];
                                    for pixel in 0..PIXELS {
                                        // Only where the quad lies under the window.
                                        let from = pixel * STRIDE;
                                        if q * 4 + 3 < from || q * 4 >= from + SIZE {
                                            continue;
                                        }
                                        let w = ((r * PIXELS + pixel) * QUADS + q) * 64;
                                        let w = _mm512_load_si512(values.add(w).cast());
                                        let sum = &mut sums[group * PIXELS + pixel];
                                        *sum = _mm512_dpbusd_epi32(*sum, quad, w);
                                    }
                                }
                            }
                        }
                        let ended = $p + live * STRIDE * SIZE - (SIZE - 1);
                        if ended % STRIDE == 0 && input + 1 >= SIZE {
                            let sums = sums[ended / STRIDE % live];
                            store(sums, scale, block, out, order[0], to, g.out_x);
                            to = to.add(g.out_y);
                        }
                        input += 1;
                        if input == inputs {
                            break;
                        }
                        row = row.add(layer.row);
                    }
                };
            }
            loop {
                phase!(0);
                phase!(1);
                phase!(2);
                phase!(3);
                phase!(4);
                phase!(5);
            }
        }
    }
}

/// Any window, `PIXELS` of the output at a time.
///
/// # Safety
/// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
unsafe fn any<const PIXELS: usize>(
    layer: &Depthwise,
    g: &Geometry,
    band: Share,
    block: &Block,
    out: Output,
    src: *const u8,
    dst: *mut u8,
) {
    // SAFETY: as for `walk`; weights were packed for the layer's quads.
    unsafe {
        let bias = _mm512_load_si512(block.bias.0.as_ptr().cast());
        let scale = _mm512_load_ps(block.scale.0.as_ptr());
        let order = transposed();
        for y in band.rows {
            let mut next = band.columns.start;
            while next < band.columns.end {
                let x = next.min(band.columns.end - PIXELS);
                next = x + PIXELS;
                let from = src.add(y * g.in_y + x * g.in_x);
                let mut sums = [bias; PIXELS];
                for (taps, w) in layer.quads.iter().zip(&block.values) {
                    let w = _mm512_load_si512(w.0.as_ptr().cast());
                    for (pixel, sum) in sums.iter_mut().enumerate() {
                        let quad = quad(taps.map(|tap| from.add(pixel * g.in_x + tap)), order);
                        *sum = _mm512_dpbusd_epi32(*sum, quad, w);
                    }
                }
                store(
                    sums,
                    scale,
                    block,
                    out,
                    order[0],
                    dst.add(y * g.out_y + x * g.out_x),
                    g.out_x,
                );
            }
        }
    }
}
