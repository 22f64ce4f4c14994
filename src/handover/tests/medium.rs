//! A stick that is full, torn out, cut off or bad: never a complete folder that is not whole.

use std::io;

use sha2::{Digest, Sha256};

use super::material;
use crate::handover::Privacy;
use crate::handover::folder::{self, Content, put_all};
use crate::store::faulty::{Failure, Faulty};
use crate::store::{File, Files};

/// Files as they are written, small and made once.
fn contents(words: &str) -> Vec<(&'static str, Content)> {
    let mut contents = folder::contents(material(), Privacy::Deidentified).unwrap();
    contents.retain(|(name, _)| ["clip.dcm", "report.dcm"].contains(name));
    contents.push(("page.html", Content::Bytes(words.as_bytes().to_vec())));
    contents
}

#[test]
fn a_medium_that_fails_at_any_point_is_an_error() {
    let (whole, contents) = (Faulty::default(), contents("page"));
    put_all(&whole, &contents, || {}).unwrap();
    let operations = whole.operations();
    assert!(operations > 15, "{operations}");
    for failure in [Failure::Once, Failure::ForGood, Failure::Full] {
        for at in 1..=operations {
            let disk = Faulty::default();
            disk.fail(at, failure);
            let error = put_all(&disk, &contents, || {}).unwrap_err().to_string();
            assert!(error.contains("cannot be written"), "{error}");
            assert_eq!(error.contains("no storage space"), failure == Failure::Full, "{error}");
            assert!(error.contains("still counts as not exported"), "{error}");
        }
    }
}

#[test]
fn what_is_complete_after_a_cut_is_whole() {
    let (old, new) = (contents("old"), contents("new"));
    let before = Faulty::default();
    put_all(&before, &old, || {}).unwrap();
    let operations = before.operations() + 2;
    let mut complete = 0;
    for at in 1..=operations + 1 {
        let disk = Faulty::default();
        put_all(&disk, &old, || {}).unwrap();
        disk.fail(disk.operations() + at, Failure::ForGood);
        let outcome = put_all(&disk, &new, || {});
        assert_eq!(outcome.is_ok(), at > operations);
        for seed in 0..4 {
            let files = disk.after_cut(seed).everything();
            let Some(sums) = files.get("SHA256SUMS") else {
                assert!(outcome.is_err());
                continue;
            };
            complete += 1;
            for line in String::from_utf8_lossy(sums).lines() {
                let (sum, name) = line.split_once("  ").unwrap();
                let digest = Sha256::new_with_prefix(&files[name]);
                assert_eq!(sum, folder::hex(digest), "{name}, cut at {at}");
            }
        }
    }
    assert!(complete >= 4 + 2, "{complete}");
}

/// Changes a bit of one file once it is written.
#[derive(Debug)]
struct Bad(Faulty);

impl Files for Bad {
    fn open(&self, name: &str) -> io::Result<Box<dyn File>> {
        if name == "clip.dcm" {
            self.0.flip(name, 8 * 2000);
        }
        self.0.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn File>> {
        self.0.create(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }

    fn free(&self) -> io::Result<u64> {
        self.0.free()
    }
}

#[test]
fn what_does_not_read_back_as_it_was_written_is_an_error() {
    let error = put_all(&Bad(Faulty::default()), &contents("page"), || {}).unwrap_err();
    assert_eq!(error.subject, "clip.dcm");
    assert!(error.problem.contains("not on the medium as it was written"), "{error}");
}
