//! Networks of several outputs: scores, a map, a mask.

use super::*;
use crate::error::Error;
use crate::inference::graph::Tail;
use crate::inference::{Answer, Classifier, Network, Placement, PlaneOutput, Signature};

const SIDE: usize = 16;
const SCORES: usize = 6;

/// One to three outputs on shared features: scores out of dense layers on bytes joined with one in
/// float, a class activation map, and a mask that is enlarged.
pub fn network(outputs: usize) -> pb::ModelProto {
    let side = SIDE as i64;
    let mut b = Builder::new(&[1, 1, side, side], DataType::Uint8);
    let (scale, zero) = (b.reals(&[], &[1.0 / 128.0]), b.bytes(DataType::Uint8, &[], vec![127]));
    let x = b.node("DequantizeLinear", &["x", &scale, &zero], vec![]);
    let w = b.weights(&[6, 1, 3, 3]);
    let c = b.node("Conv", &[&x, &w], vec![pads(1), ints("strides", &[2, 2])]);
    let c = b.node("Relu", &[&c], vec![]);
    let early = b.step(&c, 1.5 / 255.0, 0);
    let w = b.weights(&[8, 6, 3, 3]);
    let c = b.node("Conv", &[&early, &w], vec![pads(1), ints("strides", &[2, 2])]);
    let c = b.node("Relu", &[&c], vec![]);
    let last = b.step(&c, 2.0 / 255.0, 0);

    let mean = b.node("GlobalAveragePool", &[&last], vec![]);
    let mean = b.step(&mean, 1.0 / 255.0, 0);
    let row = b.node("Flatten", &[&mean], vec![]);
    let w = b.weights(&[4, 8]);
    let bias = b.reals(&[4], &[0.2, -0.1, 0.0, 0.1]);
    let dense = b.node("Gemm", &[&row, &w, &bias], vec![ints("transB", &[1])]);
    let dense = b.step(&dense, 2.0 / 255.0, 128);
    // A layer as a product and a sum, behind the first.
    let w = b.weights(&[4, 3]);
    // Its scales lie along the rows, which are inputs here: one for all instead.
    let node = b.graph.node.last_mut().unwrap();
    node.input.truncate(1);
    let (scale, zero) = (b.reals(&[], &[0.01]), b.bytes(DataType::Int8, &[], vec![0]));
    b.graph.node.last_mut().unwrap().input.extend([scale, zero]);
    b.graph.node.last_mut().unwrap().attribute.clear();
    let bias = b.reals(&[3], &[0.3, 0.0, -0.3]);
    let second = b.node("MatMul", &[&dense, &w], vec![]);
    let second = b.node("Add", &[&second, &bias], vec![]);
    let second = b.step(&second, 3.0 / 255.0, 128);
    let joined = b.node("Concat", &[&dense, &second], vec![ints("axis", &[1])]);
    let joined = b.step(&joined, 3.0 / 255.0, 128);
    let matrix: Vec<f32> = (0..7 * SCORES).map(|i| (i as f32 * 0.7).sin()).collect();
    let matrix = b.reals(&[SCORES as i64, 7], &matrix);
    let end = b.node("Gemm", &[&joined, &matrix], vec![ints("transB", &[1])]);
    let bias = b.reals(&[1, SCORES as i64], &[0.1, 0.2, 0.3, -0.1, -0.2, -0.3]);
    let scores = b.node("Add", &[&end, &bias], vec![]);

    let w = b.weights(&[1, 8, 1, 1]);
    let bias = b.reals(&[1], &[-0.2]);
    let map = b.node("Conv", &[&last, &w, &bias], vec![]);
    let map = b.step(&map, 4.0 / 255.0, 128);

    let (none, sizes) = (b.reals(&[0], &[]), b.reals(&[4], &[1.0, 1.0, 2.0, 2.0]));
    let linear =
        || vec![word("mode", "linear"), word("coordinate_transformation_mode", "half_pixel")];
    let up = b.node("Resize", &[&last, &none, &sizes], linear());
    let up = b.step(&up, 2.0 / 255.0, 0);
    let up = b.node("Concat", &[&up, &early], vec![ints("axis", &[1])]);
    let up = b.step(&up, 2.0 / 255.0, 0);
    let w = b.weights(&[1, 14, 3, 3]);
    let mask = b.node("Conv", &[&up, &w], vec![pads(1)]);
    let mask = b.step(&mask, 4.0 / 255.0, 128);
    let mask = b.node("Resize", &[&mask, &none, &sizes], linear());
    let mask = b.step(&mask, 4.0 / 255.0, 128);
    let all: [(&str, &[i64]); 3] = [
        (&scores, &[1, SCORES as i64]),
        (&map, &[1, 1, side / 4, side / 4]),
        (&mask, &[1, 1, side, side]),
    ];
    b.finish_all(&all[..outputs])
}

fn name(proto: &pb::ModelProto, output: usize) -> String {
    proto.graph.as_ref().unwrap().output[output].name.clone()
}

fn encoded(proto: &pb::ModelProto) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::Message::encode(proto, &mut bytes).unwrap();
    bytes
}

fn signature(proto: &pb::ModelProto) -> Signature {
    let outputs = proto.graph.as_ref().unwrap().output.len();
    let plane = |output: usize, most| {
        (output < outputs).then(|| PlaneOutput { name: name(proto, output), most })
    };
    let (map, mask) = (plane(1, 64), plane(2, 256));
    Signature { width: SIDE, height: SIDE, scores: SCORES, map, mask }
}

fn load(
    proto: &pb::ModelProto,
    signature: &Signature,
    placement: impl Into<Placement>,
) -> Result<Network, Error> {
    Network::load("several", &encoded(proto), signature, placement.into())
}

fn answer(network: &Network) -> Answer {
    let mut answer = Answer::default();
    network.classifier().unwrap().classify(&picture(SIDE * SIDE), &mut answer).unwrap();
    answer
}

fn close(a: &[f32], b: &[f32], most: f32) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < most)
}

#[test]
fn every_output_agrees_with_stock_tract() {
    for outputs in 1..=3 {
        let proto = network(outputs);
        let signature = signature(&proto);
        let stock = answer(&load(&proto, &signature, None).unwrap());
        assert_eq!(stock.scores.len(), SCORES);
        let sides = [&stock.map, &stock.mask].map(|plane| [plane.width, plane.height]);
        let expected = [[SIDE / 4; 2], [SIDE; 2]];
        for (i, side) in sides.into_iter().enumerate() {
            assert_eq!(side, if i + 1 < outputs { expected[i] } else { [0; 2] }, "{outputs}");
        }
        let graph = lower(&proto).map_err(|e| e.to_string()).unwrap();
        assert_eq!(graph.ends.len(), outputs);
        let reference = answer(&load(&proto, &signature, Some(Isa::Scalar)).unwrap());
        for isa in Isa::available() {
            for threads in [1, 2] {
                let network = load(&proto, &signature, Placement { isa: Some(isa), threads });
                let network = network.unwrap();
                assert!(matches!(network.path(), Path::Int8 { .. }), "{}", network.path());
                let ours = answer(&network);
                assert_eq!(ours, reference, "{} on {threads} threads", isa.name());
                // Bytes may be rounded the other way.
                assert!(close(&ours.scores, &stock.scores, 0.1), "{ours:?}, not {stock:?}");
                assert!(close(&ours.map.values, &stock.map.values, 0.05));
                assert!(close(&ours.mask.values, &stock.mask.values, 0.08));
            }
        }
    }
}

#[test]
fn outputs_of_another_order_keep_their_places() {
    let mut proto = network(3);
    let signature = signature(&proto);
    let expected = answer(&load(&proto, &signature, Some(Isa::best())).unwrap());
    proto.graph.as_mut().unwrap().output.swap(1, 2);
    for isa in [None, Some(Isa::best())] {
        let found = answer(&load(&proto, &signature, isa).unwrap());
        assert!(close(&found.map.values, &expected.map.values, 0.05));
        assert!(close(&found.mask.values, &expected.mask.values, 0.08));
    }
}

#[test]
fn only_the_ends_are_reals() {
    let graph = lower(&network(3)).unwrap();
    let [scores, map, mask] = &graph.ends[..] else { panic!("three ends") };
    assert!(matches!(scores.tail[..], [Tail::Linear { .. }, Tail::Plus(_)]), "{:?}", scores.tail);
    assert!(map.tail.is_empty() && mask.tail.is_empty());
    let kinds: Vec<_> = graph.layers.iter().map(|layer| layer.op.kind()).collect();
    assert_eq!(kinds.iter().filter(|&&kind| kind == "average pool").count(), 1, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|&&kind| kind == "resize").count(), 2, "{kinds:?}");
    assert_eq!(kinds.iter().filter(|&&kind| kind == "pointwise").count(), 3, "{kinds:?}");
}

#[test]
fn an_output_without_a_byte_form_is_named_and_runs_in_stock_tract() {
    let mut proto = network(2);
    let graph = proto.graph.as_mut().unwrap();
    let map = graph.output[1].name.clone();
    graph.node.push(pb::NodeProto {
        name: "odd".into(),
        op_type: "Erf".into(),
        input: vec![map],
        output: vec!["odd".into()],
        ..Default::default()
    });
    graph.output[1].name = "odd".into();
    let network = load(&proto, &signature(&proto), Some(Isa::best())).unwrap();
    assert_eq!(network.path().to_string(), "stock tract, since Erf `odd`: has no byte form");
    assert_eq!(answer(&network).map.values.len(), SIDE * SIDE / 16);
}

#[test]
fn what_the_bundle_declares_and_the_network_lacks_is_named() {
    let proto = network(3);
    let whole = signature(&proto);
    let (map, mask) = (name(&proto, 1), name(&proto, 2));
    let plane = |name: &str, most| Some(PlaneOutput { name: name.into(), most });
    for isa in [None, Some(Isa::best())] {
        let refused = |proto: &pb::ModelProto, signature: Signature| {
            load(proto, &signature, isa).map(|_| ()).unwrap_err().to_string()
        };
        let absent = refused(&proto, Signature { map: plane("heat", 64), ..whole.clone() });
        let said = format!("`map.output` is `heat`, allowed: `{map}`, `{mask}`");
        assert!(absent.contains(&said), "{absent}");
        let alone = refused(&network(1), Signature { map: None, ..whole.clone() });
        assert!(alone.contains(&format!("`mask.output` is `{mask}`, allowed: none")), "{alone}");
        let large = refused(&proto, Signature { mask: plane(&mask, SIDE - 1), ..whole.clone() });
        assert!(large.contains("[1, 1, 16, 16]") && large.contains("at most 15 each"), "{large}");
        let scores = name(&proto, 0);
        let row = refused(&proto, Signature { map: plane(&scores, 64), ..whole.clone() });
        assert!(row.contains("has no such output"), "{row}");
        let few = refused(&proto, Signature { scores: 3, ..whole.clone() });
        assert!(few.contains("[1, 6] as scores, and the bundle declares f32 [1, 3]"), "{few}");
    }
}
