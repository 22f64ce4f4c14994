//! `sonolamp exam support`: what a builder needs to help, and nothing of any patient.

use std::io::Write;
use std::path::Path;

use serde::Serialize;

use super::Place;
use crate::cli::Progress;
use crate::store::Summary;

#[derive(Serialize)]
struct Support {
    sonolamp: &'static str,
    architecture: &'static str,
    processors: usize,
    /// None, where the configuration cannot be read.
    configuration_digest: Option<String>,
    /// Bytes that are free for exams.
    free: u64,
    store: Summary,
}

pub fn run(place: &Place, key: Option<&Path>, out: &mut impl Write) -> anyhow::Result<()> {
    let (store, unlocked) = match key {
        Some(key) => {
            let (store, unlocked) = place.unlock(key)?;
            (store, Some(unlocked))
        }
        None => (place.open()?, None),
    };
    let count = usize::try_from(store.count()?).unwrap_or(usize::MAX);
    let progress = Progress::new(count, "exams");
    let summary = store.summary(unlocked.as_ref(), || progress.step())?;
    drop(progress);
    let support = Support {
        sonolamp: env!("CARGO_PKG_VERSION"),
        architecture: std::env::consts::ARCH,
        processors: std::thread::available_parallelism().map_or(0, Into::into),
        configuration_digest: place.config().ok().map(|config| config.digest()),
        free: store.free()?,
        store: summary,
    };
    writeln!(out, "{}", serde_json::to_string_pretty(&support)?)?;
    Ok(())
}
