//! What the engine tells the recorder: each judged frame, and what an exam came to.

use std::sync::Arc;

use crate::exam::{Change, Command, State};
use crate::frame::{Bounds, Frame};
use crate::protocol::Examination;
use crate::snapshot::{Clock, FrameCounts, Visit};
use crate::store::{Conclusion, Ledger, Place, Recording, When};

use super::Engine;

/// How it stood when an exam began, and what was kept before.
#[derive(Debug, Clone, Copy, Default)]
pub struct Begun {
    when: When,
    counts: FrameCounts,
    /// Whose exam was kept last, and of which zone: what is known of it may still change.
    kept: Option<(u32, usize)>,
    /// Frames that were recorded, and a box that holds all their pictures.
    frames: u64,
    canvas: Option<Bounds>,
}

/// An exam holds itself at so many bytes of pixels: DICOM counts those of a clip with 32 bits, and a
/// canvas may still grow.
const LONGEST: u64 = 3_000_000_000;

impl Engine<'_> {
    fn when(&self) -> When {
        match self.settings.device.latest().clock {
            Clock::NotSet => When::default(),
            Clock::Set(time) | Clock::Synchronized(time) => When { time, clock_set: true },
        }
    }

    /// Hands a judged frame to the recorder; holds an exam that could not be handed over were it longer.
    pub(super) fn record(&mut self, frame: &Frame, interrupted: bool) {
        let Some(recording) = &mut self.settings.recording else { return };
        let stages = &self.stages;
        let bounds = stages.bounds();
        self.begun.frames += 1;
        self.begun.canvas =
            self.begun.canvas.map_or(bounds, |canvas| Some(canvas.union(bounds.unwrap_or(canvas))));
        let bounds = bounds.unwrap_or_default();
        recording.add(|kept| {
            kept.sequence = frame.sequence;
            kept.interrupted = interrupted;
            kept.measures = *stages.measures();
            kept.bounds = bounds;
            copy(stages.scores(), &mut kept.scores);
            copy(stages.tensor(), &mut kept.tensor);
            kept.luma.clear();
            for y in bounds.top..bounds.bottom {
                let row = y as usize * frame.width as usize;
                let (left, right) = (bounds.left as usize, bounds.right as usize);
                kept.luma.extend_from_slice(&frame.luma[row + left..row + right]);
            }
        });
        let canvas = self.begun.canvas.unwrap_or_default();
        let area = u64::from(canvas.width()) * u64::from(canvas.height());
        if area * self.begun.frames >= LONGEST {
            self.command(&Command::Hold);
        }
    }

    /// Follows whose turn it is, from how it stood before the command. Patients are the protocol's;
    /// without one an exam is a patient, and the next one's turn comes at its end.
    pub(super) fn take_turns(
        &mut self,
        (state, patient): (State, Option<u32>),
        change: Option<Change>,
    ) {
        let next = match (patient, change) {
            (Some(before), _) => self.patient() != Some(before),
            (None, Some(Change::Started)) => matches!(state, State::Scanning | State::Held),
            (None, Some(Change::Ended)) => true,
            (None, Some(Change::Held) | None) => false,
        };
        if next {
            self.snapshot.visit = Visit { number: self.snapshot.visit.number + 1, entries: 0 };
            self.settings.recording.iter_mut().for_each(Recording::next_patient);
        }
    }

    /// By the protocol's count, where one is followed.
    pub(super) fn patient(&self) -> Option<u32> {
        self.snapshot.examination.as_ref().map(Examination::patient)
    }

    /// Follows the exam: begins, keeps or amends what is recorded of it.
    pub(super) fn keep(&mut self, command: &Command, change: Option<Change>) {
        let when = self.when();
        let counts = self.snapshot.counts;
        let Some(recording) = &mut self.settings.recording else { return };
        let examination = self.snapshot.examination.as_ref();
        let now = examination.map(|e| (e.patient(), e.current()));
        let before = self.begun.kept;
        match (change, command) {
            (Some(Change::Started), _) => {
                recording.begin();
                self.begun = Begun { when, counts, kept: before, ..Begun::default() };
            }
            (Some(Change::Held), _) => {
                let (Some((verdict, evidence)), begun) = (self.held, self.begun) else { return };
                let ledger = Ledger {
                    captured: counts.captured - begun.counts.captured,
                    dropped: counts.dropped - begun.counts.dropped,
                    inferred: counts.inferred - begun.counts.inferred,
                    used: evidence.used,
                    kept: 0,
                };
                let place = examination.and_then(|e| place(e, e.current()));
                let (started, ended) = (begun.when, when);
                let conclusion = Conclusion { started, ended, place, verdict, evidence, ledger };
                recording.keep(conclusion);
                self.begun.kept = now;
            }
            (None, Command::Score | Command::Reading) if now.is_some() && now == before => {
                recording.amend(examination.and_then(|e| place(e, e.current())), when);
            }
            (None, Command::Vitals { patient, .. }) => {
                if let Some((_, zone)) = before.filter(|(of, _)| of == patient) {
                    recording.amend(examination.and_then(|e| place(e, zone)), when);
                }
            }
            (None, Command::Patient { visit, entry }) if *visit == self.snapshot.visit.number => {
                self.snapshot.visit.entries += 1;
                recording.enter(Arc::clone(entry), when);
            }
            _ => {}
        }
    }
}

fn place(examination: &Examination, zone: usize) -> Option<Place> {
    let (zone, record) = examination.zones().nth(zone)?;
    Some(Place {
        protocol: examination.protocol().name.clone(),
        zone: zone.name.clone(),
        score: record.score,
        reading: record.reading.map(|reading| reading.word().to_owned()),
        vital_signs: *examination.vital_signs(),
    })
}

fn copy<T: Copy>(from: &[T], to: &mut Vec<T>) {
    to.clear();
    to.extend_from_slice(from);
}
