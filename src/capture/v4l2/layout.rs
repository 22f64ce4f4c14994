//! What a negotiated format says about the bytes in a buffer.
//!
//! Defaults follow the V4L2 documentation: YUV is in limited range unless its colour space is
//! JPEG's, RGB and JPEG in full range, and the luma weights go with the colour space. A grey sensor
//! has no YUV encoding; its default is full range.

use v4l::Format;
use v4l::format::{Colorspace, FieldOrder, Quantization};

use super::Flaw;
use crate::capture::jpeg::{Components, JpegLuma};
use crate::frame::{Fields, Frame, Packing, PixelFormat, Range, Weights, expand};

/// What decoding JPEG pictures takes, kept from frame to frame.
#[derive(Default)]
pub struct Spare {
    decoder: JpegLuma,
    /// A picture of two fields, before they are taken apart.
    picture: Frame,
}

/// How to read the buffers of a stream.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    fourcc: [u8; 4],
    /// As the driver reported it; 0 for JPEG.
    stride: u32,
    /// Of the picture inside, where that is JPEG.
    packing: Packing,
    jpeg: bool,
    alternate: bool,
}

impl Layout {
    /// Reads `format`; `range` overrules the driver. The error is a problem in words.
    pub fn new(format: &Format, range: Option<Range>) -> Result<Layout, String> {
        let fourcc = format.fourcc.repr;
        let jpeg = fourcc == *b"MJPG";
        let pixels = match &fourcc {
            b"GREY" | b"MJPG" => PixelFormat::Grey,
            b"Y16 " => PixelFormat::Grey16,
            b"NV12" => PixelFormat::Nv12,
            b"YUYV" => PixelFormat::Yuyv,
            b"UYVY" => PixelFormat::Uyvy,
            b"RGB3" => PixelFormat::Rgb,
            b"BGR3" => PixelFormat::Bgr,
            _ => return Err(format!("has the format {}, which cannot be read", format.fourcc)),
        };
        let yuv = matches!(pixels, PixelFormat::Nv12 | PixelFormat::Yuyv | PixelFormat::Uyvy);
        let reported = match (format.quantization, format.colorspace) {
            _ if jpeg => Range::Full,
            (Quantization::FullRange, _) => Range::Full,
            (Quantization::LimitedRange, _) => Range::Limited,
            (Quantization::Default, Colorspace::JPEG) => Range::Full,
            (Quantization::Default, _) if yuv => Range::Limited,
            (Quantization::Default, _) => Range::Full,
        };
        let weights = match format.colorspace {
            Colorspace::Rec709
            | Colorspace::SMPTE240M
            | Colorspace::DCIP3
            | Colorspace::Rec2020 => Weights::Bt709,
            _ => Weights::Bt601,
        };
        let fields = match format.field_order {
            FieldOrder::Any | FieldOrder::Progressive => Fields::Progressive,
            FieldOrder::Interlaced | FieldOrder::InterlacedTB | FieldOrder::InterlacedBT => {
                Fields::Interlaced
            }
            FieldOrder::SequentialTB => Fields::Sequential { top_first: true },
            FieldOrder::SequentialBT => Fields::Sequential { top_first: false },
            FieldOrder::Top | FieldOrder::Alternate => Fields::Single { top: true },
            FieldOrder::Bottom => Fields::Single { top: false },
        };
        let row = pixels.row_bytes(format.width);
        // Some drivers leave the stride open where rows are not padded.
        let stride = if jpeg || format.stride == 0 { row } else { format.stride as usize };
        if stride < row {
            return Err(format!("reports rows of {stride} bytes for {} pixels", format.width));
        }
        Ok(Layout {
            fourcc,
            stride: format.stride,
            packing: Packing {
                format: pixels,
                width: format.width,
                height: format.height,
                stride,
                range: range.unwrap_or(reported),
                weights,
                fields,
            },
            jpeg,
            alternate: matches!(format.field_order, FieldOrder::Alternate),
        })
    }

    /// Pixels of a picture, both fields together.
    pub fn picture_size(&self) -> (u32, u32) {
        (self.packing.width, self.packing.picture_height())
    }

    /// Whether `format` is still the one that this was made for.
    pub fn agrees(&self, format: &Format) -> bool {
        (format.fourcc.repr, format.width, format.height, format.stride)
            == (self.fourcc, self.packing.width, self.packing.height, self.stride)
    }

    /// Reads a buffer of field order `field` (V4L2's number) into `frame`; `spare` is reused.
    pub fn luma(
        &self,
        field: u32,
        data: &[u8],
        spare: &mut Spare,
        frame: &mut Frame,
    ) -> Result<(), Flaw> {
        let mut packing = self.packing;
        if self.alternate {
            packing.fields = Fields::Single { top: field != FieldOrder::Bottom as u32 };
        }
        let read = if self.jpeg {
            let whole = packing.fields == Fields::Progressive;
            let picture = if whole { &mut *frame } else { &mut spare.picture };
            let decoded = spare.decoder.decode(data, Components::YCbCr, picture);
            decoded.map_err(|_| Flaw::Undecodable)?;
            if (picture.width, picture.height) != (packing.width, packing.height) {
                return Err(Flaw::Size(picture.width, picture.height));
            }
            if whole && packing.range == Range::Limited {
                expand(&mut frame.luma);
            }
            whole || packing.luma(&spare.picture.luma, frame)
        } else {
            packing.luma(data, frame)
        };
        if read { Ok(()) } else { Err(Flaw::Short) }
    }
}

/// Width to height of a pixel in a picture of this size: not square in the formats of ITU-R BT.601,
/// 13.5 MHz, with 625 and 525 lines.
pub fn aspect_of(width: u32, height: u32) -> (u32, u32) {
    match (width, height) {
        (702..=720, 576) => (59, 54),
        (702..=720, 480..=488) => (10, 11),
        _ => (1, 1),
    }
}

#[cfg(test)]
mod tests {
    use v4l::FourCC;

    use super::*;

    fn format(fourcc: &[u8; 4]) -> Format {
        Format::new(4, 2, FourCC::new(fourcc))
    }

    #[test]
    fn ranges_follow_the_driver_then_the_rules_and_the_configuration_overrules_both() {
        let range = |format: &Format, over| Layout::new(format, over).unwrap().packing.range;
        for (fourcc, default) in [
            (b"YUYV", Range::Limited),
            (b"UYVY", Range::Limited),
            (b"NV12", Range::Limited),
            (b"RGB3", Range::Full),
            (b"BGR3", Range::Full),
            (b"GREY", Range::Full),
            (b"Y16 ", Range::Full),
            (b"MJPG", Range::Full),
        ] {
            let mut format = format(fourcc);
            assert_eq!(range(&format, None), default);
            assert_eq!(range(&format, Some(Range::Limited)), Range::Limited);
            format.colorspace = Colorspace::JPEG;
            assert_eq!(range(&format, None), Range::Full);
            format.quantization = Quantization::LimitedRange;
            let jpeg = fourcc == b"MJPG";
            assert_eq!(range(&format, None), if jpeg { Range::Full } else { Range::Limited });
        }
        let mut rgb = format(b"RGB3");
        assert_eq!(Layout::new(&rgb, None).unwrap().packing.weights, Weights::Bt601);
        rgb.colorspace = Colorspace::Rec709;
        assert_eq!(Layout::new(&rgb, None).unwrap().packing.weights, Weights::Bt709);
    }

    #[test]
    fn strides_are_kept_made_up_or_refused_and_changes_are_seen() {
        let mut yuyv = format(b"YUYV");
        assert_eq!(Layout::new(&yuyv, None).unwrap().packing.stride, 8);
        yuyv.stride = 64;
        let layout = Layout::new(&yuyv, None).unwrap();
        assert_eq!(layout.packing.stride, 64);
        assert!(layout.agrees(&yuyv));
        yuyv.height = 3;
        assert!(!layout.agrees(&yuyv));
        yuyv.stride = 7;
        assert!(Layout::new(&yuyv, None).unwrap_err().contains("rows of 7 bytes"));
        assert!(Layout::new(&format(b"H264"), None).unwrap_err().contains("H264"));
    }

    #[test]
    fn alternate_fields_go_where_the_buffer_says_and_bad_buffers_are_flaws() {
        let mut grey = format(b"GREY");
        grey.field_order = FieldOrder::Alternate;
        let layout = Layout::new(&grey, None).unwrap();
        assert_eq!(layout.picture_size(), (4, 4));
        let (mut frame, mut spare) = (Frame::default(), Spare::default());
        let data = [0, 0, 0, 0, 8, 8, 8, 8];
        let mut rows = |field| {
            layout.luma(field, &data, &mut spare, &mut frame).unwrap();
            [0, 4, 8, 12].map(|i| frame.luma[i])
        };
        assert_eq!(rows(FieldOrder::Top as u32), [0, 4, 8, 8]);
        assert_eq!(rows(FieldOrder::Bottom as u32), [0, 0, 4, 8]);
        assert_eq!(layout.luma(2, &data[1..], &mut spare, &mut frame), Err(Flaw::Short));
        let mjpg = Layout::new(&format(b"MJPG"), None).unwrap();
        let flaw = mjpg.luma(1, b"no picture", &mut spare, &mut frame);
        assert_eq!(flaw, Err(Flaw::Undecodable));
    }

    #[test]
    fn jpeg_pictures_are_read_whole_and_by_fields_in_either_range() {
        let ramp = image::GrayImage::from_fn(64, 48, |x, y| image::Luma([(3 * x + y) as u8]));
        let (mut data, mut plain) = (Vec::new(), Frame::default());
        image::codecs::jpeg::JpegEncoder::new(&mut data).encode_image(&ramp).unwrap();
        JpegLuma::default().decode(&data, Components::YCbCr, &mut plain).unwrap();
        let mut mjpg = Format::new(64, 48, FourCC::new(b"MJPG"));
        for field_order in [FieldOrder::Progressive, FieldOrder::Interlaced] {
            mjpg.field_order = field_order;
            for range in [Range::Full, Range::Limited] {
                let layout = Layout::new(&mjpg, Some(range)).unwrap();
                let (mut frame, mut expected) = (Frame::default(), Frame::default());
                layout.luma(1, &data, &mut Spare::default(), &mut frame).unwrap();
                assert!(layout.packing.luma(&plain.luma, &mut expected));
                assert_eq!(frame, expected, "{field_order:?} {range:?}");
            }
        }
    }

    #[test]
    fn only_pictures_of_broadcast_lines_have_pixels_that_are_not_square() {
        assert_eq!((aspect_of(720, 576), aspect_of(720, 480)), ((59, 54), (10, 11)));
        assert_eq!((aspect_of(640, 480), aspect_of(1280, 720)), ((1, 1), (1, 1)));
    }
}
