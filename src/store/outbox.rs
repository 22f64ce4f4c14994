//! Exams on their way to a PACS: which, to where, how often it was tried. No patient data.
//!
//! An entry is a file beside the exam's own, replaced as a whole, with its digest: it is there after a
//! cut as it was before, or as it was to become. It is under way before the first byte leaves the box,
//! and gone once the exam counts as sent. One that a cut found under way may have arrived or not: that
//! is written into the journal, and it is sent again under the same numbers.

use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{DRAFT, Files};
use super::id::ExamId;
use super::index::Index;
use super::journal::{self, Journal, What, When, hex};
use super::{BOX, Shelf, Store, unreadable};
use crate::error::{Error, ErrorKind};

pub const ENTRY: &str = ".outbox";

const CUT_OFF: &str =
    "its sending was cut off: it may have arrived, and is sent again under the same numbers";
const DAMAGED: &str =
    "its place in the outbox is damaged: it may have been sent, and is not sent again by itself";

/// An exam that is to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub exam: ExamId,
    /// `TITLE@host:port`.
    pub destination: String,
    pub state: State,
    /// When it was asked for.
    pub queued: When,
    /// The journal's line about that; later lines tell whether it was sent since.
    line: u64,
    /// How often it was tried.
    pub tries: u32,
    /// Objects of the exam, and how many of them the PACS took at the last try.
    pub objects: usize,
    pub taken: usize,
    /// Why the last try failed, in our own words.
    pub trouble: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    Queued,
    UnderWay,
}

/// How a try failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// No patient data.
    pub trouble: String,
    pub taken: usize,
    /// One more object was on its way.
    pub unclear: bool,
}

fn encode(entry: &Entry) -> io::Result<Vec<u8>> {
    let json = serde_json::to_string(entry)?;
    Ok(format!("{json}\n{}\n", hex(&Sha256::digest(&json))).into_bytes())
}

fn decode(bytes: &[u8]) -> Option<Entry> {
    let (json, digest) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.rsplit_once('\n')?;
    let holds = digest == hex(&Sha256::digest(json));
    holds.then(|| serde_json::from_str(json).ok()).flatten()
}

fn name(id: ExamId) -> String {
    format!("{id}{ENTRY}")
}

/// The entry of an exam, if there is one. `InvalidData`: it is damaged.
fn read(files: &dyn Files, id: ExamId) -> io::Result<Option<Entry>> {
    let bytes = match files.read(&name(id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        bytes => bytes?,
    };
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "its digest is wrong");
    decode(&bytes).filter(|entry| entry.exam == id).ok_or_else(damaged).map(Some)
}

fn remove(files: &dyn Files, id: ExamId) -> io::Result<()> {
    files.remove(&name(id))?;
    files.sync_names()
}

/// The exams that have files with this end.
pub fn ids(files: &dyn Files, end: &str) -> io::Result<Vec<ExamId>> {
    let names = files.names()?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(end)?.parse().ok()).collect())
}

/// At opening: what is left of a cut is cleared away, what was under way is sent or unclear. What was
/// set right, in words.
pub fn settle(
    files: &dyn Files,
    index: &Index,
    journal: &mut Journal,
    when: When,
) -> io::Result<Vec<String>> {
    let mut mended = Vec::new();
    for id in ids(files, &format!("{ENTRY}{DRAFT}"))? {
        files.remove(&format!("{}{DRAFT}", name(id)))?;
        files.sync_names()?;
    }
    for id in ids(files, ENTRY)? {
        let Some((number, row)) = index.find(id)? else {
            remove(files, id)?;
            continue;
        };
        let entry = match read(files, id) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => None,
            entry => entry?,
        };
        let words = match &entry {
            Some(entry) if entry.state == State::Queued => continue,
            Some(entry) => match sent_since(files, entry)? {
                Some(at) => {
                    let mut row = row;
                    row.follow(What::Sent, at);
                    index.write(|change| change.put(number, &row))?;
                    remove(files, id)?;
                    continue;
                }
                None => CUT_OFF,
            },
            None => DAMAGED,
        };
        journal.add(when, BOX, What::Unclear, Some(id), Some(words.to_owned()))?;
        mended.push(format!("exam {id}: {words}"));
        match entry {
            Some(entry) => put(files, &Entry { state: State::Queued, ..entry })?,
            None => remove(files, id)?,
        }
    }
    Ok(mended)
}

/// When an exam was sent, if the journal says that it was after its entry was made.
fn sent_since(files: &dyn Files, entry: &Entry) -> io::Result<Option<When>> {
    let bytes = files.read(journal::NAME)?;
    let sent = |line: &journal::Line| line.what == What::Sent && line.exam == Some(entry.exam);
    let mut later = journal::lines(&bytes).filter(|line| line.number > entry.line);
    Ok(later.find(sent).map(|line| line.when))
}

fn put(files: &dyn Files, entry: &Entry) -> io::Result<()> {
    files.replace(&name(entry.exam), &encode(entry)?)
}

impl Shelf {
    /// What waits to be sent, in the order in which it was asked for.
    pub fn outbox(&self) -> Result<Vec<Entry>, Error> {
        let ids = ids(&*self.files, ENTRY).map_err(|e| unreadable("the outbox", &e))?;
        let mut entries = Vec::new();
        for id in ids {
            let entry = read(&*self.files, id);
            let entry = entry.map_err(|e| unreadable(format!("the outbox's exam {id}"), &e))?;
            entries.extend(entry);
        }
        entries.sort_by_key(|entry| (entry.line, entry.exam));
        Ok(entries)
    }

    /// Whether an exam waits to be sent.
    pub fn waits(&self, id: ExamId) -> bool {
        self.files.open(&name(id)).is_ok()
    }
}

impl Store {
    /// Puts an exam into the outbox. What is there already stays as it is.
    pub fn queue(
        &mut self,
        id: ExamId,
        destination: &str,
        when: When,
        who: &str,
    ) -> Result<(), Error> {
        self.row(id)?;
        let outcome = self.try_queue(id, destination, when, who);
        self.note(outcome)
    }

    fn try_queue(&mut self, id: ExamId, to: &str, when: When, who: &str) -> io::Result<()> {
        if read(&*self.files, id)?.is_some() {
            return Ok(());
        }
        self.journal.add(when, who, What::Queued, Some(id), Some(to.to_owned()))?;
        put(
            &*self.files,
            &Entry {
                exam: id,
                destination: to.to_owned(),
                state: State::Queued,
                queued: when,
                line: self.journal.head().0,
                tries: 0,
                objects: 0,
                taken: 0,
                trouble: None,
            },
        )
    }

    /// Takes an exam out of the outbox unsent.
    pub fn withdraw(&mut self, id: ExamId, when: When, who: &str) -> Result<(), Error> {
        self.entry(id)?;
        let outcome = self
            .journal
            .add(when, who, What::Withdrawn, Some(id), None)
            .and_then(|()| remove(&*self.files, id));
        self.note(outcome)
    }

    /// An exam of so many objects is about to be sent. Nothing may leave the box before this returns.
    pub fn begin_sending(&mut self, id: ExamId, objects: usize) -> Result<(), Error> {
        let entry = self.entry(id)?;
        let tries = entry.tries.saturating_add(1);
        let entry = Entry { state: State::UnderWay, tries, objects, taken: 0, ..entry };
        let outcome = put(&*self.files, &entry);
        self.note(outcome)
    }

    /// All of an exam has arrived.
    pub fn sent(&mut self, id: ExamId, when: When, who: &str) -> Result<(), Error> {
        let Entry { objects, destination, .. } = self.entry(id)?;
        let about = format!("{objects} objects to {destination}");
        self.mark_about(id, What::Sent, Some(about), when, who)?;
        let outcome = remove(&*self.files, id);
        self.note(outcome)
    }

    /// All of an exam has arrived, but as it was before it was amended: it waits to be sent anew.
    pub fn sent_before(
        &mut self,
        id: ExamId,
        trouble: &str,
        when: When,
        who: &str,
    ) -> Result<(), Error> {
        let taken = self.entry(id)?.objects;
        let failed = Failed { trouble: trouble.to_owned(), taken, unclear: false };
        self.not_sent(id, &failed, when, who)
    }

    /// An exam has not arrived, or not as a whole; it waits for the next try.
    pub fn not_sent(
        &mut self,
        id: ExamId,
        failed: &Failed,
        when: When,
        who: &str,
    ) -> Result<(), Error> {
        let entry = self.entry(id)?;
        let Failed { trouble, taken, unclear } = failed;
        let outcome = (|| {
            if *taken > 0 || *unclear {
                let more = if *unclear { ", and one more may have" } else { "" };
                let (objects, to) = (entry.objects, &entry.destination);
                let about = format!("{taken} of {objects} objects arrived at {to}{more}");
                self.journal.add(when, who, What::Unclear, Some(id), Some(about))?;
            }
            let (state, trouble) = (State::Queued, Some(trouble.clone()));
            put(&*self.files, &Entry { state, taken: *taken, trouble, ..entry })
        })();
        self.note(outcome)
    }

    fn entry(&self, id: ExamId) -> Result<Entry, Error> {
        let entry = read(&*self.files, id);
        let entry = entry.map_err(|e| unreadable(format!("the outbox's exam {id}"), &e))?;
        entry.ok_or_else(|| {
            let remedy = "`sonolamp exam outbox` shows what is";
            Error::new(ErrorKind::Input, format!("exam {id}"), "is not in the outbox", remedy)
        })
    }
}
