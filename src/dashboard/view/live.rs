//! The live view: picture and evidence on the left, verdict, scores, state and log on the right.

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::{banner, explained, facts, history, section};
use crate::dashboard::Dashboard;
use crate::dashboard::picture::Overlay;
use crate::exam::State;
use crate::snapshot::Snapshot;

/// Width of the widest word in large letters, where there is little room.
const WORDS_WIDTH: u16 = 40;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, body: Rect, frame: &mut Frame) {
    let right = WORDS_WIDTH.max(body.width * 2 / 5).min(body.width / 2);
    let columns = [Constraint::Min(0), Constraint::Length(1), Constraint::Length(right)];
    let [left, _, right] = Layout::horizontal(columns).areas(body);
    let curve = (body.height / 4).clamp(5, 12);
    let [shown, evidence] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(curve)]).areas(left);
    picture(dashboard, snapshot, shown, frame);
    history::render(dashboard, snapshot, evidence, frame);
    let banner = 8 + banner::lost(dashboard, snapshot, right.width).len() as u16;
    let facts = facts::lines(dashboard, snapshot, right.width, body.height.saturating_sub(banner));
    let rows =
        [Constraint::Length(banner), Constraint::Length(facts.len() as u16), Constraint::Min(0)];
    let [verdict, state, log] = Layout::vertical(rows).areas(right);
    banner::render(dashboard, snapshot, verdict, frame);
    frame.render_widget(Paragraph::new(facts), state);
    events(dashboard, log, frame);
}

/// The picture, and below it what the colours on it mean. Once an exam is held it is the one that
/// speaks most for the verdict, and words above it say which of the two there is.
fn picture(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    if !dashboard.show_picture {
        let words = Line::styled(texts.get("picture-hidden"), theme.quiet());
        return frame.render_widget(words.alignment(Alignment::Center), area);
    }
    let frozen = dashboard.frozen(snapshot);
    let mut area = area;
    if snapshot.exam.state == State::Held {
        let rows = [Constraint::Length(1), Constraint::Min(0)];
        let [above, rest] = Layout::vertical(rows).areas(area);
        let key = if frozen.is_some() { "picture-frozen" } else { "picture-live" };
        let words = Line::styled(format!(" {} ", texts.get(key)), theme.accent().reversed());
        frame.render_widget(words.centered(), above);
        area = rest;
    }
    let (shown, heat, outline) = match frozen {
        Some(moment) => (&moment.picture, &moment.heat, &moment.outline),
        None => (&snapshot.picture, &snapshot.heat, &snapshot.outline),
    };
    let overlay = Some(Overlay { heat, outline });
    explained(dashboard, snapshot, shown, overlay, area, frame);
}

fn events(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let block = section(dashboard, &dashboard.texts.get("title-log"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (usize::from(inner.width), usize::from(inner.height));
    let lines = dashboard.log.tail(height, width).into_iter().map(Line::raw);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}
