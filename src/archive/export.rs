//! An exam onto a stick: read with the key, written, read back, and only then marked as exported.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use super::{Archive, Said, gather};
use crate::error::{Error, ErrorKind};
use crate::handover::{self, Privacy};
use crate::store::{Errand, ExamId, What};

impl Archive {
    pub(super) fn export(&mut self, id: ExamId) -> Result<(), Error> {
        let Some(keys) = &self.keys else { return Ok(()) };
        let pattern = self.settings.export.as_deref().unwrap_or_default();
        let to = folder(pattern).ok_or_else(|| {
            let remedy = "plug in a stick, see that it is mounted, and try again";
            Error::new(ErrorKind::Usage, pattern, "is not there to export to", remedy)
        })?;
        self.say(Some(Said::Exporting));
        let version = self.shelf.version(id)?;
        let material = gather(&self.shelf, &keys.unlocked, id, Some(&self.model))?;
        // Whoever has locked it meanwhile has not asked for it.
        if self.shared.lock.load(Ordering::SeqCst) {
            return Ok(());
        }
        let privacy = match self.settings.identified {
            true => Privacy::Identified,
            false => Privacy::Deidentified,
        };
        let (path, _) = handover::onto(&to, material, privacy, || ())?;
        self.errands.run(Errand::Mark(id, What::Exported, version), (self.now)())?;
        self.list()?;
        self.say(Some(Said::Exported(path.display().to_string().into())));
        Ok(())
    }
}

/// The folder of this name; where its last part is `*`, the first one there that something is mounted
/// at: an empty one would be the box's own disk.
fn folder(pattern: &str) -> Option<PathBuf> {
    let Some(parent) = pattern.strip_suffix("/*") else {
        return Some(PathBuf::from(pattern)).filter(|path| path.is_dir());
    };
    let parent = if parent.is_empty() { "/" } else { parent };
    let disk = std::fs::metadata(parent).ok()?.dev();
    let mounted =
        |path: &Path| std::fs::metadata(path).is_ok_and(|m| m.is_dir() && m.dev() != disk);
    let entries = std::fs::read_dir(parent).ok()?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.into_iter().find(|path| mounted(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_for_what_is_mounted_alone() {
        let media = tempfile::tempdir().unwrap();
        let stick = media.path().join("stick");
        std::fs::create_dir(&stick).unwrap();
        assert_eq!(folder(stick.to_str().unwrap()), Some(stick));
        assert_eq!(folder(&format!("{}/*", media.path().display())), None);
        assert_eq!(folder(&format!("{}/absent", media.path().display())), None);
        // The kernel's own file systems are mounted below the root, everywhere.
        assert!(folder("/*").is_some());
    }
}
