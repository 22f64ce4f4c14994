//! The service manager that may have started this program (systemd), and the journal behind stderr.
//!
//! The watchdog is fed by whoever makes progress, in its own thread, and never by a timer: who gets
//! stuck feeds no more. Without a manager (`NOTIFY_SOCKET`) nothing is said to anyone.

use std::fmt::Display;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sd_notify::NotifyState;

/// How often the watchdog is fed within the time that it waits.
const FEEDINGS: u32 = 4;

/// What the pipeline tells the manager, turn by turn.
pub struct Reporter {
    managed: bool,
    /// How much progress may go untold.
    interval: Option<Duration>,
    ready: bool,
    fed: Option<Instant>,
    /// What stands in the status: a trouble, or that there is none.
    said: Option<Option<Arc<str>>>,
    /// The status where there is no trouble.
    well: String,
}

impl Reporter {
    /// `well` is the status while there is no trouble.
    pub fn new(well: impl Into<String>) -> Reporter {
        // Whoever WATCHDOG_PID names: a screen that is the unit's main process starts this one.
        let wait = std::env::var("WATCHDOG_USEC").ok().and_then(|wait| wait.parse().ok());
        Reporter {
            managed: std::env::var_os("NOTIFY_SOCKET").is_some(),
            interval: wait.map(|wait| Duration::from_micros(wait) / FEEDINGS),
            ready: false,
            fed: None,
            said: None,
            well: well.into(),
        }
    }

    /// A turn is done. `up`: everything runs, or waits for its source alone. Allocates nothing where
    /// there is nothing to tell.
    pub fn turn(&mut self, up: bool, trouble: Option<&Arc<str>>) {
        if !self.managed {
            return;
        }
        if self.said.as_ref().is_none_or(|said| said.as_ref() != trouble) {
            tell(&[NotifyState::Status(trouble.map_or(&self.well, |words| words))]);
            self.said = Some(trouble.cloned());
        }
        if up && !self.ready {
            self.ready = true;
            tell(&[NotifyState::Ready]);
        }
        let hungry = |interval| self.fed.is_none_or(|fed| fed.elapsed() >= interval);
        if self.interval.is_some_and(hungry) {
            self.fed = Some(Instant::now());
            tell(&[NotifyState::Watchdog]);
        }
    }
}

/// The program is about to end.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// A manager that does not listen cannot be told so.
fn tell(states: &[NotifyState]) {
    let _ = sd_notify::notify(false, states);
}

/// How much a line of the journal matters, as syslog has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    Error,
    Warning,
    Notice,
    Info,
}

/// Whether a stream leads into the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Journal(bool);

impl Journal {
    pub const NONE: Journal = Journal(false);

    /// systemd names the stream that it has connected.
    pub fn behind(stream: impl AsFd) -> Journal {
        let named = std::env::var("JOURNAL_STREAM").ok();
        let file = rustix::fs::fstat(stream).ok();
        let is = file.map(|file| format!("{}:{}", file.st_dev, file.st_ino));
        Journal(named.is_some() && named == is)
    }

    /// What goes in front of a line, which is nothing for people.
    pub fn mark(self, level: Level) -> &'static str {
        match level {
            _ if !self.0 => "",
            Level::Error => "<3>",
            Level::Warning => "<4>",
            Level::Notice => "<5>",
            Level::Info => "<6>",
        }
    }
}

/// One line on stderr.
pub fn say(level: Level, words: impl Display) {
    eprintln!("{}sonolamp: {words}", Journal::behind(std::io::stderr()).mark(level));
}

/// Lets a panic be one line of the journal, where stderr leads there.
pub fn say_panics() {
    if Journal::behind(std::io::stderr()) == Journal::NONE {
        return;
    }
    std::panic::set_hook(Box::new(|info| {
        let thread = std::thread::current();
        let words = info.to_string().replace('\n', " ");
        say(Level::Error, format!("thread {}: {words}", thread.name().unwrap_or("?")));
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_stream_that_the_journal_reads_gets_marks() {
        // The test's environment names no stream, or another one than this file.
        let file = tempfile::tempfile().unwrap();
        assert_eq!(Journal::behind(&file), Journal::NONE);
        assert_eq!(Journal::NONE.mark(Level::Error), "");
        assert_eq!(Journal(true).mark(Level::Error), "<3>");
        assert_eq!(Journal(true).mark(Level::Info), "<6>");
    }
}
