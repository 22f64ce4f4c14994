//! Who is examined stands sealed in the store, and nowhere else: a thousand planted names are looked
//! for in everything that is written or handed on.

#![allow(clippy::unwrap_used)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use sonolamp::bundle::Bundle;
use sonolamp::capture::FrameSource;
use sonolamp::capture::phantom::Phantom;
use sonolamp::error::Error;
use sonolamp::exam::{Command, State};
use sonolamp::headless::{self, Form};
use sonolamp::inference::{Answer, Classifier};
use sonolamp::patient::{Entry, Patient};
use sonolamp::pipeline::Stages;
use sonolamp::pipeline::capturing::{CaptureStatus, Captured, Ending, capture};
use sonolamp::pipeline::latest::{Latest, Taken};
use sonolamp::pipeline::live::{Engine, Settings};
use sonolamp::pipeline::shutdown::{EndsAll, Shutdown};
use sonolamp::protocol::{Choice, Examination};
use sonolamp::screening::Mode;
use sonolamp::service::Journal;
use sonolamp::snapshot::{Keeping, Snapshot};
use sonolamp::store::{Means, SecretKey, Store, When, recorder};
use sonolamp::watch::Server;

/// Part of every planted text.
const MARK: &[u8] = b"Xylophone";
const PATIENTS: u32 = 50;
/// Entries of a patient: before an exam, while it is held, and once more.
const ENTRIES: u32 = 4;

struct Refers;

impl Classifier for Refers {
    fn classify(&mut self, _: &[u8], answer: &mut Answer) -> Result<(), Error> {
        answer.scores.fill(9.0);
        Ok(())
    }
}

fn entry(number: u32) -> Arc<Entry> {
    let text = |what: &str| format!("Xylophone-{what}-{number}");
    let patient = Patient {
        name: text("name"),
        number: text("number"),
        born: text("born"),
        accession: text("accession"),
        ..Patient::default()
    };
    Arc::new(Entry { patient, operator: text("operator") })
}

fn holds(bytes: &[u8]) -> bool {
    bytes.windows(MARK.len()).any(|window| window == MARK)
}

/// A writer into shared memory.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Desk<'a> {
    commands: mpsc::SyncSender<Command>,
    snapshots: &'a Latest<Snapshot>,
    snapshot: Snapshot,
    entries: u32,
}

impl Desk<'_> {
    fn until(&mut self, what: &str, condition: impl Fn(&Snapshot) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !condition(&self.snapshot) {
            assert!(Instant::now() < deadline, "never happened: {what}");
            let taken = self.snapshots.take(&mut self.snapshot, Duration::from_millis(100));
            let told = format!("{:?}", self.snapshot.visit);
            assert!(taken != Taken::Fresh || !holds(told.as_bytes()));
        }
    }

    fn enter(&mut self) {
        let (visit, entries) = (self.snapshot.visit.number, self.snapshot.visit.entries);
        let command = Command::Patient { visit, entry: entry(self.entries) };
        self.entries += 1;
        assert!(!holds(format!("{command:?}").as_bytes()));
        self.commands.send(command).unwrap();
        self.until("an entry", |s| s.visit.entries > entries);
    }
}

/// Every patient gets entries before, during and after an exam of one or two zones.
fn screen(desk: &mut Desk) {
    for patient in 0..PATIENTS {
        desk.commands.send(Command::New).unwrap();
        desk.until("a patient", |s| s.visit.number == patient + 1);
        for zone in 0..2 {
            let number = 2 * patient + zone + 1;
            let scanning =
                |s: &Snapshot| s.exam.state == State::Scanning && s.exam.number == number;
            desk.until("an exam", scanning);
            let inferred = desk.snapshot.counts.inferred;
            desk.until("a picture", |s| s.counts.inferred > inferred);
            desk.enter();
            desk.commands.send(Command::Hold).unwrap();
            desk.until("kept", |s| s.exam.state == State::Held && s.keeping == Keeping::Kept);
            desk.enter();
            if zone == 0 {
                desk.commands.send(Command::Advance).unwrap();
                desk.commands.send(Command::Advance).unwrap();
            }
        }
    }
}

#[test]
fn who_is_examined_stands_sealed_in_the_store_and_nowhere_else() {
    let folder = tempfile::tempdir().unwrap();
    let (kept, socket) = (folder.path().join("exams"), folder.path().join("watch.sock"));
    let key = SecretKey::generate();
    let when = When { time: 1_790_000_000, clock_set: true };
    let (store, _) = Store::open_folder(&kept, key.recipients(), 0, when).unwrap();
    let (recording, recorder) = recorder(store, Means::default(), None);
    let protocol = Arc::new("lung-8".parse::<Choice>().unwrap().load().unwrap());
    let fresh = || Snapshot::new(Arc::default());
    let settings = Settings {
        identity: Arc::default(),
        auto_start: false,
        stall: Duration::from_secs(60),
        stop_at_end: false,
        auto_hold: None,
        examination: Some(Examination::new(protocol)),
        device: Arc::default(),
        limit: None,
        recording: Some(recording),
        guidance: None,
    };
    let stages = Stages::new(&Bundle::load(None).unwrap(), Box::new(Refers), Mode::Live);
    let slots = &[(); 4].map(|()| Latest::new(fresh()));
    let engine = Engine::new(settings, stages, &[&slots[0], &slots[1], &slots[2], &slots[3]]);
    let (frames, status) = (&Latest::new(Captured::new()), &CaptureStatus::default());
    let shutdown = &Shutdown::default();
    let (commands, orders) = mpsc::sync_channel(16);
    let lines = Written::default();
    let server = &Server::bind(&socket).unwrap();
    let (over, watched) = (&AtomicBool::new(false), &AtomicU32::new(0));
    let told = std::thread::scope(|scope| {
        let _end = EndsAll(shutdown);
        let open = || {
            let phantom = Phantom::new(&"lung-normal?size=160x120".parse().unwrap());
            Ok(Box::new(phantom) as Box<dyn FrameSource>)
        };
        scope.spawn(move || capture(open, Ending::Repeat, frames, status, shutdown));
        scope.spawn(move || recorder.run());
        scope.spawn(move || engine.run(frames, status, &orders, shutdown));
        scope.spawn(move || server.run(&slots[1], fresh(), shutdown));
        for (slot, form) in [(&slots[2], Form::Json), (&slots[3], Form::Text(Journal::NONE))] {
            let mut lines = lines.clone();
            scope.spawn(move || headless::run(&mut lines, form, slot, fresh(), shutdown).unwrap());
        }
        let watcher = scope.spawn(|| {
            let mut stream = UnixStream::connect(&socket).unwrap();
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let (mut piece, mut tail) = (vec![0; 1 << 20], Vec::new());
            while !over.load(Ordering::SeqCst) {
                let Ok(read) = stream.read(&mut piece) else { continue };
                tail.extend_from_slice(&piece[..read]);
                assert!(!holds(&tail), "a watcher was told a name");
                watched.fetch_add(read as u32, Ordering::SeqCst);
                tail.drain(..tail.len().saturating_sub(MARK.len()));
            }
        });
        let (snapshots, snapshot) = (&slots[0], fresh());
        let mut desk = Desk { commands, snapshots, snapshot, entries: 0 };
        screen(&mut desk);
        let told = format!("{:?}", desk.snapshot);
        over.store(true, Ordering::SeqCst);
        watcher.join().unwrap();
        shutdown.request();
        told
    });
    assert!(!holds(told.as_bytes()) && told.contains("entries: 4"));
    assert!(watched.load(Ordering::SeqCst) > 1 << 20);
    let lines = lines.0.lock().unwrap();
    assert!(!holds(&lines) && lines.len() > 10_000);
    let mut bytes = 0;
    for file in std::fs::read_dir(&kept).unwrap().map(Result::unwrap) {
        assert!(!holds(file.file_name().as_encoded_bytes()));
        let content = std::fs::read(file.path()).unwrap();
        assert!(!holds(&content), "{:?}", file.file_name());
        bytes += content.len();
    }
    assert!(bytes > 1 << 20);
    whose(&kept, &key, when);
}

/// With the key each exam is its own patient's, by the last entry, and its first operator's.
fn whose(kept: &Path, key: &SecretKey, when: When) {
    let (store, mended) = Store::open_folder(kept, key.recipients(), 0, when).unwrap();
    assert_eq!(mended, [""; 0]);
    let unlocked = store.unlock(key.clone()).unwrap();
    let rows = store.list(&unlocked, None, usize::MAX).unwrap();
    assert_eq!(rows.len() as u32, 2 * PATIENTS);
    for (i, (_, row, listed)) in (0..).zip(rows.iter().rev()) {
        let (patient, zone) = (i / 2, i % 2);
        let record = store.exam(&unlocked, row.id).unwrap().record;
        let last = entry(ENTRIES * patient + ENTRIES - 1);
        assert_eq!(record.patient.name, last.patient.name);
        assert!(record.patient == last.patient && listed.as_ref().unwrap().patient == last.patient);
        assert_eq!(record.operator, entry(ENTRIES * patient + 2 * zone).operator);
        assert_eq!(record.visit == record.id, zone == 0, "zones of one visit belong together");
    }
    assert_eq!(store.check().unwrap(), [""; 0]);
}
