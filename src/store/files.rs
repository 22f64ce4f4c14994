//! The few operations on files that the store is made of, so that tests can put a disk under it
//! that fails, forgets and tears.
//!
//! What `write_at` and `set_len` do is only safe once `sync` has returned, and a file's name (made,
//! changed, removed) once `sync_names` has.

#[cfg(test)]
pub mod faulty;

use std::fmt::Debug;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FlockOperation, fadvise, flock};
use sha2::{Digest, Sha256};

/// Only the owner may read what the store writes.
const PRIVATE: u32 = 0o600;

/// A folder of files.
pub trait Files: Debug + Send + Sync {
    /// Opens a file that is there.
    fn open(&self, name: &str) -> io::Result<Box<dyn File>>;
    /// An empty file, in place of what was there.
    fn create(&self, name: &str) -> io::Result<Box<dyn File>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    fn sync_names(&self) -> io::Result<()>;
    /// The names of all files, in no order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Bytes that can still be written.
    fn free(&self) -> io::Result<u64>;
}

/// An open file.
pub trait File: Debug + Send + Sync {
    /// In bytes.
    fn length(&self) -> io::Result<u64>;
    /// Fills all of `out`, or fails.
    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()>;
    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()>;
    fn set_len(&self, len: u64) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
    /// After a sync: what is read from now on comes from the medium, not from memory.
    fn forget(&self) -> io::Result<()> {
        Ok(())
    }
}

impl dyn Files + '_ {
    /// Opens a file, or makes it.
    pub fn open_or_create(&self, name: &str) -> io::Result<Box<dyn File>> {
        match self.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.create(name),
            opened => opened,
        }
    }

    /// All of a file.
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.open(name)?;
        let mut bytes = vec![0; usize::try_from(file.length()?).map_err(io::Error::other)?];
        file.read_at(&mut bytes, 0)?;
        Ok(bytes)
    }

    /// Puts `bytes` under a name, in place of what was there: after a cut it is the one or the
    /// other, and once this returns it is the new one.
    pub fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let draft = format!("{name}{DRAFT}");
        let file = self.create(&draft)?;
        file.write_at(bytes, 0)?;
        file.sync()?;
        drop(file);
        self.rename(&draft, name)?;
        self.sync_names()
    }
}

/// Writes at a file's end, and knows the digest of all of it.
pub struct Appender {
    file: Box<dyn File>,
    length: u64,
    digest: Sha256,
}

impl Appender {
    /// On a file that is empty.
    pub fn new(file: Box<dyn File>) -> Appender {
        Appender { file, length: 0, digest: Sha256::new() }
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    /// Of what was written so far.
    pub fn digest(&self) -> Sha256 {
        self.digest.clone()
    }

    pub fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }

    /// See [`File::forget`].
    pub fn forget(&self) -> io::Result<()> {
        self.file.forget()
    }
}

impl Write for Appender {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.file.write_at(data, self.length)?;
        self.length += data.len() as u64;
        self.digest.update(data);
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end of names of files that are being written.
pub const DRAFT: &str = ".part";

/// A real folder.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: Option<std::fs::File>,
}

/// Held while a program has the folder.
const LOCK: &str = "lock";

impl Folder {
    /// Makes the folder if it is not there, for its owner alone, and holds it for this program.
    /// `WouldBlock`: another program has it.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let mut folder = Folder::open_shared(path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(PRIVATE);
        let lock = options.open(path.join(LOCK))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)?;
        folder._lock = Some(lock);
        Ok(folder)
    }

    /// The same for a folder that is handed over: nothing in it tells of this program.
    pub fn open_shared(path: &Path) -> io::Result<Folder> {
        let mut builder = std::fs::DirBuilder::new();
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path)?;
        Ok(Folder { path: path.to_owned(), _lock: None })
    }
}

impl Files for Folder {
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        Ok(Box::new(options.read(true).write(true).open(self.path.join(name))?))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).mode(PRIVATE);
        Ok(Box::new(options.open(self.path.join(name))?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.path.join(name))
    }

    fn sync_names(&self) -> io::Result<()> {
        std::fs::File::open(&self.path)?.sync_all()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            // Names of ours are ASCII; others are none of our business.
            if let (true, Ok(name)) =
                (entry.file_type()?.is_file(), entry.file_name().into_string())
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn free(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(&self.path)?;
        Ok(space.f_bavail * space.f_frsize)
    }
}

impl File for std::fs::File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, out: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(out, offset)
    }

    fn write_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(data, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        std::fs::File::set_len(self, len)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_all()
    }

    fn forget(&self) -> io::Result<()> {
        Ok(fadvise(self, 0, None, Advice::DontNeed)?)
    }
}
