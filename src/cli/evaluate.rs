//! `sonolamp evaluate`: verdicts and scores against labels.

mod document;
mod judge;
mod labels;
mod masks;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::judge::Judged;
use self::table::{Rule, Table};
use super::stored;
use crate::error::{Error, ErrorKind, plain_words};
use crate::evaluation::report::{Heading, html};
use crate::evaluation::text::text;
use crate::evaluation::{Case, Earlier, Part, part};
use crate::screening::Reason;

/// Measure verdicts and scores against a table of labels, with confidence intervals.
///
/// LABELS.csv has the columns file and label, and optionally a group (patient) whose clips are
/// resampled together. Labels are the bundle's class names or their aliases; with --positive they
/// are numbers. A clip whose label is none of a head's is left out of that head's figures, and
/// counted.
///
/// With --fold-bundles, every clip is judged by the bundle of its own fold, DIR/FOLD, which must
/// not have been trained on that clip or on any clip of its group: that is the honest figure. With
/// --fold repeated, a clip is judged once for each of these columns, by DIR/COLUMN/FOLD (or
/// DIR/FOLD where DIR/COLUMN is absent); a column leaves out the rows that name no fold in it.
/// Figures are then means over the columns, with one bootstrap over groups.
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
    /// Column of the labels
    #[arg(long, value_name = "COLUMN", default_value = "label")]
    label: String,
    /// Labels are numbers, and these a reason to refer, as in '>=2'
    #[arg(long, value_name = "RULE")]
    positive: Option<Rule>,
    /// No labels: how many of these are said to be ungradable, as they should
    #[arg(long, value_name = "VERDICT", conflicts_with = "positive")]
    expect: Option<Expected>,
    /// Judge every picture by itself, as a bundle for stills does, even by one that asks for a
    /// clip: that a picture is short is then no reason to call it ungradable
    #[arg(long)]
    still: bool,
    /// Column that names the group (default: group, else patient)
    #[arg(long, value_name = "COLUMN")]
    group: Option<String>,
    /// Column that names the fold; may be repeated
    #[arg(long, value_name = "COLUMN", default_value = "fold")]
    fold: Vec<String>,
    /// Also report each value of this column by itself; may be repeated
    #[arg(long, value_name = "COLUMN")]
    by: Vec<String>,
    /// Column of true masks, PNG files beside the pictures, white inside; empty: no lesion
    /// (default: mask, where the table has it and the bundle outlines)
    #[arg(long, value_name = "COLUMN")]
    mask_column: Option<String>,
    /// Also the rank correlation, over groups, of the mean score with the mean of this column
    #[arg(long, value_name = "COLUMN")]
    by_group_correlation: Option<String>,
    /// The JSON of an earlier run: differences of all figures, over the clips of both (by path),
    /// and how far the verdicts agree
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
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

/// What a table without labels should be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Expected {
    /// None of it is a picture that the bundle may judge.
    Ungradable,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    // Before hours of judging.
    let earlier = arguments.against.as_deref().map(earlier).transpose()?;
    let table = table::read(arguments)?;
    let judged = judge::judge(arguments, &table)?;
    let heading = heading(arguments, &table, &judged);
    let parts = parts(arguments, &judged, earlier.as_ref());
    print!("{}", text(&heading, &parts));
    if let Some(path) = &arguments.html {
        stored(path, std::fs::write(path, html(&heading, &judged.cases, &parts)))?;
    }
    if let Some(path) = &arguments.json {
        let document = document::document(arguments, &heading, &judged, &parts);
        stored(path, std::fs::write(path, format!("{document:#}\n")))?;
    }
    Ok(ExitCode::from(u8::from(!judged.unusable.is_empty())))
}

/// The whole, and then each value of each column to report by.
fn parts(arguments: &Arguments, judged: &Judged, earlier: Option<&Earlier>) -> Vec<Part> {
    let questions = &judged.asked.questions;
    let all: Vec<&Case> = judged.cases.iter().collect();
    let mut parts = vec![part("Figures", &all, questions, earlier)];
    for column in &arguments.by {
        let mut values: Vec<&String> =
            all.iter().filter_map(|case| case.strata.get(column)).collect();
        values.sort_unstable();
        values.dedup();
        for value in values {
            let of = |case: &&&Case| case.strata.get(column) == Some(value);
            let cases: Vec<&Case> = all.iter().filter(of).copied().collect();
            parts.push(part(&stratum(column, value), &cases, questions, earlier));
        }
    }
    parts
}

/// A stratum's name.
fn stratum(column: &str, value: &str) -> String {
    format!("{column}: {value}")
}

/// The clips of an earlier run, by path.
fn earlier(path: &Path) -> Result<Earlier, Error> {
    #[derive(serde::Deserialize)]
    struct Run {
        clips: Vec<Case>,
    }
    let wrong = |problem: String| {
        let remedy = "name a file that `sonolamp evaluate --json` wrote";
        Error::new(ErrorKind::Usage, path.display(), problem, remedy)
    };
    let text = std::fs::read_to_string(path)
        .map_err(|e| wrong(format!("cannot be read ({})", plain_words(&e))))?;
    let run: Run = serde_json::from_str(&text)
        .map_err(|e| wrong(format!("is not an evaluation of this version ({e})")))?;
    Ok(run.clips.into_iter().map(|case| (case.path.clone(), case)).collect())
}

fn heading(arguments: &Arguments, table: &Table, judged: &Judged) -> Heading {
    let Judged { cases, bundles, .. } = judged;
    let mut caveats = Vec::new();
    if judged.trained_on > 0 {
        caveats.push(format!(
            "{} of {} clips (or their groups) were in this bundle's training set: these figures \
             show memory, not skill. Use --fold-bundles for honest ones.",
            judged.trained_on,
            cases.len()
        ));
    }
    if table.group_column.is_none() {
        caveats.push(
            "No group column: clips are taken as independent, and the intervals may be too narrow."
                .to_owned(),
        );
    }
    if !judged.unusable.is_empty() {
        let count = judged.unusable.len();
        caveats.push(format!("{count} inputs could not be used and are not in the figures."));
    }
    if judged.blank > 0 {
        caveats.push(format!("{} cells of the fold columns name no fold.", judged.blank));
    }
    let reasons = cases.iter().flat_map(|c| c.outcomes.iter().flatten()).map(|o| &o.reason);
    let short = Reason::TooLittle.code();
    let short = reasons.filter(|reason| reason.as_deref() == Some(short)).count();
    if arguments.expect.is_some() && short > 0 {
        caveats.push(format!(
            "{short} were ungradable for being short alone, which says nothing of what they show. \
             Use --still for single pictures."
        ));
    }
    if judged.longest > 1 && judged.still {
        caveats.push("Clips of several frames were judged by the mean of their frames.".to_owned());
    }
    let title = bundles.first().map_or("", |bundle| &bundle.title);
    let mut facts = vec![("labels".to_owned(), table.name.clone())];
    if arguments.fold_bundles.is_some() {
        facts.push(("bundle".to_owned(), format!("{} × {title}, one a fold", bundles.len())));
        facts.push(("fold columns".to_owned(), arguments.fold.join(", ")));
    } else {
        facts.push(("bundle".to_owned(), title.to_owned()));
        let digest = bundles.first().map_or(String::new(), |bundle| bundle.digest.clone());
        facts.push(("bundle digest".to_owned(), digest));
    }
    let thresholds: Vec<f32> =
        cases.iter().flat_map(|c| c.outcomes.iter().flatten()).map(|o| o.threshold).collect();
    let least = thresholds.iter().copied().fold(f32::MAX, f32::min);
    let most = thresholds.iter().copied().fold(0.0, f32::max);
    let threshold =
        if least < most { format!("{least:.2} to {most:.2}") } else { format!("{most:.2}") };
    facts.push(("threshold on the score".to_owned(), threshold));
    if arguments.still {
        facts.push(("judged as".to_owned(), "stills".to_owned()));
    }
    facts.push(("program".to_owned(), program()));
    Heading { title: format!("Evaluation of {}", judged.task), facts, caveats }
}

fn program() -> String {
    format!("sonolamp {}", env!("CARGO_PKG_VERSION"))
}
