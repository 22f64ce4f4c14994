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
    /// The file of a secret key on a stick; one folder of the path may be `*`.
    pub token: Option<String>,
    /// A secret key under a passphrase.
    pub locked_key: Option<PathBuf>,
    /// Unlocked and without a key pressed for so long, it locks itself.
    pub idle: Duration,
    /// The folder that exams are exported to from the dashboard; its last part may be `*`.
    pub export: Option<String>,
    pub export_identified: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawStore {
    folder: String,
    keys: String,
    reserve_mb: i64,
    retain_days: i64,
    worklist: String,
    token: String,
    locked_key: String,
    lock_minutes: i64,
    export: String,
    export_identified: bool,
}

impl Default for RawStore {
    fn default() -> RawStore {
        RawStore {
            folder: String::new(),
            keys: "/etc/sonolamp/clinic.pub".into(),
            reserve_mb: 500,
            retain_days: 0,
            worklist: "/run/sonolamp/worklist.json".into(),
            token: "/media/*/clinic.key".into(),
            locked_key: String::new(),
            lock_minutes: 5,
            export: "/media/*".into(),
            export_identified: false,
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
        let minutes = number("store.lock_minutes", self.lock_minutes, 1, 120)?;
        if self.folder.is_empty() {
            return Ok(None);
        }
        if !self.folder.starts_with('/') {
            let problem = format!("`store.folder` is \"{}\"", self.folder);
            return Err(wrong(problem, "allowed: empty, or a path from / on"));
        }
        let (folder, keys) = (self.folder.into(), self.keys.into());
        let (stars, folders) = (self.token.matches('*').count(), self.token.matches("/*/").count());
        if stars > 1 || stars != folders {
            let problem = format!("`store.token` is \"{}\"", self.token);
            return Err(wrong(problem, "allowed: a path, one folder of which may be *"));
        }
        let stars = self.export.strip_suffix("/*").unwrap_or(&self.export);
        if stars.contains('*') {
            let problem = format!("`store.export` is \"{}\"", self.export);
            return Err(wrong(problem, "allowed: empty, or a path whose last part may be *"));
        }
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(Some(Store {
            folder,
            keys,
            reserve: reserve << 20,
            retain,
            worklist: some(self.worklist).map(PathBuf::from),
            token: some(self.token),
            locked_key: some(self.locked_key).map(PathBuf::from),
            idle: Duration::from_secs(60 * minutes),
            export: some(self.export),
            export_identified: self.export_identified,
        }))
    }
}
