//! Packed pixels, as capture devices and files hold them, to full-range luma.
//!
//! Rows may be padded, luma may be in limited range, and a picture may come as interlaced fields:
//! of two fields only the top one is used, its missing rows interpolated, so that no comb of two
//! instants reaches the network. Data that is too short is refused, never read past.

use super::Frame;

/// How a capture device or file packs its pixels; the names of V4L2 in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PixelFormat {
    /// One byte a pixel (GREY).
    Grey,
    /// 16 bits a pixel, little-endian; the upper eight are used (Y16).
    Grey16,
    /// Red, green, blue, one byte each (RGB3).
    Rgb,
    /// Blue, green, red, one byte each (BGR3).
    Bgr,
    /// Y0 U Y1 V, two pixels in four bytes (YUYV).
    Yuyv,
    /// U Y0 V Y1, two pixels in four bytes (UYVY).
    Uyvy,
    /// A plane of Y, then one of UV at half the height (NV12).
    Nv12,
}

impl PixelFormat {
    /// Bytes of a row of the first plane, without padding.
    pub fn row_bytes(self, width: u32) -> usize {
        let width = width as usize;
        match self {
            PixelFormat::Grey | PixelFormat::Nv12 => width,
            PixelFormat::Grey16 | PixelFormat::Yuyv | PixelFormat::Uyvy => 2 * width,
            PixelFormat::Rgb | PixelFormat::Bgr => 3 * width,
        }
    }
}

/// Which codes mean black and white.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// 0 and 255.
    Full,
    /// 16 and 235 (ITU-R BT.601).
    Limited,
}

/// Weights of red, green and blue in luma.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights {
    /// 0.299, 0.587, 0.114 (ITU-R BT.601).
    Bt601,
    /// 0.2126, 0.7152, 0.0722 (ITU-R BT.709).
    Bt709,
}

impl Weights {
    /// In 256ths; they add up to 256.
    fn fixed_point(self) -> [u32; 3] {
        match self {
            Weights::Bt601 => [77, 150, 29],
            Weights::Bt709 => [54, 183, 19],
        }
    }
}

/// How the rows of a buffer make up a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fields {
    /// One instant, top to bottom.
    Progressive,
    /// Two fields row by row, the top field's row first.
    Interlaced,
    /// Both fields in one buffer, one after the other.
    Sequential { top_first: bool },
    /// One field a buffer: the picture has twice its rows.
    Single { top: bool },
}

/// All that is needed to read a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    pub format: PixelFormat,
    pub width: u32,
    /// Rows in the buffer.
    pub height: u32,
    /// Bytes from one row to the next.
    pub stride: usize,
    pub range: Range,
    /// For RGB only.
    pub weights: Weights,
    pub fields: Fields,
}

impl Packing {
    /// Rows of the picture.
    pub fn picture_height(&self) -> u32 {
        match self.fields {
            Fields::Single { .. } => self.height.saturating_mul(2),
            _ => self.height,
        }
    }

    /// Bytes of a whole buffer, all planes; `None` where the rows do not fit the stride.
    pub fn bytes(&self) -> Option<usize> {
        let row = self.format.row_bytes(self.width);
        if row == 0 || self.height == 0 || self.stride < row {
            return None;
        }
        let height = self.height as usize;
        let rows =
            if self.format == PixelFormat::Nv12 { height + height.div_ceil(2) } else { height };
        (rows - 1).checked_mul(self.stride)?.checked_add(row)
    }

    /// Converts `data` into the luma of `frame` and sets its size.
    ///
    /// Returns `false`, leaving the picture unspecified, when `data` is too short.
    pub fn luma(&self, data: &[u8], frame: &mut Frame) -> bool {
        if self.bytes().is_none_or(|bytes| data.len() < bytes) {
            return false;
        }
        let (width, height) = (self.width as usize, self.height as usize);
        frame.resize(self.width, self.picture_height());
        // Rows of the buffer (first, step) that go to rows of the picture (first, step).
        let ((from, skip), (to, step)) = match self.fields {
            Fields::Progressive => ((0, 1), (0, 1)),
            Fields::Interlaced => ((0, 2), (0, 2)),
            Fields::Sequential { top_first: true } => ((0, 1), (0, 2)),
            Fields::Sequential { top_first: false } => ((height / 2, 1), (0, 2)),
            Fields::Single { top } => ((0, 1), (usize::from(!top), 2)),
        };
        let row_bytes = self.format.row_bytes(self.width);
        let rows = data.chunks(self.stride).take(height).skip(from).step_by(skip);
        for (row, out) in rows.zip(frame.luma.chunks_exact_mut(width).skip(to).step_by(step)) {
            self.row(&row[..row_bytes], out);
        }
        if step == 2 {
            interpolate(&mut frame.luma, width, 1 - to);
        }
        true
    }

    fn row(&self, row: &[u8], out: &mut [u8]) {
        let weights = self.weights.fixed_point();
        match self.format {
            PixelFormat::Grey | PixelFormat::Nv12 => out.copy_from_slice(row),
            PixelFormat::Grey16 | PixelFormat::Uyvy => one_of_two(out, row, |[_, p]| p),
            PixelFormat::Yuyv => one_of_two(out, row, |[p, _]| p),
            PixelFormat::Rgb => {
                for (o, p) in out.iter_mut().zip(row.chunks_exact(3)) {
                    *o = weighed([p[0], p[1], p[2]], weights);
                }
            }
            PixelFormat::Bgr => {
                for (o, p) in out.iter_mut().zip(row.chunks_exact(3)) {
                    *o = weighed([p[2], p[1], p[0]], weights);
                }
            }
        }
        if self.range == Range::Limited {
            expand(out);
        }
    }
}

/// One byte of each two.
fn one_of_two(out: &mut [u8], row: &[u8], which: impl Fn([u8; 2]) -> u8) {
    for (o, &pair) in out.iter_mut().zip(row.as_chunks().0) {
        *o = which(pair);
    }
}

/// Fills every second row, from row `first` on, with the mean of its neighbours.
fn interpolate(luma: &mut [u8], width: usize, first: usize) {
    let height = luma.len() / width;
    for y in (first..height).step_by(2) {
        let (above, rest) = luma.split_at_mut(y * width);
        let (row, below) = rest.split_at_mut(width);
        let above = above.rchunks_exact(width).next();
        let below = below.chunks_exact(width).next();
        match (above, below) {
            (Some(above), Some(below)) => {
                for ((o, a), b) in row.iter_mut().zip(above).zip(below) {
                    *o = (u16::from(*a) + u16::from(*b)).div_ceil(2) as u8;
                }
            }
            (Some(only), None) | (None, Some(only)) => row.copy_from_slice(only),
            (None, None) => row.fill(0),
        }
    }
}

/// Converts packed rows of `format`, `stride` bytes apart, into the luma of `frame`, whose size is set.
///
/// Progressive, BT.601; Y of YUV in limited range, everything else in full. Returns `false`, leaving
/// the picture unspecified, when `data` is too short for that size.
pub fn luma_from_packed(
    frame: &mut Frame,
    (width, height): (u32, u32),
    format: PixelFormat,
    data: &[u8],
    stride: usize,
) -> bool {
    let range = match format {
        PixelFormat::Yuyv | PixelFormat::Uyvy | PixelFormat::Nv12 => Range::Limited,
        _ => Range::Full,
    };
    let (weights, fields) = (Weights::Bt601, Fields::Progressive);
    Packing { format, width, height, stride, range, weights, fields }.luma(data, frame)
}

/// Luma of a full-range RGB pixel with the weights of ITU-R BT.601, in 8-bit fixed point.
pub fn luma_of_rgb(pixel: [u8; 3]) -> u8 {
    weighed(pixel, Weights::Bt601.fixed_point())
}

fn weighed(pixel: [u8; 3], weights: [u32; 3]) -> u8 {
    let sum: u32 = pixel.iter().zip(weights).map(|(&p, w)| u32::from(p) * w).sum();
    ((sum + 128) >> 8) as u8
}

/// Expands limited-range luma (16–235, ITU-R BT.601) to 0–255.
pub fn full_range(y: u8) -> u8 {
    // In 16 bits, so that a row becomes vector code.
    (((u16::from(y.clamp(16, 235)) - 16) * 255 + 109) / 219) as u8
}

/// Expands all of `luma` in the same way.
pub fn expand(luma: &mut [u8]) {
    for y in luma {
        *y = full_range(*y);
    }
}

#[cfg(test)]
mod tests;
