//! What the panel shows of a snapshot; it is drawn again only when this changes.

use std::sync::Arc;

use super::layout::hundredths;
use crate::exam::{Exam, State};
use crate::screening::{Flaw, Reason, Verdict};
use crate::snapshot::{FaultKind, Snapshot};

/// The one thing that must be read from afar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Refer,
    Clear,
    Ungradable(Reason),
    Fault(FaultKind),
    /// The engine sends nothing: whatever it said last is not believed.
    Silent,
    Ready,
    /// The program has ended.
    Stopped,
}

impl Face {
    pub fn word(self) -> &'static str {
        match self {
            Face::Refer => "REFER",
            Face::Clear => "CLEAR",
            Face::Ungradable(_) => "UNGRADABLE",
            Face::Fault(_) | Face::Silent => "FAULT",
            Face::Ready => "READY",
            Face::Stopped => "STOPPED",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct View {
    pub face: Face,
    pub exam: Exam,
    pub demonstration: bool,
    /// Probability of referring in hundredths, where a verdict rests on some usable picture.
    pub score: Option<u8>,
    /// Thresholds in hundredths.
    pub clear: u8,
    pub refer: u8,
    /// Usable picture so far, and what a verdict needs, in half seconds.
    pub usable: u32,
    pub needed: u32,
    /// The flaw of the latest frame, while frames are judged.
    pub picture: Option<Option<Flaw>>,
    /// A fault with its remedy.
    pub words: Option<Arc<str>>,
}

fn in_hundredths(share: f32) -> u8 {
    (share.clamp(0.0, 1.0) * 100.0).round() as u8
}

impl View {
    pub fn of(snapshot: &Snapshot) -> View {
        let (identity, evidence) = (&snapshot.identity, &snapshot.evidence);
        let face = match (&snapshot.fault, snapshot.verdict) {
            (Some(fault), _) => Face::Fault(fault.kind),
            (None, Some(Verdict::Refer)) => Face::Refer,
            (None, Some(Verdict::Clear)) => Face::Clear,
            (None, Some(Verdict::Ungradable(reason))) => Face::Ungradable(reason),
            (None, None) => Face::Ready,
        };
        let judged = snapshot.verdict.is_some() && evidence.used > 0;
        let looking = snapshot.exam.state == State::Scanning && snapshot.fault.is_none();
        View {
            face,
            exam: snapshot.exam,
            demonstration: identity.demonstration,
            score: judged.then(|| in_hundredths(evidence.probability)),
            clear: in_hundredths(identity.clear),
            refer: in_hundredths(identity.refer),
            usable: (evidence.usable.as_millis() / 500) as u32,
            needed: (identity.min_evidence.as_millis() / 500) as u32,
            picture: looking.then_some(snapshot.flaw),
            words: snapshot.fault.as_ref().map(|fault| Arc::clone(&fault.words)),
        }
    }

    /// The same exam without a verdict that anybody could take for the present one.
    pub fn withdrawn(&self, face: Face) -> View {
        View { face, score: None, picture: None, words: None, ..self.clone() }
    }

    /// `#12 scanning`.
    pub fn exam_words(&self) -> String {
        match self.exam.state {
            State::Idle => "no exam yet".to_owned(),
            state => format!("#{} {}", self.exam.number, state.word()),
        }
    }

    pub fn picture_word(&self) -> Option<&'static str> {
        self.picture.map(|flaw| flaw.map_or("usable", Flaw::code))
    }

    /// Why, and the next step, in at most 21 letters.
    pub fn short_words(&self) -> String {
        let words = match self.face {
            Face::Refer | Face::Clear => {
                let score = self.score.map(|score| format!("score {}", hundredths(score)));
                let picture = self.picture_word().map(str::to_owned);
                return score.into_iter().chain(picture).collect::<Vec<_>>().join(" ");
            }
            Face::Ungradable(Reason::TooLittle) => {
                let (usable, needed) = (self.usable as f32 / 2.0, self.needed as f32 / 2.0);
                return format!("scan on: {usable:.1}/{needed:.1} s");
            }
            Face::Ungradable(Reason::Uncertain) => "unsure: sweep again",
            Face::Ungradable(Reason::Flawed(Flaw::Blank)) => "black: gel, probe?",
            Face::Ungradable(Reason::Flawed(Flaw::NoSector)) => "no sector: see source",
            Face::Ungradable(Reason::Flawed(Flaw::Noise)) => "noise: probe contact?",
            Face::Ungradable(Reason::Flawed(Flaw::Frozen)) => "frozen: unfreeze it",
            Face::Ungradable(Reason::Flawed(Flaw::Unfamiliar)) => "unfamiliar: probe?",
            Face::Fault(FaultKind::NoSignal) => "no signal: see cable",
            Face::Fault(FaultKind::Source) => "source failed",
            Face::Fault(FaultKind::Model) => "model failed",
            Face::Fault(FaultKind::SafeMode) => "safe mode: see screen",
            Face::Silent => "not responding",
            Face::Ready | Face::Stopped => "not a medical device",
        };
        words.to_owned()
    }

    /// Why, and the next step.
    pub fn long_words(&self) -> &str {
        match self.face {
            Face::Refer | Face::Clear => "",
            Face::Ungradable(reason) => reason.words(),
            Face::Fault(kind) => self.words.as_deref().unwrap_or(kind.word()),
            Face::Silent => "the program does not respond: switch the box off and on",
            Face::Ready => "press start to begin an exam",
            Face::Stopped => "the program has ended: nothing is screened",
        }
    }
}
