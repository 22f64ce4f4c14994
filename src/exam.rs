//! The exam as a state machine: *idle → scanning → held → ended*, one patient at a time.
//!
//! Evidence starts from nothing at every start, so a verdict cannot survive into the next exam;
//! whoever drives this must reset screening when [`Exam::apply`] returns [`Change::Started`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::patient::Entry;
use crate::protocol::VitalSigns;

/// Where an exam stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum State {
    /// No exam yet.
    #[default]
    Idle,
    /// Evidence is gathered; the verdict follows the picture.
    Scanning,
    /// The verdict on everything seen stands, and no evidence is added.
    Held,
    /// The exam is closed; its verdict is no longer shown.
    Ended,
}

impl State {
    pub const ALL: [State; 4] = [State::Idle, State::Scanning, State::Held, State::Ended];

    pub fn word(self) -> &'static str {
        match self {
            State::Idle => "idle",
            State::Scanning => "scanning",
            State::Held => "held",
            State::Ended => "ended",
        }
    }
}

/// What an operator or the end of a clip asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The one button: start, then hold, then end, then start the next.
    Advance,
    /// Hold if scanning.
    Hold,
    /// Drop what there is and start the next exam.
    New,
    /// To a protocol's next zone, or back.
    Zone { forward: bool },
    /// The current zone's lung score, one up: none, 0, 1, 2, 3, none.
    Score,
    /// A clinician's reading of the current zone: none, refer, clear, unsure, none.
    Reading,
    /// Vital signs in place of earlier ones; nothing where another patient's turn has come.
    Vitals { patient: u32, signs: VitalSigns },
    /// Who is examined and by whom, in place of what was entered before; likewise.
    Patient { visit: u32, entry: Arc<Entry> },
}

/// What a command changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Started,
    Held,
    Ended,
}

/// The current exam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Exam {
    pub state: State,
    /// Counts from 1; 0 before the first.
    pub number: u32,
}

impl Exam {
    /// Carries out `command`; `None` when it means nothing in this state.
    pub fn apply(&mut self, command: &Command) -> Option<Change> {
        use {Command::*, State::*};
        let change = match (command, self.state) {
            (New, _) | (Advance, Idle | Ended) => Change::Started,
            (Advance | Hold, Scanning) => Change::Held,
            (Advance, Held) => Change::Ended,
            (Hold, Idle | Held | Ended)
            | (Zone { .. } | Score | Reading | Vitals { .. } | Patient { .. }, _) => return None,
        };
        self.state = match change {
            Change::Started => Scanning,
            Change::Held => Held,
            Change::Ended => Ended,
        };
        self.number += u32::from(change == Change::Started);
        Some(change)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_button_walks_through_an_exam() {
        let mut exam = Exam::default();
        let seen: Vec<_> = (0..4)
            .map(|_| {
                let change = exam.apply(&Command::Advance);
                (change, exam.state, exam.number)
            })
            .collect();
        assert_eq!(
            seen,
            [
                (Some(Change::Started), State::Scanning, 1),
                (Some(Change::Held), State::Held, 1),
                (Some(Change::Ended), State::Ended, 1),
                (Some(Change::Started), State::Scanning, 2),
            ]
        );
    }

    #[test]
    fn new_starts_from_anywhere_and_hold_only_while_scanning() {
        for steps in 0..4 {
            let mut exam = Exam::default();
            for _ in 0..steps {
                exam.apply(&Command::Advance);
            }
            let scanning = exam.state == State::Scanning;
            assert_eq!(exam.clone().apply(&Command::Hold), scanning.then_some(Change::Held));
            let number = exam.number;
            assert_eq!(exam.apply(&Command::New), Some(Change::Started));
            assert_eq!((exam.state, exam.number), (State::Scanning, number + 1));
        }
    }
}
