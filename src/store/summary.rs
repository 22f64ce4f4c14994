//! What the builder may know of a store: counts alone, whose types have no room for a patient.
//!
//! A shift of scores or picture quality from month to month tells of a worn probe, a changed setting or
//! other patients. Texts here are fixed words of the program, months, and versions and digests of what
//! it was built from.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use time::OffsetDateTime;

use super::journal::{self, What, When};
use super::read::Unlocked;
use super::record::Record;
use super::{Store, unreadable};
use crate::error::Error;

/// Parts of equal width that probabilities and shares, 0 to 1, are counted in.
const PARTS: usize = 10;
/// Lines of the journal that are told, the last.
const LINES: usize = 1000;

/// Exams of one month.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Month {
    pub exams: u64,
    pub verdicts: BTreeMap<&'static str, u64>,
    /// What took the most time from the picture, and "none".
    pub flaws: BTreeMap<&'static str, u64>,
    /// Exams by calibrated probability of referring.
    pub probability: [u64; PARTS],
    /// Exams by share of usable time.
    pub usable: [u64; PARTS],
    pub frames_captured: u64,
    pub frames_dropped: u64,
    pub frames_used: u64,
}

/// A line of the journal, without who and on which exam.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Event {
    pub what: What,
    pub when: When,
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Summary {
    pub exams: u64,
    /// Pieces of damage that a check finds.
    pub damage: usize,
    pub events: Vec<Event>,
    /// By month as 2026-11, or "clock not set"; empty without the clinic's key.
    pub months: BTreeMap<String, Month>,
    /// Exams that could not be opened.
    pub shut: u64,
}

impl Store {
    /// Sums the store up; with its key, what the exams came to as well. `each` is called for every exam.
    pub fn summary(
        &self,
        unlocked: Option<&Unlocked>,
        mut each: impl FnMut(),
    ) -> Result<Summary, Error> {
        let read = |error: io::Error| unreadable("the journal", &error);
        let bytes = self.files.read(journal::NAME).map_err(read)?;
        let events = journal::lines(&bytes).map(|line| Event { what: line.what, when: line.when });
        let mut events: Vec<Event> = events.collect();
        events.drain(..events.len().saturating_sub(LINES));
        let (exams, damage) = (self.count()?, self.check()?.len());
        let mut summary = Summary { exams, damage, events, ..Summary::default() };
        let Some(unlocked) = unlocked else { return Ok(summary) };
        let mut ids = Vec::new();
        let rows = self.index.newest(None, |_, row| {
            ids.push(row.id);
            true
        });
        rows.map_err(|error| unreadable("the index", &error))?;
        for id in ids {
            match self.exam(unlocked, id) {
                Ok(exam) => summary.add(&exam.record),
                Err(_) => summary.shut += 1,
            }
            each();
        }
        Ok(summary)
    }
}

impl Summary {
    fn add(&mut self, record: &Record) {
        let date = OffsetDateTime::from_unix_timestamp(record.started.time as i64).ok();
        let date = date.filter(|_| record.started.clock_set);
        let month = date.map(|date| format!("{:04}-{:02}", date.year(), u8::from(date.month())));
        let month = self.months.entry(month.unwrap_or_else(|| "clock not set".into())).or_default();
        let evidence = &record.evidence;
        month.exams += 1;
        *month.verdicts.entry(record.verdict.word()).or_default() += 1;
        *month.flaws.entry(evidence.flaw.map_or("none", |flaw| flaw.code())).or_default() += 1;
        month.probability[part(evidence.probability)] += 1;
        let usable = evidence.usable.as_secs_f32() / evidence.seen.as_secs_f32();
        month.usable[part(usable)] += 1;
        month.frames_captured += record.ledger.captured;
        month.frames_dropped += record.ledger.dropped;
        month.frames_used += record.ledger.used;
    }
}

/// Which part a share falls in; one that is no number in the first.
fn part(share: f32) -> usize {
    ((share * PARTS as f32) as usize).min(PARTS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_counted_where_they_belong() {
        let parts = [0.0, 0.0999, 0.1, 0.95, 1.0, f32::NAN, -1.0, 7.0].map(part);
        assert_eq!(parts, [0, 0, 1, 9, 9, 0, 0, 9]);
    }
}
