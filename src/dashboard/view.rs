//! What is drawn: a line of state, the tabs, one of the views, and the keys that it knows.

mod banner;
mod device;
mod dialog;
mod exams;
pub mod facts;
pub mod help;
mod history;
mod kept;
mod keys;
mod large;
mod live;
mod patient;
mod review;
mod ring;
mod vitals;
mod zones;

use std::borrow::Cow;
use std::ops::Range;

use ratatui::Frame;
use ratatui::layout::{Alignment, Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use super::Dashboard;
use super::picture::Overlay;
use super::place::View;
use super::theme::Face;
use super::width::{cut, fold, width};
use crate::snapshot::{Identity, Picture, Snapshot};

/// Below this nothing useful fits.
const LEAST: (u16, u16) = (60, 17);
/// Row of the tabs.
pub const TABS_ROW: u16 = 1;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, frame: &mut Frame) {
    let area = frame.area();
    frame.buffer_mut().set_style(area, dashboard.theme.ground());
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(dashboard, area, frame);
    } else {
        let line = Constraint::Length(1);
        let rows = [line, line, Constraint::Min(0), line];
        let [top, second, body, bottom] = Layout::vertical(rows).areas(area);
        header(dashboard, snapshot, top, frame);
        tabs(dashboard, snapshot, second, frame);
        keys::render(dashboard, snapshot, bottom, frame);
        let body = news(dashboard, snapshot, body, frame);
        match dashboard.place.view {
            View::Live if dashboard.large => large::render(dashboard, snapshot, body, frame),
            View::Live => live::render(dashboard, snapshot, body, frame),
            View::Review => review::render(dashboard, snapshot, body, frame),
            View::Exams if dashboard.archive.is_some() => kept::render(dashboard, body, frame),
            View::Exams => exams::render(dashboard, body, frame),
            View::Device => device::render(dashboard, snapshot, body, frame),
            View::Help => help::render(dashboard, body, frame),
            View::Zones => zones::render(dashboard, snapshot, body, frame),
        }
        dialog::render(dashboard, snapshot, body, frame);
    }
    dashboard.symbols.settle(frame.buffer_mut());
}

fn too_small(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let least = [("width", LEAST.0.into()), ("height", LEAST.1.into())];
    let words = dashboard.texts.with("too-small", &least);
    frame.render_widget(paragraph(&words, area.width), area);
}

/// What is said of an update, while it is news, on the last rows of `area`; returns the rest.
fn news(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) -> Rect {
    let Some(update) = snapshot.device.update.as_ref().filter(|update| update.news) else {
        return area;
    };
    let words = format!("{}: {}", dashboard.texts.get("device-update"), update.words);
    let rows = fold(&words, usize::from(area.width), 0).len() as u16;
    let rows = [Constraint::Min(0), Constraint::Length(rows.min(area.height / 3))];
    let [rest, place] = Layout::vertical(rows).areas(area);
    let words = paragraph(&words, area.width).style(dashboard.theme.accent().reversed());
    frame.render_widget(words, place);
    rest
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

/// A picture with what is laid over it, and below it what that means; or with nothing.
fn explained(
    dashboard: &Dashboard,
    snapshot: &Snapshot,
    picture: &Picture,
    overlay: Option<Overlay>,
    area: Rect,
    frame: &mut Frame,
) {
    let legend = overlay.map_or(Vec::new(), |_| legend(dashboard, snapshot, area.width));
    let rows = [Constraint::Min(0), Constraint::Length(legend.len() as u16)];
    let [place, below] = Layout::vertical(rows).areas(area);
    let overlay = overlay.filter(|_| !legend.is_empty());
    dashboard.painter.draw(picture, overlay, place, frame);
    frame.render_widget(Paragraph::new(legend).centered(), below);
}

/// What the marks mean, on as few lines as it takes; none where nothing is laid over the picture.
fn legend(dashboard: &Dashboard, snapshot: &Snapshot, columns: u16) -> Vec<Line<'static>> {
    let Identity { heat_map, outlined, .. } = &*snapshot.identity;
    let texts = &dashboard.texts;
    let heat = heat_map.then(|| [texts.get("legend-for"), texts.get("legend-against")]);
    let outlined = outlined.as_ref().map(|word| (2, texts.term(word)));
    let words: Vec<_> = heat.into_iter().flatten().enumerate().chain(outlined).collect();
    if !dashboard.show_overlay || words.is_empty() {
        return Vec::new();
    }
    let styles = dashboard.theme.overlay();
    let marks = dashboard.symbols.marks.map(String::from);
    let item = |(i, words): (usize, Cow<str>)| {
        [Span::styled(marks[i].clone(), styles[i]), Span::raw(format!(" {words}  "))]
    };
    let mut marks: Line = words.into_iter().flat_map(item).collect();
    if !heat_map {
        return vec![marks];
    }
    // A verdict is made of the whole picture: the map may well look otherwise.
    let note = Span::styled(texts.get("legend-note").into_owned(), dashboard.theme.quiet());
    if marks.width() + note.width() <= usize::from(columns) {
        marks.push_span(note);
        return vec![marks];
    }
    vec![marks, note.into()]
}

/// Each view with its number and the columns that its tab takes.
fn tab_places(dashboard: &Dashboard) -> impl Iterator<Item = (View, String, Range<u16>)> {
    let mut start = 0;
    View::shown(dashboard.place.zones).iter().zip(1..).map(move |(&view, number)| {
        let words = format!(" {number} {} ", dashboard.texts.coded("view", view.code()));
        let place = start..start + width(&words) as u16;
        start = place.end;
        (view, words, place)
    })
}

/// The view whose tab lies at a column.
pub fn tab_at(dashboard: &Dashboard, column: u16) -> Option<View> {
    tab_places(dashboard).find(|(_, _, place)| place.contains(&column)).map(|(view, _, _)| view)
}

/// The tabs; beside them, away from the live view, the verdict as it stands now.
fn tabs(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let style = |view| {
        let own = dashboard.place.view == view;
        if own { dashboard.theme.accent().reversed() } else { dashboard.theme.quiet() }
    };
    let tabs = tab_places(dashboard).map(|(view, words, _)| Span::styled(words, style(view)));
    let line: Line = tabs.collect();
    let taken = line.width() as u16;
    frame.render_widget(line, area);
    if dashboard.place.view == View::Live {
        if snapshot.examination.as_ref().is_some_and(|e| e.danger().next().is_some()) {
            let shape = dashboard.symbols.shape(Face::Refer);
            let words = format!(" {shape} {} ", dashboard.texts.get("danger-sign"));
            let mark = Line::styled(words, dashboard.theme.banner(Face::Refer));
            let rest = Rect { x: area.x + taken, width: area.width.saturating_sub(taken), ..area };
            frame.render_widget(mark.right_aligned(), rest);
        }
    } else {
        let face = Face::of(snapshot);
        let word = dashboard.texts.coded("banner", face.code());
        let word = format!(" {} {word} ", dashboard.symbols.shape(face));
        let state = Span::raw(format!(" {}", banner::exam(dashboard, snapshot)));
        let mut line = Line::from(vec![Span::styled(word, dashboard.theme.banner(face)), state]);
        if line.width() > usize::from(area.width.saturating_sub(taken)) {
            line.spans.truncate(1);
        }
        let rest = Rect { x: area.x + taken, width: area.width.saturating_sub(taken), ..area };
        frame.render_widget(line.alignment(Alignment::Right), rest);
    }
}

fn header(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let (identity, texts) = (&snapshot.identity, &dashboard.texts);
    let notice = Line::styled(texts.get("notice"), dashboard.theme.quiet());
    let notice_width = notice.width() as u16 + 1;
    let mut spans = vec![Span::styled("Sonolamp ", dashboard.theme.strong())];
    if dashboard.read_only {
        let words = format!(" {} ", texts.get("watching"));
        spans.push(Span::styled(words, dashboard.theme.accent().reversed()));
        spans.push(Span::raw(" "));
    }
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
