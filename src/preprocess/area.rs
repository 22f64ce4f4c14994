//! Resizing by exact area averaging in integers.
//!
//! In units of 1/(source · target) pixels every overlap of a source pixel with a target pixel is
//! an integer, so the mean has one rounding and is the same on every machine. Enlarging repeats
//! pixels.

use super::InputShape;
use crate::frame::{Bounds, Frame};

pub struct Resizer {
    shape: InputShape,
    /// For every source column of the box: first target column and overlap with it; the rest goes
    /// to the next ones.
    columns: Vec<(u32, u32)>,
    row: Vec<u32>,
    sums: Vec<u32>,
}

impl Resizer {
    pub fn new(shape: InputShape) -> Resizer {
        let width = shape.width as usize;
        Resizer { shape, columns: Vec::new(), row: vec![0; width], sums: vec![0; width] }
    }

    /// Averages the box of `frame`, after `curve`, into `height * width` bytes.
    pub fn run(&mut self, frame: &Frame, bounds: Bounds, curve: &[u8; 256], out: &mut Vec<u8>) {
        let (tw, th) = (self.shape.width, self.shape.height);
        let (sw, sh) = (bounds.right - bounds.left, bounds.bottom - bounds.top);
        out.resize((tw * th) as usize, 0);
        self.columns.clear();
        // For the widest box there can be, so that a growing sector allocates nothing.
        self.columns.reserve(frame.width as usize);
        self.columns.extend((0..sw).map(|x| first_overlap(x, sw, tw)));
        // Weights of a row sum to `sw`, of a column to `sh`: 255 · 4096 · 4096 fits 32 bits.
        let area = sw * sh;
        self.sums.fill(0);
        let mut target = 0;
        for y in 0..sh {
            self.average_row(frame, bounds, y, curve);
            let (first, overlap) = first_overlap(y, sh, th);
            debug_assert_eq!(first, target);
            let mut left = th;
            let mut take = overlap;
            while left > 0 {
                for (sum, &v) in self.sums.iter_mut().zip(&self.row) {
                    *sum += v * take;
                }
                left -= take;
                if left > 0 || (y + 1) * th == (target + 1) * sh {
                    let line = &mut out[(target * tw) as usize..((target + 1) * tw) as usize];
                    for (o, sum) in line.iter_mut().zip(&mut self.sums) {
                        *o = ((u64::from(*sum) + u64::from(area / 2)) / u64::from(area)) as u8;
                        *sum = 0;
                    }
                    target += 1;
                }
                take = left.min(sh);
            }
        }
    }

    fn average_row(&mut self, frame: &Frame, bounds: Bounds, y: u32, curve: &[u8; 256]) {
        let (tw, sw) = (self.shape.width, bounds.right - bounds.left);
        let start = ((bounds.top + y) * frame.width + bounds.left) as usize;
        let pixels = &frame.luma[start..start + sw as usize];
        self.row.fill(0);
        for (&p, &(first, overlap)) in pixels.iter().zip(&self.columns) {
            let v = u32::from(curve[usize::from(p)]);
            let at = first as usize;
            self.row[at] += v * overlap;
            let (mut left, mut next) = (tw - overlap, at + 1);
            while left > 0 {
                let take = left.min(sw);
                self.row[next] += v * take;
                left -= take;
                next += 1;
            }
        }
    }
}

/// First target pixel that source pixel `i` of `source` overlaps, and by how much of `target`.
fn first_overlap(i: u32, source: u32, target: u32) -> (u32, u32) {
    let start = i * target;
    let first = start / source;
    (first, target.min((first + 1) * source - start))
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
        Resizer::new(shape).run(frame, Bounds::whole(frame), &identity, &mut out);
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
    fn a_large_white_picture_does_not_overflow() {
        let (width, height) = (4096, 4096);
        let frame = Frame { width, height, luma: vec![255; 1 << 24], ..Frame::default() };
        assert!(resize(&frame, 128, 128).iter().all(|&p| p == 255));
    }
}
