//! Finds thin pixels, a block of a row at a time: most blocks hold nothing bright, and most of the
//! others nothing thin. Arrays of a fixed size and no branches inside, so that it becomes vector
//! code.

use std::array::from_fn;

use super::{BLOCK, DRAWN, HELD, INK, OverlayFinder, SHARP, STILL, STOOD, THIN};

/// The widest reach.
pub const RIM: usize = 8;

type Block = [u8; BLOCK];
const LINE: usize = BLOCK + 2 * RIM;

/// What a block lies in.
struct Place<'a> {
    row: &'a [u8],
    /// The rows above and below, nearest first.
    up: &'a [&'a [u8]],
    down: &'a [&'a [u8]],
    held: &'a [u8],
    x: usize,
    /// Frames after which a pixel stands still.
    limit: u8,
}

impl OverlayFinder {
    /// Flags thin pixels; the other flags mean nothing where a pixel is not thin.
    pub(super) fn find_thin(&mut self, luma: &[u8], moves: bool) {
        let (width, height, reach) = (self.width, self.height, self.reach);
        let limit = if moves { HELD } else { u8::MAX };
        self.thin.clear();
        for y in 0..height {
            let row_at = |y: usize| &luma[y * width..(y + 1) * width];
            // Beyond the picture everything is dark.
            let up: [&[u8]; RIM] = from_fn(|k| if k < y { row_at(y - k - 1) } else { &self.dark });
            let down: [&[u8]; RIM] =
                from_fn(|k| if y + k + 1 < height { row_at(y + k + 1) } else { &self.dark });
            let (up, down) = (&up[..reach], &down[..reach]);
            let held = &self.held[y * width..(y + 1) * width];
            let flags = &mut self.flags[y * width..(y + 1) * width];
            for (i, flags) in flags.chunks_mut(BLOCK).enumerate() {
                let x = i * BLOCK;
                let place = Place { row: row_at(y), up, down, held, x, limit };
                let any = if let Ok(flags) = flags.try_into() {
                    place.flag(flags, |row| part(row, x))
                } else {
                    let mut whole = [0; BLOCK];
                    let any = place.flag(&mut whole, |row| padded(row, x, 0));
                    flags.copy_from_slice(&whole[..flags.len()]);
                    any
                };
                if any {
                    let start = y * width + x;
                    self.thin.push((start, start + flags.len()));
                }
            }
        }
    }
}

impl Place<'_> {
    /// Flags a block, of which `of` gives the part of a row; whether any pixel may be thin.
    #[inline(always)]
    fn flag(&self, flags: &mut Block, of: impl Fn(&[u8]) -> Block) -> bool {
        *flags = [0; BLOCK];
        let pixels = of(self.row);
        if pixels.iter().fold(0, |most, &p| most.max(p)) < INK {
            return false;
        }
        let copy;
        let line = match self.x.checked_sub(RIM).and_then(|x| self.row.get(x..x + LINE)) {
            Some(line) => line,
            None => {
                copy = self.line(0);
                &copy[..]
            }
        };
        let reach = self.up.len();
        let left = darkest((1..=reach).map(|k| part(line, RIM - k)));
        let right = darkest((1..=reach).map(|k| part(line, RIM + k)));
        let across = contrast(&pixels, &left, &right);
        let up = darkest(self.up.iter().map(|row| of(row)));
        let down = darkest(self.down.iter().map(|row| of(row)));
        let along = contrast(&pixels, &up, &down);
        let bright = |i: usize| if pixels[i] >= INK { across[i].max(along[i]) } else { 0 };
        if (0..BLOCK).fold(0, |most, i| most.max(bright(i))) < STOOD {
            return false;
        }
        // The darker neighbour in the row; at its right end the left one.
        let edge = 1 + self.row.len() / 1000;
        let line = self.line(255);
        let beside = darkest([part(&line, RIM - edge), part(&line, RIM + edge)].into_iter());
        let held = of(self.held);
        for i in 0..BLOCK {
            let still = u8::from(held[i] >= self.limit);
            let drawn = u8::from(bright(i) >= DRAWN) | (still & u8::from(bright(i) >= STOOD));
            let step = u8::from(pixels[i].saturating_sub(beside[i]) >= DRAWN / 2);
            let sharp = u8::from(across[i] >= DRAWN) & step;
            flags[i] = (drawn * THIN) | (sharp * SHARP) | (still * STILL);
        }
        true
    }

    /// The block with its neighbours in the row: dark left of the picture, `beyond` right of it.
    fn line(&self, beyond: u8) -> [u8; LINE] {
        let mut line = [beyond; LINE];
        match self.x.checked_sub(RIM) {
            Some(start) => line = padded(self.row, start, beyond),
            None => {
                line[..RIM].fill(0);
                let count = self.row.len().min(LINE - RIM);
                line[RIM..RIM + count].copy_from_slice(&self.row[..count]);
            }
        }
        line
    }
}

/// The block at column `x` of `row`.
#[inline(always)]
fn part(row: &[u8], x: usize) -> Block {
    *row[x..].first_chunk().unwrap_or(&[0; BLOCK])
}

/// As many pixels from column `x` of `row` on, `beyond` behind its end.
#[cold]
fn padded<const N: usize>(row: &[u8], x: usize, beyond: u8) -> [u8; N] {
    let mut pixels = [beyond; N];
    let row = &row[x..row.len().min(x + N)];
    pixels[..row.len()].copy_from_slice(row);
    pixels
}

#[inline(always)]
fn darkest(parts: impl Iterator<Item = Block>) -> Block {
    parts.fold([255; BLOCK], |dark, part| from_fn(|i| dark[i].min(part[i])))
}

/// By how much pixels stand out from both sides.
#[inline(always)]
fn contrast(pixels: &Block, one: &Block, other: &Block) -> Block {
    from_fn(|i| pixels[i].saturating_sub(one[i].max(other[i])))
}
