//! A stream that stands for a camera: read as fast as it comes, the newest frame wins.
//!
//! A thread of its own keeps the pipe empty, so that frames never age in it while one is decoded;
//! what it overtakes is a gap in the sequence. Frames carry the time of their arrival.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::input::{Input, Kind};
use super::stream::{Decoder, Failure, Stream};
use super::{failed, never_came};
use crate::capture::FrameSource;
use crate::capture::y4m::Step;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::Frame;

/// Pictures in a row that cannot be decoded before the stream is given up.
const HOPELESS: u32 = 100;
const TICK: Duration = Duration::from_millis(100);

/// What the reading thread hands over.
#[derive(Default)]
struct Slot {
    raw: Vec<u8>,
    decoder: Option<Decoder>,
    sequence: u64,
    at: Option<Instant>,
    fresh: bool,
    ended: Option<Result<(), Error>>,
}

#[derive(Default)]
struct Shared {
    slot: Mutex<Slot>,
    bell: Condvar,
}

impl Shared {
    /// A thread that panicked while it held the lock left a whole frame behind: swaps cannot tear.
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A running stream.
pub struct Live {
    name: String,
    shared: Arc<Shared>,
    stop: Arc<AtomicBool>,
    reader: Option<JoinHandle<()>>,
    raw: Vec<u8>,
    decoder: Option<Decoder>,
    start: Option<Instant>,
    /// How many pictures in a row, and what is wrong with the first.
    undecodable: Option<(u32, String)>,
    frame: Frame,
    /// What `next` is to return, `frame` with it.
    pending: Option<Result<bool, Error>>,
}

impl Live {
    /// Opens what a live pipe may come from.
    pub fn open_input(path: &str, stop: Arc<AtomicBool>) -> Result<Input, Error> {
        let (input, kind) = Input::open(path, stop)?;
        if kind == Kind::Recording {
            // It would stand for a patient, without a word on the screen.
            let problem = "is a recording, and a live pipe stands for a camera";
            let remedy = "play it with file:PATH, which every screen calls a demonstration";
            return Err(Error::new(ErrorKind::Usage, format!("pipe:{path}"), problem, remedy));
        }
        Ok(input)
    }

    /// Starts reading; the format becomes known when bytes come.
    pub fn open(path: &str) -> Result<Live, Error> {
        let name = format!("pipe:{path}");
        let stop = Arc::new(AtomicBool::new(false));
        let input = Live::open_input(path, Arc::clone(&stop))?;
        let shared = Arc::new(Shared::default());
        let (theirs, their_name) = (Arc::clone(&shared), name.clone());
        let reader = std::thread::Builder::new()
            .name("pipe".to_owned())
            .spawn(move || {
                let outcome = drain(input, &theirs).map_err(|e| failed(&their_name, e));
                theirs.lock().ended = Some(outcome);
                theirs.bell.notify_all();
            })
            .map_err(|e| {
                let problem = format!("cannot be read aside ({})", plain_words(&e));
                Error::new(ErrorKind::Device, &name, problem, "free memory and try again")
            })?;
        Ok(Live {
            name,
            shared,
            stop,
            reader: Some(reader),
            raw: Vec::new(),
            decoder: None,
            start: None,
            undecodable: None,
            frame: Frame::default(),
            pending: None,
        })
    }

    fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut slot = self.shared.lock();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let gone = self.reader.as_ref().is_none_or(JoinHandle::is_finished);
            if slot.fresh || slot.ended.is_some() || gone {
                return true;
            }
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.bell.wait_timeout(slot, left.min(TICK));
            slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes the newest frame over; `None` once the stream has ended.
    fn take(&mut self) -> Result<Option<(u64, Instant)>, Error> {
        if let Some((HOPELESS.., problem)) = &self.undecodable {
            let problem = format!("sends pictures that cannot be decoded ({problem})");
            let remedy = "let the camera program write baseline JPEG, 8 bits a sample";
            return Err(Error::new(ErrorKind::Device, &self.name, problem, remedy));
        }
        let mut slot = self.shared.lock();
        if slot.fresh {
            slot.fresh = false;
            std::mem::swap(&mut slot.raw, &mut self.raw);
            if let Some(decoder) = slot.decoder.take() {
                self.decoder = Some(decoder);
            }
            return Ok(slot.at.map(|at| (slot.sequence, at)));
        }
        match &slot.ended {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(())) if self.start.is_none() => Err(never_came(&self.name)),
            Some(Ok(())) => Ok(None),
            None => {
                let (problem, remedy) = ("has lost its reading thread", "start again");
                Err(Error::new(ErrorKind::Device, &self.name, problem, remedy))
            }
        }
    }
}

/// Reads until the end; every frame, good or not, has its number.
fn drain(input: Input, shared: &Shared) -> Result<(), Failure> {
    let mut stream = Stream::open(input)?;
    shared.lock().decoder = Some(stream.decoder());
    let (mut raw, mut sequence) = (Vec::new(), 0);
    loop {
        match stream.read(&mut raw)? {
            Step::End => return Ok(()),
            Step::Damaged => {}
            Step::Frame => {
                let mut slot = shared.lock();
                std::mem::swap(&mut slot.raw, &mut raw);
                (slot.sequence, slot.at, slot.fresh) = (sequence, Some(Instant::now()), true);
                drop(slot);
                shared.bell.notify_all();
            }
        }
        sequence += 1;
    }
}

impl Live {
    /// Waits for the next picture that can be decoded, or the end, and keeps it for `next`.
    fn advance(&mut self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        while self.pending.is_none() {
            if !self.wait(deadline.saturating_duration_since(Instant::now())) {
                return false;
            }
            self.pending = match self.take() {
                Err(error) => Some(Err(error)),
                Ok(None) => Some(Ok(false)),
                Ok(Some((sequence, at))) => self.decode(sequence, at).map(|()| Ok(true)),
            };
        }
        true
    }

    /// `None` for a picture that cannot be decoded, which is a gap in the sequence.
    fn decode(&mut self, sequence: u64, at: Instant) -> Option<()> {
        let decoder = self.decoder.as_mut()?;
        match decoder.decode(&mut self.raw, &mut self.frame) {
            Ok(()) => {
                self.undecodable = None;
                self.frame.sequence = sequence;
                self.frame.timestamp = at.duration_since(*self.start.get_or_insert(at));
                Some(())
            }
            Err(problem) => {
                self.undecodable.get_or_insert((0, problem)).0 += 1;
                None
            }
        }
    }
}

impl FrameSource for Live {
    fn ready(&mut self, patience: Duration) -> Result<bool, Error> {
        Ok(self.advance(patience))
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        while !self.advance(TICK) {}
        std::mem::swap(frame, &mut self.frame);
        self.pending.take().unwrap_or(Ok(false))
    }

    fn is_live(&self) -> bool {
        true
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(reader) = self.reader.take() {
            // A thread that panicked has already said so.
            let _ = reader.join();
        }
    }
}
