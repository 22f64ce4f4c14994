//! The same frames give the same scores on every processor, bit for bit.
//!
//! `golden/scores.csv` was written on x86-64; `cross/test.sh` runs this test for aarch64, on a
//! processor with the int8 dot product and on one without, and `preprocess.rs` for the pictures. After an intended change of the bundle or of preprocessing:
//! `UPDATE_GOLDEN=1 cargo test --test portable`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::time::Duration;

use sonolamp::capture::phantom::Phantom;
use sonolamp::pipeline::{Model, clip};
use sonolamp::screening::Mode;

const SCENES: [&str; 4] = [
    "lung-normal?seed=3&fps=8",
    "lung-blines?seed=3&fps=8",
    "lung-consolidation?seed=3&fps=8",
    "lung-effusion?seed=5&fps=8&size=320x240",
];
const LENGTH: Duration = Duration::from_secs(2);

#[test]
fn scores_agree_on_every_processor() {
    let model = Model::load(None).unwrap();
    let mut stages = model.stages(Mode::Clip).unwrap();
    let got = SCENES.map(|scene| {
        let mut phantom = Phantom::new(&scene.parse().unwrap());
        let result = clip::screen(&mut phantom, &mut stages, LENGTH).unwrap();
        (scene, result.verdict.word(), result.evidence.probability)
    });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/scores.csv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let lines = got.map(|(scene, verdict, score)| format!("{scene},{verdict},{score}\n"));
        std::fs::write(&path, lines.concat()).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(golden.lines().count(), got.len());
    for (line, (scene, verdict, score)) in golden.lines().zip(got) {
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[..2], [scene, verdict]);
        let expected: f32 = fields[2].parse().unwrap();
        assert_eq!(expected.to_bits(), score.to_bits(), "{scene}: {score} instead of {expected}");
    }
}
