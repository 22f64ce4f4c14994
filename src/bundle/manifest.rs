//! `bundle.toml`, key by key.

mod outputs;

use std::time::Duration;

use serde::Deserialize;

pub use self::outputs::{ActivationMap, Familiarity, Head, Label, Mask, Stated};
use crate::preprocess::{InputShape, Region};
use crate::screening::{MOST_CLASSES, Rules};

/// The whole of `bundle.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Short name, such as `lung`.
    pub name: String,
    /// Semantic version of the bundle.
    pub version: String,
    /// What is asked of a picture, in a phrase.
    pub task: String,
    /// Who may use it on whom, and for what.
    pub intended_use: String,
    /// What one verdict rests on.
    pub evidence: EvidenceKind,
    pub input: Input,
    pub output: Output,
    /// In the order of the network's scores (with `sigmoid`: the other class, then the referring).
    #[serde(rename = "class")]
    pub classes: Vec<Class>,
    /// Scores after the verdict's own, in this order.
    #[serde(rename = "head", default)]
    pub heads: Vec<Head>,
    pub familiarity: Option<Familiarity>,
    pub map: Option<ActivationMap>,
    pub mask: Option<Mask>,
    pub decision: Decision,
    pub calibration: Calibration,
    pub stated: Option<Stated>,
    pub provenance: Provenance,
    pub licence: Licence,
    #[serde(rename = "file")]
    pub files: Vec<FileEntry>,
    #[serde(rename = "known_answer")]
    pub known_answers: Vec<KnownAnswer>,
}

/// What one verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EvidenceKind {
    /// Frames gathered over time.
    Clip,
    /// One picture.
    Still,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    pub width: u32,
    pub height: u32,
    pub region: Region,
    /// Version of the preprocessing that the network was trained with.
    pub preprocess: u32,
    /// The network computes `(pixel - zero_point) * scale` itself; stated for whoever reads on.
    pub zero_point: u8,
    pub scale: f32,
}

impl Input {
    pub fn shape(&self) -> InputShape {
        InputShape { width: self.width, height: self.height, region: self.region }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Output {
    pub activation: Activation,
}

/// How scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// Log-odds: of the second of two classes, or of each label of a head.
    Sigmoid,
    /// One logit a class or label.
    Softmax,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    pub name: String,
    /// Whether this class is a reason to refer.
    pub refer: bool,
    /// Other words for it in label files.
    #[serde(default)]
    pub aliases: Vec<String>,
}

/// When evidence becomes a verdict. Probabilities are calibrated ones of referring.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decision {
    /// Refer from this probability upwards.
    pub refer: f32,
    /// Clear up to this probability.
    pub clear: f32,
    /// A verdict is kept until the probability has come back by this much.
    pub hysteresis: f32,
    /// Seconds of usable picture below which nothing is said (clips).
    pub min_evidence_s: f32,
    /// Seconds of picture that a live verdict rests on (clips).
    pub window_s: f32,
}

/// Probability of referring = logistic(slope * log-odds + intercept). With `softmax`, the slope
/// multiplies the scores of the classes before it, and the log-odds are those of the classes that
/// refer together.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    pub method: String,
    pub slope: f32,
    pub intercept: f32,
}

/// Where the network comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provenance {
    pub made_by: String,
    pub training_data: String,
    /// A file of the bundle that lists the SHA-256 and the group of every training clip.
    pub training_set: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Licence of the bundle's files, which follows from its training data.
    pub terms: String,
    pub notice: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    pub path: String,
    pub role: FileRole,
    /// Lower-case hexadecimal.
    pub sha256: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileRole {
    Model,
    Card,
    TrainingSet,
    KnownInput,
}

/// A network input and the scores that it must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAnswer {
    /// A grey PNG of the input's size among the files.
    pub input: String,
    pub scores: Vec<f32>,
    /// Largest difference allowed for another processor's rounding.
    pub tolerance: f32,
}

impl Manifest {
    /// Checks what the types cannot; the error says key, value and what is allowed.
    pub fn validate(&self) -> Result<(), String> {
        let input = &self.input;
        for (key, value) in [("input.width", input.width), ("input.height", input.height)] {
            require((16..=512).contains(&value), key, value, "16 to 512")?;
        }
        let version = crate::preprocess::VERSION;
        require(
            input.preprocess == version,
            "input.preprocess",
            input.preprocess,
            &format!("{version}, the version in this program"),
        )?;
        require(!self.name.is_empty(), "name", "\"\"", "a short name")?;
        let classes = self.classes.len();
        match self.output.activation {
            Activation::Sigmoid => {
                let refers: Vec<bool> = self.classes.iter().map(|c| c.refer).collect();
                let ok = refers == [false, true];
                require(ok, "class.refer", format!("{refers:?}"), "[false, true] with sigmoid")?;
            }
            Activation::Softmax => {
                let refers = self.classes.iter().filter(|c| c.refer).count();
                let ok = (2..=MOST_CLASSES).contains(&classes) && (1..classes).contains(&refers);
                let allowed = "two to eight classes, some that refer and some that do not";
                require(ok, "class", format!("{classes} classes, {refers} refer"), allowed)?;
            }
        }
        let d = &self.decision;
        let unit = 0.0..=1.0;
        require(unit.contains(&d.refer), "decision.refer", d.refer, "0 to 1")?;
        let below = (0.0..=d.refer).contains(&d.clear);
        require(below, "decision.clear", d.clear, "0 to decision.refer")?;
        let room = (0.0..=0.5).contains(&d.hysteresis);
        require(room, "decision.hysteresis", d.hysteresis, "0 to 0.5")?;
        let least = (0.0..=60.0).contains(&d.min_evidence_s);
        require(least, "decision.min_evidence_s", d.min_evidence_s, "0 to 60")?;
        let window = d.window_s > d.min_evidence_s && d.window_s <= 60.0;
        require(window, "decision.window_s", d.window_s, "more than min_evidence_s, at most 60")?;
        let c = &self.calibration;
        let slope = c.slope.is_finite() && c.slope > 0.0;
        require(slope, "calibration.slope", c.slope, "a positive number")?;
        require(c.intercept.is_finite(), "calibration.intercept", c.intercept, "a number")?;
        self.validate_outputs()?;
        require(!self.known_answers.is_empty(), "known_answer", "none", "at least one")?;
        for answer in &self.known_answers {
            let n = answer.scores.len();
            require(n == self.scores(), "known_answer.scores", n, "one a score of the network")?;
            let ok = (0.0..=1.0).contains(&answer.tolerance);
            require(ok, "known_answer.tolerance", answer.tolerance, "0 to 1")?;
        }
        let models = self.files.iter().filter(|f| f.role == FileRole::Model).count();
        require(models == 1, "file.role = model", models, "exactly one file")
    }

    /// The decision as screening applies it.
    pub fn rules(&self) -> Rules {
        let d = &self.decision;
        Rules {
            refers: self.classes.iter().map(|class| class.refer).collect(),
            single_score: self.output.activation == Activation::Sigmoid,
            still: self.evidence == EvidenceKind::Still,
            refer: d.refer,
            clear: d.clear,
            hysteresis: d.hysteresis,
            min_evidence: Duration::from_secs_f32(d.min_evidence_s),
            window: Duration::from_secs_f32(d.window_s),
            slope: self.calibration.slope,
            intercept: self.calibration.intercept,
            familiarity: self.familiarity.map(|f| (self.scores() - 1, f.least)),
        }
    }

    /// The class that a label means, by name or alias, whatever its case.
    pub fn class_of_label(&self, label: &str) -> Option<usize> {
        let is = |word: &String| word.eq_ignore_ascii_case(label.trim());
        self.classes.iter().position(|c| is(&c.name) || c.aliases.iter().any(is))
    }
}

fn require(ok: bool, key: &str, value: impl ToString, allowed: &str) -> Result<(), String> {
    if ok { Ok(()) } else { Err(format!("`{key}` is {}, allowed: {allowed}", value.to_string())) }
}

#[cfg(test)]
mod tests;
