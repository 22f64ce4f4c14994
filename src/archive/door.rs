//! Locked, shut and open. The key comes from a stick or is opened by a passphrase; a PIN, which is
//! nowhere but in memory, shuts and opens it again within a session.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::sending::Outgoing;
use super::{Archive, Said, Sending};
use crate::error::{Error, ErrorKind, plain_words};
use crate::store::{Errand, LockedKey, SecretKey, Unlocked, What};

/// Wrong PINs after which the key is forgotten.
const WRONG: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Door {
    /// The box has no key.
    #[default]
    Locked,
    /// A key is being worked on.
    Opening,
    /// The PIN opens it.
    Shut,
    Open,
}

/// What was typed unseen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// In memory while the box is unlocked.
pub struct Keys {
    pub unlocked: Unlocked,
    pin: Secret,
    wrong: u8,
    pub shut: bool,
}

impl Archive {
    pub(super) fn unlock(&mut self, passphrase: &Secret, pin: Secret) -> Result<(), Error> {
        self.shared.view().door = Door::Opening;
        let unlocked = self.key(passphrase).and_then(|key| self.shelf.unlock(key));
        self.shared.view().door = Door::Locked;
        self.keys = Some(Keys { unlocked: unlocked?, pin, wrong: 0, shut: false });
        self.opened()
    }

    /// What is to be seen, now that it may be.
    fn opened(&mut self) -> Result<(), Error> {
        self.errands.leave(Errand::Note(What::Unlocked), (self.now)());
        // Whoever has waited for the key has been there.
        self.last = Instant::now();
        self.place = Default::default();
        self.outgoing.iter_mut().for_each(Outgoing::hurry);
        {
            let mut view = self.shared.view();
            (view.door, view.said) = (Door::Open, None);
        }
        self.list()
    }

    pub(super) fn try_pin(&mut self, pin: &Secret) -> Result<(), Error> {
        let Some(keys) = &mut self.keys else { return Ok(()) };
        if keys.pin == *pin {
            (keys.shut, keys.wrong) = (false, 0);
            return self.opened();
        }
        keys.wrong += 1;
        match WRONG - keys.wrong {
            0 => self.forget(),
            left => self.say(Some(Said::WrongPin { left })),
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.keys = None;
        let mut view = self.shared.view();
        (view.door, view.said) = (Door::Locked, Some(Said::Forgotten));
    }

    /// Nothing of an exam is seen from here on; without a PIN the key is forgotten too.
    pub(super) fn lock(&mut self) {
        let Some(keys) = self.keys.as_mut().filter(|keys| !keys.shut) else { return };
        keys.shut = true;
        self.leave();
        self.outgoing.iter_mut().for_each(Outgoing::rest);
        {
            let mut view = self.shared.view();
            // What is on its way stays in sight.
            view.sending.take_if(|sending| !matches!(sending, Sending::Going { .. }));
            (view.page, view.door) = (Default::default(), Door::Shut);
        }
        self.place = Default::default();
        if self.keys.as_ref().is_some_and(|keys| keys.pin.0.is_empty()) {
            self.forget();
        }
        self.errands.leave(Errand::Note(What::Locked), (self.now)());
    }

    /// The secret key: of the stick, or the one that the passphrase opens, which may be on the stick
    /// too.
    fn key(&self, passphrase: &Secret) -> Result<SecretKey, Error> {
        let stick = || self.settings.token.as_deref().and_then(found);
        let path = match &self.settings.locked_key {
            Some(path) if !passphrase.0.is_empty() => Some(path.clone()),
            _ => stick(),
        };
        let path = path.ok_or_else(|| {
            let subject = self.settings.token.as_deref().unwrap_or("the key");
            let remedy = "plug in the stick with the secret key, and wait a moment";
            Error::new(ErrorKind::Usage, subject, "is not there", remedy)
        })?;
        let name = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|e| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            Error::new(ErrorKind::Usage, &name, problem, "see that it is there and may be read")
        })?;
        if LockedKey::is_one(&text) {
            return LockedKey::parse(&text, &name)?.open(&passphrase.0);
        }
        SecretKey::parse(&text, &name)
    }
}

/// The first file of a path, one of whose folders may be `*`.
fn found(pattern: &str) -> Option<PathBuf> {
    let Some((folder, rest)) = pattern.split_once("/*/") else {
        return Some(PathBuf::from(pattern)).filter(|path| path.is_file());
    };
    let entries = std::fs::read_dir(Path::new(folder).join("")).ok()?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path().join(rest)).collect();
    paths.sort();
    paths.into_iter().find(|path| path.is_file())
}
