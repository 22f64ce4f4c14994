//! One JPEG picture of a Motion JPEG stream to luma.
//!
//! Only the scalar code of the decoder is used, so that every machine gets the same bytes; damaged
//! pictures are refused, not patched up. Streams without Huffman tables (AVI1) are read too. The
//! decoder allocates its own tables a picture.

use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::error::contained;
use crate::frame::SIDE_RANGE;

/// Decodes `data` into `luma`, full range, and returns its size in pixels; `None` where it is no
/// whole JPEG picture of a size that a frame may have.
pub fn decode(data: &[u8], luma: &mut Vec<u8>) -> Option<(u32, u32)> {
    let most = *SIDE_RANGE.end() as usize;
    let options = DecoderOptions::default()
        .set_use_unsafe(false)
        .set_strict_mode(true)
        .set_max_width(most)
        .set_max_height(most)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    // The decoder is fuzzed by its authors; a panic that they missed must not end an exam.
    contained(|| {
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
        decoder.decode_headers().ok()?;
        let info = decoder.info()?;
        let pixels = usize::from(info.width) * usize::from(info.height);
        // A source that is neither grey nor YCbCr cannot be asked for luma.
        if decoder.output_buffer_size()? != pixels {
            return None;
        }
        luma.resize(pixels, 0);
        decoder.decode_into(luma).ok()?;
        Some((u32::from(info.width), u32::from(info.height)))
    })
    .ok()
    .flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn picture() -> Vec<u8> {
        let image = image::RgbImage::from_fn(64, 48, |x, y| {
            let v = (x * 3 + y) as u8;
            image::Rgb([v, v, v])
        });
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, 95);
        encoder.encode_image(&image).unwrap();
        bytes
    }

    #[test]
    fn luma_comes_out_and_half_a_picture_is_refused() {
        let (bytes, mut luma) = (picture(), Vec::new());
        assert_eq!(decode(&bytes, &mut luma), Some((64, 48)));
        for (i, &got) in luma.iter().enumerate() {
            let expected = (i % 64 * 3 + i / 64) as i32;
            assert!((i32::from(got) - expected).abs() <= 6, "{i}: {got} for {expected}");
        }
        // Padding after the end is usual: drivers hand over whole transfers.
        let padded = [&bytes[..], &[0; 100]].concat();
        assert_eq!(decode(&padded, &mut luma), Some((64, 48)));
        assert_eq!(decode(&bytes[..bytes.len() / 2], &mut luma), None);
        assert_eq!(decode(b"", &mut luma), None);
        assert_eq!(decode(b"\xff\xd8\xff\xd9", &mut luma), None);
    }

    proptest! {
        #[test]
        fn damaged_pictures_never_panic(
            at in any::<prop::sample::Index>(),
            noise in prop::collection::vec(any::<u8>(), 1..40),
        ) {
            let mut bytes = picture();
            let start = at.index(bytes.len());
            for (byte, noise) in bytes[start..].iter_mut().zip(noise) {
                *byte = noise;
            }
            let mut luma = Vec::new();
            if let Some((width, height)) = decode(&bytes, &mut luma) {
                prop_assert_eq!(luma.len(), width as usize * height as usize);
            }
        }
    }
}
