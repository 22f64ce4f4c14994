//! How echo fills the sector, beam by beam, before anything is done to its grey levels.
//!
//! A beam is a fixed share of the way from the sector's left edge to its right one, row by row,
//! which follows the beams of fans and boxes alike, except near the arc at a fan's bottom. Depth
//! begins in each beam where echo does: a fan's hull has a dark lens at its top.

use std::ops::Range;

use super::sector::Sector;
use crate::frame::Frame;

/// Beams looked at, side by side.
const BEAMS: usize = 32;
/// Mean luma from which a piece of a beam holds echo.
const LIT: u8 = 16;
/// Contact shows in the first fifth of the sector: below it, a rib may have taken the echo.
const NEAR: usize = 5;
/// A beam with less near echo than this, in percent of a good one's, has lost contact.
const LOST: usize = 40;

/// What was measured of the echo in the sector; all zero where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Echo {
    /// Width or height of the sector's box over the picture's, whichever is larger, 0–1.
    pub extent: f32,
    /// Where the sector begins, as a share of the picture's height, 0–1.
    pub top: f32,
    /// Share of the sector's rows that end at the picture's left edge, less the share that ends at
    /// its right edge, or the reverse, 0–1: a whole sector, or one cut on both sides alike, has 0.
    pub cut: f32,
    /// Share of beams with hardly any echo near the probe, 0–1.
    pub lost_beams: f32,
    /// Grey level that a quarter of the beams reach somewhere, averaged over cells, 0–255.
    pub bright: u8,
    /// Grey level that three quarters of the beams reach somewhere, averaged over cells, 0–255.
    pub dim: u8,
}

/// The picture in cells.
#[derive(Clone, Copy)]
pub struct Cells<'a> {
    pub levels: &'a [u8],
    pub columns: usize,
    pub rows: usize,
    /// Pixels on the side of a cell.
    pub scale: usize,
}

/// One beam, in rows of cells.
#[derive(Clone, Copy, Default)]
struct Beam {
    /// Where echo begins, from the sector's top.
    skin: Option<usize>,
    /// Rows with echo near the probe.
    near: usize,
    brightest: u8,
}

impl Echo {
    /// Measures the echo inside `sector`.
    pub fn of(frame: &Frame, sector: &Sector, cells: Cells<'_>) -> Echo {
        let bounds = sector.bounds();
        let (width, height) = (frame.width as f32, frame.height as f32);
        let extent = (bounds.width() as f32 / width).max(bounds.height() as f32 / height);
        let rows = bounds.top as usize / cells.scale
            ..(bounds.bottom as usize).div_ceil(cells.scale).min(cells.rows);
        let beams = beams(sector, cells, rows.clone());
        let brightest = sorted(&beams, |b| b.brightest);
        let (bright, dim) = (brightest[BEAMS * 3 / 4], brightest[BEAMS / 4]);
        Echo {
            extent,
            top: bounds.top as f32 / height,
            cut: cut(frame, sector),
            lost_beams: lost(&beams, rows.len()),
            bright,
            dim,
        }
    }
}

fn sorted<T: Ord + Copy>(beams: &[Beam; BEAMS], of: impl Fn(&Beam) -> T) -> [T; BEAMS] {
    let mut values = beams.each_ref().map(of);
    values.sort_unstable();
    values
}

/// Mean levels of the beams in a row of cells; zeros where the sector has none.
fn levels(sector: &Sector, cells: Cells<'_>, row: usize) -> [u8; BEAMS] {
    let middle = row * cells.scale + cells.scale / 2;
    // The last row may be lower than a cell.
    let (left, right) = match sector.span(middle) {
        (0, 0) => sector.span(row * cells.scale),
        span => span,
    };
    let (first, end) = (left / cells.scale, right.div_ceil(cells.scale).min(cells.columns));
    let line = &cells.levels[row * cells.columns..(row + 1) * cells.columns];
    let Some(line) = line.get(first..end).filter(|line| !line.is_empty()) else {
        return [0; BEAMS];
    };
    std::array::from_fn(|b| {
        let from = b * line.len() / BEAMS;
        let to = ((b + 1) * line.len() / BEAMS).max(from + 1);
        let sum: u32 = line[from..to].iter().map(|&level| u32::from(level)).sum();
        (sum / (to - from) as u32) as u8
    })
}

fn beams(sector: &Sector, cells: Cells<'_>, rows: Range<usize>) -> [Beam; BEAMS] {
    let mut beams = [Beam::default(); BEAMS];
    let height = rows.len();
    let near = (height / NEAR).max(1);
    for (n, row) in rows.enumerate() {
        for (beam, level) in beams.iter_mut().zip(levels(sector, cells, row)) {
            if level >= LIT {
                beam.skin.get_or_insert(n);
            }
            let Some(skin) = beam.skin else { continue };
            beam.near += usize::from(n - skin < near && level >= LIT);
            beam.brightest = beam.brightest.max(level);
        }
    }
    for beam in &mut beams {
        // Without echo down to here, what follows is no skin.
        if beam.skin.is_none_or(|skin| 4 * skin > height) {
            beam.near = 0;
        }
    }
    beams
}

fn lost(beams: &[Beam; BEAMS], height: usize) -> f32 {
    let good = sorted(beams, |b| b.near)[BEAMS * 7 / 8];
    if good == 0 || height == 0 {
        return 1.0;
    }
    let lost = beams.iter().filter(|beam| 100 * beam.near < LOST * good).count();
    lost as f32 / BEAMS as f32
}

fn cut(frame: &Frame, sector: &Sector) -> f32 {
    let (mut rows, mut left, mut right) = (0u32, 0u32, 0u32);
    for (first, end) in (0..frame.height as usize).map(|y| sector.span(y)) {
        if first < end {
            rows += 1;
            left += u32::from(first == 0);
            right += u32::from(end == frame.width as usize);
        }
    }
    left.abs_diff(right) as f32 / rows.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::FrameSource;
    use crate::capture::phantom::Phantom;
    use crate::preprocess::{InputShape, Measures, Prepared, Preprocessor, Region};

    /// Of the second frame.
    fn measures(spec: &str) -> Measures {
        let mut phantom = Phantom::new(&spec.parse().unwrap());
        let shape = InputShape { width: 32, height: 32, region: Region::Sector };
        let (mut preprocessor, mut prepared) = (Preprocessor::new(shape), Prepared::default());
        let mut frame = Frame::default();
        for _ in 0..2 {
            phantom.next(&mut frame).unwrap();
            preprocessor.run(&mut frame, &mut prepared);
        }
        prepared.measures
    }

    #[test]
    fn each_measure_follows_what_was_done_to_the_picture() {
        for size in ["320x240", "640x480"] {
            let of = |what: &str| measures(&format!("lung-blines?seed=4&size={size}{what}"));
            let clean = of("").echo;
            assert!(clean.extent > 0.9 && clean.cut == 0.0 && clean.lost_beams < 0.15, "{clean:?}");
            assert!(of("&gain=-15").echo.bright + 40 < clean.bright);
            assert!(of("&gain=12").echo.dim > clean.dim + 25);
            assert!(of("&contact=0.4").echo.lost_beams > 0.45);
            assert!(of("&scale=0.4").echo.extent < 0.5);
            assert!(of("&shift=0.3").echo.cut > 0.4);
            let (still, moved) = (of("&fps=10").motion, of("&fps=10&shake=2").motion);
            assert!(moved.unwrap() > 2.0 * still.unwrap(), "{still:?} {moved:?}");
        }
    }

    #[test]
    fn a_picture_without_a_sector_has_no_echo() {
        assert_eq!(measures("blank").echo, Echo::default());
    }
}
