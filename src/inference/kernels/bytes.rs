//! The layers without weights, row by row: they touch each byte once or a few times.

use std::ops::Range;

use super::super::graph::{Between, Map, Table, Window};
use super::{
    Columns, Isa, Output, Product, Sum, add_row, add_up, blend, larger, largest, look_up,
    multiply_row,
};

/// A map's bytes from its first one on.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    pub map: Map,
    pub bytes: &'a [u8],
    /// From one row to the next.
    pub row: usize,
}

impl Picture<'_> {
    /// From a pixel's first channel on.
    pub fn at(&self, y: usize, x: usize) -> &[u8] {
        &self.bytes[y * self.row + x * self.map.channels..]
    }
}

/// Rows of a map that are to be written.
#[derive(Debug)]
pub struct Target<'a> {
    pub map: Map,
    /// From the first of `rows` on.
    pub bytes: &'a mut [u8],
    pub row: usize,
    pub rows: Range<usize>,
}

impl Target<'_> {
    /// All bytes of a row.
    fn row(&mut self, y: usize) -> &mut [u8] {
        let start = (y - self.rows.start) * self.row;
        &mut self.bytes[start..start + self.map.width * self.map.channels]
    }
}

/// See [`super::super::graph::Op::Add`].
pub fn add(isa: Isa, from: [Picture; 2], factors: [f32; 2], mut to: Target, output: Output) {
    let sum = Sum { zeros: from.map(|p| p.map.quantization.zero), factors, output };
    for y in to.rows.clone() {
        let row = to.row(y);
        let [a, b] = [from[0].at(y, 0), from[1].at(y, 0)];
        add_row(isa, &a[..row.len()], &b[..row.len()], row, &sum);
    }
}

/// See [`super::super::graph::Op::Multiply`].
pub fn multiply(isa: Isa, from: [Picture; 2], factor: f32, mut to: Target, output: Output) {
    let product = Product { zeros: from.map(|p| p.map.quantization.zero), factor, output };
    let (channels, flip) = (to.map.channels, isa.flip());
    let one = from.map(|p| p.map.height * p.map.width == 1);
    for y in to.rows.clone() {
        let row = to.row(y);
        if one == [false; 2] {
            let [a, b] = [from[0].at(y, 0), from[1].at(y, 0)];
            multiply_row(isa, &a[..row.len()], &b[..row.len()], row, &product, flip);
            continue;
        }
        for (x, pixel) in row.chunks_exact_mut(channels).enumerate() {
            let at = |i: usize| if one[i] { from[i].at(0, 0) } else { from[i].at(y, x) };
            let [a, b] = [&at(0)[..channels], &at(1)[..channels]];
            multiply_row(isa, a, b, pixel, &product, flip);
        }
    }
}

/// Each byte through `table`, into the channels from `channel` on.
pub fn lookup(isa: Isa, from: Picture, table: &Table, to: &mut Target, channel: usize) {
    let (channels, all) = (from.map.channels, to.map.channels);
    for y in to.rows.clone() {
        let row = to.row(y);
        if channels == all {
            look_up(isa, from.at(y, 0), table, row);
            continue;
        }
        for (x, to) in row.chunks_exact_mut(all).enumerate() {
            look_up(isa, from.at(y, x), table, &mut to[channel..channel + channels]);
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
pub fn max_pool(isa: Isa, from: Picture, window: Window, mut to: Target, scratch: &mut [u8]) {
    let (channels, flip) = (to.map.channels, isa.flip());
    let tallest = &mut scratch[..from.map.width * channels];
    let rows = along(&window, 0, from.map.height);
    let columns = along(&window, 1, from.map.width);
    for y in to.rows.clone() {
        tallest.fill(flip);
        for row in rows.inside(y) {
            larger(isa, tallest, from.at(row, 0), flip);
        }
        largest(isa, to.row(y), tallest, channels, columns, flip);
    }
}

/// Sums of each channel over all pixels.
pub fn sum(isa: Isa, from: Picture, sums: &mut [i32]) {
    let sums = &mut sums[..from.map.channels];
    sums.fill(0);
    for y in 0..from.map.height {
        for x in 0..from.map.width {
            add_up(isa, sums, from.at(y, x), isa.flip());
        }
    }
}

/// See [`super::super::graph::Op::AveragePool`].
#[derive(Debug, Clone, Copy)]
pub struct Average {
    pub window: Window,
    pub padded: bool,
    pub factor: f32,
    pub output: Output,
}

pub fn average_pool(isa: Isa, from: Picture, pool: Average, mut to: Target, sums: &mut [i32]) {
    let Average { window, padded, factor, output } = pool;
    let zero = i32::from(from.map.quantization.zero);
    let channels = to.map.channels;
    let sums = &mut sums[..channels];
    let rows = along(&window, 0, from.map.height);
    let columns = along(&window, 1, from.map.width);
    for y in to.rows.clone() {
        for (x, pixel) in to.row(y).chunks_exact_mut(channels).enumerate() {
            let mut pixels = 0i32;
            sums.fill(0);
            for row in rows.inside(y) {
                for column in columns.inside(x) {
                    pixels += 1;
                    add_up(isa, sums, from.at(row, column), isa.flip());
                }
            }
            let count = if padded { (window.kernel[0] * window.kernel[1]) as i32 } else { pixels };
            let factor = factor / count as f32;
            for (byte, &sum) in pixel.iter_mut().zip(&*sums) {
                // Padding is zero, which the zero point stands for.
                let real = (sum - zero * pixels) as f32 * factor;
                let value = (real.round_ties_even() as i32).saturating_add(output.zero.into());
                *byte = value.clamp(output.low.into(), output.high.into()) as u8 ^ isa.flip();
            }
        }
    }
}

/// Each pixel is the one of the input that `rows` and `columns` name.
pub fn nearest(from: Picture, rows: &[usize], columns: &[usize], mut to: Target) {
    let channels = to.map.channels;
    for y in to.rows.clone() {
        for (pixel, &column) in to.row(y).chunks_exact_mut(channels).zip(columns) {
            pixel.copy_from_slice(&from.at(rows[y], column)[..channels]);
        }
    }
}

/// See [`super::super::graph::Op::Linear`].
pub fn linear(
    isa: Isa,
    from: Picture,
    (rows, columns): (&[Between], &[Between]),
    mut to: Target,
    output: Output,
) {
    let channels = to.map.channels;
    let (scale, zero) = (from.map.quantization.scale, from.map.quantization.zero);
    let scales = [scale, to.map.quantization.scale];
    for y in to.rows.clone() {
        let row = rows[y];
        for (pixel, column) in to.row(y).chunks_exact_mut(channels).zip(columns) {
            let of = |i: usize| [i / 2, i % 2];
            let corners = [0, 1, 2, 3].map(of).map(|[y, x]| {
                let bytes = &from.at(row.places[y], column.places[x])[..channels];
                (bytes, column.weights[x] * row.weights[y])
            });
            blend(isa, corners, scales, zero, pixel, output, isa.flip());
        }
    }
}
