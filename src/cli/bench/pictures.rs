//! The pictures that the frame path is timed on: the simulator's, or the same as cameras send them.

use std::fmt;
use std::str::FromStr;

use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

use crate::capture::FrameSource;
use crate::capture::phantom::{Phantom, PhantomSpec};
use crate::capture::v4l2::Replay;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;

/// As many as a camera's driver has buffers for.
const BUFFERS: usize = 4;
/// What cameras use, about.
const JPEG_QUALITY: u8 = 90;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    /// Straight from the simulator: nothing to decode.
    Phantom,
    Mjpeg,
    Yuyv,
    Grey,
}

const FORMATS: [(&str, Format); 4] = [
    ("phantom", Format::Phantom),
    ("mjpeg", Format::Mjpeg),
    ("yuyv", Format::Yuyv),
    ("grey", Format::Grey),
];

/// `FORMAT:WxH`.
#[derive(Debug, Clone, PartialEq)]
pub struct Pictures {
    format: Format,
    phantom: PhantomSpec,
}

impl Pictures {
    /// Whether the source makes its frames instead of decoding them.
    pub fn simulated(&self) -> bool {
        self.format == Format::Phantom
    }

    /// Simulates and encodes beforehand what the source then only has to decode.
    pub fn open(&self) -> Result<Box<dyn FrameSource>, Error> {
        let mut phantom = Phantom::new(&self.phantom);
        let code = match self.format {
            Format::Phantom => return Ok(Box::new(phantom)),
            Format::Mjpeg => *b"MJPG",
            Format::Yuyv => *b"YUYV",
            Format::Grey => *b"GREY",
        };
        let (mut frame, mut buffers) = (Frame::default(), Vec::new());
        for _ in 0..BUFFERS {
            phantom.next(&mut frame)?;
            buffers.push(match self.format {
                Format::Mjpeg => mjpeg(&frame)?,
                Format::Yuyv => yuyv(&frame),
                Format::Phantom | Format::Grey => frame.luma.clone(),
            });
        }
        Ok(Box::new(Replay::new(code, self.phantom.size, buffers)?))
    }
}

/// In colour, as cameras write grey pictures too: the decoder has colour to pass over.
fn mjpeg(frame: &Frame) -> Result<Vec<u8>, Error> {
    let rgb: Vec<u8> = frame.luma.iter().flat_map(|&y| [y; 3]).collect();
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
    let done = encoder.encode(&rgb, frame.width, frame.height, ExtendedColorType::Rgb8);
    done.map_err(|e| {
        let problem = format!("cannot be written as JPEG ({e})");
        Error::new(ErrorKind::Input, "the phantom's picture", problem, "choose another format")
    })?;
    Ok(bytes)
}

/// In limited range, as it is without a word from the driver.
fn yuyv(frame: &Frame) -> Vec<u8> {
    let limited = |y: u8| (16 + (u32::from(y) * 219 + 127) / 255) as u8;
    frame.luma.iter().flat_map(|&y| [limited(y), 128]).collect()
}

impl FromStr for Pictures {
    type Err = Error;

    fn from_str(text: &str) -> Result<Pictures, Error> {
        let read = || {
            let (name, size) = text.split_once(':').filter(|(_, size)| !size.contains('&'))?;
            let &(_, format) = FORMATS.iter().find(|(known, _)| *known == name)?;
            let phantom = format!("lung-blines?seed=7&size={size}").parse().ok()?;
            Some(Pictures { format, phantom })
        };
        read().ok_or_else(|| {
            let names = FORMATS.map(|(name, _)| name).join(", ");
            let remedy = format!(
                "write {names} with a size of 64x48 to 1920x1080, for example mjpeg:1920x1080"
            );
            Error::new(ErrorKind::Usage, format!("--frame {text}"), "is not known", remedy)
        })
    }
}

impl fmt::Display for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = FORMATS.iter().find(|(_, known)| *known == self.format).map_or("?", |(n, _)| n);
        write!(f, "{name}:{}x{}", self.phantom.size.0, self.phantom.size.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_gives_the_simulators_picture_again() {
        let frames = |text: &str| {
            let mut source = text.parse::<Pictures>().unwrap().open().unwrap();
            let mut frames = [Frame::default(), Frame::default()];
            for frame in &mut frames {
                assert!(source.next(frame).unwrap());
            }
            frames
        };
        let made = frames("phantom:160x120");
        assert_eq!(frames("grey:160x120"), made);
        for (text, most) in [("yuyv:160x120", 1), ("mjpeg:160x120", 40)] {
            for (got, made) in frames(text).iter().zip(&made) {
                assert_eq!((got.timestamp, got.luma.len()), (made.timestamp, made.luma.len()));
                let off = got.luma.iter().zip(&made.luma).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(off <= Some(most), "{text}: off by {off:?}");
            }
        }
    }

    #[test]
    fn names_are_read_and_written() {
        for text in ["phantom:640x480", "mjpeg:1920x1080", "yuyv:64x48"] {
            assert_eq!(text.parse::<Pictures>().unwrap().to_string(), text);
        }
        for text in ["", "mjpeg", "h264:640x480", "grey:1x1", "grey:640x480&gain=3"] {
            let error = text.parse::<Pictures>().unwrap_err().to_string();
            assert!(error.contains("mjpeg:1920x1080"), "{error}");
        }
    }
}
