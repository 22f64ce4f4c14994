//! Flipped bits and missing ends, anywhere: found and named, and the rest can be read.

use super::*;

/// A disk with three exams, of which one waits to be sent, and their records.
fn stocked() -> (Faulty, Vec<Record>) {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let records = ["one", "two", "three"].map(|name| keep(&mut store, name).unwrap().1);
    store.queue(records[0].id, "PACS@box:104", WHEN, WHO).unwrap();
    drop(store);
    (disk, records.to_vec())
}

/// Opens the damaged disk: everything is still said, or else it is said that it is not.
fn look(disk: &Faulty, file: &str, what: &str, records: &[Record]) {
    let (store, mended) = open(disk).unwrap();
    let damage = store.check().unwrap();
    assert!(!mended.is_empty() || !damage.is_empty(), "{file}: {what} went unnoticed");
    let unlocked = store.unlock(key()).unwrap();
    for record in records {
        let own = file.starts_with(&record.id.to_string());
        let read = store.exam(&unlocked, record.id);
        if own && file.ends_with(ENVELOPE) {
            assert!(read.is_err(), "{file}: {what}");
            continue;
        }
        let exam = read.unwrap_or_else(|error| panic!("{file}: {what}: {error}"));
        assert_eq!(exam.record, *record, "{file}: {what}");
        let frames = store.frames(&exam).and_then(|frames| frames.collect::<Result<Vec<_>, _>>());
        match frames {
            Ok(frames) => assert_eq!(frames, (1..=3).map(frame).collect::<Vec<_>>(), "{file}"),
            Err(error) => assert!(own, "{file}: {what}: {error}"),
        }
    }
}

#[test]
fn damage_is_found_and_named_and_the_rest_can_be_read() {
    let (disk, records) = stocked();
    for (file, bytes) in disk.everything() {
        let bits = 8 * bytes.len();
        for bit in (0..bits).step_by(bits / 23 + 1) {
            let disk = disk.after_cut(1);
            disk.flip(&file, bit);
            // Of a database much is empty.
            if file.starts_with("index") {
                let (store, _) = open(&disk).unwrap();
                assert_eq!(whole(&store).len(), 3, "{file} {bit}");
            } else {
                look(&disk, &file, &format!("bit {bit}"), &records);
            }
        }
        let headers = (100..bytes.len().min(400)).step_by(45);
        for length in (0..bytes.len()).step_by(bytes.len() / 17 + 1).chain(headers) {
            let disk = disk.after_cut(1);
            disk.truncate(&file, length);
            if file.starts_with("index") {
                let (store, _) = open(&disk).unwrap();
                assert_eq!(whole(&store).len(), 3, "{file} {length}");
            } else {
                look(&disk, &file, &format!("length {length}"), &records);
            }
        }
    }
}

#[test]
fn a_lost_index_is_made_anew_and_remembers_what_was_handed_over() {
    let (disk, records) = stocked();
    let (mut store, _) = open(&disk).unwrap();
    store.mark(records[1].id, What::Sent, WHEN, WHO).unwrap();
    drop(store);
    disk.remove(index::NAME).unwrap();
    let (store, mended) = open(&disk).unwrap();
    assert!(!mended.is_empty());
    let newest: Vec<Record> = records.iter().rev().cloned().collect();
    assert_eq!(whole(&store), newest);
    let unlocked = store.unlock(key()).unwrap();
    let rows = store.list(&unlocked, None, 3).unwrap();
    assert_eq!(rows.iter().map(|(_, row, _)| row.sent).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn without_its_journal_the_store_opens_and_says_so() {
    let (disk, records) = stocked();
    disk.remove("journal.jsonl").unwrap();
    disk.sync_names().unwrap();
    let (mut store, mended) = open(&disk).unwrap();
    assert_eq!(mended, ["the journal is gone, and a new one begins"]);
    let shown = whole(&store);
    assert!(records.iter().all(|record| shown.contains(record)) && shown.len() == records.len());
    keep(&mut store, "the next").unwrap();
}
