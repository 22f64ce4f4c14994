//! What the engine tells the recorder: each judged frame, and what an exam came to.

use crate::exam::{Change, Command};
use crate::frame::{Bounds, Frame};
use crate::protocol::Examination;
use crate::snapshot::{Clock, FrameCounts};
use crate::store::{Conclusion, Ledger, Place, When};

use super::Engine;

/// How it stood when an exam began.
#[derive(Debug, Clone, Copy, Default)]
pub struct Begun {
    when: When,
    counts: FrameCounts,
    same_visit: bool,
    /// The zone that was kept last, whose score and reading may still change.
    zone: Option<usize>,
}

impl Engine<'_> {
    fn when(&self) -> When {
        match self.settings.device.latest().clock {
            Clock::NotSet => When::default(),
            Clock::Set(time) | Clock::Synchronized(time) => When { time, clock_set: true },
        }
    }

    /// Hands a judged frame to the recorder.
    pub(super) fn record(&mut self, frame: &Frame, interrupted: bool) {
        let Some(recording) = &mut self.settings.recording else { return };
        let stages = &self.stages;
        recording.add(|kept| {
            let bounds = stages.bounds().unwrap_or(Bounds::default());
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
    }

    /// Follows the exam: begins, keeps or amends what is recorded of it.
    pub(super) fn keep(&mut self, command: Command, change: Option<Change>) {
        let when = self.when();
        let counts = self.snapshot.counts;
        let current = self.snapshot.examination.as_ref().map(Examination::current);
        let place = self.snapshot.examination.as_ref().and_then(place);
        let Some(recording) = &mut self.settings.recording else { return };
        match (change, command) {
            (Some(Change::Started), _) => {
                recording.begin();
                // *New*, or a start where no zone has been examined yet, is another patient.
                let examined = self.snapshot.examination.as_ref().map_or(0, Examination::examined);
                let same_visit = command != Command::New && examined > 0;
                self.begun = Begun { when, counts, same_visit, zone: None };
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
                let Begun { when: started, same_visit, .. } = begun;
                let ended = when;
                let conclusion =
                    Conclusion { started, ended, same_visit, place, verdict, evidence, ledger };
                recording.keep(conclusion);
                self.begun.zone = current;
            }
            (None, Command::Score | Command::Reading)
                if current.is_some() && current == self.begun.zone =>
            {
                recording.amend(place, when);
            }
            _ => {}
        }
    }
}

fn place(examination: &Examination) -> Option<Place> {
    let (zone, record) = examination.current_zone()?;
    Some(Place {
        protocol: examination.protocol().name.clone(),
        zone: zone.name.clone(),
        score: record.score,
        reading: record.reading.map(|reading| reading.word().to_owned()),
    })
}

fn copy<T: Copy>(from: &[T], to: &mut Vec<T>) {
    to.clear();
    to.extend_from_slice(from);
}
