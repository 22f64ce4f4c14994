//! PNG and JPEG pictures, one or a folder of them.

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
    let guess = || ImageReader::open(path)?.with_guessed_format();
    let reader = guess().map_err(|e| unreadable(path, &e))?;
    match reader.format() {
        // The extension alone is not believed: a text file named .png keeps its guess.
        Some(ImageFormat::Png | ImageFormat::Jpeg) if has_picture_magic(path) => {}
        _ => {
            let remedy = "export the picture again as PNG or JPEG";
            return Err(unusable(path, "is not a PNG or JPEG picture", remedy));
        }
    }
    let (width, height) = guess()
        .map_err(|e| unreadable(path, &e))?
        .into_dimensions()
        .map_err(|e| broken(path, &e))?;
    check_size(path, width, height)?;
    let image = reader.decode().map_err(|e| broken(path, &e))?;
    luma_of(&image, frame);
    Ok(())
}

fn has_picture_magic(path: &Path) -> bool {
    use std::io::Read;
    let mut magic = [0; 4];
    std::fs::File::open(path).and_then(|mut f| f.read_exact(&mut magic)).is_ok()
        && (magic == *b"\x89PNG" || magic[..3] == [0xff, 0xd8, 0xff])
}

fn broken(path: &Path, error: &image::ImageError) -> Error {
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
