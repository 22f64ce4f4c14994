//! The clinic's PACS: is it there (C-ECHO), take these objects (C-STORE), who is expected today
//! (C-FIND of the modality worklist).
//!
//! Nothing here runs unless the configuration names a PACS. Every call is one association, every wait
//! has an end, and what the PACS says is bounded before it is read. Its free words are not repeated:
//! they can name patients. Not here: storage commitment, other queries, receiving.

mod association;
mod message;
mod store;
#[cfg(test)]
pub(crate) mod tests;
mod tls;
mod trouble;
mod worklist;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::error::{Error, contained};
use association::{Association, IMPLICIT};
use message::{Reply, Request};

pub use store::{Item, Object, Pixels, Undelivered};
pub use worklist::Scheduled;

/// What C-ECHO is about (PS3.4 A.4).
const VERIFICATION: &str = "1.2.840.10008.1.1";

/// Whom to talk to, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    pub host: String,
    pub port: u16,
    /// Its AE title.
    pub called: String,
    /// This box's.
    pub calling: String,
    /// `None` talks in clear.
    pub tls: Option<Certificates>,
    /// How long to wait for a connection.
    pub connect: Duration,
    /// How long to wait for an answer.
    pub answer: Duration,
}

/// Files in PEM format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificates {
    /// Whose signature on the PACS's certificate counts.
    pub ca: PathBuf,
    /// The box's own certificate and its key, for a PACS that asks for one.
    pub own: Option<(PathBuf, PathBuf)>,
}

impl Peer {
    /// `TITLE@host:port`.
    pub fn name(&self) -> String {
        let Peer { host, port, called, .. } = self;
        if host.contains(':') {
            return format!("{called}@[{host}]:{port}");
        }
        format!("{called}@{host}:{port}")
    }

    /// Whether it is there and talks to this box; how long that took.
    pub fn echo(&self) -> Result<Duration, Error> {
        self.guarded(|| {
            let began = Instant::now();
            let contexts = [(VERIFICATION.to_owned(), vec![IMPLICIT.to_owned()])];
            let mut association = Association::open(self, &contexts)?;
            let request = Request::echo(association.next_message(), VERIFICATION);
            association.send(VERIFICATION, IMPLICIT, &request, None)?;
            let Reply { status, .. } = association.answer(&request)?.0;
            if status != message::SUCCESS {
                association.abort();
                return Err(trouble::status(self, status));
            }
            association.release();
            Ok(began.elapsed())
        })
    }

    /// Lets no panic of the crates that read the network out.
    fn guarded<T>(&self, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
        contained(work).unwrap_or_else(|words| Err(trouble::senseless(self, &words)))
    }
}
