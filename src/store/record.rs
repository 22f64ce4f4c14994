//! What is known of an exam beside its pictures. All of it is sealed; nothing of it may be written
//! anywhere in clear.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::ExamId;
use super::journal::When;
use crate::patient::Patient;
use crate::protocol::VitalSigns;
use crate::screening::{Evidence, Verdict};

/// Version of what the store writes; another is refused, with words.
pub const VERSION: u16 = 2;

/// Where in the body, after a protocol, and what was entered by hand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Place {
    pub protocol: String,
    pub zone: String,
    /// The operator's, 0 to 3.
    pub score: Option<u8>,
    /// A clinician's own: refer, clear or unsure.
    pub reading: Option<String>,
    pub vital_signs: VitalSigns,
}

impl Place {
    /// Whether there is anything that a person entered.
    pub fn is_entered(&self) -> bool {
        let Place { score, reading, vital_signs, .. } = self;
        score.is_some() || reading.is_some() || *vital_signs != VitalSigns::default()
    }
}

/// What the verdict was made with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Means {
    pub version: String,
    pub bundle: String,
    /// SHA-256, in hexadecimal digits.
    pub bundle_digest: String,
    pub configuration_digest: String,
    /// The box.
    pub device: String,
    pub source: String,
    /// A phantom or a file: no patient.
    pub demonstration: bool,
}

/// Frames of the exam.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    pub captured: u64,
    pub dropped: u64,
    /// Run through the network.
    pub inferred: u64,
    /// That the verdict rests on.
    pub used: u64,
    /// In the clip.
    pub kept: u64,
}

/// One exam.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    pub id: ExamId,
    /// Exams of one patient's visit have the same.
    pub visit: ExamId,
    pub started: When,
    pub ended: When,
    pub patient: Patient,
    pub operator: String,
    pub place: Option<Place>,
    pub means: Means,
    pub verdict: Verdict,
    pub evidence: Evidence,
    pub ledger: Ledger,
}

/// It holds names, so it shows none of itself.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.debug_struct("Record").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a list shows of an exam.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listed {
    pub started: When,
    pub patient: Patient,
    pub zone: String,
    pub verdict: Verdict,
    pub probability: f32,
    pub demonstration: bool,
}

impl From<&Record> for Listed {
    fn from(record: &Record) -> Listed {
        Listed {
            started: record.started,
            patient: record.patient.clone(),
            zone: record.place.as_ref().map(|place| place.zone.clone()).unwrap_or_default(),
            verdict: record.verdict,
            probability: record.evidence.probability,
            demonstration: record.means.demonstration,
        }
    }
}

/// An exam's key and record, sealed to the clinic.
#[derive(Serialize, Deserialize)]
pub struct Envelope {
    pub version: u16,
    /// The exam's own secret key, in letters.
    pub key: String,
    /// SHA-256 of the clip's file.
    pub clip: [u8; 32],
    pub record: Record,
}
