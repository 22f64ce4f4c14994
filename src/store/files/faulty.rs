//! A disk in memory that fails, forgets and tears, for tests.
//!
//! What has been synced is safe. At a cut, of what has not: writes to a file are kept or lost one by
//! one, in any order, and one of them may be torn; changes of names are kept up to some point (file
//! systems with a journal keep their order).

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oorandom::Rand32;

use super::{File, Files};

/// Disks tear writes at their sectors.
const SECTOR: usize = 512;

/// What happens at the operation that is to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// It fails, and all after it: the disk is gone.
    ForGood,
    /// It alone fails.
    Once,
    /// It alone finds the disk full.
    Full,
}

#[derive(Debug, Clone)]
enum Change {
    Write(usize, Vec<u8>),
    Length(usize),
}

impl Change {
    fn apply(&self, data: &mut Vec<u8>) {
        match self {
            Change::Write(offset, bytes) => {
                data.resize(data.len().max(offset + bytes.len()), 0);
                data[*offset..offset + bytes.len()].copy_from_slice(bytes);
            }
            Change::Length(length) => data.resize(*length, 0),
        }
    }
}

#[derive(Debug, Default)]
struct Content {
    safe: Vec<u8>,
    pending: Vec<Change>,
    now: Vec<u8>,
}

impl Content {
    fn change(&mut self, change: Change) {
        change.apply(&mut self.now);
        self.pending.push(change);
    }
}

type Names = BTreeMap<String, usize>;

#[derive(Debug, Default)]
struct State {
    contents: Vec<Content>,
    safe_names: Names,
    /// The names after each change that is not safe yet.
    pending_names: Vec<Names>,
    /// Operations so far that change or sync something.
    operations: u64,
    failing: Option<(u64, Failure)>,
    full: bool,
}

impl State {
    fn names(&self) -> &Names {
        self.pending_names.last().unwrap_or(&self.safe_names)
    }

    /// Counts an operation; fails if it is its turn.
    fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        match self.failing {
            Some((at, Failure::ForGood)) if self.operations >= at => Err(io::Error::other("gone")),
            Some((at, Failure::Once)) if self.operations == at => Err(io::Error::other("failed")),
            Some((at, Failure::Full)) if self.operations == at => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    fn rename(&mut self, change: impl FnOnce(&mut Names) -> io::Result<()>) -> io::Result<()> {
        let mut names = self.names().clone();
        change(&mut names)?;
        self.pending_names.push(names);
        Ok(())
    }
}

/// The disk; clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct Faulty(Arc<Mutex<State>>);

impl Faulty {
    /// Lets the operation with this number, counted from 1 over the disk's life, fail.
    pub fn fail(&self, at: u64, failure: Failure) {
        self.state().failing = Some((at, failure));
    }

    /// Leaves no space from now on, for whoever asks first.
    pub fn fill(&self) {
        self.state().full = true;
    }

    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The disk after a cut of the power now, as luck (`seed`) has it. The least lucky loses all
    /// that can be lost (0), the luckiest nothing (1).
    pub fn after_cut(&self, seed: u64) -> Faulty {
        let state = self.state();
        let mut random = Rand32::new(seed);
        let mut keeps = |share| match seed {
            0 => false,
            1 => true,
            _ => random.rand_float() < share,
        };
        let kept = state.pending_names.iter().take_while(|_| keeps(0.8)).count();
        let names = match kept {
            0 => state.safe_names.clone(),
            kept => state.pending_names[kept - 1].clone(),
        };
        let contents = state.contents.iter().map(|content| {
            let mut safe = content.safe.clone();
            for change in &content.pending {
                match change {
                    _ if keeps(0.5) => change.apply(&mut safe),
                    Change::Write(offset, bytes) if bytes.len() > SECTOR && keeps(0.3) => {
                        Change::Write(*offset, bytes[..SECTOR].to_vec()).apply(&mut safe);
                    }
                    _ => {}
                }
            }
            Content { now: safe.clone(), safe, pending: Vec::new() }
        });
        let contents = contents.collect();
        let state = State { contents, safe_names: names, ..State::default() };
        Faulty(Arc::new(Mutex::new(state)))
    }

    /// Flips a bit of a file, behind the back of whoever wrote it.
    pub fn flip(&self, name: &str, bit: usize) {
        self.alter(name, |data| data[bit / 8] ^= 1 << (bit % 8));
    }

    pub fn truncate(&self, name: &str, length: usize) {
        self.alter(name, |data| data.truncate(length));
    }

    fn alter(&self, name: &str, change: impl Fn(&mut Vec<u8>)) {
        let mut state = self.state();
        let at = state.names()[name];
        let content = &mut state.contents[at];
        change(&mut content.now);
        change(&mut content.safe);
    }

    /// Everything that lies on the disk, name by name.
    pub fn everything(&self) -> BTreeMap<String, Vec<u8>> {
        let state = self.state();
        let file = |(name, &at): (&String, &usize)| (name.clone(), state.contents[at].now.clone());
        state.names().iter().map(file).collect()
    }
}

impl Files for Faulty {
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let at = *self.state().names().get(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Open { disk: self.clone(), at }))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut state = self.state();
        state.operate()?;
        let at = state.contents.len();
        state.contents.push(Content::default());
        state.rename(|names| {
            names.insert(name.to_owned(), at);
            Ok(())
        })?;
        Ok(Box::new(Open { disk: self.clone(), at }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.rename(|names| {
            let at = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            names.insert(to.to_owned(), at);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.rename(|names| {
            names.remove(name).ok_or(io::ErrorKind::NotFound)?;
            Ok(())
        })
    }

    fn sync_names(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operate()?;
        state.safe_names = state.names().clone();
        state.pending_names.clear();
        Ok(())
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.state().names().keys().cloned().collect())
    }

    fn free(&self) -> io::Result<u64> {
        Ok(if self.state().full { 0 } else { 1 << 40 })
    }
}

#[derive(Debug)]
struct Open {
    disk: Faulty,
    at: usize,
}

impl File for Open {
    fn length(&self) -> io::Result<u64> {
        Ok(self.disk.state().contents[self.at].now.len() as u64)
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        let state = self.disk.state();
        let offset = offset as usize;
        let from = state.contents[self.at].now.get(offset..offset + out.len());
        out.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate()?;
        state.contents[self.at].change(Change::Write(offset as usize, data.to_vec()));
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.operate()?;
        state.contents[self.at].change(Change::Length(len as usize));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let outcome = state.operate();
        let content = &mut state.contents[self.at];
        if outcome.is_ok() {
            content.safe.clone_from(&content.now);
        }
        // A kernel that could not write a page holds it for clean: it is never written again.
        content.pending.clear();
        outcome
    }
}
