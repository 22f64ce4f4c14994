//! What the table's labels mean to a bundle.

use std::collections::BTreeMap;

use super::Arguments;
use super::table::{Row, Table, table_error};
use crate::bundle::{Activation, Head, Label, Manifest};
use crate::error::Error;
use crate::evaluation::{Case, Question};

/// Key of the question of which the bundle's own classes are the answers.
pub const CLASSES: &str = "classes";

/// What a bundle is asked, by name.
#[derive(Debug, PartialEq)]
pub struct Asked {
    pub questions: Vec<Question>,
    pub findings: Vec<String>,
}

/// Key of the question that a softmax head answers.
pub fn key(head: &Head) -> String {
    format!("head {}", head.name)
}

pub fn asked(manifest: &Manifest) -> Asked {
    let mut questions = Vec::new();
    if manifest.output.activation == Activation::Softmax {
        let labels = manifest.classes.iter().map(|class| class.name.clone()).collect();
        questions.push(Question { key: CLASSES.to_owned(), labels });
    }
    let mut findings = Vec::new();
    for head in &manifest.heads {
        let labels = head.labels.iter().map(|label| label.name.clone());
        match head.activation {
            Activation::Softmax => {
                questions.push(Question { key: key(head), labels: labels.collect() });
            }
            Activation::Sigmoid => findings.extend(labels),
        }
    }
    Asked { questions, findings }
}

/// The rows as cases without outcomes.
pub fn cases(
    arguments: &Arguments,
    table: &Table,
    manifest: &Manifest,
) -> Result<Vec<Case>, Error> {
    table.rows.iter().map(|row| case(arguments, row, manifest)).collect()
}

fn case(arguments: &Arguments, row: &Row, manifest: &Manifest) -> Result<Case, Error> {
    let class = manifest.class_of_label(&row.label);
    let positive = match (&arguments.positive, arguments.expect) {
        (_, Some(_)) => None,
        (Some(rule), _) => Some(rule.holds(number(arguments, row, &arguments.label)?)),
        (None, _) => {
            Some(manifest.classes[class.ok_or_else(|| unknown(arguments, row, manifest))?].refer)
        }
    };
    let mut choices = BTreeMap::new();
    if manifest.output.activation == Activation::Softmax {
        choices.extend(class.map(|class| (CLASSES.to_owned(), class)));
    }
    let mut findings = BTreeMap::new();
    for head in &manifest.heads {
        match head.activation {
            Activation::Softmax => {
                let label = row.cell(&head.name).unwrap_or(&row.label);
                choices.extend(head.label_of(label).map(|label| (key(head), label)));
            }
            Activation::Sigmoid => {
                let known = |label: &Label| Some((label.name.clone(), finding(row, label)?));
                findings.extend(head.labels.iter().filter_map(known));
            }
        }
    }
    let stratum = |column: &String| Some((column.clone(), row.cell(column)?.to_owned()));
    let of = arguments.by_group_correlation.as_deref();
    Ok(Case {
        path: row.file.clone(),
        group: row.group.clone(),
        label: row.label.clone(),
        positive,
        strata: arguments.by.iter().filter_map(stratum).collect(),
        choices,
        findings,
        number: of.map(|column| number(arguments, row, column)).transpose()?,
        outcomes: Vec::new(),
    })
}

/// 1 or 0 in a column named like the label; anything else is not known.
fn finding(row: &Row, label: &Label) -> Option<bool> {
    let mut words = std::iter::once(&label.name).chain(&label.aliases);
    match words.find_map(|word| row.cell(word))? {
        "1" => Some(true),
        "0" => Some(false),
        _ => None,
    }
}

fn number(arguments: &Arguments, row: &Row, column: &str) -> Result<f64, Error> {
    let cell = row.cell(column).unwrap_or_default();
    cell.parse().map_err(|_| {
        let problem = format!("has `{cell}` in column `{column}` of {}", row.file);
        table_error(&arguments.labels, &problem, "write a number, or leave the row away")
    })
}

fn unknown(arguments: &Arguments, row: &Row, manifest: &Manifest) -> Error {
    let known: Vec<_> = manifest.classes.iter().map(|c| c.name.as_str()).collect();
    let problem = format!("has the label `{}`", row.label);
    let remedy = format!(
        "use {} or an alias in bundle.toml, or part numbers with --positive",
        known.join(", ")
    );
    table_error(&arguments.labels, &problem, &remedy)
}
