//! A page for a person: one HTML file with its pictures inside, one sheet of paper.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, ImageResult};

use super::facts::Facts;
use super::{Material, picture, summary};
use crate::evaluation::report::escape;
use crate::protocol::{VitalSign, VitalSigns};
use crate::screening::Verdict;

/// Colours are the lamps' (Okabe and Ito); each has its shape and word.
const STYLE: &str = "\
@page{size:A4;margin:11mm}*{box-sizing:border-box}\
body{font:9.5pt/1.3 system-ui,'Noto Sans','Noto Sans CJK SC',sans-serif;margin:0 auto;\
max-width:188mm;color:#111}\
h1{font-size:14pt;margin:0 0 1.5mm}h2{font-size:10.5pt;margin:2.5mm 0 1mm}\
div.verdict{font-size:22pt;font-weight:bold;padding:1mm 4mm;-webkit-print-color-adjust:exact;\
print-color-adjust:exact}\
.refer{background:#d55e00;color:#000}.clear{background:#009e73;color:#000}\
.ungradable{background:#f0e442;color:#000}\
p{margin:1mm 0}p.notice{font-weight:bold;border:.4mm solid #111;padding:1mm 3mm}\
table{border-collapse:collapse;width:100%}th{text-align:left;font-weight:normal;color:#444;\
white-space:nowrap;width:1%}\
th,td{padding:.4mm 4mm .4mm 0;vertical-align:top;border-bottom:.2mm solid #ccc}\
td{overflow-wrap:anywhere}\
div.row{display:flex;gap:2mm;break-inside:avoid}figure{margin:0;flex:1 1 0;min-width:0}\
img{width:100%;display:block;background:#000;object-fit:contain}div.key img{height:60mm}\
div.strip img{height:17mm}figcaption{font-size:8pt;color:#444}small{color:#444}";

/// The whole page.
pub fn html(facts: &Facts, material: &Material) -> ImageResult<String> {
    let record = facts.record();
    let mut page = String::from(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>Ultrasound screening</title>",
    );
    let (class, shape) = match record.verdict {
        Verdict::Refer => ("refer", "▲"),
        Verdict::Clear => ("clear", "●"),
        Verdict::Ungradable(_) => ("ungradable", "?"),
    };
    let word = record.verdict.word().to_uppercase();
    let _ = write!(page, "<style>{STYLE}</style><h1>Ultrasound screening: not a diagnosis</h1>");
    let caveats: Vec<_> = facts.caveats().into_iter().map(escape).collect();
    let _ = write!(page, "<p class=\"notice\">{}", caveats.join("<br>"));
    let _ = write!(
        page,
        "<div class=\"verdict {class}\">{shape} {word}</div><p>{}",
        escape(&facts.meaning())
    );
    pictures(&mut page, material)?;
    page += "<h2>The exam</h2><table>";
    for (name, value) in rows(facts) {
        let _ = write!(page, "<tr><th>{}<td>{}", escape(&name), escape(&value));
    }
    let privacy = if facts.identified() {
        "This page names the patient: for the clinic's own archive."
    } else {
        "The patient, the operator and the dates are removed; the number is a pseudonym."
    };
    let (study, digest) = (facts.study_uid(), escape(&record.means.bundle_digest));
    let _ = writeln!(
        page,
        "</table><p><small>{privacy}<br>DICOM study {study}<br>Model SHA-256 {digest}</small></html>"
    );
    Ok(page)
}

fn pictures(page: &mut String, material: &Material) -> ImageResult<()> {
    if let Some((plain, marked)) = picture::key(material) {
        *page += "<h2>The frame that speaks most for the verdict</h2><div class=\"row key\">";
        figure(page, &plain.into(), "As kept: text and everything outside the sector removed")?;
        match marked {
            Some(marked) => {
                let words = "Where the model looked: orange speaks for referring, blue against it, \
                             yellow is an outline";
                figure(page, &marked.into(), words)?;
            }
            None => *page += "<figure><figcaption>No map of where the model looked</figure>",
        }
        *page += "</div>";
    }
    *page += "<div class=\"row strip\">";
    for (time, frame) in picture::strip(&material.clip) {
        figure(page, &frame.into(), &format!("{time:.1} s"))?;
    }
    *page += "</div>";
    Ok(())
}

fn figure(page: &mut String, picture: &DynamicImage, words: &str) -> ImageResult<()> {
    let data = STANDARD.encode(picture::png(picture)?);
    let words = escape(words);
    let _ = write!(
        page,
        "<figure><img alt=\"{words}\" src=\"data:image/png;base64,{data}\">\
         <figcaption>{words}</figcaption></figure>"
    );
    Ok(())
}

/// What is known, a line each; what is not known has none.
fn rows(facts: &Facts) -> Vec<(String, String)> {
    let record = facts.record();
    let mut rows = Vec::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            rows.push((name.to_owned(), value.to_owned()));
        }
    };
    let patient = &record.patient;
    if facts.identified() {
        row("Patient", &patient.name);
        let known = [&patient.born, &patient.sex].map(String::as_str);
        row(
            "Born, sex",
            &known.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", "),
        );
    }
    row("Number", &patient.number);
    row("Date", &facts.date_words());
    row("Operator", &record.operator);
    for line in summary::lines(facts) {
        if let Some((name, value)) = line.split_once(": ") {
            row(name, value);
        }
    }
    let signs = record.place.as_ref().map(|place| place.vital_signs).unwrap_or_default();
    row("Vital signs", &vital_signs(&signs));
    row("Source", &record.means.source);
    row("Box", &record.means.device);
    rows
}

fn vital_signs(signs: &VitalSigns) -> String {
    let age = signs.age_months.map(|months| format!("age {}", VitalSigns::age_words(months)));
    let measured = VitalSign::ALL.into_iter().filter_map(|sign| {
        let value = signs.value(sign)?;
        Some(format!("{} {value} {}", sign.name(), sign.unit()))
    });
    age.into_iter().chain(measured).collect::<Vec<_>>().join(", ")
}
