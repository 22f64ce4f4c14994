//! Reading the store, for whoever has the clinic's secret key; and checking it, for anyone.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::clip::{self, KeptFrame};
use super::files::{File, Files};
use super::id::ExamId;
use super::index::{Index, Row};
use super::journal;
use super::record::{self, Envelope, Listed, Record};
use super::seal::{RowKey, SecretKey};
use super::{CLIP, ENVELOPE, Store, broken, digests, unreadable};
use crate::error::{Error, ErrorKind};

/// What is kept. Reading it and keeping more never wait for each other.
#[derive(Clone)]
pub struct Shelf {
    pub(super) files: Arc<dyn Files>,
    pub(super) index: Arc<Index>,
    /// Bytes that an exam must find free.
    pub(super) reserve: u64,
}

/// The keys in memory that open the store.
pub struct Unlocked {
    key: SecretKey,
    rows: BTreeMap<u32, RowKey>,
}

/// One exam, opened.
pub struct Exam {
    pub record: Record,
    key: SecretKey,
    clip: [u8; 32],
    pub version: Version,
}

/// The digest of an exam's envelope: what is amended has another.
pub type Version = [u8; 32];

impl Shelf {
    /// Exams that are kept.
    pub fn count(&self) -> Result<u64, Error> {
        self.index.count().map_err(|e| unreadable("the index", &e))
    }

    /// Bytes that are free for exams.
    pub fn free(&self) -> Result<u64, Error> {
        let free = self.files.free().map_err(|e| broken(&e))?;
        Ok(free.saturating_sub(self.reserve))
    }

    pub(super) fn row(&self, id: ExamId) -> Result<(u64, Row), Error> {
        let found = self.index.find(id).map_err(|e| unreadable("the index", &e))?;
        found.filter(|(_, row)| !row.erasing).ok_or_else(|| {
            let remedy = "`sonolamp exam list` shows those that there are";
            Error::new(ErrorKind::Input, format!("exam {id}"), "is not in the store", remedy)
        })
    }

    /// Opens the keys of the index with the clinic's secret key.
    pub fn unlock(&self, key: SecretKey) -> Result<Unlocked, Error> {
        let mut unlocked = Unlocked { key, rows: BTreeMap::new() };
        let sealed = self.refresh(&mut unlocked)?;
        if unlocked.rows.is_empty() && sealed > 0 {
            let remedy = "give the secret key that belongs to the store's public keys";
            let problem = "opens nothing in this store";
            return Err(Error::new(ErrorKind::Usage, "the key", problem, remedy));
        }
        Ok(unlocked)
    }

    /// Opens those keys of the index that have come since; how many there are.
    pub fn refresh(&self, unlocked: &mut Unlocked) -> Result<usize, Error> {
        let sealed = self.index.keys().map_err(|e| unreadable("the index", &e))?;
        for (number, sealed) in &sealed {
            if !unlocked.rows.contains_key(number) {
                let key = unlocked.key.open(sealed).and_then(|key| RowKey::from_bytes(&key));
                unlocked.rows.extend(key.map(|key| (*number, key)));
            }
        }
        Ok(sealed.len())
    }

    /// Up to `most` exams before row `before`, newest first, with each row's number. What cannot be
    /// opened has nothing to show but its row.
    pub fn list(
        &self,
        unlocked: &Unlocked,
        before: Option<u64>,
        most: usize,
    ) -> Result<Vec<(u64, Row, Option<Listed>)>, Error> {
        let mut rows = Vec::new();
        if most > 0 {
            let read = self.index.newest(before, |number, row| {
                rows.push((number, row));
                rows.len() < most
            });
            read.map_err(|e| unreadable("the index", &e))?;
        }
        let shown = |(number, row): (u64, Row)| {
            let listed = self.listed(unlocked, &row);
            (number, row, listed)
        };
        Ok(rows.into_iter().map(shown).collect())
    }

    fn listed(&self, unlocked: &Unlocked, row: &Row) -> Option<Listed> {
        let Some(key) = row.key else {
            return Some(Listed::from(&self.exam(unlocked, row.id).ok()?.record));
        };
        postcard::from_bytes(&unlocked.rows.get(&key)?.open(row.id, &row.listed)?).ok()
    }

    /// Opens an exam.
    pub fn exam(&self, unlocked: &Unlocked, id: ExamId) -> Result<Exam, Error> {
        self.row(id)?;
        let subject = format!("exam {id}");
        let sealed = self.files.read(&format!("{id}{ENVELOPE}"));
        let sealed = sealed.map_err(|e| unreadable(&subject, &e))?;
        let damaged =
            |words: &str| unreadable(&subject, &io::Error::new(io::ErrorKind::InvalidData, words));
        let bytes = unlocked.key.open(&sealed).ok_or_else(|| damaged("its envelope stays shut"))?;
        let version = postcard::take_from_bytes::<u16>(&bytes).map(|(version, _)| version);
        if version.ok().is_some_and(|version| version != record::VERSION) {
            return Err(damaged("it is of another version of Sonolamp"));
        }
        let envelope: Envelope =
            postcard::from_bytes(&bytes).map_err(|_| damaged("its record makes no sense"))?;
        let key = SecretKey::parse(&envelope.key, &subject)?;
        let version = Sha256::digest(&sealed).into();
        Ok(Exam { record: envelope.record, key, clip: envelope.clip, version })
    }

    /// Which version of an exam is kept.
    pub fn version(&self, id: ExamId) -> Result<Version, Error> {
        self.row(id)?;
        let sealed = self.files.read(&format!("{id}{ENVELOPE}"));
        let sealed = sealed.map_err(|e| unreadable(format!("exam {id}"), &e))?;
        Ok(Sha256::digest(&sealed).into())
    }

    /// The frames of an exam, in order; an error ends them.
    pub fn frames(
        &self,
        exam: &Exam,
    ) -> Result<impl Iterator<Item = Result<KeptFrame, Error>> + use<>, Error> {
        let subject = format!("the clip of exam {}", exam.record.id);
        let file = self.files.open(&format!("{}{CLIP}", exam.record.id));
        let input = file.map(|file| BufReader::with_capacity(1 << 16, Reader { file, at: 0 }));
        let stream = input.and_then(|input| exam.key.reader(input));
        let mut stream = stream.map_err(|e| unreadable(&subject, &e))?;
        let mut over = false;
        Ok(std::iter::from_fn(move || {
            if over {
                return None;
            }
            let frame = clip::read(&mut stream).map_err(|e| unreadable(&subject, &e));
            over = !matches!(frame, Ok(Some(_)));
            frame.transpose()
        }))
    }

    fn digest(&self, name: &str) -> io::Result<[u8; 32]> {
        let mut reader = Reader { file: self.files.open(name)?, at: 0 };
        let (mut digest, mut piece) = (Sha256::new(), vec![0; 1 << 16]);
        loop {
            match reader.read(&mut piece)? {
                0 => return Ok(digest.finalize().into()),
                read => digest.update(&piece[..read]),
            }
        }
    }
}

impl Store {
    /// Checks journal and files, without any key: what is damaged, in words.
    pub fn check(&self) -> Result<Vec<String>, Error> {
        let mut damage = Vec::new();
        let bytes = self.files.read(journal::NAME).map_err(|e| unreadable("the journal", &e))?;
        let checked = journal::check(&bytes, self.journal.head());
        if let Some(line) = checked.broken {
            damage.push(format!("the journal does not hold from line {line} on"));
        }
        let mut said = BTreeMap::new();
        for line in journal::lines(&bytes) {
            if let Some((id, digests)) = line.digests() {
                said.insert(id, digests.to_owned());
            }
        }
        let mut rows = Vec::new();
        let read = self.index.newest(None, |_, row| {
            rows.push(row.id);
            true
        });
        read.map_err(|e| unreadable("the index", &e))?;
        for id in rows {
            let digest = |end: &str| self.digest(&format!("{id}{end}"));
            match (digest(ENVELOPE), digest(CLIP)) {
                (Ok(envelope), Ok(clip)) => {
                    if said.get(&id).is_some_and(|said| *said != digests(&envelope, &clip)) {
                        damage.push(format!("exam {id}: a file is not as it was kept"));
                    }
                }
                (Err(error), _) => {
                    damage.push(unreadable(format!("exam {id}"), &error).to_string());
                }
                (_, Err(error)) => {
                    damage.push(unreadable(format!("the clip of exam {id}"), &error).to_string());
                }
            }
        }
        Ok(damage)
    }
}

impl Exam {
    /// The digest that the clip's file was kept with.
    pub fn clip_digest(&self) -> &[u8; 32] {
        &self.clip
    }
}

/// Reads a file from its start to its end.
struct Reader {
    file: Box<dyn File>,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.file.length()?.saturating_sub(self.at);
        let length = out.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        self.file.read_at(&mut out[..length], self.at)?;
        self.at += length as u64;
        Ok(length)
    }
}
