//! Any bytes as files of a store (index, journal, an exam's two) or as an unsealed clip: found, named,
//! and never in the way of the next exam.
#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sonolamp::store::{ExamId, SecretKey, Store, When, read_frame};

const WHEN: When = When { time: 1_790_000_000, clock_set: true };

fn key() -> &'static SecretKey {
    static KEY: OnceLock<SecretKey> = OnceLock::new();
    KEY.get_or_init(SecretKey::generate)
}

fn look(folder: &Path) {
    let opened = Store::open_folder(folder, key().recipients(), 0, WHEN);
    let (store, _) = opened.expect("a damaged store opens");
    let _ = store.check();
    let draft = store.begin();
    assert!(draft.is_ok(), "a damaged store takes exams");
    let Ok(unlocked) = store.unlock(key().clone()) else { return };
    for (_, row, _) in store.list(&unlocked, None, 20).unwrap_or_default() {
        if let Ok(exam) = store.exam(&unlocked, row.id) {
            let _ = store.frames(&exam).map(|frames| frames.take(20).count());
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    sonolamp_fuzz::quiet();
    let Some((&kind, bytes)) = bytes.split_first() else { return };
    let folder = sonolamp_fuzz::folder();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).expect("a file in memory");
    };
    match kind % 4 {
        0 => write("index.redb", bytes),
        1 => write("journal.jsonl", bytes),
        2 => {
            let id = ExamId([7; 16]);
            let (envelope, clip) = bytes.split_at(bytes.len() / 2);
            write(&format!("{id}.envelope"), envelope);
            write(&format!("{id}.clip"), clip);
        }
        // What is inside a clip, once its seal is off.
        _ => {
            let mut clear = bytes;
            while let Ok(Some(frame)) = read_frame(&mut clear) {
                let pixels = frame.bounds.width() as usize * frame.bounds.height() as usize;
                assert_eq!(frame.luma.len(), pixels);
            }
            return;
        }
    }
    look(folder.path());
});
