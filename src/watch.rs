//! A running instance watched from a second terminal: snapshots over a Unix socket, one way.
//!
//! The server is a sink like any other, with a thread of its own. A watcher that is slow gets fewer
//! snapshots and delays nobody; nothing is read from it. Pictures are masked before they become
//! part of a snapshot, and the socket is its user's and group's alone. Server and watcher are of
//! the same version: what goes over the socket is the snapshot as this version has it.

mod client;
mod server;

use std::path::{Path, PathBuf};

pub use self::client::{Client, Seen};
pub use self::server::Server;

/// In front of every snapshot, followed by its length (32 bits, little end first).
const MARK: [u8; 4] = *b"SNAP";
/// No snapshot is longer, in bytes.
const LONGEST: usize = 4 << 20;

/// The first line from a server.
fn greeting() -> String {
    format!("sonolamp watch {}\n", env!("CARGO_PKG_VERSION"))
}

/// Where an instance listens unless it is told otherwise: /run/sonolamp where the service has that
/// folder, else the user's own runtime folder. `None`: there is neither.
pub fn usual_path() -> Option<PathBuf> {
    let own = std::env::var_os("XDG_RUNTIME_DIR").filter(|folder| !folder.is_empty());
    let folders = [Some(PathBuf::from("/run/sonolamp")), own.map(PathBuf::from)];
    let folder = folders.into_iter().flatten().find(|folder| writable(folder))?;
    Some(folder.join("sonolamp-watch.sock"))
}

fn writable(folder: &Path) -> bool {
    rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_ok()
}

#[cfg(test)]
mod tests;
