//! The network's input, bit for bit, against pictures kept in `golden/`.
//!
//! After an intended change: raise `preprocess::VERSION`, train and evaluate the bundles again, and
//! write new pictures with `UPDATE_GOLDEN=1 cargo test --test preprocess`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use sonolamp::capture::FrameSource;
use sonolamp::capture::phantom::Phantom;
use sonolamp::frame::Frame;
use sonolamp::preprocess::{InputShape, Prepared, Preprocessor, Region};

/// The tensor of the tenth frame.
fn tensor(spec: &str, region: Region) -> (Prepared, Frame) {
    let mut phantom = Phantom::new(&spec.parse().unwrap());
    let mut preprocessor = Preprocessor::new(InputShape { width: 128, height: 128, region });
    let (mut frame, mut prepared) = (Frame::default(), Prepared::default());
    for _ in 0..10 {
        phantom.next(&mut frame).unwrap();
        preprocessor.run(&mut frame, &mut prepared);
    }
    (prepared, frame)
}

fn matches_golden(name: &str, got: &[u8], width: u32, height: u32) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        image::save_buffer(&path, got, width, height, image::ColorType::L8).unwrap();
    }
    let golden = image::open(&path).unwrap().into_luma8();
    assert_eq!(golden.dimensions(), (width, height), "{name}");
    let differing = golden.as_raw().iter().zip(got).filter(|(a, b)| a != b).count();
    assert_eq!(differing, 0, "{name}: pixels that differ");
}

#[test]
fn tensors_are_what_they_were() {
    for (name, spec, region) in [
        ("normal.png", "lung-normal?seed=2", Region::Sector),
        ("blines-dim.png", "lung-blines?seed=4&gain=-8", Region::Sector),
        ("effusion-small.png", "lung-effusion?seed=3&size=200x150", Region::Sector),
        ("consolidation-large.png", "lung-consolidation?seed=3&size=1280x720", Region::Sector),
        ("mass-linear.png", "breast-mass?seed=5", Region::Sector),
        ("normal-whole.png", "lung-normal?seed=2", Region::Whole),
    ] {
        matches_golden(name, &tensor(spec, region).0.tensor, 128, 128);
    }
}

#[test]
fn the_masked_picture_is_what_it_was() {
    let (_, frame) = tensor("lung-blines?seed=4&size=320x240", Region::Sector);
    matches_golden("blines-masked.png", &frame.luma, 320, 240);
}

/// Pictures with a machine's text and marks, inside and outside the sector.
#[test]
fn pictures_without_the_chrome_are_what_they_were() {
    for (name, spec) in [
        ("chrome-convex.png", "lung-blines?seed=3&size=400x300&chrome=1"),
        ("chrome-linear.png", "breast-mass?seed=3&size=400x300&chrome=1"),
        ("chrome-phased.png", "lung-effusion?seed=3&size=400x300&probe=phased&chrome=1"),
    ] {
        matches_golden(name, &tensor(spec, Region::Sector).1.luma, 400, 300);
    }
}

/// Pixels of one kind, and those of them that failed.
#[derive(Default)]
struct Count(u64, u64);

impl Count {
    fn add(&mut self, failed: bool) {
        self.0 += 1;
        self.1 += u64::from(failed);
    }

    fn share(&self) -> f64 {
        self.1 as f64 / self.0 as f64
    }
}

/// Text left inside and outside the sector, and echo lost to what was taken for text or for
/// outside, in the first frame and the 25th of a few patients.
fn chrome_and_echo(spec: &str) -> [Count; 3] {
    let [mut inside, mut outside, mut echo] = [(); 3].map(|()| Count::default());
    for seed in 1..=4 {
        let mut plain = Phantom::new(&format!("{spec}&seed={seed}").parse().unwrap());
        let mut drawn = Phantom::new(&format!("{spec}&seed={seed}&chrome=1").parse().unwrap());
        let shape = InputShape { width: 128, height: 128, region: Region::Sector };
        let (mut preprocessor, mut prepared) = (Preprocessor::new(shape), Prepared::default());
        let (mut bare, mut frame) = (Frame::default(), Frame::default());
        for n in 0..=24 {
            plain.next(&mut bare).unwrap();
            drawn.next(&mut frame).unwrap();
            let before = frame.luma.clone();
            preprocessor.run(&mut frame, &mut prepared);
            if ![0, 24].contains(&n) {
                continue;
            }
            assert!(prepared.measures.masked > 0, "{spec} {seed}");
            let chrome = drawn.chrome().unwrap();
            for (i, (&now, &then)) in frame.luma.iter().zip(&before).enumerate() {
                let width = frame.width as usize;
                let (first, columns) = drawn.sector_span((i / width) as u32);
                match (chrome[i] != 0, (first..first + columns).contains(&(i % width))) {
                    (true, true) => inside.add(now == then),
                    (true, false) => outside.add(now == then),
                    // What can be seen at all.
                    (false, true) if bare.luma[i] >= 16 => echo.add(now != then),
                    _ => {}
                }
            }
        }
    }
    [inside, outside, echo]
}

#[test]
fn planted_text_is_removed_and_echo_is_left() {
    for spec in [
        "lung-blines?probe=convex",
        "lung-confluent?probe=phased",
        "breast-mass?probe=linear",
        "lung-consolidation?size=1280x720",
    ] {
        let [inside, outside, echo] = chrome_and_echo(spec);
        println!(
            "{spec}: left inside {:.3} %, outside {:.3} %, echo lost {:.3} %",
            100.0 * inside.share(),
            100.0 * outside.share(),
            100.0 * echo.share()
        );
        assert!(inside.0 > 5_000 && inside.share() <= 0.005, "{spec}: {}", inside.share());
        assert!(outside.0 > 20_000 && outside.share() <= 0.002, "{spec}: {}", outside.share());
        assert!(echo.share() <= 0.01, "{spec}: {}", echo.share());
    }
}

#[test]
fn nothing_unrecognized_is_left_of_a_picture_without_a_sector() {
    let mut preprocessor =
        Preprocessor::new(InputShape { width: 64, height: 64, region: Region::Sector });
    // Ten pixels of burned-in text and no echo.
    let mut frame = Frame::default();
    frame.resize(320, 240);
    frame.luma[100..110].fill(255);
    let mut prepared = Prepared::default();
    preprocessor.run(&mut frame, &mut prepared);
    assert!(frame.luma.iter().all(|&p| p == 0));
    assert!(prepared.tensor.iter().all(|&p| p == 0));
    assert_eq!(prepared.measures.sector_share, 0.0);
}
