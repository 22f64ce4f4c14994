//! The exams since the start, newest first; below them why the chosen one has no verdict.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Paragraph, Row, Table, TableState};

use super::banner::not_kept;
use super::paragraph;
use crate::dashboard::Dashboard;
use crate::dashboard::exams;
use crate::dashboard::theme::Face;
use crate::dashboard::width::fold;
use crate::snapshot::Keeping;

pub fn render(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let rows = dashboard.exams.rows();
    if rows.is_empty() {
        return frame.render_widget(paragraph(&texts.get("exams-empty"), area.width), area);
    }
    let cells = |row: &exams::Row| {
        let face = Face::of_verdict(Some(row.verdict));
        let word = texts.coded("verdict", row.verdict.word());
        let verdict = format!("{} {word}", dashboard.symbols.shape(face));
        let state = match row.kept() {
            Some(code) => texts.coded("keeping", code),
            None if row.open => texts.get("exam-open").into_owned(),
            None => String::new(),
        };
        let failed = matches!(row.keeping, Keeping::Failed(_));
        let style = if failed { theme.attention().patch(theme.strong()) } else { Style::new() };
        Row::new([
            Line::raw(row.number.to_string()).right_aligned(),
            Line::raw(clock(row.start)).right_aligned(),
            Line::raw(clock(row.length)).right_aligned(),
            Line::raw(verdict),
            Line::raw(texts.decimal(row.probability, 2)).right_aligned(),
            Line::raw(format!("{} s", texts.decimal(row.usable.as_secs_f32(), 1))).right_aligned(),
            Line::styled(state, style),
        ])
    };
    let heads = ["number", "start", "length", "verdict", "score", "usable", "state"];
    let names = heads.map(|head| {
        let line = Line::raw(texts.coded("exams", head));
        if matches!(head, "verdict" | "state") { line } else { line.right_aligned() }
    });
    let widths = [6, 9, 9, 16, 12, 10, 12].map(Constraint::Length);
    let table = Table::new(rows.iter().rev().map(cells), widths)
        .column_spacing(1)
        .header(Row::new(names).style(theme.quiet()))
        .row_highlight_style(theme.accent().reversed());
    let chosen = dashboard.place.row.min(rows.len() - 1);
    let row = &rows[rows.len() - 1 - chosen];
    let reason = row.verdict.reason().map(|reason| texts.coded("reason", reason.code()));
    let failure = row.keeping.failure().map(|words| not_kept(texts, words));
    let why = reason.into_iter().chain(failure);
    let why: Vec<Line> =
        why.flat_map(|words| fold(&words, area.width.into(), 0)).map(Line::raw).collect();
    let places = [Constraint::Min(0), Constraint::Length(why.len() as u16)];
    let [list, below] = Layout::vertical(places).areas(area);
    let mut state = TableState::default().with_selected(chosen);
    frame.render_stateful_widget(table, list, &mut state);
    frame.render_widget(Paragraph::new(why), below);
}

/// Minutes and seconds, and hours where there are any.
pub fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}
