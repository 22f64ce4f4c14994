//! A driver's buffers to frames of square pixels, with memory kept from frame to frame.

use super::Flaw;
use super::layout::{Layout, Spare, aspect_of};
use crate::frame::{Frame, SquarePixels};

pub struct Decoder {
    layout: Layout,
    square: Option<SquarePixels>,
    spare: Spare,
}

impl Decoder {
    /// `aspect` is the width to the height of a pixel; `None` goes by the size.
    pub fn new(layout: Layout, aspect: Option<(u32, u32)>) -> Decoder {
        let (width, height) = layout.picture_size();
        let square = SquarePixels::new(width, aspect.unwrap_or(aspect_of(width, height)));
        Decoder { layout, square, spare: Spare::default() }
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Reads a buffer of field order `field` (V4L2's number) into `frame`.
    pub fn decode(&mut self, field: u32, data: &[u8], frame: &mut Frame) -> Result<(), Flaw> {
        self.layout.luma(field, data, &mut self.spare, frame)?;
        if let Some(square) = &mut self.square {
            square.apply(frame);
        }
        Ok(())
    }
}
