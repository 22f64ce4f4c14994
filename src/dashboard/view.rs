//! The live view: picture and evidence on the left, verdict, scores, state and log on the right;
//! or the verdict alone, as large as the screen.

mod banner;
pub mod facts;
mod history;
mod large;

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::Dashboard;
use super::picture::Overlay;
use super::width::{cut, fold, width};
use crate::exam::State;
use crate::snapshot::{Identity, Snapshot};

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (60, 16);
/// Width of the widest word in large letters, where there is little room.
const WORDS_WIDTH: u16 = 40;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, dashboard.theme.ground());
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(dashboard, area, frame);
    } else {
        let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)];
        let [top, body, bottom] = Layout::vertical(rows).areas(area);
        header(dashboard, snapshot, top, frame);
        keys(dashboard, snapshot, bottom, frame);
        if dashboard.large {
            large::render(dashboard, snapshot, body, frame);
        } else {
            live(dashboard, snapshot, body, frame);
        }
    }
    dashboard.symbols.settle(frame.buffer_mut());
}

fn too_small(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let least = [("width", LEAST.0.into()), ("height", LEAST.1.into())];
    let words = dashboard.texts.with("too-small", &least);
    frame.render_widget(paragraph(&words, area.width), area);
}

fn live(dashboard: &Dashboard, snapshot: &Snapshot, body: Rect, frame: &mut Frame) {
    let right = WORDS_WIDTH.max(body.width * 2 / 5).min(body.width / 2);
    let columns = [Constraint::Min(0), Constraint::Length(1), Constraint::Length(right)];
    let [left, _, right] = Layout::horizontal(columns).areas(body);
    let curve = (body.height / 4).clamp(5, 12);
    let [picture, evidence] =
        Layout::vertical([Constraint::Min(0), Constraint::Length(curve)]).areas(left);
    view(dashboard, snapshot, picture, frame);
    history::render(dashboard, snapshot, evidence, frame);
    let facts = facts::lines(dashboard, snapshot, right.width);
    let rows = [Constraint::Length(8), Constraint::Length(facts.len() as u16), Constraint::Min(0)];
    let [verdict, state, log] = Layout::vertical(rows).areas(right);
    banner::render(dashboard, snapshot, verdict, frame);
    frame.render_widget(Paragraph::new(facts), state);
    events(dashboard, log, frame);
}

/// `words` on rows that fit.
fn paragraph(words: &str, columns: u16) -> Paragraph<'static> {
    let rows = fold(words, usize::from(columns), 0);
    Paragraph::new(rows.into_iter().map(Line::raw).collect::<Vec<_>>())
}

/// A part of the screen with a line and a title above it.
fn section(dashboard: &Dashboard, title: &str) -> Block<'static> {
    Block::new()
        .borders(Borders::TOP)
        .border_set(dashboard.symbols.border)
        .title(format!(" {title} "))
        .border_style(dashboard.theme.quiet())
}

/// The picture, and below it what the colours on it mean.
fn view(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    if !dashboard.show_picture {
        let words = dashboard.texts.get("picture-hidden");
        let words = Line::styled(words, dashboard.theme.quiet());
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
    let texts = &dashboard.texts;
    let heat = heat_map.then(|| [texts.get("legend-for"), texts.get("legend-against")]);
    let outlined = outlined.as_ref().map(|word| (2, texts.term(word)));
    let words: Vec<_> = heat.into_iter().flatten().enumerate().chain(outlined).collect();
    let styles = dashboard.theme.overlay();
    let marks = dashboard.symbols.marks.map(String::from);
    let item = |(i, words): (usize, Cow<str>)| {
        [Span::styled(marks[i].clone(), styles[i]), Span::raw(format!(" {words}  "))]
    };
    (dashboard.show_overlay && !words.is_empty())
        .then(|| words.into_iter().flat_map(item).collect())
}

fn header(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let (identity, texts) = (&snapshot.identity, &dashboard.texts);
    let notice = Line::styled(texts.get("notice"), dashboard.theme.quiet());
    let notice_width = notice.width() as u16 + 1;
    let mut spans = vec![Span::styled("Sonolamp ", dashboard.theme.strong())];
    if identity.demonstration {
        spans.push(Span::styled(format!(" {} ", texts.get("demo")), dashboard.theme.demo()));
        spans.push(Span::raw(" "));
    }
    let taken = spans.iter().map(|span| width(&span.content)).sum();
    let room = usize::from(area.width.saturating_sub(notice_width)).saturating_sub(taken);
    spans.push(Span::raw(cut(&identity.source, room)));
    frame.render_widget(Line::from(spans), area);
    let width = notice_width.min(area.width);
    let place = Rect { x: area.right() - width, width, ..area };
    frame.render_widget(notice.alignment(Alignment::Right), place);
}

fn keys(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let texts = &dashboard.texts;
    let button = match snapshot.exam.state {
        State::Idle | State::Ended => texts.get("key-start"),
        State::Scanning => texts.get("key-hold"),
        State::Held => texts.get("key-end"),
    };
    let overlay = match &*snapshot.identity {
        Identity { heat_map: true, .. } => Some(texts.get("key-map")),
        Identity { outlined: Some(_), .. } => Some(texts.get("key-outline")),
        _ => None,
    };
    let space = texts.get("key-space");
    let mut keys = vec![(&*space, button), ("n", texts.get("key-new"))];
    if dashboard.large {
        keys.push(("l", texts.get("key-normal")));
    } else {
        keys.push(("p", texts.get("key-picture")));
        keys.extend(overlay.map(|overlay| ("m", overlay)));
        keys.push(("l", texts.get("key-large")));
    }
    keys.push(("q", texts.get("key-quit")));
    let line = |gap: &str| -> Line<'static> {
        let item = |(key, what): &(&str, Cow<str>)| {
            let key = Span::styled(format!(" {key} "), dashboard.theme.accent());
            [key, Span::raw(format!("{what}{gap}"))]
        };
        keys.iter().flat_map(item).collect()
    };
    let wide = line("  ");
    let fits = wide.width() <= usize::from(area.width) + 2;
    frame.render_widget(if fits { wide } else { line("") }, area);
}

fn events(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let block = section(dashboard, &dashboard.texts.get("title-log"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (usize::from(inner.width), usize::from(inner.height));
    let lines = dashboard.log.tail(height, width).into_iter().map(Line::raw);
    frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
}
