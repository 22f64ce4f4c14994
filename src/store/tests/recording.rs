//! The recorder beside an engine that does not wait, on disks that are slow or fail.

use super::*;
use crate::snapshot::Keeping;
use crate::store::files::faulty::Failure;

fn both(disk: &Faulty) -> (Recording, Recorder) {
    let (store, _) = open(disk).unwrap();
    recorder(store, Means::default(), None)
}

fn conclusion() -> Conclusion {
    let evidence = Evidence { probability: 0.875, ..Evidence::default() };
    Conclusion {
        started: WHEN,
        ended: WHEN,
        place: None,
        verdict: Verdict::Refer,
        evidence,
        ledger: Ledger::default(),
    }
}

fn add(recording: &mut Recording, frames: u64) {
    for number in 1..=frames {
        recording.add(|kept| *kept = frame(number));
    }
}

/// Lets the recorder catch up with all it was told.
fn catch_up(recording: Recording, recorder: Recorder) -> Keeping {
    let state = recording.observer();
    drop(recording);
    recorder.run();
    state()
}

#[test]
fn a_disk_that_is_too_slow_keeps_no_half_exam() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    recording.begin();
    add(&mut recording, 3);
    assert_eq!(recording.state(), Keeping::Recording);
    add(&mut recording, 100);
    let Keeping::Failed(words) = recording.state() else { panic!("{:?}", recording.state()) };
    assert_eq!(&*words, "the storage is too slow to keep this");
    recording.keep(conclusion());
    assert!(matches!(catch_up(recording, recorder), Keeping::Failed(_)));
    let (store, _) = open(&disk).unwrap();
    assert_eq!(store.count().unwrap(), 0);
}

#[test]
fn what_fails_after_the_order_to_keep_is_told() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    recording.begin();
    add(&mut recording, 3);
    recording.keep(conclusion());
    assert_eq!(recording.state(), Keeping::Keeping);
    disk.fail(disk.operations() + 2, Failure::ForGood);
    let Keeping::Failed(words) = catch_up(recording, recorder) else { panic!() };
    assert!(words.contains("cannot be written"), "{words}");
}

#[test]
fn a_later_exam_is_not_said_to_be_kept_for_an_earlier_one() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    for frames in [3, 2] {
        recording.begin();
        add(&mut recording, frames);
        if frames == 3 {
            recording.keep(conclusion());
        }
    }
    assert_eq!(catch_up(recording, recorder), Keeping::Recording);
    let (store, _) = open(&disk).unwrap();
    assert_eq!(whole(&store).len(), 1);
}

#[test]
fn what_is_kept_stays_kept_where_an_older_exam_cannot_be_erased() {
    let mut told = 0;
    for at in 1..1000 {
        let disk = Faulty::default();
        let (mut store, _) = open(&disk).unwrap();
        let old = keep(&mut store, "old").unwrap().1.id;
        store.mark(old, What::Exported, WHEN, WHO).unwrap();
        let (mut recording, recorder) = recorder(store, Means::default(), Some(0));
        recording.begin();
        add(&mut recording, 3);
        recording.keep(conclusion());
        disk.fail(disk.operations() + at, Failure::ForGood);
        let state = catch_up(recording, recorder);
        let (store, _) = open(&disk.after_cut(at)).unwrap();
        let there: Vec<ExamId> = whole(&store).into_iter().map(|record| record.id).collect();
        if state != Keeping::Kept {
            continue;
        }
        assert!(there.iter().any(|id| *id != old), "lost at {at}");
        if !there.contains(&old) {
            break;
        }
        told += 1;
    }
    assert!(told > 0, "no failure of the erasing alone was among them");
}

#[test]
fn an_exam_of_which_nothing_was_seen_or_entered_is_none() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    recording.begin();
    recording.keep(conclusion());
    assert_eq!(recording.state(), Keeping::Ready);
    assert_eq!(catch_up(recording, recorder), Keeping::Ready);
    assert_eq!(open(&disk).unwrap().0.count().unwrap(), 0);
    let (mut recording, recorder) = both(&disk);
    recording.begin();
    recording.keep(Conclusion { place: zone("R1", Some(2)), ..conclusion() });
    assert_eq!(catch_up(recording, recorder), Keeping::Kept);
}

fn zone(name: &str, score: Option<u8>) -> Option<Place> {
    Some(Place { zone: name.to_owned(), score, ..Place::default() })
}

#[test]
fn what_is_not_kept_gives_its_space_back() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    for _ in 0..3 {
        recording.begin();
        add(&mut recording, 3);
    }
    catch_up(recording, recorder);
    let parts = |disk: &Faulty| disk.everything().keys().any(|name| name.contains(DRAFT));
    assert!(!parts(&disk));
    // Nor does one that fails while it is recorded, and it does no harm to the next.
    let (mut recording, recorder) = both(&disk);
    let errands = recorder.beside().1;
    let state = recording.observer();
    std::thread::scope(|scope| {
        scope.spawn(|| recorder.run());
        recording.begin();
        add(&mut recording, 1);
        disk.fill();
        while !matches!(state(), Keeping::Failed(_)) {
            add(&mut recording, 1);
            std::thread::sleep(Duration::from_millis(1));
        }
        recording.keep(conclusion());
        // It is done once the exam is over.
        errands.run(Errand::Note(What::Locked), WHEN).unwrap();
        assert!(!parts(&disk));
        drop(recording);
    });
    let Keeping::Failed(words) = state() else { panic!() };
    assert!(words.contains("is full"), "{words}");
}

#[test]
fn what_is_entered_of_a_zone_is_not_anothers() {
    let disk = Faulty::default();
    let (mut recording, recorder) = both(&disk);
    for name in ["R1", "R2"] {
        recording.begin();
        add(&mut recording, 3);
        recording.keep(Conclusion { place: zone(name, None), ..conclusion() });
    }
    recording.amend(zone("R1", Some(1)), WHEN);
    // This one was not kept.
    recording.amend(zone("R3", Some(3)), WHEN);
    catch_up(recording, recorder);
    let (store, _) = open(&disk).unwrap();
    let places: Vec<_> = whole(&store).into_iter().map(|record| record.place).collect();
    assert_eq!(places, [zone("R2", None), zone("R1", Some(1))]);
}

#[test]
fn one_zone_that_fails_leaves_the_others_one_visit() {
    let disk = Faulty::default();
    let (mut recording, mut recorder) = both(&disk);
    for number in 0..3 {
        recording.begin();
        add(&mut recording, 3);
        if number == 1 {
            // Too slow for this one alone.
            add(&mut recording, 100);
        }
        recording.keep(conclusion());
        recorder.catch_up();
    }
    catch_up(recording, recorder);
    let (store, _) = open(&disk).unwrap();
    let visits: Vec<_> = whole(&store).into_iter().map(|record| record.visit).collect();
    assert!(visits.len() == 2 && visits[0] == visits[1], "{visits:?}");
}

#[test]
fn what_was_amended_on_its_way_does_not_count_as_handed_over() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let (kept, record) = keep(&mut store, "one").unwrap();
    let id = kept.id;
    let before = store.version(id).unwrap();
    store.queue(id, "PACS@127.0.0.1:4242", WHEN, WHO).unwrap();
    store.begin_sending(id, 3).unwrap();
    let amended = Record { operator: "another".to_owned(), ..record };
    store.amend(&kept, &amended, WHEN, WHO).unwrap();
    let mark = Errand::Mark(id, What::Exported, before);
    for errand in [mark, Errand::Sent(id, before)] {
        let error = store.carry_out(errand, WHEN, WHO).unwrap_err();
        assert!(error.problem.contains("amended"), "{error}");
    }
    let row = store.row(id).unwrap().1;
    assert!(!row.sent && row.handed_over.is_none());
    let waiting = &store.outbox().unwrap()[0];
    assert_eq!((waiting.state, waiting.taken), (State::Queued, 3));
    store.begin_sending(id, 3).unwrap();
    let now = store.version(id).unwrap();
    store.carry_out(Errand::Sent(id, now), WHEN, WHO).unwrap();
    assert!(store.row(id).unwrap().1.sent && store.outbox().unwrap().is_empty());
}

#[test]
fn what_nobody_waits_for_any_more_is_not_done() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let old = keep(&mut store, "old").unwrap().1.id;
    let (mut recording, recorder) = recorder(store, Means::default(), None);
    let errands = recorder.beside().1;
    std::thread::scope(|scope| {
        scope.spawn(|| recorder.run());
        recording.begin();
        add(&mut recording, 3);
        let patience = Duration::from_millis(50);
        let error = errands.run_within(patience, Errand::Erase(old), WHEN).unwrap_err();
        assert!(error.problem.contains("busy"), "{error}");
        recording.keep(conclusion());
        drop(recording);
    });
    assert_eq!(whole(&open(&disk).unwrap().0).len(), 2);
}
