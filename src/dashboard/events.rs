//! The log at the bottom of the dashboard, derived from what changes between snapshots.

use std::collections::VecDeque;

use super::width::fold;
use crate::exam::{Exam, State};
use crate::screening::Verdict;
use crate::snapshot::{FaultKind, Keeping, Snapshot};
use crate::texts::Texts;

const LINES: usize = 100;
/// Width of the time in front of every event.
const INDENT: usize = 10;

/// The latest events, newest last.
#[derive(Default)]
pub struct Log {
    lines: VecDeque<String>,
    exam: Exam,
    verdict: Option<Verdict>,
    fault: Option<FaultKind>,
    keeping: Keeping,
    ended: bool,
}

impl Log {
    /// Notes what has changed since the last snapshot.
    pub fn follow(&mut self, snapshot: &Snapshot, texts: &Texts) {
        let seconds = texts.decimal(snapshot.uptime.as_secs_f32(), 1);
        let at = format!("{seconds:>6} s  ");
        if snapshot.exam != self.exam {
            self.exam = snapshot.exam;
            self.verdict = None;
            let Exam { state, number } = snapshot.exam;
            let word = texts.coded("state", state.word());
            let words = match state {
                State::Idle => word,
                _ => texts.with("exam", &[("number", number.into()), ("state", word.into())]),
            };
            self.note(at.clone() + &words);
        }
        let fault = snapshot.fault.as_ref().map(|fault| fault.kind);
        if fault != self.fault {
            self.fault = fault;
            let words = match &snapshot.fault {
                Some(fault) => texts.with("event-fault", &[("words", (&*fault.words).into())]),
                None => texts.get("event-fault-over").into_owned(),
            };
            self.note(at.clone() + &words);
        }
        if snapshot.verdict != self.verdict {
            self.verdict = snapshot.verdict;
            if let Some(verdict) = snapshot.verdict {
                let word = texts.coded("verdict", verdict.word());
                let words = match verdict.reason().map(|r| texts.coded("reason", r.code())) {
                    Some(reason) => {
                        let variables = [("verdict", word.into()), ("reason", reason.into())];
                        texts.with("event-reason", &variables)
                    }
                    None => word,
                };
                self.note(at.clone() + &words);
            }
        }
        if snapshot.keeping != self.keeping {
            self.keeping = snapshot.keeping.clone();
            match &snapshot.keeping {
                Keeping::Kept => self.note(at.clone() + &texts.get("event-kept")),
                Keeping::Failed(words) => {
                    let words = [("words", (&**words).into())];
                    self.note(at.clone() + &texts.with("event-not-kept", &words));
                }
                _ => {}
            }
        }
        if snapshot.source_ended && !self.ended {
            self.ended = true;
            self.note(at + &texts.get("event-source-ended"));
        }
    }

    fn note(&mut self, line: String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last events that fit into `height` rows of `width` columns, oldest first.
    pub fn tail(&self, height: usize, width: usize) -> Vec<String> {
        let mut rows = VecDeque::new();
        for line in self.lines.iter().rev() {
            let folded = fold(line, width, INDENT);
            if rows.len() + folded.len() > height {
                break;
            }
            folded.into_iter().rev().for_each(|row| rows.push_front(row));
        }
        rows.into()
    }
}
