//! Either of the two formats, told apart by the first bytes.

use std::io::{self, BufRead, BufReader, Read};
use std::time::Duration;

use super::mjpeg::Splitter;
use crate::capture::jpeg::{Components, JpegLuma};
use crate::capture::square::Squaring;
use crate::capture::y4m::{self, Step, Y4m};
use crate::frame::Frame;

const BUFFER: usize = 1 << 16;
const JPEG: &[u8] = &[0xff, 0xd8, 0xff];
/// MJPEG names no rate; ffmpeg assumes the same.
const MJPEG_INTERVAL: Duration = Duration::from_millis(40);

/// A stream whose format is known.
pub enum Stream<R> {
    Y4m(Box<Y4m<BufReader<R>>>),
    Mjpeg(Splitter<BufReader<R>>),
}

/// Why a stream cannot be read (on).
#[derive(Debug)]
pub enum Failure {
    /// Nothing at all came.
    Empty,
    /// It is something else; the words say what.
    Format(String),
    /// The reading itself failed.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::InvalidData => Failure::Format(error.to_string()),
            _ => Failure::Io(error),
        }
    }
}

impl<R: Read> Stream<R> {
    /// Waits for the first bytes.
    pub fn open(reader: R) -> Result<Stream<R>, Failure> {
        let mut reader = BufReader::with_capacity(BUFFER, reader);
        let first = reader.fill_buf()?;
        if first.is_empty() {
            return Err(Failure::Empty);
        }
        // A writer may hand over a byte at a time; what came decides between the two.
        match first[0] {
            b'Y' if starts(first, y4m::MAGIC) => {
                let opened = Y4m::open(reader).map_err(Failure::Format)?;
                Ok(Stream::Y4m(Box::new(opened)))
            }
            0xff if starts(first, JPEG) => Ok(Stream::Mjpeg(Splitter::new(reader))),
            _ => {
                let shown: Vec<String> =
                    first.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
                let guess = if first.starts_with(&[0, 0, 0, 1]) { ", as H.264 does" } else { "" };
                let shown = shown.join(" ");
                Err(Failure::Format(format!("it begins with {shown}{guess}")))
            }
        }
    }

    /// Reads the next frame, as yet undecoded, into `raw`.
    pub fn read(&mut self, raw: &mut Vec<u8>) -> Result<Step, Failure> {
        Ok(match self {
            Stream::Y4m(stream) => stream.read(raw)?,
            Stream::Mjpeg(stream) => stream.read(raw)?,
        })
    }

    /// What turns raw frames of this stream into pictures.
    pub fn decoder(&self) -> Decoder {
        match self {
            Stream::Y4m(stream) => {
                let header = &stream.header;
                let squaring = Squaring::new(header.width, header.aspect, header.interlaced);
                Decoder::Luma { size: (header.width, header.height), squaring }
            }
            Stream::Mjpeg(_) => Decoder::Jpeg(JpegLuma::default()),
        }
    }

    /// From one frame to the next, by the stream's own word.
    pub fn interval(&self) -> Duration {
        match self {
            Stream::Y4m(stream) => stream.header.interval,
            Stream::Mjpeg(_) => MJPEG_INTERVAL,
        }
    }
}

fn starts(first: &[u8], magic: &[u8]) -> bool {
    let shared = first.len().min(magic.len());
    first[..shared] == magic[..shared]
}

/// Turns what [`Stream::read`] gives into pictures.
pub enum Decoder {
    Luma { size: (u32, u32), squaring: Squaring },
    Jpeg(JpegLuma),
}

impl Decoder {
    /// Overwrites size and luma of `frame`; `raw` comes back as a used buffer.
    pub fn decode(&mut self, raw: &mut Vec<u8>, frame: &mut Frame) -> Result<(), String> {
        match self {
            Decoder::Luma { size, squaring } => {
                std::mem::swap(&mut frame.luma, raw);
                (frame.width, frame.height) = *size;
                squaring.apply(frame);
                Ok(())
            }
            Decoder::Jpeg(jpeg) => jpeg.decode(raw, Components::YCbCr, frame),
        }
    }
}
