//! An exam's frames in one sealed stream: what the network saw, what it said, and the picture.
//!
//! Every frame has the network's input byte for byte, and the measures that screening judges it by: so
//! scores, heat map and verdict can be computed again from the clip, bit for bit, on any machine.
//! Pictures are masked (nothing outside the sector, no text) and at the source's own resolution,
//! without loss: each pixel less its left neighbour, deflated.

use std::io::{self, Read, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use crate::frame::Bounds;
use crate::preprocess::Measures;

/// A frame's length on disk is never more: whatever claims to be longer is damage.
const LONGEST: u32 = 64 << 20;
/// Most pixels of a picture, the most that capture takes.
const MOST_PIXELS: u64 = 1 << 26;

/// One frame of an exam.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KeptFrame {
    pub sequence: u64,
    /// The signal was interrupted before it.
    pub interrupted: bool,
    pub measures: Measures,
    /// What the network said: one row.
    pub scores: Vec<f32>,
    /// What the network saw.
    pub tensor: Vec<u8>,
    /// The box of the frame that `luma` is.
    pub bounds: Bounds,
    /// Rows of `bounds`, masked.
    pub luma: Vec<u8>,
}

/// As it stands on disk.
#[derive(Serialize, Deserialize)]
struct Stored {
    sequence: u64,
    interrupted: bool,
    timestamp: Duration,
    sector_share: f32,
    contrast: u8,
    structure: f32,
    change: Option<f32>,
    masked: u32,
    scores: Vec<f32>,
    bounds: [u32; 4],
    #[serde(with = "serde_bytes")]
    tensor: Vec<u8>,
    #[serde(with = "serde_bytes")]
    luma: Vec<u8>,
}

/// Writes `frame` with its length before it.
pub fn write(frame: &KeptFrame, output: &mut impl Write) -> io::Result<()> {
    let KeptFrame { measures, bounds, .. } = frame;
    let stored = Stored {
        sequence: frame.sequence,
        interrupted: frame.interrupted,
        timestamp: measures.timestamp,
        sector_share: measures.sector_share,
        contrast: measures.contrast,
        structure: measures.structure,
        change: measures.change,
        masked: measures.masked,
        scores: frame.scores.clone(),
        bounds: [bounds.left, bounds.top, bounds.right, bounds.bottom],
        tensor: deflate(&frame.tensor)?,
        luma: deflate(&differences(&frame.luma, bounds.width() as usize))?,
    };
    let bytes = postcard::to_stdvec(&stored).map_err(io::Error::other)?;
    output.write_all(&(bytes.len() as u32).to_le_bytes())?;
    output.write_all(&bytes)
}

/// Reads the next frame; `None` at the end.
pub fn read(input: &mut impl Read) -> io::Result<Option<KeptFrame>> {
    let mut length = [0; 4];
    // An end in the middle of a length is damage, at its first byte the end.
    if input.read(&mut length[..1])? == 0 {
        return Ok(None);
    }
    input.read_exact(&mut length[1..])?;
    let length = u32::from_le_bytes(length);
    if length > LONGEST {
        return Err(damaged("a frame is longer than any can be"));
    }
    let mut bytes = Vec::new();
    input.take(length.into()).read_to_end(&mut bytes)?;
    let stored: Stored =
        postcard::from_bytes(&bytes).map_err(|_| damaged("a frame cannot be read"))?;
    let [left, top, right, bottom] = stored.bounds;
    if left > right || top > bottom {
        return Err(damaged("a picture's box is turned inside out"));
    }
    let bounds = Bounds { left, top, right, bottom };
    let pixels = u64::from(bounds.width()) * u64::from(bounds.height());
    if pixels > MOST_PIXELS {
        return Err(damaged("a picture is larger than any can be"));
    }
    let mut luma = inflate(&stored.luma, pixels)?;
    if luma.len() as u64 != pixels {
        return Err(damaged("a picture has another size than its box"));
    }
    add_up(&mut luma, bounds.width() as usize);
    Ok(Some(KeptFrame {
        sequence: stored.sequence,
        interrupted: stored.interrupted,
        measures: Measures {
            timestamp: stored.timestamp,
            sector_share: stored.sector_share,
            contrast: stored.contrast,
            structure: stored.structure,
            change: stored.change,
            masked: stored.masked,
            ..Measures::default()
        },
        scores: stored.scores,
        tensor: inflate(&stored.tensor, MOST_PIXELS)?,
        bounds,
        luma,
    }))
}

fn damaged(words: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

fn deflate(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes)?;
    encoder.finish()
}

fn inflate(bytes: &[u8], most: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(bytes).take(most + 1).read_to_end(&mut out)?;
    if out.len() as u64 > most { Err(damaged("a picture is too large")) } else { Ok(out) }
}

/// Each pixel less its left neighbour; the first of a row as it is.
fn differences(luma: &[u8], width: usize) -> Vec<u8> {
    let mut out = luma.to_vec();
    for row in out.chunks_exact_mut(width.max(1)) {
        for x in (1..row.len()).rev() {
            row[x] = row[x].wrapping_sub(row[x - 1]);
        }
    }
    out
}

fn add_up(luma: &mut [u8], width: usize) {
    for row in luma.chunks_exact_mut(width.max(1)) {
        for x in 1..row.len() {
            row[x] = row[x].wrapping_add(row[x - 1]);
        }
    }
}
