//! From a captured frame to the network's input: find the sector, black out the rest, resize,
//! normalize.
//!
//! Everything is integer arithmetic or a portable libm, so a frame gives the same bytes on every
//! processor, and the training pipeline reads its tensors through this very code
//! (`sonolamp frames`). A bundle names the version it was trained with; any change to the bytes
//! that leave this module raises [`VERSION`].

mod area;
mod echo;
mod gain;
mod overlay;
mod sector;

use std::time::Duration;

pub use echo::Echo;
use overlay::OverlayFinder;
pub use sector::Sector;
use sector::SectorFinder;

use crate::frame::{Bounds, Frame};

/// Version of the preprocessing, compared with the bundle's.
pub const VERSION: u32 = 2;

/// Which part of the picture the network sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The box around the ultrasound sector, black outside the sector.
    Sector,
    /// The whole picture.
    Whole,
}

/// Shape of the network's input: one grey channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputShape {
    /// Columns and rows of the tensor.
    pub width: u32,
    pub height: u32,
    pub region: Region,
}

/// What preprocessing saw in a frame; screening judges usability by it, and what to advise.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Measures {
    /// Presentation or capture time of the frame.
    pub timestamp: Duration,
    /// Share of the picture that the sector covers; 0 where none was found.
    pub sector_share: f32,
    /// 98th less 2nd percentile of the whole picture's luma, 0–255.
    pub contrast: u8,
    /// Standard deviation of block means over that of pixels, 0–1: near 0 for noise.
    pub structure: f32,
    /// Mean absolute change of luma since the previous frame, in grey levels; `None` for the first.
    pub change: Option<f32>,
    /// Pixels of text and marks filled in inside the region.
    pub masked: u32,
    /// Share of the echo, averaged over blocks, that is elsewhere than in the previous frame, 0–1;
    /// `None` for the first.
    pub motion: Option<f32>,
    /// How echo fills the sector, at the grey levels it came with.
    pub echo: Echo,
}

/// The network's input and what was measured on the way.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    /// `height * width` bytes, row-major, one channel.
    pub tensor: Vec<u8>,
    /// The box of the picture that the tensor covers: the sector's, or the whole picture where
    /// none was found (the tensor is black then) or the network sees everything.
    pub bounds: Bounds,
    pub measures: Measures,
}

/// Keeps the sector and the buffers from frame to frame; allocates only when the picture grows.
pub struct Preprocessor {
    shape: InputShape,
    overlay: OverlayFinder,
    finder: SectorFinder,
    resizer: area::Resizer,
}

impl Preprocessor {
    /// For a network that takes `shape`.
    pub fn new(shape: InputShape) -> Preprocessor {
        Preprocessor {
            shape,
            overlay: OverlayFinder::new(),
            finder: SectorFinder::new(),
            resizer: area::Resizer::new(shape),
        }
    }

    /// Forgets the previous frames: the next belongs to another exam.
    pub fn reset(&mut self) {
        self.overlay.reset();
        self.finder.reset();
    }

    /// The sector of the latest frame, if one was found.
    pub fn sector(&self) -> Option<&Sector> {
        self.finder.sector()
    }

    /// Blacks out everything outside the sector in `frame` and fills `out`.
    ///
    /// Without a sector the whole picture is blacked out: nothing unrecognized leaves this module.
    pub fn run(&mut self, frame: &mut Frame, out: &mut Prepared) {
        self.find(frame, out);
        self.cut(frame, out);
    }

    /// Carries another picture of the latest frame's size, such as a mask, into the tensor's cells
    /// as the frame itself was: the same box and averages, black outside the sector. Its grey
    /// levels stay as they are.
    pub fn carry(&mut self, picture: &Frame, out: &mut Vec<u8>) {
        let (bounds, inside) = view(self.shape.region, self.finder.sector(), picture);
        let identity = std::array::from_fn(|level| level as u8);
        self.resizer.run(picture, bounds, inside, &identity, out);
    }

    /// The first half of [`Self::run`]: marks and the sector. The picture is as it was.
    pub(crate) fn find(&mut self, frame: &Frame, out: &mut Prepared) {
        self.overlay.observe(frame);
        let add_echo = |y, sums: &mut [u16]| self.overlay.add_echo(frame, y, sums);
        out.measures = self.finder.observe(frame, add_echo);
    }

    /// The second half: masks the picture in which the sector was found, and fills the tensor.
    pub(crate) fn cut(&mut self, frame: &mut Frame, out: &mut Prepared) {
        let (region, sector) = (self.shape.region, self.finder.sector());
        let (bounds, inside) = view(region, sector, frame);
        let mut histogram = gain::histogram(rows_inside(frame, inside));
        // Before marks are filled: white noise is full of them, and smooth without.
        out.measures.structure = self.finder.structure(&histogram, region);
        out.measures.masked = self.overlay.fill(frame, inside, &mut histogram);
        mask(frame, inside);
        out.bounds = bounds;
        let curve = gain::curve(&histogram);
        self.resizer.run(frame, bounds, inside, &curve, &mut out.tensor);
    }
}

/// The box that the network sees, and the columns inside it of each picture row.
fn view<'a>(
    region: Region,
    sector: Option<&'a Sector>,
    frame: &Frame,
) -> (Bounds, impl Fn(usize) -> (usize, usize) + Copy + 'a) {
    let width = frame.width as usize;
    let bounds = match (region, sector) {
        (Region::Sector, Some(sector)) => sector.bounds(),
        _ => Bounds::whole(frame),
    };
    let inside = move |y| match (region, sector) {
        (Region::Sector, Some(sector)) => sector.span(y),
        (Region::Sector, None) => (0, 0),
        (Region::Whole, _) => (0, width),
    };
    (bounds, inside)
}

/// The pixels of each row from the column that `inside` gives first up to the second.
fn rows_inside(
    frame: &Frame,
    inside: impl Fn(usize) -> (usize, usize),
) -> impl Iterator<Item = &[u8]> {
    frame.luma.chunks_exact(frame.width as usize).enumerate().map(move |(y, row)| {
        let (left, right) = inside(y);
        &row[left..right]
    })
}

/// Blacks out everything else.
fn mask(frame: &mut Frame, inside: impl Fn(usize) -> (usize, usize)) {
    for (y, row) in frame.luma.chunks_exact_mut(frame.width as usize).enumerate() {
        let (left, right) = inside(y);
        row[..left].fill(0);
        row[right..].fill(0);
    }
}
