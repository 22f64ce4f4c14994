//! The outbox: what waits, what was tried, what a cut leaves unclear.

use super::*;

const TO: &str = "PACS@box:104";

fn unclear(disk: &Faulty, id: ExamId) -> Vec<String> {
    let lines = journal::lines(&disk.everything()[journal::NAME]).collect::<Vec<_>>();
    let lines = lines.into_iter().filter(|l| l.what == What::Unclear && l.exam == Some(id));
    lines.filter_map(|line| line.about).collect()
}

#[test]
fn an_exam_waits_is_tried_and_is_sent() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let [first, second] = ["one", "two"].map(|name| keep(&mut store, name).unwrap().0.id);
    for id in [second, first, second] {
        store.queue(id, TO, WHEN, WHO).unwrap();
    }
    let waiting: Vec<ExamId> = store.outbox().unwrap().iter().map(|entry| entry.exam).collect();
    assert_eq!(waiting, [second, first]);

    // Nothing left the box: there is nothing to be unclear about.
    store.begin_sending(first, 3).unwrap();
    let failed = Failed { trouble: "refuses".to_owned(), taken: 0, unclear: false };
    store.not_sent(first, &failed, WHEN, WHO).unwrap();
    assert_eq!(unclear(&disk, first), [""; 0]);
    store.begin_sending(first, 3).unwrap();
    let failed = Failed { trouble: "hung up".to_owned(), taken: 1, unclear: true };
    store.not_sent(first, &failed, WHEN, WHO).unwrap();
    let words = "1 of 3 objects arrived at PACS@box:104, and one more may have";
    assert_eq!(unclear(&disk, first), [words]);

    drop(store);
    let (mut store, mended) = open(&disk).unwrap();
    assert_eq!(mended, [""; 0]);
    let entry = store.outbox().unwrap().remove(1);
    assert_eq!((entry.exam, entry.tries, entry.taken, entry.objects), (first, 2, 1, 3));
    assert_eq!((entry.trouble.as_deref(), &entry.destination[..]), (Some("hung up"), TO));
    store.begin_sending(first, 3).unwrap();
    store.sent(first, WHEN, WHO).unwrap();
    assert!(store.row(first).unwrap().1.sent);
    let journal = disk.everything()[journal::NAME].clone();
    let last = journal::lines(&journal).last().unwrap();
    assert_eq!((last.what, last.about.as_deref()), (What::Sent, Some("3 objects to PACS@box:104")));

    store.withdraw(second, WHEN, WHO).unwrap();
    assert_eq!(store.outbox().unwrap(), []);
    assert!(!store.row(second).unwrap().1.sent);
    let error = store.begin_sending(second, 3).unwrap_err();
    assert!(
        error.to_string().ends_with("is not in the outbox; `sonolamp exam outbox` shows what is")
    );
}

#[test]
fn a_cut_while_sending_is_said_once() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let id = keep(&mut store, "one").unwrap().0.id;
    store.queue(id, TO, WHEN, WHO).unwrap();
    store.begin_sending(id, 3).unwrap();
    drop(store);
    let (store, mended) = open(&disk).unwrap();
    assert_eq!((mended.len(), unclear(&disk, id).len()), (1, 1));
    assert!(mended[0].contains("may have arrived"), "{mended:?}");
    assert_eq!(store.outbox().unwrap()[0].state, State::Queued);
    drop(store);
    assert_eq!(open(&disk).unwrap().1, [""; 0]);
}

#[test]
fn an_erased_exam_is_not_sent() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let id = keep(&mut store, "one").unwrap().0.id;
    store.queue(id, TO, WHEN, WHO).unwrap();
    store.erase(id, WHEN, WHO).unwrap();
    assert_eq!(store.outbox().unwrap(), []);
    assert!(store.queue(id, TO, WHEN, WHO).is_err());
    assert!(!disk.everything().keys().any(|name| name.contains(&id.to_string())));
}

#[test]
fn retention_leaves_what_waits() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let id = keep(&mut store, "one").unwrap().0.id;
    store.mark(id, What::Exported, WHEN, WHO).unwrap();
    store.queue(id, TO, WHEN, WHO).unwrap();
    assert_eq!(store.retire(0, 9, WHEN).unwrap(), 0);
    store.withdraw(id, WHEN, WHO).unwrap();
    assert_eq!(store.retire(0, 9, WHEN).unwrap(), 1);
}

#[test]
fn what_was_sent_long_ago_can_be_sent_again() {
    let disk = Faulty::default();
    let (mut store, _) = open(&disk).unwrap();
    let id = keep(&mut store, "one").unwrap().0.id;
    for _ in 0..2 {
        store.queue(id, TO, WHEN, WHO).unwrap();
        store.begin_sending(id, 3).unwrap();
        store.sent(id, WHEN, WHO).unwrap();
    }
    store.queue(id, TO, WHEN, WHO).unwrap();
    store.begin_sending(id, 3).unwrap();
    drop(store);
    // That it was sent before says nothing of this time.
    let (store, mended) = open(&disk).unwrap();
    assert_eq!((mended.len(), store.outbox().unwrap().len()), (1, 1));
}
