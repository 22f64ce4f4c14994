//! From the zones' verdicts to the patient's.

use serde::{Deserialize, Serialize};

use super::examination::Record;
use super::zones::{Zone, require};
use crate::screening::Verdict;

/// When a patient is referred or cleared; [`Rule::statement`] says it in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Zones with the verdict *refer* from which the patient is referred.
    pub refer_from: i64,
    /// Zones that are clear or refer, below which the patient is ungradable.
    pub least_gradable: i64,
    /// Whose rule it is.
    pub source: String,
}

/// The outcome for a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatientVerdict {
    Refer,
    Clear,
    Ungradable,
}

/// A verdict and what decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conclusion {
    pub verdict: PatientVerdict,
    pub because: Because,
}

/// What decided a patient's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    /// A vital sign, whatever the picture says.
    DangerSign,
    /// So many zones refer.
    ZonesRefer(usize),
    /// Only so many zones are gradable.
    TooFewGradable(usize),
    /// So many zones that *clear* needs are not examined, ungradable, or refer although the rule
    /// asks for more that do.
    NotClear(usize),
    /// Every zone that counts is clear.
    AllClear,
}

impl From<Verdict> for PatientVerdict {
    fn from(verdict: Verdict) -> PatientVerdict {
        match verdict {
            Verdict::Refer => PatientVerdict::Refer,
            Verdict::Clear => PatientVerdict::Clear,
            Verdict::Ungradable(_) => PatientVerdict::Ungradable,
        }
    }
}

impl PatientVerdict {
    pub fn word(self) -> &'static str {
        match self {
            PatientVerdict::Refer => "refer",
            PatientVerdict::Clear => "clear",
            PatientVerdict::Ungradable => "ungradable",
        }
    }
}

impl Rule {
    pub(super) fn validate(&self, zones: usize) -> Result<(), String> {
        let (most, allowed) = (zones as i64, format!("1 to {zones}, the number of zones"));
        let refer = (1..=most).contains(&self.refer_from);
        require(refer, "rule.refer_from", self.refer_from, &allowed)?;
        let least = (1..=most).contains(&self.least_gradable);
        require(least, "rule.least_gradable", self.least_gradable, &allowed)?;
        require(!self.source.trim().is_empty(), "rule.source", "\"\"", "whose rule it is")
    }

    /// The rule in words, for `zones` of which some may not be required.
    pub fn statement(&self, zones: &[Zone]) -> String {
        let plural = |n: i64| if n == 1 { "1 zone".to_owned() } else { format!("{n} zones") };
        let refers = if self.refer_from == 1 { "refers" } else { "refer" };
        let required = zones.iter().filter(|zone| zone.required).count();
        let clear = if required == zones.len() {
            "every zone is clear".to_owned()
        } else if required == 0 {
            "every examined zone is clear".to_owned()
        } else {
            format!("the {required} required zones and every other examined zone are clear")
        };
        format!(
            "Refer if a vital sign is a danger sign or at least {} {refers}. Otherwise ungradable if \
             fewer than {} can be graded. Clear only if {clear}; ungradable in all other cases.",
            plural(self.refer_from),
            plural(self.least_gradable),
        )
    }

    /// The verdict on `records`, one a zone in the same order.
    pub fn conclude(&self, zones: &[Zone], records: &[Record], danger: bool) -> Conclusion {
        let verdicts = || records.iter().filter_map(|record| record.verdict);
        let count = |wanted| verdicts().filter(|&verdict| verdict == wanted).count();
        let refers = count(Verdict::Refer);
        let gradable = refers + count(Verdict::Clear);
        let in_the_way = |(zone, record): &(&Zone, &Record)| match record.verdict {
            None => zone.required,
            Some(verdict) => verdict != Verdict::Clear,
        };
        let not_clear = zones.iter().zip(records).filter(in_the_way).count();
        let (verdict, because) = if danger {
            (PatientVerdict::Refer, Because::DangerSign)
        } else if refers as i64 >= self.refer_from {
            (PatientVerdict::Refer, Because::ZonesRefer(refers))
        } else if (gradable as i64) < self.least_gradable {
            (PatientVerdict::Ungradable, Because::TooFewGradable(gradable))
        } else if not_clear > 0 {
            (PatientVerdict::Ungradable, Because::NotClear(not_clear))
        } else {
            (PatientVerdict::Clear, Because::AllClear)
        };
        Conclusion { verdict, because }
    }
}
