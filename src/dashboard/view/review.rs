//! The last minute, frame by frame: what was seen, and what was made of it at that instant.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::history::Curve;
use super::{explained, kept, paragraph};
use crate::dashboard::Dashboard;
use crate::dashboard::picture::Overlay;
use crate::dashboard::theme::Face;
use crate::dashboard::width::pad;
use crate::reel::{Moment, SPAN, STEP};
use crate::snapshot::Snapshot;

/// Columns of the words beside the picture.
const WORDS: u16 = 30;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let (reel, texts) = (dashboard.reviewed(), &dashboard.texts);
    let opened = dashboard.kept.opened.as_deref();
    let index = dashboard.place.moment(reel);
    let Some((index, moment)) = index.and_then(|i| Some((i, reel.get(i)?))) else {
        return frame.render_widget(paragraph(&texts.get("review-empty"), area.width), area);
    };
    let curve = (area.height / 4).clamp(5, 12);
    let rows = [Constraint::Min(0), Constraint::Length(curve)];
    let [upper, lower] = Layout::vertical(rows).areas(area);
    let columns = [Constraint::Min(0), Constraint::Length(1), Constraint::Length(WORDS)];
    let [picture, _, words] = Layout::horizontal(columns).areas(upper);
    let map = dashboard.map(index);
    let (heat, outline) =
        map.map_or((&moment.heat, &moment.outline), |map| (&map.heat, &map.outline));
    let mapped = opened.is_none_or(|opened| opened.mapped);
    let overlay = mapped.then_some(Overlay { heat, outline });
    explained(dashboard, snapshot, &moment.picture, overlay, picture, frame);
    let mut lines = facts(dashboard, snapshot, moment, index);
    if let Some(opened) = opened {
        let failed = map.and_then(|map| map.failed.as_deref());
        lines.extend(kept::facts(dashboard, snapshot, opened, failed, usize::from(WORDS)));
    }
    frame.render_widget(Paragraph::new(lines), words);
    let values: Vec<f32> = reel.iter().map(|moment| moment.probability).collect();
    let levels = [snapshot.identity.refer, snapshot.identity.clear];
    let (room, step) = match opened {
        Some(opened) => (values.len(), opened.step),
        None => ((SPAN.as_millis() / STEP.as_millis()) as usize, STEP),
    };
    let curve = Curve { values: &values, room, levels, cursor: Some(index) };
    curve.render(dashboard, step, lower, frame);
}

fn facts(
    dashboard: &Dashboard,
    snapshot: &Snapshot,
    moment: &Moment,
    index: usize,
) -> Vec<Line<'static>> {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let face = Face::of_verdict(moment.verdict);
    let word = texts.coded("banner", face.code());
    let word = format!(" {} {word} ", dashboard.symbols.shape(face));
    let mut lines = vec![Line::styled(word, theme.banner(face)), Line::default()];
    let mut fact = |key: &str, value: String| {
        let name = Span::styled(pad(&texts.get(key), 11), theme.quiet());
        lines.push(Line::from(vec![name, value.into()]));
    };
    if dashboard.kept.opened.is_some() {
        fact("fact-moment", format!("{} s", texts.decimal(moment.at.as_secs_f32(), 1)));
    } else {
        let back = snapshot.uptime.saturating_sub(moment.at).as_secs_f32();
        let seconds = texts.decimal(back, 1).into();
        fact("fact-moment", texts.with("ago", &[("seconds", seconds)]));
        fact("fact-exam", moment.exam.number.to_string());
    }
    let score = moment.verdict.map(|_| texts.decimal(moment.probability, 2));
    fact("fact-score", score.unwrap_or_else(|| dashboard.symbols.none.to_owned()));
    let flaw = moment.flaw.map(|flaw| texts.coded("flaw", flaw.code()));
    fact("fact-picture", flaw.unwrap_or_else(|| texts.get("usable").into_owned()));
    fact("fact-place", format!("{} / {}", index + 1, dashboard.reviewed().len()));
    let reason = moment.verdict.and_then(|verdict| verdict.reason());
    if let Some(reason) = reason {
        lines.push(Line::default());
        let words = texts.coded("reason", reason.code());
        let rows = crate::dashboard::width::fold(&words, usize::from(WORDS), 0);
        lines.extend(rows.into_iter().map(Line::raw));
    }
    lines
}
