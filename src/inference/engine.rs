//! Runs a lowered network: every map has a place in one arena, every layer its packed weights.
//!
//! A map lies as rows of pixels of channels (NHWC) inside a rim of its zero point, as wide as the
//! convolutions that read it pad it, so that a window never leaves the map. Maps that are not
//! alive at the same time share memory. Nothing is allocated once an engine exists.

mod bytes;

use std::sync::Arc;

use super::graph::{Entry, Exit, Graph, Map, MapId, Op, Tail, Window};
use super::kernels::{self, Dense, Depthwise, Geometry, Isa, SLACK, Weights};
use bytes::Picture;

/// Where a map lies in the arena.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// Of the rim's first byte.
    base: usize,
    /// Of the map's own first byte.
    first: usize,
    /// From one row to the next.
    row: usize,
    /// With the rim.
    len: usize,
    /// Top, left, bottom, right.
    rim: [usize; 4],
}

/// A layer ready to run.
enum Step {
    /// One kernel a group, and by how much its input and output are moved.
    Dense(Vec<(Dense, usize, usize)>),
    Depthwise(Depthwise),
    /// Done byte by byte, as the graph says.
    Bytes,
}

/// A network packed for one instruction set; shared by the engines of all threads.
pub struct Program {
    graph: Graph,
    isa: Isa,
    places: Vec<Place>,
    arena: usize,
    scratch: usize,
    steps: Vec<Step>,
}

impl Program {
    pub fn new(graph: Graph, isa: Isa) -> Program {
        let (places, arena) = lay_out(&graph);
        let steps: Vec<Step> =
            graph.layers.iter().map(|layer| step(&graph, &places, isa, layer)).collect();
        let wanted = |step: &Step| match step {
            Step::Dense(groups) => groups.iter().map(|(d, ..)| d.scratch()).max().unwrap_or(0),
            _ => 0,
        };
        // A row of a map for its input and for pools.
        let row = graph.maps.iter().map(|map| map.width * map.channels).max().unwrap_or(0);
        let scratch = steps.iter().map(wanted).max().unwrap_or(0).max(row);
        Program { graph, isa, places, arena, scratch, steps }
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }
}

/// A program with memory of its own.
#[derive(Clone)]
pub struct Engine {
    program: Arc<Program>,
    arena: Vec<u8>,
    scratch: Vec<u8>,
    sums: Vec<i32>,
    /// The reals at the end, and the next ones in the making.
    reals: Vec<f32>,
    next: Vec<f32>,
}

impl Engine {
    pub fn new(program: Arc<Program>) -> Engine {
        let sums = program.graph.maps.iter().map(|m| m.channels).max().unwrap_or(0);
        Engine {
            arena: vec![0; program.arena],
            scratch: vec![0; program.scratch],
            sums: vec![0; sums],
            reals: Vec::new(),
            next: Vec::new(),
            program,
        }
    }

    /// Bytes in, in ONNX's order (channel, row, column); reals out.
    pub fn run_bytes(&mut self, input: &[u8]) -> &[f32] {
        self.enter_bytes(input);
        self.finish()
    }

    /// Reals in, quantized on the way.
    pub fn run_reals(&mut self, input: &[f32]) -> &[f32] {
        self.enter_reals(input);
        self.finish()
    }

    /// Fills the first map; [`Self::step`] computes the others.
    pub fn enter_bytes(&mut self, input: &[u8]) {
        let sign = match self.program.graph.entry {
            Entry::Bytes { signed: true } => 0x80,
            _ => 0,
        };
        let flip = sign ^ self.program.isa.flip();
        self.enter(|at, row| {
            for (to, &byte) in row.iter_mut().zip(&input[at..]) {
                *to = byte ^ flip;
            }
        });
    }

    /// Fills the first map with reals.
    pub fn enter_reals(&mut self, input: &[f32]) {
        let (isa, from) = (self.program.isa, self.program.graph.maps[0].quantization);
        self.enter(|at, row| {
            let reals = &input[at..at + row.len()];
            kernels::quantize_row(isa, reals, from.scale, from.zero, row, isa.flip());
        });
    }

    /// `fill(at, row)` writes the bytes of the input from `at` on, one row of one channel.
    fn enter(&mut self, fill: impl Fn(usize, &mut [u8])) {
        let (map, place) = (self.program.graph.maps[0], self.program.places[0]);
        for y in 0..map.height {
            let row = &mut self.arena[place.first + y * place.row..][..map.width * map.channels];
            let at = |c: usize| (c * map.height + y) * map.width;
            if map.channels == 1 {
                fill(at(0), row);
                continue;
            }
            for c in 0..map.channels {
                let plane = &mut self.scratch[..map.width];
                fill(at(c), plane);
                for (pixel, &byte) in row.chunks_exact_mut(map.channels).zip(&*plane) {
                    pixel[c] = byte;
                }
            }
        }
        self.fill_rim(0);
    }

    fn finish(&mut self) -> &[f32] {
        for i in 0..self.layers() {
            self.step(i);
        }
        self.exit();
        &self.reals
    }

    pub fn layers(&self) -> usize {
        self.program.steps.len()
    }

    /// Runs layer `i`, whose inputs must have been computed.
    pub fn step(&mut self, i: usize) {
        let program = Arc::clone(&self.program);
        let layer = &program.graph.layers[i];
        let (input, output) = (layer.op.inputs()[0], layer.output);
        let (from, to) = (program.places[input], program.places[output]);
        match (&program.steps[i], &layer.op) {
            (Step::Dense(groups), Op::Convolution { window, .. }) => {
                let src = corner(&program.graph.maps[input], from, window);
                for (dense, into, out) in groups {
                    dense.run(&mut self.arena, src + into, to.first + out, &mut self.scratch);
                }
            }
            (Step::Depthwise(depthwise), Op::Convolution { window, .. }) => {
                let src = corner(&program.graph.maps[input], from, window);
                depthwise.run(&mut self.arena, src, to.first);
            }
            (_, op) => self.bytes(&program, op, output),
        }
        self.fill_rim(output);
    }

    fn bytes(&mut self, program: &Program, op: &Op, output: MapId) {
        let picture = |id: MapId| {
            let (map, place) = (program.graph.maps[id], program.places[id]);
            Picture { map, first: place.first, row: place.row }
        };
        let (to, flip, arena) = (picture(output), program.isa.flip(), &mut self.arena[..]);
        match op {
            Op::Convolution { .. } => {}
            Op::Add { inputs: [a, b], factors, output } => {
                let from = [picture(*a), picture(*b)];
                bytes::add(program.isa, arena, from, *factors, to, *output);
            }
            Op::Lookup { input, table } => {
                bytes::lookup(arena, flip, picture(*input), table, to, 0);
            }
            Op::Concat { inputs } => {
                let mut channel = 0;
                for (input, table) in inputs {
                    bytes::lookup(arena, flip, picture(*input), table, to, channel);
                    channel += picture(*input).map.channels;
                }
            }
            Op::MaxPool { input, window } => {
                let from = picture(*input);
                bytes::max_pool(program.isa, arena, from, *window, to, &mut self.scratch);
            }
            Op::AveragePool { input, window, padded, factor, output } => {
                let from = picture(*input);
                let pool = bytes::Average { window: *window, padded: *padded, factor: *factor };
                bytes::average_pool(program.isa, arena, from, pool, to, *output, &mut self.sums);
            }
            Op::Nearest { input, rows, columns } => {
                bytes::nearest(arena, picture(*input), rows, columns, to);
            }
        }
    }

    /// Writes the zero point around a map: what lay there belongs to other maps.
    fn fill_rim(&mut self, id: MapId) {
        let (map, place) = (&self.program.graph.maps[id], self.program.places[id]);
        if place.rim == [0; 4] {
            return;
        }
        let zero = map.quantization.zero ^ self.program.isa.flip();
        let own = map.width * map.channels;
        let (start, end) = (place.base, place.base + place.len);
        self.arena[start..place.first].fill(zero);
        for y in 1..map.height {
            // The right rim of one row and the left one of the next are neighbours.
            let next = place.first + y * place.row;
            self.arena[next - place.row + own..next].fill(zero);
        }
        self.arena[place.first + (map.height - 1) * place.row + own..end].fill(zero);
    }

    fn exit(&mut self) {
        let program = Arc::clone(&self.program);
        let (Exit::Mean(id) | Exit::Flat(id)) = program.graph.exit;
        let (map, place) = (program.graph.maps[id], program.places[id]);
        let flip = program.isa.flip();
        let from = Picture { map, first: place.first, row: place.row };
        self.reals.clear();
        match program.graph.exit {
            Exit::Mean(_) => {
                let pixels = map.height * map.width;
                let all = [[0, map.height], [0, map.width]];
                bytes::sum(program.isa, &self.arena, from, all[0], all[1], &mut self.sums);
                let zero = i32::from(map.quantization.zero) * pixels as i32;
                let factor = map.quantization.scale / pixels as f32;
                let sums = &self.sums[..map.channels];
                self.reals.extend(sums.iter().map(|&sum| (sum - zero) as f32 * factor));
            }
            Exit::Flat(_) => {
                for c in 0..map.channels {
                    for y in 0..map.height {
                        for x in 0..map.width {
                            let byte = self.arena[from.at(y, x) + c] ^ flip;
                            self.reals.push(map.quantization.real(byte));
                        }
                    }
                }
            }
        }
        for tail in &program.graph.tail {
            self.tail(tail);
        }
    }

    fn tail(&mut self, tail: &Tail) {
        match tail {
            Tail::Linear { weights, bias } => {
                self.next.clear();
                for (row, &bias) in weights.chunks_exact(self.reals.len()).zip(bias) {
                    // In order, so that every processor gives the same.
                    let sum = row.iter().zip(&self.reals).fold(0.0, |sum, (w, x)| sum + w * x);
                    self.next.push(sum + bias);
                }
                std::mem::swap(&mut self.reals, &mut self.next);
            }
            Tail::Relu => self.reals.iter_mut().for_each(|x| *x = x.max(0.0)),
            Tail::Sigmoid => {
                self.reals.iter_mut().for_each(|x| *x = 1.0 / (1.0 + libm::expf(-*x)));
            }
            Tail::Softmax => {
                let top = self.reals.iter().copied().fold(f32::MIN, f32::max);
                self.reals.iter_mut().for_each(|x| *x = libm::expf(*x - top));
                let all = self.reals.iter().fold(0.0, |sum, x| sum + x);
                self.reals.iter_mut().for_each(|x| *x /= all);
            }
        }
    }

    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A layer's output in ONNX's order, while its memory has not been used again.
    pub fn map(&self, id: MapId) -> Vec<u8> {
        let (map, place) = (self.program.graph.maps[id], self.program.places[id]);
        let from = Picture { map, first: place.first, row: place.row };
        let flip = self.program.isa.flip();
        let mut bytes = Vec::with_capacity(map.height * map.width * map.channels);
        for c in 0..map.channels {
            for y in 0..map.height {
                bytes.extend((0..map.width).map(|x| self.arena[from.at(y, x) + c] ^ flip));
            }
        }
        bytes
    }
}

/// Where the first window starts: in the rim, by as much as it pads.
fn corner(map: &Map, place: Place, window: &Window) -> usize {
    place.first - window.pad[0] * place.row - window.pad[1] * map.channels
}

fn step(graph: &Graph, places: &[Place], isa: Isa, layer: &super::graph::Layer) -> Step {
    let Op::Convolution { input, window, groups, weights, bias, scale, output } = &layer.op else {
        return Step::Bytes;
    };
    let (from, to) = (&graph.maps[*input], &graph.maps[layer.output]);
    let (at, into) = (places[*input], places[layer.output]);
    let [kh, kw] = window.kernel;
    let [dy, dx] = window.dilation;
    let taps = (0..kh * kw).map(|i| i / kw * dy * at.row + i % kw * dx * from.channels);
    let mut geometry = Geometry {
        rows: to.height,
        width: to.width,
        in_x: window.stride[1] * from.channels,
        in_y: window.stride[0] * at.row,
        out_x: to.channels,
        out_y: into.row,
        strips: taps.collect(),
        depth: from.channels / groups,
    };
    let numbers = |channels: std::ops::Range<usize>, values: Vec<i8>| Weights {
        values,
        bias: bias[channels.clone()].to_vec(),
        scale: scale[channels].to_vec(),
    };
    if *groups > 1 && *groups == from.channels && *groups == to.channels {
        geometry.depth = to.channels;
        let at = |i: usize| weights[i % to.channels * kh * kw + i / to.channels];
        let values = (0..weights.len()).map(at).collect();
        let weights = numbers(0..to.channels, values);
        return Step::Depthwise(Depthwise::new(isa, geometry, kw, weights, *output));
    }
    if *groups == 1 {
        if dx == 1 {
            // A row of the window is one run of bytes.
            geometry.strips = (0..kh).map(|y| y * dy * at.row).collect();
            geometry.depth *= kw;
        }
        let dense = at.rim == [0; 4] && into.rim == [0; 4];
        if dense && window.kernel == [1, 1] && window.stride == [1, 1] {
            geometry.width *= std::mem::replace(&mut geometry.rows, 1);
        }
    }
    let each = to.channels / groups;
    let window_len = weights.len() / to.channels;
    let kernels = (0..*groups).map(|group| {
        let channels = group * each..(group + 1) * each;
        let values = weights[channels.start * window_len..channels.end * window_len].to_vec();
        let weights = numbers(channels, values);
        let dense = Dense::new(isa, geometry.clone(), weights, *output);
        (dense, group * from.channels / groups, group * each)
    });
    Step::Dense(kernels.collect())
}

/// A place for every map, the first that is free; and the arena's size.
fn lay_out(graph: &Graph) -> (Vec<Place>, usize) {
    let maps = &graph.maps;
    let (mut rims, mut last) = (vec![[0usize; 4]; maps.len()], vec![0usize; maps.len()]);
    let (mut made, exit) = (vec![0usize; maps.len()], graph.layers.len() + 1);
    for (i, layer) in graph.layers.iter().enumerate() {
        made[layer.output] = i + 1;
        for input in layer.op.inputs() {
            last[input] = i + 1;
            if let Op::Convolution { window, .. } = &layer.op {
                rims[input] = std::array::from_fn(|side| rims[input][side].max(window.pad[side]));
            }
        }
    }
    let (Exit::Mean(end) | Exit::Flat(end)) = graph.exit;
    last[end] = exit;
    let mut places: Vec<Place> = Vec::with_capacity(maps.len());
    let mut arena = 0;
    for (id, (map, rim)) in maps.iter().zip(rims).enumerate() {
        let row = (rim[1] + map.width + rim[3]) * map.channels;
        let len = row * (rim[0] + map.height + rim[2]);
        let mut alive: Vec<&Place> = places
            .iter()
            .enumerate()
            .filter(|(j, _)| last[*j] >= made[id])
            .map(|(_, p)| p)
            .collect();
        alive.sort_by_key(|place| place.base);
        let mut base = 0;
        for place in alive {
            if base + len + SLACK <= place.base {
                break;
            }
            base = base.max((place.base + place.len + SLACK).next_multiple_of(64));
        }
        arena = arena.max(base + len + 2 * SLACK);
        places.push(Place {
            base,
            first: base + rim[0] * row + rim[1] * map.channels,
            row,
            len,
            rim,
        });
    }
    (places, arena)
}
