//! Finds the ultrasound sector and blacks out what lies outside it.
//!
//! The picture, without what the machine has drawn over it, is averaged into cells, at most
//! [`GRID`] on the long side. A cell that has been lit within the last seconds counts; the largest
//! connected group of such cells, with deep echo in its middle, made convex, is the sector. Convex
//! fans, linear boxes and phased fans pass. Echo too dark to light a cell may be cut off.

use std::time::Duration;

use super::gain::percentile;
use super::{Measures, Region};
use crate::frame::{Bounds, Frame};

const GRID: u32 = 160;
/// Mean luma from which a cell (averaged with its neighbours) counts as lit.
const LIT: u32 = 8;
/// How long a cell stays part of the sector after it was last lit: echo flickers, chrome does not
/// move, and a change of depth must be followed.
const MEMORY: Duration = Duration::from_secs(3);
/// A sector covers at least this share of the picture.
const LEAST_SHARE: f32 = 0.04;
/// Cells of a smaller group that belongs to the sector as well, if it crosses the sector's middle: a
/// deep echo in the dark. Scales, bars and logos stand aside.
const LEAST_GROUP: u32 = 20;
/// Cells on each side of a block whose mean is compared with single pixels.
const BLOCK: usize = 10;

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

    /// Pixels of each grey level inside.
    pub fn histogram(&self, frame: &Frame) -> [u32; 256] {
        let mut histogram = [0; 256];
        let rows = frame.luma.chunks_exact(frame.width as usize);
        for (row, &(left, right)) in rows.zip(&self.spans) {
            for &p in &row[left as usize..right as usize] {
                histogram[usize::from(p)] += 1;
            }
        }
        histogram
    }

    /// Blacks out everything outside.
    pub fn mask(&self, frame: &mut Frame) {
        let rows = frame.luma.chunks_exact_mut(frame.width as usize);
        for (row, &(left, right)) in rows.zip(&self.spans) {
            row[..left as usize].fill(0);
            row[right as usize..].fill(0);
        }
    }
}

/// A connected group of lit cells.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Group {
    size: u32,
    /// Its first and last column.
    left: i32,
    right: i32,
    joins: bool,
}

/// Remembers lit cells over time and finds the sector in each frame.
pub struct SectorFinder {
    size: (u32, u32),
    /// Pixels on the side of a cell.
    scale: u32,
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
    /// Of one row of cells, by column of pixels.
    sums: Vec<u16>,
    previous: Vec<u8>,
    lit_until: Vec<Duration>,
    label: Vec<u16>,
    groups: Vec<Group>,
    stack: Vec<u32>,
    /// Hull of the left (negated) and right border, as `(y, x)`.
    left: Vec<(i32, i32)>,
    right: Vec<(i32, i32)>,
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
            sums: Vec::new(),
            previous: Vec::new(),
            lit_until: Vec::new(),
            label: Vec::new(),
            groups: Vec::new(),
            stack: Vec::new(),
            left: Vec::new(),
            right: Vec::new(),
            sector: Sector::default(),
            found: false,
            fresh: true,
        }
    }

    pub fn reset(&mut self) {
        self.lit_until.fill(Duration::ZERO);
        self.found = false;
        self.fresh = true;
    }

    pub fn sector(&self) -> Option<&Sector> {
        self.found.then_some(&self.sector)
    }

    /// Takes in the next frame and its picture without what was drawn over it; everything but
    /// `structure` and `masked` is measured here.
    pub fn observe(&mut self, frame: &Frame, echo: &[u8]) -> Measures {
        if self.size != (frame.width, frame.height) {
            self.fit(frame);
        }
        std::mem::swap(&mut self.cells, &mut self.previous);
        self.average(echo);
        self.light(frame.timestamp);
        self.find(frame.timestamp);
        let change = (!self.fresh).then(|| self.change());
        self.fresh = false;
        let share = if self.found {
            self.sector.area() as f32 / (frame.width * frame.height) as f32
        } else {
            0.0
        };
        let mut histogram = [0; 256];
        for &c in &self.cells {
            histogram[usize::from(c)] += 1;
        }
        Measures {
            masked: 0,
            timestamp: frame.timestamp,
            sector_share: share,
            contrast: percentile(&histogram, 0.98) - percentile(&histogram, 0.02),
            structure: 0.0,
            change,
        }
    }

    fn fit(&mut self, frame: &Frame) {
        self.size = (frame.width, frame.height);
        self.scale = frame.width.max(frame.height).div_ceil(GRID);
        self.columns = frame.width.div_ceil(self.scale) as usize;
        self.rows = frame.height.div_ceil(self.scale) as usize;
        let cells = self.columns * self.rows;
        self.cells.resize(cells, 0);
        self.sums.resize(frame.width as usize, 0);
        self.previous.resize(cells, 0);
        self.lit_until.resize(cells, Duration::ZERO);
        self.label.resize(cells, 0);
        self.stack.reserve(cells);
        self.groups.reserve(cells);
        self.left.reserve(2 * self.rows);
        self.right.reserve(2 * self.rows);
        self.sector.spans.resize(frame.height as usize, (0, 0));
        self.reset();
    }

    fn average(&mut self, echo: &[u8]) {
        let (width, scale) = (self.size.0 as usize, self.scale as usize);
        let bands = echo.chunks(width * scale);
        for (line, band) in self.cells.chunks_exact_mut(self.columns).zip(bands) {
            let height = band.len() / width;
            // Whole rows first, which becomes vector code. 16 bits hold the largest frame's.
            self.sums.fill(0);
            for row in band.chunks_exact(width) {
                for (sum, &p) in self.sums.iter_mut().zip(row) {
                    *sum += u16::from(p);
                }
            }
            for (cell, sums) in line.iter_mut().zip(self.sums.chunks(scale)) {
                let sum = sums.iter().fold(0, |sum, &s| sum + u32::from(s));
                *cell = (sum / (height * sums.len()) as u32) as u8;
            }
        }
    }

    /// Renews the memory of cells whose 3 by 3 neighbourhood is bright enough.
    fn light(&mut self, now: Duration) {
        let (columns, rows) = (self.columns, self.rows);
        for y in 0..rows {
            let (y0, y1) = (y.saturating_sub(1), (y + 2).min(rows));
            for x in 0..columns {
                let (x0, x1) = (x.saturating_sub(1), (x + 2).min(columns));
                let mut sum = 0;
                for row in y0..y1 {
                    let line = &self.cells[row * columns + x0..row * columns + x1];
                    sum += line.iter().map(|&c| u32::from(c)).sum::<u32>();
                }
                if sum >= LIT * ((y1 - y0) * (x1 - x0)) as u32 {
                    self.lit_until[y * columns + x] = now + MEMORY;
                }
            }
        }
    }

    /// Labels connected groups of lit cells and makes the largest one convex.
    fn find(&mut self, now: Duration) {
        self.label.fill(0);
        self.groups.clear();
        let (mut labels, mut largest) = (0u16, Group::default());
        for start in 0..self.label.len() {
            if self.label[start] != 0 || self.lit_until[start] <= now || labels == u16::MAX {
                continue;
            }
            labels += 1;
            let group = self.flood(start as u32, labels, now);
            if group.size > largest.size {
                largest = group;
            }
            self.groups.push(group);
        }
        let share = largest.size as f32 / self.label.len().max(1) as f32;
        self.found = share >= LEAST_SHARE;
        if self.found {
            let (slack, middle) =
                ((largest.right - largest.left) / 8, (largest.left + largest.right) / 2);
            for group in &mut self.groups {
                group.joins = *group == largest
                    || group.size >= LEAST_GROUP
                        && (group.left..group.right).contains(&middle)
                        && group.left + slack >= largest.left
                        && group.right <= largest.right + slack;
            }
            self.enclose();
        }
    }

    fn flood(&mut self, start: u32, label: u16, now: Duration) -> Group {
        let (columns, rows) = (self.columns as i32, self.rows as i32);
        self.label[start as usize] = label;
        self.stack.push(start);
        let mut group = Group { left: columns, ..Group::default() };
        while let Some(cell) = self.stack.pop() {
            let (x, y) = (cell as i32 % columns, cell as i32 / columns);
            group.size += 1;
            (group.left, group.right) = (group.left.min(x), group.right.max(x));
            for ny in (y - 1).max(0)..(y + 2).min(rows) {
                for nx in (x - 1).max(0)..(x + 2).min(columns) {
                    let next = (ny * columns + nx) as usize;
                    if self.label[next] == 0 && self.lit_until[next] > now {
                        self.label[next] = label;
                        self.stack.push(next as u32);
                    }
                }
            }
        }
        group
    }

    /// Convex hull of the groups that join as one span a picture row.
    fn enclose(&mut self) {
        let scale = self.scale as i32;
        let (width, height) = (self.size.0 as i32, self.size.1 as i32);
        self.left.clear();
        self.right.clear();
        for (y, line) in self.label.chunks_exact(self.columns).enumerate() {
            let joins = |&l: &u16| l != 0 && self.groups[usize::from(l) - 1].joins;
            let Some(first) = line.iter().position(joins) else {
                continue;
            };
            let last = line.iter().rposition(joins).unwrap_or(first);
            let (left, right) = (first as i32 * scale, ((last as i32 + 1) * scale).min(width));
            for y in [y as i32 * scale, ((y as i32 + 1) * scale).min(height)] {
                extend(&mut self.left, (y, -left));
                extend(&mut self.right, (y, right));
            }
        }
        let (Some(&(top, _)), Some(&(bottom, _))) = (self.right.first(), self.right.last()) else {
            return;
        };
        let spans = &mut self.sector.spans;
        spans.fill((0, 0));
        let mut bounds =
            Bounds { left: u32::MAX, top: top as u32, right: 0, bottom: bottom as u32 };
        let (mut at_left, mut at_right) = (0, 0);
        for y in top..bottom {
            let left = -height_of(&self.left, &mut at_left, y);
            let right = height_of(&self.right, &mut at_right, y);
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

/// Appends a point to the upper convex chain of points in order of `y`; points are `(y, x)`.
fn extend(chain: &mut Vec<(i32, i32)>, p: (i32, i32)) {
    while let [.., a, b] = chain[..] {
        let turn = i64::from(b.0 - a.0) * i64::from(p.1 - a.1)
            - i64::from(b.1 - a.1) * i64::from(p.0 - a.0);
        if turn < 0 {
            break;
        }
        chain.pop();
    }
    chain.push(p);
}

/// The chain's `x` at the centre of pixel row `y`; `at` remembers the edge, rows come in order.
fn height_of(chain: &[(i32, i32)], at: &mut usize, y: i32) -> i32 {
    while *at + 2 < chain.len() && chain[*at + 1].0 <= y {
        *at += 1;
    }
    let (a, b) = (chain[*at], chain[(*at + 1).min(chain.len() - 1)]);
    let rise = 2 * (b.0 - a.0);
    if rise == 0 {
        return a.1.max(b.1);
    }
    // Rounded outwards, so that every lit cell stays inside.
    let run = i64::from(b.1 - a.1) * i64::from(2 * (y - a.0) + 1);
    a.1 + run.div_euclid(i64::from(rise)) as i32 + i32::from(run.rem_euclid(i64::from(rise)) != 0)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u32, height: u32, lit: impl Fn(u32, u32) -> u8) -> Frame {
        let luma = (0..width * height).map(|i| lit(i % width, i / width)).collect();
        Frame { width, height, luma, ..Frame::default() }
    }

    fn fan(x: u32, y: u32) -> u8 {
        let (x, y) = (x as f32 - 160.0, y as f32 + 40.0);
        let r = x.hypot(y);
        u8::from((60.0..270.0).contains(&r) && (x / y).abs() < 0.6) * 80
    }

    #[test]
    fn a_fan_is_enclosed_and_detached_text_is_blacked_out() {
        let text = |x, y| if x > 270 && y < 20 { 200 } else { fan(x, y) };
        let mut picture = frame(320, 240, text);
        let mut finder = SectorFinder::new();
        finder.observe(&picture, &picture.luma);
        let sector = finder.sector().expect("a sector").clone();
        sector.mask(&mut picture);
        for (i, (&p, want)) in picture.luma.iter().zip(&frame(320, 240, fan).luma).enumerate() {
            assert_eq!(p, *want, "pixel {}, {}", i % 320, i / 320);
        }
        let share = sector.area() as f32 / (320.0 * 240.0);
        assert!((0.4..0.7).contains(&share), "{share}");
    }

    #[test]
    fn the_sector_follows_a_change_after_the_memory_has_passed() {
        let mut finder = SectorFinder::new();
        let mut bounds = |second: u64, width: u32| {
            let mut f = frame(200, 200, |x, y| u8::from(x < width && y > 20) * 90);
            f.timestamp = Duration::from_secs(second);
            finder.observe(&f, &f.luma);
            finder.sector().map(Sector::bounds)
        };
        assert_eq!(bounds(0, 150).unwrap().right, 152);
        assert_eq!(bounds(1, 80).unwrap().right, 152, "not forgotten yet");
        assert_eq!(bounds(4, 80).unwrap().right, 82);
        assert_eq!(bounds(8, 0), None);
    }

    #[test]
    fn noise_has_no_structure_and_a_fan_has() {
        let mut random = oorandom::Rand32::new(4);
        let noise: Vec<u8> = (0..320 * 240).map(|_| random.rand_u32() as u8).collect();
        for (picture, low, high) in [
            (frame(320, 240, |x, y| noise[(y * 320 + x) as usize]), 0.0, 0.1),
            (frame(320, 240, |x, y| fan(x, y).saturating_sub((y / 3) as u8)), 0.5, 1.0),
        ] {
            let mut finder = SectorFinder::new();
            finder.observe(&picture, &picture.luma);
            let histogram = finder.sector().expect("a sector").histogram(&picture);
            let structure = finder.structure(&histogram, Region::Sector);
            assert!((low..=high).contains(&structure), "{structure}");
        }
    }

    #[test]
    fn every_size_is_survived() {
        for (w, h) in [(32, 32), (33, 4096), (4096, 32), (161, 159), (1920, 1080)] {
            let mut finder = SectorFinder::new();
            for level in [0, 255] {
                let mut picture = frame(w, h, |_, _| level);
                let measures = finder.observe(&picture, &picture.luma);
                assert_eq!(measures.sector_share, f32::from(level) / 255.0);
                if let Some(sector) = finder.sector().cloned() {
                    sector.mask(&mut picture);
                    assert_eq!(sector.bounds(), Bounds::whole(&picture));
                }
            }
        }
    }
}
