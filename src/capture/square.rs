//! What analog video leaves behind: two fields in a picture, and pixels that are not square.
//!
//! Fields are a fiftieth or sixtieth of a second apart, and a moving probe combs them: only the
//! older one is kept, and the lines between are interpolated. Pictures of tall or wide pixels get
//! another width, so that a circle in the body is one in the frame.

use super::y4m::Field;
use crate::frame::{Frame, SquarePixels};

/// Pixel aspects beyond this are taken for a mistake.
const WIDEST: u64 = 4;

/// The conversion for pictures of one size.
#[derive(Default)]
pub struct Squaring {
    interlaced: Option<Field>,
    square: Option<SquarePixels>,
}

impl Squaring {
    /// For pictures `width` wide, with pixels `aspect` as wide as high.
    pub fn new(width: u32, aspect: (u32, u32), interlaced: Option<Field>) -> Squaring {
        let (across, down) = (u64::from(aspect.0), u64::from(aspect.1));
        let sane = across <= WIDEST * down && down <= WIDEST * across;
        let square = if sane { SquarePixels::new(width, aspect) } else { None };
        Squaring { interlaced, square }
    }

    /// Converts `frame` in place.
    pub fn apply(&mut self, frame: &mut Frame) {
        if let Some(field) = self.interlaced {
            keep_field(frame, field);
        }
        if let Some(square) = &mut self.square {
            square.apply(frame);
        }
    }
}

/// Puts the mean of their neighbours into the lines of the newer field.
fn keep_field(frame: &mut Frame, older: Field) {
    let (width, height) = (frame.width as usize, frame.height as usize);
    let first = usize::from(older == Field::Top);
    for y in (first..height).step_by(2) {
        let (above, rest) = frame.luma.split_at_mut(y * width);
        let (line, below) = rest.split_at_mut(width);
        let above = above.len().checked_sub(width).map(|start| &above[start..]);
        let below = below.get(..width);
        let (Some(a), Some(b)) = (above.or(below), below.or(above)) else { return };
        for ((p, a), b) in line.iter_mut().zip(a).zip(b) {
            *p = (u16::from(*a) + u16::from(*b)).div_ceil(2) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> Frame {
        let mut frame = Frame::default();
        frame.resize(width, height);
        for (i, p) in frame.luma.iter_mut().enumerate() {
            *p = (i as u32 % width) as u8;
        }
        frame
    }

    #[test]
    fn wide_pixels_stretch_the_picture_and_a_ramp_stays_one() {
        let mut frame = ramp(200, 40);
        Squaring::new(200, (12, 11), None).apply(&mut frame);
        assert_eq!((frame.width, frame.luma.len()), (218, 218 * 40));
        for (x, &p) in frame.luma[..218].iter().enumerate() {
            let expected = ((x as f64 + 0.5) * 200.0 / 218.0 - 0.5).clamp(0.0, 199.0);
            assert!((f64::from(p) - expected).abs() <= 1.0, "{x}: {p} for {expected}");
        }
    }

    #[test]
    fn square_or_absurd_pixels_change_nothing() {
        for aspect in [(1, 1), (0, 0), (1, 900), (u32::MAX, 1)] {
            let mut frame = ramp(64, 40);
            Squaring::new(64, aspect, None).apply(&mut frame);
            assert_eq!(frame, ramp(64, 40), "{aspect:?}");
        }
    }

    #[test]
    fn the_newer_field_is_replaced() {
        for (field, kept) in [(Field::Top, 0), (Field::Bottom, 1)] {
            let mut frame = Frame::default();
            frame.resize(32, 33);
            for (y, row) in frame.luma.chunks_mut(32).enumerate() {
                row.fill(if y % 2 == kept { 80 } else { 200 });
            }
            Squaring::new(32, (1, 1), Some(field)).apply(&mut frame);
            assert!(frame.luma.iter().all(|&p| p == 80), "{field:?}");
        }
    }
}
