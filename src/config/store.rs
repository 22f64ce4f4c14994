//! `[store]`: where exams are kept, and for whom.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;

/// In seconds.
const DAY: u64 = 86_400;

/// Where exams are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    pub folder: PathBuf,
    /// A file with the clinic's public keys.
    pub keys: PathBuf,
    /// Bytes that stay free.
    pub reserve: u64,
    /// How long after its hand-over an exam is erased; never where there is none.
    pub retain: Option<Duration>,
    /// A file of the patients who are expected.
    pub worklist: Option<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStore {
    folder: String,
    keys: String,
    reserve_mb: i64,
    retain_days: i64,
    worklist: String,
}

impl Default for RawStore {
    fn default() -> RawStore {
        RawStore {
            folder: String::new(),
            keys: "/etc/sonolamp/clinic.pub".into(),
            reserve_mb: 500,
            retain_days: 0,
            worklist: "/run/sonolamp/worklist.json".into(),
        }
    }
}

impl RawStore {
    /// `None` where exams are not to be kept.
    pub fn validate(
        self,
        number: &impl Fn(&str, i64, i64, i64) -> Result<u64, Error>,
        wrong: &impl Fn(String, &str) -> Error,
    ) -> Result<Option<Store>, Error> {
        let reserve = number("store.reserve_mb", self.reserve_mb, 0, 1_000_000)?;
        let days = number("store.retain_days", self.retain_days, 0, 36_500)?;
        let retain = (days > 0).then(|| Duration::from_secs(days * DAY));
        if self.folder.is_empty() {
            return Ok(None);
        }
        if !self.folder.starts_with('/') {
            let problem = format!("`store.folder` is \"{}\"", self.folder);
            return Err(wrong(problem, "allowed: empty, or a path from / on"));
        }
        let (folder, keys) = (self.folder.into(), self.keys.into());
        let worklist = Some(self.worklist).filter(|path| !path.is_empty()).map(PathBuf::from);
        Ok(Some(Store { folder, keys, reserve: reserve << 20, retain, worklist }))
    }
}
