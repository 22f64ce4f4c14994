//! The layers without weights, in plain Rust: they touch each byte once or a few times.

use super::super::graph::{Map, Table, Window};
use super::super::kernels::{Columns, Isa, Output, Sum, add_row, add_up, larger, largest};

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
    from: [Picture; 2],
    factors: [f32; 2],
    to: Picture,
    output: Output,
) {
    let sum = Sum { zeros: from.map(|p| p.map.quantization.zero), factors, output };
    let len = to.map.width * to.map.channels;
    for y in 0..to.map.height {
        add_row(isa, arena, from.map(|p| p.at(y, 0)), to.at(y, 0), len, &sum);
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

/// The window along one axis of the map.
fn along(window: &Window, axis: usize, width: usize) -> Columns {
    Columns {
        kernel: window.kernel[axis],
        stride: window.stride[axis],
        dilation: window.dilation[axis],
        pad: window.pad[axis],
        width,
    }
}

/// First the largest of each column, over whole rows of bytes, then of each window's columns.
pub fn max_pool(
    isa: Isa,
    arena: &mut [u8],
    from: Picture,
    window: Window,
    to: Picture,
    scratch: &mut [u8],
) {
    let (channels, flip) = (to.map.channels, isa.flip());
    let tallest = &mut scratch[..from.map.width * channels];
    let rows = along(&window, 0, from.map.height);
    let columns = along(&window, 1, from.map.width);
    for y in 0..to.map.height {
        tallest.fill(flip);
        for row in rows.inside(y) {
            larger(isa, tallest, &arena[from.at(row, 0)..], flip);
        }
        let row = &mut arena[to.at(y, 0)..][..to.map.width * channels];
        largest(isa, row, tallest, channels, columns, flip);
    }
}

/// Sums of each channel over some rows and columns.
pub fn sum(
    isa: Isa,
    arena: &[u8],
    from: Picture,
    rows: [usize; 2],
    columns: [usize; 2],
    sums: &mut [i32],
) {
    let sums = &mut sums[..from.map.channels];
    sums.fill(0);
    for y in rows[0]..rows[1] {
        for x in columns[0]..columns[1] {
            add_up(isa, sums, &arena[from.at(y, x)..], isa.flip());
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
    isa: Isa,
    arena: &mut [u8],
    from: Picture,
    pool: Average,
    to: Picture,
    output: Output,
    sums: &mut [i32],
) {
    let Average { window, padded, factor } = pool;
    let zero = i32::from(from.map.quantization.zero);
    let sums = &mut sums[..to.map.channels];
    let rows = along(&window, 0, from.map.height);
    let columns = along(&window, 1, from.map.width);
    for y in 0..to.map.height {
        for x in 0..to.map.width {
            let mut pixels = 0i32;
            sums.fill(0);
            for row in rows.inside(y) {
                for column in columns.inside(x) {
                    pixels += 1;
                    add_up(isa, sums, &arena[from.at(row, column)..], isa.flip());
                }
            }
            let count = if padded { (window.kernel[0] * window.kernel[1]) as i32 } else { pixels };
            let factor = factor / count as f32;
            let dst = to.at(y, x);
            for (byte, &sum) in arena[dst..].iter_mut().zip(&*sums) {
                // Padding is zero, which the zero point stands for.
                let real = (sum - zero * pixels) as f32 * factor;
                let value = (real.round_ties_even() as i32).saturating_add(output.zero.into());
                *byte = value.clamp(output.low.into(), output.high.into()) as u8 ^ isa.flip();
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
