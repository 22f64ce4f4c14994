//! The int8 engine on the shipped network: the same bits by every instruction set of this processor,
//! and stock tract's scores within what its rounding to float allows.

#![allow(clippy::unwrap_used, clippy::panic)]

use sonolamp::bundle::Bundle;
use sonolamp::inference::kernels::Isa;
use sonolamp::inference::{Path, Placement, Runner};

fn network() -> Vec<u8> {
    Bundle::load(None).unwrap().model().1.to_vec()
}

#[test]
fn the_shipped_network_is_lowered_whole() {
    let runner = Runner::load("lung", &network(), Some(Isa::Scalar)).unwrap();
    assert!(
        matches!(runner.path(), Path::Int8 { layers, .. } if *layers > 30),
        "{}",
        runner.path()
    );
}

#[test]
fn every_instruction_set_gives_the_same_bits_in_every_layer() {
    let bytes = network();
    let mut reference = Runner::load("lung", &bytes, Some(Isa::Scalar)).unwrap();
    let expected = reference.run().unwrap();
    for isa in Isa::available() {
        let mut runner = Runner::load("lung", &bytes, Some(isa)).unwrap();
        let scores = runner.run().unwrap();
        assert_eq!(scores[0].to_bits(), expected[0].to_bits(), "{}", isa.name());
        reference.enter();
        runner.enter();
        let (a, b) = (reference.engine().unwrap(), runner.engine().unwrap());
        for layer in 0..a.layers() {
            a.step(layer);
            b.step(layer);
            let output = a.program().graph().layers[layer].output;
            let name = &a.program().graph().layers[layer].name;
            assert!(a.map(output) == b.map(output), "{} differs in {name}", isa.name());
        }
    }
}

#[test]
fn threads_give_the_same_bits() {
    let bytes = network();
    for isa in Isa::available() {
        let mut alone = Runner::load("lung", &bytes, Some(isa)).unwrap();
        let expected = alone.run().unwrap();
        for threads in 2..=4 {
            let placement = Placement { isa: Some(isa), threads };
            let mut runner = Runner::load("lung", &bytes, placement).unwrap();
            let runs = if isa == Isa::Scalar { 1 } else { 10 };
            for _ in 0..runs {
                let scores = runner.run().unwrap();
                let name = isa.name();
                assert_eq!(scores[0].to_bits(), expected[0].to_bits(), "{threads} on {name}");
            }
        }
    }
}

#[test]
fn stock_tract_scores_about_the_same() {
    let bytes = network();
    let ours = Runner::load("lung", &bytes, Some(Isa::best())).unwrap().run().unwrap();
    let stock = Runner::load("lung", &bytes, None).unwrap().run().unwrap();
    assert!((ours[0] - stock[0]).abs() < 0.5, "{} and {}", ours[0], stock[0]);
}
