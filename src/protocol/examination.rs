//! One patient's record of a protocol. Cheap to clone, of a fixed size, allocates only for words.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{Because, Conclusion, PatientVerdict};
use super::vital_signs::{DangerSign, VitalSigns};
use super::zones::{Protocol, Zone};
use super::{HIGHEST_SCORE, MOST_ZONES};
use crate::error::{Error, ErrorKind};
use crate::screening::Verdict;

/// What is known of one zone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The machine's, once the zone is examined.
    pub verdict: Option<Verdict>,
    /// Calibrated probability of referring, with the verdict.
    pub probability: f32,
    /// The operator's, 0 to 3.
    pub score: Option<u8>,
    /// A clinician's own reading, which changes no verdict.
    pub reading: Option<Reading>,
}

/// What a clinician says of a zone or of the patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reading {
    Refer,
    Clear,
    Unsure,
}

impl Reading {
    pub fn word(self) -> &'static str {
        match self {
            Reading::Refer => "refer",
            Reading::Clear => "clear",
            Reading::Unsure => "unsure",
        }
    }

    /// Whether it says what the machine says; `None` where one of them says neither.
    pub fn agrees(self, verdict: Verdict) -> Option<bool> {
        match (self, verdict) {
            (Reading::Unsure, _) | (_, Verdict::Ungradable(_)) => None,
            (reading, verdict) => Some((reading == Reading::Refer) == (verdict == Verdict::Refer)),
        }
    }
}

/// A sum over the zones that have a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScoreSum {
    pub sum: u32,
    pub scored: usize,
    /// Zones of the protocol.
    pub zones: usize,
}

/// A patient's examination after a protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examination {
    protocol: Arc<Protocol>,
    records: [Record; MOST_ZONES],
    current: usize,
    vital_signs: VitalSigns,
    /// Counted from the start.
    patient: u32,
    /// A clinician's reading of the whole, which changes no verdict.
    pub reading: Option<Reading>,
}

impl Examination {
    /// Nothing examined, the first zone current.
    pub fn new(protocol: Arc<Protocol>) -> Examination {
        Examination {
            protocol,
            records: [Record::default(); MOST_ZONES],
            current: 0,
            vital_signs: VitalSigns::default(),
            patient: 0,
            reading: None,
        }
    }

    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Each zone with what is known of it, in order.
    pub fn zones(&self) -> impl ExactSizeIterator<Item = (&Zone, &Record)> {
        self.protocol.zones.iter().zip(&self.records)
    }

    /// The place of the current zone in the order.
    pub fn current(&self) -> usize {
        self.current
    }

    pub fn current_zone(&self) -> Option<(&Zone, &Record)> {
        self.zones().nth(self.current)
    }

    /// Makes a zone the current one.
    pub fn select(&mut self, zone: usize) -> Result<(), Error> {
        self.record_mut(zone)?;
        self.current = zone;
        Ok(())
    }

    /// Moves to the zone after the current one, or before it, round the end.
    pub fn step(&mut self, forward: bool) {
        let count = self.protocol.zones.len().max(1);
        self.current = (self.current + if forward { 1 } else { count - 1 }) % count;
    }

    /// The first zone after the current one that is not examined yet, round the end.
    pub fn next_zone(&self) -> Option<usize> {
        let count = self.protocol.zones.len();
        let after = (1..=count).map(|i| (self.current + i) % count);
        after.into_iter().find(|&zone| self.records[zone].verdict.is_none())
    }

    /// Whether every zone that *clear* needs has been examined, and at least one zone.
    pub fn complete(&self) -> bool {
        let done = |(zone, record): (&Zone, &Record)| !zone.required || record.verdict.is_some();
        self.examined() > 0 && self.zones().all(done)
    }

    /// The next value of the current zone's score: none, each in turn, none.
    pub fn cycle_score(&mut self) {
        let score = self.records[self.current].score.map_or(Some(0), |score| score.checked_add(1));
        let score = score.filter(|&score| score <= HIGHEST_SCORE);
        // A protocol without a score has nothing to turn.
        let _ = self.set_score(self.current, score);
    }

    /// The next value of a clinician's reading of the current zone.
    pub fn cycle_reading(&mut self) {
        let reading = match self.records[self.current].reading {
            None => Some(Reading::Refer),
            Some(Reading::Refer) => Some(Reading::Clear),
            Some(Reading::Clear) => Some(Reading::Unsure),
            Some(Reading::Unsure) => None,
        };
        self.records[self.current].reading = reading;
    }

    /// Forgets the patient; the next one's turn has come.
    pub fn reset(&mut self) {
        let patient = self.patient.wrapping_add(1);
        *self = Examination { patient, ..Examination::new(Arc::clone(&self.protocol)) };
    }

    /// Whose turn it is.
    pub fn patient(&self) -> u32 {
        self.patient
    }

    /// Whether it holds together: one from elsewhere is not shown otherwise.
    pub fn is_sound(&self) -> bool {
        let scores = self.records.iter().filter_map(|record| record.score);
        self.protocol.is_sound()
            && self.current < self.protocol.zones.len()
            && scores.max().is_none_or(|score| score <= HIGHEST_SCORE)
    }

    /// Zones with a verdict.
    pub fn examined(&self) -> usize {
        self.zones().filter(|(_, record)| record.verdict.is_some()).count()
    }

    /// Keeps the machine's verdict on a zone, in place of an earlier one.
    pub fn set_verdict(
        &mut self,
        zone: usize,
        verdict: Verdict,
        probability: f32,
    ) -> Result<(), Error> {
        let record = self.record_mut(zone)?;
        (record.verdict, record.probability) = (Some(verdict), probability);
        Ok(())
    }

    /// Keeps the operator's score of a zone; `None` takes it back.
    pub fn set_score(&mut self, zone: usize, score: Option<u8>) -> Result<(), Error> {
        if self.protocol.score.is_none() {
            let problem = "has no score";
            let remedy = "take a protocol of the lung for lung scores";
            return Err(Error::new(ErrorKind::Input, &self.protocol.name, problem, remedy));
        }
        if let Some(score) = score.filter(|&score| score > HIGHEST_SCORE) {
            let remedy = format!("allowed: 0 to {HIGHEST_SCORE}");
            return Err(Error::new(ErrorKind::Input, "score", format!("is {score}"), remedy));
        }
        self.record_mut(zone)?.score = score;
        Ok(())
    }

    /// Keeps a clinician's reading of a zone; `None` takes it back.
    pub fn set_reading(&mut self, zone: usize, reading: Option<Reading>) -> Result<(), Error> {
        self.record_mut(zone)?.reading = reading;
        Ok(())
    }

    /// Forgets everything about a zone, to examine it again.
    pub fn clear_zone(&mut self, zone: usize) -> Result<(), Error> {
        *self.record_mut(zone)? = Record::default();
        Ok(())
    }

    fn record_mut(&mut self, zone: usize) -> Result<&mut Record, Error> {
        let count = self.protocol.zones.len().min(MOST_ZONES);
        self.records[..count].get_mut(zone).ok_or_else(|| {
            let remedy = format!("allowed: 1 to {count}");
            Error::new(ErrorKind::Input, "zone", format!("is number {}", zone + 1), remedy)
        })
    }

    pub fn vital_signs(&self) -> &VitalSigns {
        &self.vital_signs
    }

    /// Keeps vital signs, in place of earlier ones; refuses what no patient has.
    pub fn set_vital_signs(&mut self, signs: VitalSigns) -> Result<(), Error> {
        self.protocol.danger_signs.check(&signs)?;
        self.vital_signs = signs;
        Ok(())
    }

    /// The sum of the operator's scores; `None` where the protocol has no score.
    pub fn score_sum(&self) -> Option<ScoreSum> {
        self.protocol.score.as_ref()?;
        let scores = || self.zones().filter_map(|(_, record)| record.score);
        let zones = self.protocol.zones.len();
        Some(ScoreSum { sum: scores().map(u32::from).sum(), scored: scores().count(), zones })
    }

    /// Zones where the clinician's reading and the machine's verdict agree, and where both say
    /// refer or clear.
    pub fn agreement(&self) -> (usize, usize) {
        let compared =
            || self.zones().filter_map(|(_, record)| record.reading?.agrees(record.verdict?));
        (compared().filter(|&agrees| agrees).count(), compared().count())
    }

    /// The patient's verdict by the protocol's rule, at any time.
    pub fn conclude(&self) -> Conclusion {
        let zones = &self.protocol.zones;
        let danger = self.danger().next().is_some();
        self.protocol.rule.conclude(zones, &self.records[..zones.len().min(MOST_ZONES)], danger)
    }

    /// The danger signs among the vital signs.
    pub fn danger(&self) -> impl Iterator<Item = DangerSign<'_>> {
        self.protocol.danger_signs.found(&self.vital_signs)
    }

    /// Why [`Examination::conclude`] says what it says, a line each.
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> = self.danger().map(|sign| sign.words()).collect();
        let conclusion = self.conclude();
        let of = |wanted: fn(&Zone, Option<Verdict>) -> bool| {
            let fits = self.zones().filter(move |(zone, record)| wanted(zone, record.verdict));
            fits.map(|(zone, _)| &zone.id[..]).collect::<Vec<_>>().join(", ")
        };
        let mut add = |what: &str, zones: String| {
            if !zones.is_empty() {
                reasons.push(format!("{what}: {zones}"));
            }
        };
        add("refer", of(|_, verdict| verdict == Some(Verdict::Refer)));
        if conclusion.verdict == PatientVerdict::Ungradable {
            add("ungradable", of(|_, verdict| matches!(verdict, Some(Verdict::Ungradable(_)))));
            add("not examined", of(|zone, verdict| zone.required && verdict.is_none()));
        }
        let zones = |count| if count == 1 { "1 zone".to_owned() } else { format!("{count} zones") };
        match conclusion.because {
            Because::TooFewGradable(gradable) => {
                let least = self.protocol.rule.least_gradable;
                reasons.push(format!("{} gradable, the rule needs {least}", zones(gradable)));
            }
            Because::AllClear => {
                reasons.push(format!("{} examined, all clear", zones(self.examined())));
            }
            _ => {}
        }
        reasons
    }
}
