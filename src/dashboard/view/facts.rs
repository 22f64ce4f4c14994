//! Evidence as a ring, then scores, speed and lamps, a line each.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::banner::judged;
use super::{patient, ring};
use crate::dashboard::Dashboard;
use crate::dashboard::width::pad;
use crate::exam::State;
use crate::snapshot::{Light, Snapshot};
use crate::texts::Value;

/// Columns of a fact's name, with the gap after it.
pub const NAME: usize = 11;
/// Rows from which on there is room for a larger ring, and for what the technician asks.
const ROOMY: u16 = 22;
const DETAILED: u16 = 16;

pub fn lines(
    dashboard: &Dashboard,
    snapshot: &Snapshot,
    width: u16,
    rows: u16,
) -> Vec<Line<'static>> {
    let texts = &dashboard.texts;
    let identity = &snapshot.identity;
    let (evidence, speed, counts) = (&snapshot.evidence, &snapshot.speed, &snapshot.counts);
    let none = dashboard.symbols.none;
    let mut lines = ring::lines(dashboard, snapshot, if rows < ROOMY { 3 } else { 5 });
    for (i, class) in identity.classes.iter().take(3).enumerate() {
        let share = judged(snapshot).then_some(evidence.classes[i]);
        lines.push(bar(dashboard, &texts.term(class), share, width));
    }
    let decimal = |value: f32, digits| Value::from(texts.decimal(value, digits));
    let mut fact = |name: Cow<str>, value: String| {
        let name = Span::styled(label(&name), dashboard.theme.quiet());
        lines.push(Line::from(vec![name, value.into()]));
    };
    if let Some(title) = patient::title(dashboard, snapshot) {
        fact(texts.get("fact-patient"), title);
    }
    for head in &identity.heads {
        let found = head.first(&evidence.scores).filter(|_| judged(snapshot));
        let words = found.map_or(none.to_owned(), |(label, share)| {
            format!("{} {}", texts.term(label), texts.decimal(share, 2))
        });
        fact(texts.term(&head.name), words);
    }
    let advice = snapshot.advice.map(|advice| texts.coded("advice", advice.code()));
    let picture = match (snapshot.exam.state, snapshot.flaw) {
        (State::Scanning, None) => texts.get("usable").into_owned(),
        (State::Scanning, Some(flaw)) => texts.coded("flaw", flaw.code()),
        _ => texts.get("not-judged").into_owned(),
    };
    let masked = decimal(100.0 * snapshot.masked.inside, 1);
    let words = texts.with("masked", &[("picture", picture.into()), ("percent", masked)]);
    fact(texts.get("fact-picture"), advice.unwrap_or(words));
    let words = texts.with("speed", &[("frames", decimal(speed.frames_per_second, 1))]);
    fact(texts.get("fact-speed"), words);
    if rows >= DETAILED {
        let (median, slow) = (decimal(speed.latency_p50_ms, 0), decimal(speed.latency_p99_ms, 0));
        let latency = texts.with("latency", &[("median", median), ("slow", slow)]);
        fact(texts.get("fact-latency"), latency);
        let frames = [("captured", counts.captured.into()), ("dropped", counts.dropped.into())];
        fact(texts.get("fact-frames"), texts.with("frames", &frames));
    }
    fact(texts.get("fact-bundle"), format!("{} {}", identity.bundle, identity.bundle_digest));
    lines.push(lamps(dashboard, snapshot, width));
    lines
}

/// A name in its column.
fn label(name: &str) -> String {
    pad(name, NAME - 1) + " "
}

/// A class with its probability as a bar, if there is one.
fn bar(dashboard: &Dashboard, name: &str, share: Option<f32>, width: u16) -> Line<'static> {
    let symbols = dashboard.symbols;
    let room = usize::from(width).saturating_sub(NAME + 6);
    let filled = ((share.unwrap_or(0.0) * room as f32).round() as usize).min(room);
    let share = share.map_or(symbols.none.to_owned(), |share| dashboard.texts.decimal(share, 2));
    Line::from(vec![
        Span::raw(label(name)),
        Span::styled(symbols.bar[0].repeat(filled), dashboard.theme.accent()),
        Span::raw(symbols.bar[1].repeat(room - filled)),
        Span::raw(format!(" {share:>4}")),
    ])
}

pub fn lamps(dashboard: &Dashboard, snapshot: &Snapshot, width: u16) -> Line<'static> {
    let (theme, texts) = (dashboard.theme, &dashboard.texts);
    let lights = snapshot.lights();
    let lamps = [
        (texts.get("lamp-refer"), lights.refer, theme.refer()),
        (texts.get("lamp-clear"), lights.clear, theme.clear()),
        (texts.get("lamp-attention"), lights.attention, theme.attention()),
    ];
    let line = |gap: &str| -> Line<'static> {
        let item = |(name, light, style): &(Cow<str>, Light, Style)| {
            let style = if *light == Light::Off { theme.quiet() } else { *style };
            Span::styled(format!("{} {name}{gap}", dashboard.symbols.lamp(*light)), style)
        };
        let name = Span::styled(label(&texts.get("fact-lamps")), theme.quiet());
        std::iter::once(name).chain(lamps.iter().map(item)).collect()
    };
    let wide = line("  ");
    // The last gap may be cut.
    if wide.width() <= usize::from(width) + 2 { wide } else { line(" ") }
}
