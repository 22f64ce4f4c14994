//! Kept exams, as a clinic would use them: record, list, compute again, check, erase.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::json;

fn sonolamp(arguments: &[&str]) -> Command {
    let mut command = Command::cargo_bin("sonolamp").unwrap();
    command.args(arguments);
    command
}

fn output(arguments: &[&str]) -> String {
    let output = sonolamp(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A clinic's keys and store with one exam of some seconds in it: its key file, store and number.
fn recorded(folder: &Path, source: &str, seconds: &str) -> (PathBuf, PathBuf, String) {
    let [key, public, store, config] =
        ["clinic.key", "clinic.pub", "exams", "box.toml"].map(|name| folder.join(name));
    std::fs::write(&public, output(&["exam", "keys", text(&key)])).unwrap();
    let (exams, keys) = (store.display(), public.display());
    let settings = format!("[store]\nfolder = \"{exams}\"\nkeys = \"{keys}\"\nreserve_mb = 0\n");
    std::fs::write(&config, settings).unwrap();
    let run = ["run", "--headless", "--json", "--every-frame", "--seconds", seconds];
    let lines = output(&[&run[..], &["--source", source, "--config", text(&config)]].concat());
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["keeping"], "recording", "{last}");
    let opened = ["--store", text(&store), "--key", text(&key)];
    let listed = output(&[&["exam", "list", "--json"], &opened[..]].concat());
    let exam: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(exam["listed"]["demonstration"], true);
    let id = exam["exam"].as_str().unwrap().to_owned();
    (key, store, id)
}

#[test]
fn an_exam_is_kept_and_computed_again_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let source = "phantom:lung-blines?seed=8";
    let (key, store, id) = recorded(folder.path(), source, "6");
    // A key is never overwritten.
    sonolamp(&["exam", "keys", text(&key)]).assert().code(5);

    let opened = ["--store", text(&store), "--key", text(&key)];
    let listed = output(&[&["exam", "list", "--json"], &opened[..]].concat());
    let shown = output(&[&["exam", "show", &id[..8]], &opened[..]].concat());
    let record: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["means"]["source"], source);
    // It began with the program.
    assert_eq!(record["started"]["clock_set"], true, "{record}");
    assert!(record["ledger"]["kept"].as_u64().unwrap() > 20, "{record}");
    let verified = output(&[&["exam", "verify"], &opened[..]].concat());
    assert!(verified.ends_with("1 of 1 verdicts hold, bit for bit\n"), "{verified}");
    let checked = output(&["exam", "check", "--store", text(&store)]);
    assert_eq!(checked, "1 exams, 0 damaged\n");

    // The key under a passphrase, which is asked for.
    let locked = folder.path().join("clinic.locked");
    let words = output(&["exam", "lock", text(&key), text(&locked)]);
    assert_eq!(words.split_whitespace().count(), 7, "{words}");
    let asking = ["exam", "list", "--json", "--store", text(&store), "--key", text(&locked)];
    let opened_so = sonolamp(&asking).write_stdin(words.to_uppercase()).assert().success();
    assert_eq!(String::from_utf8_lossy(&opened_so.get_output().stdout), listed);
    let wrong = words.replacen(' ', " and ", 1);
    let refused = sonolamp(&asking).write_stdin(wrong).assert().code(2);
    let said = String::from_utf8_lossy(&refused.get_output().stderr).into_owned();
    assert!(said.contains("does not open the key"), "{said}");

    // What a builder gets.
    let plain = output(&["exam", "support", "--store", text(&store)]);
    let known: serde_json::Value = serde_json::from_str(&plain).unwrap();
    assert_eq!((&known["store"]["exams"], &known["store"]["months"]), (&1.into(), &json!({})));
    let told = output(&[&["exam", "support"], &opened[..]].concat());
    let known: serde_json::Value = serde_json::from_str(&told).unwrap();
    let months = known["store"]["months"].as_object().unwrap();
    assert_eq!(months.values().next().unwrap()["exams"], 1);
    assert!(!told.contains(&id) && !told.contains("lung-blines"), "{told}");

    // Another clinic's key opens nothing.
    let other = folder.path().join("other.key");
    output(&["exam", "keys", text(&other)]);
    let refused = sonolamp(&["exam", "list", "--store", text(&store), "--key", text(&other)])
        .assert()
        .code(2);
    let words = String::from_utf8_lossy(&refused.get_output().stderr);
    assert!(words.contains("opens nothing in this store"), "{words}");

    sonolamp(&["exam", "erase", &id, "--store", text(&store)]).assert().code(2);
    output(&["exam", "erase", &id, "--store", text(&store), "--yes"]);
    assert_eq!(output(&[&["exam", "list"], &opened[..]].concat()), "");
}

#[test]
fn an_exam_is_exported_and_only_then_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    let (key, store, id) = recorded(folder.path(), "phantom:lung-blines?seed=8", "4");
    let opened = ["--store", text(&store), "--key", text(&key)];
    let exported = || {
        let listed = output(&[&["exam", "list", "--json"], &opened[..]].concat());
        let exam: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
        exam["exported"].as_bool().unwrap()
    };
    let stick = folder.path().join("stick");
    let export = |more: &[&'static str]| {
        let action = ["exam", "export", &id[..8], "--to", text(&stick)];
        sonolamp(&[&action[..], &opened[..], more].concat())
    };
    let absent = export(&[]).assert().code(2);
    let words = String::from_utf8_lossy(&absent.get_output().stderr).into_owned();
    assert!(words.contains("is no folder; plug in the stick"), "{words}");
    // A medium that takes no file of that name.
    std::fs::create_dir_all(stick.join(&id).join("clip.dcm")).unwrap();
    let failed = export(&[]).assert().code(5);
    let words = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(words.contains("clip.dcm: cannot be written"), "{words}");
    assert!(!exported() && !stick.join(&id).join("SHA256SUMS").exists());

    std::fs::remove_dir(stick.join(&id).join("clip.dcm")).unwrap();
    export(&[]).assert().success();
    assert!(exported());
    let mut names: Vec<_> = std::fs::read_dir(stick.join(&id))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let expected =
        ["SHA256SUMS", "clip.dcm", "fhir.json", "page.html", "report.dcm", "summary.dcm"];
    assert_eq!(names, expected);
    let again = export(&[]).assert().success();
    let words = String::from_utf8_lossy(&again.get_output().stderr).into_owned();
    assert!(words.contains("was complete and has been written again"), "{words}");
    export(&["--identified"]).assert().success();
    assert!(stick.join(format!("{id}-identified")).join("SHA256SUMS").exists());

    // The clip is an exam of its own again: what was exported can be screened.
    let clip = stick.join(&id).join("clip.dcm");
    let screened = output(&["screen", "--json", text(&clip)]);
    let result: serde_json::Value = serde_json::from_str(screened.trim()).unwrap();
    assert_eq!(result["verdict"], "refer", "{result}");

    for folder in [id.clone(), format!("{id}-identified")] {
        for name in ["clip.dcm", "summary.dcm", "report.dcm"] {
            checked_by("dciodvfy", "Error - ", &stick.join(&folder).join(name));
            checked_by("dcmdump", "E: ", &stick.join(&folder).join(name));
        }
        checked_by("dsrdump", "E: ", &stick.join(&folder).join("report.dcm"));
    }
}

/// Has a tool of others look at a file, where there is one; it complains with this word.
fn checked_by(tool: &str, complaint: &str, file: &Path) {
    let Ok(output) = std::process::Command::new(tool).arg(file).output() else {
        eprintln!("skipped: {tool} is not installed");
        return;
    };
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(!words.contains(complaint), "{tool} of {}: {words}", file.display());
}
