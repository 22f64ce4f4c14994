//! The live view: picture and evidence on the left, verdict, scores, state and log on the right.

use std::fmt::Display;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Block, Borders, Chart, Dataset, GraphType, Paragraph, Wrap};
use tui_big_text::{BigText, PixelSize};

use super::Dashboard;
use super::picture::{MARKS, Overlay};
use crate::exam::State;
use crate::snapshot::{HISTORY, HISTORY_STEP, Identity, Light, Snapshot};

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (60, 16);
/// Width of the widest word in large letters.
const WORDS_WIDTH: u16 = 40;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, frame: &mut Frame) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let words = format!("Sonolamp needs at least {} × {} characters", LEAST.0, LEAST.1);
        frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
        return;
    }
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
    let [top, body, bottom] = Layout::vertical(rows).areas(area);
    header(dashboard, snapshot, top, frame);
    keys(dashboard, snapshot, bottom, frame);
    let right = WORDS_WIDTH.max(body.width * 2 / 5).min(body.width / 2);
    let columns = [Constraint::Min(0), Constraint::Length(1), Constraint::Length(right)];
    let [left, _, right] = Layout::horizontal(columns).areas(body);
    let curve = (body.height / 4).clamp(5, 12);
    let [picture, evidence] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(curve)]).areas(left);
    view(dashboard, snapshot, picture, frame);
    history(dashboard, snapshot, evidence, frame);
    let facts = facts(dashboard, snapshot, right.width);
    let rows = [Constraint::Length(8), Constraint::Length(facts.len() as u16), Constraint::Min(0)];
    let [verdict, state, log] = Layout::vertical(rows).areas(right);
    banner(dashboard, snapshot, verdict, frame);
    frame.render_widget(Paragraph::new(facts), state);
    events(dashboard, log, frame);
}

/// The picture, and below it what the colours on it mean.
fn view(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    if !dashboard.show_picture {
        let words = Line::styled("picture hidden", dashboard.theme.quiet());
        return frame.render_widget(words.alignment(Alignment::Center), area);
    }
    let Some(legend) = legend(dashboard, snapshot) else {
        return dashboard.painter.draw(&snapshot.picture, None, area, frame);
    };
    let rows = [Constraint::Min(0), Constraint::Length(1)];
    let [picture, below] = Layout::vertical(rows).areas(area);
    let overlay = Overlay { heat: &snapshot.heat, outline: &snapshot.outline };
    dashboard.painter.draw(&snapshot.picture, Some(overlay), picture, frame);
    frame.render_widget(legend.alignment(Alignment::Center), below);
}

/// None where nothing is laid over the picture.
fn legend(dashboard: &Dashboard, snapshot: &Snapshot) -> Option<Line<'static>> {
    let Identity { heat_map, outlined, .. } = &*snapshot.identity;
    let heat = heat_map.then(|| ["speaks for refer", "against"].map(str::to_owned));
    let words: Vec<(usize, String)> =
        heat.into_iter().flatten().enumerate().chain(outlined.clone().map(|o| (2, o))).collect();
    let styles = dashboard.theme.overlay();
    let item = |(i, words): (usize, String)| {
        [Span::styled(MARKS[i].to_string(), styles[i]), Span::raw(format!(" {words}  "))]
    };
    (dashboard.show_overlay && !words.is_empty())
        .then(|| words.into_iter().flat_map(item).collect())
}

fn header(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let identity = &snapshot.identity;
    let mut spans = vec![Span::styled("Sonolamp ", dashboard.theme.strong())];
    if identity.demonstration {
        spans.push(Span::styled(" DEMO ", dashboard.theme.demo()));
        spans.push(Span::raw(" "));
    }
    spans.push(Span::raw(identity.source.as_str()));
    frame.render_widget(Line::from(spans), area);
    let notice = Line::styled("not a medical device", dashboard.theme.quiet());
    let width = notice.width() as u16 + 1;
    let place = Rect { x: area.right().saturating_sub(width), width, ..area };
    frame.render_widget(notice.alignment(Alignment::Right), place);
}

fn keys(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let button = match snapshot.exam.state {
        State::Idle | State::Ended => "start exam",
        State::Scanning => "hold",
        State::Held => "end exam",
    };
    let overlay = match &*snapshot.identity {
        Identity { heat_map: true, .. } => Some(("m", "map")),
        Identity { outlined: Some(_), .. } => Some(("m", "outline")),
        _ => None,
    };
    let keys = [("space", button), ("n", "new exam"), ("p", "picture")];
    let mut spans = Vec::new();
    for (key, what) in keys.into_iter().chain(overlay).chain([("q", "quit")]) {
        spans.push(Span::styled(format!(" {key} "), dashboard.theme.accent()));
        spans.push(Span::raw(format!("{what}  ")));
    }
    frame.render_widget(Line::from(spans), area);
}

/// The verdict as a large word with a shape, then why.
fn banner(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let theme = dashboard.theme;
    let banner = theme.banner(snapshot.fault.as_ref(), snapshot.verdict);
    let rows = [Constraint::Length(5), Constraint::Length(1), Constraint::Min(0)];
    let [word, line, why] = Layout::vertical(rows).areas(area);
    if word.width >= 4 * banner.word.len() as u16 {
        frame.render_widget(Block::new().style(banner.style), word);
        let text = BigText::builder()
            .pixel_size(PixelSize::Quadrant)
            .alignment(Alignment::Center)
            .style(banner.style)
            .lines(vec![banner.word.into()])
            .build();
        // Letters are four rows high, their last half row being empty.
        let [_, letters] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(word);
        frame.render_widget(text, letters);
    } else {
        let spaced: String = banner.word.chars().flat_map(|c| [c, ' ']).collect();
        let text = Paragraph::new(format!("\n\n{spaced}")).alignment(Alignment::Center);
        frame.render_widget(text.style(banner.style), word);
    }
    let exam = match snapshot.exam.state {
        State::Idle => "no exam yet".to_owned(),
        state => format!("exam {} {}", snapshot.exam.number, state.word()),
    };
    let mut spans = vec![Span::styled(format!("{} {}", banner.shape, banner.word), theme.strong())];
    if judged(snapshot) {
        spans.push(Span::raw(format!("  {:.2}", snapshot.evidence.probability)));
    }
    spans.push(Span::raw(format!("  {exam}")));
    frame.render_widget(Line::from(spans), line);
    let words = match (&snapshot.fault, snapshot.verdict) {
        (Some(fault), _) => fault.words.to_string(),
        (None, Some(verdict)) => verdict.reason().map_or("", |r| r.words()).to_owned(),
        (None, None) => "press space to start an exam".to_owned(),
    };
    frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), why);
}

/// Whether there is a verdict with at least one usable frame behind its scores.
fn judged(snapshot: &Snapshot) -> bool {
    snapshot.verdict.is_some() && snapshot.evidence.used > 0
}

fn facts(dashboard: &Dashboard, snapshot: &Snapshot, width: u16) -> Vec<Line<'static>> {
    let theme = dashboard.theme;
    let identity = &snapshot.identity;
    let (evidence, speed, counts) = (&snapshot.evidence, &snapshot.speed, &snapshot.counts);
    let mut lines = Vec::new();
    for (i, class) in identity.classes.iter().take(3).enumerate() {
        let share = judged(snapshot).then_some(evidence.classes[i]);
        lines.push(bar(class, share, width, theme.accent()));
    }
    for head in &identity.heads {
        let found = head.first(&evidence.scores).filter(|_| judged(snapshot));
        let words = found.map_or("–".to_owned(), |(label, share)| format!("{label} {share:.2}"));
        let name: String = head.name.chars().take(10).collect();
        lines.push(fact(dashboard, name, words));
    }
    let (usable, seen) = (evidence.usable.as_secs_f32(), evidence.seen.as_secs_f32());
    let gathered = match identity.min_evidence.as_secs_f32() {
        0.0 => "each picture by itself".to_owned(),
        needed => format!("{usable:.1} of {seen:.1} s, needs {needed:.1} s"),
    };
    lines.push(fact(dashboard, "evidence", gathered));
    let flaw = match (snapshot.exam.state, snapshot.flaw) {
        (State::Scanning, None) => "usable",
        (State::Scanning, Some(flaw)) => flaw.code(),
        _ => "not judged now",
    };
    let masked = 100.0 * snapshot.masked.inside;
    let advice = snapshot.advice.map(|advice| advice.words().to_owned());
    let picture = advice.unwrap_or_else(|| format!("{flaw}, {masked:.1} % masked"));
    lines.push(fact(dashboard, "picture", picture));
    lines.push(fact(dashboard, "speed", format!("{:.1} frames/s", speed.frames_per_second)));
    let (p50, p99) = (speed.latency_p50_ms, speed.latency_p99_ms);
    lines.push(fact(dashboard, "latency", format!("{p50:.0} ms p50, {p99:.0} ms p99")));
    let frames = format!("{} captured, {} dropped", counts.captured, counts.dropped);
    lines.push(fact(dashboard, "frames", frames));
    let bundle = format!("{} {}", identity.bundle, identity.bundle_digest);
    lines.push(fact(dashboard, "bundle", bundle));
    lines.push(lamps(dashboard, snapshot));
    lines
}

fn fact(dashboard: &Dashboard, name: impl Display, value: String) -> Line<'static> {
    Line::from(vec![Span::styled(format!("{name:<11}"), dashboard.theme.quiet()), value.into()])
}

/// A class with its probability as a bar, if there is one.
fn bar(name: &str, share: Option<f32>, width: u16, style: Style) -> Line<'static> {
    let room = usize::from(width).saturating_sub(11 + 6);
    let filled = (share.unwrap_or(0.0) * room as f32).round() as usize;
    let name: String = name.chars().take(10).collect();
    Line::from(vec![
        Span::raw(format!("{name:<11}")),
        Span::styled("█".repeat(filled.min(room)), style),
        Span::raw("░".repeat(room.saturating_sub(filled))),
        Span::raw(share.map_or("    –".to_owned(), |share| format!(" {share:.2}"))),
    ])
}

fn lamps(dashboard: &Dashboard, snapshot: &Snapshot) -> Line<'static> {
    let theme = dashboard.theme;
    let lights = snapshot.lights();
    let mut spans = vec![Span::styled(format!("{:<11}", "lamps"), theme.quiet())];
    for (name, light, style) in [
        ("refer", lights.refer, theme.refer()),
        ("clear", lights.clear, theme.clear()),
        ("attention", lights.attention, theme.attention()),
    ] {
        let (shape, style) = match light {
            Light::Off => ("○", theme.quiet()),
            Light::On => ("●", style),
            Light::Blinking => ("◐", style),
        };
        spans.push(Span::styled(format!("{shape} {name}  "), style));
    }
    Line::from(spans)
}

/// The probability of referring over the latest seconds; between the two lines it is uncertain.
fn history(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let theme = dashboard.theme;
    let seconds = HISTORY as f64 * HISTORY_STEP.as_secs_f64();
    let values = snapshot.history.iter();
    let start = seconds - values.len() as f64 * HISTORY_STEP.as_secs_f64();
    let points: Vec<(f64, f64)> = values
        .enumerate()
        .map(|(i, p)| (start + i as f64 * HISTORY_STEP.as_secs_f64(), f64::from(p)))
        .collect();
    let level = |value: f32| [(0.0, f64::from(value)), (seconds, f64::from(value))];
    let (refer, clear) = (level(snapshot.identity.refer), level(snapshot.identity.clear));
    let line = |data, style| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(style)
            .data(data)
    };
    let datasets = vec![
        // One style for both: a cell has one colour, and small charts put both into the same cells.
        line(&refer[..], theme.quiet()),
        line(&clear[..], theme.quiet()),
        line(&points, theme.accent()),
    ];
    let title = format!(" probability of refer, last {seconds:.0} s ");
    let chart = Chart::new(datasets)
        .block(Block::new().borders(Borders::TOP).title(title).border_style(theme.quiet()))
        .x_axis(Axis::default().bounds([0.0, seconds]))
        .y_axis(Axis::default().bounds([0.0, 1.0]).labels(["0", "1"]));
    frame.render_widget(chart, area);
}

fn events(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let block =
        Block::new().borders(Borders::TOP).title(" log ").border_style(dashboard.theme.quiet());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (usize::from(inner.width), usize::from(inner.height));
    let lines = dashboard.log.tail(height, width).into_iter().map(Line::raw);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}
