//! Live screening: the engine takes the newest frame and publishes a snapshot of everything to the
//! slot of every sink. A source that stalls or fails withdraws the verdict.

mod keeping;

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use super::capturing::{CaptureStatus, Captured};
use super::latest::{Latest, Taken};
use super::shutdown::{EndsAll, Shutdown};
use super::speed::Meter;
use super::stages::Stages;
use crate::device;
use crate::error::Error;
use crate::exam::{Change, Command, Exam, State};
use crate::frame::{Bounds, Frame};
use crate::preprocess::Measures;
use crate::protocol::Examination;
use crate::screening::{Evidence, Guide, Thresholds, Verdict};
use crate::service::Reporter;
use crate::snapshot::{Fault, FaultKind, HISTORY_STEP, Identity, Masked, Snapshot};
use crate::store::Recording;
use keeping::Begun;

/// How long the engine waits for a frame before it looks at the rest.
const TICK: Duration = Duration::from_millis(50);

/// How the engine behaves.
pub struct Settings {
    pub identity: Arc<Identity>,
    /// Start the first exam without a button.
    pub auto_start: bool,
    /// Without a frame for this long there is no signal.
    pub stall: Duration,
    /// Request shutdown when the source has ended.
    pub stop_at_end: bool,
    /// Hold the exam by itself when *refer* or *clear* has stood for so long.
    pub auto_hold: Option<Duration>,
    /// The zones of a patient, where a protocol is followed: each exam is of one zone.
    pub examination: Option<Examination>,
    /// What is known of the box.
    pub device: Arc<device::Watch>,
    /// Request shutdown after this time.
    pub limit: Option<Duration>,
    /// Where exams are kept; `None` keeps none.
    pub recording: Option<Recording>,
    /// From where on a picture asks for advice; `None` gives none.
    pub guidance: Option<Thresholds>,
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
    guide: Option<Guide>,
    exam: Exam,
    held: Option<(Verdict, Evidence)>,
    /// How it stood when the exam began, for its record.
    begun: Begun,
    /// The graded verdict of the picture now, and since when (the source's time).
    standing: Option<(Verdict, Duration)>,
    snapshot: Snapshot,
    sinks: Vec<Sink<'a>>,
    meter: Meter,
    /// The service manager, where there is one.
    reporter: Reporter,
    last_timestamp: Duration,
    next_point: Duration,
    heard: Instant,
    session: u64,
    frame_size: Bounds,
    shown: Option<Bounds>,
}

impl<'a> Engine<'a> {
    /// An engine that publishes to every slot of `sinks`.
    pub fn new(settings: Settings, stages: Stages, sinks: &[&'a Latest<Snapshot>]) -> Engine<'a> {
        let empty = || {
            let examination = settings.examination.clone();
            Snapshot { examination, ..Snapshot::new(Arc::clone(&settings.identity)) }
        };
        let sinks = sinks.iter().map(|&slot| Sink { slot, spare: empty() }).collect();
        let snapshot = empty();
        let reporter = Reporter::new(format!("screening {}", settings.identity.source));
        Engine {
            guide: settings.guidance.map(Guide::new),
            settings,
            stages,
            exam: Exam::default(),
            held: None,
            begun: Begun::default(),
            standing: None,
            snapshot,
            sinks,
            meter: Meter::new(),
            reporter,
            last_timestamp: Duration::ZERO,
            next_point: Duration::ZERO,
            heard: Instant::now(),
            session: 0,
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
            self.command(&Command::New);
        }
        while !shutdown.requested() {
            for command in commands.try_iter() {
                self.command(&command);
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
            self.outage(status);
            self.publish(frames, status, start);
            self.report();
            if self.settings.limit.is_some_and(|limit| start.elapsed() >= limit) {
                shutdown.request();
            }
        }
        // An exam that is cut short by the program's end is kept as far as it went.
        self.command(&Command::Hold);
        for sink in &self.sinks {
            sink.slot.close();
        }
    }

    /// A turn is done, which is what feeds the watchdog: an inference that never returns, or anything
    /// else that holds this thread, ends the feed.
    fn report(&mut self) {
        let Snapshot { fault, source_ended, .. } = &self.snapshot;
        let seen = self.frame_size != Bounds::default();
        let trouble = fault.as_ref().map(|fault| &fault.words);
        self.reporter.turn(seen || fault.is_some() || *source_ended, trouble);
    }

    fn command(&mut self, command: &Command) {
        let before = (self.exam.state, self.patient());
        let change = self.exam.apply(command);
        match change {
            Some(Change::Started) => {
                self.stages.reset();
                (self.held, self.standing, self.shown) = (None, None, None);
                self.snapshot.history = Default::default();
                self.next_point = Duration::ZERO;
            }
            Some(Change::Held) => self.held = Some(self.stages.screening().conclude()),
            Some(Change::Ended) => self.held = None,
            None => {}
        }
        self.follow_protocol(command, change);
        self.take_turns(before, change);
        self.keep(command, change);
    }

    /// A held exam is the current zone's; the next one is of the next zone that is open. *New*, or
    /// a start after the last zone, is the next patient.
    fn follow_protocol(&mut self, command: &Command, change: Option<Change>) {
        let Some(examination) = &mut self.snapshot.examination else { return };
        match (command, change) {
            (Command::Zone { forward }, _) => examination.step(*forward),
            (Command::Score, _) => examination.cycle_score(),
            (Command::Reading, _) => examination.cycle_reading(),
            // Who enters them sees what is refused; what comes late is of no one here.
            (Command::Vitals { patient, signs }, _) if *patient == examination.patient() => {
                let _ = examination.set_vital_signs(*signs);
            }
            (_, Some(Change::Started)) => {
                if *command == Command::New || examination.next_zone().is_none() {
                    examination.reset();
                }
            }
            (_, Some(Change::Held)) => {
                let Some((verdict, evidence)) = self.held else { return };
                // The current zone is always one of the protocol's.
                let zone = examination.current();
                let _ = examination.set_verdict(zone, verdict, evidence.probability);
            }
            (_, Some(Change::Ended)) => {
                if let Some(next) = examination.next_zone() {
                    let _ = examination.select(next);
                }
            }
            (_, None) => {}
        }
    }

    fn frame(&mut self, captured: &mut Captured) {
        self.heard = Instant::now();
        let frame = &mut captured.frame;
        // A source that starts over, or was away, must not look like one long frame.
        let another = captured.session != self.session || frame.timestamp < self.last_timestamp;
        let interrupted = another || self.snapshot.fault.is_some();
        if interrupted {
            self.stages.interrupt();
            self.guide.iter_mut().for_each(Guide::reset);
            (self.standing, self.next_point) = (None, Duration::ZERO);
        }
        (self.session, self.last_timestamp) = (captured.session, frame.timestamp);
        let mut judged = false;
        if self.exam.state == State::Scanning {
            match self.stages.process(frame) {
                Ok(_) => {
                    judged = true;
                    self.snapshot.fault = None;
                    self.snapshot.counts.inferred += 1;
                    self.record(frame, interrupted);
                }
                Err(error) => self.fault(FaultKind::Model, error.to_string()),
            }
            self.hold_by_itself();
            if frame.timestamp >= self.next_point {
                self.next_point = frame.timestamp + HISTORY_STEP;
                let evidence = self.stages.screening().evidence();
                self.snapshot.history.push(evidence.probability);
            }
        } else {
            self.stages.look(frame);
            self.snapshot.fault = None;
        }
        let measures = self.stages.measures();
        self.snapshot.masked = masked(measures, frame);
        self.snapshot.advice = self.guide.as_mut().and_then(|guide| guide.observe(measures));
        // Shown is all that has been sector so far: a box that followed every frame would jump.
        let whole = Bounds::whole(frame);
        if self.frame_size != whole {
            (self.frame_size, self.shown) = (whole, None);
        }
        let sector = self.stages.bounds();
        self.shown = self.shown.map_or(sector, |shown| Some(shown.union(sector.unwrap_or(shown))));
        let shown = self.shown.unwrap_or(whole);
        let Snapshot { picture, heat, outline, .. } = &mut self.snapshot;
        picture.shrink(frame, shown);
        if judged {
            self.stages.overlay(shown, heat, outline);
        } else {
            heat.clear();
            outline.clear();
        }
        let now = Instant::now();
        self.meter.record(now, now.duration_since(captured.at));
    }

    /// Holds the exam once a graded verdict has stood for the time that was asked for.
    fn hold_by_itself(&mut self) {
        let Some(patience) = self.settings.auto_hold else { return };
        let verdict = self.stages.screening().verdict();
        if verdict.reason().is_some() || self.standing.is_none_or(|(stood, _)| stood != verdict) {
            self.standing = verdict.reason().is_none().then_some((verdict, self.last_timestamp));
        }
        let since = self.standing.map(|(_, since)| self.last_timestamp.saturating_sub(since));
        if since.is_some_and(|since| since >= patience) {
            self.command(&Command::Hold);
        }
    }

    fn silence(&mut self) {
        if self.heard.elapsed() >= self.settings.stall && self.snapshot.fault.is_none() {
            let stall = self.settings.stall.as_millis();
            let source = &self.settings.identity.source;
            let words =
                format!("{source}: no frame for {stall} ms; check the cable and the machine");
            self.fault(FaultKind::NoSignal, words);
        }
    }

    /// A device that is away withdraws the verdict at once, not only after the stall time.
    fn outage(&mut self, status: &CaptureStatus) {
        let Some(words) = status.outage() else { return };
        let known = |fault: &Fault| fault.kind == FaultKind::NoSignal && fault.words == words;
        if !self.snapshot.fault.as_ref().is_some_and(known) {
            self.fault(FaultKind::NoSignal, words);
        }
    }

    fn source_over(&mut self, error: Option<Error>) {
        if let Some(error) = error {
            if self.snapshot.fault.is_none() {
                self.fault(FaultKind::Source, error.to_string());
            }
        } else if !self.snapshot.source_ended {
            self.snapshot.source_ended = true;
            self.command(&Command::Hold);
        }
    }

    fn fault(&mut self, kind: FaultKind, words: impl Into<Arc<str>>) {
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
        snapshot.advice = snapshot.advice.filter(|_| snapshot.fault.is_none());
        snapshot.counts.captured = captured;
        snapshot.counts.dropped = missing + frames.dropped();
        snapshot.speed = self.meter.speed(now);
        snapshot.uptime = now.duration_since(start);
        if let Some(recording) = &self.settings.recording {
            snapshot.keeping = recording.state();
        }
        snapshot.device = self.settings.device.latest();
        for sink in &mut self.sinks {
            sink.spare.copy_from(snapshot);
            sink.slot.publish(&mut sink.spare);
        }
    }
}

/// The marks that were filled in, as shares.
fn masked(measures: &Measures, frame: &Frame) -> Masked {
    let sector = measures.sector_share * (frame.width * frame.height) as f32;
    let marks = measures.masked;
    let inside = if sector > 0.0 { marks as f32 / sector } else { 0.0 };
    Masked { marks, inside, outside: 1.0 - measures.sector_share }
}

#[cfg(test)]
mod tests;
