//! The power is cut, or the disk fails, at every operation of scripted exams.

use super::*;
use crate::store::files::faulty::Failure;

/// What had been told to someone when the script ended.
#[derive(Default)]
struct Told {
    /// Exams that are kept, and what may be known of each: an amendment that was under way may have
    /// reached the disk or not.
    kept: Vec<Vec<Record>>,
    erased: Vec<ExamId>,
    /// What was being erased, and may be there or not.
    erasing: Option<ExamId>,
    sent: Vec<ExamId>,
    /// What was being sent, and how many tries may have reached the PACS.
    sending: Option<(ExamId, usize)>,
}

/// Sends an exam at the second try.
fn send(store: &mut Store, id: ExamId, told: &mut Told) -> Result<(), Error> {
    store.queue(id, "PACS@box:104", WHEN, WHO)?;
    told.sending = Some((id, 0));
    store.begin_sending(id, 3)?;
    told.sending = Some((id, 1));
    let failed = Failed { trouble: "hung up".to_owned(), taken: 1, unclear: true };
    store.not_sent(id, &failed, WHEN, WHO)?;
    store.begin_sending(id, 3)?;
    told.sending = Some((id, 2));
    store.sent(id, WHEN, WHO)?;
    told.sending = None;
    told.sent.push(id);
    Ok(())
}

/// A day's work; ends at the first error.
fn work(disk: &Faulty, exams: usize, told: &mut Told) -> Result<(), Error> {
    let (mut store, _) = open(disk)?;
    for number in 0..exams {
        let (kept, record) = keep(&mut store, &format!("patient {number}"))?;
        told.kept.push(vec![record.clone()]);
        let last = told.kept.len() - 1;
        match number % 4 {
            0 => {
                let patient = Patient { name: "another".to_owned(), ..Patient::default() };
                let amended = Record { patient, ..record };
                told.kept[last].push(amended.clone());
                store.amend(&kept, &amended, WHEN, WHO)?;
                told.kept[last] = vec![amended];
            }
            1 => send(&mut store, kept.id, told)?,
            2 => {
                told.erasing = Some(record.id);
                told.kept.pop();
                store.erase(record.id, WHEN, WHO)?;
                told.erased.extend(told.erasing.take());
            }
            _ => {
                drop(store);
                (store, _) = open(disk)?;
            }
        }
    }
    Ok(())
}

/// What was sent counts as sent; what was being sent is sent, or waits, and of each try that may have
/// reached the PACS the journal says so.
fn sending_holds(disk: &Faulty, store: &Store, told: &Told) {
    let sent = |id| store.row(id).unwrap().1.sent;
    let waiting = store.outbox().unwrap();
    assert!(waiting.iter().all(|entry| entry.state == State::Queued));
    for &id in &told.sent {
        assert!(sent(id) && !waiting.iter().any(|entry| entry.exam == id));
    }
    let Some((id, tries)) = told.sending else { return };
    assert!(sent(id) != waiting.iter().any(|entry| entry.exam == id));
    let journal = &disk.everything()[journal::NAME];
    let unclear = |line: &journal::Line| line.what == What::Unclear && line.exam == Some(id);
    assert!(sent(id) || journal::lines(journal).filter(unclear).count() >= tries);
}

/// Opens the disk after a cut and looks whether all that was told holds.
fn holds(disk: &Faulty, told: &Told) {
    let (mut store, mended) = open(disk).unwrap();
    let mut shown = whole(&store);
    for versions in &told.kept {
        let at = shown.iter().position(|record| versions.contains(record));
        shown.remove(at.unwrap_or_else(|| panic!("lost: {versions:?}; {mended:?}")));
    }
    for record in &shown {
        assert!(!told.erased.contains(&record.id), "an erased exam is back");
    }
    // At most what was under way when the cut came.
    assert!(shown.len() <= 1, "{shown:?}");
    assert_eq!(store.check().unwrap(), [""; 0], "{mended:?}");
    sending_holds(disk, &store, told);
    let names = disk.everything();
    let files =
        names.keys().filter(|name| !name.starts_with("journal") && !name.starts_with("index"));
    let waiting = store.outbox().unwrap().len();
    assert_eq!(files.count(), 2 * whole(&store).len() + waiting, "{:?}", names.keys());
    let (_, record) = keep(&mut store, "the next").unwrap();
    assert_eq!(whole(&store)[0], record);
}

/// Lets operations fail one after the other; returns how many cuts that were.
fn at_every_operation(exams: usize, step: usize, lucks: u64) -> u64 {
    let all = {
        let disk = Faulty::default();
        work(&disk, exams, &mut Told::default()).unwrap();
        disk.operations()
    };
    let mut cuts = 0;
    for at in (1..=all).step_by(step) {
        for failure in [Failure::ForGood, Failure::Once, Failure::Full] {
            let (disk, mut told) = (Faulty::default(), Told::default());
            disk.fail(at, failure);
            // Not every failure ends the work: what closing the index fails to write is made good at
            // the next opening.
            let _ = work(&disk, exams, &mut told);
            // Whoever goes on after a failure opens the store again, and may meet a cut then.
            if failure != Failure::ForGood {
                let again = || {
                    let (mut store, _) = open(&disk)?;
                    keep(&mut store, "after the failure")
                };
                // The operations are not quite as many each time: the failure may come only now.
                let (_, record) = again().or_else(|_| again()).unwrap();
                told.kept.push(vec![record]);
            }
            for luck in 0..lucks {
                holds(&disk.after_cut(luck), &told);
                cuts += 1;
            }
        }
    }
    cuts
}

#[test]
fn no_cut_loses_what_was_kept() {
    let cuts = at_every_operation(4, 3, 3);
    println!("{cuts} cuts");
}

/// The long form: `cargo test --release --lib store -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn no_cut_of_ten_thousand_loses_what_was_kept() {
    let cuts = at_every_operation(9, 1, 12);
    println!("{cuts} cuts");
    assert!(cuts >= 10_000);
}
