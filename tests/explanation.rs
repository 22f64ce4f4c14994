//! The activation maps of the shipped bundles point at what phantoms plant, and shuffled weights
//! destroy that. Training uses the seeds from 1000001 upwards; these are 1 to 60.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;

/// Median gain over all scenes, and the number of phantoms behind it.
fn explained(bundle: &Path, more: &[&str]) -> (f64, u64) {
    let mut explain = Command::cargo_bin("sonolamp").unwrap();
    explain.args(["bundle", "explain", "--seeds", "1-60", "--json"]).args(more).arg(bundle);
    let output = explain.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = report["scenes"].as_array().unwrap().last().unwrap().clone();
    (all["gain"]["median"].as_f64().unwrap(), all["judged"].as_u64().unwrap())
}

#[test]
fn maps_point_at_what_is_planted() {
    for name in ["lung", "breast"] {
        let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("models").join(name);
        let manifest = std::fs::read_to_string(bundle.join("bundle.toml")).unwrap_or_default();
        if !manifest.lines().any(|line| line == "[map]") {
            eprintln!("skipped: models/{name} has no activation map");
            continue;
        }
        let (gain, judged) = explained(&bundle, &[]);
        assert!(judged >= 50 && gain >= 3.0, "{name}: gain {gain:.2} over {judged} phantoms");
        let (lost, _) = explained(&bundle, &["--shuffled"]);
        assert!(lost < 1.5, "{name}: shuffled weights still gain {lost:.2}");
    }
}
