//! Finds what a machine draws over the echo: letters, calipers, scales, rulers, boxes and bars.
//!
//! Letters and marks are thin, bright and sharp, of one grey level, and do not move; speckle is
//! rounded, of all grey levels, and does. A pixel is *thin* when it stands out from the darkest
//! pixel near it on two opposite sides (a top-hat with a line as wide as the widest stroke).
//! Connected thin pixels of one level are a mark when enough of them have sharp edges left and
//! right, or when they have not changed for [`HELD`] frames while the picture did. Runs of exactly
//! one level are bars and boxes, which no echo has: the sector is sought without them.
//!
//! Not found: dark letters, letters darker than [`INK`] or hardly brighter than the echo behind
//! them, strokes wider than about a hundredth of the picture.

mod echo;
mod fill;
mod group;
#[cfg(test)]
mod tests;
mod thin;

use crate::frame::Frame;

/// Contrast in grey levels of a stroke that looks drawn, and of one that stood still.
const DRAWN: u8 = 44;
const STOOD: u8 = 36;
/// Change in grey levels that counts as none.
const NOISE: u8 = 4;
/// Frames after which a pixel stands still.
const HELD: u8 = 15;
/// Difference in grey levels between neighbouring pixels of one stroke.
const INKS: u8 = 24;
/// Below this a level run is background.
const DARK: u8 = 12;
/// Darkest ink.
const INK: u8 = 80;

const THIN: u8 = 1;
const SHARP: u8 = 2;
const STILL: u8 = 4;
const SEEN: u8 = 8;
const MARK: u8 = 16;
const LEVEL: u8 = 32;
/// Of a mark and not only beside it.
const CORE: u8 = 64;

/// Pixels of a row that are passed over together where there is nothing.
const BLOCK: usize = 64;

/// Remembers what stands still and marks what is drawn in each frame.
pub struct OverlayFinder {
    width: usize,
    height: usize,
    /// Widest stroke in pixels.
    reach: usize,
    /// Grey level a pixel has kept, and for how many frames.
    kept: Vec<u8>,
    held: Vec<u8>,
    flags: Vec<u8>,
    /// A black row.
    dark: Vec<u8>,
    /// Parts of rows with thin pixels, from the first pixel up to the second.
    thin: Vec<(usize, usize)>,
    /// Connected thin pixels.
    group: Vec<u32>,
    /// The latest run of marks in each column.
    downward: Vec<fill::Run>,
}

impl OverlayFinder {
    pub fn new() -> OverlayFinder {
        OverlayFinder {
            width: 0,
            height: 0,
            reach: 0,
            kept: Vec::new(),
            held: Vec::new(),
            flags: Vec::new(),
            dark: Vec::new(),
            thin: Vec::new(),
            group: Vec::new(),
            downward: Vec::new(),
        }
    }

    /// Forgets what stood still.
    pub fn reset(&mut self) {
        self.held.fill(0);
    }

    /// Takes in the next frame.
    pub fn observe(&mut self, frame: &Frame) {
        if (self.width, self.height) != (frame.width as usize, frame.height as usize) {
            self.fit(frame);
        }
        let moves = self.age(&frame.luma);
        self.find_thin(&frame.luma, moves);
        self.mark(&frame.luma, moves);
    }

    /// Column and row of a pixel.
    fn place(&self, at: u32) -> (usize, usize) {
        let width = self.width as u32;
        ((at % width) as usize, (at / width) as usize)
    }

    /// From a pixel in eight directions, straight ones first: the step to the next, and how many
    /// there are, at most `most`.
    fn rays(&self, at: usize, most: usize) -> [(isize, usize); 8] {
        let (x, y) = self.place(at as u32);
        let down = self.width as isize;
        let rooms = [x, self.width - 1 - x, y, self.height - 1 - y];
        let [l, r, u, d] = rooms.map(|room| room.min(most));
        [
            (-1, l),
            (1, r),
            (-down, u),
            (down, d),
            (-down - 1, u.min(l)),
            (-down + 1, u.min(r)),
            (down - 1, d.min(l)),
            (down + 1, d.min(r)),
        ]
    }

    fn fit(&mut self, frame: &Frame) {
        (self.width, self.height) = (frame.width as usize, frame.height as usize);
        let pixels = self.width * self.height;
        self.reach = (3 + self.width.max(self.height) / 250).min(thin::RIM);
        for buffer in [&mut self.kept, &mut self.held, &mut self.flags] {
            buffer.clear();
            buffer.resize(pixels, 0);
        }
        self.dark.resize(self.width, 0);
        self.downward.resize(self.width, (0, 0));
        self.thin.reserve(self.height * self.width.div_ceil(BLOCK));
        self.group.reserve(pixels);
    }

    /// Counts for how long each pixel has kept its grey level; returns whether the picture moves.
    fn age(&mut self, luma: &[u8]) -> bool {
        let (mut lit, mut still) = (0, 0);
        let mut add = |(lit_here, still_here): (u8, u8)| {
            lit += u32::from(lit_here);
            still += u32::from(still_here);
        };
        let (luma, rest) = luma.as_chunks::<BLOCK>();
        let (kept, kept_rest) = self.kept.as_chunks_mut::<BLOCK>();
        let (held, held_rest) = self.held.as_chunks_mut::<BLOCK>();
        for ((luma, kept), held) in luma.iter().zip(kept).zip(held) {
            add(age(luma, kept, held));
        }
        add(age(rest, kept_rest, held_rest));
        4 * still < lit
    }
}

/// Ages up to 255 pixels; returns how many are lit, and how many of those stand still. All in
/// bytes and without branches, so that it becomes vector code.
#[inline(always)]
fn age(luma: &[u8], kept: &mut [u8], held: &mut [u8]) -> (u8, u8) {
    let (mut lit, mut still) = (0, 0);
    for ((&p, kept), held) in luma.iter().zip(kept).zip(held) {
        let change = p.saturating_sub(*kept) | kept.saturating_sub(p);
        let same = change <= NOISE;
        let frames = if same { held.saturating_add(1) } else { 0 };
        *kept = if same { *kept } else { p };
        *held = frames;
        lit += u8::from(p >= 32);
        still += u8::from(p >= 32) & u8::from(frames >= HELD);
    }
    (lit, still)
}
