//! The layers without weights, in plain Rust: they touch each byte once or a few times.

use super::super::graph::{Map, Table, Window};
use super::super::kernels::{Isa, Output, add_row};

/// A map and where it lies in the arena.
#[derive(Debug, Clone, Copy)]
pub struct Picture {
    pub map: Map,
    pub first: usize,
    pub row: usize,
}

impl Picture {
    /// Offset of a pixel's first channel.
    pub fn at(&self, y: usize, x: usize) -> usize {
        self.first + y * self.row + x * self.map.channels
    }
}

/// See [`super::Op::Add`].
pub fn add(
    isa: Isa,
    arena: &mut [u8],
    flip: u8,
    from: [Picture; 2],
    factors: [f32; 2],
    to: Picture,
    output: Output,
) {
    let zeros = from.map(|p| i32::from(p.map.quantization.zero));
    let len = to.map.width * to.map.channels;
    for y in 0..to.map.height {
        let rows = from.map(|p| p.at(y, 0));
        add_row(isa, arena, flip, rows, to.at(y, 0), len, zeros, factors, output);
    }
}

/// Each byte through `table`, into the channels from `channel` on.
pub fn lookup(
    arena: &mut [u8],
    flip: u8,
    from: Picture,
    table: &Table,
    to: Picture,
    channel: usize,
) {
    for y in 0..from.map.height {
        for x in 0..from.map.width {
            let (src, dst) = (from.at(y, x), to.at(y, x) + channel);
            for c in 0..from.map.channels {
                arena[dst + c] = table[usize::from(arena[src + c] ^ flip)] ^ flip;
            }
        }
    }
}

/// The window's rows (or columns) that lie inside the map, of output `at`.
fn inside(
    window: &Window,
    axis: usize,
    at: usize,
    length: usize,
) -> impl Iterator<Item = usize> + use<> {
    let (step, pad) = (window.dilation[axis], window.pad[axis]);
    let start = at * window.stride[axis];
    (0..window.kernel[axis])
        .map(move |k| start + k * step)
        .filter(move |&p| p >= pad && p < length + pad)
        .map(move |p| p - pad)
}

/// First the largest of each column, over whole rows of bytes, then of each window's columns.
pub fn max_pool(
    arena: &mut [u8],
    flip: u8,
    from: Picture,
    window: Window,
    to: Picture,
    scratch: &mut [u8],
) {
    let channels = to.map.channels;
    let tallest = &mut scratch[..from.map.width * channels];
    // Flipped bytes are ordered as signed ones.
    let larger = |to: &mut [u8], from: &[u8]| {
        for (to, &byte) in to.iter_mut().zip(from) {
            *to = (*to ^ flip).max(byte ^ flip) ^ flip;
        }
    };
    for y in 0..to.map.height {
        tallest.fill(flip);
        for row in inside(&window, 0, y, from.map.height) {
            larger(tallest, &arena[from.at(row, 0)..]);
        }
        for x in 0..to.map.width {
            let pixel = &mut arena[to.at(y, x)..][..channels];
            pixel.fill(flip);
            for column in inside(&window, 1, x, from.map.width) {
                larger(pixel, &tallest[column * channels..]);
            }
        }
    }
}

/// Sums of each channel over some rows and columns.
pub fn sum(
    arena: &[u8],
    flip: u8,
    from: Picture,
    rows: [usize; 2],
    columns: [usize; 2],
    sums: &mut [i32],
) {
    let sums = &mut sums[..from.map.channels];
    sums.fill(0);
    for y in rows[0]..rows[1] {
        for x in columns[0]..columns[1] {
            let pixel = &arena[from.at(y, x)..][..sums.len()];
            for (sum, &byte) in sums.iter_mut().zip(pixel) {
                *sum += i32::from(byte ^ flip);
            }
        }
    }
}

/// See [`super::Op::AveragePool`].
#[derive(Debug, Clone, Copy)]
pub struct Average {
    pub window: Window,
    pub padded: bool,
    pub factor: f32,
}

pub fn average_pool(
    arena: &mut [u8],
    flip: u8,
    from: Picture,
    pool: Average,
    to: Picture,
    output: Output,
    sums: &mut [i32],
) {
    let Average { window, padded, factor } = pool;
    let zero = i32::from(from.map.quantization.zero);
    let sums = &mut sums[..to.map.channels];
    for y in 0..to.map.height {
        for x in 0..to.map.width {
            let mut pixels = 0i32;
            sums.fill(0);
            for row in inside(&window, 0, y, from.map.height) {
                for column in inside(&window, 1, x, from.map.width) {
                    pixels += 1;
                    let src = from.at(row, column);
                    for (sum, &byte) in sums.iter_mut().zip(&arena[src..]) {
                        *sum += i32::from(byte ^ flip);
                    }
                }
            }
            let count = if padded { (window.kernel[0] * window.kernel[1]) as i32 } else { pixels };
            let factor = factor / count as f32;
            let dst = to.at(y, x);
            for (byte, &sum) in arena[dst..].iter_mut().zip(&*sums) {
                // Padding is zero, which the zero point stands for.
                let real = (sum - zero * pixels) as f32 * factor;
                let value = (real.round_ties_even() as i32).saturating_add(output.zero.into());
                *byte = value.clamp(output.low.into(), output.high.into()) as u8 ^ flip;
            }
        }
    }
}

pub fn nearest(arena: &mut [u8], from: Picture, rows: &[usize], columns: &[usize], to: Picture) {
    let channels = to.map.channels;
    for (y, &row) in rows.iter().enumerate() {
        for (x, &column) in columns.iter().enumerate() {
            let src = from.at(row, column);
            arena.copy_within(src..src + channels, to.at(y, x));
        }
    }
}
