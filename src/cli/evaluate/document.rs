//! The evaluation as JSON: every figure, every clip, no path of this machine.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::judge::Judged;
use super::{Arguments, program, stratum};
use crate::evaluation::report::Heading;
use crate::evaluation::{Entry, Part, Section};

pub fn document(
    arguments: &Arguments,
    heading: &Heading,
    judged: &Judged,
    parts: &[Part],
) -> Value {
    let mut strata: BTreeMap<&String, Map<String, Value>> = BTreeMap::new();
    for column in &arguments.by {
        for part in parts {
            if let Some(value) = part.name.strip_prefix(&stratum(column, "")) {
                strata.entry(column).or_default().insert(value.to_owned(), figures(part));
            }
        }
    }
    json!({
        "program": program(),
        "facts": heading.facts.iter().cloned().collect::<BTreeMap<_, _>>(),
        "caveats": heading.caveats,
        "bundles": judged.bundles,
        "questions": judged.asked.questions,
        "findings": judged.asked.findings,
        "metrics": parts.first().map(figures),
        "strata": strata,
        "unusable": judged.unusable,
        "clips": judged.cases,
    })
}

/// The verdict's figures stand at the top, the other sections below their keys.
fn figures(part: &Part) -> Value {
    let mut object = Map::new();
    object.insert("clips".to_owned(), json!(part.clips));
    object.insert("groups".to_owned(), json!(part.groups));
    object.insert("positives".to_owned(), json!(part.positives));
    object.insert("reasons".to_owned(), json!(part.reasons));
    for section in &part.sections {
        let mut figures = entries(section);
        if section.key == "verdict" {
            object.append(&mut figures);
        } else {
            figures.insert("clips".to_owned(), json!(section.clips));
            figures.insert("left_out".to_owned(), json!(section.left_out));
            object.insert(section.key.clone(), figures.into());
        }
    }
    object.into()
}

fn entries(section: &Section) -> Map<String, Value> {
    let mut object = Map::new();
    for Entry { key, figure, difference, .. } in &section.entries {
        let mut value = json!(figure);
        if let Some(difference) = difference {
            value["difference"] = json!(difference);
        }
        object.insert(key.clone(), value);
    }
    if let Some(matrix) = &section.matrix {
        object.insert("confusion".to_owned(), json!(matrix));
    }
    object
}
