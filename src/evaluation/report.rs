//! The evaluation as one HTML file with its plots inside, readable without a network.

use std::fmt::Write;

use super::plots::plots;
use super::{Case, Difference, Figure, Matrix, Part, Section};

/// What stands above the figures.
pub struct Heading {
    pub title: String,
    /// Name, value pairs: bundle, digest, data.
    pub facts: Vec<(String, String)>,
    /// What a reader must know before believing a figure.
    pub caveats: Vec<String>,
}

const STYLE: &str = "\
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}h3{font-size:1rem}\
table{border-collapse:collapse;margin:.5rem 0}\
th,td{padding:.25rem .8rem;border-bottom:1px solid #ccc;text-align:left}td.n{text-align:right}\
.caveat{background:#fff4d6;border-left:.3rem solid #d98e00;padding:.5rem 1rem;margin:.5rem 0}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}small{color:#666}";

/// Renders the page; `parts` are the whole and then its strata.
pub fn html(heading: &Heading, cases: &[Case], parts: &[Part]) -> String {
    let mut page = String::new();
    let title = escape(&heading.title);
    let _ = write!(
        page,
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\
         <style>{STYLE}</style><h1>{title}</h1>"
    );
    for caveat in &heading.caveats {
        let _ = write!(page, "<p class=\"caveat\">{}</p>", escape(caveat));
    }
    page += "<table>";
    for (name, value) in &heading.facts {
        let _ = write!(page, "<tr><th>{}<td>{}", escape(name), escape(value));
    }
    page += "</table>";
    for (i, part) in parts.iter().enumerate() {
        write_part(&mut page, part);
        if i == 0 {
            page += "<h2>Plots</h2><div class=\"plots\">";
            plots(cases).iter().for_each(|plot| page += plot);
            page += "</div>";
        }
    }
    clips(&mut page, cases);
    page += "<p><small>Decision support for research and training. Not a medical device. \
             Intervals: 95 %, percentile bootstrap over groups. Graded: of the clips that got a \
             verdict; all other figures count every clip.</small>";
    page
}

fn write_part(page: &mut String, part: &Part) {
    let Part { name, clips, groups, positives, sections, reasons } = part;
    let _ = write!(
        page,
        "<h2>{}</h2><p>{clips} clips of {groups} groups, {positives} positive.",
        escape(name)
    );
    sections.iter().for_each(|section| write_section(page, section));
    if !reasons.is_empty() {
        *page += "<h3>Reasons of ungradable clips</h3><table>";
        for (reason, count) in reasons {
            let _ = write!(page, "<tr><th>{}<td class=n>{count}", escape(reason));
        }
        *page += "</table>";
    }
}

fn write_section(page: &mut String, section: &Section) {
    let _ = write!(page, "<h3>{}</h3>", escape(&section.title));
    if section.left_out > 0 {
        let _ =
            write!(page, "<p>{} clips, {} left out: no label.", section.clips, section.left_out);
    }
    *page += "<table>";
    for entry in &section.entries {
        let figure = interval(&entry.figure);
        let _ = write!(page, "<tr><th>{}<td>{figure}", escape(&entry.words));
        if let Some(gain) = &entry.difference {
            let _ = write!(page, "<td>{}", difference(gain));
        }
    }
    *page += "</table>";
    if let Some(matrix) = &section.matrix {
        write_matrix(page, matrix);
    }
}

/// Each row shaded by its shares.
fn write_matrix(page: &mut String, matrix: &Matrix) {
    *page += "<table><tr><th>label, and what was said";
    for said in &matrix.said {
        let _ = write!(page, "<th>{}", escape(said));
    }
    for (label, counts) in matrix.labels.iter().zip(&matrix.counts) {
        let _ = write!(page, "<tr><th>{}", escape(label));
        let all: usize = counts.iter().sum();
        for count in counts {
            let share = *count as f64 / all.max(1) as f64;
            let shade = format!("background:rgba(0,90,160,{:.2})", 0.6 * share);
            let _ = write!(page, "<td class=n style=\"{shade}\">{count}");
        }
    }
    *page += "</table>";
}

fn clips(page: &mut String, cases: &[Case]) {
    page.push_str(
        "<h2>Clips</h2><details><summary>every clip</summary><table>\
                   <tr><th>clip<th>group<th>label<th>verdict<th>score",
    );
    for case in cases {
        for outcome in case.outcomes.iter().flatten() {
            let verdict = format!("{:?}", outcome.verdict).to_lowercase();
            let _ = write!(
                page,
                "<tr><td>{}<td>{}<td>{}<td>{verdict} {}<td class=n>{:.3}",
                escape(&case.path),
                escape(&case.group),
                escape(&case.label),
                outcome.reason.as_deref().map_or(String::new(), escape),
                outcome.score
            );
        }
    }
    page.push_str("</table></details>");
}

/// `0.953 (0.91–0.98)`, or a dash.
pub fn interval(figure: &Figure) -> String {
    match (figure.value, figure.low, figure.high) {
        (Some(value), Some(low), Some(high)) => format!("{value:.3} ({low:.3}–{high:.3})"),
        (Some(value), ..) => format!("{value:.3}"),
        _ => "–".to_owned(),
    }
}

/// `+0.012 (-0.003 to +0.028), p 0.11`, or a dash.
pub fn difference(difference: &Difference) -> String {
    let Difference { figure, p } = difference;
    match (figure.value, figure.low, figure.high, p) {
        (Some(value), Some(low), Some(high), Some(p)) => {
            format!("{value:+.3} ({low:+.3} to {high:+.3}), p {p:.3}")
        }
        _ => "–".to_owned(),
    }
}

/// Text as it stands in HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
