//! The log at the bottom of the dashboard, derived from what changes between snapshots.

use std::collections::VecDeque;

use crate::exam::{Exam, State};
use crate::screening::Verdict;
use crate::snapshot::{FaultKind, Snapshot};

const LINES: usize = 100;

/// The latest events, newest last.
#[derive(Default)]
pub struct Log {
    lines: VecDeque<String>,
    exam: Exam,
    verdict: Option<Verdict>,
    fault: Option<FaultKind>,
    ended: bool,
}

impl Log {
    /// Notes what has changed since the last snapshot.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let at = format!("{:6.1} s", snapshot.uptime.as_secs_f64());
        if snapshot.exam != self.exam {
            self.exam = snapshot.exam;
            self.verdict = None;
            let Exam { state, number } = snapshot.exam;
            self.note(match state {
                State::Idle => format!("{at}  idle"),
                state => format!("{at}  exam {number} {}", state.word()),
            });
        }
        let fault = snapshot.fault.as_ref().map(|fault| fault.kind);
        if fault != self.fault {
            self.fault = fault;
            self.note(match &snapshot.fault {
                Some(fault) => format!("{at}  fault: {}", fault.words),
                None => format!("{at}  fault is over"),
            });
        }
        if snapshot.verdict != self.verdict {
            self.verdict = snapshot.verdict;
            if let Some(verdict) = snapshot.verdict {
                let reason = verdict.reason().map_or("", |reason| reason.words());
                let gap = if reason.is_empty() { "" } else { ": " };
                self.note(format!("{at}  {}{gap}{reason}", verdict.word()));
            }
        }
        if snapshot.source_ended && !self.ended {
            self.ended = true;
            self.note(format!("{at}  the source has ended"));
        }
    }

    fn note(&mut self, line: String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The last `count` lines, oldest first.
    pub fn tail(&self, count: usize) -> impl Iterator<Item = &str> {
        self.lines.iter().skip(self.lines.len().saturating_sub(count)).map(String::as_str)
    }
}
