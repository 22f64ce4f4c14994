//! Depthwise convolution by quads, for instruction sets that multiply four bytes at once.
//!
//! Four adjacent pixels of the input, transposed to four bytes of each channel, are a *quad*. One
//! quad serves every output pixel and row that it lies under, with weights moved by as many bytes.
//! [`walks!`] makes the code from what an instruction set does with one quad.

use super::{Geometry, Line, Weights, lines};

/// Bytes of the first cache that a map may take.
pub const CACHE: usize = 24 << 10;

/// As many channels as a quad has, or those that there are.
pub struct Block {
    /// For each place of a quad under a window, its weights.
    pub values: Vec<Line<i8, 64>>,
    pub bias: Line<i32, 16>,
    pub scale: Line<f32, 16>,
    pub first: usize,
    pub count: usize,
}

/// How a window is walked down the rows: its size, how far it moves, and how many quads in a row
/// give how many pixels of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walk {
    pub size: usize,
    pub stride: usize,
    pub quads: usize,
    pub pixels: usize,
    /// Pixels that are stored together.
    pub tile: usize,
}

impl Walk {
    /// Whether it is the one for this window, which must move by whole rows and pixels of its own.
    fn fits(self, g: &Geometry, columns: usize) -> bool {
        let taps = g.strips.len();
        if taps != self.size * self.size || columns != self.size {
            return false;
        }
        let (right, down) = (g.strips[1] - g.strips[0], g.strips[columns] - g.strips[0]);
        let regular = |i: usize| g.strips[0] + i / columns * down + i % columns * right;
        (0..taps).all(|i| g.strips[i] == regular(i))
            && g.in_x == self.stride * right
            && g.in_y == self.stride * down
    }

    /// The tap of the window over an output pixel that lies under each byte of a quad, for every
    /// row of the window by pixel by quad.
    fn taps(self) -> impl Iterator<Item = [Option<usize>; 4]> {
        let Walk { size, stride, quads, pixels, .. } = self;
        (0..size * pixels * quads).map(move |i| {
            let (row, pixel, q) = (i / quads / pixels, i / quads % pixels, i % quads);
            std::array::from_fn(|byte| {
                let column = (q * 4 + byte).checked_sub(pixel * stride)?;
                (column < size).then_some(row * size + column)
            })
        })
    }
}

/// A layer's weights, packed.
pub struct Quads {
    pub blocks: Vec<Block>,
    pub walk: Option<Walk>,
    /// Without a walk: taps in fours, the last filled up with taps of weight zero.
    pub quads: Vec<[usize; 4]>,
    /// From one tap to its right neighbour, and to the one below.
    pub pixel: usize,
    pub row: usize,
}

impl Quads {
    /// For quads of `lanes` channels.
    pub fn new(
        g: &Geometry,
        columns: usize,
        weights: &Weights,
        bias: &[i32],
        lanes: usize,
        walks: [Walk; 4],
    ) -> Quads {
        let channels = weights.channels();
        let walk = walks.into_iter().find(|walk| g.width >= walk.tile && walk.fits(g, columns));
        let taps: Vec<[Option<usize>; 4]> = match walk {
            Some(walk) => walk.taps().collect(),
            None => {
                let count = g.strips.len();
                let tap = |i: usize| (i < count).then_some(i);
                (0..count.div_ceil(4)).map(|q| [0, 1, 2, 3].map(|i| tap(q * 4 + i))).collect()
            }
        };
        let block = |block: usize| {
            // The last begins early enough to be whole, if it can.
            let first = (block * lanes).min(channels.saturating_sub(lanes));
            let here = first..channels.min(first + lanes);
            let mut values = Vec::with_capacity(taps.len() * lanes * 4);
            for four in &taps {
                for c in first..first + lanes {
                    values.extend(four.map(|tap| match tap {
                        Some(tap) if c < channels => weights.values[tap * channels + c],
                        _ => 0,
                    }));
                }
            }
            Block {
                values: lines(&values, 0),
                bias: lines(&bias[here.clone()], 0)[0],
                scale: lines(&weights.scale[here.clone()], 0.0)[0],
                first,
                count: here.len(),
            }
        };
        let four = |taps: &[usize]| std::array::from_fn(|i| *taps.get(i).unwrap_or(&taps[0]));
        let apart = |i: usize| g.strips.get(i).map_or(0, |start| start - g.strips[0]);
        Quads {
            blocks: (0..channels.div_ceil(lanes)).map(block).collect(),
            walk,
            quads: g.strips.chunks(4).map(four).collect(),
            pixel: apart(1),
            row: apart(columns),
        }
    }
}

/// `WALKS` and their code with `$features`, from these in scope, all unsafe but the constants: quads
/// of `LANES` channels, their weights in `BYTES`, `TILE` pixels together without a walk, `order() -> Order`,
/// `quad([*const u8; 4], Order) -> Vector`, `start(*const i32) -> Vector`,
/// `multiply(Vector, quad: Vector, weights: *const i8) -> Vector` and
/// `store([Vector; PIXELS], &Block, Output, Order, *mut u8, step)`.
macro_rules! walks {
    ($features:literal, $(($size:literal, $stride:literal, $quads:literal, $pixels:literal, $tile:literal)),*) => {
        const WALKS: [Walk; 4] = [$(Walk {
            size: $size,
            stride: $stride,
            quads: $quads,
            pixels: $pixels,
            tile: $tile,
        }),*];

        impl Depthwise {
            /// # Safety
            /// The processor must have the features, and the geometry must lie in the memory around
            /// `src` and `dst`, with SLACK bytes behind.
            pub unsafe fn run(
                &self,
                g: &Geometry,
                share: &Share,
                out: Output,
                src: *const u8,
                dst: *mut u8,
            ) {
                let Share { rows, columns } = share.clone();
                if rows.is_empty() {
                    return;
                }
                let layer = &self.0;
                let run = match layer.walk.map(|walk| (walk.size, walk.stride)) {
                    $(Some(($size, $stride)) => walk::<$size, $stride, $quads, $pixels, $tile>,)*
                    _ if g.width >= TILE => any::<TILE>,
                    _ => any::<1>,
                };
                let tile = layer.walk.map_or(TILE, |walk| walk.tile);
                // Blocks share cache lines: what lies between two of them must fit the first
                // cache, all pixels, or else those of a tile.
                let apart = (g.in_y / layer.row.max(1)) * (g.in_x / layer.pixel.max(1));
                let wide = match rows.len() * columns.len() * apart * 64 <= quads::CACHE {
                    true => columns.len(),
                    false => tile.min(columns.len()),
                };
                for x in columns.clone().step_by(wide) {
                    let x = x.min(columns.end - wide);
                    for block in &layer.blocks {
                        let band = Share { rows: rows.clone(), columns: x..x + wide };
                        // SAFETY: as the caller promises.
                        unsafe {
                            let (src, dst) = (src.add(block.first), dst.add(block.first));
                            run(layer, g, band, block, out, src, dst);
                        }
                    }
                }
            }
        }

        /// Walks tiles down all output rows. Each input row is read once, and serves every output
        /// row that its window reaches.
        ///
        /// # Safety
        /// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
        #[target_feature(enable = $features)]
        unsafe fn walk<
            const SIZE: usize,
            const STRIDE: usize,
            const QUADS: usize,
            const PIXELS: usize,
            const TILE: usize,
        >(
            layer: &Quads,
            g: &Geometry,
            band: Share,
            block: &Block,
            out: Output,
            src: *const u8,
            dst: *mut u8,
        ) {
            // SAFETY: rows, pixels and taps are the geometry's own; what no window reaches is not
            // read. Weights were packed for `SIZE` by `PIXELS` by `QUADS`, all else for `LANES`.
            unsafe {
                let order = order();
                let bias = start(block.bias.0.as_ptr());
                let values = block.values.as_ptr().cast::<i8>();
                let mut next = band.columns.start;
                while next < band.columns.end {
                    let x = next.min(band.columns.end - TILE);
                    next = x + TILE;
                    let mut row = src.add(band.rows.start * g.in_y + x * g.in_x);
                    let mut to = dst.add(band.rows.start * g.out_y + x * g.out_x);
                    let mut sums = [[bias; TILE]; SIZE];
                    let inputs = (band.rows.len() - 1) * STRIDE + SIZE;
                    let mut input = 0;
                    // Written out by phase, so that all sums have a register: in phase `p`, the
                    // output row that begins with this input row is number `p / STRIDE` of those
                    // in the making.
                    macro_rules! phase {
                        ($p:literal) => {
                            if $p < SIZE.div_ceil(STRIDE) * STRIDE {
                                let live = SIZE.div_ceil(STRIDE);
                                if $p % STRIDE == 0 {
                                    sums[$p / STRIDE] = [bias; TILE];
                                }
                                for group in 0..TILE / PIXELS {
                                    for q in 0..QUADS {
                                        // What no window of the tile reaches is not read.
                                        let last = (TILE - 1) * STRIDE + SIZE - 1;
                                        let first = group * PIXELS * STRIDE + q * 4;
                                        let at =
                                            |i: usize| row.add((first + i).min(last) * layer.pixel);
                                        let quad = quad([at(0), at(1), at(2), at(3)], order);
                                        for r in 0..SIZE {
                                            let begun = $p + live * STRIDE * SIZE - r;
                                            if begun % STRIDE != 0 {
                                                continue;
                                            }
                                            let sums = &mut sums[begun / STRIDE % live];
                                            for pixel in 0..PIXELS {
                                                // Only where the quad lies under the window.
                                                let from = pixel * STRIDE;
                                                if q * 4 + 3 < from || q * 4 >= from + SIZE {
                                                    continue;
                                                }
                                                let place = (r * PIXELS + pixel) * QUADS + q;
                                                let w = values.add(place * BYTES);
                                                let sum = &mut sums[group * PIXELS + pixel];
                                                *sum = multiply(*sum, quad, w);
                                            }
                                        }
                                    }
                                }
                                let ended = $p + live * STRIDE * SIZE - (SIZE - 1);
                                if ended % STRIDE == 0 && input + 1 >= SIZE {
                                    let sums = sums[ended / STRIDE % live];
                                    store(sums, block, out, order, to, g.out_x);
                                    to = to.add(g.out_y);
                                }
                                input += 1;
                                if input == inputs {
                                    break;
                                }
                                row = row.add(layer.row);
                            }
                        };
                    }
                    loop {
                        phase!(0);
                        phase!(1);
                        phase!(2);
                        phase!(3);
                        phase!(4);
                        phase!(5);
                    }
                }
            }
        }

        /// Any window, `PIXELS` of the output at a time.
        ///
        /// # Safety
        /// The geometry must lie in the memory around `src` and `dst`, with SLACK bytes behind.
        #[target_feature(enable = $features)]
        unsafe fn any<const PIXELS: usize>(
            layer: &Quads,
            g: &Geometry,
            band: Share,
            block: &Block,
            out: Output,
            src: *const u8,
            dst: *mut u8,
        ) {
            // SAFETY: as for `walk`; weights were packed for the layer's quads.
            unsafe {
                let order = order();
                let bias = start(block.bias.0.as_ptr());
                for y in band.rows {
                    let mut next = band.columns.start;
                    while next < band.columns.end {
                        let x = next.min(band.columns.end - PIXELS);
                        next = x + PIXELS;
                        let from = src.add(y * g.in_y + x * g.in_x);
                        let mut sums = [bias; PIXELS];
                        let mut w = block.values.as_ptr().cast::<i8>();
                        for taps in &layer.quads {
                            for (pixel, sum) in sums.iter_mut().enumerate() {
                                let quad =
                                    quad(taps.map(|tap| from.add(pixel * g.in_x + tap)), order);
                                *sum = multiply(*sum, quad, w);
                            }
                            w = w.add(BYTES);
                        }
                        let to = dst.add(y * g.out_y + x * g.out_x);
                        store(sums, block, out, order, to, g.out_x);
                    }
                }
            }
        }
    };
}

pub(super) use walks;
