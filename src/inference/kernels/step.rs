//! A layer ready to run: its code, its packed weights, where it reads and writes.

use std::ops::Range;

use super::super::graph::{Map, Op};
use super::bytes::{self, Average, Picture, Target};
use super::{Arena, Dense, Depthwise, Isa, Part};

/// A map and where it lies in the arena.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub map: Map,
    /// Of the rim's first byte.
    pub base: usize,
    /// Of the map's own first byte.
    pub first: usize,
    /// From one row to the next.
    pub row: usize,
    /// With the rim.
    pub len: usize,
    /// Top, left, bottom, right.
    pub rim: [usize; 4],
}

impl Place {
    /// The map in memory of its own.
    pub fn of<'a>(&self, arena: &'a [u8]) -> Picture<'a> {
        let bytes = &arena[self.first..self.base + self.len];
        Picture { map: self.map, bytes, row: self.row }
    }

    /// Writes the zero point around the map: what lay there belongs to other maps.
    pub fn fill_rim(&self, arena: &mut [u8], flip: u8) {
        // SAFETY: the arena is borrowed.
        unsafe { self.fill_rim_of(Arena::new(arena), 0..self.map.height, flip) };
    }

    /// The same around rows of it. The rim above belongs to the first row, the one below to the
    /// last.
    ///
    /// # Safety
    /// Nothing else may use these rows and their rim meanwhile.
    unsafe fn fill_rim_of(&self, arena: Arena, rows: Range<usize>, flip: u8) {
        if self.rim == [0; 4] || rows.is_empty() {
            return;
        }
        let zero = self.map.quantization.zero ^ flip;
        let own = self.map.width * self.map.channels;
        // SAFETY: these are the rows' own, as the caller promises.
        let fill = |place: Range<usize>| unsafe { arena.write(place).fill(zero) };
        if rows.start == 0 {
            fill(self.base..self.first);
        }
        for y in rows {
            // The right rim of one row and the left one of the next are neighbours.
            let (end, next) = (self.first + y * self.row + own, self.first + (y + 1) * self.row);
            let last = y + 1 == self.map.height;
            fill(end..if last { self.base + self.len } else { next });
        }
    }
}

/// Memory of one thread's.
#[derive(Debug, Clone)]
pub struct Scratch {
    pub bytes: Vec<u8>,
    pub sums: Vec<i32>,
}

/// What computes a layer.
pub enum Work {
    /// One kernel a group, and where it reads and writes.
    Dense(Vec<(Dense, usize, usize)>),
    Depthwise(Depthwise, usize, usize),
    /// As the graph says, byte by byte.
    Bytes(Op),
}

pub struct Step {
    isa: Isa,
    work: Work,
    from: Vec<Place>,
    to: Place,
}

impl Step {
    /// Panics if the output lies where an input does: an error of the planner's.
    pub fn new(isa: Isa, work: Work, from: Vec<Place>, to: Place) -> Step {
        let apart = |p: &Place| p.base + p.len <= to.base || to.base + to.len <= p.base;
        assert!(from.iter().all(apart));
        Step { isa, work, from, to }
    }

    /// Bytes of scratch memory that it wants.
    pub fn scratch(&self) -> usize {
        let row = self.from.iter().map(|p| p.map.width * p.map.channels).max().unwrap_or(0);
        match &self.work {
            Work::Dense(groups) => groups.iter().map(|(d, ..)| d.scratch()).max().unwrap_or(0),
            Work::Depthwise(..) => 0,
            Work::Bytes(_) => row,
        }
    }

    /// Computes a part. All parts together write the whole map and its rim; no two write the same
    /// byte, and none reads what another writes.
    pub fn run(&self, arena: Arena, scratch: &mut Scratch, part: Part) {
        let rows = part.rows(self.to.map.height);
        match &self.work {
            Work::Dense(groups) => {
                for (dense, src, dst) in groups {
                    dense.run(arena, *src, *dst, &mut scratch.bytes, part);
                }
            }
            Work::Depthwise(depthwise, src, dst) => depthwise.run(arena, *src, *dst, part),
            Work::Bytes(op) if !rows.is_empty() => self.bytes(op, arena, scratch, rows.clone()),
            Work::Bytes(_) => {}
        }
        // SAFETY: rows of this part.
        unsafe { self.to.fill_rim_of(arena, rows, self.isa.flip()) };
    }

    fn bytes(&self, op: &Op, arena: Arena, scratch: &mut Scratch, rows: Range<usize>) {
        let picture = |i: usize| {
            let Place { map, base, first, row, len, .. } = self.from[i];
            // SAFETY: no part writes to an input.
            Picture { map, bytes: unsafe { arena.read(first..base + len) }, row }
        };
        let to = &self.to;
        let start = to.first + rows.start * to.row;
        let end = to.first + (rows.end - 1) * to.row + to.map.width * to.map.channels;
        // SAFETY: rows of this part, and what lies between them.
        let bytes = unsafe { arena.write(start..end) };
        let mut target = Target { map: to.map, bytes, row: to.row, rows };
        let isa = self.isa;
        match op {
            Op::Convolution { .. } => {}
            Op::Add { factors, output, .. } => {
                bytes::add(isa, [picture(0), picture(1)], *factors, target, *output);
            }
            Op::Multiply { factor, output, .. } => {
                bytes::multiply(isa, [picture(0), picture(1)], *factor, target, *output);
            }
            Op::Lookup { table, .. } => bytes::lookup(isa, picture(0), table, &mut target, 0),
            Op::Concat { inputs } => {
                let mut channel = 0;
                for (i, (_, table)) in inputs.iter().enumerate() {
                    bytes::lookup(isa, picture(i), table, &mut target, channel);
                    channel += self.from[i].map.channels;
                }
            }
            Op::MaxPool { window, .. } => {
                bytes::max_pool(isa, picture(0), *window, target, &mut scratch.bytes);
            }
            Op::AveragePool { window, padded, factor, output, .. } => {
                let (padded, factor, output) = (*padded, *factor, *output);
                let pool = Average { window: *window, padded, factor, output };
                bytes::average_pool(isa, picture(0), pool, target, &mut scratch.sums);
            }
            Op::Nearest { rows, columns, .. } => {
                bytes::nearest(picture(0), rows, columns, target);
            }
            Op::Linear { rows, columns, output, .. } => {
                bytes::linear(isa, picture(0), (rows, columns), target, *output);
            }
        }
    }
}
