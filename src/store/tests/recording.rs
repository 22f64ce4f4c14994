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
