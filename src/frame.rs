//! One picture on its way through the appliance, and the conversion of packed pixels to luma.
//!
//! Everything past capture works on 8-bit luma: the network sees grey, and so does the screen.
//! Colour (Doppler, coloured overlays) is dropped here on purpose.

use std::time::Duration;

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

/// How a capture device or file packs its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// One byte a pixel.
    Grey,
    /// Red, green, blue, one byte each.
    Rgb,
    /// Y0 U Y1 V, two pixels in four bytes; luma in limited range (16–235).
    Yuyv,
}

impl PixelFormat {
    /// On average, as these formats are packed.
    pub fn bytes_per_pixel(self) -> usize {
        match self {
            PixelFormat::Grey => 1,
            PixelFormat::Rgb => 3,
            PixelFormat::Yuyv => 2,
        }
    }
}

/// Converts packed rows of `format`, `stride` bytes apart, into the luma of `frame`, whose size is set.
///
/// Returns `false`, leaving the picture unspecified, when `data` is too short for that size.
pub fn luma_from_packed(
    frame: &mut Frame,
    (width, height): (u32, u32),
    format: PixelFormat,
    data: &[u8],
    stride: usize,
) -> bool {
    let row_bytes = width as usize * format.bytes_per_pixel();
    let needed = (height as usize).saturating_sub(1) * stride + row_bytes;
    if height == 0 || stride < row_bytes || data.len() < needed {
        return false;
    }
    frame.resize(width, height);
    let rows = frame.luma.chunks_exact_mut(width as usize);
    for (out, row) in rows.zip(data.chunks(stride)) {
        match format {
            PixelFormat::Grey => out.copy_from_slice(&row[..row_bytes]),
            PixelFormat::Rgb => {
                for (o, p) in out.iter_mut().zip(row.chunks_exact(3)) {
                    *o = luma_of_rgb([p[0], p[1], p[2]]);
                }
            }
            PixelFormat::Yuyv => {
                for (o, p) in out.iter_mut().zip(row.chunks_exact(2)) {
                    *o = full_range(p[0]);
                }
            }
        }
    }
    true
}

/// Luma of a full-range RGB pixel with the weights of ITU-R BT.601, in 8-bit fixed point.
pub fn luma_of_rgb([r, g, b]: [u8; 3]) -> u8 {
    ((77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b) + 128) >> 8) as u8
}

/// Expands limited-range luma (16–235, ITU-R BT.601) to 0–255.
pub fn full_range(y: u8) -> u8 {
    ((u32::from(y.clamp(16, 235)) - 16) * 255 + 109).div_euclid(219) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_survives_every_conversion() {
        for v in 0..=255u8 {
            assert_eq!(luma_of_rgb([v; 3]), v);
        }
        assert_eq!((full_range(16), full_range(235)), (0, 255));
        assert_eq!((full_range(0), full_range(255)), (0, 255));
    }

    #[test]
    fn rows_follow_the_stride_and_short_buffers_are_refused() {
        let mut frame = Frame::default();
        let data = [10, 20, 99, 30, 40, 99];
        assert!(luma_from_packed(&mut frame, (2, 2), PixelFormat::Grey, &data, 3));
        assert_eq!(frame.luma, [10, 20, 30, 40]);
        assert!(luma_from_packed(&mut frame, (2, 2), PixelFormat::Grey, &data[..5], 3));
        assert!(!luma_from_packed(&mut frame, (2, 2), PixelFormat::Grey, &data[..4], 3));
        assert!(!luma_from_packed(&mut frame, (4, 2), PixelFormat::Grey, &data, 3));
    }
}
