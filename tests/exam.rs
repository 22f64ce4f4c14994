//! Kept exams, as a clinic would use them: record, list, compute again, check, erase.

#![allow(clippy::unwrap_used)]

use std::path::Path;

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

#[test]
fn an_exam_is_kept_and_computed_again_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let [key, public, store, config] =
        ["clinic.key", "clinic.pub", "exams", "box.toml"].map(|name| folder.path().join(name));
    std::fs::write(&public, output(&["exam", "keys", text(&key)])).unwrap();
    // A key is never overwritten.
    sonolamp(&["exam", "keys", text(&key)]).assert().code(5);
    let settings = format!(
        "[store]\nfolder = \"{}\"\nkeys = \"{}\"\nreserve_mb = 0\n",
        store.display(),
        public.display()
    );
    std::fs::write(&config, settings).unwrap();
    let source = "phantom:lung-blines?seed=8";
    let run =
        ["run", "--headless", "--json", "--every-frame", "--seconds", "6", "--source", source];
    let lines = output(&[&run[..], &["--config", text(&config)]].concat());
    let last: serde_json::Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    assert_eq!(last["keeping"], "recording", "{last}");

    let opened = ["--store", text(&store), "--key", text(&key)];
    let listed = output(&[&["exam", "list", "--json"], &opened[..]].concat());
    let exam: serde_json::Value = serde_json::from_str(listed.trim()).unwrap();
    assert_eq!(exam["listed"]["demonstration"], true);
    let id = exam["exam"].as_str().unwrap();
    let shown = output(&[&["exam", "show", &id[..8]], &opened[..]].concat());
    let record: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(record["means"]["source"], source);
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
    assert!(!told.contains(id) && !told.contains("lung-blines"), "{told}");

    // Another clinic's key opens nothing.
    let other = folder.path().join("other.key");
    output(&["exam", "keys", text(&other)]);
    let refused = sonolamp(&["exam", "list", "--store", text(&store), "--key", text(&other)])
        .assert()
        .code(2);
    let words = String::from_utf8_lossy(&refused.get_output().stderr);
    assert!(words.contains("opens nothing in this store"), "{words}");

    sonolamp(&["exam", "erase", id, "--store", text(&store)]).assert().code(2);
    output(&["exam", "erase", id, "--store", text(&store), "--yes"]);
    assert_eq!(output(&[&["exam", "list"], &opened[..]].concat()), "");
}
