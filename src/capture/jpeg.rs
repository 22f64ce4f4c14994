//! The luma of a JPEG picture: baseline and progressive, 8 bits, as cameras and archives write it.
//!
//! Of a YCbCr picture only the Y plane is decoded, which is exact and cheap. Damage is an error
//! here, where a viewer would show grey blocks: a verdict must not rest on them. Only the scalar
//! code of the decoder is used, so that every processor gets the same bytes. The decoder allocates
//! its own tables a picture.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::error::contained;
use crate::frame::{Frame, SIDE_RANGE, luma_of_rgb};

/// How three components are meant when the picture does not say so itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Components {
    YCbCr,
    Rgb,
}

const START_OF_SCAN: u8 = 0xda;
const HUFFMAN_TABLES: u8 = 0xc4;
/// The start of a picture that tells the decoder to take the usual tables.
const MOTION_JPEG: &[u8] = b"\xff\xd8\xff\xe0\x00\x07AVI1\0";

/// Decodes with buffers of its own.
#[derive(Default)]
pub struct JpegLuma {
    rgb: Vec<u8>,
    completed: Vec<u8>,
}

impl JpegLuma {
    /// Overwrites the size and the luma of `frame`; the error says what is wrong with the picture.
    pub fn decode(
        &mut self,
        data: &[u8],
        components: Components,
        frame: &mut Frame,
    ) -> Result<(), String> {
        // The decoder is fuzzed by its authors; a panic that they missed must not end an exam.
        contained(|| self.decode_trusting(data, components, frame)).and_then(|outcome| outcome)
    }

    fn decode_trusting(
        &mut self,
        data: &[u8],
        components: Components,
        frame: &mut Frame,
    ) -> Result<(), String> {
        let options = DecoderOptions::default()
            .set_use_unsafe(false)
            .set_strict_mode(true)
            .set_max_width(*SIDE_RANGE.end() as usize)
            .set_max_height(*SIDE_RANGE.end() as usize)
            .jpeg_set_out_colorspace(ColorSpace::Luma);
        let data = match data {
            [0xff, 0xd8, rest @ ..] if !brings_tables(data) => {
                self.completed.clear();
                self.completed.extend_from_slice(MOTION_JPEG);
                self.completed.extend_from_slice(rest);
                &self.completed
            }
            _ => data,
        };
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
        decoder.decode_headers().map_err(|e| words(&e))?;
        let (Some((width, height)), Some(stored)) =
            (decoder.dimensions(), decoder.input_colorspace())
        else {
            return Err("no picture in it".into());
        };
        let (width, height) = (width as u32, height as u32);
        if !SIDE_RANGE.contains(&width) || !SIDE_RANGE.contains(&height) {
            return Err(format!("{width}x{height} pixels; allowed are 32 to 4096"));
        }
        frame.resize(width, height);
        let unsaid = components == Components::Rgb && !names_its_colours(data);
        match stored {
            ColorSpace::Luma => decoder.decode_into(&mut frame.luma).map_err(|e| words(&e)),
            ColorSpace::YCbCr if !unsaid => {
                decoder.decode_into(&mut frame.luma).map_err(|e| words(&e))
            }
            _ => {
                // Three components as they are stored, or four turned into three.
                let out = if unsaid { stored } else { ColorSpace::RGB };
                decoder.set_options(options.jpeg_set_out_colorspace(out));
                self.rgb.resize(3 * frame.luma.len(), 0);
                decoder.decode_into(&mut self.rgb).map_err(|e| words(&e))?;
                for (p, rgb) in frame.luma.iter_mut().zip(self.rgb.chunks_exact(3)) {
                    *p = luma_of_rgb([rgb[0], rgb[1], rgb[2]]);
                }
                Ok(())
            }
        }
    }
}

/// Markers and contents of the segments before the first scan.
fn segments(data: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        while data.get(at..at + 2) == Some(&[0xff, 0xff]) {
            at += 1; // a fill byte
        }
        let &[0xff, marker, high, low] = data.get(at..at + 4)? else { return None };
        let end = at + 2 + usize::from(u16::from_be_bytes([high, low]));
        let content = data.get(at + 4..end)?;
        at = end;
        (marker != START_OF_SCAN).then_some((marker, content))
    })
}

/// Whether a JFIF or Adobe segment says what the components are.
fn names_its_colours(data: &[u8]) -> bool {
    segments(data).any(|(marker, content)| {
        marker == 0xe0 && content.starts_with(b"JFIF\0")
            || marker == 0xee && content.starts_with(b"Adobe")
    })
}

/// Whether Huffman tables come with the picture; motion JPEG may leave the usual ones out.
fn brings_tables(data: &[u8]) -> bool {
    segments(data).any(|(marker, _)| marker == HUFFMAN_TABLES)
}

fn words(error: &dyn std::fmt::Debug) -> String {
    format!("{error:?}")
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
        let (bytes, mut frame) = (picture(), Frame::default());
        let mut size = |data: &[u8]| {
            let done = JpegLuma::default().decode(data, Components::YCbCr, &mut frame);
            done.ok().map(|()| (frame.width, frame.height))
        };
        assert_eq!(size(&bytes), Some((64, 48)));
        // Padding after the end is usual: drivers hand over whole transfers.
        assert_eq!(size(&[&bytes[..], &[0; 100]].concat()), Some((64, 48)));
        for damaged in [&bytes[..bytes.len() / 2], b"", b"\xff\xd8\xff\xd9"] {
            assert_eq!(size(damaged), None);
        }
        assert_eq!(size(&bytes), Some((64, 48)));
        for (i, &got) in frame.luma.iter().enumerate() {
            let expected = (i % 64 * 3 + i / 64) as i32;
            assert!((i32::from(got) - expected).abs() <= 6, "{i}: {got} for {expected}");
        }
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
            let mut frame = Frame::default();
            if JpegLuma::default().decode(&bytes, Components::YCbCr, &mut frame).is_ok() {
                prop_assert_eq!(frame.luma.len(), frame.width as usize * frame.height as usize);
            }
        }
    }
}
