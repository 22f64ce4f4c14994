//! An exam out of the store, as it is handed over: its frames, which are read again as they are written,
//! and what the network points at in the one that speaks most for the verdict.

use crate::error::{Error, ErrorKind};
use crate::handover::{Clip, Frames, Key, Material};
use crate::pipeline::{Model, Stages};
use crate::screening::{Mode, Verdict};
use crate::store::{Exam, ExamId, KeptFrame, Record, Shelf, Unlocked, When};

/// Reads the exam. Its heat map takes the `model` that it was screened with; without that, the frame
/// in the middle stands for all.
pub fn gather(
    store: &Shelf,
    unlocked: &Unlocked,
    id: ExamId,
    model: Option<&Model>,
) -> Result<Material, Error> {
    let exam = store.exam(unlocked, id)?;
    let first = store.exam(unlocked, exam.record.visit);
    let visit_started = first.map_or(exam.record.started, |first| first.record.started);
    assemble(store, exam, visit_started, model)
}

/// The same of an exam that has been opened, of whose visit is known when it began.
pub fn assemble(
    store: &Shelf,
    exam: Exam,
    visit_started: When,
    model: Option<&Model>,
) -> Result<Material, Error> {
    let record = exam.record.clone();
    let subject = format!("exam {}", record.id);
    let model = model.filter(|model| model.bundle.digest == record.means.bundle_digest);
    let mut stages = model.map(|model| model.stages(Mode::Live)).transpose()?;
    let mut clearest = Clearest::new(&record);
    let count = record.ledger.kept;
    let shelf = store.clone();
    let frames: Frames = Box::new(move || Ok(Box::new(shelf.frames(&exam)?)));
    let clip = Clip::gather(count as usize, frames, |number, frame| {
        clearest.observe(number, frame, stages.as_mut())
    })?;
    if clip.len() as u64 != count {
        let problem = format!("{count} frames were kept, and {} are there", clip.len());
        let remedy = "`sonolamp exam check` tells which file is damaged";
        return Err(Error::new(ErrorKind::Storage, subject, problem, remedy));
    }
    Ok(Material { record, visit_started, clip, key: clearest.key() })
}

/// The frame that speaks most clearly, so far.
struct Clearest {
    /// Against referring.
    clear: bool,
    /// The frame that stands for all where no network runs.
    middle: f32,
    /// Whether it counts as evidence, and how clearly it speaks: more is better.
    rank: Option<(bool, f32)>,
    key: Key,
}

impl Clearest {
    fn new(record: &Record) -> Clearest {
        let middle = record.ledger.kept as f32 / 2.0;
        let clear = record.verdict == Verdict::Clear;
        Clearest { clear, middle, rank: None, key: Key::default() }
    }

    /// Takes in every frame in order, as the engine did.
    fn observe(
        &mut self,
        number: usize,
        frame: &KeptFrame,
        mut stages: Option<&mut Stages>,
    ) -> Result<(), Error> {
        let mut rank = (true, -(number as f32 - self.middle).abs());
        if let Some(stages) = stages.as_deref_mut() {
            if frame.interrupted {
                stages.interrupt();
            }
            stages.judge_again(&frame.tensor, &frame.measures)?;
            let odds = stages.screening().log_odds(stages.scores());
            let sound = stages.screening().flaw().is_none();
            rank = (sound, if self.clear { -odds } else { odds });
        }
        if frame.luma.is_empty() || self.rank.is_some_and(|best| rank <= best) {
            return Ok(());
        }
        self.rank = Some(rank);
        (self.key.frame, self.key.bounds) = (number, frame.bounds);
        self.key.luma.clone_from(&frame.luma);
        if let Some(stages) = stages {
            stages.overlay_again(&mut self.key.heat, &mut self.key.outline);
        }
        Ok(())
    }

    fn key(self) -> Option<Key> {
        self.rank.map(|_| self.key)
    }
}
