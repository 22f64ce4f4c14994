//! An exam's name on disk and in the journal: sixteen random bytes, which say nothing of anyone.

use std::fmt;
use std::str::FromStr;

use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore;
use serde::{Deserialize, Serialize};

use super::journal::hex;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct ExamId(pub [u8; 16]);

impl ExamId {
    /// A new one.
    pub fn random() -> ExamId {
        let mut bytes = [0; 16];
        OsRng.fill_bytes(&mut bytes);
        ExamId(bytes)
    }
}

impl fmt::Display for ExamId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl FromStr for ExamId {
    type Err = String;

    fn from_str(text: &str) -> Result<ExamId, String> {
        let wrong = || "an exam's number is 32 digits from 0 to f".to_owned();
        if text.len() != 32 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(wrong());
        }
        let number = u128::from_str_radix(text, 16).map_err(|_| wrong())?;
        Ok(ExamId(number.to_be_bytes()))
    }
}

impl From<ExamId> for String {
    fn from(id: ExamId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for ExamId {
    type Error = String;

    fn try_from(text: String) -> Result<ExamId, String> {
        text.parse()
    }
}
