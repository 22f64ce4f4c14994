//! The exams since the program started, newest last.

use std::time::Duration;

use crate::exam::State;
use crate::screening::{Reason, Verdict};
use crate::snapshot::{Keeping, Snapshot};

/// Older ones give way.
const MOST: usize = 1000;

/// One exam as it stood last.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub number: u32,
    /// Whose it is, counted.
    pub visit: u32,
    /// Since the program started.
    pub start: Duration,
    pub length: Duration,
    pub verdict: Verdict,
    /// Calibrated probability of referring.
    pub probability: f32,
    pub usable: Duration,
    /// Whether it is still open.
    pub open: bool,
    pub keeping: Keeping,
}

impl Row {
    /// By which the word for keeping is found; none where exams are not kept, where this one is yet to
    /// be, and where it was dropped.
    pub fn kept(&self) -> Option<&'static str> {
        match self.keeping {
            Keeping::Off | Keeping::Ready | Keeping::Recording => None,
            Keeping::Keeping | Keeping::Kept | Keeping::Failed(_) => Some(self.keeping.code()),
        }
    }
}

#[derive(Debug, Default)]
pub struct Exams {
    rows: Vec<Row>,
}

impl Exams {
    /// Takes over what the snapshot says of the current exam. A fault withdraws its verdict from
    /// the screens, and leaves the row as it was.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let number = snapshot.exam.number;
        let open = matches!(snapshot.exam.state, State::Scanning | State::Held);
        if number > 0 && open && self.rows.last().is_none_or(|row| row.number != number) {
            self.close();
            // What became of it will not be told any more.
            if let Some(row) = self.rows.last_mut().filter(|row| row.keeping == Keeping::Keeping) {
                row.keeping = Keeping::Off;
            }
            if self.rows.len() == MOST {
                self.rows.remove(0);
            }
            self.rows.push(Row {
                number,
                visit: snapshot.visit.number,
                start: snapshot.uptime,
                length: Duration::ZERO,
                verdict: Verdict::Ungradable(Reason::TooLittle),
                probability: 0.0,
                usable: Duration::ZERO,
                open,
                keeping: Keeping::Off,
            });
        }
        let Some(row) = self.rows.last_mut().filter(|row| row.number == number) else {
            return self.close();
        };
        row.keeping.clone_from(&snapshot.keeping);
        if !open {
            return self.close();
        }
        if let Some(verdict) = snapshot.verdict {
            row.verdict = verdict;
            row.probability = snapshot.evidence.probability;
            row.usable = snapshot.evidence.usable;
        }
        if snapshot.exam.state == State::Scanning {
            row.length = snapshot.uptime.saturating_sub(row.start);
        }
    }

    fn close(&mut self) {
        if let Some(row) = self.rows.last_mut() {
            row.open = false;
        }
    }

    /// How many exams of a patient are kept.
    pub fn kept_of(&self, visit: u32) -> usize {
        let kept = |row: &&Row| matches!(row.keeping, Keeping::Kept | Keeping::Keeping);
        self.rows.iter().filter(|row| row.visit == visit).filter(kept).count()
    }

    pub fn verdict(&self, number: u32) -> Option<Verdict> {
        self.rows.iter().find(|row| row.number == number).map(|row| row.verdict)
    }

    pub fn rows(&self) -> &[Row] {
        &self.rows
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exam::Exam;

    #[test]
    fn each_exam_is_a_row_as_it_stood_last() {
        let mut exams = Exams::default();
        let mut snapshot = Snapshot::new(Arc::default());
        let mut see = |seconds, number, state, verdict| {
            snapshot.uptime = Duration::from_secs(seconds);
            snapshot.exam = Exam { state, number };
            snapshot.verdict = verdict;
            snapshot.evidence.usable = Duration::from_secs(seconds);
            exams.follow(&snapshot);
        };
        see(0, 0, State::Idle, None);
        see(1, 1, State::Scanning, Some(Verdict::Ungradable(Reason::TooLittle)));
        see(4, 1, State::Scanning, Some(Verdict::Refer));
        see(5, 1, State::Scanning, None); // a fault
        see(9, 1, State::Held, Some(Verdict::Refer));
        see(12, 1, State::Ended, None);
        see(13, 2, State::Scanning, Some(Verdict::Clear));
        see(14, 3, State::Scanning, Some(Verdict::Clear));
        let rows = exams.rows();
        let [first, second, third] = rows else { panic!("{rows:?}") };
        assert_eq!((first.verdict, first.length.as_secs(), first.open), (Verdict::Refer, 4, false));
        assert_eq!((first.usable.as_secs(), second.open, third.open), (9, false, true));
    }

    #[test]
    fn each_row_says_what_became_of_its_exam() {
        let mut exams = Exams::default();
        let mut snapshot = Snapshot::new(Arc::default());
        let mut see = |number, state, keeping| {
            snapshot.exam = Exam { state, number };
            snapshot.keeping = keeping;
            exams.follow(&snapshot);
            exams.rows().iter().map(Row::kept).collect::<Vec<_>>()
        };
        see(0, State::Idle, Keeping::Ready);
        assert_eq!(see(1, State::Scanning, Keeping::Recording), [None]);
        assert_eq!(see(1, State::Held, Keeping::Keeping), [Some("keeping")]);
        // It may be on the disk only once it is closed.
        assert_eq!(see(1, State::Ended, Keeping::Kept), [Some("kept")]);
        assert_eq!(see(2, State::Scanning, Keeping::Recording), [Some("kept"), None]);
        let dropped = see(3, State::Scanning, Keeping::Recording);
        assert_eq!(dropped, [Some("kept"), None, None]);
        let failed = see(3, State::Scanning, Keeping::Failed("full".into()));
        assert_eq!(failed[2], Some("failed"));
        assert_eq!(see(4, State::Scanning, Keeping::Recording)[2..], [Some("failed"), None]);
    }
}
