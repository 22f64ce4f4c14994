//! Names of what is handed over: the same each time, different with and without the patient, and
//! telling nothing of the exam's number, from which they are digested.

use std::fmt;

use sha2::{Digest, Sha256};

use super::Privacy;
use crate::store::ExamId;

/// 128 bits in the form of a UUID of version 8, which DICOM writes below 2.25.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Uid(u128);

impl Uid {
    pub fn of(id: ExamId, kind: &str, privacy: Privacy) -> Uid {
        let mut digest = Sha256::new();
        digest.update(id.0);
        digest.update([u8::from(privacy == Privacy::Identified)]);
        digest.update(kind);
        Uid::from_digest(digest)
    }

    /// Of something that is the same for many exams.
    pub fn of_text(text: &str) -> Uid {
        Uid::from_digest(Sha256::new().chain_update(text))
    }

    fn from_digest(digest: Sha256) -> Uid {
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest.finalize()[..16]);
        bytes[6] = bytes[6] & 0x0f | 0x80;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Uid(u128::from_be_bytes(bytes))
    }

    pub fn uuid(self) -> String {
        let digits = format!("{:032x}", self.0);
        let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
        parts.join("-")
    }

    /// Twelve digits of it, for a person to tell apart.
    pub fn short(self) -> String {
        format!("{:012X}", self.0 & 0xffff_ffff_ffff)
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "2.25.{}", self.0)
    }
}
