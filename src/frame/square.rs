//! Pictures of pixels that are not square, resampled along the rows to pixels that are.
//!
//! Linear interpolation in fixed point, in reused buffers: distances and angles in the picture are
//! then the same in both directions.

use super::{Frame, SIDE_RANGE};

/// Resamples pictures of one width.
#[derive(Debug, Clone)]
pub struct SquarePixels {
    /// For each column of the result: the column to the left of its centre, and the weight of the
    /// one to the right in 256ths.
    columns: Vec<(usize, u16)>,
    source_width: usize,
    spare: Vec<u8>,
}

impl SquarePixels {
    /// For pictures `width` pixels wide whose pixels are `aspect.0 : aspect.1` wide to high; `None`
    /// where nothing is to be done or the result would be wider than a frame may be.
    pub fn new(width: u32, aspect: (u32, u32)) -> Option<SquarePixels> {
        let (w, num, den) = (u64::from(width), u64::from(aspect.0), u64::from(aspect.1));
        if num == den || num == 0 || den == 0 || width == 0 {
            return None;
        }
        let wide = (w * num + den / 2) / den;
        if !u32::try_from(wide).is_ok_and(|wide| SIDE_RANGE.contains(&wide)) {
            return None;
        }
        // The centre of column x lies at ((2x + 1) w / (2 wide) - 1/2) in the source.
        let columns = (0..wide).map(|x| {
            let at = ((2 * x + 1) * w * 256 / (2 * wide)).saturating_sub(128).min((w - 1) * 256);
            ((at / 256) as usize, (at % 256) as u16)
        });
        let (columns, source_width) = (columns.collect(), width as usize);
        Some(SquarePixels { columns, source_width, spare: Vec::new() })
    }

    /// Width of the result.
    pub fn width(&self) -> u32 {
        self.columns.len() as u32
    }

    /// Resamples `frame` in place; a frame of another width is left alone.
    pub fn apply(&mut self, frame: &mut Frame) {
        if frame.width as usize != self.source_width {
            return;
        }
        self.spare.resize(self.columns.len() * frame.height as usize, 0);
        let rows = frame.luma.chunks_exact(self.source_width);
        for (row, out) in rows.zip(self.spare.chunks_exact_mut(self.columns.len())) {
            for (o, &(left, weight)) in out.iter_mut().zip(&self.columns) {
                let right = row[(left + 1).min(self.source_width - 1)];
                let sum = u32::from(row[left]) * u32::from(256 - weight)
                    + u32::from(right) * u32::from(weight);
                *o = ((sum + 128) >> 8) as u8;
            }
        }
        std::mem::swap(&mut frame.luma, &mut self.spare);
        frame.width = self.width();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_of_wide_pixels_becomes_round() {
        // PAL: 720x576 pixels, each 59:54, show a circle 432 columns wide and 472 rows high.
        let (width, height) = (720, 576);
        let inside = |x: u32, y: u32| {
            let (dx, dy) =
                ((f64::from(x) + 0.5 - 360.0) / 216.0, (f64::from(y) + 0.5 - 288.0) / 236.0);
            u8::from(dx * dx + dy * dy < 1.0) * 200
        };
        let luma = (0..width * height).map(|i| inside(i % width, i / width)).collect();
        let mut frame = Frame { width, height, luma, ..Frame::default() };
        let mut square = SquarePixels::new(width, (59, 54)).unwrap();
        square.apply(&mut frame);
        assert_eq!((frame.width, frame.luma.len()), (787, 787 * 576));
        let lit = |pixels: &mut dyn Iterator<Item = u8>| pixels.filter(|&p| p > 100).count() as i64;
        let wide = lit(&mut frame.luma[288 * 787..289 * 787].iter().copied());
        let high = lit(&mut frame.luma.iter().skip(393).step_by(787).copied());
        assert!((wide - high).abs() <= 1, "{wide} by {high}");
    }

    #[test]
    fn edges_and_flat_pictures_are_kept_and_square_pixels_left_alone() {
        for aspect in [(59, 54), (10, 11), (2, 1), (1, 2)] {
            let mut frame = Frame { width: 64, height: 1, luma: vec![9; 64], ..Frame::default() };
            frame.luma[..8].fill(200);
            frame.luma[56..].fill(30);
            SquarePixels::new(64, aspect).unwrap().apply(&mut frame);
            assert_eq!((frame.luma[0], frame.luma[frame.luma.len() - 1]), (200, 30), "{aspect:?}");
            assert_eq!(frame.luma[frame.luma.len() / 2], 9);
        }
        assert!(SquarePixels::new(640, (1, 1)).is_none());
        assert!(SquarePixels::new(4096, (2, 1)).is_none(), "wider than a frame may be");
    }
}
