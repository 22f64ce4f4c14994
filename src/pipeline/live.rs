//! Live screening: a capture thread, an engine thread, and a slot for every sink.
//!
//! The capture thread always drains the source; the engine takes the newest frame and publishes a
//! snapshot of everything. A source that stalls or fails withdraws the verdict.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::latest::{Latest, Taken};
use super::shutdown::{EndsAll, Shutdown};
use super::speed::Meter;
use super::stages::Stages;
use crate::capture::FrameSource;
use crate::error::{Error, ErrorKind};
use crate::exam::{Change, Command, Exam, State};
use crate::frame::{Bounds, Frame};
use crate::screening::{Evidence, Verdict};
use crate::snapshot::{Fault, FaultKind, HISTORY_STEP, Identity, Snapshot};

/// How long the engine waits for a frame before it looks at the rest.
const TICK: Duration = Duration::from_millis(50);

/// A frame and the instant it was captured.
pub struct Captured {
    pub frame: Frame,
    pub at: Instant,
}

impl Captured {
    pub fn new() -> Captured {
        Captured { frame: Frame::default(), at: Instant::now() }
    }
}

impl Default for Captured {
    fn default() -> Captured {
        Captured::new()
    }
}

/// What capture shares with the engine beside frames.
#[derive(Default)]
pub struct CaptureStatus {
    error: Mutex<Option<Error>>,
    counts: Mutex<(u64, u64)>,
}

impl CaptureStatus {
    /// The error that ended the source, if one did.
    pub fn error(&self) -> Option<Error> {
        self.error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Frames captured, and frames missing in the source's own sequence.
    fn counts(&self) -> (u64, u64) {
        *self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads `source` until it ends or fails; paces it to real time unless it does so itself.
pub fn capture(
    mut open: impl FnMut() -> Result<Box<dyn FrameSource>, Error>,
    repeat: bool,
    frames: &Latest<Captured>,
    status: &CaptureStatus,
    shutdown: &Shutdown,
) {
    let mut captured = Captured::new();
    let mut pass = || -> Result<u64, Error> {
        let mut source = open()?;
        let (start, mut expected, mut read) = (Instant::now(), 0, 0);
        while !shutdown.requested() && source.next(&mut captured.frame)? {
            let frame = &captured.frame;
            if !source.is_live() && shutdown.wait_until(start + frame.timestamp) {
                break;
            }
            let mut counts = status.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.0 += 1;
            counts.1 += frame.sequence.saturating_sub(expected);
            drop(counts);
            expected = frame.sequence + 1;
            read += 1;
            captured.at = Instant::now();
            frames.publish(&mut captured);
        }
        Ok(read)
    };
    loop {
        match pass() {
            Ok(read) if repeat && read > 0 && !shutdown.requested() => {}
            Ok(_) => break,
            Err(error) => {
                *status.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                break;
            }
        }
    }
    frames.close();
}

/// How the engine behaves.
pub struct Settings {
    pub identity: Arc<Identity>,
    /// Start the first exam without a button.
    pub auto_start: bool,
    /// Without a frame for this long there is no signal.
    pub stall: Duration,
    /// Request shutdown when the source has ended.
    pub stop_at_end: bool,
    /// Request shutdown after this time.
    pub limit: Option<Duration>,
}

/// A sink's slot and the buffer to fill for it.
struct Sink<'a> {
    slot: &'a Latest<Snapshot>,
    spare: Snapshot,
}

/// The engine's state.
pub struct Engine<'a> {
    settings: Settings,
    stages: Stages,
    exam: Exam,
    held: Option<(Verdict, Evidence)>,
    snapshot: Snapshot,
    sinks: Vec<Sink<'a>>,
    meter: Meter,
    last_timestamp: Duration,
    next_point: Duration,
    heard: Instant,
    frame_size: Bounds,
    shown: Option<Bounds>,
}

impl<'a> Engine<'a> {
    /// An engine that publishes to every slot of `sinks`.
    pub fn new(settings: Settings, stages: Stages, sinks: &[&'a Latest<Snapshot>]) -> Engine<'a> {
        let empty = || Snapshot::new(Arc::clone(&settings.identity));
        let sinks = sinks.iter().map(|&slot| Sink { slot, spare: empty() }).collect();
        let snapshot = empty();
        Engine {
            settings,
            stages,
            exam: Exam::default(),
            held: None,
            snapshot,
            sinks,
            meter: Meter::new(),
            last_timestamp: Duration::ZERO,
            next_point: Duration::ZERO,
            heard: Instant::now(),
            frame_size: Bounds::default(),
            shown: None,
        }
    }

    /// Runs until shutdown; closes the sinks' slots at the end, and ends everything if it panics.
    pub fn run(
        mut self,
        frames: &Latest<Captured>,
        status: &CaptureStatus,
        commands: &Receiver<Command>,
        shutdown: &Shutdown,
    ) {
        let _end = EndsAll(shutdown);
        let start = Instant::now();
        let mut captured = Captured::new();
        if self.settings.auto_start {
            self.command(Command::New);
        }
        while !shutdown.requested() {
            for command in commands.try_iter() {
                self.command(command);
            }
            match frames.take(&mut captured, TICK) {
                Taken::Fresh => self.frame(&mut captured),
                Taken::TimedOut => self.silence(),
                Taken::Closed => {
                    self.source_over(status.error());
                    if self.settings.stop_at_end {
                        self.publish(frames, status, start);
                        shutdown.request();
                    }
                    shutdown.wait(TICK);
                }
            }
            self.publish(frames, status, start);
            if self.settings.limit.is_some_and(|limit| start.elapsed() >= limit) {
                shutdown.request();
            }
        }
        for sink in &self.sinks {
            sink.slot.close();
        }
    }

    fn command(&mut self, command: Command) {
        match self.exam.apply(command) {
            Some(Change::Started) => {
                self.stages.reset();
                (self.held, self.shown) = (None, None);
                self.snapshot.history = Default::default();
                self.next_point = Duration::ZERO;
            }
            Some(Change::Held) => self.held = Some(self.stages.screening().conclude()),
            Some(Change::Ended) => self.held = None,
            None => {}
        }
    }

    fn frame(&mut self, captured: &mut Captured) {
        self.heard = Instant::now();
        let frame = &mut captured.frame;
        // A source that starts over, or was away, must not look like one long frame.
        if frame.timestamp < self.last_timestamp || self.snapshot.fault.is_some() {
            self.stages.interrupt();
            self.next_point = Duration::ZERO;
        }
        self.last_timestamp = frame.timestamp;
        if self.exam.state == State::Scanning {
            match self.stages.process(frame) {
                Ok(_) => {
                    self.snapshot.fault = None;
                    self.snapshot.counts.inferred += 1;
                }
                Err(error) => self.fault(FaultKind::Model, &error.to_string()),
            }
            if frame.timestamp >= self.next_point {
                self.next_point = frame.timestamp + HISTORY_STEP;
                let evidence = self.stages.screening().evidence();
                self.snapshot.history.push(evidence.probability);
            }
        } else {
            self.stages.look(frame);
            self.snapshot.fault = None;
        }
        // Shown is all that has been sector so far: a box that followed every frame would jump.
        let whole = Bounds::whole(frame);
        if self.frame_size != whole {
            (self.frame_size, self.shown) = (whole, None);
        }
        let sector = self.stages.bounds();
        self.shown = self.shown.map_or(sector, |shown| Some(shown.union(sector.unwrap_or(shown))));
        self.snapshot.picture.shrink(frame, self.shown.unwrap_or(whole));
        let now = Instant::now();
        self.meter.record(now, now.duration_since(captured.at));
    }

    fn silence(&mut self) {
        if self.heard.elapsed() >= self.settings.stall && self.snapshot.fault.is_none() {
            let stall = self.settings.stall.as_millis();
            let source = &self.settings.identity.source;
            let words =
                format!("{source}: no frame for {stall} ms; check the cable and the machine");
            self.fault(FaultKind::NoSignal, &words);
        }
    }

    fn source_over(&mut self, error: Option<Error>) {
        if let Some(error) = error {
            if self.snapshot.fault.is_none() {
                self.fault(FaultKind::Source, &error.to_string());
            }
        } else if !self.snapshot.source_ended {
            self.snapshot.source_ended = true;
            self.command(Command::Hold);
        }
    }

    fn fault(&mut self, kind: FaultKind, words: &str) {
        self.stages.interrupt();
        self.snapshot.fault = Some(Fault { kind, words: words.into() });
    }

    fn publish(&mut self, frames: &Latest<Captured>, status: &CaptureStatus, start: Instant) {
        let screening = self.stages.screening();
        let shown = match self.exam.state {
            State::Idle | State::Ended => None,
            State::Scanning => Some((screening.verdict(), *screening.evidence())),
            State::Held => self.held,
        };
        let (captured, missing) = status.counts();
        let now = Instant::now();
        let snapshot = &mut self.snapshot;
        snapshot.exam = self.exam;
        snapshot.verdict = shown.map(|(verdict, _)| verdict).filter(|_| snapshot.fault.is_none());
        snapshot.evidence = shown.map(|(_, evidence)| evidence).unwrap_or_default();
        snapshot.flaw = screening.flaw().filter(|_| self.exam.state == State::Scanning);
        snapshot.counts.captured = captured;
        snapshot.counts.dropped = missing + frames.dropped();
        snapshot.speed = self.meter.speed(now);
        snapshot.uptime = now.duration_since(start);
        for sink in &mut self.sinks {
            sink.spare.copy_from(snapshot);
            sink.slot.publish(&mut sink.spare);
        }
    }
}

#[cfg(test)]
mod tests;

/// The exit code's cause when the source ended in an error.
pub fn outcome(status: &CaptureStatus) -> Result<(), Error> {
    match status.error() {
        Some(error) if error.kind != ErrorKind::Usage => Err(error),
        _ => Ok(()),
    }
}
