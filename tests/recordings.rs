//! Real recordings, where they are at hand beside the checkout (`../shared/data`); skipped elsewhere.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use serde_json::Value;
use sonolamp::capture::SourceSpec;
use sonolamp::frame::Frame;

fn data(folder: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(folder);
    let ffmpeg = std::process::Command::new("ffmpeg").arg("-version").output().is_ok();
    if !path.is_dir() || !ffmpeg {
        eprintln!("skipped: {} or ffmpeg is not here", path.display());
        return None;
    }
    Some(path)
}

/// Reads a clip to its end; returns its number of frames.
fn frames_of(path: &Path) -> Result<u64, sonolamp::error::Error> {
    let mut source = SourceSpec::File(path.to_owned()).open()?;
    let (mut frame, mut frames) = (Frame::default(), 0);
    while source.next(&mut frame)? {
        assert_eq!(frame.luma.len(), (frame.width * frame.height) as usize);
        frames += 1;
    }
    Ok(frames)
}

#[test]
fn every_lung_clip_is_read() {
    let Some(lung) = data("lung_pocus") else { return };
    let mut table = csv::Reader::from_path(lung.join("manifest.csv")).unwrap();
    let mut clips = 0;
    for row in table.deserialize() {
        let row: std::collections::HashMap<String, String> = row.unwrap();
        let path = lung.join("videos").join(&row["file"]);
        let frames = frames_of(&path).unwrap_or_else(|e| panic!("{e}"));
        let stated: u64 = row["frames"].parse().unwrap();
        // Players repeat or drop a frame where a container's rate is uneven.
        assert!(frames.abs_diff(stated) <= 2 + stated / 10, "{}: {frames}", path.display());
        clips += 1;
    }
    assert_eq!(clips, 123);
}

#[test]
fn the_lung_bundles_hold_out_of_fold() {
    let Some(lung) = data("lung_pocus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join("report.json");
    let output = Command::cargo_bin("sonolamp")
        .unwrap()
        .arg("evaluate")
        .arg(lung.join("folds.csv"))
        .args(["--root".as_ref(), lung.join("videos").as_os_str()])
        .args(["--fold-bundles", concat!(env!("CARGO_MANIFEST_DIR"), "/models/lung/folds")])
        .args(["--json".as_ref(), report.as_os_str()])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{words}{}", String::from_utf8_lossy(&output.stderr));
    println!("{words}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(report).unwrap()).unwrap();
    let value = |figure: &str| report["metrics"][figure]["value"].as_f64().unwrap();
    assert_eq!(report["metrics"]["clips"], 114, "every convex clip is scored");
    assert!(value("auc") >= 0.93, "AUC {}", value("auc"));
    assert!(value("ungradable_share") <= 0.20, "{}", value("ungradable_share"));
}

#[test]
fn clips_of_the_training_set_are_recognized() {
    let Some(lung) = data("lung_pocus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("labels.csv");
    let clips = "file,label,patient\nconvex/Cov-Atlas+(45).gif,COVID-19,36\n\
                 convex/Reg-Atlas.gif,regular,38\n";
    std::fs::write(&table, clips).unwrap();
    let mut evaluate = Command::cargo_bin("sonolamp").unwrap();
    evaluate.arg("evaluate").arg(&table).arg("--root").arg(lung.join("videos"));
    let output = evaluate.output().unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    assert!(words.contains("2 of 2 clips (or their groups) were in this bundle's training set"));
}

#[test]
fn a_fold_that_has_seen_a_clip_is_refused() {
    let Some(lung) = data("lung_pocus") else { return };
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("labels.csv");
    // Clips of patient 36 belong to fold 3; a table that says 1 mixes training and test.
    let rows = "file,label,patient,fold\nconvex/Cov-Atlas+(45).gif,COVID-19,36,1\n";
    std::fs::write(&table, rows).unwrap();
    let mut evaluate = Command::cargo_bin("sonolamp").unwrap();
    evaluate.arg("evaluate").arg(&table).arg("--root").arg(lung.join("videos"));
    evaluate.args(["--fold-bundles", concat!(env!("CARGO_MANIFEST_DIR"), "/models/lung/folds")]);
    let output = evaluate.output().unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{words}");
    assert!(words.contains("was trained on") && words.contains("group 36"), "{words}");
}

#[test]
fn device_recordings_have_a_sector() {
    use sonolamp::preprocess::{InputShape, Prepared, Preprocessor, Region};
    let Some(captures) = data("device_captures") else { return };
    // Shares of the sector as measured in the pictures, by eye.
    for (name, share) in [
        ("butterfly-ocular-phantom.mp4", 0.53),
        ("butterfly_axial-lateral-resolution-2020.png", 0.38),
        ("clarius-ocular-image.png", 0.50),
        ("clarius-ocular-short.mp4", 0.50),
        ("clarius_axial-lateral-resolution-2020.png", 0.33),
    ] {
        let path = captures.join(name);
        let mut source = SourceSpec::File(path.clone()).open().unwrap();
        let shape = InputShape { width: 128, height: 128, region: Region::Sector };
        let (mut preprocessor, mut prepared) = (Preprocessor::new(shape), Prepared::default());
        let (mut frame, mut frames) = (Frame::default(), 0);
        while frames < 20 && source.next(&mut frame).unwrap() {
            preprocessor.run(&mut frame, &mut prepared);
            frames += 1;
        }
        let found = prepared.measures.sector_share;
        assert!((found - share).abs() <= 0.06, "{name}: {found}");
        // A name or scale stands in these corners; the sector in none of them.
        let (width, height) = (frame.width as usize, frame.height as usize);
        let corner = |y: usize| frame.luma[y * width..][..width / 20].iter();
        let lit = (height * 97 / 100..height).flat_map(corner).filter(|&&p| p > 0).count();
        assert_eq!(lit, 0, "{name}");
    }
}
