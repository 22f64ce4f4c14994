//! Hands snapshots to whoever watches.

use std::io::{ErrorKind as Io, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{MARK, greeting};
use crate::error::{Error, ErrorKind, plain_words};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::Shutdown;
use crate::snapshot::Snapshot;

/// More are turned away.
const MOST_WATCHERS: usize = 8;
/// Time between two snapshots of a watcher, at the least.
const PACE: Duration = Duration::from_millis(60);

/// A socket that watchers can come to; its file goes with it.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
}

struct Watcher {
    stream: UnixStream,
    /// What it has not taken yet of a snapshot that it is being sent.
    rest: Vec<u8>,
}

impl Watcher {
    /// Sends what it takes now; whether it is still there.
    fn send(&mut self) -> bool {
        while !self.rest.is_empty() {
            match self.stream.write(&self.rest) {
                Ok(0) => return false,
                Ok(sent) => drop(self.rest.drain(..sent)),
                Err(e) if e.kind() == Io::WouldBlock => return true,
                Err(e) if e.kind() == Io::Interrupted => {}
                Err(_) => return false,
            }
        }
        true
    }
}

impl Server {
    /// Listens at `path`. A file that a dead instance left behind gives way.
    pub fn bind(path: &Path) -> Result<Server, Error> {
        let failed = |e: &std::io::Error| {
            let problem = format!("cannot be listened at ({})", plain_words(e));
            let remedy = "name another in [watch] socket, or \"none\"";
            Error::new(ErrorKind::Device, path.display(), problem, remedy)
        };
        if UnixStream::connect(path).is_ok() {
            let remedy = "end it, or name another in [watch] socket, or \"none\"";
            let problem = "is in use by a running instance";
            return Err(Error::new(ErrorKind::Device, path.display(), problem, remedy));
        }
        if std::fs::symlink_metadata(path).is_ok_and(|file| is_socket(&file)) {
            std::fs::remove_file(path).map_err(|e| failed(&e))?;
        }
        let listener = UnixListener::bind(path).map_err(|e| failed(&e))?;
        let server = Server { listener, path: path.to_owned() };
        let private = std::fs::Permissions::from_mode(0o660);
        std::fs::set_permissions(path, private).map_err(|e| failed(&e))?;
        server.listener.set_nonblocking(true).map_err(|e| failed(&e))?;
        Ok(server)
    }

    /// Serves watchers until shutdown or until no more snapshots come.
    pub fn run(&self, snapshots: &Latest<Snapshot>, mut snapshot: Snapshot, shutdown: &Shutdown) {
        let (mut watchers, mut last) = (Vec::<Watcher>::new(), None::<Instant>);
        while !shutdown.requested() {
            let taken = snapshots.take(&mut snapshot, PACE);
            self.welcome(&mut watchers);
            let due = last.is_none_or(|last| last.elapsed() >= PACE);
            if taken == Taken::Fresh && due && watchers.iter().any(|w| w.rest.is_empty()) {
                last = Some(Instant::now());
                let message = message(&snapshot);
                for watcher in watchers.iter_mut().filter(|w| w.rest.is_empty()) {
                    watcher.rest.extend_from_slice(&message);
                }
            }
            watchers.retain_mut(Watcher::send);
            if taken == Taken::Closed {
                return;
            }
        }
    }

    fn welcome(&self, watchers: &mut Vec<Watcher>) {
        while let Ok((stream, _)) = self.listener.accept() {
            if watchers.len() < MOST_WATCHERS && stream.set_nonblocking(true).is_ok() {
                watchers.push(Watcher { stream, rest: greeting().into_bytes() });
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A file that cannot be removed gives way to the next instance.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn is_socket(file: &std::fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_socket(&file.file_type())
}

/// A snapshot as it goes over the socket; nothing, should it not fit.
fn message(snapshot: &Snapshot) -> Vec<u8> {
    let start = [&MARK[..], &[0; 4]].concat();
    let Ok(mut message) = postcard::to_extend(snapshot, start) else { return Vec::new() };
    let length = (message.len() - 8) as u32;
    message[4..8].copy_from_slice(&length.to_le_bytes());
    message
}
