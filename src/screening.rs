//! From scores to a verdict: usability, evidence over time, calibration, thresholds, abstention.
//!
//! Pure: numbers and timestamps in, a verdict out; no clock, no I/O, no randomness. Evidence is
//! time, not frames: a frame weighs the time since the one before, at most [`LONGEST_GAP`], so
//! a single frame never suffices and a slow camera does not need longer than a fast one.
//!
//! While scanning, the verdict rests on a sliding window. When an exam is held it rests on
//! everything seen, except that a *refer* that stood for [`SUSTAINED`] is kept: an operator who
//! sweeps over a finding and ends elsewhere must not be told *clear*.
//!
//! A frame's scores are one row: the verdict's own, then those of heads, then familiarity. All are
//! averaged over time alike; only the verdict's decide, and familiarity whether a frame counts.
//!
//! Beside the verdict, [`Guide`] tells the operator what to do about the picture now.

mod guidance;
mod heads;
mod usability;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use guidance::{Advice, Guide, Thresholds};
pub use heads::Head;
pub use usability::Flaw;
use usability::Judge;

use crate::preprocess::Measures;

/// Most classes that a verdict is about.
pub const MOST_CLASSES: usize = 8;
/// Most scores that are gathered, those of the classes among them.
pub const MOST_SCORES: usize = 16;
/// The most time that one frame can stand for.
pub const LONGEST_GAP: Duration = Duration::from_millis(250);
/// How long *refer* must have stood to outlive the rest of the exam.
pub const SUSTAINED: Duration = Duration::from_secs(1);
/// Frames that a live window holds; older ones give way.
const WINDOW_FRAMES: usize = 4096;

/// The outcome of screening.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    Refer,
    Clear,
    Ungradable(Reason),
}

/// Why there is no gradable verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Most of the picture's time was unusable in this way.
    Flawed(Flaw),
    /// Less usable picture than the bundle asks for.
    TooLittle,
    /// The probability lies between the thresholds.
    Uncertain,
}

impl Verdict {
    /// As it stands in JSON and on screens.
    pub fn word(self) -> &'static str {
        match self {
            Verdict::Refer => "refer",
            Verdict::Clear => "clear",
            Verdict::Ungradable(_) => "ungradable",
        }
    }

    /// Why it is ungradable, if it is.
    pub fn reason(self) -> Option<Reason> {
        match self {
            Verdict::Ungradable(reason) => Some(reason),
            _ => None,
        }
    }
}

impl Reason {
    /// A fixed identifier, for JSON and logs.
    pub fn code(self) -> &'static str {
        match self {
            Reason::Flawed(flaw) => flaw.code(),
            Reason::TooLittle => "too-little-evidence",
            Reason::Uncertain => "uncertain",
        }
    }

    /// What it means to the operator, and the next step.
    pub fn words(self) -> &'static str {
        match self {
            Reason::Flawed(flaw) => flaw.words(),
            Reason::TooLittle => "too little usable picture: sweep longer, slowly",
            Reason::Uncertain => "between clear and refer: sweep again or ask a clinician",
        }
    }
}

/// What one verdict rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A whole clip, read from its start to its end.
    Clip,
    /// A live exam: a sliding window while scanning.
    Live,
}

/// The bundle's rules, as screening needs them.
#[derive(Debug, Clone, PartialEq)]
pub struct Rules {
    /// For each class, whether it is a reason to refer.
    pub refers: Vec<bool>,
    /// One score, the log-odds of referring, instead of a logit a class.
    pub single_score: bool,
    /// Judge every picture by itself, without evidence over time.
    pub still: bool,
    /// Calibrated probabilities from which to refer and up to which to clear.
    pub refer: f32,
    pub clear: f32,
    /// How far a probability must come back to change a verdict.
    pub hysteresis: f32,
    pub min_evidence: Duration,
    pub window: Duration,
    /// Calibration: the verdict's scores are multiplied by the slope, and the log-odds of
    /// referring are raised by the intercept.
    pub slope: f32,
    pub intercept: f32,
    /// The score of familiarity by its place in the row, and the least of a frame that counts.
    pub familiarity: Option<(usize, f32)>,
}

/// Evidence gathered over a stretch of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Time of usable picture and of all picture.
    pub usable: Duration,
    pub seen: Duration,
    /// Frames that count and all frames.
    pub used: u64,
    pub frames: u64,
    /// Calibrated probability of referring, from the usable frames, or from all where none was
    /// usable.
    pub probability: f32,
    /// Calibrated probability of each class, in the bundle's order.
    pub classes: [f32; MOST_CLASSES],
    /// Mean of each score of the network, over the same frames; heads tell what they mean.
    pub scores: [f32; MOST_SCORES],
    /// The flaw that took the most time, if any did.
    pub flaw: Option<Flaw>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    timestamp: Duration,
    weight: Duration,
    flaw: Option<Flaw>,
    scores: [f32; MOST_SCORES],
}

/// A weighted mean of score rows in the making.
#[derive(Debug, Clone, Copy, Default)]
struct Mean {
    weight: f64,
    sums: [f64; MOST_SCORES],
}

impl Mean {
    fn add(&mut self, weight: f64, scores: &[f32; MOST_SCORES]) {
        self.weight += weight;
        for (sum, &score) in self.sums.iter_mut().zip(scores) {
            *sum += weight * f64::from(score);
        }
    }

    /// Zeros where nothing was added.
    fn value(&self) -> [f32; MOST_SCORES] {
        let weight = if self.weight > 0.0 { self.weight } else { 1.0 };
        self.sums.map(|sum| (sum / weight) as f32)
    }
}

/// Weighted sums over samples.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    usable: Duration,
    seen: Duration,
    used: u64,
    frames: u64,
    usable_scores: Mean,
    all_scores: Mean,
    flawed: [Duration; Flaw::COUNT],
}

impl Sums {
    fn add(&mut self, sample: &Sample) {
        self.seen += sample.weight;
        self.frames += 1;
        // A first frame weighs nothing in time but must not leave a clip without a score.
        let weight = sample.weight.as_secs_f64().max(1e-9);
        self.all_scores.add(weight, &sample.scores);
        match sample.flaw {
            Some(flaw) => self.flawed[flaw as usize] += sample.weight.max(Duration::from_nanos(1)),
            None => {
                self.usable += sample.weight;
                self.used += 1;
                self.usable_scores.add(weight, &sample.scores);
            }
        }
    }
}

/// Gathers the frames of one exam or clip.
#[derive(Debug, Clone)]
pub struct Screening {
    rules: Rules,
    mode: Mode,
    judge: Judge,
    window: VecDeque<Sample>,
    total: Sums,
    last: Option<Duration>,
    verdict: Verdict,
    recent: Evidence,
    flaw: Option<Flaw>,
    referred: Duration,
}

impl Screening {
    /// Nothing gathered yet.
    pub fn new(rules: Rules, mode: Mode) -> Screening {
        let window = VecDeque::with_capacity(if mode == Mode::Live { WINDOW_FRAMES } else { 1 });
        let judge = Judge::new(rules.still);
        let start = Verdict::Ungradable(Reason::TooLittle);
        Screening {
            rules,
            mode,
            judge,
            window,
            total: Sums::default(),
            last: None,
            verdict: start,
            recent: Evidence::default(),
            flaw: None,
            referred: Duration::ZERO,
        }
    }

    /// Starts another exam from nothing.
    pub fn reset(&mut self) {
        self.interrupt();
        self.total = Sums::default();
        self.referred = Duration::ZERO;
    }

    /// The signal was lost: the window starts anew, the exam's totals stay.
    pub fn interrupt(&mut self) {
        self.judge = Judge::new(self.rules.still);
        self.window.clear();
        self.last = None;
        self.verdict = Verdict::Ungradable(Reason::TooLittle);
        self.recent = Evidence::default();
        self.flaw = None;
    }

    /// Takes in one frame's measures and scores (in the network's order).
    pub fn observe(&mut self, measures: &Measures, scores: &[f32]) {
        let now = measures.timestamp;
        let since = self.last.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last = Some(now);
        let mut sample = Sample {
            timestamp: now,
            weight: since.min(LONGEST_GAP),
            flaw: self.judge.flaw(measures).or_else(|| self.rules.unfamiliar(scores)),
            scores: [0.0; MOST_SCORES],
        };
        for (kept, &score) in sample.scores.iter_mut().zip(scores) {
            *kept = score;
        }
        self.flaw = sample.flaw;
        self.total.add(&sample);
        let sums = match self.mode {
            Mode::Clip => self.total,
            Mode::Live => self.slide(sample),
        };
        self.recent = self.rules.evidence(&sums);
        self.verdict = self.rules.decide(&self.recent, self.verdict, self.mode);
        if self.verdict == Verdict::Refer {
            self.referred += sample.weight;
        }
    }

    /// Adds to the window, forgets what has left it, and sums the rest.
    fn slide(&mut self, sample: Sample) -> Sums {
        if self.rules.still || self.window.len() == WINDOW_FRAMES {
            self.window.pop_front();
        }
        self.window.push_back(sample);
        let horizon = sample.timestamp.saturating_sub(self.rules.window);
        while self.window.front().is_some_and(|s| s.timestamp < horizon) {
            self.window.pop_front();
        }
        let mut sums = Sums::default();
        self.window.iter().for_each(|s| sums.add(s));
        sums
    }

    /// The verdict now: on the window (live) or on the clip so far.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// What the verdict now rests on.
    pub fn evidence(&self) -> &Evidence {
        &self.recent
    }

    /// Calibrated log-odds of referring that a row of scores stands for.
    pub fn log_odds(&self, scores: &[f32]) -> f32 {
        self.rules.log_odds(scores)
    }

    /// What is wrong with the latest frame, if anything.
    pub fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    /// The verdict on everything seen since the start, and what it rests on.
    pub fn conclude(&self) -> (Verdict, Evidence) {
        let evidence = self.rules.evidence(&self.total);
        let whole =
            self.rules.decide(&evidence, Verdict::Ungradable(Reason::TooLittle), Mode::Clip);
        let kept = self.mode == Mode::Live && self.referred >= SUSTAINED;
        (if kept { Verdict::Refer } else { whole }, evidence)
    }
}

impl Rules {
    fn evidence(&self, sums: &Sums) -> Evidence {
        let mean = if sums.used > 0 { &sums.usable_scores } else { &sums.all_scores };
        let scores = mean.value();
        let (probability, classes) = self.probabilities(&scores);
        let flaw = Flaw::ALL.into_iter().max_by_key(|&flaw| sums.flawed[flaw as usize]);
        Evidence {
            usable: sums.usable,
            seen: sums.seen,
            used: sums.used,
            frames: sums.frames,
            probability,
            classes,
            scores,
            flaw: flaw.filter(|&flaw| !sums.flawed[flaw as usize].is_zero()),
        }
    }

    fn log_odds(&self, scores: &[f32]) -> f32 {
        if self.single_score {
            return self.slope * scores.first().copied().unwrap_or(0.0) + self.intercept;
        }
        let together = |refers: bool| {
            let own = scores.iter().zip(&self.refers).filter(move |(_, r)| **r == refers);
            let logits = own.map(|(score, _)| self.slope * score);
            let top = logits.clone().fold(f32::MIN, f32::max);
            top + libm::logf(logits.map(|x| libm::expf(x - top)).sum())
        };
        together(true) - together(false) + self.intercept
    }

    fn unfamiliar(&self, scores: &[f32]) -> Option<Flaw> {
        let (column, least) = self.familiarity?;
        scores.get(column).is_some_and(|&score| score < least).then_some(Flaw::Unfamiliar)
    }

    /// Calibrated probabilities of referring and of each class.
    fn probabilities(&self, scores: &[f32; MOST_SCORES]) -> (f32, [f32; MOST_CLASSES]) {
        let mut classes = [0.0; MOST_CLASSES];
        if self.single_score {
            let probability = logistic(self.slope * scores[0] + self.intercept);
            (classes[0], classes[1]) = (1.0 - probability, probability);
            return (probability, classes);
        }
        let count = self.refers.len().min(MOST_CLASSES);
        for ((class, &score), &refers) in classes.iter_mut().zip(scores).zip(&self.refers) {
            // Raising each class that refers raises the log-odds of all of them together.
            *class = self.slope * score + if refers { self.intercept } else { 0.0 };
        }
        softmax(&mut classes[..count]);
        let referring = classes.iter().zip(&self.refers).filter(|(_, refers)| **refers);
        (referring.map(|(class, _)| class).sum::<f32>().min(1.0), classes)
    }

    /// Usable picture that a verdict takes. A lamp must not flicker on the first frames, so a
    /// live one takes half a window. One picture is enough where each is judged by itself.
    pub fn needed(&self, mode: Mode) -> Duration {
        match mode {
            _ if self.still => Duration::ZERO,
            Mode::Clip => self.min_evidence,
            Mode::Live => self.min_evidence.max(self.window / 2),
        }
    }

    fn decide(&self, evidence: &Evidence, before: Verdict, mode: Mode) -> Verdict {
        let enough =
            if self.still { evidence.used > 0 } else { evidence.usable >= self.needed(mode) };
        if !enough {
            let flawed = evidence.seen.saturating_sub(evidence.usable);
            let lone = evidence.frames == 1;
            return Verdict::Ungradable(match evidence.flaw {
                Some(flaw) if lone || 2 * flawed >= evidence.seen => Reason::Flawed(flaw),
                _ => Reason::TooLittle,
            });
        }
        let kept = |verdict| {
            if before == verdict { self.hysteresis } else { 0.0 }
        };
        if evidence.probability >= self.refer - kept(Verdict::Refer) {
            Verdict::Refer
        } else if evidence.probability <= self.clear + kept(Verdict::Clear) {
            Verdict::Clear
        } else {
            Verdict::Ungradable(Reason::Uncertain)
        }
    }
}

/// Of logits, in place; sums run in order.
fn softmax(logits: &mut [f32]) {
    let top = logits.iter().copied().fold(f32::MIN, f32::max);
    logits.iter_mut().for_each(|x| *x = libm::expf(*x - top));
    let all: f32 = logits.iter().sum();
    logits.iter_mut().for_each(|x| *x /= all);
}

fn logistic(x: f32) -> f32 {
    1.0 / (1.0 + libm::expf(-x))
}

#[cfg(test)]
mod tests;
