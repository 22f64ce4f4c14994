//! A picture for fewer bytes: the finest of a row of coarser and coarser ones that fits.
//!
//! Speckle changes every cell of every picture. A cell that has hardly changed stays as it is, greys
//! become those with short names, and neighbours alike. What fits in no way is drawn by rows,
//! some at a time; and a picture that stands still becomes fine again by rows.

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::Color;

use super::link::Budget;
use super::theme::indexed;

type Rgb = [u8; 3];

/// A way to save.
struct Rung {
    short_greys: bool,
    /// A cell stays as it is whose colours are off by no more than this.
    keep: u8,
    /// Columns and rows of a square of cells that are alike.
    square: (usize, usize),
}

const fn rung(short_greys: bool, keep: u8, square: (usize, usize)) -> Rung {
    Rung { short_greys, keep, square }
}

/// From fine to coarse.
const RUNGS: [Rung; 10] = [
    rung(false, 0, (1, 1)),
    rung(false, 4, (1, 1)),
    rung(true, 7, (1, 1)),
    rung(true, 9, (1, 1)),
    rung(true, 12, (1, 1)),
    rung(true, 16, (1, 1)),
    rung(true, 22, (1, 1)),
    rung(true, 22, (2, 1)),
    rung(true, 30, (2, 1)),
    rung(true, 30, (4, 2)),
];
/// So many of them are fine enough to be worth twenty a second rather than ten.
const FINE: usize = 3;
/// Of a move of the cursor, and of a change of colours without their names.
const MOVE: usize = 8;
const COLOURS: usize = 4;

/// How colours are named.
#[derive(Clone, Copy, PartialEq)]
enum Names {
    /// On a terminal that knows xterm's 256 colours.
    Indexed,
    /// Greys as those have them. Tints keep their hue, which says what speaks for what.
    ShortGreys,
    Full,
}

impl Names {
    fn of(self, [r, g, b]: Rgb) -> Color {
        match self {
            Names::Full => Color::Rgb(r, g, b),
            Names::ShortGreys if r != g || g != b => Color::Rgb(r & !7, g & !7, b & !7),
            Names::Indexed | Names::ShortGreys => Color::Indexed(indexed([r, g, b])),
        }
    }
}

/// A cell, and the colours of its upper and lower half as they ought to be.
#[derive(Clone)]
struct Dot {
    cell: Cell,
    halves: Option<[Rgb; 2]>,
    exact: bool,
}

impl Dot {
    fn of(cell: &Cell) -> Dot {
        let halves = match (cell.symbol(), cell.fg, cell.bg) {
            ("▀", Color::Rgb(r, g, b), Color::Rgb(s, h, c)) => Some([[r, g, b], [s, h, c]]),
            ("▄", Color::Rgb(r, g, b), Color::Rgb(s, h, c)) => Some([[s, h, c], [r, g, b]]),
            (" ", _, Color::Rgb(r, g, b)) => Some([[r, g, b]; 2]),
            _ => None,
        };
        Dot { cell: cell.clone(), halves, exact: true }
    }

    fn coarse(halves: [Rgb; 2], names: Names) -> Dot {
        let [upper, lower] = halves.map(|rgb| names.of(rgb));
        let mut cell = Cell::EMPTY;
        if upper == lower {
            cell.set_bg(lower);
        } else {
            cell.set_symbol("▀").set_fg(upper).set_bg(lower);
        }
        Dot { cell, halves: Some(halves), exact: false }
    }

    fn near(&self, halves: [Rgb; 2], keep: u8) -> bool {
        self.halves.is_some_and(|own| {
            let pairs = own.as_flattened().iter().zip(halves.as_flattened());
            pairs.into_iter().all(|(a, b)| a.abs_diff(*b) <= keep)
        })
    }
}

/// What of a picture is on the screen.
#[derive(Default)]
pub struct Thrift {
    area: Rect,
    shown: Vec<Dot>,
    rung: usize,
    /// Where drawing by rows goes on.
    row: usize,
    /// Whether this screen has a picture, and the one before.
    pictured: [bool; 2],
    spent: usize,
}

impl Thrift {
    /// A new screen is about to be drawn.
    pub fn begin(&mut self) {
        self.pictured = [false, self.pictured[0]];
        self.spent = 0;
    }

    /// Bytes of this screen's picture, about.
    pub fn spent(&self) -> usize {
        self.spent
    }

    /// Draws the picture of the screen before, if it was here.
    pub fn keep(&mut self, area: Rect, buffer: &mut Buffer) {
        if self.area == area && self.pictured[1] {
            self.pictured[0] = true;
            self.put(buffer);
        }
    }

    /// Makes what is drawn in `area` cost no more than `budget`; `short` is a terminal of 256 colours.
    pub fn settle(&mut self, area: Rect, buffer: &mut Buffer, budget: Budget, short: bool) {
        let cells = area.positions().filter_map(|place| buffer.cell(place));
        let wanted: Vec<Dot> = cells.map(Dot::of).collect();
        if area != self.area || !self.pictured[1] || self.shown.len() != wanted.len() {
            self.area = area;
            self.shown = vec![Dot { cell: Cell::EMPTY, halves: None, exact: true }; wanted.len()];
        }
        self.pictured[0] = true;
        let fitting = RUNGS.iter().enumerate().find_map(|(i, rung)| {
            let dots = self.saving(&wanted, rung, short);
            let cost = self.cost(&dots, &self.shown);
            let limit = if i < FINE { budget.fluent } else { budget.most };
            // A finer one must be had with ease, or it would come and go.
            let limit = if i < self.rung { limit / 4 * 3 } else { limit };
            (cost <= limit).then_some((i, dots, cost))
        });
        (self.rung, self.shown, self.spent) = match fitting {
            Some((0, dots, cost)) => (0, dots, cost),
            Some((i, dots, cost)) if cost < budget.fluent / 4 => {
                let fine = self.saving(&wanted, &RUNGS[0], short);
                let (dots, more) = self.by_rows(dots, &fine, budget.fluent - cost);
                (i, dots, cost + more)
            }
            Some((i, dots, cost)) => (i, dots, cost),
            None => {
                let last = RUNGS.len() - 1;
                let coarse = self.saving(&wanted, &RUNGS[last], short);
                let (dots, cost) = self.by_rows(self.shown.clone(), &coarse, budget.most);
                (last, dots, cost)
            }
        };
        self.put(buffer);
    }

    fn put(&self, buffer: &mut Buffer) {
        for (place, dot) in self.area.positions().zip(&self.shown) {
            if let Some(cell) = buffer.cell_mut(place) {
                cell.clone_from(&dot.cell);
            }
        }
    }

    /// `wanted` as it is saved on a rung.
    fn saving(&self, wanted: &[Dot], rung: &Rung, short: bool) -> Vec<Dot> {
        let names = match (short, rung.short_greys) {
            (true, _) => Names::Indexed,
            (_, true) => Names::ShortGreys,
            _ => Names::Full,
        };
        let mut dots = wanted.to_vec();
        if rung.keep == 0 && names == Names::Full {
            return dots;
        }
        let (width, height) = (usize::from(self.area.width), usize::from(self.area.height));
        let (columns, rows) = rung.square;
        for top in (0..height).step_by(rows) {
            for left in (0..width).step_by(columns) {
                let (right, bottom) = ((left + columns).min(width), (top + rows).min(height));
                let square = (top..bottom).flat_map(|y| (left..right).map(move |x| y * width + x));
                let Some(halves) = mean(wanted, square.clone(), rows > 1) else { continue };
                let same = |i: usize| {
                    let shown = &self.shown[i];
                    shown.near(halves, rung.keep) && (rung.keep > 0 || shown.exact)
                };
                let same = square.clone().all(same);
                for i in square {
                    dots[i] = match same {
                        true => self.shown[i].clone(),
                        false => Dot { exact: rung.keep == 0, ..Dot::coarse(halves, names) },
                    };
                }
            }
        }
        dots
    }

    /// `base` with so many rows of `better` as `budget` allows, one at least, and what they cost.
    fn by_rows(&mut self, mut base: Vec<Dot>, better: &[Dot], budget: usize) -> (Vec<Dot>, usize) {
        let (width, height) = (usize::from(self.area.width), usize::from(self.area.height));
        let mut spent = 0;
        for row in (0..height).map(|i| (self.row + i) % height).collect::<Vec<_>>() {
            let cells = row * width..(row + 1) * width;
            let cost = self.cost(&better[cells.clone()], &base[cells.clone()]);
            if spent > 0 && spent + cost > budget {
                self.row = row;
                break;
            }
            base[cells.clone()].clone_from_slice(&better[cells]);
            spent += cost;
        }
        (base, spent)
    }

    /// Bytes to make `old` into `new`, which are whole rows.
    fn cost(&self, new: &[Dot], old: &[Dot]) -> usize {
        let width = usize::from(self.area.width).max(1);
        let (mut bytes, mut pen) = (0, None);
        for (new, old) in new.chunks(width).zip(old.chunks(width)) {
            let mut beside = false;
            for (Dot { cell, .. }, old) in new.iter().zip(old) {
                if *cell == old.cell {
                    beside = false;
                    continue;
                }
                bytes += if beside { 0 } else { MOVE } + cell.symbol().len();
                if pen != Some((cell.fg, cell.bg)) {
                    bytes += COLOURS + named(cell.fg) + named(cell.bg);
                    pen = Some((cell.fg, cell.bg));
                }
                beside = true;
            }
        }
        bytes
    }
}

/// The mean colours of cells, of both halves alike where `whole`.
fn mean(dots: &[Dot], cells: impl Iterator<Item = usize>, whole: bool) -> Option<[Rgb; 2]> {
    let (mut sums, mut count) = ([[0u32; 3]; 2], 0);
    for i in cells {
        let halves = dots[i].halves?;
        let pairs = sums.as_flattened_mut().iter_mut().zip(halves.as_flattened());
        pairs.into_iter().for_each(|(sum, &c)| *sum += u32::from(c));
        count += 1;
    }
    if whole {
        let both = [0, 1, 2].map(|c| sums[0][c] + sums[1][c]);
        (sums, count) = ([both; 2], 2 * count);
    }
    (count > 0).then(|| sums.map(|half| half.map(|sum| (sum / count) as u8)))
}

/// Length of a colour's name.
fn named(colour: Color) -> usize {
    let digits = |c: u8| 1 + usize::from(c > 9) + usize::from(c > 99);
    match colour {
        Color::Rgb(r, g, b) => 7 + digits(r) + digits(g) + digits(b),
        Color::Indexed(i) => 5 + digits(i),
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
