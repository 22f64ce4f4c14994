//! Preprocess, infer, screen: what happens to every frame, live or from a file.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::bundle::{self, Bundle};
use crate::error::Error;
use crate::frame::{Bounds, Frame};
use crate::inference::{Classifier, Network, Placement, Signature};
use crate::preprocess::{Measures, Prepared, Preprocessor, Sector};
use crate::screening::{MOST_SCORES, Mode, Screening};

/// A bundle with its network loaded and its known answers confirmed.
#[derive(Clone)]
pub struct Model {
    pub bundle: Arc<Bundle>,
    /// Largest difference to a known answer.
    pub known_error: f32,
    network: Network,
}

impl Model {
    /// Loads the bundle in `folder`, or the built-in one, and checks everything in it.
    pub fn load(folder: Option<&Path>) -> Result<Model, Error> {
        Model::load_for(folder, Placement::default())
    }

    /// The same, with the network on what `placement` says.
    pub fn load_for(folder: Option<&Path>, placement: Placement) -> Result<Model, Error> {
        let bundle = Bundle::load(folder)?;
        let input = &bundle.manifest.input;
        let signature = Signature {
            width: input.width as usize,
            height: input.height as usize,
            scores: bundle.manifest.scores(),
        };
        let network = Network::load(&bundle.model_name(), bundle.model().1, signature, placement)?;
        let mut classifier = network.classifier()?;
        let known_error = bundle::verify_known_answers(&bundle, |input, scores| {
            classifier.classify(input, scores)
        })?;
        Ok(Model { bundle: Arc::new(bundle), known_error, network })
    }

    /// Stages of their own for one thread.
    pub fn stages(&self, mode: Mode) -> Result<Stages, Error> {
        Ok(Stages::new(&self.bundle, Box::new(self.network.classifier()?), mode))
    }
}

/// What a frame cost, stage by stage.
#[derive(Debug, Clone, Copy, Default)]
pub struct Timings {
    /// Finding marks and the sector.
    pub sector: Duration,
    /// Masking, grey levels and the network's input.
    pub resize: Duration,
    pub inference: Duration,
    pub screening: Duration,
}

impl Timings {
    /// Everything before the network.
    pub fn preprocess(&self) -> Duration {
        self.sector + self.resize
    }
}

impl AddAssign for Timings {
    fn add_assign(&mut self, other: Timings) {
        self.sector += other.sector;
        self.resize += other.resize;
        self.inference += other.inference;
        self.screening += other.screening;
    }
}

/// The stages with all their buffers.
pub struct Stages {
    preprocessor: Preprocessor,
    classifier: Box<dyn Classifier>,
    screening: Screening,
    prepared: Prepared,
    scores: [f32; MOST_SCORES],
    count: usize,
}

impl Stages {
    /// Stages for `bundle` around any classifier of its shape.
    pub fn new(bundle: &Bundle, classifier: Box<dyn Classifier>, mode: Mode) -> Stages {
        let manifest = &bundle.manifest;
        Stages {
            preprocessor: Preprocessor::new(manifest.input.shape()),
            classifier,
            screening: Screening::new(manifest.rules(), mode),
            prepared: Prepared::default(),
            scores: [0.0; MOST_SCORES],
            count: manifest.scores(),
        }
    }

    /// Takes in a frame; afterwards its picture is masked.
    pub fn process(&mut self, frame: &mut Frame) -> Result<Timings, Error> {
        let start = Instant::now();
        self.preprocessor.find(frame, &mut self.prepared);
        let found = Instant::now();
        self.preprocessor.cut(frame, &mut self.prepared);
        let prepared = Instant::now();
        let scores = &mut self.scores[..self.count];
        self.classifier.classify(&self.prepared.tensor, scores)?;
        let inferred = Instant::now();
        self.screening.observe(&self.prepared.measures, scores);
        Ok(Timings {
            sector: found - start,
            resize: prepared - found,
            inference: inferred - prepared,
            screening: inferred.elapsed(),
        })
    }

    /// Masks the picture without judging it.
    pub fn look(&mut self, frame: &mut Frame) {
        self.preprocessor.run(frame, &mut self.prepared);
    }

    /// Forgets everything: the next frame belongs to another exam.
    pub fn reset(&mut self) {
        self.preprocessor.reset();
        self.screening.reset();
    }

    /// The signal was interrupted within an exam.
    pub fn interrupt(&mut self) {
        self.preprocessor.reset();
        self.screening.interrupt();
    }

    /// The box around the sector of the latest frame, if one was found.
    pub fn bounds(&self) -> Option<Bounds> {
        self.preprocessor.sector().map(Sector::bounds)
    }

    /// What has been gathered so far.
    pub fn screening(&self) -> &Screening {
        &self.screening
    }

    /// What preprocessing saw in the latest frame.
    pub fn measures(&self) -> &Measures {
        &self.prepared.measures
    }
}
