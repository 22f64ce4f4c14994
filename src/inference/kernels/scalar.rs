//! The definition of every kernel, one output at a time.

use super::{Geometry, Output, Weights};

/// A sum as a byte. `|acc * scale|` is below 2^31 (checked when a layer is made).
pub fn requantize(acc: i32, scale: f32, output: Output) -> u8 {
    let rounded = (acc as f32 * scale).round_ties_even() as i32;
    (rounded + i32::from(output.zero)).clamp(i32::from(output.low), i32::from(output.high)) as u8
}

fn for_each_pixel(g: &Geometry, mut act: impl FnMut(usize, usize)) {
    for y in 0..g.rows {
        for x in 0..g.width {
            act(y * g.in_y + x * g.in_x, y * g.out_y + x * g.out_x);
        }
    }
}

/// Each output channel is a sum over all bytes of all strips.
pub fn dense(g: &Geometry, w: &Weights, out: Output, arena: &mut [u8], src: usize, dst: usize) {
    let window = g.strips.len() * g.depth;
    for_each_pixel(g, |from, to| {
        for c in 0..w.channels() {
            let mut acc = w.bias[c];
            for (strip, &start) in g.strips.iter().enumerate() {
                let bytes = &arena[src + from + start..][..g.depth];
                let values = &w.values[c * window + strip * g.depth..][..g.depth];
                acc += bytes
                    .iter()
                    .zip(values)
                    .map(|(&a, &v)| i32::from(a) * i32::from(v))
                    .sum::<i32>();
            }
            arena[dst + to + c] = requantize(acc, w.scale[c], out);
        }
    });
}

/// Each output channel is a sum over its own byte of every tap.
pub fn depthwise(g: &Geometry, w: &Weights, out: Output, arena: &mut [u8], src: usize, dst: usize) {
    let channels = w.channels();
    for_each_pixel(g, |from, to| {
        for c in 0..channels {
            let mut acc = w.bias[c];
            for (tap, &start) in g.strips.iter().enumerate() {
                let value = i32::from(w.values[tap * channels + c]);
                acc += i32::from(arena[src + from + start + c]) * value;
            }
            arena[dst + to + c] = requantize(acc, w.scale[c], out);
        }
    });
}
