//! Running a bundle's network. tract lives in this module and nowhere else.
//!
//! A quantized network is read by [`lower`] into a [`graph`] of byte layers, which [`engine`] runs
//! with [`kernels`] of this processor's, as one operator in tract. What cannot be lowered, a whole
//! network or some of its [`parts`], runs in stock tract, and [`Network::path`] says why.
//!
//! The network takes `1 × 1 × height × width` bytes of grey pixels (it holds its own
//! normalization). Its first output is one row of scores; a map and a mask over the input may
//! follow, which the bundle names.

mod ends;
pub mod engine;
pub mod graph;
pub mod kernels;
pub mod lower;
mod onnx;
mod parts;
mod region;

use std::sync::Arc;

use tract_onnx::pb;
use tract_onnx::prelude::{
    DatumType, Framework, InferenceModelExt, IntoTValue, TValue, TVec, Tensor, TractError,
    TractResult, TypedModel, TypedSimplePlan, TypedSimpleState, tvec,
};

use crate::error::{Error, ErrorKind};
use ends::Ends;
use engine::{Engine, Program};
use kernels::Isa;
use lower::Obstacle;
use parts::Part;

/// What computes a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// Our own layers on bytes.
    Int8 { isa: Isa, threads: usize, layers: usize },
    /// The same for some parts of the network; others stay in stock tract because of these.
    Parts { isa: Isa, threads: usize, layers: usize, obstacles: Vec<Obstacle> },
    /// Stock tract, because of this operator.
    Tract(Obstacle),
}

impl std::fmt::Display for Path {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Path::Int8 { isa, threads, layers } | Path::Parts { isa, threads, layers, .. } => {
                write!(f, "int8, {layers} layers on {}", isa.name())?;
                if *threads > 1 {
                    write!(f, ", {threads} threads")?;
                }
                let Path::Parts { obstacles, .. } = self else { return Ok(()) };
                let named: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
                write!(f, "; the rest in stock tract, since {}", named.join("; "))
            }
            Path::Tract(obstacle) => write!(f, "stock tract, since {obstacle}"),
        }
    }
}

/// What a lowered network runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement {
    /// Of [`Isa::available`]; None is stock tract.
    pub isa: Option<Isa>,
    /// That share every frame, no more than there are processors. More than four would wait for
    /// each other longer than they compute.
    pub threads: usize,
}

impl Default for Placement {
    fn default() -> Placement {
        Placement { isa: Some(Isa::best()), threads: 1 }
    }
}

impl From<Option<Isa>> for Placement {
    fn from(isa: Option<Isa>) -> Placement {
        Placement { isa, ..Placement::default() }
    }
}

/// Judges one network input.
pub trait Classifier: Send {
    /// Fills `answer` for `tensor` (`height * width` bytes), in the buffers that it has.
    fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error>;
}

/// What a network says of one input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    pub scores: Vec<f32>,
    /// Empty where the bundle declares none.
    pub map: Plane,
    pub mask: Plane,
}

/// Log-odds over the network's whole input, row by row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plane {
    pub width: usize,
    pub height: usize,
    /// `width * height`.
    pub values: Vec<f32>,
}

/// Shape of a network at its ends, as the bundle declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub width: usize,
    pub height: usize,
    /// Of the first output, whatever its name.
    pub scores: usize,
    pub map: Option<PlaneOutput>,
    pub mask: Option<PlaneOutput>,
}

/// An output of the network that is a [`Plane`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaneOutput {
    pub name: String,
    /// Most rows, and most columns.
    pub most: usize,
}

/// A network loaded and optimized; cheap to clone, ready for any thread.
#[derive(Clone)]
pub struct Network {
    plans: Vec<Arc<TypedSimplePlan>>,
    ends: Ends,
    name: String,
    path: Path,
}

impl Network {
    /// Reads ONNX `bytes`; `name` stands in error messages.
    pub fn load(
        name: &str,
        bytes: &[u8],
        signature: &Signature,
        placement: Placement,
    ) -> Result<Network, Error> {
        Network::changed(name, bytes, signature, placement, |_| ())
    }

    /// The same with its weights out of order: what its shape alone gives.
    pub fn shuffled(
        name: &str,
        bytes: &[u8],
        signature: &Signature,
        seed: u64,
    ) -> Result<Network, Error> {
        let shuffle = |proto: &mut pb::ModelProto| onnx::shuffle_weights(proto, seed);
        Network::changed(name, bytes, signature, Placement::default(), shuffle)
    }

    fn changed(
        name: &str,
        bytes: &[u8],
        signature: &Signature,
        placement: Placement,
        change: impl FnOnce(&mut pb::ModelProto),
    ) -> Result<Network, Error> {
        let fails = |e: &tract_onnx::prelude::TractError| {
            wrong(name, format!("cannot be loaded ({})", reason(e)))
        };
        let read = parse(bytes).and_then(|mut proto| {
            change(&mut proto);
            read(&proto, placement)
        });
        let Read { models, outputs, path, .. } = read.map_err(|e| fails(&e))?;
        let ends = Ends::check(&models, &outputs, signature).map_err(|e| wrong(name, e))?;
        let plans: Result<_, _> = models.into_iter().map(TypedSimplePlan::new).collect();
        let plans =
            plans.map_err(|e| wrong(name, format!("cannot be planned ({})", reason(&e))))?;
        Ok(Network { plans, ends, name: name.to_owned(), path })
    }

    /// What computes it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A state of its own for one thread, kept from frame to frame.
    pub fn classifier(&self) -> Result<TractClassifier, Error> {
        let chain = Chain::start(&self.plans)
            .map_err(|e| wrong(&self.name, format!("cannot be started ({})", reason(&e))))?;
        Ok(TractClassifier { chain, ends: self.ends.clone(), name: self.name.clone() })
    }
}

/// The parts of a network, each given what the one before it gives.
struct Chain(Vec<TypedSimpleState>);

impl Chain {
    fn start(plans: &[Arc<TypedSimplePlan>]) -> TractResult<Chain> {
        Ok(Chain(plans.iter().map(TypedSimplePlan::spawn).collect::<Result<_, _>>()?))
    }

    /// The outputs of the last part.
    fn run(&mut self, input: Tensor) -> TractResult<TVec<TValue>> {
        let mut values = tvec!(input.into_tvalue());
        for state in &mut self.0 {
            values = state.run(values)?;
        }
        Ok(values)
    }
}

/// A network by itself, on an input of its own making: what benchmarks time.
pub struct Runner {
    chain: Chain,
    input: Tensor,
    engine: Option<Engine>,
    path: Path,
    name: String,
}

impl Runner {
    /// Any ONNX network of one input and outputs, all of fixed shape.
    pub fn load(
        name: &str,
        bytes: &[u8],
        placement: impl Into<Placement>,
    ) -> Result<Runner, Error> {
        let fails = |e: &tract_onnx::prelude::TractError| {
            wrong(name, format!("cannot be loaded ({})", reason(e)))
        };
        let Read { models, path, program, .. } =
            parse(bytes).and_then(|p| read(&p, placement.into())).map_err(|e| fails(&e))?;
        let input = made_up(&models[0]).map_err(|e| fails(&e))?;
        let plans: Result<Vec<_>, _> = models.into_iter().map(TypedSimplePlan::new).collect();
        let chain = plans.and_then(|plans| Chain::start(&plans)).map_err(|e| fails(&e))?;
        let engine = program.map(Engine::new);
        Ok(Runner { chain, input, engine, path, name: name.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// For its layers, one by one, after [`Self::enter`].
    pub fn engine(&mut self) -> Option<&mut Engine> {
        self.engine.as_mut()
    }

    /// One inference; the outputs, one after the other.
    pub fn run(&mut self) -> Result<Vec<f32>, Error> {
        let fails = |e: &tract_onnx::prelude::TractError| {
            wrong(&self.name, format!("failed ({})", reason(e)))
        };
        let mut reals = Vec::new();
        for output in self.chain.run(self.input.clone()).map_err(|e| fails(&e))? {
            let output = output.cast_to::<f32>().map_err(|e| fails(&e))?;
            let view = output.to_plain_array_view::<f32>().map_err(|e| fails(&e))?;
            reals.extend(view.iter());
        }
        Ok(reals)
    }

    /// Gives the engine the input, for its layers one by one.
    pub fn enter(&mut self) {
        let Some(engine) = &mut self.engine else { return };
        match self.input.to_plain_array_view::<f32>() {
            Ok(reals) => engine.enter_reals(reals.as_slice().unwrap_or_default()),
            Err(_) => engine.enter_bytes(self.input.as_bytes()),
        }
    }
}

/// An input of pseudo-random numbers: bytes, or reals from 0 to 1.
fn made_up(model: &TypedModel) -> TractResult<Tensor> {
    let fact = model.input_fact(0)?;
    let shape = fact.shape.as_concrete().unwrap_or_default().to_vec();
    let byte = |i: usize| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0];
    let bytes: Vec<u8> = (0..shape.iter().product()).map(byte).collect();
    match fact.datum_type.unquantized() {
        DatumType::U8 => Tensor::from_shape(&shape, &bytes),
        DatumType::I8 => {
            Tensor::from_shape(&shape, &bytes.iter().map(|&b| b as i8).collect::<Vec<_>>())
        }
        _ => {
            let reals: Vec<f32> = bytes.iter().map(|&b| f32::from(b) / 255.0).collect();
            Tensor::from_shape(&shape, &reals)
        }
    }
}

/// A network that has been read.
struct Read {
    /// They run one after the other.
    models: Vec<TypedModel>,
    /// Names of the network's outputs, in the file's order.
    outputs: Vec<String>,
    path: Path,
    /// Of a network lowered whole.
    program: Option<Arc<Program>>,
}

fn parse(bytes: &[u8]) -> TractResult<pb::ModelProto> {
    tract_onnx::onnx().proto_model_for_read(&mut &bytes[..])
}

/// Reads a network: lowered for `isa` where that can be, else as stock tract runs it.
fn read(proto: &pb::ModelProto, Placement { isa, threads }: Placement) -> TractResult<Read> {
    let onnx = tract_onnx::onnx();
    let outputs = proto.graph.iter().flat_map(|graph| &graph.output);
    let outputs = outputs.map(|output| output.name.clone()).collect();
    let stock = |proto: &pb::ModelProto| onnx.model_for_proto_model(proto)?.into_optimized();
    let Some(isa) = isa else {
        let path = Path::Tract(Obstacle::unwanted());
        return Ok(Read { models: vec![stock(proto)?], outputs, path, program: None });
    };
    let threads = threads.clamp(1, std::thread::available_parallelism().map_or(1, Into::into));
    let obstacle = match lower::lower(proto) {
        Ok(graph) => {
            let path = Path::Int8 { isa, threads, layers: graph.layers.len() };
            let program = Arc::new(Program::new(graph, isa, threads));
            let models = vec![region::model(Arc::clone(&program))?];
            return Ok(Read { models, outputs, path, program: Some(program) });
        }
        Err(obstacle) => obstacle,
    };
    let (mut models, mut obstacles, mut layers) = (Vec::new(), Vec::new(), 0);
    // What tract says of an operator that it lacks names none.
    let named = obstacle.to_string();
    let with_name =
        |e: TractError| TractError::msg(format!("no byte form: {named}; tract: {}", reason(&e)));
    for part in parts::parts(proto, obstacle).map_err(with_name)? {
        match part {
            Part::Lowered(graph) => {
                layers += graph.layers.len();
                models.push(region::model(Arc::new(Program::new(graph, isa, threads)))?);
            }
            Part::Tract(proto, obstacle) => {
                obstacles.push(obstacle);
                models.push(stock(&proto).map_err(with_name)?);
            }
        }
    }
    let path = match layers {
        0 => Path::Tract(obstacles.remove(0)),
        _ => Path::Parts { isa, threads, layers, obstacles },
    };
    Ok(Read { models, outputs, path, program: None })
}

/// One running network.
pub struct TractClassifier {
    chain: Chain,
    ends: Ends,
    name: String,
}

impl Classifier for TractClassifier {
    fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error> {
        let ends = &self.ends;
        let mut run = |chain: &mut Chain| -> TractResult<bool> {
            let outputs = chain.run(Tensor::from_shape(&ends.input, tensor)?)?;
            ends.fill(&outputs, answer)
        };
        match run(&mut self.chain) {
            Ok(true) => Ok(()),
            Ok(false) => Err(wrong(&self.name, "gave a score that is not a number".into())),
            Err(e) => Err(wrong(&self.name, format!("failed on a frame ({})", reason(&e)))),
        }
    }
}

fn wrong(name: &str, problem: String) -> Error {
    let remedy = "use a bundle made for this version, or make it again with models/train";
    Error::new(ErrorKind::Model, name, problem, remedy)
}

/// The innermost cause of tract's error chain, which names the operator.
fn reason(error: &tract_onnx::prelude::TractError) -> String {
    let text = error.root_cause().to_string();
    text.lines().next().unwrap_or_default().chars().take(160).collect()
}
