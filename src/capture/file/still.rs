//! PNG and JPEG pictures, one or a folder of them.

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Duration;

use image::{DynamicImage, ImageFormat, ImageReader};

use super::{check_size, unreadable, unusable};
use crate::capture::FrameSource;
use crate::error::Error;
use crate::frame::{Frame, PixelFormat, luma_from_packed};

/// A folder plays ten pictures a second.
const INTERVAL: Duration = Duration::from_millis(100);

/// Pictures in the order given.
pub struct Stills {
    paths: std::vec::IntoIter<PathBuf>,
    sequence: u64,
}

impl Stills {
    pub fn new(paths: Vec<PathBuf>) -> Stills {
        Stills { paths: paths.into_iter(), sequence: 0 }
    }
}

impl FrameSource for Stills {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let Some(path) = self.paths.next() else {
            return Ok(false);
        };
        read_picture(&path, frame)?;
        frame.sequence = self.sequence;
        frame.timestamp = INTERVAL * self.sequence as u32;
        self.sequence += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

fn read_picture(path: &Path, frame: &mut Frame) -> Result<(), Error> {
    let bytes = std::fs::read(path).map_err(|e| unreadable(path, &e))?;
    // The content decides, whatever the extension says.
    let format = match image::guess_format(&bytes) {
        Ok(format @ (ImageFormat::Png | ImageFormat::Jpeg)) => format,
        _ => {
            let remedy = "export the picture again as PNG or JPEG";
            return Err(unusable(path, "is not a PNG or JPEG picture", remedy));
        }
    };
    let reader = || ImageReader::with_format(Cursor::new(&bytes), format);
    let (width, height) = reader().into_dimensions().map_err(|e| broken(path, &e))?;
    check_size(path, width, height)?;
    if format == ImageFormat::Jpeg && !jpeg_ends(&bytes) {
        return Err(broken(path, &"no end of image"));
    }
    let image = reader().decode().map_err(|e| broken(path, &e))?;
    luma_of(&image, frame);
    Ok(())
}

/// Whether the picture's data end in an end-of-image marker: the decoder fills in what is missing.
///
/// Segments before the scan may hold a thumbnail with an end of its own, so they are skipped
/// (ITU-T T.81, B.1.1); inside a scan 0xff 0xd9 can be nothing else.
fn jpeg_ends(bytes: &[u8]) -> bool {
    const START_OF_SCAN: u8 = 0xda;
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xff {
            at += 1; // a fill byte
            continue;
        }
        if marker == START_OF_SCAN {
            return bytes[at..].windows(2).any(|pair| pair == [0xff, 0xd9]);
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
    }
    false
}

fn broken(path: &Path, error: &dyn std::fmt::Display) -> Error {
    let problem = format!("is broken or truncated ({error})");
    unusable(path, &problem, "export or copy the picture again")
}

/// Luma of any decoded picture; transparency shows black.
pub(super) fn luma_of(image: &DynamicImage, frame: &mut Frame) {
    let size = (image.width(), image.height());
    match image {
        DynamicImage::ImageLuma8(grey) => {
            luma_from_packed(frame, size, PixelFormat::Grey, grey.as_raw(), size.0 as usize);
        }
        DynamicImage::ImageRgb8(rgb) => {
            luma_from_packed(frame, size, PixelFormat::Rgb, rgb.as_raw(), 3 * size.0 as usize);
        }
        other => {
            let mut rgba = other.to_rgba8();
            for p in rgba.pixels_mut() {
                let alpha = u32::from(p.0[3]);
                for c in &mut p.0[..3] {
                    *c = ((u32::from(*c) * alpha + 127) / 255) as u8;
                }
            }
            let rgb = DynamicImage::ImageRgba8(rgba).to_rgb8();
            luma_from_packed(frame, size, PixelFormat::Rgb, rgb.as_raw(), 3 * size.0 as usize);
        }
    }
}
