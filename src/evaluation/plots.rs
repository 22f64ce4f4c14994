//! The plots of the report, as SVG.

use plotters::prelude::*;

use super::statistics::bin;
use super::{BINS, Call, Case, Outcome};

/// One scored clip of one column of folds.
struct Point {
    score: f32,
    positive: bool,
    /// How far the score is from the threshold.
    margin: f32,
    right: bool,
}

fn points(cases: &[Case]) -> Vec<Point> {
    let point = |outcome: &Outcome, positive: bool| Point {
        score: outcome.score,
        positive,
        margin: (outcome.score - outcome.threshold).abs(),
        right: (outcome.score >= outcome.threshold) == positive,
    };
    let labelled = cases.iter().filter_map(|case| Some((case, case.positive?)));
    labelled
        .flat_map(|(case, positive)| case.outcomes.iter().flatten().map(move |o| (o, positive)))
        .map(|(outcome, positive)| point(outcome, positive))
        .collect()
}

/// Share that got a verdict, and share of wrong ones among them.
fn at_verdicts(cases: &[Case]) -> Option<(f64, f64)> {
    let (mut all, mut graded, mut wrong) = (0.0, 0.0, 0.0);
    for case in cases {
        let Some(positive) = case.positive else { continue };
        for outcome in case.outcomes.iter().flatten() {
            all += 1.0;
            if outcome.verdict != Call::Ungradable {
                graded += 1.0;
                wrong += f64::from(u8::from((outcome.verdict == Call::Refer) != positive));
            }
        }
    }
    (graded > 0.0).then(|| (graded / all, wrong / graded))
}

/// The plots that the cases have labels for, or in words why one is missing.
pub fn plots(cases: &[Case]) -> Vec<String> {
    let points = points(cases);
    if points.is_empty() {
        return Vec::new();
    }
    let plots =
        [roc(&points), reliability(&points), scores(&points), coverage(points, at_verdicts(cases))];
    // A plot that cannot be drawn must not cost the figures.
    plots.into_iter().map(|plot| plot.unwrap_or_else(|e| format!("<p>{e}</p>"))).collect()
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

fn roc(points: &[Point]) -> Result<String, String> {
    plot("ROC", ("1 - specificity", "sensitivity"), 1.0, |chart| {
        let diagonal = LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.3));
        chart.draw_series(diagonal).map_err(|e| e.to_string())?;
        let curve = LineSeries::new(roc_curve(points), INK.stroke_width(2));
        chart.draw_series(curve).map(drop).map_err(|e| e.to_string())
    })
}

/// Pairs of false and true positive rate, from (0, 0) to (1, 1).
fn roc_curve(points: &[Point]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<&Point> = points.iter().collect();
    sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
    let positives = points.iter().filter(|p| p.positive).count();
    let negatives = points.len() - positives;
    let (mut tp, mut fp, mut curve) = (0, 0, vec![(0.0, 0.0)]);
    for tie in sorted.chunk_by(|a, b| a.score == b.score) {
        let hits = tie.iter().filter(|p| p.positive).count();
        (tp, fp) = (tp + hits, fp + tie.len() - hits);
        curve.push((fp as f64 / negatives.max(1) as f64, tp as f64 / positives.max(1) as f64));
    }
    curve
}

fn reliability(points: &[Point]) -> Result<String, String> {
    // Clips, sum of scores, positives.
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for point in points {
        let (clips, predicted, observed) = &mut bins[bin(point.score)];
        *clips += 1.0;
        *predicted += f64::from(point.score);
        *observed += f64::from(u8::from(point.positive));
    }
    let filled: Vec<(f64, f64, f64)> = bins
        .into_iter()
        .filter(|(clips, ..)| *clips > 0.0)
        .map(|(clips, predicted, observed)| (clips, predicted / clips, observed / clips))
        .collect();
    plot("Reliability", ("mean score", "share positive"), 1.0, |chart| {
        let diagonal = LineSeries::new([(0.0, 0.0), (1.0, 1.0)], BLACK.mix(0.3));
        chart.draw_series(diagonal).map_err(|e| e.to_string())?;
        let line = LineSeries::new(filled.iter().map(|&(_, x, y)| (x, y)), INK.mix(0.5));
        chart.draw_series(line).map_err(|e| e.to_string())?;
        let most = filled.iter().map(|(clips, ..)| *clips).fold(1.0, f64::max);
        let dots = filled.iter().map(|&(clips, x, y)| {
            Circle::new((x, y), 3 + (12.0 * (clips / most).sqrt()) as i32, INK.filled())
        });
        chart.draw_series(dots).map(drop).map_err(|e| e.to_string())
    })
}

/// Share of wrong calls among the clips farthest from the threshold; the dot is the verdicts given.
fn coverage(mut points: Vec<Point>, given: Option<(f64, f64)>) -> Result<String, String> {
    points.sort_by(|a, b| b.margin.total_cmp(&a.margin));
    let (mut wrong, mut curve) = (0.0, Vec::with_capacity(points.len()));
    for (i, point) in points.iter().enumerate() {
        wrong += f64::from(u8::from(!point.right));
        curve.push(((i + 1) as f64 / points.len() as f64, wrong / (i + 1) as f64));
    }
    let highest = curve.iter().map(|(_, error)| *error).fold(0.0, f64::max);
    let top = (1.2 * highest.max(given.map_or(0.0, |(_, error)| error))).clamp(0.05, 1.0);
    plot("Coverage against error", ("coverage", "share wrong"), top, |chart| {
        let curve = LineSeries::new(curve, INK.stroke_width(2));
        chart.draw_series(curve).map_err(|e| e.to_string())?;
        let dot = given.map(|at| Circle::new(at, 5, OTHER.filled()));
        chart.draw_series(dot).map(drop).map_err(|e| e.to_string())
    })
}

/// Number of clips a bin of scores, positives beside negatives.
fn scores(points: &[Point]) -> Result<String, String> {
    let count = |positive: bool| {
        let mut counts = [0u32; BINS];
        points.iter().filter(|p| p.positive == positive).for_each(|p| counts[bin(p.score)] += 1);
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
