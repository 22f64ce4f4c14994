//! The whole state at one instant, the same for every sink.
//!
//! Lamps, panel and dashboard see nothing else, so they cannot disagree. A snapshot has a fixed
//! size: pictures are scaled down to fit [`PICTURE_LIMIT`], curves are rings, and copying one
//! into another's buffers allocates nothing.

mod device;
mod overlay;
mod paint;

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_big_array::BigArray;

pub use self::device::{Clock, Device, Disk, Power, Update};
pub use self::overlay::{Area, HeatMap, MAP_SIDE, MASK_SIDE, Outline};
pub use self::paint::{AGAINST, Colour, FAINT, FOR, OUTLINE, lit, on_outline, paint};
use crate::exam::Exam;
use crate::frame::{Bounds, Frame};
use crate::protocol::Examination;
use crate::screening::{self, Advice, Evidence, Flaw, MOST_CLASSES, MOST_SCORES, Verdict};

/// Largest picture that a snapshot carries, in pixels.
pub const PICTURE_LIMIT: (u32, u32) = (640, 480);
/// Points of the evidence curve.
pub const HISTORY: usize = 240;
/// Time between two points of the evidence curve.
pub const HISTORY_STEP: Duration = Duration::from_millis(100);

/// What does not change while the program runs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Identity {
    /// The source by name.
    pub source: String,
    /// A phantom or a file: nothing on show is a patient.
    pub demonstration: bool,
    /// `name version` and the first digits of the digest.
    pub bundle: String,
    pub bundle_digest: String,
    pub task: String,
    pub licence: String,
    /// Class names, in the order of [`Evidence::classes`].
    pub classes: Vec<String>,
    pub heads: Vec<Head>,
    /// What the network gives beside scores: a heat map, and the outline of this.
    pub heat_map: bool,
    pub outlined: Option<String>,
    /// Usable picture that a verdict needs.
    pub min_evidence: Duration,
    /// How far back a live verdict looks.
    pub window: Duration,
    /// Thresholds on the probability of referring.
    pub refer: f32,
    pub clear: f32,
    /// How the lamps are driven, in words.
    pub lamps: String,
    /// The lines of refer, clear and attention by name, and whether a low one lights its lamp; empty
    /// where none is driven.
    pub lines: Vec<String>,
    pub active_low: bool,
    /// What the camera was asked for when the program started and what else it offers, in words.
    pub camera: String,
    pub version: String,
}

/// What the network says beside its verdict.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Head {
    pub name: String,
    pub labels: Vec<String>,
    /// Its place among the scores.
    pub place: screening::Head,
}

impl Head {
    /// Each label with its probability.
    pub fn shares(&self, scores: &[f32; MOST_SCORES]) -> impl Iterator<Item = (&str, f32)> {
        self.labels.iter().map(|label| &label[..]).zip(self.place.probabilities(scores))
    }

    /// The most probable label.
    pub fn first(&self, scores: &[f32; MOST_SCORES]) -> Option<(&str, f32)> {
        self.shares(scores).max_by(|a, b| a.1.total_cmp(&b.1))
    }
}

/// Why there is no verdict although an exam may be running.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    pub kind: FaultKind,
    /// One line with the remedy.
    pub words: Arc<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FaultKind {
    /// No frame arrives.
    NoSignal,
    /// The source failed for good.
    Source,
    /// The network failed on a frame.
    Model,
    /// Something that screening needs is broken: nothing is screened.
    SafeMode,
}

impl FaultKind {
    pub const ALL: [FaultKind; 4] =
        [FaultKind::NoSignal, FaultKind::Source, FaultKind::Model, FaultKind::SafeMode];

    /// A fixed identifier, by which texts are found.
    pub fn code(self) -> &'static str {
        match self {
            FaultKind::NoSignal => "no-signal",
            FaultKind::Source => "source-failed",
            FaultKind::Model => "model-failed",
            FaultKind::SafeMode => "safe-mode",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            FaultKind::NoSignal => "no signal",
            FaultKind::Source => "source failed",
            FaultKind::Model => "model failed",
            FaultKind::SafeMode => "safe mode",
        }
    }
}

/// How it stands with keeping the exam.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Keeping {
    /// Exams are not kept.
    #[default]
    Off,
    Ready,
    Recording,
    /// Held, and on its way to the disk.
    Keeping,
    /// It is safe.
    Kept,
    /// It is not kept, and why.
    Failed(Arc<str>),
}

impl Keeping {
    /// A fixed identifier, for JSON and texts.
    pub fn code(&self) -> &'static str {
        match self {
            Keeping::Off => "off",
            Keeping::Ready => "ready",
            Keeping::Recording => "recording",
            Keeping::Keeping => "keeping",
            Keeping::Kept => "kept",
            Keeping::Failed(_) => "failed",
        }
    }

    /// Why the exam is not kept, if it should be and is not.
    pub fn failure(&self) -> Option<&str> {
        match self {
            Keeping::Failed(words) => Some(words),
            _ => None,
        }
    }
}

/// Whose turn it is, and whether anybody has said who that is: no more of a patient may stand here,
/// since snapshots go to every screen, to watchers and into logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Visit {
    /// Patients since the program started.
    pub number: u32,
    /// How often something was entered of this one.
    pub entries: u32,
}

/// Frames since the program started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameCounts {
    /// Taken from the source.
    pub captured: u64,
    /// Lost to a newer one, or missing in the source's sequence.
    pub dropped: u64,
    /// Run through the network.
    pub inferred: u64,
}

/// What was blacked out or filled in before anything else saw the latest frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Masked {
    /// Pixels of text and marks inside the sector, filled with the grey around them.
    pub marks: u32,
    /// Their share of the sector, 0–1.
    pub inside: f32,
    /// Share of the picture outside the sector, 0–1; all of it is black.
    pub outside: f32,
}

/// Speed over the latest frames.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    pub frames_per_second: f32,
    /// Capture to snapshot, in milliseconds.
    pub latency_p50_ms: f32,
    pub latency_p99_ms: f32,
}

/// One lamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Light {
    #[default]
    Off,
    On,
    Blinking,
}

/// What the lamps say. All off means *not working* or *no verdict*: the heartbeat tells which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lights {
    pub refer: Light,
    pub clear: Light,
    pub attention: Light,
}

impl Lights {
    /// The lamps of a fault, or of a state too old to be believed.
    pub const FAULT: Lights =
        Lights { refer: Light::Off, clear: Light::Off, attention: Light::Blinking };
}

/// The probability of referring over time, a ring.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct History {
    #[serde(with = "BigArray")]
    values: [f32; HISTORY],
    next: usize,
    len: usize,
}

impl Default for History {
    fn default() -> History {
        History { values: [0.0; HISTORY], next: 0, len: 0 }
    }
}

impl History {
    /// Adds a point; the oldest gives way.
    pub fn push(&mut self, value: f32) {
        self.values[self.next] = value;
        self.next = (self.next + 1) % HISTORY;
        self.len = (self.len + 1).min(HISTORY);
    }

    /// Oldest first.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = f32> + '_ {
        let start = (self.next + HISTORY - self.len) % HISTORY;
        (0..self.len).map(move |i| self.values[(start + i) % HISTORY])
    }
}

/// The sector of the masked picture, small enough for a screen.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// `width * height` bytes of grey.
    #[serde(with = "serde_bytes")]
    pub luma: Vec<u8>,
}

impl Picture {
    fn with_capacity() -> Picture {
        let pixels = PICTURE_LIMIT.0 * PICTURE_LIMIT.1;
        Picture { width: 0, height: 0, luma: Vec::with_capacity(pixels as usize) }
    }

    fn copy_from(&mut self, other: &Picture) {
        (self.width, self.height) = (other.width, other.height);
        self.luma.clear();
        self.luma.extend_from_slice(&other.luma);
    }

    /// Takes over `other`, averaged over squares of pixels until it fits `limit`.
    pub fn reduce(&mut self, other: &Picture, limit: (u32, u32)) {
        let scale = other.width.div_ceil(limit.0).max(other.height.div_ceil(limit.1)).max(1);
        (self.width, self.height) = (other.width / scale, other.height / scale);
        self.luma.clear();
        let (scale, stride) = (scale as usize, other.width as usize);
        for y in 0..self.height as usize {
            let rows = &other.luma[y * scale * stride..(y + 1) * scale * stride];
            self.luma.extend((0..self.width as usize).map(|x| {
                let row = |row: &[u8]| {
                    row[x * scale..(x + 1) * scale].iter().map(|&p| u32::from(p)).sum::<u32>()
                };
                (rows.chunks_exact(stride).map(row).sum::<u32>() / (scale * scale) as u32) as u8
            }));
        }
    }

    /// Takes over the box of `frame`, averaged over squares of pixels where it is too large.
    pub fn shrink(&mut self, frame: &Frame, bounds: Bounds) {
        let (width, height) = (bounds.width(), bounds.height());
        let scale = width.div_ceil(PICTURE_LIMIT.0).max(height.div_ceil(PICTURE_LIMIT.1)).max(1);
        (self.width, self.height) = (width / scale, height / scale);
        self.luma.clear();
        let (scale, stride) = (scale as usize, frame.width as usize);
        let rows = &frame.luma[bounds.top as usize * stride..bounds.bottom as usize * stride];
        let (left, width) = (bounds.left as usize, self.width as usize);
        let mut sums = [0u32; PICTURE_LIMIT.0 as usize];
        let sums = &mut sums[..width];
        for band in rows.chunks_exact(stride * scale) {
            if scale == 1 {
                self.luma.extend_from_slice(&band[left..left + width]);
                continue;
            }
            sums.fill(0);
            for row in band.chunks_exact(stride) {
                let row = &row[left..left + width * scale];
                // Squares of known sides are vector code.
                match scale {
                    2 => add_squares(sums, row.as_chunks::<2>().0),
                    3 => add_squares(sums, row.as_chunks::<3>().0),
                    4 => add_squares(sums, row.as_chunks::<4>().0),
                    _ => add_squares(sums, row.chunks_exact(scale)),
                }
            }
            self.luma.extend(sums.iter().map(|&sum| (sum / (scale * scale) as u32) as u8));
        }
    }
}

/// Adds each piece of a row to its sum.
fn add_squares<T: AsRef<[u8]>>(sums: &mut [u32], pieces: impl IntoIterator<Item = T>) {
    for (sum, piece) in sums.iter_mut().zip(pieces) {
        *sum += piece.as_ref().iter().map(|&p| u32::from(p)).sum::<u32>();
    }
}

/// The state of everything. Not `Clone`: a clone's picture would have to grow.
#[derive(Debug, Serialize, Deserialize)]
pub struct Snapshot {
    pub identity: Arc<Identity>,
    /// Time since the program started.
    pub uptime: Duration,
    pub exam: Exam,
    pub fault: Option<Fault>,
    pub keeping: Keeping,
    pub visit: Visit,
    /// `None` while no exam asks for one, and withdrawn by a fault.
    pub verdict: Option<Verdict>,
    pub evidence: Evidence,
    /// What is wrong with the latest frame.
    pub flaw: Option<Flaw>,
    /// What to do about the picture now, exam or not.
    pub advice: Option<Advice>,
    pub masked: Masked,
    /// The source has ended; nothing new will come.
    pub source_ended: bool,
    pub counts: FrameCounts,
    pub speed: Speed,
    pub history: History,
    pub picture: Picture,
    /// The box that this runs on.
    pub device: Arc<Device>,
    /// The patient's zones, where a protocol is followed.
    pub examination: Option<Examination>,
    /// Of the picture, where its frame was judged and could be.
    pub heat: HeatMap,
    pub outline: Outline,
}

impl Snapshot {
    /// The state before the first frame.
    pub fn new(identity: Arc<Identity>) -> Snapshot {
        Snapshot {
            identity,
            uptime: Duration::ZERO,
            exam: Exam::default(),
            fault: None,
            keeping: Keeping::Off,
            visit: Visit::default(),
            verdict: None,
            evidence: Evidence::default(),
            flaw: None,
            advice: None,
            masked: Masked::default(),
            source_ended: false,
            counts: FrameCounts::default(),
            speed: Speed::default(),
            history: History::default(),
            picture: Picture::with_capacity(),
            device: Arc::default(),
            examination: None,
            heat: HeatMap::default(),
            outline: Outline::default(),
        }
    }

    /// Makes this a copy of `other` in this one's own buffers.
    pub fn copy_from(&mut self, other: &Snapshot) {
        let mut picture = std::mem::take(&mut self.picture);
        picture.copy_from(&other.picture);
        let mut outline = std::mem::take(&mut self.outline);
        outline.copy_from(&other.outline);
        *self = Snapshot {
            picture,
            outline,
            identity: Arc::clone(&other.identity),
            device: Arc::clone(&other.device),
            examination: other.examination.clone(),
            fault: other.fault.clone(),
            keeping: other.keeping.clone(),
            ..*other
        };
    }

    /// Whether all of it fits together: one from elsewhere is not shown otherwise.
    pub fn is_sound(&self) -> bool {
        let Picture { width, height, luma } = &self.picture;
        let heads = self.identity.heads.iter().all(|head| head.place.is_within(MOST_SCORES));
        u64::from(*width) * u64::from(*height) == luma.len() as u64
            && self.identity.classes.len() <= MOST_CLASSES
            && heads
            && self.history.next < HISTORY
            && self.history.len <= HISTORY
            && self.examination.as_ref().is_none_or(Examination::is_sound)
            && self.heat.is_sound()
            && self.outline.is_sound()
    }

    /// What the lamps show for this state.
    pub fn lights(&self) -> Lights {
        let off = Lights::default();
        match (&self.fault, self.verdict) {
            (Some(_), _) => Lights::FAULT,
            (None, Some(Verdict::Refer)) => Lights { refer: Light::On, ..off },
            (None, Some(Verdict::Clear)) => Lights { clear: Light::On, ..off },
            (None, Some(Verdict::Ungradable(_))) => Lights { attention: Light::On, ..off },
            (None, None) => off,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::Reason;

    #[test]
    fn history_keeps_the_latest_in_order() {
        let mut history = History::default();
        for i in 0..HISTORY + 3 {
            history.push(i as f32);
        }
        let values: Vec<f32> = history.iter().collect();
        assert_eq!((values.len(), values[0]), (HISTORY, 3.0));
        assert!(values.windows(2).all(|w| w[1] == w[0] + 1.0));
    }

    #[test]
    fn large_pictures_are_averaged_down() {
        let (width, height) = (1920, 1080);
        let luma = (0..width * height).map(|i| ((i % width) / 8) as u8).collect();
        let frame = Frame { width, height, luma, ..Frame::default() };
        let mut picture = Picture::default();
        picture.shrink(&frame, Bounds::whole(&frame));
        assert_eq!((picture.width, picture.height), (640, 360));
        assert_eq!(picture.luma.len(), 640 * 360);
        assert_eq!(picture.luma[639], 239);
        picture.shrink(&frame, Bounds { left: 800, top: 10, right: 816, bottom: 14 });
        assert_eq!((picture.width, picture.height, picture.luma.len()), (16, 4, 64));
        assert_eq!((picture.luma[0], picture.luma[15]), (100, 101));
    }

    #[test]
    fn a_fault_outshines_any_verdict() {
        let mut snapshot = Snapshot::new(Arc::default());
        assert_eq!(snapshot.lights(), Lights::default());
        for verdict in [Verdict::Refer, Verdict::Clear, Verdict::Ungradable(Reason::Uncertain)] {
            snapshot.verdict = Some(verdict);
            snapshot.fault = None;
            let lit = snapshot.lights();
            let on = [lit.refer, lit.clear, lit.attention];
            assert_eq!(on.iter().filter(|&&l| l == Light::On).count(), 1, "{verdict:?}");
            snapshot.fault = Some(Fault { kind: FaultKind::NoSignal, words: "no frame".into() });
            assert_eq!(snapshot.lights(), Lights::FAULT);
        }
    }
}
