//! An exam's pictures on one canvas, as large as all their boxes together, one after the other.
//!
//! They are read twice and never held: once to learn how large the canvas is, and once as they are
//! written. What is held is a few frames to see the sweep by.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::frame::Bounds;
use crate::store::KeptFrame;

/// Most bytes of a clip: DICOM counts them with 32 bits.
const LONGEST: u64 = 0xffff_fffe;
/// Frames of the strip.
const STRIP: usize = 8;

/// Goes through an exam's frames, from the first on, each time it is called.
pub type Frames =
    Box<dyn Fn() -> Result<Box<dyn Iterator<Item = Result<KeptFrame, Error>>>, Error> + Send>;

/// Frames of one size, grey.
pub struct Clip {
    pub width: u32,
    pub height: u32,
    /// Where the canvas lies in the source's own picture.
    bounds: Bounds,
    /// When each frame was captured.
    pub times: Vec<Duration>,
    frames: Frames,
    /// Those of the strip, each with its box.
    held: BTreeMap<usize, (Bounds, Vec<u8>)>,
}

impl Clip {
    /// Goes through all frames, of which there should be `count`; `each` sees every one. One without a
    /// picture (no sector was found) is black.
    pub fn gather(
        count: usize,
        frames: Frames,
        mut each: impl FnMut(usize, &KeptFrame) -> Result<(), Error>,
    ) -> Result<Clip, Error> {
        let (mut times, mut held, mut whole) = (Vec::new(), BTreeMap::new(), None::<Bounds>);
        let shown: Vec<usize> = strip(count).collect();
        for frame in frames()? {
            let frame = frame?;
            each(times.len(), &frame)?;
            if !frame.luma.is_empty() {
                whole = Some(whole.map_or(frame.bounds, |whole| whole.union(frame.bounds)));
            }
            if shown.contains(&times.len()) {
                held.insert(times.len(), (frame.bounds, frame.luma));
            }
            times.push(frame.measures.timestamp);
        }
        let bounds = whole.unwrap_or_default();
        let (width, height) = (bounds.width(), bounds.height());
        let clip = Clip { width, height, bounds, times, frames, held };
        if clip.length() > LONGEST {
            let problem =
                format!("holds {} MB of pictures; one file holds 4294", clip.length() / 1_000_000);
            let remedy = "hold exams earlier: a sweep takes seconds";
            return Err(Error::new(ErrorKind::Storage, "the clip", problem, remedy));
        }
        Ok(clip)
    }

    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether there is nothing to see.
    pub fn is_empty(&self) -> bool {
        self.length() == 0
    }

    /// Bytes of all pixels.
    pub fn length(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height) * self.times.len() as u64
    }

    /// Reads all frames again and hands over their pixels, a frame at a time.
    pub fn pixels(&self, sink: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        let mut canvas = Vec::new();
        let mut number = 0;
        for frame in (self.frames)()? {
            let KeptFrame { bounds, luma, .. } = frame?;
            if number == self.len() || !self.draw(bounds, &luma, &mut canvas) {
                return Err(changed());
            }
            sink(&canvas)?;
            number += 1;
        }
        if number == self.len() { Ok(()) } else { Err(changed()) }
    }

    /// Puts a picture in its place on a black canvas, if it fits there.
    fn draw(&self, own: Bounds, luma: &[u8], canvas: &mut Vec<u8>) -> bool {
        let whole = self.bounds;
        let width = whole.width() as usize;
        canvas.clear();
        canvas.resize(width * whole.height() as usize, 0);
        if luma.is_empty() {
            return true;
        }
        if whole.union(own) != whole {
            return false;
        }
        let columns = own.width() as usize;
        let (x, y) = ((own.left - whole.left) as usize, (own.top - whole.top) as usize);
        for (row, from) in luma.chunks_exact(columns).enumerate() {
            let at = (y + row) * width + x;
            canvas[at..at + columns].copy_from_slice(from);
        }
        true
    }

    /// Frames at even distances over the sweep: the number of each, and its pixels.
    pub fn strip(&self) -> impl Iterator<Item = (usize, Vec<u8>)> {
        let drawn = |(&number, (own, luma)): (&usize, &(Bounds, Vec<u8>))| {
            let mut canvas = Vec::new();
            self.draw(*own, luma, &mut canvas).then_some((number, canvas))
        };
        self.held.iter().filter(|_| !self.is_empty()).filter_map(drawn)
    }

    /// From each frame to the one before, in hundredths of a millisecond; the first has none.
    pub fn intervals(&self) -> Vec<u64> {
        let hundredths = |time: Duration| (time.as_nanos() + 5_000) / 10_000;
        let pairs = self.times.iter().zip(self.times.iter().skip(1));
        let between = pairs.map(|(a, b)| hundredths(*b).saturating_sub(hundredths(*a)) as u64);
        std::iter::once(0).take(self.len()).chain(between).collect()
    }
}

/// Numbers of the strip's frames, of so many.
fn strip(count: usize) -> impl Iterator<Item = usize> {
    let shown = count.min(STRIP);
    (0..shown).map(move |i| if shown == 1 { 0 } else { i * (count - 1) / (shown - 1) })
}

fn changed() -> Error {
    let problem = "is not as it was when it was read first";
    Error::new(ErrorKind::Storage, "the clip", problem, "hand the exam over again")
}
