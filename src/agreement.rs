//! Lamps, panel, dashboard and JSON say the same, at every snapshot of a long scripted run.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use oorandom::Rand32;
use serde_json::Value;

use crate::bundle::Bundle;
use crate::capture::FrameSource;
use crate::capture::phantom::Phantom;
use crate::dashboard::tests::{english, screen};
use crate::error::{Error, ErrorKind};
use crate::exam::Command;
use crate::frame::Frame;
use crate::headless;
use crate::inference::{Answer, Classifier};
use crate::lamps;
use crate::panel;
use crate::pipeline::Stages;
use crate::pipeline::capturing::{BackOff, CaptureStatus, Captured, Ending, capture};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::live::{Engine, Settings};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::screening::Mode;
use crate::snapshot::{Identity, Snapshot};

/// Snapshots that are compared.
const COMPARED: usize = 600;
const FACES: [&str; 5] = ["REFER", "CLEAR", "UNGRADABLE", "FAULT", "READY"];

/// Says refer for a while, then nothing certain, then clear; fails now and then.
struct Moody(Arc<AtomicU64>);

impl Classifier for Moody {
    fn classify(&mut self, _: &[u8], answer: &mut Answer) -> Result<(), Error> {
        let turn = self.0.fetch_add(1, Ordering::Relaxed);
        answer.scores.fill(9.0);
        answer.scores[0] = match turn / 60 % 3 {
            0 => 20.0,
            1 => 0.1,
            _ => -20.0,
        };
        if turn % 397 == 396 {
            return Err(Error::new(ErrorKind::Model, "the script", "fails", "go on"));
        }
        Ok(())
    }
}

/// A phantom that is black, frozen or gone for a while, by a script of its own.
struct Fickle {
    phantom: Phantom,
    random: Rand32,
    /// What is wrong, and for how many frames yet.
    mood: (u32, u32),
    left: u32,
}

impl FrameSource for Fickle {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        std::thread::sleep(Duration::from_millis(2));
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            Error::new(ErrorKind::Device, "the grabber", "was unplugged", "plug it in")
        })?;
        if self.mood.1 == 0 {
            self.mood = (self.random.rand_range(0..4), self.random.rand_range(20..80));
        }
        self.mood.1 -= 1;
        let (before, at) = (frame.luma.clone(), frame.timestamp);
        self.phantom.next(frame)?;
        match self.mood.0 {
            0 => frame.luma.fill(0),
            1 if before.len() == frame.luma.len() && at < frame.timestamp => frame.luma = before,
            _ => {}
        }
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// What the JSON line says, as a word of the screen.
fn face_of_json(snapshot: &Snapshot) -> String {
    let line: Value = serde_json::from_str(&headless::json_line(snapshot)).unwrap();
    match (&line["fault"], &line["verdict"]) {
        (Value::Null, Value::Null) => "READY".to_owned(),
        (Value::Null, Value::String(verdict)) => verdict.to_uppercase(),
        _ => "FAULT".to_owned(),
    }
}

/// What the lamps show: refer, clear and attention, at two instants of a blink.
fn face_of_lamps(snapshot: &Snapshot) -> &'static str {
    match lamps::tests::shown(snapshot.lights()) {
        [[true, false, false], [true, false, false]] => "REFER",
        [[false, true, false], [false, true, false]] => "CLEAR",
        [[false, false, true], [false, false, true]] => "UNGRADABLE",
        [[false, false, true], [false, false, false]] => "FAULT",
        [[false, false, false], [false, false, false]] => "READY",
        other => panic!("no such lamps: {other:?}"),
    }
}

#[test]
fn every_sink_says_the_same() {
    let bundle = Bundle::load(None).unwrap();
    let identity = || {
        Arc::new(Identity { demonstration: true, source: "script".into(), ..Identity::default() })
    };
    let (status, shutdown) = (&CaptureStatus::default(), &Shutdown::default());
    let frames = &Latest::new(Captured::new());
    let snapshots = &Latest::new(Snapshot::new(identity()));
    let settings = Settings {
        identity: identity(),
        auto_start: true,
        stall: Duration::from_millis(300),
        stop_at_end: false,
        auto_hold: None,
        examination: None,
        device: Arc::default(),
        limit: None,
        recording: None,
        guidance: None,
    };
    let stages = Stages::new(&bundle, Box::new(Moody(Arc::default())), Mode::Live);
    let engine = Engine::new(settings, stages, &[snapshots]);
    let (commands, orders) = mpsc::sync_channel(16);
    let seeds = &AtomicU64::new(1);
    let mut seen = BTreeMap::new();
    std::thread::scope(|scope| {
        let _end = EndsAll(shutdown);
        let open = || {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            let phantom = Phantom::new(&"lung-normal?size=160x120".parse().unwrap());
            let mut random = Rand32::new(seed);
            let left = random.rand_range(40..200);
            Ok(Box::new(Fickle { phantom, random, mood: (3, 40), left }) as Box<dyn FrameSource>)
        };
        let pause = Duration::from_millis(50);
        let ending = Ending::Reopen(BackOff { first: pause, longest: pause });
        scope.spawn(move || capture(open, ending, frames, status, shutdown));
        scope.spawn(move || engine.run(frames, status, &orders, shutdown));
        let (mut snapshot, mut random) = (Snapshot::new(identity()), Rand32::new(7));
        let mut dashboard = english();
        for turn in 0..COMPARED {
            if random.rand_range(0..60) == 0 {
                let command =
                    if random.rand_range(0..5) == 0 { Command::New } else { Command::Advance };
                let _ = commands.try_send(command);
            }
            let taken = snapshots.take(&mut snapshot, Duration::from_secs(20));
            assert_eq!(taken, Taken::Fresh, "the engine hangs");
            let face = face_of_json(&snapshot);
            assert_eq!(face_of_lamps(&snapshot), face, "turn {turn}");
            assert_eq!(panel::word(&snapshot), face, "turn {turn}");
            let text = screen(&mut dashboard, 160, 50, &snapshot);
            let said: Vec<&str> = FACES.into_iter().filter(|face| text.contains(face)).collect();
            assert_eq!(said, [&face], "turn {turn}\n{text}");
            *seen.entry(face).or_insert(0) += 1;
        }
    });
    println!("{seen:?}");
    assert!(FACES.iter().all(|face| seen.get(*face).is_some_and(|&n| n >= 3)), "{seen:?}");
}
