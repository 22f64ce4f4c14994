//! Runs a lowered network: every map has a place in one arena, every layer its packed weights.
//!
//! A map lies as rows of pixels of channels (NHWC) inside a rim of its zero point, as wide as the
//! convolutions that read it pad it, so that a window never leaves the map. Maps that are not
//! alive at the same time share memory. Nothing is allocated once an engine exists.

use std::sync::Arc;

use super::graph::{End, Entry, Exit, Graph, MapId, Op, Tail, Window};
use super::kernels::{
    self, Arena, Dense, Depthwise, Geometry, Isa, Part, Place, SLACK, Scratch, Step, Team, Weights,
    Work, bytes,
};

/// A network packed for one instruction set; shared by the engines of all threads.
pub struct Program {
    graph: Graph,
    isa: Isa,
    threads: usize,
    places: Vec<Place>,
    arena: usize,
    steps: Arc<[Step]>,
}

impl Program {
    /// `threads` work on each frame.
    pub fn new(graph: Graph, isa: Isa, threads: usize) -> Program {
        let (places, arena) = lay_out(&graph);
        let steps = graph.layers.iter().map(|layer| step(&places, isa, layer)).collect();
        Program { graph, isa, threads: threads.max(1), places, arena, steps }
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    pub fn isa(&self) -> Isa {
        self.isa
    }
}

/// A program with memory of its own.
pub struct Engine {
    program: Arc<Program>,
    arena: Vec<u8>,
    scratch: Scratch,
    team: Option<Team>,
    /// The reals of each output, and the next ones in the making.
    outputs: Vec<Vec<f32>>,
    next: Vec<f32>,
}

impl Clone for Engine {
    /// A copy has threads of its own, or goes without where they cannot be started.
    fn clone(&self) -> Engine {
        let new = |team: &Team| team.again(&self.scratch).ok();
        Engine {
            program: Arc::clone(&self.program),
            arena: self.arena.clone(),
            scratch: self.scratch.clone(),
            team: self.team.as_ref().and_then(new),
            outputs: self.outputs.clone(),
            next: self.next.clone(),
        }
    }
}

impl Engine {
    /// With the program's threads; fails if they cannot be started.
    pub fn with_team(program: Arc<Program>) -> std::io::Result<Engine> {
        let mut engine = Engine::new(program);
        if engine.program.threads > 1 {
            let steps = Arc::clone(&engine.program.steps);
            engine.team = Some(Team::new(steps, engine.program.threads, &engine.scratch)?);
        }
        Ok(engine)
    }

    /// On the caller's thread alone.
    pub fn new(program: Arc<Program>) -> Engine {
        let maps = &program.graph.maps;
        let sums = maps.iter().map(|m| m.channels).max().unwrap_or(0);
        // A row of the input, at least.
        let row = maps[0].width * maps[0].channels;
        let bytes = program.steps.iter().map(Step::scratch).max().unwrap_or(0).max(row);
        let scratch = Scratch { bytes: vec![0; bytes], sums: vec![0; sums] };
        let arena = vec![0; program.arena];
        let outputs = vec![Vec::new(); program.graph.ends.len()];
        Engine { arena, scratch, team: None, outputs, next: Vec::new(), program }
    }

    /// Bytes in, in ONNX's order (channel, row, column); the reals of each output out.
    pub fn run_bytes(&mut self, input: &[u8]) -> &[Vec<f32>] {
        self.enter_bytes(input);
        self.finish()
    }

    /// Reals in, quantized on the way.
    pub fn run_reals(&mut self, input: &[f32]) -> &[Vec<f32>] {
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
        let place = self.program.places[0];
        let map = place.map;
        for y in 0..map.height {
            let row = &mut self.arena[place.first + y * place.row..][..map.width * map.channels];
            let at = |c: usize| (c * map.height + y) * map.width;
            if map.channels == 1 {
                fill(at(0), row);
                continue;
            }
            for c in 0..map.channels {
                let plane = &mut self.scratch.bytes[..map.width];
                fill(at(c), plane);
                for (pixel, &byte) in row.chunks_exact_mut(map.channels).zip(&*plane) {
                    pixel[c] = byte;
                }
            }
        }
        place.fill_rim(&mut self.arena, self.program.isa.flip());
    }

    fn finish(&mut self) -> &[Vec<f32>] {
        match &mut self.team {
            Some(team) => team.run(&mut self.arena, &mut self.scratch),
            None => (0..self.layers()).for_each(|i| self.step(i)),
        }
        let program = Arc::clone(&self.program);
        for (i, end) in program.graph.ends.iter().enumerate() {
            let mut reals = std::mem::take(&mut self.outputs[i]);
            self.leave(end, &mut reals);
            self.outputs[i] = reals;
        }
        &self.outputs
    }

    pub fn layers(&self) -> usize {
        self.program.steps.len()
    }

    /// Runs layer `i` by itself, on one thread; its inputs must have been computed.
    pub fn step(&mut self, i: usize) {
        let arena = Arena::new(&mut self.arena);
        self.program.steps[i].run(arena, &mut self.scratch, Part::WHOLE);
    }

    fn leave(&mut self, end: &End, reals: &mut Vec<f32>) {
        let program = &self.program;
        let from = program.places[end.exit.map()].of(&self.arena);
        let map = from.map;
        reals.clear();
        match end.exit {
            Exit::Mean(_) => {
                bytes::sum(program.isa, from, &mut self.scratch.sums);
                let pixels = map.height * map.width;
                let zero = i32::from(map.quantization.zero) * pixels as i32;
                let factor = map.quantization.scale / pixels as f32;
                let sums = &self.scratch.sums[..map.channels];
                reals.extend(sums.iter().map(|&sum| (sum - zero) as f32 * factor));
            }
            Exit::Flat(_) => {
                let flip = program.isa.flip();
                let real = |byte: u8| map.quantization.real(byte ^ flip);
                for c in 0..map.channels {
                    for y in 0..map.height {
                        let row = &from.at(y, 0)[..map.width * map.channels];
                        match map.channels {
                            // A row of neighbours is vector code.
                            1 => reals.extend(row.iter().map(|&byte| real(byte))),
                            n => reals.extend(row.chunks_exact(n).map(|pixel| real(pixel[c]))),
                        }
                    }
                }
            }
        }
        for tail in &end.tail {
            self::tail(tail, reals, &mut self.next);
        }
    }

    pub fn program(&self) -> &Program {
        &self.program
    }

    /// A layer's output in ONNX's order, while its memory has not been used again.
    pub fn map(&self, id: MapId) -> Vec<u8> {
        let from = self.program.places[id].of(&self.arena);
        let (map, flip) = (from.map, self.program.isa.flip());
        let mut bytes = Vec::with_capacity(map.height * map.width * map.channels);
        for c in 0..map.channels {
            for y in 0..map.height {
                bytes.extend((0..map.width).map(|x| from.at(y, x)[c] ^ flip));
            }
        }
        bytes
    }
}

/// One step on the reals at an end; `next` is room for others.
fn tail(tail: &Tail, reals: &mut Vec<f32>, next: &mut Vec<f32>) {
    match tail {
        Tail::Linear { weights, bias } => {
            next.clear();
            for (row, &bias) in weights.chunks_exact(reals.len()).zip(bias) {
                // In order, so that every processor gives the same.
                let sum = row.iter().zip(&*reals).fold(0.0, |sum, (w, x)| sum + w * x);
                next.push(sum + bias);
            }
            std::mem::swap(reals, next);
        }
        Tail::Plus(numbers) => {
            reals.iter_mut().zip(numbers.iter().cycle()).for_each(|(x, number)| *x += number);
        }
        Tail::Relu => reals.iter_mut().for_each(|x| *x = x.max(0.0)),
        Tail::Sigmoid => {
            reals.iter_mut().for_each(|x| *x = 1.0 / (1.0 + libm::expf(-*x)));
        }
        Tail::Softmax => {
            let top = reals.iter().copied().fold(f32::MIN, f32::max);
            reals.iter_mut().for_each(|x| *x = libm::expf(*x - top));
            let all = reals.iter().fold(0.0, |sum, x| sum + x);
            reals.iter_mut().for_each(|x| *x /= all);
        }
    }
}

/// Where the first window starts: in the rim, by as much as it pads.
fn corner(place: &Place, window: &Window) -> usize {
    place.first - window.pad[0] * place.row - window.pad[1] * place.map.channels
}

fn step(places: &[Place], isa: Isa, layer: &super::graph::Layer) -> Step {
    let inputs: Vec<Place> = layer.op.inputs().into_iter().map(|id| places[id]).collect();
    let (at, into) = (inputs[0], places[layer.output]);
    let made = |work: Work| Step::new(isa, work, inputs.clone(), into);
    let Op::Convolution { window, groups, weights, bias, scale, output, .. } = &layer.op else {
        return made(Work::Bytes(layer.op.clone()));
    };
    let (from, to, src) = (at.map, into.map, corner(&at, window));
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
        let kernel = Depthwise::new(isa, geometry, kw, weights, *output);
        return made(Work::Depthwise(kernel, src, into.first));
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
        (dense, src + group * from.channels / groups, into.first + group * each)
    });
    made(Work::Dense(kernels.collect()))
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
    graph.ends.iter().for_each(|end| last[end.exit.map()] = exit);
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
            map: *map,
            base,
            first: base + rim[0] * row + rim[1] * map.channels,
            row,
            len,
            rim,
        });
    }
    (places, arena)
}
