//! An exam's pictures on one canvas, as large as all their boxes together, one after the other in a
//! single run of bytes.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::frame::Bounds;
use crate::store::KeptFrame;

/// Most bytes of a clip: DICOM counts them with 32 bits.
const LONGEST: u64 = 0xffff_fffe;

/// Frames of one size, grey.
#[derive(Debug, Default)]
pub struct Clip {
    pub width: u32,
    pub height: u32,
    /// Where the canvas lies in the source's own picture.
    bounds: Bounds,
    /// When each frame was captured.
    pub times: Vec<Duration>,
    pub pixels: Vec<u8>,
}

impl Clip {
    /// Takes over all frames. One without a picture (no sector was found) is black.
    pub fn gather(frames: impl Iterator<Item = Result<KeptFrame, Error>>) -> Result<Clip, Error> {
        let (mut times, mut pictures) = (Vec::new(), Vec::new());
        let mut whole: Option<Bounds> = None;
        for frame in frames {
            let frame = frame?;
            times.push(frame.measures.timestamp);
            if !frame.luma.is_empty() {
                whole = Some(whole.map_or(frame.bounds, |whole| whole.union(frame.bounds)));
            }
            pictures.push((frame.bounds, frame.luma));
        }
        let Some(bounds) = whole else { return Ok(Clip { times, ..Clip::default() }) };
        let (width, height) = (bounds.width(), bounds.height());
        let length = u64::from(width) * u64::from(height) * pictures.len() as u64;
        if length > LONGEST {
            let problem =
                format!("holds {} MB of pictures; one file holds 4294", length / 1_000_000);
            let remedy = "hold exams earlier: a sweep takes seconds";
            return Err(Error::new(ErrorKind::Storage, "the clip", problem, remedy));
        }
        let size = width as usize * height as usize;
        // Each frame is freed as soon as it is copied, so that memory holds little more than one clip.
        let mut pixels = Vec::with_capacity(size * pictures.len());
        for (own, luma) in pictures {
            let start = pixels.len();
            pixels.resize(start + size, 0);
            if luma.is_empty() {
                continue;
            }
            let columns = own.width() as usize;
            let (x, y) = ((own.left - bounds.left) as usize, (own.top - bounds.top) as usize);
            for (row, from) in luma.chunks_exact(columns).enumerate() {
                let at = start + (y + row) * width as usize + x;
                pixels[at..at + columns].copy_from_slice(from);
            }
        }
        Ok(Clip { width, height, bounds, times, pixels })
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.pixels.is_empty()
    }

    /// All pixels of a frame; none where it has no picture.
    pub fn frame(&self, number: usize) -> &[u8] {
        let size = self.width as usize * self.height as usize;
        self.pixels.get(number * size..(number + 1) * size).unwrap_or_default()
    }

    /// A box of the source's picture, cut out of a frame.
    pub fn cut(&self, number: usize, own: Bounds) -> Vec<u8> {
        let frame = self.frame(number);
        let columns = (own.left.saturating_sub(self.bounds.left)) as usize
            ..(own.right.saturating_sub(self.bounds.left)) as usize;
        let rows = own.top.saturating_sub(self.bounds.top) as usize;
        let rows = frame.chunks_exact((self.width as usize).max(1)).skip(rows);
        rows.take(own.height() as usize)
            .filter_map(|row| row.get(columns.clone()))
            .flatten()
            .copied()
            .collect()
    }

    /// From each frame to the one before, in hundredths of a millisecond; the first has none.
    pub fn intervals(&self) -> Vec<u64> {
        let hundredths = |time: Duration| (time.as_nanos() + 5_000) / 10_000;
        let pairs = self.times.iter().zip(self.times.iter().skip(1));
        let between = pairs.map(|(a, b)| hundredths(*b).saturating_sub(hundredths(*a)) as u64);
        std::iter::once(0).take(self.len()).chain(between).collect()
    }
}
