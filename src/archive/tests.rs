//! The thread beside a recorder, on a real folder.

use std::cell::RefCell;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;

use super::*;
use crate::bundle::Bundle;
use crate::capture::FrameSource;
use crate::capture::phantom::Phantom;
use crate::frame::Frame;
use crate::pacs::{self, Peer};
use crate::patient::Patient;
use crate::preprocess::Measures;
use crate::screening::{Evidence, Mode, Verdict};
use crate::snapshot::{HeatMap, Outline};
use crate::store::{KeptFrame, Ledger, Means, Recording, SecretKey, Store, recorder};

const WHEN: When = When { time: 1_790_000_000, clock_set: true };
const EXAMS: u32 = 130;
const FRAMES: u64 = 12;
const PIN: &str = "4711";

static SCORES: LazyLock<usize> = LazyLock::new(|| Bundle::load(None).unwrap().manifest.scores());

fn secret(text: &str) -> Secret {
    Secret(text.to_owned())
}

fn frame(number: u64) -> KeptFrame {
    let bounds = crate::frame::Bounds { left: 0, top: 0, right: 64, bottom: 48 };
    KeptFrame {
        sequence: number,
        measures: Measures {
            timestamp: Duration::from_millis(40 * number + 1000),
            sector_share: 0.4,
            contrast: 90,
            structure: 1.0,
            ..Measures::default()
        },
        scores: vec![9.0; *SCORES],
        bounds,
        luma: vec![number as u8; 64 * 48],
        ..KeptFrame::default()
    }
}

/// An exam of nobody.
pub(crate) fn record(id: ExamId, time: u64) -> Record {
    let when = When { time, clock_set: time > 0 };
    Record {
        id,
        visit: id,
        started: when,
        ended: when,
        patient: Patient::default(),
        operator: String::new(),
        place: None,
        means: Means::default(),
        verdict: Verdict::Refer,
        evidence: Evidence { probability: 0.93, ..Evidence::default() },
        ledger: Ledger { kept: FRAMES, ..Ledger::default() },
    }
}

fn keep(store: &mut Store, number: u32, bundle: &str) -> ExamId {
    let mut draft = store.begin().unwrap();
    (0..FRAMES).for_each(|number| draft.add(&frame(number)).unwrap());
    let mut record = record(draft.id(), WHEN.time);
    record.patient.name = format!("Patient {}", ["Ann", "Bo"][number as usize % 2]);
    record.patient.number = format!("N{number:04}");
    bundle.clone_into(&mut record.means.bundle_digest);
    store.keep(draft, &record, WHEN, "operator").unwrap().id
}

struct Desk {
    handle: Handle,
    /// The engine's end; the recorder lives as long.
    recording: Recording,
}

impl Desk {
    fn until(&self, what: &str, condition: impl Fn(&View) -> bool) -> View {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let view = self.handle.look();
            if condition(&view) {
                return view;
            }
            assert!(Instant::now() < deadline, "never happened: {what}; {:?}", view.said);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn unlock(&self) -> View {
        let (passphrase, pin) = (secret(""), secret(PIN));
        self.handle.ask(Request::Unlock { passphrase, pin });
        self.until("open", |v| v.door == Door::Open && !v.page.entries.is_empty())
    }
}

/// A store of `exams` exams, and the archive on it.
fn with_exams(exams: u32, idle: Duration, test: impl FnOnce(&mut Desk, &Path)) {
    let fill = |store: &mut Store, model: &Model| {
        for number in 0..exams {
            let digest = if number == 3 { "another" } else { &model.bundle.digest };
            keep(store, number, digest);
        }
    };
    with_store(fill, idle, None, test);
}

/// A store that is filled first, and the archive on it.
fn with_store(
    fill: impl FnOnce(&mut Store, &Model),
    idle: Duration,
    pacs: Option<Destination>,
    test: impl FnOnce(&mut Desk, &Path),
) {
    with_store_until(fill, idle, pacs, test, |_| (), || ());
}

/// The same; then what is to be done when all threads have ended, and with what the next start mended.
fn with_store_until(
    fill: impl FnOnce(&mut Store, &Model),
    idle: Duration,
    pacs: Option<Destination>,
    test: impl FnOnce(&mut Desk, &Path),
    then: impl FnOnce(&[String]),
    ended: impl FnOnce(),
) {
    let folder = tempfile::tempdir().unwrap();
    let (kept, stick) = (folder.path().join("exams"), folder.path().join("media/stick"));
    std::fs::create_dir_all(&stick).unwrap();
    let key = SecretKey::generate();
    std::fs::write(stick.join("clinic.key"), key.expose()).unwrap();
    let (mut store, _) = Store::open_folder(&kept, key.recipients(), 0, WHEN).unwrap();
    let model = Model::load(None).unwrap();
    fill(&mut store, &model);
    let (recording, recorder) = recorder(store, Means::default(), None);
    let settings = Settings {
        token: Some(format!("{}/media/*/clinic.key", folder.path().display())),
        locked_key: None,
        idle,
        export: Some(stick.display().to_string()),
        identified: false,
        pacs,
    };
    let (handle, archive, sender) = archive(recorder.beside(), model, settings, || WHEN);
    let shutdown = &Shutdown::default();
    std::thread::scope(|scope| {
        let _end = crate::pipeline::shutdown::EndsAll(shutdown);
        scope.spawn(move || recorder.run());
        scope.spawn(move || archive.run(shutdown));
        if let Some(sender) = sender {
            scope.spawn(move || sender.run(shutdown));
        }
        test(&mut Desk { handle, recording }, &kept);
    });
    ended();
    // What is left behind by a program that ends has the folder until the PACS lets it go.
    let deadline = Instant::now() + Duration::from_secs(30);
    let open = || Store::open_folder(&kept, key.recipients(), 0, WHEN);
    let mended = loop {
        match open() {
            Ok((_, mended)) => break mended,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
        std::thread::sleep(TICK);
    };
    // A test may end in the middle of an exam, or while one is sent.
    let known = ["cut off before its end", "its sending was cut off: it may have arrived"];
    let known = |words: &String| known.iter().any(|known| words.contains(known));
    assert!(mended.iter().all(known), "{mended:?}");
    then(&mended);
}

const LONG: Duration = Duration::from_secs(3600);

#[test]
fn it_lists_by_pages_and_finds_by_name_or_number() {
    with_exams(EXAMS, LONG, |desk, _| {
        let locked = desk.until("a count", |v| v.count == Some(u64::from(EXAMS)));
        assert!(locked.door == Door::Locked && locked.page.entries.is_empty());
        let view = desk.unlock();
        let number = |entry: &Entry| entry.listed.as_ref().unwrap().patient.number.clone();
        let page = |view: &View| {
            let entries = &view.page.entries;
            (view.page.before, number(&entries[0]), entries.len(), view.page.more)
        };
        assert_eq!(page(&view), (0, "N0129".to_owned(), 100, true));
        desk.handle.ask(Request::Turn { older: true });
        let view = desk.until("older ones", |v| v.page.before == 1);
        assert_eq!(page(&view), (1, "N0029".to_owned(), 30, false));
        // There is nothing older, and newer ones are where they were.
        desk.handle.ask(Request::Turn { older: true });
        desk.handle.ask(Request::Turn { older: false });
        desk.until("back", |v| v.page.before == 0);
        desk.handle.ask(Request::Search("n0003".to_owned()));
        let view = desk.until("one", |v| v.page.entries.len() == 1);
        assert_eq!(page(&view), (0, "N0003".to_owned(), 1, false));
        desk.handle.ask(Request::Search(" ann".to_owned()));
        let view = desk.until("half of them", |v| v.page.search == "ann");
        assert_eq!(page(&view), (0, "N0128".to_owned(), 65, false));
        desk.handle.ask(Request::Search("nobody".to_owned()));
        desk.until("nobody", |v| v.page.entries.is_empty());
    });
}

#[test]
fn an_exam_is_read_back_picture_by_picture() {
    with_exams(4, LONG, |desk, _| {
        let view = desk.unlock();
        let open = |i: usize| {
            desk.handle.ask(Request::Open(view.page.entries[i].id));
            let number = format!("N{:04}", 3 - i);
            let is =
                |v: &View| v.opened.as_ref().is_some_and(|o| o.record.patient.number == number);
            desk.until("an exam", is).opened.unwrap()
        };
        let own = open(1);
        assert_eq!((own.reel.len() as u64, own.foreign, &own.damage), (FRAMES, false, &None));
        let moment = own.reel.get(5).unwrap();
        assert_eq!((moment.at.as_millis(), moment.picture.luma[0]), (200, 5));
        assert!(moment.verdict.is_some());
        assert_eq!(own.step.as_millis(), 40);
        // Another bundle's scores mean nothing by these rules.
        let foreign = open(0);
        assert!(foreign.foreign && foreign.reel.get(5).unwrap().verdict.is_none());
        desk.handle.ask(Request::Close);
        desk.until("closed", |v| v.opened.is_none());
    });
}

/// Where heat lies, on a grid.
fn heat(map: &HeatMap) -> Vec<f32> {
    let place = |i: usize| (i as f32 + 0.5) / 24.0;
    (0..24 * 24).map(|i| map.at(place(i % 24), place(i / 24))).collect()
}

#[test]
fn where_the_network_looked_is_computed_again_for_the_picture_that_is_shown() {
    let (live, ids) = (RefCell::new(Vec::new()), RefCell::new(Vec::new()));
    let fill = |store: &mut Store, model: &Model| {
        for digest in [&model.bundle.digest, "another"] {
            let mut phantom = Phantom::new(&"lung-blines?seed=8".parse().unwrap());
            let mut stages = model.stages(Mode::Live).unwrap();
            let (mut draft, mut frame) = (store.begin().unwrap(), Frame::default());
            live.borrow_mut().clear();
            for number in 0..FRAMES {
                phantom.next(&mut frame).unwrap();
                // One is black.
                frame.luma.iter_mut().filter(|_| number == 4).for_each(|grey| *grey = 0);
                stages.process(&mut frame).unwrap();
                let bounds = stages.bounds().unwrap_or_default();
                let (mut map, mut outline) = (HeatMap::default(), Outline::default());
                stages.overlay(bounds, &mut map, &mut outline);
                live.borrow_mut().push(heat(&map));
                let kept = KeptFrame {
                    measures: *stages.measures(),
                    scores: stages.scores().to_vec(),
                    tensor: stages.tensor().to_vec(),
                    bounds,
                    luma: vec![9; (bounds.width() * bounds.height()) as usize],
                    ..KeptFrame::default()
                };
                draft.add(&kept).unwrap();
            }
            let mut record = record(draft.id(), WHEN.time);
            digest.clone_into(&mut record.means.bundle_digest);
            ids.borrow_mut().push(store.keep(draft, &record, WHEN, "operator").unwrap().id);
        }
    };
    with_store(fill, LONG, None, |desk, _| {
        let (live, ids) = (live.borrow(), ids.borrow());
        desk.unlock();
        let open = |id| {
            desk.handle.ask(Request::Open(id));
            let is = |v: &View| v.opened.as_ref().is_some_and(|o| o.record.id == id);
            desk.until("an exam", is).opened.unwrap()
        };
        let own = ids[0];
        assert!(open(own).mapped);
        for (number, live) in live.iter().enumerate() {
            desk.handle.point((own, number));
            let is = |v: &View| v.map.as_ref().is_some_and(|(spot, _)| *spot == (own, number));
            let (_, map) = desk.until("a map", is).map.unwrap();
            assert_eq!((&heat(&map.heat), &map.failed), (live, &None), "{number}");
            assert_eq!(map.heat.is_empty(), number == 4);
        }
        assert!(live[0].iter().any(|strength| strength.abs() > 0.2), "{:?}", live[0]);
        // Of another bundle nothing is computed, and of what was left nothing stays.
        let other = open(ids[1]);
        assert!(other.foreign && !other.mapped && desk.handle.look().map.is_none());
        desk.handle.point((ids[1], 0));
        desk.handle.point((own, 0));
        desk.handle.ask(Request::Close);
        desk.until("closed", |v| v.opened.is_none());
        assert!(desk.handle.look().map.is_none());
    });
}

#[test]
fn a_damaged_clip_shows_what_is_whole() {
    with_exams(1, LONG, |desk, kept| {
        let id = desk.unlock().page.entries[0].id;
        let clip = kept.join(format!("{id}.clip"));
        std::fs::OpenOptions::new().write(true).open(&clip).unwrap().set_len(200).unwrap();
        desk.handle.ask(Request::Open(id));
        let view = desk.until("some of it", |v| v.opened.is_some() || v.said.is_some());
        let view = desk.until("an end", |v| {
            !matches!(v.said, Some(Said::Reading(_))) || view.opened.is_some()
        });
        let words = match (&view.opened, &view.said) {
            (Some(opened), _) => opened.damage.clone().unwrap(),
            (None, Some(Said::Failed(words))) => words.to_string(),
            other => panic!("{:?}", other.1),
        };
        assert!(words.contains("clip"), "{words}");
    });
}

#[test]
fn a_pin_shuts_and_opens_and_three_wrong_ones_forget_the_key() {
    with_exams(2, LONG, |desk, _| {
        let seen = desk.unlock();
        desk.handle.ask(Request::Open(seen.page.entries[0].id));
        desk.until("an exam", |v| v.opened.is_some());
        desk.handle.lock();
        let shut = desk.until("shut", |v| v.door == Door::Shut);
        assert!(shut.page.entries.is_empty() && shut.opened.is_none());
        // What is asked for at a shut door is not told.
        desk.handle.ask(Request::Search("ann".to_owned()));
        desk.handle.ask(Request::Open(seen.page.entries[0].id));
        desk.handle.ask(Request::Erase(seen.page.entries[0].id));
        desk.handle.ask(Request::Pin(secret("0000")));
        let shut = desk.until("a refusal", |v| v.said == Some(Said::WrongPin { left: 2 }));
        assert!(shut.page.entries.is_empty() && shut.opened.is_none());
        desk.handle.ask(Request::Pin(secret(PIN)));
        let open = desk.until("open", |v| v.door == Door::Open && !v.page.entries.is_empty());
        assert_eq!(open.page.entries.len(), 2);
        desk.handle.lock();
        desk.until("shut", |v| v.door == Door::Shut);
        for _ in 0..3 {
            desk.handle.ask(Request::Pin(secret("")));
        }
        desk.until("forgotten", |v| v.said == Some(Said::Forgotten));
        desk.handle.ask(Request::Pin(secret(PIN)));
        std::thread::sleep(3 * TICK);
        assert_eq!(desk.handle.look().door, Door::Locked);
    });
}

#[test]
fn it_locks_itself_and_without_a_pin_forgets_the_key() {
    with_exams(1, Duration::from_millis(300), |desk, kept| {
        let (passphrase, pin) = (secret(""), secret(""));
        desk.handle.ask(Request::Unlock { passphrase, pin });
        desk.until("open", |v| v.door == Door::Open);
        let view = desk.until("locked", |v| v.door == Door::Locked);
        assert!(view.said == Some(Said::Forgotten) && view.page.entries.is_empty());
        let journal = || std::fs::read_to_string(kept.join("journal.jsonl")).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while !(journal().contains("\"unlocked\"") && journal().contains("\"locked\"")) {
            assert!(Instant::now() < deadline, "{}", journal());
            std::thread::sleep(TICK);
        }
    });
}

#[test]
fn erasing_waits_for_no_exam_and_what_was_amended_does_not_come_back() {
    with_exams(3, LONG, |desk, kept| {
        let id = desk.unlock().page.entries[1].id;
        desk.handle.ask(Request::Erase(id));
        let view = desk.until("erased", |v| v.said == Some(Said::Erased));
        assert_eq!(view.page.entries.len(), 2);
        assert!(!kept.join(format!("{id}.envelope")).exists());
        // While an exam is recorded the disk is its own.
        desk.recording.begin();
        let other = view.page.entries[0].id;
        desk.handle.ask(Request::Erase(other));
        std::thread::sleep(Duration::from_millis(500));
        assert!(kept.join(format!("{other}.envelope")).exists());
        desk.recording.next_patient();
        desk.until("erased after it", |v| v.page.entries.len() == 1);
    });
}

#[test]
fn wrong_keys_are_refused_with_words() {
    with_exams(1, LONG, |desk, kept| {
        let stick = kept.parent().unwrap().join("media/stick/clinic.key");
        let refused = |text: Option<&str>| {
            match text {
                Some(text) => std::fs::write(&stick, text).unwrap(),
                None => std::fs::remove_file(&stick).unwrap(),
            }
            let (passphrase, pin) = (secret(""), secret(PIN));
            desk.handle.ask(Request::Unlock { passphrase, pin });
            std::thread::sleep(2 * TICK);
            let view = desk.until("a refusal", |v| matches!(v.said, Some(Said::Failed(_))));
            assert_eq!(view.door, Door::Locked);
            let Some(Said::Failed(words)) = view.said else { unreachable!() };
            words.to_string()
        };
        let other = SecretKey::generate().expose();
        assert!(refused(Some(&other)).contains("opens nothing in this store"));
        assert!(refused(Some("nonsense")).contains("holds no secret key"));
        assert!(refused(None).contains("plug in the stick"));
    });
}

#[test]
fn an_exam_is_exported_to_the_stick_and_then_marked() {
    with_exams(4, LONG, |desk, kept| {
        // The one of another bundle: the frames of the others hold no network's input.
        let entry = desk.unlock().page.entries[0].clone();
        assert!(!entry.exported);
        desk.handle.ask(Request::Export(entry.id));
        let view = desk.until("exported", |v| matches!(v.said, Some(Said::Exported(_))));
        assert!(view.page.entries[0].exported && !view.page.entries[1].exported);
        let folder = kept.parent().unwrap().join("media/stick").join(entry.id.to_string());
        for name in
            ["clip.dcm", "summary.dcm", "report.dcm", "fhir.json", "page.html", "SHA256SUMS"]
        {
            let bytes = std::fs::read(folder.join(name)).unwrap();
            assert!(!String::from_utf8_lossy(&bytes).contains("Patient Bo"), "{name}");
        }
        // No stick, no mark.
        std::fs::remove_dir_all(kept.parent().unwrap().join("media/stick")).unwrap();
        let other = view.page.entries[1].id;
        desk.handle.ask(Request::Export(other));
        let view = desk.until("a refusal", |v| matches!(v.said, Some(Said::Failed(_))));
        let Some(Said::Failed(words)) = view.said else { unreachable!() };
        assert!(words.contains("plug in a stick") && !view.page.entries[1].exported, "{words}");
    });
}

/// Exams that can be sent, a PACS that takes so many objects, and what it has taken.
fn with_pacs(
    exams: u32,
    may: usize,
    test: impl FnOnce(&mut Desk, &Path, &AtomicUsize, &Receiver<usize>),
) {
    let may = Arc::new(AtomicUsize::new(may));
    let (peer, taken) = pacs::tests::taking(Arc::clone(&may));
    let to = Destination { peer, identified: false };
    // Of another bundle: the frames hold no network's input.
    let fill = |store: &mut Store, _: &Model| {
        for number in 0..exams {
            keep(store, number, "another");
        }
    };
    with_store(fill, LONG, Some(to), |desk, kept| test(desk, kept, &may, &taken));
}

fn journal(kept: &Path, what: &str) -> usize {
    let text = std::fs::read_to_string(kept.join("journal.jsonl")).unwrap();
    text.matches(&format!("\"what\":\"{what}\"")).count()
}

#[test]
fn an_exam_is_sent_once_and_then_marked() {
    with_pacs(2, usize::MAX, |desk, kept, _, taken| {
        let id = desk.unlock().page.entries[1].id;
        desk.handle.ask(Request::Send(id));
        let view = desk.until("sent", |v| v.sending == Some(Sending::Sent(1)));
        let marks = |entry: &Entry| (entry.sent, entry.waits);
        assert_eq!(marks(&view.page.entries[1]), (true, false));
        assert_eq!(marks(&view.page.entries[0]), (false, false));
        assert_eq!(taken.recv_timeout(LONG).unwrap(), 3);
        desk.handle.ask(Request::Send(id));
        let view = desk.until("a refusal", |v| matches!(v.said, Some(Said::Failed(_))));
        let Some(Said::Failed(words)) = view.said else { unreachable!() };
        assert!(words.contains("has been sent already"), "{words}");
        std::thread::sleep(3 * TICK);
        assert!(taken.try_recv().is_err(), "not twice");
        assert_eq!((journal(kept, "sent"), journal(kept, "unclear")), (1, 0));
    });
}

#[test]
fn sending_delays_nobody_and_is_told_once_it_is_on_the_disk() {
    with_pacs(2, 0, |desk, kept, may, taken| {
        let id = desk.unlock().page.entries[0].id;
        desk.handle.ask(Request::Send(id));
        desk.until("going", |v| v.sending == Some(Sending::Going { taken: 0, objects: 3 }));
        // The list is there, and an exam begins.
        desk.handle.ask(Request::Search("n0000".to_owned()));
        desk.until("a search", |v| v.page.entries.len() == 1);
        desk.recording.begin();
        may.store(3, SeqCst);
        assert_eq!(taken.recv_timeout(LONG).unwrap(), 3);
        std::thread::sleep(3 * TICK);
        assert_eq!(journal(kept, "sent"), 0, "the disk is the exam's");
        assert!(matches!(desk.handle.look().sending, Some(Sending::Going { .. })));
        desk.recording.next_patient();
        desk.until("sent", |v| v.sending == Some(Sending::Sent(1)));
        assert_eq!(journal(kept, "sent"), 1);
    });
}

#[test]
fn while_an_exam_is_recorded_no_sending_begins() {
    with_pacs(1, 9, |desk, kept, _, taken| {
        let id = desk.unlock().page.entries[0].id;
        desk.handle.ask(Request::Send(id));
        desk.recording.begin();
        // What had begun before may go on.
        if taken.recv_timeout(5 * TICK).is_err() {
            let outbox = kept.join(format!("{id}.outbox"));
            assert!(!std::fs::read_to_string(outbox).is_ok_and(|text| text.contains("under-way")));
        }
        desk.recording.next_patient();
        desk.until("sent", |v| v.sending == Some(Sending::Sent(1)));
    });
}

#[test]
fn once_it_is_locked_no_other_exam_is_sent() {
    with_pacs(2, 0, |desk, kept, may, taken| {
        let view = desk.unlock();
        for entry in &view.page.entries {
            desk.handle.ask(Request::Send(entry.id));
        }
        desk.until("both wait", |v| {
            let waits = v.page.entries.iter().filter(|entry| entry.waits).count();
            waits == 2 && matches!(v.sending, Some(Sending::Going { .. }))
        });
        desk.handle.lock();
        desk.until("shut", |v| v.door == Door::Shut);
        may.store(usize::MAX, SeqCst);
        assert_eq!(taken.recv_timeout(LONG).unwrap(), 3, "what is on its way arrives");
        desk.until("over", |v| v.sending.is_none());
        assert_eq!(journal(kept, "sent"), 1);
        assert!(taken.recv_timeout(5 * TICK).is_err(), "and nothing more");
        desk.handle.ask(Request::Pin(secret(PIN)));
        desk.until("the other", |v| v.page.entries.iter().filter(|e| e.sent).count() == 2);
        assert_eq!((journal(kept, "sent"), journal(kept, "unclear")), (2, 0));
    });
}

#[test]
fn what_does_not_arrive_waits_and_a_key_tries_it_again() {
    let (good, taken) = pacs::tests::taking(Arc::new(AtomicUsize::new(usize::MAX)));
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let peer = Peer { port: closed, ..good };
    let fill = |store: &mut Store, _: &Model| {
        keep(store, 0, "another");
    };
    let to = Destination { peer, identified: false };
    with_store(fill, LONG, Some(to), |desk, kept| {
        let id = desk.unlock().page.entries[0].id;
        let tries = || {
            let text = std::fs::read_to_string(kept.join(format!("{id}.outbox"))).unwrap();
            let json: serde_json::Value =
                serde_json::from_str(text.lines().next().unwrap()).unwrap();
            json["tries"].as_u64().unwrap()
        };
        for number in 1..=2 {
            desk.handle.ask(Request::Send(id));
            let view = desk.until("a failure", |v| {
                matches!(v.sending, Some(Sending::Waiting { exams: 1, .. })) && tries() == number
            });
            let Some(Sending::Waiting { why, .. }) = view.sending else { unreachable!() };
            assert!(why.contains("nothing listens there"), "{why}");
            assert!(view.page.entries[0].waits && !view.page.entries[0].sent);
        }
        assert_eq!((journal(kept, "queued"), journal(kept, "sent")), (1, 0));
        assert!(taken.try_recv().is_err());
    });
}

#[test]
fn a_program_that_ends_while_it_sends_waits_for_no_pacs() {
    let (may, began) = (Arc::new(AtomicUsize::new(1)), RefCell::new(Instant::now()));
    let (peer, _taken) = pacs::tests::taking(Arc::clone(&may));
    let to = Destination { peer, identified: false };
    let fill = |store: &mut Store, _: &Model| {
        keep(store, 0, "another");
    };
    let ended = Arc::clone(&may);
    with_store_until(
        fill,
        LONG,
        Some(to),
        |desk, _| {
            let id = desk.unlock().page.entries[0].id;
            desk.handle.ask(Request::Send(id));
            desk.until("going", |v| v.sending == Some(Sending::Going { taken: 1, objects: 3 }));
            *began.borrow_mut() = Instant::now();
        },
        |mended| {
            assert!(began.borrow().elapsed() < Duration::from_secs(20));
            assert!(mended.iter().any(|words| words.contains("may have arrived")), "{mended:?}");
        },
        || {
            assert!(began.borrow().elapsed() < Duration::from_secs(5), "it waited for the PACS");
            ended.store(usize::MAX, SeqCst);
        },
    );
}

#[test]
fn locking_hides_at_once_whatever_the_thread_is_at() {
    let open = View {
        door: Door::Open,
        page: Arc::new(Page { search: "Ann".to_owned(), ..Page::default() }),
        ..View::default()
    };
    let (handle, _) = Handle::showing(open);
    handle.lock();
    let seen = handle.look();
    assert!(seen.door == Door::Shut && seen.page.search.is_empty());
}
