//! Exams onto a stick: read, written, read back, and only then marked as exported.

use std::path::Path;
use std::process::ExitCode;

use super::{WHO, now};
use crate::archive::gather;
use crate::cli::Progress;
use crate::error::{Error, ErrorKind};
use crate::handover::{self, Material, Privacy};
use crate::pipeline::Model;
use crate::store::{ExamId, Store, Unlocked, What};

pub fn run(
    store: &mut Store,
    unlocked: &Unlocked,
    ids: &[ExamId],
    to: &Path,
    privacy: Privacy,
    bundle: Option<&Path>,
) -> anyhow::Result<ExitCode> {
    if !to.is_dir() {
        let remedy = "plug in the stick and name the folder that it is mounted at";
        return Err(Error::new(ErrorKind::Usage, to.display(), "is no folder", remedy).into());
    }
    let model = Model::load(bundle)?;
    let progress = Progress::new(ids.len() * (handover::PARTS + 1), "parts");
    let mut damaged = 0;
    for &id in ids {
        // What cannot be read keeps no other exam from leaving; a stick that fails does.
        match gather(store, unlocked, id, Some(&model)) {
            Ok(material) => {
                progress.step();
                if material.record.means.bundle_digest != model.bundle.digest {
                    let then = &material.record.means.bundle;
                    progress.say(&format!("exam {id}: no heat map without its bundle, {then}"));
                }
                let line = export(store, material, to, privacy, &progress)?;
                progress.print(&line)?;
            }
            Err(error) => {
                damaged += 1;
                progress.say(&format!("sonolamp: {error}"));
            }
        }
    }
    Ok(ExitCode::from(u8::from(damaged > 0)))
}

/// Exports one exam; what to tell of it.
fn export(
    store: &mut Store,
    material: Material,
    to: &Path,
    privacy: Privacy,
    progress: &Progress,
) -> Result<String, Error> {
    let id = material.record.id;
    let (path, written) = handover::onto(to, material, privacy, || progress.step())?;
    store.mark(id, What::Exported, now(), WHO)?;
    if written.replaced {
        progress.say(&format!("{} was complete and has been written again", path.display()));
    }
    let (files, megabytes) = (written.files, written.bytes as f64 / 1e6);
    Ok(format!("{id}  exported to {}: {files} files, {megabytes:.1} MB", path.display()))
}
