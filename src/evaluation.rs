//! How good verdicts and scores are against labels, with honest uncertainty.
//!
//! Pure arithmetic over judged clips. Confidence intervals are percentile bootstraps that resample
//! whole groups (patients), because clips of one patient are not independent. Every clip with a
//! score counts in the threshold-free figures, whether its verdict abstained or not. Where a clip
//! was judged several times, once for each column of folds, a figure is the mean over the columns,
//! and one bootstrap serves them all.

mod bootstrap;
pub mod explanation;
mod plots;
pub mod report;
mod sections;
mod statistics;
#[cfg(test)]
mod tests;
pub mod text;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use bootstrap::draw;
use sections::{Plan, plans};

/// Bins of the reliability plot and of the expected calibration error.
pub const BINS: usize = 10;

/// One labelled clip with what was said of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Case {
    /// As the table names it.
    pub path: String,
    /// Clips of one group are resampled together.
    pub group: String,
    pub label: String,
    /// Whether the label is a reason to refer; `None` where it is not known.
    pub positive: Option<bool>,
    /// Column and value of the strata to report by themselves, such as the hospital.
    pub strata: BTreeMap<String, String>,
    /// The right label of each question, by its index.
    pub choices: BTreeMap<String, usize>,
    /// Whether each finding is there, where that is known.
    pub findings: BTreeMap<String, bool>,
    /// What the mean score of a group is compared with.
    pub number: Option<f64>,
    /// One a column of folds; `None` where the column leaves this clip out.
    pub outcomes: Vec<Option<Outcome>>,
}

/// What one bundle said of a clip.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// Calibrated probability of referring.
    pub score: f32,
    /// One half, or the nearer of the bundle's thresholds where both lie on one side of it.
    pub threshold: f32,
    /// The network's own scores, averaged over the clip.
    pub scores: Vec<f32>,
    pub verdict: Call,
    pub reason: Option<String>,
    /// Probability of each label of each question.
    pub choices: BTreeMap<String, Vec<f32>>,
    /// Probability of each finding.
    pub findings: BTreeMap<String, f32>,
    pub mask: Option<Overlap>,
    /// Which of the bundles said so.
    pub bundle: String,
}

/// A verdict without its reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    Refer,
    Clear,
    #[default]
    Ungradable,
}

/// Pixels of the picture in the true mask, in the network's, and in both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overlap {
    pub truth: u64,
    pub found: u64,
    pub both: u64,
}

/// A question of which one label is the answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Question {
    pub key: String,
    pub labels: Vec<String>,
}

/// A figure with its 95 % interval; `None` where the data do not define it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figure {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// What a figure gained on an earlier run, over the clips of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Difference {
    #[serde(flatten)]
    pub figure: Figure,
    /// Two-sided: how often resampling turns the difference round.
    pub p: Option<f64>,
}

/// A figure by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: String,
    pub words: String,
    pub figure: Figure,
    pub difference: Option<Difference>,
}

/// Counts of clips by label and by what was said, over all columns of folds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Matrix {
    pub labels: Vec<String>,
    pub said: Vec<String>,
    /// A row a label.
    pub counts: Vec<Vec<usize>>,
}

/// Figures that belong together.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub key: String,
    pub title: String,
    /// Clips in these figures and clips left out, their label being unknown here.
    pub clips: usize,
    pub left_out: usize,
    pub entries: Vec<Entry>,
    pub matrix: Option<Matrix>,
}

/// Everything that is reported about one set of cases.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    pub name: String,
    pub clips: usize,
    pub groups: usize,
    pub positives: usize,
    pub sections: Vec<Section>,
    /// Reasons of ungradable clips, over all columns of folds.
    pub reasons: BTreeMap<String, usize>,
}

/// An earlier run to compare with, by path.
pub type Earlier = BTreeMap<String, Case>;

/// What there is to say of `cases`.
pub fn part(
    name: &str,
    cases: &[&Case],
    questions: &[Question],
    earlier: Option<&Earlier>,
) -> Part {
    let plans = plans(cases, questions);
    let differences = earlier.map(|earlier| differences(cases, questions, earlier));
    let mut reasons = BTreeMap::new();
    for outcome in cases.iter().flat_map(|case| case.outcomes.iter().flatten()) {
        if let Some(reason) = &outcome.reason {
            *reasons.entry(reason.clone()).or_default() += 1;
        }
    }
    let groups: std::collections::BTreeSet<&str> = cases.iter().map(|c| c.group.as_str()).collect();
    let mut sections = measured(cases, plans);
    if let Some((found, agreement)) = differences {
        for section in &mut sections {
            for entry in &mut section.entries {
                let key = (section.key.clone(), entry.key.clone());
                entry.difference = found.get(&key).copied();
            }
        }
        sections.push(agreement);
    }
    Part {
        name: name.to_owned(),
        clips: cases.len(),
        groups: groups.len(),
        positives: cases.iter().filter(|case| case.positive == Some(true)).count(),
        sections,
        reasons,
    }
}

fn measured(cases: &[&Case], plans: Vec<Plan>) -> Vec<Section> {
    let statistics: Vec<_> = plans.iter().flat_map(|p| &p.measures).map(|m| &m.of).collect();
    let mut drawn = draw(cases, &statistics).into_iter();
    let mut figure = || drawn.next().map(|d| d.figure()).unwrap_or_default();
    let section = |plan: Plan| Section {
        entries: plan
            .measures
            .into_iter()
            .map(|m| Entry { key: m.key, words: m.words, figure: figure(), difference: None })
            .collect(),
        key: plan.key,
        title: plan.title,
        clips: plan.clips,
        left_out: cases.len() - plan.clips,
        matrix: plan.matrix,
    };
    plans.into_iter().map(section).collect()
}

type Differences = BTreeMap<(String, String), Difference>;

/// Each figure less the earlier run's, by section and key, and how far the two runs agree.
fn differences(
    cases: &[&Case],
    questions: &[Question],
    earlier: &Earlier,
) -> (Differences, Section) {
    let mut both = Vec::new();
    let mut before = Vec::new();
    for &case in cases {
        if let Some(old) = earlier.get(&case.path) {
            both.push(case);
            // The labels are this run's.
            before.push(Case { outcomes: old.outcomes.clone(), ..case.clone() });
        }
    }
    let before: Vec<&Case> = before.iter().collect();
    let mut old: BTreeMap<(String, String), statistics::Statistic> = BTreeMap::new();
    for plan in plans(&before, questions) {
        old.extend(plan.measures.into_iter().map(|m| ((plan.key.clone(), m.key), m.of)));
    }
    let (mut keys, mut paired) = (Vec::new(), Vec::new());
    for plan in plans(&both, questions) {
        for measure in plan.measures {
            let key = (plan.key.clone(), measure.key);
            if let Some(old) = old.remove(&key) {
                keys.push(key);
                paired.push(statistics::less(measure.of, old));
            }
        }
    }
    let drawn = draw(&both, &paired.iter().collect::<Vec<_>>());
    let difference = |d: bootstrap::Drawn| Difference { figure: d.figure(), p: d.p() };
    let found = keys.into_iter().zip(drawn.into_iter().map(difference)).collect();
    let agreement = measured(&both, vec![sections::agreement(&both, &before)]).remove(0);
    let left_out = cases.len() - both.len();
    (found, Section { left_out, ..agreement })
}
