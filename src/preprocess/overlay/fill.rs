//! Fills marks with the grey around them.

use super::{BLOCK, MARK, OverlayFinder};
use crate::frame::Frame;

/// Marks one after the other, in a row or in a column, from the first up to the second.
pub type Run = (usize, usize);

impl OverlayFinder {
    /// Fills the marks in the columns that are `inside` each row; returns how many pixels were
    /// filled and keeps `histogram` up to date.
    pub fn fill(
        &mut self,
        frame: &mut Frame,
        inside: impl Fn(usize) -> (usize, usize),
        histogram: &mut [u32; 256],
    ) -> u32 {
        let mut filled = 0;
        self.downward.fill((0, 0));
        for y in 0..self.height {
            let (left, right) = inside(y);
            let mut across = (0, 0);
            for block in (left..right).step_by(BLOCK) {
                let block = block..right.min(block + BLOCK);
                if !self.any_mark(y, block.clone()) {
                    continue;
                }
                for x in block {
                    let at = y * self.width + x;
                    if self.flags[at] & MARK == 0 {
                        continue;
                    }
                    if !(across.0..across.1).contains(&x) {
                        across = self.run(at, x, self.width, 1);
                    }
                    let down = &mut self.downward[x];
                    if !(down.0..down.1).contains(&y) {
                        self.downward[x] = self.run(at, y, self.height, self.width);
                    }
                    let grey = self.grey_around(&frame.luma, (x, y), across);
                    histogram[usize::from(frame.luma[at])] -= 1;
                    histogram[usize::from(grey)] += 1;
                    frame.luma[at] = grey;
                    filled += 1;
                }
            }
        }
        filled
    }

    fn any_mark(&self, y: usize, columns: std::ops::Range<usize>) -> bool {
        let flags = &self.flags[y * self.width..][columns];
        let all = |flags: &[u8]| flags.iter().fold(0, |all, f| all | f);
        let any = match flags.as_chunks::<BLOCK>() {
            ([block], []) => all(block),
            _ => all(flags),
        };
        any & MARK != 0
    }

    /// The run around pixel `at`, the `index`th of `count` in its row or column, which are `step`
    /// apart.
    fn run(&self, at: usize, index: usize, count: usize, step: usize) -> Run {
        let marked = |i: &usize| self.flags[at + i * step - index * step] & MARK != 0;
        let end = (index..count).take_while(marked).count() + index;
        (index - (0..index).rev().take_while(marked).count(), end)
    }

    /// Mean of the nearest pixels on the four sides that are of no mark, nearer ones weighing more.
    fn grey_around(&self, luma: &[u8], (x, y): (usize, usize), across: Run) -> u8 {
        let (mut sum, mut weights) = (0, 0);
        let down = self.downward[x];
        let row = y * self.width;
        for (distance, near) in [
            (x + 1 - across.0, (across.0 > 0).then(|| row + across.0 - 1)),
            (across.1 - x, (across.1 < self.width).then_some(row + across.1)),
            (y + 1 - down.0, (down.0 > 0).then(|| (down.0 - 1) * self.width + x)),
            (down.1 - y, (down.1 < self.height).then_some(down.1 * self.width + x)),
        ] {
            if let Some(near) = near.filter(|_| distance <= 6 * self.reach) {
                let weight = 4096 / distance as u32;
                sum += weight * u32::from(luma[near]);
                weights += weight;
            }
        }
        (sum / weights.max(1)) as u8
    }
}
