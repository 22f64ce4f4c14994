//! Follows connected thin pixels and decides whether they were drawn.

use super::{CORE, INKS, MARK, NOISE, OverlayFinder, SEEN, SHARP, STILL, THIN};

/// What is known of a group of connected thin pixels.
#[derive(Default)]
struct Group {
    sharp: u32,
    still: u32,
    /// Pixels in each sixteenth of the grey scale.
    levels: [u32; 16],
}

impl OverlayFinder {
    /// Marks the groups of thin pixels that look drawn.
    pub(super) fn mark(&mut self, luma: &[u8], moves: bool) {
        for part in 0..self.thin.len() {
            let (start, end) = self.thin[part];
            for start in start..end {
                if self.flags[start] & (THIN | SEEN) == THIN {
                    self.follow(luma, start, moves);
                }
            }
        }
    }

    /// Follows the thin pixels connected with `start` and marks them when they look drawn.
    fn follow(&mut self, luma: &[u8], start: usize, moves: bool) {
        let alike = THIN | (self.flags[start] & STILL);
        let mut group = Group::default();
        self.flags[start] |= SEEN;
        self.group.clear();
        self.group.push(start as u32);
        let mut followed = 0;
        while let Some(&at) = self.group.get(followed) {
            followed += 1;
            let at = at as usize;
            let level = luma[at];
            group.add(level, self.flags[at]);
            for (step, room) in self.rays(at, 1) {
                let near = at.wrapping_add_signed(step);
                if room == 1
                    && self.flags[near] & (THIN | SEEN | STILL) == alike
                    && luma[near].abs_diff(level) <= INKS
                {
                    self.flags[near] |= SEEN;
                    self.group.push(near as u32);
                }
            }
        }
        if group.is_drawn(self.group.len() as u32, moves) {
            for &at in &self.group {
                self.flags[at as usize] |= MARK | CORE;
            }
            self.spread(luma);
        }
    }

    /// Takes the blurred flanks of a mark in.
    fn spread(&mut self, luma: &[u8]) {
        for &at in &self.group {
            let at = at as usize;
            for (step, room) in self.rays(at, self.reach + 1) {
                let first = at.wrapping_add_signed(step);
                // What can be reached from here the next one reaches as well.
                if room > 1 && self.flags[first] & CORE != 0 && luma[first] == luma[at] {
                    continue;
                }
                let mut far = first;
                for k in 1..room {
                    let near = far;
                    far = far.wrapping_add_signed(step);
                    let same = luma[near].abs_diff(luma[at]) <= 2 * NOISE;
                    let flank = k <= 2 && luma[near] >= luma[far].saturating_add(24);
                    if !same && !flank {
                        break;
                    }
                    self.flags[near] |= MARK;
                }
            }
        }
    }
}

impl Group {
    fn add(&mut self, level: u8, flags: u8) {
        self.sharp += u32::from(flags & SHARP != 0);
        self.still += u32::from(flags & STILL != 0);
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
