//! The bundles of a box: a folder with a copy of each, and two links, `current` and `previous`.
//!
//! A copy is written beside the others and synced before anything points to it; a link changes in one
//! step. Cut anywhere, the box has the bundle of before or the new one, whole, and doing it again
//! finishes it. Without `current` the built-in bundle is in use, and without `previous` it is what there
//! was before. `versions` remembers the newest version of each name that was ever taken: an older
//! one, or another content under the same version, is refused.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use serde::{Deserialize, Serialize};

use super::{Bundle, signature};
use crate::error::{Error, ErrorKind, plain_words};

const CURRENT: &str = "current";
const PREVIOUS: &str = "previous";
const VERSIONS: &str = "versions";
/// What is being made; left over after a cut.
const DRAFT: &str = ".draft";

/// The newest version of a name that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Newest {
    version: String,
    digest: String,
}

/// The folder.
pub struct Installed {
    folder: PathBuf,
    /// How many operations are left until the power is cut.
    #[cfg(test)]
    left: std::cell::Cell<usize>,
}

impl Installed {
    pub fn at(folder: &Path) -> Installed {
        Installed {
            folder: folder.to_owned(),
            #[cfg(test)]
            left: std::cell::Cell::new(usize::MAX),
        }
    }

    /// The bundle that is in use, if one was ever installed, whole or not.
    pub fn current(&self) -> Option<PathBuf> {
        let link = self.folder.join(CURRENT);
        fs::symlink_metadata(&link).ok()?;
        // The copy itself: the link may change while files are read.
        Some(fs::canonicalize(&link).unwrap_or(link))
    }

    /// The one before, to go back to; `None` is the built-in one.
    pub fn previous(&self) -> Result<Option<PathBuf>, Error> {
        let link = self.folder.join(PREVIOUS);
        let broken = |problem: &str| {
            let remedy = "install one, or go back to the built-in one with --built-in";
            Error::new(ErrorKind::Model, link.display(), problem, remedy)
        };
        match (self.current(), self.link(PREVIOUS)) {
            (None, None) => Err(broken("is no bundle to go back to")),
            (_, None) => Ok(None),
            (current, Some(_)) => match fs::canonicalize(&link) {
                Ok(path) if Some(&path) != current.as_ref() => Ok(Some(path)),
                _ => Err(broken("is no bundle to go back to")),
            },
        }
    }

    /// What a link points to, whether that is there or not.
    fn link(&self, name: &str) -> Option<PathBuf> {
        fs::read_link(self.folder.join(name)).ok()
    }

    /// Refuses what is older than what the box has had, `built_in` included.
    pub fn admit(&self, bundle: &Bundle, built_in: &Bundle) -> Result<(), Error> {
        let remedy = "give a newer one; `sonolamp bundle rollback` goes back to the one before";
        let refused =
            |problem: String| Error::new(ErrorKind::Model, &bundle.origin, problem, remedy);
        let (name, version) = (&bundle.manifest.name, &bundle.manifest.version);
        let number = parse(version).ok_or_else(|| {
            refused(format!("has the version \"{version}\", which is not of the form 1.2.3"))
        })?;
        let mut known = self.versions()?.remove(name).into_iter().collect::<Vec<_>>();
        if built_in.manifest.name == *name {
            let (version, digest) = (built_in.manifest.version.clone(), built_in.digest.clone());
            known.push(Newest { version, digest });
        }
        for newest in known {
            let least = parse(&newest.version).unwrap_or_default();
            if number < least {
                return Err(refused(format!(
                    "is {name} {version}, older than {}, which this box has had",
                    newest.version
                )));
            }
            if number == least && newest.digest != bundle.digest {
                let problem = format!("is another {name} {version} than the one this box has had");
                return Err(refused(problem));
            }
        }
        Ok(())
    }

    /// Copies a bundle into the folder; returns where. Nothing uses it yet.
    pub fn put(&self, bundle: &Bundle) -> Result<PathBuf, Error> {
        self.try_put(bundle).map_err(|e| self.broken(&e))
    }

    fn try_put(&self, bundle: &Bundle) -> io::Result<PathBuf> {
        let draft = self.folder.join(DRAFT);
        let target = self.folder.join(folder_name(bundle));
        self.step()?;
        fs::create_dir_all(&self.folder)?;
        if let Ok(there) = Bundle::load(Some(&target))
            && there.digest == bundle.digest
        {
            // The same content may have been signed anew.
            if let Some(signed) = signed(bundle).filter(|new| signed(&there) != Some(new)) {
                self.replace(&format!("{}/{}", folder_name(bundle), signature::FILE), signed)?;
                sync(&target)?;
            }
            return Ok(target);
        }
        remove(&draft)?;
        self.step()?;
        fs::create_dir(&draft)?;
        let mut folders = vec![draft.clone()];
        for (path, bytes) in bundle.contents() {
            let path = draft.join(path);
            if let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) {
                fs::create_dir_all(folder)?;
                let inside = folder.ancestors().take_while(|folder| *folder != draft);
                folders.extend(inside.map(Path::to_owned));
            }
            self.step()?;
            let mut file = File::create_new(&path)?;
            self.step()?;
            file.write_all(bytes)?;
            self.step()?;
            file.sync_all()?;
        }
        for folder in folders {
            self.step()?;
            sync(&folder)?;
        }
        // A copy that is damaged gives way: it was of no use to anyone.
        self.step()?;
        remove(&target)?;
        self.step()?;
        fs::rename(&draft, &target)?;
        self.step()?;
        sync(&self.folder)?;
        Ok(target)
    }

    /// Lets `current` point to a copy, and `previous` to what was in use.
    pub fn activate(&self, bundle: &Bundle) -> Result<(), Error> {
        self.try_activate(bundle).map_err(|e| self.broken(&e))
    }

    fn try_activate(&self, bundle: &Bundle) -> io::Result<()> {
        let target = folder_name(bundle);
        let mut versions = self.versions().map_err(io::Error::other)?;
        let (version, digest) = (bundle.manifest.version.clone(), bundle.digest.clone());
        versions.insert(bundle.manifest.name.clone(), Newest { version, digest });
        self.replace(VERSIONS, &serde_json::to_vec_pretty(&versions)?)?;
        match self.link(CURRENT) {
            Some(current) if current == Path::new(&target) => {}
            Some(_) => {
                self.point(PREVIOUS, &target)?;
                self.exchange()?;
            }
            None => {
                self.step()?;
                remove(&self.folder.join(PREVIOUS))?;
                self.point(CURRENT, &target)?;
            }
        }
        self.tidy();
        Ok(())
    }

    /// Exchanges `current` and `previous`.
    pub fn roll_back(&self) -> Result<(), Error> {
        self.previous()?;
        self.exchange().map_err(|e| self.broken(&e))
    }

    /// Goes back to the built-in bundle; what was in use is the one before.
    pub fn leave(&self) -> Result<(), Error> {
        if self.link(CURRENT).is_none() {
            return Ok(());
        }
        let left = self.step().and_then(|()| remove(&self.folder.join(PREVIOUS)));
        left.and_then(|()| self.exchange()).map_err(|e| self.broken(&e))?;
        self.tidy();
        Ok(())
    }

    fn exchange(&self) -> io::Result<()> {
        let (current, previous) = (self.folder.join(CURRENT), self.folder.join(PREVIOUS));
        self.step()?;
        match (self.link(CURRENT), self.link(PREVIOUS)) {
            (Some(_), None) => fs::rename(current, previous)?,
            (None, _) => fs::rename(previous, current)?,
            _ => renameat_with(CWD, current, CWD, previous, RenameFlags::EXCHANGE)?,
        }
        self.step()?;
        sync(&self.folder)
    }

    /// Makes or changes a link in one step.
    fn point(&self, link: &str, target: &str) -> io::Result<()> {
        let draft = self.folder.join(DRAFT);
        remove(&draft)?;
        self.step()?;
        std::os::unix::fs::symlink(target, &draft)?;
        self.step()?;
        fs::rename(&draft, self.folder.join(link))?;
        self.step()?;
        sync(&self.folder)
    }

    fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let draft = self.folder.join(DRAFT);
        remove(&draft)?;
        self.step()?;
        let mut file = File::create_new(&draft)?;
        self.step()?;
        file.write_all(bytes)?;
        self.step()?;
        file.sync_all()?;
        self.step()?;
        fs::rename(&draft, self.folder.join(name))?;
        self.step()?;
        sync(&self.folder)
    }

    fn versions(&self) -> Result<BTreeMap<String, Newest>, Error> {
        let path = self.folder.join(VERSIONS);
        let wrong = |problem: String| {
            let remedy = "look at the storage; with the file removed any version is taken again";
            Error::new(ErrorKind::Storage, path.display(), problem, remedy)
        };
        match fs::read(&path) {
            Ok(bytes) => {
                serde_json::from_slice(&bytes).map_err(|e| wrong(format!("is broken ({e})")))
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(e) => Err(wrong(format!("cannot be read ({})", plain_words(&e)))),
        }
    }

    /// Removes copies that no link points to. What cannot be removed takes space and does no harm.
    fn tidy(&self) {
        let used = [CURRENT, PREVIOUS].map(|name| self.link(name).unwrap_or_default());
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            // Whatever else lies here is not this program's to remove.
            let name = entry.file_name();
            let copy = entry.file_type().is_ok_and(|kind| kind.is_dir())
                && name.to_str().is_some_and(is_folder_name)
                && entry.path().join("bundle.toml").is_file();
            if copy && !used.contains(&PathBuf::from(name)) {
                let _ = remove(&entry.path());
            }
        }
    }

    fn broken(&self, error: &io::Error) -> Error {
        let problem = format!("cannot be written ({})", plain_words(error));
        let remedy = "look at its space and who may write there; what is in use is as it was";
        Error::new(ErrorKind::Storage, self.folder.display(), problem, remedy)
    }

    /// Stands before every operation that changes something.
    #[cfg(not(test))]
    fn step(&self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn step(&self) -> io::Result<()> {
        let left =
            self.left.get().checked_sub(1).ok_or_else(|| io::Error::other("the power went"))?;
        self.left.set(left);
        Ok(())
    }
}

/// `1.2.3` as numbers.
fn parse(version: &str) -> Option<[u64; 3]> {
    let parts: Vec<u64> =
        version.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    parts.try_into().ok()
}

fn folder_name(bundle: &Bundle) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let name: String = bundle.title().chars().map(plain).collect();
    // A dot in front would be a draft, or lead out of the folder.
    format!("{}-{}", name.trim_start_matches('.'), bundle.short_digest())
}

/// Whether a folder may have its name from `folder_name`.
fn is_folder_name(name: &str) -> bool {
    let digits = name.rsplit_once('-').map_or("", |(_, digits)| digits);
    digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

/// The signature that lies in a bundle.
fn signed(bundle: &Bundle) -> Option<&[u8]> {
    bundle.contents().find(|(path, _)| *path == signature::FILE).map(|(_, bytes)| bytes)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes a file, a link or a folder that may not be there.
fn remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(file) if file.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The built-in bundle under another version.
    fn bundle(version: &str) -> Bundle {
        let built_in = Bundle::load(None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (path, bytes) in built_in.contents() {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        let manifest = folder.path().join("bundle.toml");
        let text = fs::read_to_string(&manifest).unwrap();
        let own = format!("version = \"{}\"", built_in.manifest.version);
        assert!(text.contains(&own));
        fs::write(&manifest, text.replacen(&own, &format!("version = \"{version}\""), 1)).unwrap();
        Bundle::load(Some(folder.path())).unwrap()
    }

    fn install(installed: &Installed, bundle: &Bundle) -> Result<(), Error> {
        installed.put(bundle)?;
        installed.activate(bundle)
    }

    fn version(path: Option<PathBuf>) -> String {
        path.map_or("built-in".into(), |path| Bundle::load(Some(&path)).unwrap().manifest.version)
    }

    #[test]
    fn a_newer_one_takes_over_and_rolling_back_goes_there_and_back() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Installed::at(folder.path());
        assert_eq!(installed.current(), None);
        assert!(installed.previous().is_err() && installed.roll_back().is_err());
        let built_in = Bundle::load(None).unwrap();
        for number in ["7.0.0", "7.0.1", "7.10.0"] {
            installed.admit(&bundle(number), &built_in).unwrap();
            install(&installed, &bundle(number)).unwrap();
            assert_eq!(version(installed.current()), number);
        }
        assert_eq!(version(installed.previous().unwrap()), "7.0.1");
        // The one before that is gone.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 5);
        installed.roll_back().unwrap();
        assert_eq!(version(installed.current()), "7.0.1");
        // Going back does not make older ones welcome.
        for (number, words) in [
            ("7.9.9", "older than 7.10.0"),
            ("0.0.1", "older than 7.10.0"),
            ("seven", "not of the form"),
        ] {
            let error = installed.admit(&bundle(number), &built_in).unwrap_err();
            assert!(error.problem.contains(words), "{number}: {error}");
        }
        installed.admit(&bundle("7.10.0"), &built_in).unwrap();
        let mut other = bundle("7.10.0");
        other.digest = "0".repeat(64);
        let error = installed.admit(&other, &built_in).unwrap_err();
        assert!(error.problem.contains("another lung 7.10.0"), "{error}");
        installed.roll_back().unwrap();
        assert_eq!(version(installed.current()), "7.10.0");
    }

    #[test]
    fn before_the_first_installed_one_there_was_the_built_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Installed::at(folder.path());
        install(&installed, &bundle("7.0.0")).unwrap();
        let both = || [installed.current(), installed.previous().unwrap()].map(version);
        assert_eq!(both(), ["7.0.0", "built-in"]);
        installed.roll_back().unwrap();
        assert_eq!(both(), ["built-in", "7.0.0"]);
        installed.roll_back().unwrap();
        assert_eq!(both(), ["7.0.0", "built-in"]);
        install(&installed, &bundle("7.0.1")).unwrap();
        for _ in 0..2 {
            installed.leave().unwrap();
            assert_eq!(both(), ["built-in", "7.0.1"]);
        }
        install(&installed, &bundle("7.0.2")).unwrap();
        assert_eq!(both(), ["7.0.2", "built-in"]);
        // One copy, a link, and the versions.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3);
    }

    #[test]
    fn the_built_in_one_is_the_least() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            Installed::at(folder.path()).admit(&bundle("0.0.1"), &Bundle::load(None).unwrap());
        assert!(error.unwrap_err().problem.contains("older than"));
    }

    #[test]
    fn cut_at_any_operation_the_box_has_a_whole_bundle_and_doing_it_again_finishes_it() {
        let (old, new) = (bundle("7.0.0"), bundle("7.0.1"));
        for first in [true, false] {
            for cut in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let installed = Installed::at(folder.path());
                if !first {
                    install(&installed, &old).unwrap();
                }
                let before = version(installed.current());
                installed.left.set(cut);
                let done = install(&installed, &new).is_ok();
                let after = version(installed.current());
                let whole = after == before || after == "7.0.1";
                assert!(whole && (!done || after == "7.0.1"), "cut {cut}: {before}, {after}");
                installed.left.set(usize::MAX);
                install(&installed, &new).unwrap();
                assert_eq!(version(installed.current()), "7.0.1", "cut {cut}");
                let previous = version(installed.previous().unwrap());
                assert_eq!(previous, if first { "built-in" } else { "7.0.0" }, "cut {cut}");
                if done {
                    println!("{cut} cuts");
                    break;
                }
            }
        }
    }

    #[test]
    fn a_damaged_copy_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Installed::at(folder.path());
        let bundle = bundle("7.0.0");
        install(&installed, &bundle).unwrap();
        fs::write(installed.current().unwrap().join("card.md"), "torn").unwrap();
        assert!(Bundle::load(installed.current().as_deref()).is_err());
        install(&installed, &bundle).unwrap();
        assert_eq!(version(installed.current()), "7.0.0");
    }

    #[test]
    fn what_else_lies_in_the_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        for path in ["exams", "mine", "mine-0123456789ab"] {
            fs::create_dir(folder.path().join(path)).unwrap();
        }
        fs::write(folder.path().join("mine/bundle.toml"), "").unwrap();
        let installed = Installed::at(folder.path());
        for number in ["7.0.0", "7.0.1", "7.0.2"] {
            install(&installed, &bundle(number)).unwrap();
        }
        // These three, two copies, two links, and the versions.
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 8);
    }

    #[test]
    fn a_new_signature_over_the_same_content_takes_the_old_ones_place() {
        let folder = tempfile::tempdir().unwrap();
        let installed = Installed::at(folder.path());
        let mut bundle = bundle("7.0.0");
        for text in ["one", "another"] {
            bundle.sign_as(text);
            install(&installed, &bundle).unwrap();
            let path = installed.current().unwrap().join(signature::FILE);
            assert_eq!(fs::read_to_string(path).unwrap(), text);
        }
    }
}
