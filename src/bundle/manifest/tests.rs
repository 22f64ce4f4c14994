//! The manifest's keys as a table: what is read, and what is refused with which words.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::screening::MOST_SCORES;

const LUNG: &str = include_str!("../../../models/lung/bundle.toml");

const OUTPUTS: &str = r#"
[[head]]
name = "cause"
activation = "softmax"
temperature = 2.0
[[head.label]]
name = "pneumonia"
aliases = ["Bacterial pneumonia"]
[[head.label]]
name = "COVID-19"
[[head]]
name = "findings"
activation = "sigmoid"
temperature = 1.0
[[head.label]]
name = "B-lines"

[familiarity]
least = -1.0

[map]
output = "map"
full = 4.0

[mask]
output = "mask"
name = "lesion"
least = 0.0

[stated]
coverage = 0.9
sensitivity = 0.97
specificity = 0.93
method = "split conformal"
"#;

/// The lung manifest with more outputs, and known answers of so many scores.
fn manifest(outputs: &str, scores: usize) -> Result<Manifest, String> {
    let row = format!("scores = [{}]", vec!["0.5"; scores].join(", "));
    let lines = LUNG.lines().map(|l| if l.starts_with("scores = ") { &row[..] } else { l });
    let text = lines.collect::<Vec<_>>().join("\n") + outputs;
    let manifest: Manifest = toml::from_str(&text).map_err(|e| e.message().to_owned())?;
    manifest.validate().map(|()| manifest)
}

#[test]
fn a_manifest_without_further_outputs_has_one_score() {
    let manifest = manifest("", 1).unwrap();
    assert_eq!((manifest.scores(), manifest.heads().count()), (1, 0));
    assert!(manifest.rules().familiarity.is_none());
}

#[test]
fn heads_follow_the_verdict_and_familiarity_is_last() {
    let manifest = manifest(OUTPUTS, 5).unwrap();
    assert_eq!(manifest.scores(), 5);
    assert_eq!(manifest.rules().familiarity, Some((4, -1.0)));
    let (cause, place) = manifest.head("Cause").unwrap();
    assert_eq!((place.first, place.len, place.exclusive), (1, 2, true));
    assert_eq!(cause.label_of(" bacterial PNEUMONIA "), Some(0));
    assert_eq!(cause.label_of("covid-19"), Some(1));
    assert_eq!(cause.label_of("B-lines"), None);
    let (_, place) = manifest.head("findings").unwrap();
    assert_eq!((place.first, place.len, place.exclusive), (3, 1, false));
    assert!(manifest.head("sites").is_none());
}

#[test]
fn what_is_refused_is_named() {
    let long: String =
        (0..MOST_SCORES).map(|i| format!("[[head.label]]\nname = \"finding {i}\"\n")).collect();
    for (from, to, said) in [
        ("temperature = 2.0", "temperature = 0.0", "`head.temperature of cause` is 0, allowed:"),
        ("temperature = 2.0", "temperature = nan", "`head.temperature of cause` is NaN"),
        ("temperature = 2.0\n", "temperature = 2.0\ncolour = 1\n", "unknown field `colour`"),
        ("activation = \"softmax\"", "activation = \"argmax\"", "unknown variant `argmax`"),
        ("[[head.label]]\nname = \"COVID-19\"\n", "", "is 1 labels, allowed: two labels"),
        ("\"COVID-19\"", "\"Pneumonia\"", "`head.label of cause` is \"Pneumonia\""),
        ("\"findings\"", "\"Cause\"", "`head.name` is \"Cause\" twice"),
        ("\"findings\"", "\"\"", "`head.name` is \"\", allowed: a short name"),
        ("\n[familiarity]", &format!("{long}\n[familiarity]"), "at most 16 scores"),
        ("least = -1.0", "least = inf", "`familiarity.least` is inf"),
        ("output = \"map\"", "output = \"\"", "`map.output`"),
        ("full = 4.0", "full = -4.0", "`map.full` is -4, allowed: a positive number"),
        ("output = \"mask\"", "output = \"map\"", "`mask.output` is \"map\""),
        ("\"lesion\"", "\"\"", "`mask.name`"),
        ("coverage = 0.9", "coverage = 90", "`stated.coverage` is 90, allowed: 0 to 1"),
        ("\"split conformal\"", "\"\"", "`stated.method`"),
    ] {
        let outputs = OUTPUTS.replacen(from, to, 1);
        assert_ne!(outputs, OUTPUTS, "{from} is there");
        let refused = manifest(&outputs, 5).unwrap_err();
        assert!(refused.contains(said), "{to}: {refused}");
    }
    let few = manifest(OUTPUTS, 4).unwrap_err();
    assert!(few.contains("`known_answer.scores` is 4"), "{few}");
}
