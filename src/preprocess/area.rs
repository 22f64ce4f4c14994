//! Resizing by exact area averaging in integers.
//!
//! In units of 1/(source · target) pixels every overlap of a source pixel with a target pixel is
//! an integer, so the mean has one rounding and is the same on every machine. Enlarging repeats
//! pixels.

use std::ops::Range;

use super::InputShape;
use crate::frame::{Bounds, Frame};

pub struct Resizer {
    shape: InputShape,
    /// Where the target columns end: in which source column, and how much of it is before.
    edges: Vec<(u32, u32)>,
    /// A row of the box after the curve.
    row: Vec<u8>,
    /// For one target row, weighted sums of such rows.
    sums: Vec<u32>,
    /// Sums of `sums` before each column.
    before: Vec<u32>,
}

impl Resizer {
    pub fn new(shape: InputShape) -> Resizer {
        Resizer { shape, edges: Vec::new(), row: Vec::new(), sums: Vec::new(), before: Vec::new() }
    }

    /// Averages the box of `frame`, after `curve`, into `height * width` bytes. Only the columns
    /// `inside` each row are looked at; the others are black and stay black.
    pub fn run(
        &mut self,
        frame: &Frame,
        bounds: Bounds,
        inside: impl Fn(usize) -> (usize, usize),
        curve: &[u8; 256],
        out: &mut Vec<u8>,
    ) {
        let (tw, th) = (self.shape.width, self.shape.height);
        let (sw, sh) = (bounds.width(), bounds.height());
        out.resize((tw * th) as usize, 0);
        self.edges.clear();
        self.edges.extend((1..=tw).map(|x| (bounds.left + x * sw / tw, x * sw % tw)));
        // For the widest box there can be, so that a growing sector allocates nothing.
        let columns = frame.width as usize + 2;
        for buffer in [&mut self.sums, &mut self.before] {
            buffer.clear();
            buffer.resize(columns, 0);
        }
        self.row.resize(columns, 0);
        let box_columns = bounds.left as usize..bounds.right as usize;
        // Weights of a row sum to `sw`, of a column to `sh`: 255 · 4096 · 4096 fits 32 bits.
        let mean = Mean::over(sw * sh);
        let mut lines = out.chunks_exact_mut(tw as usize);
        let whole = curve.map(|v| u32::from(v) * th);
        // What is left to be filled of the target row.
        let mut gap = sh;
        for y in bounds.top as usize..bounds.bottom as usize {
            let (left, right) = inside(y);
            let pixels = &frame.luma[y * frame.width as usize..][left..right];
            let mut rest = th;
            while rest > 0 {
                let take = rest.min(gap);
                let sums = self.sums[left..right].iter_mut();
                if take == th {
                    for (sum, &p) in sums.zip(pixels) {
                        *sum += whole[usize::from(p)];
                    }
                } else {
                    if rest == th {
                        look_up(curve, pixels, &mut self.row[..right - left]);
                    }
                    for (sum, &v) in sums.zip(&self.row) {
                        *sum += u32::from(u16::from(v)) * u32::from(take as u16);
                    }
                }
                (rest, gap) = (rest - take, gap - take);
                if gap == 0 {
                    self.across(box_columns.clone(), &mean, lines.next().unwrap_or_default());
                    gap = sh;
                }
            }
        }
    }

    /// Averages `sums` into a line of the target and clears them.
    fn across(&mut self, columns: Range<usize>, mean: &Mean, line: &mut [u8]) {
        let mut total = 0;
        let sums = self.sums[columns.clone()].iter_mut();
        for (sum, before) in sums.zip(&mut self.before[columns.clone()]) {
            *before = total;
            total += std::mem::take(sum);
        }
        self.before[columns.end..columns.end + 2].fill(total);
        let mut last = 0;
        for (o, &(column, part)) in line.iter_mut().zip(&self.edges) {
            let [before, behind, ..] = self.before[column as usize..] else { return };
            // Sums up to an edge may wrap around, those between two edges do not.
            let sum = before.wrapping_mul(self.shape.width).wrapping_add(part * (behind - before));
            *o = mean.of(sum.wrapping_sub(last));
            last = sum;
        }
    }
}

fn look_up(curve: &[u8; 256], pixels: &[u8], out: &mut [u8]) {
    let (eights, rest) = pixels.as_chunks::<8>();
    let (out_eights, out_rest) = out.as_chunks_mut::<8>();
    for (out, eight) in out_eights.iter_mut().zip(eights) {
        for (o, &p) in out.iter_mut().zip(eight) {
            *o = curve[usize::from(p)];
        }
    }
    for (o, &p) in out_rest.iter_mut().zip(rest) {
        *o = curve[usize::from(p)];
    }
}

/// The rounded mean of so many bytes, at most 2^24, by their sum: exact, and without dividing.
struct Mean {
    half: u64,
    reciprocal: u64,
}

impl Mean {
    fn over(count: u32) -> Mean {
        Mean { half: u64::from(count / 2), reciprocal: (1 << 56) / u64::from(count) + 1 }
    }

    fn of(&self, sum: u32) -> u8 {
        (((u64::from(sum) + self.half) * self.reciprocal) >> 56) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Region;
    use proptest::prelude::*;

    fn resize(frame: &Frame, width: u32, height: u32) -> Vec<u8> {
        let identity = std::array::from_fn(|v| v as u8);
        let mut out = Vec::new();
        let shape = InputShape { width, height, region: Region::Whole };
        let inside = |_| (0, frame.width as usize);
        Resizer::new(shape).run(frame, Bounds::whole(frame), inside, &identity, &mut out);
        out
    }

    /// The definition, in floating point.
    fn reference(frame: &Frame, width: u32, height: u32) -> Vec<f64> {
        let overlap = |i: u32, source: u32, j: u32, target: u32| {
            let scale = f64::from(source) / f64::from(target);
            let (a, b) = (f64::from(j) * scale, f64::from(j + 1) * scale);
            (b.min(f64::from(i + 1)) - a.max(f64::from(i))).max(0.0)
        };
        let mut out = Vec::new();
        for ty in 0..height {
            for tx in 0..width {
                let (mut sum, mut weight) = (0.0, 0.0);
                for y in 0..frame.height {
                    for x in 0..frame.width {
                        let w = overlap(y, frame.height, ty, height)
                            * overlap(x, frame.width, tx, width);
                        sum += w * f64::from(frame.luma[(y * frame.width + x) as usize]);
                        weight += w;
                    }
                }
                out.push(sum / weight);
            }
        }
        out
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            (w, h) in (1u32..40, 1u32..40), (tw, th) in (1u32..20, 1u32..20), seed: u64,
        ) {
            let mut random = oorandom::Rand32::new(seed);
            let luma = (0..w * h).map(|_| random.rand_u32() as u8).collect();
            let frame = Frame { width: w, height: h, luma, ..Frame::default() };
            for (a, b) in resize(&frame, tw, th).iter().zip(reference(&frame, tw, th)) {
                prop_assert!((f64::from(*a) - b).abs() <= 0.5001, "{a} {b}");
            }
        }
    }

    #[test]
    fn means_are_rounded_quotients() {
        let mut random = oorandom::Rand32::new(5);
        let counts = (1..200).chain((0..2000).map(|_| random.rand_range(1..(1 << 24) + 1)));
        for count in counts.collect::<Vec<_>>() {
            let mean = Mean::over(count);
            for level in 0..255u32 {
                let half = level * count + count.div_ceil(2);
                for sum in [level * count, half - 1, half, (level + 1) * count] {
                    let exact = (u64::from(sum) + u64::from(count / 2)) / u64::from(count);
                    assert_eq!(u64::from(mean.of(sum)), exact, "{sum} of {count}");
                }
            }
        }
    }

    #[test]
    fn a_large_white_picture_does_not_overflow() {
        let (width, height) = (4096, 4096);
        let frame = Frame { width, height, luma: vec![255; 1 << 24], ..Frame::default() };
        assert!(resize(&frame, 128, 128).iter().all(|&p| p == 255));
    }
}
