//! Finds the ultrasound sector and blacks out what lies outside it.
//!
//! The picture, without what the machine has drawn over it, is averaged into cells, at most
//! [`GRID`] on the long side. A cell that has been lit within the last seconds counts; the largest
//! connected group of such cells, with deep echo in its middle, made convex, is the sector. Convex
//! fans, linear boxes and phased fans pass. Echo too dark to light a cell may be cut off.

mod groups;
mod hull;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::echo::{Cells, Echo};
use super::gain::{histogram, percentile};
use super::{Measures, Region};
use crate::frame::{Bounds, Frame};
use groups::Groups;
use hull::Hull;

pub const GRID: u32 = 160;
/// Mean luma from which a cell (averaged with its neighbours) counts as lit.
const LIT: u16 = 8;
/// How long a cell stays part of the sector after it was last lit: echo flickers, chrome does not
/// move, and a change of depth must be followed.
const MEMORY: Duration = Duration::from_secs(3);
/// Cells on each side of a block whose mean is compared with single pixels.
const BLOCK: usize = 10;
/// Cells on each side of a block in which speckle averages out and movement does not.
const PATCH: usize = 4;

/// The convex region of echo: for every picture row the columns from `left` up to `right`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sector {
    spans: Vec<(u32, u32)>,
    bounds: Bounds,
}

impl Sector {
    /// The smallest box around it.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// Columns from the first up to the second in picture row `y`.
    pub fn span(&self, y: usize) -> (usize, usize) {
        self.spans.get(y).map_or((0, 0), |&(left, right)| (left as usize, right as usize))
    }

    /// Pixels inside.
    pub fn area(&self) -> u64 {
        self.spans.iter().map(|&(l, r)| u64::from(r - l)).sum()
    }
}

/// Remembers lit cells over time and finds the sector in each frame.
pub struct SectorFinder {
    size: (u32, u32),
    /// Pixels on the side of a cell.
    scale: u32,
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
    previous: Vec<u8>,
    /// Of one row of cells: sums of its pixels, column by column; sums of three cells from above to
    /// below, with a rim; whether they are lit.
    sums: Vec<u16>,
    threes: Vec<u16>,
    lit: Vec<bool>,
    /// In nanoseconds of the frames' clock.
    lit_until: Vec<u64>,
    groups: Groups,
    hull: Hull,
    sector: Sector,
    found: bool,
    fresh: bool,
}

impl SectorFinder {
    pub fn new() -> SectorFinder {
        SectorFinder {
            size: (0, 0),
            scale: 1,
            columns: 0,
            rows: 0,
            cells: Vec::new(),
            previous: Vec::new(),
            sums: Vec::new(),
            threes: Vec::new(),
            lit: Vec::new(),
            lit_until: Vec::new(),
            groups: Groups::default(),
            hull: Hull::default(),
            sector: Sector::default(),
            found: false,
            fresh: true,
        }
    }

    pub fn reset(&mut self) {
        self.lit_until.fill(0);
        self.found = false;
        self.fresh = true;
    }

    pub fn sector(&self) -> Option<&Sector> {
        self.found.then_some(&self.sector)
    }

    /// Takes in the next frame; `add_echo` adds a row of its picture, without what was drawn over
    /// it, to sums. Everything but `structure` and `masked` is measured here.
    pub fn observe(&mut self, frame: &Frame, add_echo: impl FnMut(usize, &mut [u16])) -> Measures {
        if self.size != (frame.width, frame.height) {
            self.fit(frame);
        }
        std::mem::swap(&mut self.cells, &mut self.previous);
        self.average(add_echo);
        self.group(frame.timestamp);
        self.found = self.groups.join(self.cells.len());
        if self.found {
            self.enclose();
        }
        let change = (!self.fresh).then(|| self.change());
        let motion = (!self.fresh).then(|| self.motion());
        self.fresh = false;
        let share = if self.found {
            self.sector.area() as f32 / (frame.width * frame.height) as f32
        } else {
            0.0
        };
        let levels = histogram([&self.cells[..]]);
        Measures {
            masked: 0,
            timestamp: frame.timestamp,
            sector_share: share,
            contrast: percentile(&levels, 0.98) - percentile(&levels, 0.02),
            structure: 0.0,
            change,
            motion,
            echo: self.sector().map(|sector| self.echo(frame, sector)).unwrap_or_default(),
        }
    }

    fn fit(&mut self, frame: &Frame) {
        self.size = (frame.width, frame.height);
        self.scale = frame.width.max(frame.height).div_ceil(GRID);
        self.columns = frame.width.div_ceil(self.scale) as usize;
        self.rows = frame.height.div_ceil(self.scale) as usize;
        let cells = self.columns * self.rows;
        self.cells.resize(cells, 0);
        self.previous.resize(cells, 0);
        self.sums.resize(frame.width as usize, 0);
        self.threes.clear();
        self.threes.resize(self.columns + 2, 0);
        self.lit.resize(self.columns, false);
        self.lit_until.resize(cells, 0);
        self.groups.reserve(self.columns, self.rows);
        self.hull.reserve(self.rows);
        self.sector.spans.resize(frame.height as usize, (0, 0));
        self.reset();
    }

    fn average(&mut self, mut add_echo: impl FnMut(usize, &mut [u16])) {
        let (height, scale) = (self.size.1 as usize, self.scale as usize);
        for (row, line) in self.cells.chunks_exact_mut(self.columns).enumerate() {
            let rows = row * scale..((row + 1) * scale).min(height);
            // Whole rows first, which becomes vector code. 16 bits hold the largest frame's.
            self.sums.fill(0);
            rows.clone().for_each(|y| add_echo(y, &mut self.sums));
            // Multiplying is exact here: the sum of a cell times its pixels fits 32 bits.
            let reciprocal = |columns: usize| (1u64 << 32) / (rows.len() * columns) as u64 + 1;
            let mean = |sums: &[u16], reciprocal| ((sum(sums) * reciprocal) >> 32) as u8;
            let whole = reciprocal(scale);
            let cells = self.sums.chunks_exact(scale);
            if let (Some(cell), rest @ [_, ..]) = (line.last_mut(), cells.remainder()) {
                *cell = mean(rest, reciprocal(rest.len()));
            }
            for (cell, sums) in line.iter_mut().zip(cells) {
                *cell = mean(sums, whole);
            }
        }
    }

    /// Renews the memory of cells whose 3 by 3 neighbourhood is bright enough, and groups those that
    /// are lit.
    fn group(&mut self, now: Duration) {
        let nanoseconds = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let (now, renewed) = (nanoseconds(now), nanoseconds(now + MEMORY));
        let columns = self.columns;
        self.groups.clear();
        for y in 0..self.rows {
            let rows = y.saturating_sub(1)..(y + 2).min(self.rows);
            // What lies beyond the picture neither adds nor takes.
            self.threes.fill(LIT * (3 - rows.len() as u16));
            if let [first, .., last] = &mut self.threes[..] {
                (*first, *last) = (3 * LIT, 3 * LIT);
            }
            for row in rows {
                let cells = &self.cells[row * columns..(row + 1) * columns];
                for (sum, &c) in self.threes[1..=columns].iter_mut().zip(cells) {
                    *sum += u16::from(c);
                }
            }
            for (lit, sums) in self.lit.iter_mut().zip(self.threes.windows(3)) {
                *lit = sums[0] + sums[1] + sums[2] >= 9 * LIT;
            }
            for (lit, until) in self.lit.iter_mut().zip(&mut self.lit_until[y * columns..]) {
                *until = if *lit { renewed } else { *until };
                *lit = *until > now;
            }
            self.groups.add_row(&self.lit);
        }
    }

    /// Convex hull of the groups that join as one span a picture row.
    fn enclose(&mut self) {
        let scale = self.scale as i32;
        let (width, height) = (self.size.0 as i32, self.size.1 as i32);
        self.hull.clear();
        for (y, first, last) in self.groups.joined_rows() {
            let (left, right) = (first as i32 * scale, (last as i32 * scale).min(width));
            for y in [y as i32 * scale, ((y as i32 + 1) * scale).min(height)] {
                self.hull.extend(y, left, right);
            }
        }
        let Some((top, bottom)) = self.hull.rows() else { return };
        let spans = &mut self.sector.spans;
        spans.fill((0, 0));
        let mut bounds =
            Bounds { left: u32::MAX, top: top as u32, right: 0, bottom: bottom as u32 };
        for (y, left, right) in self.hull.spans() {
            let (left, right) = (left.clamp(0, width) as u32, right.clamp(0, width) as u32);
            spans[y as usize] = (left, right.max(left));
            bounds.left = bounds.left.min(left);
            bounds.right = bounds.right.max(right);
        }
        self.sector.bounds = bounds;
    }

    fn change(&self) -> f32 {
        let total: u32 =
            self.cells.iter().zip(&self.previous).map(|(&a, &b)| u32::from(a.abs_diff(b))).sum();
        total as f32 / self.cells.len().max(1) as f32
    }

    fn motion(&self) -> f32 {
        let (mut moved, mut all) = (0, 0);
        for y in (0..self.rows).step_by(PATCH) {
            let rows = y * self.columns..(y + PATCH).min(self.rows) * self.columns;
            let mut sums = [(0u32, 0u32); (GRID as usize).div_ceil(PATCH)];
            let rows_now = self.cells[rows.clone()].chunks_exact(self.columns);
            for (now, before) in rows_now.zip(self.previous[rows].chunks_exact(self.columns)) {
                for (sum, cells) in sums.iter_mut().zip(now.chunks(PATCH).zip(before.chunks(PATCH)))
                {
                    sum.0 += cells.0.iter().map(|&cell| u32::from(cell)).sum::<u32>();
                    sum.1 += cells.1.iter().map(|&cell| u32::from(cell)).sum::<u32>();
                }
            }
            for (now, before) in sums {
                moved += now.abs_diff(before);
                all += now.max(before);
            }
        }
        moved as f32 / all.max(1) as f32
    }

    fn echo(&self, frame: &Frame, sector: &Sector) -> Echo {
        let (columns, rows, scale) = (self.columns, self.rows, self.scale as usize);
        Echo::of(frame, sector, Cells { levels: &self.cells, columns, rows, scale })
    }

    /// How much of the contrast inside the region lives in whole blocks of cells: echo has layers
    /// and shadows, noise averages out.
    pub fn structure(&self, histogram: &[u32; 256], region: Region) -> f32 {
        let (count, _, variance) = moments(histogram);
        if count == 0.0 || variance <= 0.0 {
            return 0.0;
        }
        let (mut blocks, mut total, mut squares) = (0.0, 0.0, 0.0);
        for y in (0..self.rows).step_by(BLOCK) {
            for x in (0..self.columns).step_by(BLOCK) {
                let (x1, y1) = ((x + BLOCK).min(self.columns), (y + BLOCK).min(self.rows));
                let inside = region == Region::Whole || self.holds(x, y, x1, y1);
                if !inside {
                    continue;
                }
                let mut sum = 0u32;
                for row in y..y1 {
                    let line = &self.cells[row * self.columns + x..row * self.columns + x1];
                    sum += line.iter().map(|&c| u32::from(c)).sum::<u32>();
                }
                let block = sum as f32 / ((x1 - x) * (y1 - y)) as f32;
                total += block;
                squares += block * block;
                blocks += 1.0;
            }
        }
        if blocks == 0.0 {
            return 0.0;
        }
        // Around their own mean: the cells are without marks, which are in the histogram.
        let mean: f32 = total / blocks;
        let spread: f32 = (squares / blocks - mean * mean).max(0.0);
        (spread / variance).sqrt().min(1.0)
    }

    /// Whether the block's centre lies in the sector.
    fn holds(&self, x0: usize, y0: usize, x1: usize, y1: usize) -> bool {
        let x = ((x0 + x1) as u32 * self.scale / 2).min(self.size.0 - 1);
        let y = ((y0 + y1) as u32 * self.scale / 2).min(self.size.1 - 1);
        let (left, right) = self.sector.spans[y as usize];
        self.found && (left..right).contains(&x)
    }
}

fn sum(values: &[u16]) -> u64 {
    match *values {
        // Of pictures up to 640 pixels wide; a loop would cost more than the sum.
        [a, b, c, d] => u64::from(a) + u64::from(b) + u64::from(c) + u64::from(d),
        _ => values.iter().map(|&v| u64::from(v)).sum(),
    }
}

/// Count, mean and variance of the grey levels in a histogram.
fn moments(histogram: &[u32; 256]) -> (f32, f32, f32) {
    let (mut count, mut sum, mut squares) = (0u64, 0u64, 0u64);
    for (v, &n) in histogram.iter().enumerate() {
        let (v, n) = (v as u64, u64::from(n));
        count += n;
        sum += n * v;
        squares += n * v * v;
    }
    if count == 0 {
        return (0.0, 0.0, 0.0);
    }
    let mean = sum as f64 / count as f64;
    (count as f32, mean as f32, (squares as f64 / count as f64 - mean * mean) as f32)
}
