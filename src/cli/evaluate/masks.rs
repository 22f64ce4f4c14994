//! A network's mask against the true one, in the picture's own pixels.
//!
//! The network's log-odds are interpolated over the box that its input covers; outside the box
//! nothing is inside, so that what was cut off counts as missed.

use std::path::Path;

use crate::error::{Error, ErrorKind};
use crate::evaluation::Overlap;
use crate::frame::Bounds;
use crate::inference::Plane;

/// The true mask in `path`, white inside, of a picture of `size`; `None`: there is no lesion.
pub fn read(path: Option<&Path>, size: (u32, u32)) -> Result<Vec<bool>, Error> {
    let Some(path) = path else { return Ok(vec![false; size.0 as usize * size.1 as usize]) };
    let wrong = |problem: String| {
        let remedy = "name a PNG of the picture's size, white inside the lesion";
        Error::new(ErrorKind::Input, path.display(), problem, remedy)
    };
    let mask = image::open(path).map_err(|e| wrong(format!("is no mask ({e})")))?.into_luma8();
    if mask.dimensions() != size {
        let ((w, h), (pw, ph)) = (mask.dimensions(), size);
        return Err(wrong(format!("is {w}x{h} pixels, and the picture {pw}x{ph}")));
    }
    Ok(mask.into_raw().iter().map(|&p| p > 127).collect())
}

/// Counts the pixels of `truth`, `width` wide, and of those that `grid` puts at `least` or more.
pub fn overlap(truth: &[bool], width: u32, bounds: Bounds, grid: &Plane, least: f32) -> Overlap {
    let taps = |first: u32, last: u32, cells: usize| -> Vec<(usize, usize, f32)> {
        let scale = cells as f32 / (last - first).max(1) as f32;
        let tap = |i: u32| {
            let at = (((i - first) as f32 + 0.5) * scale - 0.5).clamp(0.0, cells as f32 - 1.0);
            (at as usize, (at as usize + 1).min(cells - 1), at.fract())
        };
        (first..last).map(tap).collect()
    };
    let across = taps(bounds.left, bounds.right, grid.width);
    let down = taps(bounds.top, bounds.bottom, grid.height);
    let mut overlap =
        Overlap { truth: truth.iter().filter(|t| **t).count() as u64, ..Overlap::default() };
    for (y, (above, below, v)) in (bounds.top..bounds.bottom).zip(down) {
        let row = |y: usize| &grid.values[y * grid.width..][..grid.width];
        let (above, below) = (row(above), row(below));
        let line = &truth[(y * width + bounds.left) as usize..];
        for (&inside, &(left, right, u)) in line.iter().zip(&across) {
            let mix = |row: &[f32]| row[left] + (row[right] - row[left]) * u;
            let log_odds = mix(above) + (mix(below) - mix(above)) * v;
            if log_odds >= least {
                overlap.found += 1;
                overlap.both += u64::from(inside);
            }
        }
    }
    overlap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_laid_over_its_box() {
        // An 8 by 6 picture; the box is its right half, the grid's lower half is inside.
        let truth: Vec<bool> = (0..48).map(|i| i % 8 >= 3 && i / 8 >= 3).collect();
        let bounds = Bounds { left: 4, top: 0, right: 8, bottom: 6 };
        let values = vec![-1.0, -1.0, 1.0, 1.0];
        let grid = Plane { values, width: 2, height: 2 };
        let found = overlap(&truth, 8, bounds, &grid, 0.0);
        assert_eq!(found, Overlap { truth: 15, found: 12, both: 12 });
        let none = overlap(&truth, 8, bounds, &grid, 1.5);
        assert_eq!((none.found, none.truth), (0, 15));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mask.png");
        image::GrayImage::from_fn(8, 6, |x, _| image::Luma([if x > 5 { 255 } else { 0 }]))
            .save(&path)
            .unwrap();
        assert_eq!(read(Some(&path), (8, 6)).unwrap().iter().filter(|t| **t).count(), 12);
        assert_eq!(read(None, (8, 6)).unwrap(), [false; 48]);
        let error = read(Some(&path), (9, 6)).unwrap_err().to_string();
        assert!(error.contains("is 8x6 pixels, and the picture 9x6"), "{error}");
    }
}
