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
    echo: Vec<u8>,
    /// Darkest pixel within reach on each of the four sides, for a row.
    dark: [Vec<u8>; 4],
    /// Darker neighbour in the row.
    beside: Vec<u8>,
    stack: Vec<u32>,
    mark: Vec<u32>,
}

/// What is known of a group of connected thin pixels.
#[derive(Default)]
struct Group {
    sharp: u32,
    still: u32,
    left: usize,
    right: usize,
    top: usize,
    bottom: usize,
    /// Pixels in each sixteenth of the grey scale.
    levels: [u32; 16],
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
            echo: Vec::new(),
            dark: Default::default(),
            beside: Vec::new(),
            stack: Vec::new(),
            mark: Vec::new(),
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
        for y in 0..self.height {
            self.thin(&frame.luma, y, moves);
        }
        const RUN: usize = 32;
        for run in 0..self.flags.len().div_ceil(RUN) {
            let run = run * RUN..((run + 1) * RUN).min(self.flags.len());
            if self.flags[run.clone()].iter().fold(0, |all, f| all | f) & THIN == 0 {
                continue;
            }
            for start in run {
                if self.flags[start] & (THIN | SEEN) == THIN {
                    self.follow(&frame.luma, start, moves);
                }
            }
        }
        self.level(&frame.luma);
        for ((echo, &p), flags) in self.echo.iter_mut().zip(&frame.luma).zip(&self.flags) {
            *echo = if flags & (MARK | LEVEL) == 0 { p } else { 0 };
        }
    }

    /// The latest picture with everything drawn blacked out.
    pub fn echo(&self) -> &[u8] {
        &self.echo
    }

    fn fit(&mut self, frame: &Frame) {
        (self.width, self.height) = (frame.width as usize, frame.height as usize);
        let pixels = self.width * self.height;
        self.reach = (3 + self.width.max(self.height) / 250).min(8);
        for buffer in [&mut self.kept, &mut self.held, &mut self.flags, &mut self.echo] {
            buffer.clear();
            buffer.resize(pixels, 0);
        }
        for side in self.dark.iter_mut().chain([&mut self.beside]) {
            side.resize(self.width, 0);
        }
        self.stack.reserve(pixels);
        self.mark.reserve(pixels);
    }

    /// Counts for how long each pixel has kept its grey level; returns whether the picture moves.
    fn age(&mut self, luma: &[u8]) -> bool {
        const RUN: usize = 128;
        let (mut lit, mut still) = (0u32, 0u32);
        let kept = self.kept.chunks_mut(RUN).zip(self.held.chunks_mut(RUN));
        for (luma, (kept, held)) in luma.chunks(RUN).zip(kept) {
            // Counted in bytes, so that it becomes vector code.
            let (mut lit_here, mut still_here) = (0u8, 0u8);
            for ((&p, kept), held) in luma.iter().zip(kept).zip(held) {
                let same = u8::from(p.abs_diff(*kept) <= NOISE);
                *held = held.saturating_add(1) & 0u8.wrapping_sub(same);
                *kept = (*kept & 0u8.wrapping_sub(same)) | (p & same.wrapping_sub(1));
                let bright = u8::from(p >= 32);
                lit_here += bright;
                still_here += bright & u8::from(*held >= HELD);
            }
            lit += u32::from(lit_here);
            still += u32::from(still_here);
        }
        4 * still < lit
    }

    /// Flags the thin pixels of row `y`.
    fn thin(&mut self, luma: &[u8], y: usize, moves: bool) {
        let width = self.width;
        let row = &luma[y * width..(y + 1) * width];
        let [left, right, up, down] = &mut self.dark;
        for (side, offset) in [(&mut *up, -1isize), (&mut *down, 1)] {
            side.fill(255);
            for k in 1..=self.reach as isize {
                let Some(at) = y.checked_add_signed(k * offset).filter(|&at| at < self.height)
                else {
                    side.fill(0);
                    break;
                };
                darken(side, &luma[at * width..(at + 1) * width]);
            }
        }
        left.fill(255);
        right.fill(255);
        for k in 1..=self.reach.min(width) {
            darken(&mut left[k..], row);
            darken(right, &row[k..]);
            left[k - 1] = 0;
            right[width - k] = 0;
        }
        let edge = (1 + width / 1000).min(width);
        self.beside.fill(0);
        self.beside[edge..].copy_from_slice(&row[..width - edge]);
        darken(&mut self.beside, &row[edge..]);
        let limit = if moves { HELD } else { u8::MAX };
        let held = &self.held[y * width..][..width];
        let flags = &mut self.flags[y * width..][..width];
        let (left, right) = (&left[..width], &right[..width]);
        let (up, down, beside) = (&up[..width], &down[..width], &self.beside[..width]);
        // All in bytes and without branches, so that it becomes vector code.
        for x in 0..width {
            let p = row[x];
            let across = p.saturating_sub(left[x].max(right[x]));
            let along = p.saturating_sub(up[x].max(down[x]));
            let contrast = across.max(along);
            let still = u8::from(held[x] >= limit);
            let bright = u8::from(p >= INK);
            let drawn = u8::from(contrast >= DRAWN) | (still & u8::from(contrast >= STOOD));
            let sharp =
                u8::from(across >= DRAWN) & u8::from(p.saturating_sub(beside[x]) >= DRAWN / 2);
            flags[x] = ((bright & drawn) * THIN) | ((bright & sharp) * SHARP) | (still * STILL);
        }
    }

    /// Flags runs of exactly one level, marks in them included.
    fn level(&mut self, luma: &[u8]) {
        let least = (self.width / 64).max(8);
        let rows = luma.chunks_exact(self.width).zip(self.flags.chunks_exact_mut(self.width));
        for (row, flags) in rows {
            // Every run of this length covers one of these columns.
            let mut x = least - 1;
            while x < row.len() {
                let level = row[x];
                if level < DARK || flags[x] & MARK != 0 {
                    x += least;
                    continue;
                }
                let of_run = |i: &usize| row[*i] == level || flags[*i] & MARK != 0;
                let end = x + (x..row.len()).take_while(of_run).count();
                let start = x + 1 - (0..=x).rev().take_while(of_run).count();
                let plain = (start..end).filter(|&i| flags[i] & MARK == 0).count();
                if plain >= least {
                    flags[start..end].iter_mut().for_each(|f| *f |= LEVEL);
                }
                x = (x + least).max(end);
            }
        }
    }

    /// Follows the thin pixels connected with `start` and marks them when they look drawn.
    fn follow(&mut self, luma: &[u8], start: usize, moves: bool) {
        let (width, height) = (self.width, self.height);
        let mut group = Group { left: width, top: height, ..Group::default() };
        self.mark.clear();
        self.flags[start] |= SEEN;
        self.stack.push(start as u32);
        while let Some(at) = self.stack.pop() {
            self.mark.push(at);
            let (x, y) = (at as usize % width, at as usize / width);
            group.add(x, y, luma[at as usize], self.flags[at as usize]);
            for ny in y.saturating_sub(1)..(y + 2).min(height) {
                for nx in x.saturating_sub(1)..(x + 2).min(width) {
                    let next = ny * width + nx;
                    let alike = luma[next].abs_diff(luma[at as usize]) <= INKS
                        && (self.flags[next] ^ self.flags[start]) & STILL == 0;
                    if alike && self.flags[next] & (THIN | SEEN) == THIN {
                        self.flags[next] |= SEEN;
                        self.stack.push(next as u32);
                    }
                }
            }
        }
        if group.is_drawn(self.mark.len() as u32, moves) {
            for &at in &self.mark {
                self.flags[at as usize] |= MARK;
            }
            self.spread(luma);
        }
    }

    /// Takes the blurred flanks of a mark in.
    fn spread(&mut self, luma: &[u8]) {
        let (width, height) = (self.width as isize, self.height as isize);
        for &at in &self.mark {
            let (x, y) = (at as isize % width, at as isize / width);
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)] {
                for k in 1..=self.reach as isize {
                    let (nx, ny) = (x + k * dx, y + k * dy);
                    let (fx, fy) = (nx + dx, ny + dy);
                    if !(0..width).contains(&fx) || !(0..height).contains(&fy) {
                        break;
                    }
                    let (near, far) = ((ny * width + nx) as usize, (fy * width + fx) as usize);
                    let same = luma[near].abs_diff(luma[at as usize]) <= 2 * NOISE;
                    let flank = k <= 2 && luma[near] >= luma[far].saturating_add(24);
                    if !same && !flank {
                        break;
                    }
                    self.flags[near] |= MARK;
                }
            }
        }
    }

    /// Fills the marks with the grey around them; returns how many pixels `inside` were filled.
    pub fn fill(&self, frame: &mut Frame, inside: impl Fn(usize) -> (usize, usize)) -> u32 {
        let (width, height) = (self.width, self.height);
        let mut filled = 0;
        for y in 0..height {
            let (left, right) = inside(y);
            for x in left..right {
                if self.flags[y * width + x] & MARK == 0 {
                    continue;
                }
                filled += 1;
                let (mut sum, mut weights) = (0, 0);
                for (dx, dy) in [(-1isize, 0isize), (1, 0), (0, -1), (0, 1)] {
                    for k in 1..=(6 * self.reach) as isize {
                        let (nx, ny) =
                            (x.wrapping_add_signed(k * dx), y.wrapping_add_signed(k * dy));
                        if nx >= width || ny >= height {
                            break;
                        }
                        if self.flags[ny * width + nx] & MARK == 0 {
                            let weight = 4096 / k as u32;
                            sum += weight * u32::from(frame.luma[ny * width + nx]);
                            weights += weight;
                            break;
                        }
                    }
                }
                frame.luma[y * width + x] = (sum / weights.max(1)) as u8;
            }
        }
        filled
    }
}

impl Group {
    fn add(&mut self, x: usize, y: usize, level: u8, flags: u8) {
        self.sharp += u32::from(flags & SHARP != 0);
        self.still += u32::from(flags & STILL != 0);
        self.left = self.left.min(x);
        self.right = self.right.max(x);
        self.top = self.top.min(y);
        self.bottom = self.bottom.max(y);
        self.levels[usize::from(level / 16)] += 1;
    }

    fn is_drawn(&self, size: u32, moves: bool) -> bool {
        let level = self.levels.windows(2).map(|pair| pair[0] + pair[1]).max().unwrap_or(0);
        let stands = moves && 10 * self.still >= 8 * size;
        let sharp = 6 * self.sharp >= size;
        // A few pixels must all be sharp: the dots of a measuring line.
        let dot = self.sharp == size;
        dot || (size >= 4 && 10 * level >= 7 * size && (stands || sharp))
    }
}

/// Keeps the darker of both in `side`.
fn darken(side: &mut [u8], row: &[u8]) {
    for (dark, &p) in side.iter_mut().zip(row) {
        *dark = (*dark).min(p);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (320, 240);

    /// Speckle-like grey, smooth across, new for every seed.
    fn echo(seed: u64) -> Frame {
        let mut random = oorandom::Rand32::new(seed);
        let noise: Vec<u32> =
            (0..(SIZE.0 + 8) * SIZE.1).map(|_| random.rand_range(20..140)).collect();
        let smooth = |i: u32| {
            let at = (i / SIZE.0 * (SIZE.0 + 8) + i % SIZE.0) as usize;
            (noise[at..at + 8].iter().sum::<u32>() / 8) as u8
        };
        let luma = (0..SIZE.0 * SIZE.1).map(smooth).collect();
        Frame { width: SIZE.0, height: SIZE.1, luma, ..Frame::default() }
    }

    /// An H of two-pixel strokes with its corner at (100, 50).
    fn letter(x: u32, y: u32) -> bool {
        let (x, y) = (x.wrapping_sub(100), y.wrapping_sub(50));
        x < 10 && y < 14 && (!(2..8).contains(&x) || (6..8).contains(&y))
    }

    fn draw(frame: &mut Frame, level: u8, shape: impl Fn(u32, u32) -> bool) {
        for (i, p) in (0..).zip(&mut frame.luma) {
            if shape(i % SIZE.0, i / SIZE.0) {
                *p = level;
            }
        }
    }

    fn marks(finder: &OverlayFinder) -> usize {
        finder.flags.iter().filter(|&f| f & MARK != 0).count()
    }

    #[test]
    fn a_bright_letter_is_filled_at_once_and_speckle_is_left() {
        let mut frame = echo(1);
        draw(&mut frame, 240, letter);
        let (drawn, mut finder) = (frame.clone(), OverlayFinder::new());
        finder.observe(&frame);
        let filled = finder.fill(&mut frame, |_| (0, SIZE.0 as usize));
        assert!((60..200).contains(&filled), "{filled}");
        for (i, (&now, &then)) in (0..).zip(frame.luma.iter().zip(&drawn.luma)) {
            let (x, y) = (i % SIZE.0, i / SIZE.0);
            assert!(!letter(x, y) || now < 200, "{x}, {y} is left");
            let near = (96..114).contains(&x) && (46..68).contains(&y);
            assert!(near || now == then, "{x}, {y} was echo");
        }
    }

    /// A pleural line looks like this in one frame, but moves.
    #[test]
    fn a_level_line_is_a_mark_once_it_alone_stands_still() {
        let line = |x: u32, y: u32| (100..140).contains(&x) && (50..52).contains(&y);
        let mut finder = OverlayFinder::new();
        for seed in 0..=u64::from(HELD) {
            let mut frame = echo(seed);
            draw(&mut frame, 240, line);
            finder.observe(&frame);
            let found = (0..)
                .zip(&finder.flags)
                .filter(|&(i, f)| line(i % SIZE.0, i / SIZE.0) && f & MARK != 0)
                .count();
            let wanted = if seed < u64::from(HELD) { 0..9 } else { 72..81 };
            assert!(wanted.contains(&found), "{found} of 80 in frame {seed}");
        }
        // A frozen picture proves nothing: nothing is taken for drawn because it stands.
        let (mut frozen, mut frame) = (OverlayFinder::new(), echo(3));
        draw(&mut frame, 240, line);
        (0..3 * HELD).for_each(|_| frozen.observe(&frame));
        assert!(marks(&frozen) < 20, "{}", marks(&frozen));
    }

    #[test]
    fn a_bar_is_no_echo() {
        let mut frame = echo(1);
        draw(&mut frame, 90, |x, _| x >= 300);
        let mut finder = OverlayFinder::new();
        finder.observe(&frame);
        let rows = finder.echo().chunks_exact(SIZE.0 as usize);
        assert!(rows.clone().all(|row| row[301..].iter().all(|&p| p == 0)));
        assert!(
            rows.map(|row| row[..290].iter().filter(|&&p| p == 0).count()).sum::<usize>() < 700
        );
    }

    #[test]
    fn every_size_is_survived() {
        for (width, height) in [(1, 1), (3, 40), (32, 32), (33, 4096), (4096, 32)] {
            let mut finder = OverlayFinder::new();
            for level in [0, 255, 128] {
                let luma =
                    (0..width * height).map(|i| if i % 3 == 0 { level } else { 0 }).collect();
                let mut frame = Frame { width, height, luma, ..Frame::default() };
                finder.observe(&frame);
                finder.fill(&mut frame, |_| (0, width as usize));
            }
        }
    }
}
