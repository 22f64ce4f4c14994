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
