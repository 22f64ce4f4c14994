//! The definition of every kernel, one output at a time.

use super::{Geometry, Output, Share, Weights};

/// A sum as a byte. `|acc * scale|` is below 2^31 (checked when a layer is made).
pub fn requantize(acc: i32, scale: f32, output: Output) -> u8 {
    let rounded = (acc as f32 * scale).round_ties_even() as i32;
    (rounded + i32::from(output.zero)).clamp(i32::from(output.low), i32::from(output.high)) as u8
}

fn for_each_pixel(g: &Geometry, share: &Share, mut act: impl FnMut(usize, usize)) {
    for y in share.rows.clone() {
        for x in share.columns.clone() {
            act(y * g.in_y + x * g.in_x, y * g.out_y + x * g.out_x);
        }
    }
}

/// Each output channel is a sum over all bytes of all strips.
///
/// # Safety
/// The geometry must lie in the memory around `src` and `dst`.
pub(super) unsafe fn dense(
    g: &Geometry,
    share: &Share,
    w: &Weights,
    out: Output,
    src: *const u8,
    dst: *mut u8,
) {
    let window = g.strips.len() * g.depth;
    for_each_pixel(g, share, |from, to| {
        for c in 0..w.channels() {
            let mut acc = w.bias[c];
            for (strip, &start) in g.strips.iter().enumerate() {
                // SAFETY: as the caller promises.
                let bytes = unsafe { std::slice::from_raw_parts(src.add(from + start), g.depth) };
                let values = &w.values[c * window + strip * g.depth..][..g.depth];
                acc += bytes
                    .iter()
                    .zip(values)
                    .map(|(&a, &v)| i32::from(a) * i32::from(v))
                    .sum::<i32>();
            }
            // SAFETY: as the caller promises.
            unsafe { *dst.add(to + c) = requantize(acc, w.scale[c], out) };
        }
    });
}

/// Each output channel is a sum over its own byte of every tap.
///
/// # Safety
/// As for [`dense`].
pub(super) unsafe fn depthwise(
    g: &Geometry,
    share: &Share,
    w: &Weights,
    out: Output,
    src: *const u8,
    dst: *mut u8,
) {
    let channels = w.channels();
    for_each_pixel(g, share, |from, to| {
        for c in 0..channels {
            let mut acc = w.bias[c];
            for (tap, &start) in g.strips.iter().enumerate() {
                let value = i32::from(w.values[tap * channels + c]);
                // SAFETY: as the caller promises.
                acc += i32::from(unsafe { *src.add(from + start + c) }) * value;
            }
            // SAFETY: as the caller promises.
            unsafe { *dst.add(to + c) = requantize(acc, w.scale[c], out) };
        }
    });
}
