//! YUV4MPEG2 ("Y4M"): a line of parameters, then frames of planar 8-bit YUV, of which luma is kept.
//!
//! As ffmpeg, GStreamer and mjpegtools write it. A marker that is not where it should be means
//! that bytes were lost: the reader looks for the next one, within bounds. Bytes lost *inside* a
//! frame show only at the marker after it, so that one frame passes shifted.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use crate::frame::{SIDE_RANGE, expand};

pub const MAGIC: &[u8] = b"YUV4MPEG2";
const MARKER: &[u8] = b"FRAME";
/// Longest line of parameters, of the stream or of a frame.
const LINE_LIMIT: u64 = 1024;

/// Which lines of an interlaced picture are the older ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// Lines 0, 2, 4…
    Top,
    /// Lines 1, 3, 5…
    Bottom,
}

/// What the first line says.
#[derive(Debug, Clone, PartialEq)]
pub struct Header {
    pub width: u32,
    pub height: u32,
    /// Luma from 0 to 255 instead of 16 to 235.
    pub full_range: bool,
    /// From one frame to the next; 25 frames a second where the stream does not say.
    pub interval: Duration,
    /// Width of a pixel to its height; 1:1 where unknown.
    pub aspect: (u32, u32),
    /// The older field, where there are two.
    pub interlaced: Option<Field>,
    /// Bytes of chroma (and alpha) after the luma of each frame.
    chroma: u64,
}

/// What became of one reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A whole frame.
    Frame,
    /// A frame that cannot be used.
    Damaged,
    /// The stream ended between frames.
    End,
}

/// A stream whose header has been read.
pub struct Y4m<R> {
    reader: R,
    pub header: Header,
    line: Vec<u8>,
    /// The marker of the next frame has been read.
    marked: bool,
}

impl<R: BufRead> Y4m<R> {
    /// Reads the header; the error says what is wrong with it.
    pub fn open(mut reader: R) -> Result<Y4m<R>, String> {
        let mut line = Vec::new();
        read_line(&mut reader, &mut line).map_err(|e| e.to_string())?;
        let header = Header::parse(&line)?;
        Ok(Y4m { reader, header, line, marked: false })
    }

    /// Reads the luma of the next frame, full range, into `luma`, which fits it afterwards.
    ///
    /// Fails when the stream does, or when nothing like a frame comes for two frames' length.
    pub fn read(&mut self, luma: &mut Vec<u8>) -> io::Result<Step> {
        if self.reader.fill_buf()?.is_empty() {
            return Ok(Step::End);
        }
        if !std::mem::take(&mut self.marked) && !self.at_marker()? {
            return self.resynchronize();
        }
        luma.resize(self.header.luma() as usize, 0);
        if !whole(self.reader.read_exact(luma))? {
            return Ok(Step::Damaged);
        }
        let mut chroma = self.reader.by_ref().take(self.header.chroma);
        if io::copy(&mut chroma, &mut io::sink())? < self.header.chroma {
            return Ok(Step::Damaged);
        }
        if !self.header.full_range {
            expand(luma);
        }
        Ok(Step::Frame)
    }

    /// Reads the line in front of a frame, or leaves some of it read when it is none.
    fn at_marker(&mut self) -> io::Result<bool> {
        let mut start = [0; MARKER.len()];
        if !whole(self.reader.read_exact(&mut start))? || start != MARKER {
            return Ok(false);
        }
        whole(read_line(&mut self.reader, &mut self.line))
    }

    /// Skips to the next marker and past it.
    fn resynchronize(&mut self) -> io::Result<Step> {
        let limit = 2 * (self.header.luma() + self.header.chroma) + LINE_LIMIT;
        let mut seen = [0; MARKER.len() + 1];
        for _ in 0..limit {
            let mut byte = [0];
            if !whole(self.reader.read_exact(&mut byte))? {
                return Ok(Step::Damaged);
            }
            seen.rotate_left(1);
            seen[MARKER.len()] = byte[0];
            if seen.starts_with(MARKER) && matches!(byte[0], b'\n' | b' ') {
                self.marked =
                    byte[0] == b'\n' || whole(read_line(&mut self.reader, &mut self.line))?;
                return Ok(Step::Damaged);
            }
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "no frame marker where one should be"))
    }
}

/// Turns an early end into `false`.
fn whole(read: io::Result<()>) -> io::Result<bool> {
    match read {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

/// Reads up to a line feed, which is dropped.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<()> {
    line.clear();
    reader.by_ref().take(LINE_LIMIT).read_until(b'\n', line)?;
    if line.pop() == Some(b'\n') {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the header has no end"))
}

impl Header {
    /// Bytes of luma in a frame.
    fn luma(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }

    fn parse(line: &[u8]) -> Result<Header, String> {
        let text = String::from_utf8_lossy(line);
        let mut words = text.split(' ');
        if words.next().map(str::as_bytes) != Some(MAGIC) {
            return Err("the header does not begin with YUV4MPEG2".into());
        }
        let (mut size, mut colour, mut range) = ([0, 0], "420", None);
        let (mut interval, mut aspect) = (Duration::from_millis(40), (1, 1));
        let mut interlaced = None;
        for word in words.filter(|word| !word.is_empty()) {
            let Some((key, value)) = word.split_at_checked(1) else { continue };
            let bad = || format!("the header's `{word}` makes no sense");
            match key {
                "W" => size[0] = value.parse().map_err(|_| bad())?,
                "H" => size[1] = value.parse().map_err(|_| bad())?,
                "F" => {
                    let (frames, seconds) = ratio(value).ok_or_else(bad)?;
                    let each = f64::from(seconds) / f64::from(frames);
                    if (0.001..=10.0).contains(&each) {
                        interval = Duration::from_secs_f64(each);
                    }
                }
                "A" => {
                    let (across, down) = ratio(value).ok_or_else(bad)?;
                    if across > 0 && down > 0 {
                        aspect = (across, down);
                    }
                }
                "I" => {
                    interlaced = match value {
                        "t" | "m" => Some(Field::Top),
                        "b" => Some(Field::Bottom),
                        _ => None,
                    };
                }
                "C" => colour = value,
                "X" => {
                    range = match value {
                        "COLORRANGE=FULL" => Some(true),
                        "COLORRANGE=LIMITED" => Some(false),
                        _ => range,
                    };
                }
                _ => {}
            }
        }
        let [width, height] = size;
        if !SIDE_RANGE.contains(&width) || !SIDE_RANGE.contains(&height) {
            return Err(format!("the picture is {width}x{height} pixels; allowed are 32 to 4096"));
        }
        let (w, h) = (u64::from(width), u64::from(height));
        let chroma = match colour {
            "420" | "420jpeg" | "420mpeg2" | "420paldv" => 2 * w.div_ceil(2) * h.div_ceil(2),
            "411" => 2 * w.div_ceil(4) * h,
            "422" => 2 * w.div_ceil(2) * h,
            "444" => 2 * w * h,
            "444alpha" => 3 * w * h,
            "mono" => 0,
            _ => return Err(format!("the colour space C{colour} is not an 8-bit one")),
        };
        // Grey without a word about its range is what a picture program wrote.
        let full_range = range.unwrap_or(colour == "mono");
        Ok(Header { width, height, full_range, interval, aspect, interlaced, chroma })
    }
}

/// `A:B`.
fn ratio(text: &str) -> Option<(u32, u32)> {
    let (a, b) = text.split_once(':')?;
    Some((a.parse().ok()?, b.parse().ok()?))
}
