//! The engine against scripted sources and classifiers.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, SyncSender};

use super::*;
use crate::bundle::Bundle;
use crate::capture::phantom::Phantom;
use crate::inference::Classifier;
use crate::screening::{Mode, Reason};
use crate::snapshot::Lights;

const PATIENCE: Duration = Duration::from_secs(20);

/// What the scripted classifier does, from outside.
#[derive(Clone, Default)]
struct Script(Arc<AtomicU8>);

const REFER: u8 = 0;
const CLEAR: u8 = 1;
const FAIL: u8 = 2;

impl Classifier for Script {
    fn classify(&mut self, _: &[u8], scores: &mut [f32]) -> Result<(), Error> {
        scores[0] = match self.0.load(Ordering::SeqCst) {
            REFER => 20.0,
            CLEAR => -20.0,
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
    let bundle = Bundle::load(None).unwrap();
    let (script, shutdown, status) =
        (Script::default(), Shutdown::default(), CaptureStatus::default());
    let stages = Stages::new(&bundle, Box::new(script.clone()), Mode::Live);
    let (frames, snapshots) =
        (Latest::new(Captured::new()), Latest::new(Snapshot::new(Arc::default())));
    let settings = Settings {
        identity: Arc::default(),
        auto_start: true,
        stall: Duration::from_millis(1500),
        stop_at_end: false,
        limit: None,
    };
    let engine = Engine::new(settings, stages, &[&snapshots]);
    let (send, receive) = mpsc::sync_channel(0);
    let (commands, orders) = mpsc::sync_channel(16);
    std::thread::scope(|scope| {
        let (frames, status, shutdown) = (&frames, &status, &shutdown);
        let mut receive = Some(receive);
        let open = move || Ok(Box::new(Sent(receive.take().unwrap())) as Box<dyn FrameSource>);
        scope.spawn(move || capture(open, false, frames, status, shutdown));
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
