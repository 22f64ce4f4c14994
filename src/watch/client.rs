//! Watches: reads snapshots from an instance's socket.

use std::io::{ErrorKind as Io, Read};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{LONGEST, MARK, greeting};
use crate::error::{Error, ErrorKind, plain_words};
use crate::snapshot::Snapshot;

/// Without a snapshot for this long the instance is not believed any more.
const STALE: Duration = Duration::from_millis(1500);

/// What a watcher found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    Fresh,
    /// The instance is there and says nothing.
    Silence,
    /// It has ended.
    End,
}

pub struct Client {
    stream: UnixStream,
    path: PathBuf,
    /// What has been read and not yet used.
    bytes: Vec<u8>,
}

impl Client {
    /// Comes to the instance at `path`.
    pub fn connect(path: &Path) -> Result<Client, Error> {
        let stream = UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(STALE))?;
            Ok(stream)
        });
        let stream = stream.map_err(|e| {
            let problem = format!("no instance to be watched ({})", plain_words(&e));
            let remedy = "start `sonolamp run` first, as the same user or in its group; --socket \
                          names another";
            Error::new(ErrorKind::Device, path.display(), problem, remedy)
        })?;
        let mut client = Client { stream, path: path.to_owned(), bytes: Vec::new() };
        client.greet()?;
        Ok(client)
    }

    fn greet(&mut self) -> Result<(), Error> {
        let wanted = greeting();
        while !self.bytes.contains(&b'\n') {
            if self.bytes.len() > 200 || self.fill()? != Seen::Fresh {
                return Err(self.wrong("does not answer as an instance does"));
            }
        }
        let end = self.bytes.iter().position(|&b| b == b'\n').map_or(0, |end| end + 1);
        let said: Vec<u8> = self.bytes.drain(..end).collect();
        if said == wanted.as_bytes() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        Err(self.wrong(&format!("is `{said}`, and this is `{}`", wanted.trim())))
    }

    /// Reads the next snapshot into `snapshot`, which stays as it is without one.
    pub fn next(&mut self, snapshot: &mut Snapshot) -> Result<Seen, Error> {
        loop {
            let length = self.length()?.filter(|length| self.bytes.len() >= 8 + length);
            if let Some(length) = length {
                let read = postcard::from_bytes::<Snapshot>(&self.bytes[8..8 + length]);
                self.bytes.drain(..8 + length);
                let sound = read.ok().filter(Snapshot::is_sound);
                *snapshot = sound.ok_or_else(|| self.wrong("sends a damaged snapshot"))?;
                return Ok(Seen::Fresh);
            }
            let seen = self.fill()?;
            if seen != Seen::Fresh {
                return Ok(seen);
            }
        }
    }

    /// Of the snapshot that comes next, once it is known.
    fn length(&self) -> Result<Option<usize>, Error> {
        let Some((mark, rest)) = self.bytes.split_first_chunk::<4>() else { return Ok(None) };
        let Some(length) = rest.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if *mark != MARK || length > LONGEST {
            return Err(self.wrong("sends what is no snapshot"));
        }
        Ok(Some(length))
    }

    fn fill(&mut self) -> Result<Seen, Error> {
        let mut piece = [0; 64 << 10];
        match self.stream.read(&mut piece) {
            Ok(0) => Ok(Seen::End),
            Ok(read) => {
                self.bytes.extend_from_slice(&piece[..read]);
                Ok(Seen::Fresh)
            }
            Err(e) if matches!(e.kind(), Io::WouldBlock | Io::TimedOut) => Ok(Seen::Silence),
            Err(e) if e.kind() == Io::Interrupted => Ok(Seen::Fresh),
            Err(e) if e.kind() == Io::ConnectionReset => Ok(Seen::End),
            Err(e) => Err(self.wrong(&format!("cannot be read ({})", plain_words(&e)))),
        }
    }

    fn wrong(&self, problem: &str) -> Error {
        let remedy = "watch with the very version that runs";
        Error::new(ErrorKind::Device, self.path.display(), problem, remedy)
    }
}
