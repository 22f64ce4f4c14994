//! Every row by the bundles that have not seen it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::Arguments;
use super::labels::{Asked, CLASSES, asked, cases, key};
use super::masks;
use super::table::{Table, table_error};
use crate::bundle::{Activation, EvidenceKind, Manifest};
use crate::capture::SourceSpec;
use crate::cli::{Progress, jobs, screen};
use crate::error::{Error, ErrorKind};
use crate::evaluation::{Call, Case, Outcome, Overlap};
use crate::pipeline::clip::ClipResult;
use crate::pipeline::{Model, Stages};
use crate::screening::Verdict;

/// A bundle and the rows that it judges.
struct Task {
    /// `None` is the built-in one.
    folder: Option<PathBuf>,
    /// Below the folder of folds.
    name: String,
    /// Column of folds and row.
    cells: Vec<(usize, usize)>,
}

/// A bundle as reports name it.
#[derive(serde::Serialize)]
pub struct Used {
    pub name: String,
    pub title: String,
    pub digest: String,
}

/// All rows with what was said of them.
pub struct Judged {
    pub cases: Vec<Case>,
    pub asked: Asked,
    pub bundles: Vec<Used>,
    pub task: String,
    /// Judged as stills.
    pub still: bool,
    /// Most frames of a clip.
    pub longest: u64,
    /// Rows whose clip or group the bundle was trained on.
    pub trained_on: usize,
    /// Cells of fold columns that name no fold.
    pub blank: usize,
    /// Files that could not be used; they are not among the cases.
    pub unusable: Vec<String>,
}

pub fn judge(arguments: &Arguments, table: &Table) -> anyhow::Result<Judged> {
    let tasks = tasks(arguments, table)?;
    let columns = if arguments.fold_bundles.is_some() { arguments.fold.len() } else { 1 };
    let count = tasks.iter().map(|task| task.cells.len()).sum();
    let progress = Progress::new(count, "clips");
    let (mut first, mut bundles): (Option<Judged>, _) = (None, Vec::new());
    let (mut unusable, mut trained_on) = (BTreeSet::new(), 0);
    for task in &tasks {
        let mut model = Model::load(task.folder.as_deref())?;
        if arguments.still {
            Arc::make_mut(&mut model.bundle).manifest.evidence = EvidenceKind::Still;
        }
        let manifest = &model.bundle.manifest;
        let judged = match &mut first {
            Some(judged) => {
                same_questions(&judged.asked, &model)?;
                judged
            }
            None => first.insert(Judged {
                cases: cases(arguments, table, manifest)?,
                asked: asked(manifest),
                bundles: Vec::new(),
                task: manifest.task.clone(),
                still: manifest.evidence == EvidenceKind::Still,
                longest: 0,
                trained_on: 0,
                blank: columns * table.rows.len() - count,
                unusable: Vec::new(),
            }),
        };
        judged.cases.iter_mut().for_each(|case| case.outcomes.resize(columns, None));
        let seen = seen(&model, table)?;
        trained_on += seen_rows(&model, task, &seen, arguments, table)?;
        let work =
            |i: usize, stages: &mut Stages| judge_row(table, task.cells[i].1, stages, manifest);
        jobs::run(&model, task.cells.len(), arguments.jobs, work, |i, outcome| {
            let (column, row) = task.cells[i];
            match outcome {
                Ok((result, mask)) => {
                    judged.longest = judged.longest.max(result.evidence.frames);
                    let mut outcome = said(&result, manifest, &task.name);
                    outcome.mask = mask;
                    judged.cases[row].outcomes[column] = Some(outcome);
                }
                Err(error) if error.kind == ErrorKind::Model => return Err(error.into()),
                Err(error) => {
                    if unusable.insert(row) {
                        progress.say(&format!("sonolamp: {error}"));
                    }
                }
            }
            progress.step();
            Ok(())
        })?;
        let bundle = &model.bundle;
        let (title, digest) = (bundle.title(), bundle.digest.clone());
        bundles.push(Used { name: task.name.clone(), title, digest });
    }
    drop(progress);
    let mut judged = first.ok_or_else(|| {
        table_error(&arguments.labels, "has no rows to judge", "list at least one clip")
    })?;
    let mut row = 0;
    judged.cases.retain(|case| {
        row += 1;
        !unusable.contains(&(row - 1)) && case.outcomes.iter().any(Option::is_some)
    });
    judged.unusable = unusable.iter().map(|&row| table.rows[row].file.clone()).collect();
    Ok(Judged { bundles, trained_on, ..judged })
}

/// One row's clip, and its last frame's mask against the true one where there are both.
fn judge_row(
    table: &Table,
    row: usize,
    stages: &mut Stages,
    manifest: &Manifest,
) -> Result<(ClipResult, Option<Overlap>), Error> {
    let row = &table.rows[row];
    let result = screen::screen(&SourceSpec::at(row.path.clone()), stages, 0.0)?;
    let (Some(column), Some(mask)) = (&table.mask_column, &manifest.mask) else {
        return Ok((result, None));
    };
    let path = row.cell(column).map(|cell| table.root.join(cell));
    let truth = masks::read(path.as_deref(), result.size)?;
    let (found, covered) = (&stages.answer().mask, stages.covered());
    let overlap = masks::overlap(&truth, result.size.0, covered, found, mask.least);
    Ok((result, Some(overlap)))
}

/// Which bundle judges which rows, in order of the bundles' names.
fn tasks(arguments: &Arguments, table: &Table) -> Result<Vec<Task>, Error> {
    let Some(folder) = &arguments.fold_bundles else {
        let cells: Vec<_> = (0..table.rows.len()).map(|row| (0, row)).collect();
        if cells.is_empty() {
            return Ok(Vec::new());
        }
        return Ok(vec![Task { folder: arguments.bundle.clone(), name: String::new(), cells }]);
    };
    let mut tasks: BTreeMap<String, Vec<(usize, usize)>> = BTreeMap::new();
    for (column, name) in arguments.fold.iter().enumerate() {
        for (row, entry) in table.rows.iter().enumerate() {
            let fold = &entry.folds[column];
            // With several columns, one may leave rows out.
            if fold.is_empty() && arguments.fold.len() > 1 {
                continue;
            }
            let own = folder.join(name).is_dir();
            let bundle = if own { format!("{name}/{fold}") } else { fold.clone() };
            if fold.is_empty() || !folder.join(&bundle).is_dir() {
                let absent = folder.join(&bundle);
                let problem = format!(
                    "has the fold `{fold}` in column `{name}`, and {} is absent",
                    absent.display()
                );
                let remedy = "make one bundle a fold with models/train";
                return Err(table_error(&arguments.labels, &problem, remedy));
            }
            tasks.entry(bundle).or_default().push((column, row));
        }
    }
    let task = |(name, cells)| Task { folder: Some(folder.join(&name)), name, cells };
    Ok(tasks.into_iter().map(task).collect())
}

/// Groups of the table of which the bundle was trained on a clip. A patient's other clip gives a
/// leak away: a group's clips are all known or all strange.
fn seen<'a>(model: &Model, table: &'a Table) -> Result<BTreeSet<&'a str>, Error> {
    let training = model.bundle.training_set()?;
    let known = |digest: &Option<String>| digest.as_ref().is_some_and(|d| training.contains(d));
    Ok(table.rows.iter().filter(|row| known(&row.digest)).map(|row| &row.group[..]).collect())
}

/// Counts the rows of a task that its bundle has seen; with folds there must be none.
fn seen_rows(
    model: &Model,
    task: &Task,
    seen: &BTreeSet<&str>,
    arguments: &Arguments,
    table: &Table,
) -> Result<usize, Error> {
    let rows = task.cells.iter().map(|&(_, row)| &table.rows[row]);
    let mut leaks = rows.filter(|row| seen.contains(&row.group[..])).peekable();
    if let (Some(row), Some(_)) = (leaks.peek(), &arguments.fold_bundles) {
        let problem = format!(
            "was trained on {} or on another clip of group {}",
            row.path.display(),
            row.group
        );
        let remedy = "use bundles trained without the clip's whole group";
        return Err(Error::new(ErrorKind::Usage, &model.bundle.origin, problem, remedy));
    }
    Ok(leaks.count())
}

/// Figures over several bundles need the same answers from all.
fn same_questions(first: &Asked, model: &Model) -> Result<(), Error> {
    if *first == asked(&model.bundle.manifest) {
        return Ok(());
    }
    let problem = "has other classes or heads than the other folds' bundles";
    let remedy = "make the folds' bundles with one configuration";
    Err(Error::new(ErrorKind::Usage, &model.bundle.origin, problem, remedy))
}

/// What a bundle said of a clip, in the evaluation's terms.
fn said(result: &ClipResult, manifest: &Manifest, bundle: &str) -> Outcome {
    let (evidence, decision) = (&result.evidence, &manifest.decision);
    let (mut choices, mut findings) = (BTreeMap::new(), BTreeMap::new());
    if manifest.output.activation == Activation::Softmax {
        let classes = evidence.classes[..manifest.classes.len()].to_vec();
        choices.insert(CLASSES.to_owned(), classes);
    }
    for (head, place) in manifest.heads() {
        let probabilities = &place.probabilities(&evidence.scores)[..place.len];
        match head.activation {
            Activation::Softmax => {
                choices.insert(key(head), probabilities.to_vec());
            }
            Activation::Sigmoid => {
                let names = head.labels.iter().map(|label| label.name.clone());
                findings.extend(names.zip(probabilities.iter().copied()));
            }
        }
    }
    Outcome {
        score: evidence.probability,
        threshold: 0.5f32.clamp(decision.clear, decision.refer),
        verdict: match result.verdict {
            Verdict::Refer => Call::Refer,
            Verdict::Clear => Call::Clear,
            Verdict::Ungradable(_) => Call::Ungradable,
        },
        reason: result.verdict.reason().map(|reason| reason.code().to_owned()),
        choices,
        findings,
        scores: evidence.scores[..manifest.scores()].to_vec(),
        mask: None,
        bundle: bundle.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::bundle::{Bundle, Mask};
    use crate::capture::FrameSource;
    use crate::capture::phantom::Phantom;
    use crate::cli::evaluate::table;
    use crate::frame::Frame;
    use crate::inference::{Answer, Classifier, Plane};
    use crate::screening::Mode;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    /// Outlines what is dark in the input, four pixels a cell.
    struct Dark;

    impl Classifier for Dark {
        fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error> {
            let mean = |at: usize| {
                let (x, y) = (at % 32 * 4, at / 32 * 4);
                let rows = (y..y + 4).flat_map(|y| &tensor[y * 128 + x..][..4]);
                rows.map(|&p| f32::from(p)).sum::<f32>() / 16.0
            };
            let values = (0..32 * 32).map(|at| 20.0 - mean(at)).collect();
            answer.mask = Plane { width: 32, height: 32, values };
            Ok(())
        }
    }

    #[test]
    fn a_mask_is_compared_with_the_one_that_the_table_names() {
        let folder = tempfile::tempdir().unwrap();
        let (mut phantom, mut frame) =
            (Phantom::new(&"breast-cyst?seed=3".parse().unwrap()), Frame::default());
        assert!(phantom.next(&mut frame).unwrap());
        let save = |name: &str, luma: &[u8]| {
            let (path, kind) = (folder.path().join(name), image::ColorType::L8);
            image::save_buffer(path, luma, frame.width, frame.height, kind).unwrap();
        };
        save("cyst.png", &frame.luma);
        save("cyst-mask.png", phantom.planted().unwrap());
        let labels = folder.path().join("labels.csv");
        let rows = "cyst.png,x,1,cyst-mask.png\ncyst.png,x,1,\ncyst.png,x,1,absent.png\n";
        std::fs::write(&labels, format!("file,label,patient,mask\n{rows}")).unwrap();
        let arguments = Line::parse_from(["evaluate", labels.to_str().unwrap()]).arguments;
        let table = table::read(&arguments).unwrap();
        let mut bundle = Bundle::load(None).unwrap();
        let (output, name) = ("mask".to_owned(), "lesion".to_owned());
        bundle.manifest.mask = Some(Mask { output, name, least: 0.0 });
        let mut stages = Stages::new(&bundle, Box::new(Dark), Mode::Clip);
        let mut row = |row| judge_row(&table, row, &mut stages, &bundle.manifest);
        let cyst = row(0).unwrap().1.unwrap();
        // Its wall is bright, and counts as planted.
        assert!(cyst.dice() > 0.6, "{cyst:?}");
        let nothing = row(1).unwrap().1.unwrap();
        assert_eq!((nothing.truth, nothing.both, nothing.found), (0, 0, cyst.found));
        let error = row(2).unwrap_err();
        assert!(error.to_string().contains("absent.png: is no mask"), "{error}");
    }
}
