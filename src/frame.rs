//! One picture on its way through the appliance, and the conversion of packed pixels to luma.
//!
//! Everything past capture works on 8-bit luma: the network sees grey, and so does the screen.
//! Colour (Doppler, coloured overlays) is dropped here on purpose.

mod packed;
mod square;

use std::time::Duration;

pub use packed::{
    Fields, Packing, PixelFormat, Range, Weights, expand, full_range, luma_from_packed, luma_of_rgb,
};
pub use square::SquarePixels;

/// Smallest and largest side of a picture, in pixels, that a source may deliver.
pub const SIDE_RANGE: std::ops::RangeInclusive<u32> = 32..=4096;

/// An 8-bit luma picture, full range (0 black, 255 white), rows top to bottom without padding.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    pub width: u32,
    pub height: u32,
    /// `width * height` bytes.
    pub luma: Vec<u8>,
    /// Counts from 0 at the start of the source; gaps are frames that the driver dropped.
    pub sequence: u64,
    /// Monotonic capture (or presentation) time since the start of the source.
    pub timestamp: Duration,
}

impl Frame {
    /// Gives the frame a new size without shrinking its buffer; the content is unspecified.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.width = width;
        self.height = height;
        self.luma.resize(width as usize * height as usize, 0);
    }

    /// Copies `other` into this frame's own buffer.
    pub fn copy_from(&mut self, other: &Frame) {
        self.resize(other.width, other.height);
        self.luma.copy_from_slice(&other.luma);
        self.sequence = other.sequence;
        self.timestamp = other.timestamp;
    }
}

/// A box of pixels; `right` and `bottom` lie outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bounds {
    pub left: u32,
    pub top: u32,
    pub right: u32,
    pub bottom: u32,
}

impl Bounds {
    /// All of `frame`.
    pub fn whole(frame: &Frame) -> Bounds {
        Bounds { left: 0, top: 0, right: frame.width, bottom: frame.height }
    }

    /// The smallest box around both.
    pub fn union(self, other: Bounds) -> Bounds {
        Bounds {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    /// Columns.
    pub fn width(self) -> u32 {
        self.right - self.left
    }

    /// Rows.
    pub fn height(self) -> u32 {
        self.bottom - self.top
    }
}
