//! The evaluation as one HTML file with its plots inside, readable without a network.

use std::fmt::Write;

use plotters::prelude::*;

use super::{BINS, Bin, Case, Figure, Metrics, reliability, roc};

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
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}table{border-collapse:collapse}\
th,td{padding:.25rem .8rem;border-bottom:1px solid #ccc;text-align:left}td.n{text-align:right}\
.caveat{background:#fff4d6;border-left:.3rem solid #d98e00;padding:.5rem 1rem;margin:.5rem 0}\
.plots{display:flex;flex-wrap:wrap;gap:1rem}small{color:#666}";

/// Renders the page; `strata` holds the metrics of each part of the cases.
pub fn html(
    heading: &Heading,
    cases: &[Case],
    metrics: &Metrics,
    strata: &[(String, Metrics)],
) -> String {
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
    page += "</table><h2>Figures</h2>";
    figures(&mut page, metrics);
    page += "<h2>Plots</h2><div class=\"plots\">";
    for plot in [roc_plot(cases), reliability_plot(cases), score_plot(cases)] {
        // A plot that cannot be drawn must not cost the figures.
        page += &plot.unwrap_or_else(|e| format!("<p>{}</p>", escape(&e)));
    }
    page += "</div><h2>Label against verdict</h2>";
    let c = metrics.confusion;
    let _ = write!(
        page,
        "<table><tr><th><th>refer<th>clear<th>ungradable\
         <tr><th>positive<td class=n>{}<td class=n>{}<td class=n>{}\
         <tr><th>negative<td class=n>{}<td class=n>{}<td class=n>{}</table>",
        c.positive_refer,
        c.positive_clear,
        c.positive_ungradable,
        c.negative_refer,
        c.negative_clear,
        c.negative_ungradable
    );
    if !strata.is_empty() {
        page += "<h2>By stratum</h2><table><tr><th>stratum<th>clips<th>positive<th>AUC\
                 <th>sensitivity<th>specificity<th>ungradable";
        for (name, m) in strata {
            let _ = write!(
                page,
                "<tr><th>{}<td class=n>{}<td class=n>{}",
                escape(name),
                m.clips,
                m.positives
            );
            for figure in [m.auc, m.sensitivity, m.specificity, m.ungradable_share] {
                let _ = write!(page, "<td>{}", interval(&figure));
            }
        }
        page += "</table>";
    }
    clips(&mut page, cases);
    page += "<p><small>Decision support for research and training. Not a medical device. \
             Intervals: 95 %, percentile bootstrap over groups.</small>";
    page
}

fn figures(page: &mut String, m: &Metrics) {
    let _ = write!(
        page,
        "<p>{} clips of {} groups, {} positive.<table>",
        m.clips, m.groups, m.positives
    );
    for (name, figure) in [
        ("Area under the ROC curve, every clip scored", &m.auc),
        ("Sensitivity, every clip scored", &m.sensitivity),
        ("Specificity, every clip scored", &m.specificity),
        ("Balanced accuracy, every clip scored", &m.balanced_accuracy),
        ("Sensitivity of the verdicts given", &m.graded_sensitivity),
        ("Specificity of the verdicts given", &m.graded_specificity),
        ("Share ungradable", &m.ungradable_share),
        ("Expected calibration error, 10 bins", &m.calibration_error),
    ] {
        let _ = write!(page, "<tr><th>{name}<td>{}", interval(figure));
    }
    page.push_str("</table>");
}

fn clips(page: &mut String, cases: &[Case]) {
    page.push_str(
        "<h2>Clips</h2><details><summary>every clip</summary><table>\
                   <tr><th>clip<th>group<th>label<th>verdict<th>score",
    );
    for case in cases {
        let _ = write!(
            page,
            "<tr><td>{}<td>{}<td>{}<td>{}<td class=n>{:.3}",
            escape(&case.name),
            escape(&case.group),
            escape(&case.label),
            case.verdict.word(),
            case.score
        );
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const SIZE: (u32, u32) = (420, 360);

/// Draws into an SVG string on axes from 0 to 1 (and `top` upwards).
fn plot(
    caption: &str,
    (x, y): (&str, &str),
    top: f64,
    draw: impl FnOnce(
        &mut ChartContext<
            '_,
            SVGBackend<'_>,
            Cartesian2d<
                plotters::coord::types::RangedCoordf64,
                plotters::coord::types::RangedCoordf64,
            >,
        >,
    ) -> Result<(), String>,
) -> Result<String, String> {
    let words = |e: &dyn std::fmt::Display| format!("{caption} cannot be drawn: {e}");
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .caption(caption, ("sans-serif", 16))
            .margin(8)
            .x_label_area_size(36)
            .y_label_area_size(44)
            .build_cartesian_2d(0.0..1.0, 0.0..top)
            .map_err(|e| words(&e))?;
        chart
            .configure_mesh()
            .x_desc(x)
            .y_desc(y)
            .light_line_style(TRANSPARENT)
            .draw()
            .map_err(|e| words(&e))?;
        draw(&mut chart)?;
        area.present().map_err(|e| words(&e))?;
    }
    Ok(svg)
}

const INK: RGBColor = RGBColor(0, 90, 160);
const OTHER: RGBColor = RGBColor(213, 94, 0);

fn roc_plot(cases: &[Case]) -> Result<String, String> {
    plot("ROC", ("1 - specificity", "sensitivity"), 1.0, |chart| {
        let diagonal = LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.3));
        chart.draw_series(diagonal).map_err(|e| e.to_string())?;
        let curve = LineSeries::new(roc(cases), INK.stroke_width(2));
        chart.draw_series(curve).map(drop).map_err(|e| e.to_string())
    })
}

fn reliability_plot(cases: &[Case]) -> Result<String, String> {
    plot("Reliability", ("mean score", "share positive"), 1.0, |chart| {
        let diagonal = LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.3));
        chart.draw_series(diagonal).map_err(|e| e.to_string())?;
        let bins = reliability(cases.iter());
        let filled: Vec<&Bin> = bins.iter().filter(|bin| bin.clips > 0).collect();
        let points = filled.iter().map(|bin| (bin.predicted, bin.observed));
        chart.draw_series(LineSeries::new(points, INK.mix(0.5))).map_err(|e| e.to_string())?;
        let dots = filled.iter().map(|bin| {
            let radius = 3 + (bin.clips as f64).sqrt() as i32;
            Circle::new((bin.predicted, bin.observed), radius, INK.filled())
        });
        chart.draw_series(dots).map(drop).map_err(|e| e.to_string())
    })
}

/// Number of clips a bin of scores, positives beside negatives.
fn score_plot(cases: &[Case]) -> Result<String, String> {
    let count = |positive: bool| {
        let mut counts = [0u32; BINS];
        for case in cases.iter().filter(|c| c.positive == positive) {
            counts[((case.score * BINS as f32) as usize).min(BINS - 1)] += 1;
        }
        counts
    };
    let (positive, negative) = (count(true), count(false));
    let top = positive.iter().chain(&negative).max().copied().unwrap_or(0).max(1);
    plot("Scores (orange: positive)", ("score", "clips"), f64::from(top) * 1.05, |chart| {
        for (counts, colour, shift) in [(negative, INK, 0.0), (positive, OTHER, 0.5)] {
            let bars = counts.iter().enumerate().map(|(i, &n)| {
                let x = (i as f64 + shift) / BINS as f64;
                let corners = [(x, 0.0), (x + 0.45 / BINS as f64, f64::from(n))];
                Rectangle::new(corners, colour.filled())
            });
            chart.draw_series(bars).map_err(|e| e.to_string())?;
        }
        Ok(())
    })
}
