//! Exams on disk: sealed to the clinic, durable before anyone is told, whole or not there at all.
//!
//! An exam is two files under a random name: the *clip* (its frames, sealed to a key of the exam's own)
//! and the *envelope* (that key and the record, sealed to the clinic's public keys). Beside them lie the
//! *journal*, which only grows, the *index*, which can be made from the rest, and the *outbox* of what
//! is to be sent. The box holds no secret key: it cannot read what it keeps until someone unlocks it.
//!
//! Keeping an exam goes clip, envelope, journal, index, each synced before the next; a cut in between
//! leaves an exam that is completed or cleared away at the next opening. After an error of the disk the
//! store takes nothing more until it is opened again.

mod clip;
mod files;
mod id;
mod index;
mod journal;
mod mend;
mod outbox;
mod read;
mod record;
mod recorder;
mod seal;
mod summary;
#[cfg(test)]
mod tests;

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest, Sha256};

pub use self::clip::{KeptFrame, read as read_frame};
#[cfg(test)]
pub use self::files::faulty;
pub use self::files::{Appender, File, Files, Folder};
pub use self::id::ExamId;
pub use self::index::Row;
pub use self::journal::{What, When};
pub use self::outbox::{Entry, Failed, State};
pub use self::read::{Exam, Shelf, Unlocked, Version};
pub use self::record::{Ledger, Listed, Means, Place, Record};
pub use self::recorder::{Conclusion, Errand, Errands, Recorder, Recording, recorder};
pub use self::seal::{LockedKey, Recipients, SecretKey, passphrase};
pub use self::summary::Summary;

use self::files::DRAFT;
use self::journal::{Journal, hex};
use self::record::Envelope;
use self::seal::{RowKey, Sealing};
use crate::error::{Error, ErrorKind, plain_words};
pub use crate::patient::Patient;

const ENVELOPE: &str = ".envelope";
const CLIP: &str = ".clip";
/// Who is named in the journal for what nobody asked for.
const BOX: &str = "box";

/// The store, open for more exams.
pub struct Store {
    shelf: Shelf,
    recipients: Recipients,
    journal: Journal,
    /// What this start's rows are under, and its number in the index, once there is one.
    row_key: Option<(u32, RowKey)>,
    /// The disk has failed since the store was opened.
    failed: bool,
}

/// Whoever has the store can read it too.
impl Deref for Store {
    type Target = Shelf;

    fn deref(&self) -> &Shelf {
        &self.shelf
    }
}

/// An exam that is safe, as long as this program runs: what is known of it can still be amended.
pub struct Kept {
    pub id: ExamId,
    number: u64,
    key: SecretKey,
    clip: [u8; 32],
}

fn broken(error: &io::Error) -> Error {
    let problem = format!("cannot be written ({})", plain_words(error));
    let remedy = "look at the storage's space and health; `sonolamp doctor` helps";
    Error::new(ErrorKind::Storage, "the exam store", problem, remedy)
}

fn unreadable(subject: impl ToString, error: &io::Error) -> Error {
    let problem = format!("cannot be read ({})", plain_words(error));
    let remedy = "it is damaged or sealed to another key; the other exams are not touched";
    Error::new(ErrorKind::Storage, subject, problem, remedy)
}

impl Store {
    /// Opens the store or makes it, and sets right what a cut left unfinished; what was, in words.
    pub fn open(
        files: Arc<dyn Files>,
        recipients: Recipients,
        reserve: u64,
        when: When,
    ) -> Result<(Store, Vec<String>), Error> {
        let opened = mend::open(&*files, when);
        let mend::Opened { index, journal, mended } = opened.map_err(|e| broken(&e))?;
        let (row_key, failed) = (None, false);
        let shelf = Shelf { files, index: Arc::new(index), reserve };
        let store = Store { shelf, recipients, journal, row_key, failed };
        Ok((store, mended))
    }

    /// The same, in a folder.
    pub fn open_folder(
        path: &Path,
        recipients: Recipients,
        reserve: u64,
        when: When,
    ) -> Result<(Store, Vec<String>), Error> {
        let folder = Folder::open(path).map_err(|error| {
            let (problem, remedy) = if error.kind() == io::ErrorKind::WouldBlock {
                ("is in use by another sonolamp".to_owned(), "end that one first")
            } else {
                let problem = format!("cannot be opened ({})", plain_words(&error));
                (problem, "see that it is there and belongs to the user that runs sonolamp")
            };
            Error::new(ErrorKind::Storage, path.display(), problem, remedy)
        })?;
        Store::open(Arc::new(folder), recipients, reserve, when)
    }

    /// What is kept, to be read beside this.
    pub fn shelf(&self) -> Shelf {
        self.shelf.clone()
    }

    /// Writes down what was done that is of no exam.
    pub fn note_down(&mut self, what: What, when: When, who: &str) -> Result<(), Error> {
        let outcome = self.journal.add(when, who, what, None, None).and_then(|()| {
            let head = self.journal.head();
            self.index.write(|change| change.set_head(head))
        });
        self.note(outcome)
    }

    /// Begins an exam; refused where the disk has failed or is nearly full.
    pub fn begin(&self) -> Result<Draft, Error> {
        if self.failed {
            let remedy = "start Sonolamp again; if it stays, replace the storage";
            let problem = "has failed and takes no exam";
            return Err(Error::new(ErrorKind::Storage, "the exam store", problem, remedy));
        }
        self.has_room()?;
        Draft::begin(Arc::clone(&self.files)).map_err(|e| broken(&e))
    }

    /// Fails where the disk is nearly full.
    fn has_room(&self) -> Result<(), Error> {
        if self.free()? > 0 {
            return Ok(());
        }
        let remedy = "export exams and erase them";
        Err(Error::new(ErrorKind::Storage, "the exam store", "is full", remedy))
    }

    /// Keeps an exam. It is safe once this returns, and not before.
    pub fn keep(
        &mut self,
        draft: Draft,
        record: &Record,
        when: When,
        who: &str,
    ) -> Result<Kept, Error> {
        let outcome = self.try_keep(draft, record, when, who);
        self.note(outcome)
    }

    fn try_keep(
        &mut self,
        draft: Draft,
        record: &Record,
        when: When,
        who: &str,
    ) -> io::Result<Kept> {
        let (id, key, clip) = draft.finish()?;
        let kept = Kept { id, number: self.index.next()?, key, clip };
        let (sealed, digests) = self.envelope(&kept, record)?;
        self.files.replace(&format!("{id}{ENVELOPE}"), &sealed)?;
        self.journal.add(when, who, What::Kept, Some(id), Some(digests))?;
        self.write_row(&kept, record)?;
        Ok(kept)
    }

    /// Puts another record in the place of an exam's, which then counts as not handed over.
    pub fn amend(
        &mut self,
        kept: &Kept,
        record: &Record,
        when: When,
        who: &str,
    ) -> Result<(), Error> {
        let outcome = self.envelope(kept, record).and_then(|(sealed, digests)| {
            // Said first: of two envelopes that a cut may leave, both are then known.
            self.journal.add(when, who, What::Amended, Some(kept.id), Some(digests))?;
            self.files.replace(&format!("{}{ENVELOPE}", kept.id), &sealed)?;
            self.write_row(kept, record)
        });
        self.note(outcome)
    }

    /// Writes down that an exam has been handed over.
    pub fn mark(&mut self, id: ExamId, what: What, when: When, who: &str) -> Result<(), Error> {
        self.mark_about(id, what, None, when, who)
    }

    fn mark_about(
        &mut self,
        id: ExamId,
        what: What,
        about: Option<String>,
        when: When,
        who: &str,
    ) -> Result<(), Error> {
        let (number, mut row) = self.row(id)?;
        row.follow(what, when);
        let outcome = self.journal.add(when, who, what, Some(id), about).and_then(|()| {
            let head = self.journal.head();
            self.index.write(|change| {
                change.put(number, &row)?;
                change.set_head(head)
            })
        });
        self.note(outcome)
    }

    /// Erases an exam: its key first, then its frames. A cut does not bring it back.
    pub fn erase(&mut self, id: ExamId, when: When, who: &str) -> Result<(), Error> {
        let (number, row) = self.row(id)?;
        let row = Row { erasing: true, ..row };
        let outcome = self.index.write(|change| change.put(number, &row)).and_then(|()| {
            self.journal.add(when, who, What::Erased, Some(id), None)?;
            mend::erase(&*self.files, id)?;
            let head = self.journal.head();
            self.index.write(|change| {
                change.remove(id)?;
                change.set_head(head)
            })
        });
        self.note(outcome)
    }

    /// Erases what was handed over at least `age` seconds ago and does not wait in the outbox, the oldest
    /// first and `most` at a time; how many that were. Nothing happens where the clock has not been set.
    pub fn retire(&mut self, age: u64, most: usize, when: When) -> Result<usize, Error> {
        let Some(before) = when.time.checked_sub(age).filter(|_| when.clock_set) else {
            return Ok(0);
        };
        let waiting = outbox::ids(&*self.files, outbox::ENTRY).map_err(|e| broken(&e))?;
        let mut over = Vec::new();
        let read = self.index.newest(None, |number, row| {
            let past = row.handed_over.is_some_and(|at| at <= before) && !row.erasing;
            let past = past && !waiting.contains(&row.id);
            over.extend(past.then_some((number, row.id)));
            true
        });
        read.map_err(|e| unreadable("the index", &e))?;
        over.sort_unstable();
        over.truncate(most);
        for &(_, id) in &over {
            self.erase(id, when, BOX)?;
        }
        Ok(over.len())
    }

    /// Remembers a failure of the disk: what it holds in memory may never reach it.
    fn note<T>(&mut self, outcome: io::Result<T>) -> Result<T, Error> {
        self.failed |= outcome.is_err();
        outcome.map_err(|e| broken(&e))
    }

    /// The sealed envelope, and what the journal says of it: the digests of the exam's two files.
    fn envelope(&self, kept: &Kept, record: &Record) -> io::Result<(Vec<u8>, String)> {
        let version = record::VERSION;
        let (key, record) = (kept.key.expose(), record.clone());
        let envelope = Envelope { version, key, clip: kept.clip, record };
        let bytes = postcard::to_stdvec(&envelope).map_err(io::Error::other)?;
        let sealed = self.recipients.seal(&bytes)?;
        let digests = digests(&Sha256::digest(&sealed), &kept.clip);
        Ok((sealed, digests))
    }

    fn write_row(&mut self, kept: &Kept, record: &Record) -> io::Result<()> {
        let listed = postcard::to_stdvec(&Listed::from(record)).map_err(io::Error::other)?;
        let head = self.journal.head();
        let fresh = match self.row_key {
            Some(_) => None,
            None => {
                let key = RowKey::generate();
                Some((self.recipients.seal(key.bytes())?, key))
            }
        };
        let mut number = self.row_key.as_ref().map(|(number, _)| *number);
        let key = self.row_key.as_ref().map(|(_, key)| key);
        let key = key.or(fresh.as_ref().map(|(_, key)| key));
        let listed = key.map(|key| key.seal(kept.id, &listed)).unwrap_or_default();
        self.index.write(|change| {
            if let Some((sealed, _)) = &fresh {
                number = Some(change.add_key(sealed)?);
            }
            let row = Row { key: number, listed, ..Row::new(kept.id) };
            change.put(kept.number, &row)?;
            change.set_head(head)
        })?;
        if let (Some((_, key)), Some(number)) = (fresh, number) {
            self.row_key = Some((number, key));
        }
        Ok(())
    }
}

/// As they stand in the journal.
fn digests(envelope: &[u8], clip: &[u8]) -> String {
    format!("{} {}", hex(envelope), hex(clip))
}

/// An exam in the making. Dropped, its file stays until the next opening.
pub struct Draft {
    id: ExamId,
    key: SecretKey,
    files: Arc<dyn Files>,
    stream: Sealing<Appender>,
}

impl Draft {
    fn begin(files: Arc<dyn Files>) -> io::Result<Draft> {
        let (id, key) = (ExamId::random(), SecretKey::generate());
        let file = files.create(&format!("{id}{CLIP}{DRAFT}"))?;
        let stream = key.writer(Appender::new(file))?;
        Ok(Draft { id, key, files, stream })
    }

    pub fn id(&self) -> ExamId {
        self.id
    }

    /// Gives back the space of an exam that is not to be kept.
    pub fn discard(self) {
        let Draft { id, files, stream, .. } = self;
        drop(stream);
        // What cannot be removed is removed at the next opening.
        let _ = files.remove(&format!("{id}{CLIP}{DRAFT}"));
    }

    /// Adds a frame to the clip.
    pub fn add(&mut self, frame: &KeptFrame) -> Result<(), Error> {
        clip::write(frame, &mut self.stream).map_err(|e| broken(&e))
    }

    fn finish(self) -> io::Result<(ExamId, SecretKey, [u8; 32])> {
        let Draft { id, key, files, stream } = self;
        let file = stream.finish()?;
        file.sync()?;
        let digest = file.digest();
        drop(file);
        files.rename(&format!("{id}{CLIP}{DRAFT}"), &format!("{id}{CLIP}"))?;
        Ok((id, key, digest.finalize().into()))
    }
}
