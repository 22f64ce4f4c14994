//! The log at the bottom of the dashboard, derived from what changes between snapshots.

use std::collections::VecDeque;

use crate::exam::{Exam, State};
use crate::screening::Verdict;
use crate::snapshot::{FaultKind, Snapshot};

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

    /// The last events that fit into `height` rows of `width` characters, oldest first.
    pub fn tail(&self, height: usize, width: usize) -> Vec<String> {
        let mut rows = VecDeque::new();
        for line in self.lines.iter().rev() {
            let folded = fold(line, width);
            if rows.len() + folded.len() > height {
                break;
            }
            folded.into_iter().rev().for_each(|row| rows.push_front(row));
        }
        rows.into()
    }
}

/// Breaks a line between words; what goes on is indented below the words of the first row.
fn fold(line: &str, width: usize) -> Vec<String> {
    let indent = " ".repeat(INDENT);
    let mut rows = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let row = rows.last_mut().map_or(0, |row| row.chars().count());
        if row + word.trim_end().chars().count() > width && row > INDENT {
            rows.push(indent.clone());
        }
        if let Some(row) = rows.last_mut() {
            row.push_str(word);
        }
    }
    rows
}
