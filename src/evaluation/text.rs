//! The evaluation as lines of text, for a terminal.

use std::fmt::Write as _;

use super::report::{Heading, difference, interval};
use super::{Matrix, Part, Section};

const NAME: usize = 26;

/// Everything of `parts`, the first of which is the whole.
pub fn text(heading: &Heading, parts: &[Part]) -> String {
    let mut text = String::new();
    for caveat in &heading.caveats {
        let _ = writeln!(text, "CAVEAT: {caveat}");
    }
    for (name, value) in &heading.facts {
        let _ = writeln!(text, "{name:<NAME$} {value}");
    }
    for (i, part) in parts.iter().enumerate() {
        if i > 0 {
            let _ = writeln!(text, "\n== {} ==", part.name);
        }
        let of = format!("{} of {} groups, {} positive", part.clips, part.groups, part.positives);
        let _ = writeln!(text, "{:<NAME$} {of}", "clips");
        for section in &part.sections {
            write_section(&mut text, section, i == 0);
        }
        if !part.reasons.is_empty() {
            let reasons: Vec<String> =
                part.reasons.iter().map(|(reason, n)| format!("{n} {reason}")).collect();
            let _ = writeln!(text, "{:<NAME$} {}", "ungradable because", reasons.join(", "));
        }
    }
    text
}

fn write_section(text: &mut String, section: &Section, with_matrix: bool) {
    if section.key != "verdict" {
        let left_out = match section.left_out {
            0 => String::new(),
            n => format!(", {n} left out"),
        };
        let _ = writeln!(text, "-- {}: {} clips{left_out}", section.title, section.clips);
    }
    for entry in &section.entries {
        let gain = entry.difference.map_or(String::new(), |d| format!("   {}", difference(&d)));
        let _ = writeln!(text, "{:<NAME$} {}{gain}", entry.words, interval(&entry.figure));
    }
    if let Some(matrix) = section.matrix.as_ref().filter(|_| with_matrix) {
        write_matrix(text, matrix);
    }
}

fn write_matrix(text: &mut String, matrix: &Matrix) {
    let widths: Vec<usize> = matrix.said.iter().map(|said| said.chars().count().max(6)).collect();
    let line = |cells: &mut dyn Iterator<Item = String>| {
        let padded = cells.zip(&widths).map(|(cell, width)| format!("  {cell:>width$}"));
        padded.collect::<String>()
    };
    let said = line(&mut matrix.said.iter().cloned());
    let _ = writeln!(text, "{:<NAME$}{said}", "label, and what was said");
    for (label, counts) in matrix.labels.iter().zip(&matrix.counts) {
        let counts = line(&mut counts.iter().map(usize::to_string));
        let _ = writeln!(text, "{label:<NAME$}{counts}");
    }
}
