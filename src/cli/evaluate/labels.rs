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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::evaluate::table;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    const HEADS: &str = r#"
[[head]]
name = "cause"
activation = "softmax"
temperature = 1.0
[[head.label]]
name = "regular"
[[head.label]]
name = "pneumonia"
aliases = ["bacterial pneumonia"]
[[head]]
name = "findings"
activation = "sigmoid"
temperature = 1.0
[[head.label]]
name = "B-lines"
aliases = ["b_lines"]
[[head.label]]
name = "effusion"
"#;

    fn manifest() -> Manifest {
        let lung = include_str!("../../../models/lung/bundle.toml");
        toml::from_str(&(lung.to_owned() + HEADS)).unwrap()
    }

    fn read(rows: &str, more: &[&str]) -> Result<Vec<Case>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.csv");
        std::fs::write(&path, rows).unwrap();
        let line = [&["evaluate", path.to_str().unwrap()], more].concat();
        let arguments = Line::parse_from(line).arguments;
        cases(&arguments, &table::read(&arguments)?, &manifest())
    }

    #[test]
    fn heads_answer_what_the_table_asks() {
        let asked = asked(&manifest());
        assert_eq!(
            (asked.questions.len(), &asked.findings[..]),
            (1, &["B-lines", "effusion"].map(str::to_owned)[..])
        );
        let table = "file,label,patient,B_Lines,Effusion\n\
                     a,regular,1,0,1\nb,COVID-19,1,,n/A\nc,Bacterial Pneumonia,2,1,0\n";
        let cases = read(table, &[]).unwrap();
        let causes: Vec<_> = cases.iter().map(|case| case.choices.get("head cause")).collect();
        assert_eq!(causes, [Some(&0), None, Some(&1)], "no label of the head means COVID-19");
        assert_eq!(cases[0].findings, [("B-lines", false), ("effusion", true)].map(known).into());
        assert!(cases[1].findings.is_empty(), "neither empty nor n/A is known");
    }

    fn known((name, there): (&str, bool)) -> (String, bool) {
        (name.to_owned(), there)
    }

    #[test]
    fn a_column_named_like_the_head_comes_before_the_label() {
        let table = "file,label,patient,cause,B-lines\na,regular,1,pneumonia,1\nb,regular,2,,\n";
        let cases = read(table, &[]).unwrap();
        assert_eq!(cases[0].choices["head cause"], 1);
        assert_eq!(cases[1].choices["head cause"], 0);
        assert_eq!(cases[0].findings, [("B-lines", true)].map(known).into());
        assert!(cases[1].findings.is_empty());
    }

    #[test]
    fn numbers_are_parted_by_a_rule() {
        let table = "file,severity,patient\na,1,1\nb,2.5,2\n";
        let rule =
            ["--label", "severity", "--positive", ">=2", "--by-group-correlation", "severity"];
        let cases = read(table, &rule).unwrap();
        let positive: Vec<_> = cases.iter().map(|case| case.positive).collect();
        assert_eq!(positive, [Some(false), Some(true)]);
        assert_eq!(cases[1].number, Some(2.5));
        assert!(cases[0].choices.is_empty(), "no head knows a number");
    }
}
