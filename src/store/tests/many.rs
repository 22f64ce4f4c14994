//! A store of ten thousand exams on a real disk: how long a list takes, and how much memory.

use std::time::Instant;

use super::*;

const EXAMS: usize = 10_000;

/// Pages of memory that this process holds, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn timed<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let done = work();
    println!("{what}: {:.1} ms, {} MB", start.elapsed().as_secs_f64() * 1e3, memory());
    done
}

/// `cargo test --release --lib store::tests::many -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn ten_thousand_exams_are_listed_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Store::open_folder(folder.path(), key().recipients(), 0, WHEN).unwrap().0;
    let mut store = open();
    println!("empty: {} MB", memory());
    for number in 0..EXAMS {
        keep(&mut store, &format!("patient {number}")).unwrap();
        // As many starts as a box has in a year.
        if number % 30 == 29 {
            drop(store);
            store = open();
        }
    }
    drop(store);
    println!("kept: {} MB", memory());
    let store = timed("opening the store", open);
    let unlocked = timed("unlocking it", || store.unlock(key()).unwrap());
    let page = timed("the first page of 50", || store.list(&unlocked, None, 50).unwrap());
    assert!(page.iter().all(|(_, _, listed)| listed.is_some()));
    let all = timed("all rows, as a search reads them", || {
        store.list(&unlocked, None, usize::MAX).unwrap()
    });
    assert_eq!(all.len(), EXAMS);
    drop(all);
    let middle = Some(EXAMS as u64 / 2);
    timed("a page in the middle", || store.list(&unlocked, middle, 50).unwrap());
    timed("a check of everything", || store.check().unwrap());
    timed("a summary", || store.summary(Some(&unlocked), || ()).unwrap());
}
