//! Blacks out what is drawn: marks, and runs of exactly one level.

use super::{DARK, LEVEL, MARK, OverlayFinder};
use crate::frame::Frame;

impl OverlayFinder {
    /// Adds row `y` of `frame`, the latest, to `sums`, with everything drawn blacked out.
    pub fn add_echo(&mut self, frame: &Frame, y: usize, sums: &mut [u16]) {
        let columns = y * self.width..(y + 1) * self.width;
        let (row, flags) = (&frame.luma[columns.clone()], &mut self.flags[columns]);
        flag_runs(row, flags, (self.width / 64).max(8));
        for ((sum, &p), flags) in sums.iter_mut().zip(row).zip(flags) {
            *sum += u16::from(if *flags & (MARK | LEVEL) == 0 { p } else { 0 });
        }
    }
}

/// Flags runs of `least` pixels or more of exactly one level, marks in them included.
fn flag_runs(row: &[u8], flags: &mut [u8], least: usize) {
    // Every run of this length covers one of these columns, and half of it lies before or behind.
    let mut x = least - 1;
    while x < row.len() {
        let level = row[x];
        if level < DARK {
            x += least;
            continue;
        }
        let of_run = |i: usize| row[i] == level || flags[i] & MARK != 0;
        let half = least / 2;
        let before = of_run(x - half) && of_run(x - half / 2) && of_run(x - 1);
        let behind =
            x + half >= row.len() || of_run(x + half) && of_run(x + half / 2) && of_run(x + 1);
        if !(before || behind) || flags[x] & MARK != 0 {
            x += least;
            continue;
        }
        let end = (x..row.len()).find(|&i| !of_run(i)).unwrap_or(row.len());
        let start = (0..x).rev().find(|&i| !of_run(i)).map_or(0, |i| i + 1);
        let plain = flags[start..end].iter().filter(|&f| f & MARK == 0).count();
        if plain >= least {
            flags[start..end].iter_mut().for_each(|f| *f |= LEVEL);
        }
        x = (x + least).max(end);
    }
}
