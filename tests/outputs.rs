//! A bundle with everything that a network can give beside its verdict, from file to screen: heads,
//! familiarity, a heat map, an outline; still pictures, seen whole.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use assert_cmd::Command;
use serde_json::Value;
use sonolamp::bundle::sha256;
use sonolamp::inference::{Answer, Classifier, Network, Placement, PlaneOutput, Signature};
use tempfile::TempDir;
use tract_onnx::pb::{self, tensor_proto::DataType};

const SIDE: usize = 32;
const SCORES: usize = 5;

const MANIFEST: &str = r#"
name = "everything"
version = "1.2.3"
task = "a test"
intended_use = "tests"
evidence = "still"

[input]
width = 32
height = 32
region = "whole"
preprocess = PREPROCESS
zero_point = 0
scale = 0.0039

[output]
activation = "sigmoid"

[[class]]
name = "fine"
refer = false

[[class]]
name = "odd"
refer = true

[[head]]
name = "cause"
activation = "softmax"
temperature = 2.0
[[head.label]]
name = "rain"
[[head.label]]
name = "snow"

[[head]]
name = "findings"
activation = "sigmoid"
temperature = 1.0
[[head.label]]
name = "fog"

[familiarity]
least = 0.5

[map]
output = "map"
full = 1.0

[mask]
output = "mask"
name = "cloud"
least = 0.2

[decision]
refer = 0.6
clear = 0.4
hysteresis = 0.05
min_evidence_s = 0.0
window_s = 1.0

[calibration]
method = "none"
slope = 1.0
intercept = 0.0

[stated]
coverage = 0.9
sensitivity = 0.97
specificity = 0.93
method = "by hand"

[provenance]
made_by = "tests"
training_data = "none"
training_set = "training-set.csv"

[licence]
terms = "MIT"
notice = "none"

[[file]]
path = "network.onnx"
role = "model"
sha256 = "NETWORK"

[[file]]
path = "training-set.csv"
role = "training-set"
sha256 = "TRAINING"

[[file]]
path = "known.png"
role = "known-input"
sha256 = "KNOWN"

[[known_answer]]
input = "known.png"
scores = ANSWER
tolerance = 0.01
"#;

fn attribute(name: &str, ints: &[i64]) -> pb::AttributeProto {
    use pb::attribute_proto::AttributeType as T;
    let r#type = T::Ints as i32;
    pb::AttributeProto { name: name.into(), r#type, ints: ints.to_vec(), ..Default::default() }
}

fn word(name: &str, value: &str) -> pb::AttributeProto {
    let r#type = pb::attribute_proto::AttributeType::String as i32;
    pb::AttributeProto { name: name.into(), r#type, s: value.into(), ..Default::default() }
}

fn value(name: &str, kind: DataType, shape: &[i64]) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension::Value};
    let dim = |&v: &i64| Dimension { value: Some(Value::DimValue(v)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: shape.iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: kind as i32, shape: Some(shape) };
    let value = Some(pb::type_proto::Value::TensorType(tensor));
    let r#type = Some(pb::TypeProto { value, ..Default::default() });
    pb::ValueInfoProto { name: name.into(), r#type, ..Default::default() }
}

#[derive(Default)]
struct Builder(pb::GraphProto);

impl Builder {
    fn node(&mut self, op: &str, from: &str, to: &str, attributes: Vec<pb::AttributeProto>) {
        self.0.node.push(pb::NodeProto {
            name: to.into(),
            op_type: op.into(),
            input: from.split(' ').map(str::to_owned).collect(),
            output: vec![to.into()],
            attribute: attributes,
            ..Default::default()
        });
    }

    fn tensor(&mut self, name: &str, kind: DataType, dims: &[i64], raw_data: Vec<u8>) {
        let (name, data_type, dims) = (name.into(), kind as i32, dims.to_vec());
        let tensor = pb::TensorProto { name, data_type, dims, raw_data, ..Default::default() };
        self.0.initializer.push(tensor);
    }

    fn reals(&mut self, name: &str, dims: &[i64], values: &[f32]) {
        let raw = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(name, DataType::Float, dims, raw);
    }

    /// Quantizes `from` and dequantizes it as `to`.
    fn step(&mut self, from: &str, to: &str) {
        let bytes = format!("{to}.bytes");
        self.node("QuantizeLinear", &format!("{from} step zero"), &bytes, vec![]);
        self.node("DequantizeLinear", &format!("{bytes} step zero"), to, vec![]);
    }
}

/// Mean brightness of squares of pixels less a half; scores are `bias` and next to nothing more.
fn network(bias: [f32; SCORES], planes: bool) -> Vec<u8> {
    let side = SIDE as i64;
    let mut b = Builder::default();
    b.0.input = vec![value("image", DataType::Uint8, &[1, 1, side, side])];
    b.reals("in", &[], &[1.0 / 255.0]);
    b.tensor("black", DataType::Uint8, &[], vec![0]);
    b.node("DequantizeLinear", "image in black", "grey", vec![]);
    b.tensor("w.bytes", DataType::Int8, &[1, 1, 4, 4], vec![64; 16]);
    b.reals("w.scale", &[], &[1.0 / 1024.0]);
    b.tensor("w.zero", DataType::Int8, &[], vec![0]);
    b.node("DequantizeLinear", "w.bytes w.scale w.zero", "w", vec![]);
    b.reals("w.bias", &[1], &[-0.2]);
    b.reals("step", &[], &[1.0 / 127.0]);
    b.tensor("zero", DataType::Uint8, &[], vec![128]);
    b.node("Conv", "grey w w.bias", "bright", vec![attribute("strides", &[4, 4])]);
    b.step("bright", "map");
    b.node("GlobalAveragePool", "map", "mean", vec![]);
    b.node("Flatten", "mean", "row", vec![]);
    b.reals("head.w", &[1, SCORES as i64], &[0.001; SCORES]);
    b.reals("head.b", &[SCORES as i64], &bias);
    b.node("Gemm", "row head.w head.b", "scores", vec![]);
    b.reals("none", &[0], &[]);
    b.reals("sizes", &[4], &[1.0, 1.0, 4.0, 4.0]);
    let linear = word("mode", "linear");
    b.node("Resize", "map none sizes", "large", vec![linear]);
    b.step("large", "mask");
    b.0.output = vec![value("scores", DataType::Float, &[1, SCORES as i64])];
    if planes {
        b.0.output.push(value("mask", DataType::Float, &[1, 1, side, side]));
        b.0.output.push(value("map", DataType::Float, &[1, 1, side / 4, side / 4]));
    }
    let opset = pb::OperatorSetIdProto { domain: String::new(), version: 17 };
    let model = pb::ModelProto {
        ir_version: 8,
        opset_import: vec![opset],
        graph: Some(b.0),
        ..Default::default()
    };
    prost::Message::encode_to_vec(&model)
}

/// Writes a bundle around such a network.
fn bundle(bias: [f32; SCORES], planes: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let network = network(bias, planes);
    std::fs::write(at("network.onnx"), &network).unwrap();
    std::fs::write(at("training-set.csv"), "sha256,group\n").unwrap();
    let known = image::GrayImage::from_fn(32, 32, |x, y| image::Luma([(4 * x + 3 * y) as u8]));
    known.save(at("known.png")).unwrap();
    let plane = |name: &str| planes.then(|| PlaneOutput { name: name.into(), most: 64 });
    let (map, mask) = (plane("map"), plane("mask"));
    let signature = Signature { width: SIDE, height: SIDE, scores: SCORES, map, mask };
    let loaded = Network::load("test", &network, &signature, Placement::default()).unwrap();
    assert!(loaded.path().to_string().starts_with("int8, "), "{}", loaded.path());
    let mut answer = Answer::default();
    loaded.classifier().unwrap().classify(known.as_raw(), &mut answer).unwrap();
    let digest = |name: &str| sha256(&std::fs::read(at(name)).unwrap());
    let manifest = MANIFEST
        .replace("PREPROCESS", &sonolamp::preprocess::VERSION.to_string())
        .replace("NETWORK", &digest("network.onnx"))
        .replace("TRAINING", &digest("training-set.csv"))
        .replace("KNOWN", &digest("known.png"))
        .replace("ANSWER", &format!("{:?}", answer.scores));
    std::fs::write(at("bundle.toml"), manifest).unwrap();
    folder
}

const USUAL: [f32; SCORES] = [3.0, 0.0, 2.0, -1.0, 1.0];

/// Exit code, stdout, stderr.
fn run(arguments: &[&str], folder: &Path) -> (i32, String, String) {
    let mut command = Command::cargo_bin("sonolamp").unwrap();
    command.args(arguments).args(["--bundle", folder.to_str().unwrap()]);
    let output = command.timeout(std::time::Duration::from_secs(300)).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn screen_says_what_heads_say_and_draws_what_the_network_saw() {
    let (folder, maps) = (bundle(USUAL, true), tempfile::tempdir().unwrap());
    let out = maps.path().join("new");
    let arguments = ["screen", "phantom:lung-normal?seed=3", "--phantom-seconds", "1"];
    let mut with_maps = arguments.to_vec();
    with_maps.extend(["--json", "--maps", out.to_str().unwrap()]);
    let (code, text, err) = run(&with_maps, folder.path());
    assert_eq!(code, 0, "{err}");
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result["verdict"], "refer");
    assert_eq!(result["heads"][0]["name"], "cause");
    assert_eq!(result["heads"][0]["labels"][1]["name"], "snow");
    let snow = result["heads"][0]["labels"][1]["probability"].as_f64().unwrap();
    assert!(
        (snow - 1.0 / (1.0 + (-1f64).exp())).abs() < 1e-3,
        "divided by its temperature: {snow}"
    );
    assert_eq!(result["heads"][1]["labels"].as_array().unwrap().len(), 1);
    assert!((result["familiarity"].as_f64().unwrap() - 1.0).abs() < 0.01);
    let picture = image::open(result["picture"].as_str().unwrap()).unwrap().into_rgb8();
    assert_eq!(out.read_dir().unwrap().count(), 1);
    let half = (picture.width() - 4) / 2;
    assert!(half >= 280);
    let colourful = |from: u32, to: u32| {
        let pixels = picture.enumerate_pixels().filter(|(x, ..)| (from..to).contains(x));
        pixels.filter(|(_, _, p)| p.0[0].abs_diff(p.0[2]) > 40).count()
    };
    assert_eq!(colourful(0, half), 0, "the left one is as it was");
    assert!(colourful(half + 4, picture.width()) > 1000, "the right one is explained");
    let (_, line, _) = run(&arguments, folder.path());
    assert!(line.contains("cause: snow 0.73") && !line.contains("fog"), "{line}");
}

#[test]
fn an_unfamiliar_picture_is_ungradable_and_says_why() {
    let strange = bundle([9.0, 0.0, 0.0, 0.0, 0.4], true);
    let arguments = ["screen", "phantom:lung-normal?seed=3", "--phantom-seconds", "1", "--json"];
    let (code, text, err) = run(&arguments, strange.path());
    assert_eq!(code, 0, "{err}");
    let result: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(result["verdict"], "ungradable");
    assert_eq!(result["reasons"][0], "unfamiliar");
    assert_eq!(result["frames"]["used"], 0);
}

#[test]
fn live_lines_carry_heads() {
    let folder = bundle(USUAL, true);
    let source = "phantom:lung-normal?seed=3";
    let arguments = ["run", "--headless", "--json", "--source", source, "--seconds", "2"];
    let (code, text, err) = run(&arguments, folder.path());
    assert_eq!(code, 0, "{err}");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let judged = lines.iter().find(|line| line["verdict"] == "refer").unwrap();
    assert_eq!(judged["heads"][0]["labels"][0]["name"], "rain");
    assert!(judged["heads"][1]["labels"][0]["probability"].as_f64().unwrap() < 0.3);
}

#[test]
fn inspect_shows_what_there_is() {
    let folder = bundle(USUAL, true);
    let mut command = Command::cargo_bin("sonolamp").unwrap();
    let output = command.args(["bundle", "inspect", folder.path().to_str().unwrap()]).output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    for words in [
        "cause: one of rain, snow",
        "findings: any of fog",
        "frames below 0.5 are no evidence",
        "`map`, full strength at 1 log-odds",
        "`mask` outlines: cloud",
        "coverage 0.9, sensitivity 0.97, specificity 0.93 (by hand)",
        "computed by    int8, ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[test]
fn a_declared_output_that_the_network_lacks_is_exit_code_4() {
    let folder = bundle(USUAL, false);
    let (code, _, err) = run(&["screen", "phantom:lung-normal"], folder.path());
    assert_eq!(code, 4);
    let said = "has no such output: the bundle's `map.output` is `map`, allowed: none; ";
    assert!(err.contains("network.onnx") && err.contains(said), "{err}");
}
