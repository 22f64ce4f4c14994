//! `sonolamp evaluate`: verdicts and scores against labels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use super::{Progress, jobs, screen, stored};
use crate::bundle::{EvidenceKind, sha256};
use crate::capture::SourceSpec;
use crate::error::{Error, ErrorKind, plain_words};
use crate::evaluation::report::{Heading, html, interval};
use crate::evaluation::{Case, Metrics, metrics};
use crate::pipeline::Model;

/// Measure verdicts and scores against a table of labels, with confidence intervals.
///
/// LABELS.csv has the columns file and label, and optionally a group (patient) whose clips are
/// resampled together. Labels are the bundle's class names or their aliases.
///
/// With --fold-bundles, every clip is judged by the bundle of its own fold, DIR/FOLD, which must
/// not have been trained on that clip or on any clip of its group: that is the honest figure.
#[derive(clap::Args)]
pub struct Arguments {
    /// Table of labels
    #[arg(value_name = "LABELS.csv")]
    labels: PathBuf,
    /// Folder that the file column is relative to (default: the table's own)
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Bundle to use instead of the built-in one
    #[arg(long, value_name = "DIR", conflicts_with = "fold_bundles")]
    bundle: Option<PathBuf>,
    /// Folder with one bundle a fold, each trained without that fold
    #[arg(long, value_name = "DIR")]
    fold_bundles: Option<PathBuf>,
    /// Column that names the group (default: group, else patient)
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Column that names the fold
    #[arg(long, value_name = "COLUMN", default_value = "fold")]
    fold: String,
    /// Also report each value of this column by itself
    #[arg(long, value_name = "COLUMN")]
    by: Option<String>,
    /// Write everything as JSON
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write a page with plots
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Clips judged at once; 0 takes one a processor
    #[arg(long, default_value_t = 0, value_name = "N")]
    jobs: usize,
}

/// One row of the table.
struct Row {
    path: PathBuf,
    label: String,
    group: String,
    stratum: Option<String>,
    fold: Option<String>,
    /// SHA-256 of the file; `None` for a folder or a file that cannot be read.
    digest: Option<String>,
}

/// The bundle to use (`None`: the built-in one) and the rows to use it on.
type Part = (Option<PathBuf>, Vec<Row>);

/// A judged row, and whether its clip or its group was in the training set.
struct Judged {
    case: Case,
    trained_on: bool,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (rows, group_column) = read_table(arguments)?;
    // Who is whose, over all folds: a patient's other clip gives a leak away.
    let known: Vec<(String, String)> =
        rows.iter().filter_map(|row| Some((row.digest.clone()?, row.group.clone()))).collect();
    let parts = match &arguments.fold_bundles {
        None => vec![(arguments.bundle.clone(), rows)],
        Some(folder) => by_fold(folder, rows, arguments)?,
    };
    let progress = Progress::new(parts.iter().map(|(_, rows)| rows.len()).sum(), "clips");
    let (mut judged, mut unusable, mut models) = (Vec::new(), 0, Vec::new());
    for (bundle, rows) in &parts {
        let model = Model::load(bundle.as_deref())?;
        let (part, failed) = judge(&model, rows, &known, arguments, &progress)?;
        judged.extend(part);
        unusable += failed;
        models.push(model);
    }
    drop(progress);
    let Some(model) = models.first() else {
        return Err(table_error(&arguments.labels, "has no rows", "list at least one clip").into());
    };
    report(arguments, judged, unusable, model, models.len(), group_column.as_deref())?;
    Ok(ExitCode::from(u8::from(unusable > 0)))
}

fn table_error(path: &Path, problem: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Usage, path.display(), problem, remedy)
}

fn read_table(arguments: &Arguments) -> Result<(Vec<Row>, Option<String>), Error> {
    let path = &arguments.labels;
    let wrong = |problem: &str, remedy: &str| table_error(path, problem, remedy);
    let file = std::fs::File::open(path).map_err(|e| {
        wrong(&format!("cannot be read ({})", plain_words(&e)), "check the path and permissions")
    })?;
    let mut table = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file);
    let broken = |e: csv::Error| wrong(&format!("is broken ({e})"), "save it as CSV with a header");
    let header = table.headers().map_err(broken)?.clone();
    let column = |name: &str| header.iter().position(|h| h == name);
    let wanted = |name: &str| {
        column(name).ok_or_else(|| {
            let columns = header.iter().collect::<Vec<_>>().join(", ");
            wrong(&format!("has no column `{name}`"), &format!("its columns are: {columns}"))
        })
    };
    let (file, label) = (wanted("file")?, wanted("label")?);
    let group = match &arguments.group {
        Some(name) => Some(wanted(name)?),
        None => column("group").or_else(|| column("patient")),
    };
    let fold = arguments.fold_bundles.as_ref().map(|_| wanted(&arguments.fold)).transpose()?;
    let stratum = arguments.by.as_deref().map(wanted).transpose()?;
    let root = match &arguments.root {
        Some(root) => root.clone(),
        None => path.parent().unwrap_or(Path::new(".")).to_owned(),
    };
    let mut rows = Vec::new();
    for record in table.records() {
        let record = record.map_err(broken)?;
        let field = |i: usize| record.get(i).unwrap_or_default().to_owned();
        let path = root.join(field(file));
        rows.push(Row {
            digest: std::fs::read(&path).ok().map(|bytes| sha256(&bytes)),
            path,
            label: field(label),
            group: group.map_or_else(|| field(file), field),
            stratum: stratum.map(field),
            fold: fold.map(field),
        });
    }
    Ok((rows, group.and_then(|i| header.get(i)).map(str::to_owned)))
}

/// Rows by the bundle that has not seen them.
fn by_fold(folder: &Path, rows: Vec<Row>, arguments: &Arguments) -> Result<Vec<Part>, Error> {
    let mut folds: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in rows {
        folds.entry(row.fold.clone().unwrap_or_default()).or_default().push(row);
    }
    folds
        .into_iter()
        .map(|(fold, rows)| {
            let bundle = folder.join(&fold);
            if fold.is_empty() || !bundle.is_dir() {
                let problem = format!("has the fold `{fold}`, and {} is absent", bundle.display());
                let remedy = "make one bundle a fold with models/train";
                return Err(table_error(&arguments.labels, &problem, remedy));
            }
            Ok((Some(bundle), rows))
        })
        .collect()
}

fn judge(
    model: &Model,
    rows: &[Row],
    known: &[(String, String)],
    arguments: &Arguments,
    progress: &Progress,
) -> anyhow::Result<(Vec<Judged>, usize)> {
    let manifest = &model.bundle.manifest;
    let training = model.bundle.training_set()?;
    let trained_groups: BTreeSet<&String> = known
        .iter()
        .filter(|(digest, _)| training.contains(digest))
        .map(|(_, group)| group)
        .collect();
    let mut classes = Vec::with_capacity(rows.len());
    for row in rows {
        classes.push(manifest.class_of_label(&row.label).ok_or_else(|| {
            let known: Vec<_> = manifest.classes.iter().map(|c| c.name.as_str()).collect();
            let problem = format!("has the label `{}`", row.label);
            let remedy = format!("use {} or an alias in bundle.toml", known.join(", "));
            table_error(&arguments.labels, &problem, &remedy)
        })?);
    }
    let (mut judged, mut unusable) = (Vec::new(), 0);
    let work = |i: usize, stages: &mut _| {
        screen::screen(&SourceSpec::at(rows[i].path.clone()), stages, 0.0)
    };
    jobs::run(model, rows.len(), arguments.jobs, work, |i, outcome| {
        let row = &rows[i];
        match outcome {
            Ok(result) => {
                // A group's clips are all known or all strange: they share a patient.
                let trained_on = trained_groups.contains(&row.group);
                if trained_on && arguments.fold_bundles.is_some() {
                    let problem = format!(
                        "was trained on {} or on another clip of group {}",
                        row.path.display(),
                        row.group
                    );
                    let remedy = "use bundles trained without the clip's whole group";
                    let subject = &model.bundle.origin;
                    return Err(Error::new(ErrorKind::Usage, subject, problem, remedy).into());
                }
                let case = Case {
                    name: row.path.display().to_string(),
                    group: row.group.clone(),
                    stratum: row.stratum.clone(),
                    positive: manifest.classes[classes[i]].refer,
                    label: row.label.clone(),
                    score: result.evidence.probability,
                    verdict: result.verdict,
                };
                judged.push(Judged { case, trained_on });
            }
            Err(error) if error.kind == ErrorKind::Model => return Err(error.into()),
            Err(error) => {
                unusable += 1;
                progress.say(&format!("sonolamp: {error}"));
            }
        }
        progress.step();
        Ok(())
    })?;
    Ok((judged, unusable))
}

fn report(
    arguments: &Arguments,
    judged: Vec<Judged>,
    unusable: usize,
    model: &Model,
    bundles: usize,
    group_column: Option<&str>,
) -> anyhow::Result<()> {
    let trained_on = judged.iter().filter(|j| j.trained_on).count();
    let cases: Vec<Case> = judged.into_iter().map(|j| j.case).collect();
    let decision = &model.bundle.manifest.decision;
    let threshold = (decision.refer + decision.clear) / 2.0;
    let all = metrics(&cases, threshold);
    let mut parts: BTreeMap<String, Vec<Case>> = BTreeMap::new();
    for case in cases.iter().filter(|c| c.stratum.is_some()) {
        parts.entry(case.stratum.clone().unwrap_or_default()).or_default().push(case.clone());
    }
    let strata: Vec<(String, Metrics)> =
        parts.into_iter().map(|(name, cases)| (name, metrics(&cases, threshold))).collect();
    let mut caveats = Vec::new();
    if trained_on > 0 {
        caveats.push(format!(
            "{trained_on} of {} clips (or their groups) were in this bundle's training set: these \
             figures show memory, not skill. Use --fold-bundles for honest ones.",
            cases.len()
        ));
    }
    if group_column.is_none() {
        caveats.push(
            "No group column: clips are taken as independent, and the intervals may be too narrow."
                .to_owned(),
        );
    }
    if unusable > 0 {
        caveats.push(format!("{unusable} inputs could not be used and are not in the figures."));
    }
    if model.bundle.manifest.evidence == EvidenceKind::Still {
        caveats.push("A still bundle judged each clip by the mean of its frames.".to_owned());
    }
    let bundle = match &arguments.fold_bundles {
        Some(folder) => format!("{} × {} from {}", bundles, model.bundle.title(), folder.display()),
        None => format!("{} ({})", model.bundle.title(), model.bundle.origin),
    };
    let mut facts = vec![
        ("labels".to_owned(), arguments.labels.display().to_string()),
        ("bundle".to_owned(), bundle),
    ];
    if arguments.fold_bundles.is_none() {
        facts.push(("bundle digest".to_owned(), model.bundle.digest.clone()));
    }
    facts.push(("threshold on the score".to_owned(), format!("{threshold:.2}")));
    facts.push(("program".to_owned(), format!("sonolamp {}", env!("CARGO_PKG_VERSION"))));
    let title = format!("Evaluation of {}", model.bundle.manifest.task);
    let heading = Heading { title, facts, caveats };
    print!("{}", text(&heading, &all, &strata));
    if let Some(path) = &arguments.html {
        stored(path, std::fs::write(path, html(&heading, &cases, &all, &strata)))?;
    }
    if let Some(path) = &arguments.json {
        let clips: Vec<_> = cases
            .iter()
            .map(|c| {
                json!({"path": c.name, "group": c.group, "label": c.label, "score": c.score,
                       "positive": c.positive, "verdict": c.verdict.word(),
                       "reason": c.verdict.reason().map(|r| r.code())})
            })
            .collect();
        let document = json!({
            "facts": heading.facts.iter().cloned().collect::<BTreeMap<_, _>>(),
            "caveats": heading.caveats,
            "metrics": all,
            "strata": strata.iter().map(|(n, m)| (n, json!(m))).collect::<BTreeMap<_, _>>(),
            "unusable": unusable,
            "clips": clips,
        });
        stored(path, std::fs::write(path, format!("{document:#}\n")))?;
    }
    Ok(())
}

fn text(heading: &Heading, all: &Metrics, strata: &[(String, Metrics)]) -> String {
    let mut text = String::new();
    for caveat in &heading.caveats {
        let _ = writeln!(text, "CAVEAT: {caveat}");
    }
    for (name, value) in &heading.facts {
        let _ = writeln!(text, "{name:<24} {value}");
    }
    let c = &all.confusion;
    let _ = writeln!(
        text,
        "{:<24} {} of {} groups, {} positive",
        "clips", all.clips, all.groups, all.positives
    );
    for (name, figure) in [
        ("AUC", &all.auc),
        ("sensitivity", &all.sensitivity),
        ("specificity", &all.specificity),
        ("balanced accuracy", &all.balanced_accuracy),
        ("sensitivity, graded", &all.graded_sensitivity),
        ("specificity, graded", &all.graded_specificity),
        ("ungradable share", &all.ungradable_share),
        ("calibration error", &all.calibration_error),
    ] {
        let _ = writeln!(text, "{name:<24} {}", interval(figure));
    }
    let _ = writeln!(text, "{:<24} refer  clear  ungradable", "");
    let _ = writeln!(
        text,
        "{:<24} {:>5}  {:>5}  {:>10}",
        "label positive", c.positive_refer, c.positive_clear, c.positive_ungradable
    );
    let _ = writeln!(
        text,
        "{:<24} {:>5}  {:>5}  {:>10}",
        "label negative", c.negative_refer, c.negative_clear, c.negative_ungradable
    );
    for (name, m) in strata {
        let _ = writeln!(
            text,
            "{name:<24} {} clips, {} positive, AUC {}, sensitivity {}, specificity {}",
            m.clips,
            m.positives,
            interval(&m.auc),
            interval(&m.sensitivity),
            interval(&m.specificity)
        );
    }
    text
}
