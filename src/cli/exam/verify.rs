//! Verdicts computed again from kept frames: the network on what it saw then, screening on what it
//! says, both bit for bit.

use std::path::Path;
use std::process::ExitCode;

use super::title;
use crate::cli::Progress;
use crate::error::{Error, ErrorKind};
use crate::pipeline::Model;
use crate::screening::Mode;
use crate::store::{Exam, ExamId, Store, Unlocked};

pub fn run(
    store: &Store,
    unlocked: &Unlocked,
    ids: &[ExamId],
    bundle: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    let model = Model::load(bundle)?;
    let progress = Progress::new(ids.len(), "exams");
    let mut failed = 0;
    for &id in ids {
        let outcome = store.exam(unlocked, id).and_then(|exam| {
            again(store, &exam, &model)?;
            Ok(exam.record)
        });
        match outcome {
            Ok(record) => {
                let line = format!("{}  {}  holds", title(&record), record.verdict.word());
                progress.print(&line)?;
            }
            Err(error) => {
                failed += 1;
                progress.print(&error.to_string())?;
            }
        }
        progress.step();
    }
    progress.print(&format!(
        "{} of {} verdicts hold, bit for bit",
        ids.len() - failed,
        ids.len()
    ))?;
    Ok(ExitCode::from(u8::from(failed > 0)))
}

/// Goes through the frames as the engine did.
fn again(store: &Store, exam: &Exam, model: &Model) -> Result<(), Error> {
    let record = &exam.record;
    let differs = |problem: String, remedy: &str| {
        Error::new(ErrorKind::Model, format!("exam {}", record.id), problem, remedy)
    };
    let (then, now) = (&record.means.bundle_digest, &model.bundle.digest);
    if then != now {
        let problem = format!("was screened with another bundle, {}", record.means.bundle);
        return Err(differs(problem, "give that bundle with --bundle"));
    }
    let mut stages = model.stages(Mode::Live)?;
    let mut count = 0;
    for frame in store.frames(exam)? {
        let frame = frame?;
        if frame.interrupted {
            stages.interrupt();
        }
        let scores = stages.judge_again(&frame.tensor, &frame.measures)?;
        let same = scores.iter().zip(&frame.scores).all(|(a, b)| a.to_bits() == b.to_bits());
        if !same || scores.len() != frame.scores.len() {
            let problem = format!("the network says otherwise of frame {}", frame.sequence);
            return Err(differs(problem, "it is damaged, or this program computes wrongly"));
        }
        count += 1;
    }
    let (verdict, evidence) = stages.screening().conclude();
    if (verdict, evidence, count) != (record.verdict, record.evidence, record.ledger.kept) {
        let problem =
            format!("{} was kept, and {} comes out", record.verdict.word(), verdict.word());
        return Err(differs(problem, "frames are missing, or the rules have changed"));
    }
    Ok(())
}
