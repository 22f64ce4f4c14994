//! Preprocess, infer, screen: what happens to every frame, live or from a file.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::rehearsal::Rehearsal;
use crate::bundle::{self, Bundle, Manifest};
use crate::error::Error;
use crate::frame::{Bounds, Frame};
use crate::inference::{Answer, Classifier, Network, Placement, PlaneOutput, Signature};
use crate::preprocess::{Measures, Prepared, Preprocessor, Region, Sector};
use crate::screening::{self, Mode, Screening};
use crate::snapshot::{Area, Head, HeatMap, MAP_SIDE, MASK_SIDE, Outline};

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
        Model::of(Bundle::load(folder)?, placement)
    }

    /// The model of a bundle that has been read.
    pub fn of(bundle: Bundle, placement: Placement) -> Result<Model, Error> {
        let signature = signature(&bundle.manifest);
        let network = Network::load(&bundle.model_name(), bundle.model().1, &signature, placement)?;
        let mut classifier = network.classifier()?;
        let mut answer = Answer::default();
        let known_error = bundle::verify_known_answers(&bundle, |input, scores| {
            classifier.classify(input, &mut answer)?;
            scores.clone_from(&answer.scores);
            Ok(())
        })?;
        Ok(Model { bundle: Arc::new(bundle), known_error, network })
    }

    /// The same with the network's weights out of order, which knows nothing: to be compared with.
    pub fn shuffled(folder: Option<&Path>, seed: u64) -> Result<Model, Error> {
        let bundle = Bundle::load(folder)?;
        let (name, (_, bytes)) = (bundle.model_name(), bundle.model());
        let network = Network::shuffled(&name, bytes, &signature(&bundle.manifest), seed)?;
        Ok(Model { bundle: Arc::new(bundle), known_error: f32::INFINITY, network })
    }

    /// What the network says beside its verdict.
    pub fn heads(&self) -> Vec<Head> {
        let head = |(head, place): (&bundle::Head, screening::Head)| Head {
            name: head.name.clone(),
            labels: head.labels.iter().map(|label| label.name.clone()).collect(),
            place,
        };
        self.bundle.manifest.heads().map(head).collect()
    }

    /// Whether there is something to lay over a picture that was kept, which is its sector: where a
    /// network that saw more looked, nobody knows any more.
    pub fn maps_again(&self) -> bool {
        let manifest = &self.bundle.manifest;
        let any = manifest.map.is_some() || manifest.mask.is_some();
        any && manifest.input.region == Region::Sector
    }

    /// Stages of their own for one thread.
    pub fn stages(&self, mode: Mode) -> Result<Stages, Error> {
        self.stages_for(mode, None)
    }

    /// The same, where something shall go wrong.
    pub fn stages_for(&self, mode: Mode, rehearsal: Option<Rehearsal>) -> Result<Stages, Error> {
        let classifier = Box::new(self.network.classifier()?) as Box<dyn Classifier>;
        let classifier = match rehearsal {
            Some(rehearsal) => rehearsal.around(classifier),
            None => classifier,
        };
        Ok(Stages::new(&self.bundle, classifier, mode))
    }
}

fn signature(manifest: &Manifest) -> Signature {
    Signature {
        width: manifest.input.width as usize,
        height: manifest.input.height as usize,
        scores: manifest.scores(),
        map: manifest.map.as_ref().map(|map| plane(&map.output, MAP_SIDE)),
        mask: manifest.mask.as_ref().map(|mask| plane(&mask.output, MASK_SIDE)),
    }
}

fn plane(name: &str, most: usize) -> PlaneOutput {
    PlaneOutput { name: name.to_owned(), most }
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
    answer: Answer,
    /// Log-odds at full strength of the map, and from which a pixel is in the mask.
    full: Option<f32>,
    least: Option<f32>,
    /// The network sees the sector and nothing else.
    sector_alone: bool,
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
            answer: Answer { scores: vec![0.0; manifest.scores()], ..Answer::default() },
            full: manifest.map.as_ref().map(|map| map.full),
            least: manifest.mask.as_ref().map(|mask| mask.least),
            sector_alone: manifest.input.region == Region::Sector,
        }
    }

    /// Takes in a frame; afterwards its picture is masked.
    pub fn process(&mut self, frame: &mut Frame) -> Result<Timings, Error> {
        let start = Instant::now();
        self.preprocessor.find(frame, &mut self.prepared);
        let found = Instant::now();
        self.preprocessor.cut(frame, &mut self.prepared);
        let prepared = Instant::now();
        self.classifier.classify(&self.prepared.tensor, &mut self.answer)?;
        let inferred = Instant::now();
        self.screening.observe(&self.prepared.measures, &self.answer.scores);
        Ok(Timings {
            sector: found - start,
            resize: prepared - found,
            inference: inferred - prepared,
            screening: inferred.elapsed(),
        })
    }

    /// Takes in a frame of an exam that was kept: what the network saw of it and what was measured.
    /// Returns what the network says of it now.
    pub fn judge_again(&mut self, tensor: &[u8], measures: &Measures) -> Result<&[f32], Error> {
        self.classifier.classify(tensor, &mut self.answer)?;
        self.screening.observe(measures, &self.answer.scores);
        Ok(&self.answer.scores)
    }

    /// What the network saw of the frame taken in last.
    pub fn tensor(&self) -> &[u8] {
        &self.prepared.tensor
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

    /// Lays what the network saw in the frame taken in last over a picture of this box of it. A
    /// frame that is no evidence gets nothing.
    pub fn overlay(&self, picture: Bounds, heat: &mut HeatMap, outline: &mut Outline) {
        let sound = self.screening.flaw().is_none();
        self.lay(Area::of(self.prepared.bounds, picture), sound, heat, outline);
    }

    /// The same for a frame that was kept, whose picture is its sector. Where the network saw more
    /// than that, nobody knows any more where that lay.
    pub fn overlay_again(&self, heat: &mut HeatMap, outline: &mut Outline) {
        if self.sector_alone {
            self.lay(Area::WHOLE, self.screening.flaw().is_none(), heat, outline);
        }
    }

    /// The same for any such frame that is evidence, whatever was taken in before; nothing is judged.
    pub fn look_again(
        &mut self,
        tensor: &[u8],
        heat: &mut HeatMap,
        outline: &mut Outline,
    ) -> Result<(), Error> {
        self.classifier.classify(tensor, &mut self.answer)?;
        if self.sector_alone {
            self.lay(Area::WHOLE, true, heat, outline);
        }
        Ok(())
    }

    fn lay(&self, area: Area, sound: bool, heat: &mut HeatMap, outline: &mut Outline) {
        let Answer { map, mask, .. } = &self.answer;
        match self.full.filter(|_| sound) {
            Some(full) => heat.fill(map.width, &map.values, full, area),
            None => heat.clear(),
        }
        match self.least.filter(|_| sound) {
            Some(least) => outline.fill(mask.width, &mask.values, least, area),
            None => outline.clear(),
        }
    }

    /// The box of the frame taken in last that the network saw.
    pub fn seen(&self) -> Bounds {
        self.prepared.bounds
    }

    /// The scores of the frame taken in last, in the network's order.
    pub fn scores(&self) -> &[f32] {
        &self.answer.scores
    }

    /// What the network said of the frame taken in last.
    pub fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The box of the latest frame that the network's input covers.
    pub fn covered(&self) -> Bounds {
        self.prepared.bounds
    }

    /// Carries another picture of the latest frame's size into the network's input, as the frame
    /// itself was: see [`Preprocessor::carry`].
    pub fn carry(&mut self, picture: &Frame, out: &mut Vec<u8>) {
        self.preprocessor.carry(picture, out);
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
