//! The capture thread: it always drains the source, so that what waits is never old.
//!
//! A device that fails is opened again and again by this same thread, with growing pauses, until it
//! is back; frames of before and after never count as one stretch of evidence.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::latest::Latest;
use super::shutdown::Shutdown;
use crate::capture::FrameSource;
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;

/// How long capture waits for a frame before it looks whether it shall end.
const SLICE: Duration = Duration::from_millis(100);

/// A frame and the instant it was captured.
pub struct Captured {
    pub frame: Frame,
    pub at: Instant,
    /// How often the source had been opened: evidence does not reach from one to the next.
    pub session: u64,
}

impl Captured {
    pub fn new() -> Captured {
        Captured { frame: Frame::default(), at: Instant::now(), session: 0 }
    }
}

impl Default for Captured {
    fn default() -> Captured {
        Captured::new()
    }
}

/// What becomes of a source that has ended or failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Nothing more comes.
    Stop,
    /// It starts over, unless it failed or was empty.
    Repeat,
    /// It is a device that may come back.
    Reopen(BackOff),
}

/// How a source is played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Playing {
    pub ending: Ending,
    /// Wait for the engine before each frame of a source that is not live, instead of dropping
    /// frames that come too fast for it.
    pub every_frame: bool,
}

impl From<Ending> for Playing {
    fn from(ending: Ending) -> Playing {
        Playing { ending, every_frame: false }
    }
}

/// Pauses between attempts to open a device: each twice the last, up to the longest; the first
/// again once it has delivered a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackOff {
    pub first: Duration,
    pub longest: Duration,
}

impl Default for BackOff {
    fn default() -> BackOff {
        BackOff { first: Duration::from_millis(200), longest: Duration::from_secs(5) }
    }
}

/// What capture shares with the engine beside frames.
#[derive(Default)]
pub struct CaptureStatus {
    error: Mutex<Option<Error>>,
    /// Why a device is away at present, and the words for it.
    outage: Mutex<Option<(Error, Arc<str>)>>,
    counts: Mutex<(u64, u64)>,
    ended: AtomicBool,
}

impl CaptureStatus {
    /// The error that ended the source, or that keeps it away at present.
    pub fn error(&self) -> Option<Error> {
        let ended = lock(&self.error).clone();
        ended.or_else(|| lock(&self.outage).as_ref().map(|(error, _)| error.clone()))
    }

    /// Why the device is away, in words.
    pub(super) fn outage(&self) -> Option<Arc<str>> {
        lock(&self.outage).as_ref().map(|(_, words)| Arc::clone(words))
    }

    fn lose(&self, error: Error) {
        let mut outage = lock(&self.outage);
        if outage.as_ref().is_none_or(|(known, _)| *known != error) {
            let words = format!("{error}; trying again");
            *outage = Some((error, words.into()));
        }
    }

    /// Whether the source ended by itself, without an error.
    pub fn ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Frames captured, and frames missing in the source's own sequence.
    pub(super) fn counts(&self) -> (u64, u64) {
        *lock(&self.counts)
    }
}

/// What is shared here is replaced as a whole: a thread that panicked cannot have torn it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads a source until it ends or fails, and goes on as `playing` says; paces it to real time
/// unless it does so itself.
///
/// Sequence numbers and timestamps of a device go on over an outage, which is no gap in them.
pub fn capture(
    mut open: impl FnMut() -> Result<Box<dyn FrameSource>, Error>,
    playing: impl Into<Playing>,
    frames: &Latest<Captured>,
    status: &CaptureStatus,
    shutdown: &Shutdown,
) {
    let Playing { ending, every_frame } = playing.into();
    let mut reader = Reader {
        captured: Captured::new(),
        frames,
        status,
        shutdown,
        start: Instant::now(),
        continued: matches!(ending, Ending::Reopen(_)),
        every_frame,
        next: 0,
        last: Duration::ZERO,
    };
    let mut pause = Duration::ZERO;
    loop {
        reader.captured.session += 1;
        let before = reader.next;
        let mut source = open();
        let outcome = match &mut source {
            Ok(source) => reader.session(&mut **source),
            Err(error) => Err(error.clone()),
        };
        match (outcome, ending) {
            _ if shutdown.requested() => break,
            (Ok(read), Ending::Repeat) if read > 0 => {}
            (Ok(_), Ending::Stop | Ending::Repeat) => {
                status.ended.store(true, Ordering::Relaxed);
                break;
            }
            (Err(error), Ending::Stop | Ending::Repeat) => {
                *lock(&status.error) = Some(error);
                break;
            }
            (outcome, Ending::Reopen(back_off)) => {
                // Said first: closing a dead device may take its time.
                status.lose(outcome.err().unwrap_or_else(|| {
                    let remedy = "see that whoever feeds it is running";
                    Error::new(ErrorKind::Device, "the source", "has ended", remedy)
                }));
                drop(source);
                let delivered = reader.next > before;
                pause = if delivered { back_off.first } else { pause * 2 };
                pause = pause.clamp(back_off.first, back_off.longest.max(back_off.first));
                if shutdown.wait(pause) {
                    break;
                }
            }
        }
    }
    frames.close();
}

/// The capture thread's state over all sessions of a source.
struct Reader<'a> {
    captured: Captured,
    frames: &'a Latest<Captured>,
    status: &'a CaptureStatus,
    shutdown: &'a Shutdown,
    start: Instant,
    /// Sequence and timestamps go on from session to session.
    continued: bool,
    every_frame: bool,
    /// The next sequence number and the latest timestamp.
    next: u64,
    last: Duration,
}

impl Reader<'_> {
    /// Reads one opened source to its end; returns how many frames it gave.
    fn session(&mut self, source: &mut dyn FrameSource) -> Result<u64, Error> {
        let (start, mut expected, mut read) = (Instant::now(), 0, 0);
        let mut origin = (0, Duration::ZERO);
        while !self.shutdown.requested() {
            if !source.ready(SLICE)? {
                continue;
            }
            if !source.next(&mut self.captured.frame)? {
                break;
            }
            let frame = &mut self.captured.frame;
            if !source.is_live() && self.shutdown.wait_until(start + frame.timestamp) {
                break;
            }
            let missing = frame.sequence.saturating_sub(expected);
            expected = frame.sequence + 1;
            if self.continued {
                if read == 0 && self.next > 0 {
                    let time = self.start.elapsed().max(self.last + Duration::from_millis(1));
                    origin = (self.next, time.saturating_sub(frame.timestamp));
                }
                frame.sequence += origin.0;
                frame.timestamp += origin.1;
                (self.next, self.last) = (frame.sequence + 1, frame.timestamp);
                *lock(&self.status.outage) = None;
            }
            if self.every_frame && !source.is_live() {
                while !self.frames.taken(SLICE) && !self.shutdown.requested() {}
            }
            read += 1;
            let mut counts = lock(&self.status.counts);
            *counts = (counts.0 + 1, counts.1 + missing);
            drop(counts);
            self.captured.at = Instant::now();
            let session = self.captured.session;
            self.frames.publish(&mut self.captured);
            self.captured.session = session;
        }
        Ok(read)
    }
}

/// The exit code's cause when the source ended in an error, or was away at the end.
pub fn outcome(status: &CaptureStatus) -> Result<(), Error> {
    match status.error() {
        Some(error) if error.kind != ErrorKind::Usage => Err(error),
        _ => Ok(()),
    }
}
