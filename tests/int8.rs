//! The int8 engine on the shipped network: the same bits by every instruction set of this processor,
//! and stock tract's scores within what its rounding to float allows.

#![allow(clippy::unwrap_used, clippy::panic)]

use sonolamp::bundle::Bundle;
use sonolamp::inference::kernels::Isa;
use sonolamp::inference::{Answer, Classifier, Network, Path, Placement, Runner, Signature};

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

#[test]
fn shuffled_weights_know_nothing_and_are_shuffled_alike_every_time() {
    let bundle = Bundle::load(None).unwrap();
    let scores = bundle.manifest.scores();
    let signature = Signature { width: 128, height: 128, scores, map: None, mask: None };
    let answers = |network: Network| -> Vec<f32> {
        let mut classifier = network.classifier().unwrap();
        let answer = |known: Vec<u8>| {
            let mut answer = Answer::default();
            classifier.classify(&known, &mut answer).unwrap();
            answer.scores[0]
        };
        bundle.known_answers().map(|known| known.unwrap().1).map(answer).collect()
    };
    let load = || Network::load("lung", &network(), &signature, Placement::default()).unwrap();
    let shuffled = |seed| Network::shuffled("lung", &network(), &signature, seed).unwrap();
    let (learned, lost) = (answers(load()), answers(shuffled(1)));
    assert!((learned[0] - learned[1]).abs() > 2.0, "{learned:?}");
    assert!((lost[0] - lost[1]).abs() < 1.0, "{lost:?}");
    assert_eq!(lost, answers(shuffled(1)));
    assert_ne!(lost, answers(shuffled(2)));
}
