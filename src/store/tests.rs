//! The store on a disk that fails: nothing that was kept is lost, nothing half is shown.

mod cuts;
mod damage;

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
fn without_the_key_nothing_can_be_read() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let names: Vec<String> = (0..50).map(|n| format!("Xylophone{n:03}")).collect();
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
