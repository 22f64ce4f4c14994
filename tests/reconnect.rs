//! A thousand reconnects through capture and engine: no thread, descriptor or memory is left over.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sonolamp::bundle::Bundle;
use sonolamp::capture::FrameSource;
use sonolamp::error::{Error, ErrorKind};
use sonolamp::frame::Frame;
use sonolamp::inference::{Answer, Classifier};
use sonolamp::pipeline::Stages;
use sonolamp::pipeline::capturing::{BackOff, CaptureStatus, Captured, Ending, capture};
use sonolamp::pipeline::latest::{Latest, Taken};
use sonolamp::pipeline::live::{Engine, Settings};
use sonolamp::pipeline::shutdown::{EndsAll, Shutdown};
use sonolamp::screening::Mode;
use sonolamp::snapshot::{FaultKind, Snapshot};

const RECONNECTS: u32 = 1000;

struct Constant;

impl Classifier for Constant {
    fn classify(&mut self, _: &[u8], answer: &mut Answer) -> Result<(), Error> {
        answer.scores.fill(1.0);
        Ok(())
    }
}

/// Holds a descriptor as a device does, gives two frames and is gone.
struct Flaky {
    _device: File,
    left: u32,
}

fn gone() -> Error {
    Error::new(ErrorKind::Device, "/dev/video7", "was unplugged", "plug it in")
}

impl FrameSource for Flaky {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        frame.resize(64, 48);
        frame.luma.fill(90);
        (frame.sequence, frame.timestamp) = (u64::from(2 - self.left), Duration::ZERO);
        self.left = self.left.checked_sub(1).ok_or_else(gone)?;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// Descriptors and threads of this process.
fn held() -> (usize, usize) {
    let count = |path: &str| std::fs::read_dir(path).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

#[test]
fn a_thousand_reconnects_leave_nothing_behind() {
    let bundle = Bundle::load(None).unwrap();
    let (status, shutdown) = (&CaptureStatus::default(), &Shutdown::default());
    let frames = &Latest::new(Captured::new());
    let snapshots = &Latest::new(Snapshot::new(Arc::default()));
    let settings = Settings {
        identity: Arc::default(),
        auto_start: true,
        stall: Duration::from_secs(60),
        stop_at_end: true,
        auto_hold: None,
        examination: None,
        device: Arc::default(),
        limit: None,
        recording: None,
        guidance: None,
    };
    let stages = Stages::new(&bundle, Box::new(Constant), Mode::Live);
    let engine = Engine::new(settings, stages, &[snapshots]);
    let (_commands, orders) = std::sync::mpsc::sync_channel(1);
    let opened = &AtomicU32::new(0);
    std::thread::scope(|scope| {
        let _end = EndsAll(shutdown);
        let open = || {
            // Every fifth time it is not even there.
            let nth = opened.fetch_add(1, Ordering::SeqCst);
            if nth % 5 == 4 {
                return Err(gone());
            }
            let device = File::open("/dev/null").unwrap();
            Ok(Box::new(Flaky { _device: device, left: 2 }) as Box<dyn FrameSource>)
        };
        let pause = Duration::from_micros(500);
        let ending = Ending::Reopen(BackOff { first: pause, longest: 2 * pause });
        let capturing = scope.spawn(move || capture(open, ending, frames, status, shutdown));
        scope.spawn(move || engine.run(frames, status, &orders, shutdown));
        let (mut snapshot, mut before, mut faults) = (Snapshot::new(Arc::default()), None, 0);
        while opened.load(Ordering::SeqCst) < RECONNECTS {
            assert!(!capturing.is_finished(), "capture gave up");
            let taken = snapshots.take(&mut snapshot, Duration::from_secs(20));
            assert_eq!(taken, Taken::Fresh, "the engine hangs");
            faults += u32::from(snapshot.fault.as_ref().is_some_and(|fault| {
                fault.kind == FaultKind::NoSignal && fault.words.contains("trying again")
            }));
            if before.is_none() && opened.load(Ordering::SeqCst) > 20 {
                before = Some(held());
            }
        }
        assert!(faults > 0, "no fault was ever shown");
        let (before, after) = (before.unwrap(), held());
        // A source may be open at the one count and not at the other.
        assert!(after.0 <= before.0 + 1, "descriptors: {before:?}, then {after:?}");
        assert_eq!(after.1, before.1, "threads");
        println!(
            "{RECONNECTS} reconnects, {faults} snapshots with the fault; {before:?} {after:?}"
        );
    });
}
