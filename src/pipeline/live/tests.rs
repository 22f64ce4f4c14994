//! The engine against scripted sources and classifiers.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, SyncSender};

use super::*;
use crate::bundle::Bundle;
use crate::capture::FrameSource;
use crate::capture::phantom::Phantom;
use crate::error::ErrorKind;
use crate::inference::{Answer, Classifier};
use crate::pipeline::capturing::{BackOff, Ending, capture};
use crate::protocol::{Choice, Examination, PatientVerdict, Reading, VitalSigns};
use crate::screening::{Advice, Mode, Reason};
use crate::snapshot::Lights;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the scripted classifier does, from outside.
#[derive(Clone, Default)]
struct Script(Arc<AtomicU8>);

const REFER: u8 = 0;
const CLEAR: u8 = 1;
const FAIL: u8 = 2;
const PANIC: u8 = 3;

/// The last score, of frames that are no strangers.
const FAMILIAR: f32 = 9.0;

impl Classifier for Script {
    fn classify(&mut self, _: &[u8], answer: &mut Answer) -> Result<(), Error> {
        answer.scores.fill(FAMILIAR);
        answer.scores[0] = match self.0.load(Ordering::SeqCst) {
            REFER => 20.0,
            CLEAR => -20.0,
            PANIC => panic!("as the script says"),
            _ => return Err(Error::new(ErrorKind::Model, "script", "fails", "stop it")),
        };
        Ok(())
    }
}

/// Delivers what the test sends; an error ends it, hanging up too.
struct Sent(Receiver<Result<Frame, Error>>);

impl FrameSource for Sent {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        match self.0.recv() {
            Ok(Ok(sent)) => {
                frame.copy_from(&sent);
                Ok(true)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// A running pipeline in the hands of a test.
struct Bench<'a> {
    phantom: Phantom,
    frames: Option<SyncSender<Result<Frame, Error>>>,
    commands: SyncSender<Command>,
    snapshots: &'a Latest<Snapshot>,
    snapshot: Snapshot,
    script: Script,
}

impl Bench<'_> {
    /// Sends a second and a half of phantom, faster than real time but at its timestamps.
    fn play(&mut self, seconds: f32) {
        let mut frame = Frame::default();
        for _ in 0..(25.0 * seconds) as usize {
            self.phantom.next(&mut frame).unwrap();
            // Slow enough that the engine sees nearly all of them.
            std::thread::sleep(Duration::from_millis(2));
            self.frames.as_ref().unwrap().send(Ok(frame.clone())).unwrap();
        }
    }

    fn until(&mut self, what: &str, condition: impl Fn(&Snapshot) -> bool) -> &Snapshot {
        let deadline = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < deadline, "never happened: {what}; {:?}", self.snapshot.exam);
            let taken = self.snapshots.take(&mut self.snapshot, Duration::from_millis(100));
            if taken == Taken::Fresh && condition(&self.snapshot) {
                return &self.snapshot;
            }
        }
    }
}

fn with_pipeline(test: impl FnOnce(&mut Bench)) {
    with_settings(|_| {}, test);
}

fn with_settings(change: impl FnOnce(&mut Settings), test: impl FnOnce(&mut Bench)) {
    let bundle = Bundle::load(None).unwrap();
    let (script, shutdown, status) =
        (Script::default(), Shutdown::default(), CaptureStatus::default());
    let stages = Stages::new(&bundle, Box::new(script.clone()), Mode::Live);
    let (frames, snapshots) =
        (Latest::new(Captured::new()), Latest::new(Snapshot::new(Arc::default())));
    let mut settings = Settings {
        identity: Arc::default(),
        auto_start: true,
        stall: Duration::from_millis(1500),
        stop_at_end: false,
        auto_hold: None,
        examination: None,
        device: Arc::default(),
        limit: None,
        recording: None,
        guidance: Some(Thresholds::default()),
    };
    change(&mut settings);
    let engine = Engine::new(settings, stages, &[&snapshots]);
    let (send, receive) = mpsc::sync_channel(0);
    let (commands, orders) = mpsc::sync_channel(16);
    std::thread::scope(|scope| {
        let (frames, status, shutdown) = (&frames, &status, &shutdown);
        let mut receive = Some(receive);
        let open = move || Ok(Box::new(Sent(receive.take().unwrap())) as Box<dyn FrameSource>);
        scope.spawn(move || capture(open, Ending::Stop, frames, status, shutdown));
        scope.spawn(move || engine.run(frames, status, &orders, shutdown));
        // Whatever the test does, the threads end with it.
        let _end = EndsAll(shutdown);
        test(&mut Bench {
            phantom: Phantom::new(&"lung-normal?size=160x120".parse().unwrap()),
            frames: Some(send),
            commands,
            snapshots: &snapshots,
            snapshot: Snapshot::new(Arc::default()),
            script,
        });
    });
}

#[test]
fn silence_withdraws_the_verdict_and_new_evidence_must_be_gathered() {
    with_pipeline(|bench| {
        bench.play(3.0);
        bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
        let silent = bench.until("a fault", |s| s.fault.is_some());
        assert_eq!(silent.fault.as_ref().unwrap().kind, FaultKind::NoSignal);
        assert_eq!((silent.verdict, silent.lights()), (None, Lights::FAULT));
        bench.play(0.3);
        let back = bench.until("the fault is over", |s| s.fault.is_none());
        assert_eq!(back.verdict, Some(Verdict::Ungradable(Reason::TooLittle)));
    });
}

#[test]
fn a_source_that_fails_is_a_fault_with_its_own_words() {
    with_pipeline(|bench| {
        bench.play(3.0);
        bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
        let gone = Error::new(ErrorKind::Device, "/dev/video7", "went away", "plug it in");
        bench.frames.take().unwrap().send(Err(gone)).unwrap();
        let fault = bench.until("a fault", |s| s.fault.is_some());
        assert_eq!(fault.fault.as_ref().unwrap().kind, FaultKind::Source);
        assert_eq!(&*fault.fault.as_ref().unwrap().words, "/dev/video7: went away; plug it in");
        assert_eq!(fault.lights(), Lights::FAULT);
    });
}

#[test]
fn a_network_that_fails_is_a_fault_until_it_works_again() {
    with_pipeline(|bench| {
        bench.script.0.store(FAIL, Ordering::SeqCst);
        bench.play(0.4);
        let fault = bench.until("a fault", |s| s.fault.is_some());
        assert_eq!(fault.fault.as_ref().unwrap().kind, FaultKind::Model);
        bench.script.0.store(CLEAR, Ordering::SeqCst);
        bench.play(3.0);
        bench.until("clear", |s| s.verdict == Some(Verdict::Clear));
    });
}

#[test]
fn the_end_of_the_source_holds_the_exam() {
    with_pipeline(|bench| {
        bench.play(3.0);
        bench.frames = None;
        let held = bench.until("held", |s| s.exam.state == State::Held);
        assert_eq!((held.verdict, held.source_ended), (Some(Verdict::Refer), true));
        assert!(held.fault.is_none());
    });
}

#[test]
fn advice_needs_no_exam_and_ends_with_its_cause() {
    with_pipeline(|bench| {
        bench.commands.send(Command::Hold).unwrap();
        bench.commands.send(Command::Advance).unwrap();
        let dark = "lung-normal?size=160x120&gain=-20".parse().unwrap();
        let good = std::mem::replace(&mut bench.phantom, Phantom::new(&dark));
        bench.play(2.0);
        let told = bench.until("too dark", |s| s.advice == Some(Advice::TooDark));
        assert_eq!((told.exam.state, told.verdict), (State::Ended, None));
        bench.phantom = good;
        bench.play(2.5);
        bench.until("silence", |s| s.advice.is_none());
    });
}

#[test]
fn nothing_survives_into_the_next_exam() {
    with_pipeline(|bench| {
        bench.play(3.0);
        bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
        bench.commands.send(Command::Advance).unwrap();
        bench.until("held", |s| s.exam.state == State::Held && s.verdict.is_some());
        bench.commands.send(Command::Advance).unwrap();
        let ended = bench.until("ended", |s| s.exam.state == State::Ended);
        assert_eq!((ended.verdict, ended.lights()), (None, Lights::default()));
        bench.script.0.store(CLEAR, Ordering::SeqCst);
        bench.commands.send(Command::Advance).unwrap();
        let next = bench.until("exam 2", |s| s.exam.number == 2);
        assert_eq!(next.verdict, Some(Verdict::Ungradable(Reason::TooLittle)));
        assert_eq!(next.evidence, Evidence::default());
        bench.play(3.0);
        bench.until("clear", |s| s.verdict == Some(Verdict::Clear));
        bench.commands.send(Command::Hold).unwrap();
        let held = bench.until("held", |s| s.exam.state == State::Held);
        assert_eq!(held.verdict, Some(Verdict::Clear));
    });
}

/// What a test does to a camera.
const PLUGGED: u8 = 0;
const ABSENT: u8 = 1;
const SILENT: u8 = 2;
const RESIZED: u8 = 3;

/// The cable in the hand of a test, and how often the camera was opened.
#[derive(Clone, Default)]
struct Cable(Arc<AtomicU8>, Arc<AtomicU8>);

/// A camera: phantom frames that begin anew whenever it is opened.
struct Camera {
    cable: Cable,
    phantom: Phantom,
    size: u8,
    heard: Instant,
}

fn gone(problem: &str) -> Error {
    Error::new(ErrorKind::Device, "/dev/video7", problem, "plug it in")
}

impl Camera {
    fn open(cable: &Cable) -> Result<Box<dyn FrameSource>, Error> {
        cable.1.fetch_add(1, Ordering::SeqCst);
        let size = cable.0.load(Ordering::SeqCst);
        if size == ABSENT {
            return Err(gone("is absent"));
        }
        let spec =
            if size == RESIZED { "lung-normal?size=96x96" } else { "lung-normal?size=160x120" };
        let phantom = Phantom::new(&spec.parse().unwrap());
        Ok(Box::new(Camera { cable: cable.clone(), phantom, size, heard: Instant::now() }))
    }
}

impl FrameSource for Camera {
    fn ready(&mut self, patience: Duration) -> Result<bool, Error> {
        match self.cable.0.load(Ordering::SeqCst) {
            ABSENT => Err(gone("was unplugged")),
            SILENT if self.heard.elapsed() > Duration::from_millis(200) => {
                Err(gone("no frame for 200 ms"))
            }
            SILENT => {
                std::thread::sleep(patience.min(Duration::from_millis(20)));
                Ok(false)
            }
            size if size != self.size => Err(gone("changed its format")),
            _ => Ok(true),
        }
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        std::thread::sleep(Duration::from_millis(2));
        self.heard = Instant::now();
        self.phantom.next(frame)
    }

    fn is_live(&self) -> bool {
        true
    }
}

#[test]
fn a_camera_that_goes_away_withdraws_the_verdict_and_resumes_when_it_is_back() {
    let (cable, status, shutdown) =
        (&Cable::default(), &CaptureStatus::default(), &Shutdown::default());
    let bundle = Bundle::load(None).unwrap();
    let stages = Stages::new(&bundle, Box::new(Script::default()), Mode::Live);
    let frames = &Latest::new(Captured::new());
    let snapshots = &Latest::new(Snapshot::new(Arc::default()));
    let settings = Settings {
        recording: None,
        identity: Arc::default(),
        auto_start: true,
        // Not what finds the failures here.
        stall: Duration::from_secs(60),
        stop_at_end: true,
        auto_hold: None,
        examination: None,
        device: Arc::default(),
        limit: None,
        guidance: Some(Thresholds::default()),
    };
    let engine = Engine::new(settings, stages, &[snapshots]);
    let (commands, orders) = mpsc::sync_channel(1);
    let (frames_unused, _) = mpsc::sync_channel(0);
    cable.0.store(ABSENT, Ordering::SeqCst);
    std::thread::scope(|scope| {
        let pause = Duration::from_millis(1);
        let ending = Ending::Reopen(BackOff { first: pause, longest: pause * 8 });
        scope.spawn(move || capture(|| Camera::open(cable), ending, frames, status, shutdown));
        scope.spawn(move || engine.run(frames, status, &orders, shutdown));
        let _end = EndsAll(shutdown);
        let mut bench = Bench {
            phantom: Phantom::new(&"blank".parse().unwrap()),
            frames: Some(frames_unused),
            commands,
            snapshots,
            snapshot: Snapshot::new(Arc::default()),
            script: Script::default(),
        };
        let away = |s: &Snapshot, words: &str| {
            s.fault.as_ref().is_some_and(|fault| {
                fault.kind == FaultKind::NoSignal
                    && fault.words.contains(words)
                    && fault.words.ends_with("; trying again")
            })
        };
        let absent = bench.until("absent at the start", |s| away(s, "is absent"));
        assert_eq!((absent.verdict, absent.lights()), (None, Lights::FAULT));
        let mut state = PLUGGED;
        for (failure, words) in [
            (ABSENT, "is absent"),
            (SILENT, "no frame for 200 ms"),
            (RESIZED, "changed its format"),
            (ABSENT, "is absent"),
        ] {
            cable.0.store(state, Ordering::SeqCst);
            let back = bench.until("back", |s| s.fault.is_none());
            assert_eq!(back.verdict, Some(Verdict::Ungradable(Reason::TooLittle)));
            bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
            cable.0.store(failure, Ordering::SeqCst);
            // A format that changed is negotiated at once: back before anybody sees the fault.
            if failure == RESIZED {
                state = RESIZED;
                let anew = Some(Verdict::Ungradable(Reason::TooLittle));
                bench.until("new evidence", |s| s.verdict == anew || away(s, words));
            } else {
                let fault = bench.until(words, |s| away(s, words));
                assert_eq!((fault.verdict, fault.lights()), (None, Lights::FAULT));
            }
        }
        assert!(status.error().unwrap().problem.contains("is absent"));
    });
    assert_eq!(status.counts().1, 0, "an outage is no gap in the sequence");
    assert!(cable.1.load(Ordering::SeqCst) > 6, "it did not keep trying");
}

/// A source of a few frames that always starts at the same numbers.
struct Brief(u64);

impl FrameSource for Brief {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        frame.resize(32, 32);
        // Frame 2 of each session is missing.
        frame.sequence = self.0 + u64::from(self.0 > 1);
        frame.timestamp = Duration::from_millis(40 * frame.sequence);
        self.0 += 1;
        if self.0 > 4 { Err(gone("was unplugged")) } else { Ok(true) }
    }

    fn is_live(&self) -> bool {
        true
    }
}

#[test]
fn numbers_and_times_go_on_over_reconnects_and_only_real_gaps_count() {
    let (status, shutdown) = (&CaptureStatus::default(), &Shutdown::default());
    let frames = &Latest::new(Captured::new());
    let mut opened = 0;
    let open = || {
        opened += 1;
        // A source that cannot be had in between changes nothing.
        if opened == 20 {
            shutdown.request();
        }
        if opened % 3 == 2 { Err(gone("is absent")) } else { Ok(Box::new(Brief(0)) as Box<_>) }
    };
    std::thread::scope(|scope| {
        let pause = Duration::from_millis(20);
        let ending = Ending::Reopen(BackOff { first: pause, longest: pause });
        scope.spawn(move || capture(open, ending, frames, status, shutdown));
        let (mut captured, mut last, mut seen) = (Captured::new(), None, 0);
        loop {
            match frames.take(&mut captured, Duration::from_secs(5)) {
                Taken::Fresh => {
                    let place =
                        (captured.session, captured.frame.sequence, captured.frame.timestamp);
                    if let Some((session, sequence, timestamp)) = last {
                        assert!(place.0 >= session && place.1 > sequence && place.2 > timestamp);
                    }
                    (last, seen) = (Some(place), seen + 1);
                }
                Taken::Closed => break,
                Taken::TimedOut => panic!("capture hangs"),
            }
        }
        assert!(seen > 3);
    });
    let (captured, missing) = status.counts();
    // Twenty attempts, seven of them in vain.
    assert_eq!((captured, missing), (4 * 13, 13));
}

#[test]
fn a_panic_of_the_engine_ends_everything() {
    let hung_up = std::cell::Cell::new(false);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        with_pipeline(|bench| {
            bench.script.0.store(PANIC, Ordering::SeqCst);
            let (deadline, mut frame) = (Instant::now() + PATIENCE, Frame::default());
            // Capture takes frames until shutdown, which lamps and screens see as well.
            while !hung_up.get() && Instant::now() < deadline {
                bench.phantom.next(&mut frame).unwrap();
                hung_up.set(bench.frames.as_ref().unwrap().send(Ok(frame.clone())).is_err());
            }
        });
    }));
    assert!(outcome.is_err() && hung_up.get());
}

#[test]
fn with_a_protocol_each_exam_is_of_one_zone() {
    let protocol = Arc::new("lung-blue-6".parse::<Choice>().unwrap().load().unwrap());
    let change = |s: &mut Settings| s.examination = Some(Examination::new(protocol));
    let current = |s: &Snapshot| s.examination.as_ref().unwrap().current();
    with_settings(change, |bench| {
        bench.commands.send(Command::Score).unwrap();
        for zone in 0..6 {
            bench.until("its zone", |s| s.exam.state == State::Scanning && current(s) == zone);
            bench.play(3.0);
            bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
            for order in std::iter::repeat_n(Command::Advance, 3) {
                bench.commands.send(order).unwrap();
            }
        }
        let fresh = |s: &Snapshot| s.examination.as_ref().unwrap().examined() == 0;
        bench.until("the next patient", |s| fresh(s) && s.exam.number == 7);
    });
}

#[test]
fn orders_of_a_protocol_change_its_record_alone() {
    let protocol = Arc::new("lung-8".parse::<Choice>().unwrap().load().unwrap());
    let change = |s: &mut Settings| s.examination = Some(Examination::new(protocol));
    with_settings(change, |bench| {
        bench.play(3.0);
        bench.until("refer", |s| s.verdict == Some(Verdict::Refer));
        bench.commands.send(Command::Hold).unwrap();
        let first = |s: &Snapshot| *s.examination.as_ref().unwrap().zones().next().unwrap().1;
        bench.until("a verdict", |s| first(s).verdict == Some(Verdict::Refer));
        let orders = [Command::Score, Command::Score, Command::Reading];
        orders.into_iter().for_each(|order| bench.commands.send(order).unwrap());
        let seen = bench.until("a reading", |s| first(s).reading == Some(Reading::Refer));
        assert_eq!((first(seen).score, seen.exam.state), (Some(1), State::Held));
        bench.commands.send(Command::Zone { forward: true }).unwrap();
        bench.until("zone 2", |s| s.examination.as_ref().unwrap().current() == 1);
        bench.commands.send(Command::New).unwrap();
        bench.until("nobody's zones", |s| s.examination.as_ref().unwrap().examined() == 0);
    });
}

#[test]
fn vital_signs_are_one_patients() {
    let protocol = Arc::new("lung-8".parse::<Choice>().unwrap().load().unwrap());
    let change = |s: &mut Settings| s.examination = Some(Examination::new(protocol));
    with_settings(change, |bench| {
        let of = |s: &Snapshot| *s.examination.as_ref().unwrap().vital_signs();
        let signs = VitalSigns { age_months: Some(408), spo2: Some(88.0), ..Default::default() };
        let patient = |s: &Snapshot| s.examination.as_ref().unwrap().patient();
        let first = patient(bench.until("an exam", |s| s.exam.state == State::Scanning));
        bench.commands.send(Command::Vitals { patient: first, signs }).unwrap();
        let seen = bench.until("vital signs", |s| of(s) == signs);
        let conclusion = seen.examination.as_ref().unwrap().conclude();
        assert_eq!(conclusion.verdict, PatientVerdict::Refer);
        assert_eq!(seen.exam.state, State::Scanning);
        // What was typed for the first patient must not become the next one's.
        bench.commands.send(Command::New).unwrap();
        bench.commands.send(Command::Vitals { patient: first, signs }).unwrap();
        bench.commands.send(Command::Zone { forward: true }).unwrap();
        let next = |s: &Snapshot| s.examination.as_ref().unwrap().current() == 1;
        let seen = bench.until("the next patient", |s| patient(s) != first && next(s));
        assert_eq!(of(seen), VitalSigns::default());
    });
}

#[test]
fn a_verdict_that_stands_holds_the_exam_where_that_is_asked_for() {
    let change = |s: &mut Settings| s.auto_hold = Some(Duration::from_secs(1));
    with_settings(change, |bench| {
        bench.play(5.0);
        let held = bench.until("held", |s| s.exam.state == State::Held);
        assert_eq!(held.verdict, Some(Verdict::Refer));
        assert!(held.evidence.usable < Duration::from_secs(5));
    });
}
