//! The store on a disk that fails: nothing that was kept is lost, nothing half is shown.

mod cuts;
mod damage;
mod many;
mod outbox;
mod recording;

use std::sync::Arc;
use std::time::Duration;

use super::files::faulty::Faulty;
use super::*;
use crate::frame::Bounds;
use crate::preprocess::Measures;
use crate::screening::{Evidence, Verdict};

const WHEN: When = When { time: 1_790_000_000, clock_set: true };
const WHO: &str = "operator";

/// A clinic's key pair, the same in all tests of a run.
fn key() -> SecretKey {
    use std::sync::OnceLock;
    static KEY: OnceLock<SecretKey> = OnceLock::new();
    KEY.get_or_init(SecretKey::generate).clone()
}

fn open(disk: &Faulty) -> Result<(Store, Vec<String>), Error> {
    Store::open(Arc::new(disk.clone()), key().recipients(), 0, WHEN)
}

fn frame(number: u64) -> KeptFrame {
    let bounds = Bounds { left: 3, top: 2, right: 19, bottom: 14 };
    let at = Duration::from_millis(40 * number);
    KeptFrame {
        sequence: number,
        interrupted: number == 1,
        measures: Measures {
            timestamp: at,
            sector_share: 0.4,
            contrast: 90,
            ..Measures::default()
        },
        scores: vec![0.25 * number as f32, -3.5],
        tensor: (0..64).map(|i| (i * number) as u8).collect(),
        bounds,
        luma: (0..16 * 12).map(|i| (i * (number + 7)) as u8).collect(),
    }
}

fn record(id: ExamId, name: &str) -> Record {
    Record {
        id,
        visit: id,
        started: WHEN,
        ended: WHEN,
        patient: Patient { name: name.to_owned(), ..Patient::default() },
        operator: "nurse".to_owned(),
        place: None,
        means: Means::default(),
        verdict: Verdict::Refer,
        evidence: Evidence { probability: 0.875, ..Evidence::default() },
        ledger: Ledger { kept: 3, ..Ledger::default() },
    }
}

/// Keeps an exam of three frames.
fn keep(store: &mut Store, name: &str) -> Result<(Kept, Record), Error> {
    let mut draft = store.begin()?;
    for number in 1..=3 {
        draft.add(&frame(number))?;
    }
    let record = record(draft.id(), name);
    let kept = store.keep(draft, &record, WHEN, WHO)?;
    Ok((kept, record))
}

/// All records that the store shows, newest first; each must be whole.
fn whole(store: &Store) -> Vec<Record> {
    let unlocked = store.unlock(key()).unwrap();
    let mut records = Vec::new();
    for (_, row, listed) in store.list(&unlocked, None, usize::MAX).unwrap() {
        let exam = store.exam(&unlocked, row.id).unwrap();
        assert_eq!(listed, Some(Listed::from(&exam.record)));
        let frames: Result<Vec<_>, _> = store.frames(&exam).unwrap().collect();
        assert_eq!(frames.unwrap(), (1..=3).map(frame).collect::<Vec<_>>());
        records.push(exam.record);
    }
    records
}

#[test]
fn what_is_kept_is_read_back() {
    let disk = Faulty::default();
    let (mut store, mended) = open(&disk).unwrap();
    assert_eq!((mended.len(), store.count().unwrap()), (0, 0));
    let (_, first) = keep(&mut store, "first").unwrap();
    let (kept, mut second) = keep(&mut store, "second").unwrap();
    second.operator = "doctor".to_owned();
    store.amend(&kept, &second, WHEN, WHO).unwrap();
    store.mark(first.id, What::Exported, WHEN, WHO).unwrap();
    drop(store);
    let (mut store, mended) = open(&disk).unwrap();
    assert_eq!(mended, [""; 0]);
    let (_, third) = keep(&mut store, "third").unwrap();
    assert_eq!(whole(&store), [third.clone(), second.clone(), first.clone()]);
    let unlocked = store.unlock(key()).unwrap();
    let rows = store.list(&unlocked, None, 10).unwrap();
    assert_eq!(
        rows.iter().map(|(_, row, _)| row.exported).collect::<Vec<_>>(),
        [false, false, true]
    );
    let page = store.list(&unlocked, Some(rows[0].0), 1).unwrap();
    assert_eq!(page[0].1.id, second.id);
    store.erase(second.id, WHEN, WHO).unwrap();
    assert_eq!(whole(&store), [third, first]);
    assert!(store.exam(&unlocked, second.id).is_err());
    assert!(!disk.everything().keys().any(|name| name.starts_with(&second.id.to_string())));
    assert_eq!(store.check().unwrap(), [""; 0]);
}

#[test]
fn what_was_handed_over_goes_when_its_time_is_over_and_nothing_else_does() {
    const DAY: u64 = 86_400;
    let later = |days: u64| When { time: WHEN.time + days * DAY, ..WHEN };
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let names = ["exported", "sent later", "never", "amended since", "by a clock that was not set"];
    let kept: Vec<_> = names.iter().map(|name| keep(&mut store, name).unwrap()).collect();
    let id = |at: usize| kept[at].1.id;
    store.mark(id(0), What::Exported, WHEN, WHO).unwrap();
    store.mark(id(1), What::Sent, later(3), WHO).unwrap();
    store.mark(id(3), What::Exported, WHEN, WHO).unwrap();
    store.amend(&kept[3].0, &kept[3].1, WHEN, WHO).unwrap();
    store.mark(id(4), What::Exported, When::default(), WHO).unwrap();
    assert_eq!(store.retire(7 * DAY, 9, later(6)).unwrap(), 0);
    assert_eq!(store.retire(7 * DAY, 9, When { clock_set: false, ..later(99) }).unwrap(), 0);
    assert_eq!(store.retire(7 * DAY, 9, later(7)).unwrap(), 1);
    // An index made anew knows it all the same.
    drop(store);
    disk.truncate("index.redb", 0);
    let (mut store, _) = open(&disk).unwrap();
    assert_eq!(store.retire(7 * DAY, 9, later(99)).unwrap(), 1);
    let left: Vec<_> = whole(&store).into_iter().map(|record| record.patient.name).collect();
    assert_eq!(left, [names[4], names[3], names[2]]);
}

#[test]
fn without_the_key_nothing_can_be_read() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let names: Vec<String> = (0..1000).map(|n| format!("Xylophone{n:03}")).collect();
    for name in &names {
        keep(&mut store, name).unwrap();
    }
    assert!(store.unlock(SecretKey::generate()).is_err());
    for (file, bytes) in disk.everything() {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("Xylophone") && !text.contains("nurse"), "{file}");
        assert!(!text.contains("AGE-SECRET"), "{file}");
    }
}

#[test]
fn a_full_store_takes_no_exam() {
    let disk = Faulty::default();
    let files: Arc<dyn Files> = Arc::new(disk);
    let (store, _) = Store::open(files, key().recipients(), u64::MAX, WHEN).unwrap();
    let error = store.begin().err().unwrap();
    assert_eq!(error.to_string(), "the exam store: is full; export exams and erase them");
}

#[test]
fn a_summary_counts_and_names_nobody() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    for name in ["Xylophone", "Yacht"] {
        keep(&mut store, name).unwrap();
    }
    let locked = store.summary(None, || ()).unwrap();
    assert_eq!((locked.exams, locked.months.len(), locked.damage), (2, 0, 0));
    let unlocked = store.unlock(key()).unwrap();
    let summary = store.summary(Some(&unlocked), || ()).unwrap();
    let month = &summary.months["2026-09"];
    assert_eq!((month.exams, month.verdicts["refer"], month.probability[8]), (2, 2, 2));
    let kept = summary.events.iter().filter(|event| event.what == What::Kept).count();
    assert_eq!(kept, 2);
    let text = serde_json::to_string(&summary).unwrap();
    for secret in ["Xylophone", "Yacht", "nurse", "operator"] {
        assert!(!text.contains(secret), "{text}");
    }
}
