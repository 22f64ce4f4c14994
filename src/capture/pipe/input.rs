//! Standard input or a FIFO, read without ever being stuck in the reading.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};

use crate::error::{Error, ErrorKind, plain_words};

/// How soon a reader that waits notices that it is to stop.
const TICK: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
const EXAMPLE: &str = "pipe a camera into it, for example: \
                       rpicam-vid -n -t 0 --codec mjpeg -o - | sonolamp run --source pipe:-";

/// A stream of bytes from another program.
pub struct Input {
    file: File,
    stop: Arc<AtomicBool>,
}

/// What is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Another program, as far as can be told.
    Stream,
    /// A regular file: a recording.
    Recording,
}

impl Input {
    /// Opens `path`, where `-` is standard input; setting `stop` ends every reading.
    pub fn open(path: &str, stop: Arc<AtomicBool>) -> Result<(Input, Kind), Error> {
        let name = format!("pipe:{path}");
        let usage = |problem| Error::new(ErrorKind::Usage, &name, problem, EXAMPLE);
        let unreadable = |e: io::Error| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            let remedy = "make it with mkfifo, and allow this user to read it";
            Error::new(ErrorKind::Device, &name, problem, remedy)
        };
        let file = if path == "-" {
            io::stdin().as_fd().try_clone_to_owned().map(File::from).map_err(unreadable)?
        } else {
            // A FIFO opens before anybody writes into it.
            let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let opened = rustix::fs::open(path, flags, Mode::empty());
            opened.map(File::from).map_err(|e| unreadable(e.into()))?
        };
        if file.is_terminal() {
            return Err(usage("is a terminal, where video should come in"));
        }
        let kind = file.metadata().map_err(unreadable)?.file_type();
        if kind.is_dir() || kind.is_block_device() {
            return Err(usage("is no stream of video"));
        }
        let kind = if kind.is_file() { Kind::Recording } else { Kind::Stream };
        Ok((Input { file, stop }, kind))
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], Some(&TICK)) {
                Ok(0) | Err(rustix::io::Errno::INTR) => continue,
                Ok(_) => {}
                Err(e) => return Err(e.into()),
            }
            match self.file.read(buffer) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return done,
            }
        }
    }
}
