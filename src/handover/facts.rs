//! What may be told of an exam, and in which words.
//!
//! De-identified, there is neither name, number, birth date, age nor sex of the patient, no operator, no
//! box, no date, and of a file or device that pictures came from only its kind. What is kept of a
//! visit, a pseudonym, is the same in all its exams.

use sha2::{Digest, Sha256};
use time::OffsetDateTime;

use super::uid::Uid;
use super::{DEMONSTRATION, Material, NOTICE};
use crate::patient::Patient;
use crate::protocol::{DangerSigns, VitalSigns};
use crate::screening::Verdict;
use crate::store::{ExamId, Record, When};
use crate::texts::{Language, Texts};

/// Whether the patient may be known from what is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privacy {
    Deidentified,
    Identified,
}

/// What the exam is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Organ {
    Lung,
    Breast,
}

/// All that a file is made from, beside pixels.
pub struct Facts {
    pub privacy: Privacy,
    /// Nothing is left in it that may not be told. Its numbers are for [`Facts::uid`] alone.
    record: Record,
    visit_started: When,
    /// Vital signs that refer whatever the picture says. Their limits depend on an age that may not
    /// be told.
    danger: Vec<String>,
    /// Digest of all that is told of the exam: two contents never have one name.
    revision: [u8; 32],
}

impl Facts {
    pub fn of(material: &Material, privacy: Privacy) -> Facts {
        let mut record = material.record.clone();
        let mut visit_started = material.visit_started;
        let pseudonym = Uid::of(record.visit, "patient", privacy).short();
        match privacy {
            Privacy::Deidentified => {
                record.patient = Patient {
                    name: format!("Anonymous^{pseudonym}"),
                    number: pseudonym,
                    ..Patient::default()
                };
                record.operator.clear();
                record.means.device.clear();
                record.means.source = format!("{}:", kind(&record.means.source));
                if let Some(place) = &mut record.place {
                    place.vital_signs.age_months = None;
                }
                (record.started, record.ended) = (When::default(), When::default());
                visit_started = When::default();
            }
            // Archives take exams without a number for exams of one patient.
            Privacy::Identified if record.patient.number.trim().is_empty() => {
                record.patient.number = pseudonym;
            }
            Privacy::Identified => {}
        }
        let signs = material.record.place.as_ref().map(|place| place.vital_signs);
        let danger = danger_signs(&signs.unwrap_or_default());
        let marked = material.key.as_ref().is_some_and(|key| !key.heat.is_empty());
        let revision = Sha256::new()
            .chain_update(
                postcard::to_stdvec(&(&record, visit_started, &danger)).unwrap_or_default(),
            )
            .chain_update([u8::from(marked)])
            .finalize();
        Facts { privacy, record, visit_started, danger, revision: revision.into() }
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    pub fn identified(&self) -> bool {
        self.privacy == Privacy::Identified
    }

    /// The name of one thing of this exam, as it is known now.
    pub fn uid(&self, kind: &str) -> Uid {
        let revision: String = self.revision.iter().map(|byte| format!("{byte:02x}")).collect();
        self.named(self.record.id, &format!("{kind} {revision}"))
    }

    /// The name of one thing of the whole visit.
    pub fn visit_uid(&self, kind: &str) -> Uid {
        self.named(self.record.visit, kind)
    }

    /// The study that all exams of the visit belong to: the one of the order, where the patient may be
    /// known and a worklist named it.
    pub fn study_uid(&self) -> String {
        let ordered = &self.record.patient.study;
        // PS3.5, 9.1: at most 64 characters, numbers without leading zeros between dots.
        let number = |part: &str| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            digits && (part == "0" || !part.starts_with('0'))
        };
        if self.identified() && ordered.len() <= 64 && ordered.split('.').all(number) {
            return ordered.clone();
        }
        self.visit_uid("study").to_string()
    }

    fn named(&self, id: ExamId, kind: &str) -> Uid {
        Uid::of(id, kind, self.privacy)
    }

    /// What computed the verdict: the box where it may be told, else the program and the bundle.
    pub fn device_uid(&self) -> Uid {
        let means = &self.record.means;
        let parts = [&means.version, &means.bundle_digest, &means.device];
        Uid::of_text(&parts.map(String::as_str).join("\n"))
    }

    /// Of visit, start and end; none where the clock had not been set or dates may not be told. What
    /// began before the clock was set has the date of its end.
    pub fn dates(&self) -> [Option<OffsetDateTime>; 3] {
        let known = |when: When| {
            let time = i64::try_from(when.time).ok().filter(|_| when.clock_set)?;
            let time = OffsetDateTime::from_unix_timestamp(time).ok();
            time.filter(|t| (1..=9999).contains(&t.year()))
        };
        let ended = known(self.record.ended);
        let started = known(self.record.started).or(ended);
        [known(self.visit_started).or(started), started, ended]
    }

    /// When the exam was made, or why that is not told.
    pub fn date_words(&self) -> String {
        match self.dates()[1] {
            Some(time) => format!("{} {} UTC", date(time), clock(time)),
            None if self.identified() => {
                "unknown: the clock of the box had not been set".to_owned()
            }
            None => "removed".to_owned(),
        }
    }

    pub fn organ(&self) -> Option<Organ> {
        let names = self.record.place.iter().map(|place| place.protocol.as_str());
        names.chain([self.record.means.bundle.as_str()]).find_map(|name| match name {
            _ if name.starts_with("lung") => Some(Organ::Lung),
            _ if name.starts_with("breast") => Some(Organ::Breast),
            _ => None,
        })
    }

    /// Where the probe was; empty where no protocol was followed.
    pub fn zone(&self) -> &str {
        self.record.place.as_ref().map_or("", |place| &place.zone)
    }

    /// `R` or `L`, where the zone tells.
    pub fn side(&self) -> Option<char> {
        let first = self.zone().split_whitespace().next()?;
        [("right", 'R'), ("left", 'L')].into_iter().find_map(|(w, s)| (first == w).then_some(s))
    }

    /// What the verdict means, or why there is none.
    pub fn meaning(&self) -> String {
        match self.record.verdict {
            Verdict::Ungradable(reason) => format!("No verdict: {}.", reason.words()),
            verdict => Texts::new(Language::English).coded("means", verdict.word()),
        }
    }

    /// What must be known before anything else is believed.
    pub fn caveats(&self) -> Vec<&str> {
        let demonstration = self.record.means.demonstration.then_some(DEMONSTRATION);
        let danger = self.danger.iter().map(String::as_str);
        demonstration.into_iter().chain(danger).chain([NOTICE]).collect()
    }

    /// Whether pictures came from the simulator, which compresses nothing. Of other sources nobody
    /// knows.
    pub fn never_compressed(&self) -> bool {
        kind(&self.record.means.source) == "phantom"
    }
}

fn danger_signs(signs: &VitalSigns) -> Vec<String> {
    // The table is part of the program, and a test reads it.
    let Ok(limits) = DangerSigns::built_in() else { return Vec::new() };
    let found = limits.found(signs);
    found
        .map(|sign| format!("DANGER SIGN, refer whatever the picture says: {}", sign.words()))
        .collect()
}

/// What kind of source it is: paths may hold names.
fn kind(source: &str) -> &str {
    source.split_once(':').map_or("", |(kind, _)| kind)
}

/// Such as 2026-09-22.
pub fn date(time: OffsetDateTime) -> String {
    format!("{:04}-{:02}-{:02}", time.year(), u8::from(time.month()), time.day())
}

/// Such as 14:13:20.
pub fn clock(time: OffsetDateTime) -> String {
    format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
}
