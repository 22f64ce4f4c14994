//! Protocols: where the probe goes, and how what is found there becomes one verdict a patient.
//!
//! A protocol is data with its sources: zones on a map of the body, the meaning of a score, and a
//! rule. An [`Examination`] is a patient's record of it: the machine's verdict, the operator's
//! score and a clinician's own reading of each zone, and vital signs. Pure but for [`Choice`],
//! which reads a protocol from a file. It decides nothing about pictures, and a clinician's
//! reading is kept beside the machine's verdict without changing it.

mod choice;
mod examination;
mod rule;
mod vital_signs;
mod zones;

pub use choice::{BUILT_IN, Choice};
pub use examination::{Examination, Reading, Record, ScoreSum};
pub use rule::{Because, Conclusion, PatientVerdict, Rule};
pub use vital_signs::{DangerSign, DangerSigns, Limit, VitalSign, VitalSigns};
pub use zones::{Protocol, Score, Side, View, Zone};

/// Most zones of a protocol; an examination has a fixed size.
pub const MOST_ZONES: usize = 32;
/// Highest lung score of a zone.
pub const HIGHEST_SCORE: u8 = 3;

#[cfg(test)]
mod tests;
