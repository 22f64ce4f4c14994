//! A V4L2 capture device: memory-mapped streaming of YUYV, MJPEG or grey frames.
//!
//! Plain for now: the device must be there at the start, and a failure ends the source.

use std::time::Duration;

use v4l::buffer::{Flags, Type};
use v4l::io::traits::CaptureStream;
use v4l::prelude::{Device, MmapStream};
use v4l::video::Capture;
use v4l::{Format, FourCC};

use super::FrameSource;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::{Frame, PixelFormat, SIDE_RANGE, luma_from_packed, luma_of_rgb};

/// Formats in the order of preference.
const FORMATS: [&[u8; 4]; 3] = [b"YUYV", b"GREY", b"MJPG"];
const WANTED: (u32, u32) = (640, 480);
const BUFFERS: u32 = 4;
/// The driver may stay silent this long before the source fails.
const PATIENCE: Duration = Duration::from_secs(5);

/// A device that is streaming.
pub struct V4l2Source {
    name: String,
    format: Format,
    stream: MmapStream<'static>,
    /// Driver's sequence number and timestamp of the first frame.
    first: Option<(u32, Duration)>,
}

impl V4l2Source {
    /// Opens the device node at `path` and starts streaming.
    pub fn open(path: &str) -> Result<V4l2Source, Error> {
        let wrong = |problem: &str, e: std::io::Error| {
            let remedy = "check the path (ls /dev/video*), the cable, and that this user is in \
                          group video";
            let problem = format!("{problem} ({})", plain_words(&e));
            Error::new(ErrorKind::Device, path, problem, remedy)
        };
        let device = Device::with_path(path).map_err(|e| wrong("cannot be opened", e))?;
        let format = choose(&device).map_err(|e| wrong("offers no usable format", e))?;
        if !SIDE_RANGE.contains(&format.width) || !SIDE_RANGE.contains(&format.height) {
            let problem = format!("offers {}x{} pixels", format.width, format.height);
            let remedy = "choose a size of 32 to 4096 pixels a side with v4l2-ctl";
            return Err(Error::new(ErrorKind::Device, path, problem, remedy));
        }
        let mut stream = MmapStream::with_buffers(&device, Type::VideoCapture, BUFFERS)
            .map_err(|e| wrong("cannot stream", e))?;
        stream.set_timeout(PATIENCE);
        Ok(V4l2Source { name: path.to_owned(), format, stream, first: None })
    }
}

/// Asks for the preferred formats in turn and takes the first that the driver accepts.
fn choose(device: &Device) -> std::io::Result<Format> {
    for fourcc in FORMATS {
        let wanted = Format::new(WANTED.0, WANTED.1, FourCC::new(fourcc));
        let got = device.set_format(&wanted)?;
        if got.fourcc == wanted.fourcc {
            return Ok(got);
        }
    }
    Err(std::io::Error::other("neither YUYV nor GREY nor MJPG"))
}

impl FrameSource for V4l2Source {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let size = (self.format.width, self.format.height);
        loop {
            let (buffer, metadata) = self.stream.next().map_err(|e| {
                let problem = format!("stopped delivering frames ({})", plain_words(&e));
                Error::new(
                    ErrorKind::Device,
                    &self.name,
                    problem,
                    "check the cable and start again",
                )
            })?;
            let data = &buffer[..(metadata.bytesused as usize).min(buffer.len())];
            let stride = self.format.stride as usize;
            let whole = match &self.format.fourcc.repr {
                b"YUYV" => luma_from_packed(frame, size, PixelFormat::Yuyv, data, stride),
                b"GREY" => luma_from_packed(frame, size, PixelFormat::Grey, data, stride),
                _ => luma_from_jpeg(frame, size, data),
            };
            let (sequence, time) = (metadata.sequence, Duration::from(metadata.timestamp));
            let &mut (first, start) = self.first.get_or_insert((sequence, time));
            // A short or damaged frame is a gap in the sequence, which the pipeline counts.
            if whole && !metadata.flags.contains(Flags::ERROR) {
                frame.sequence = u64::from(sequence.wrapping_sub(first));
                frame.timestamp = time.saturating_sub(start);
                return Ok(true);
            }
        }
    }

    fn is_live(&self) -> bool {
        true
    }
}

fn luma_from_jpeg(frame: &mut Frame, (width, height): (u32, u32), data: &[u8]) -> bool {
    let Ok(picture) = image::load_from_memory_with_format(data, image::ImageFormat::Jpeg) else {
        return false;
    };
    if (picture.width(), picture.height()) != (width, height) {
        return false;
    }
    frame.resize(width, height);
    for (out, p) in frame.luma.iter_mut().zip(picture.into_rgb8().pixels()) {
        *out = luma_of_rgb(p.0);
    }
    true
}
