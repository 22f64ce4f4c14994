//! A window in the middle of a view, for what is typed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use super::vitals;
use super::{kept, patient};
use crate::dashboard::Dashboard;
use crate::dashboard::dialog::Dialog;
use crate::dashboard::width::{fold, pad, width};
use crate::snapshot::Snapshot;

/// Columns of the window, with its border.
pub const COLUMNS: u16 = 60;

/// Whatever is open.
pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    match &dashboard.dialog {
        Some(Dialog::Vitals(form)) => vitals::form(dashboard, snapshot, form, area, frame),
        Some(Dialog::Patient(form)) => patient::form(dashboard, snapshot, form, area, frame),
        Some(Dialog::Ask(prompt)) => kept::ask(dashboard, prompt, area, frame),
        None => {}
    }
}

/// A line of a field: its name in `name` columns, what is typed in `room`, what is to be said of it.
pub fn field(
    dashboard: &Dashboard,
    (name, columns): (&str, usize),
    (typed, room): (&str, usize),
    hint: String,
    current: bool,
) -> Line<'static> {
    let theme = dashboard.theme;
    let front = if current { " > " } else { "   " };
    let cursor = if current { "_" } else { "" };
    let style = if current { theme.accent().patch(theme.strong()) } else { Style::new() };
    // The end is where one types.
    let mut shown = typed;
    while width(shown) + 2 > room {
        shown = shown.char_indices().nth(1).map_or("", |(at, _)| &shown[at..]);
    }
    Line::from(vec![
        Span::styled(format!("{front}{}", pad(name, columns)), style),
        Span::styled(pad(&format!("[{shown}{cursor}"), room) + "] ", style),
        Span::styled(hint, theme.quiet()),
    ])
}

/// What is to be said below the fields: why they were not taken, or a hint.
pub fn words(dashboard: &Dashboard, refusal: Option<&str>, hint: &str) -> Vec<Line<'static>> {
    let theme = dashboard.theme;
    let (words, style) = match refusal {
        Some(words) => (format!("! {words}"), theme.attention().patch(theme.strong())),
        None => (hint.to_owned(), theme.quiet()),
    };
    let rows = fold(&words, usize::from(COLUMNS - 4), 2);
    rows.into_iter().map(|row| Line::styled(format!(" {row}"), style)).collect()
}

/// The window with `lines` in it, of which there is room for `least` at least.
pub fn window(
    dashboard: &Dashboard,
    title: &str,
    lines: Vec<Line<'static>>,
    least: usize,
    area: Rect,
    frame: &mut Frame,
) {
    let rows = (lines.len().max(least) as u16 + 2).min(area.height);
    let columns = COLUMNS.min(area.width);
    let (x, y) = (area.x + (area.width - columns) / 2, area.y + (area.height - rows) / 2);
    let place = Rect { x, y, width: columns, height: rows };
    let block = Block::bordered().border_set(dashboard.symbols.border).title(format!(" {title} "));
    frame.render_widget(Clear, place);
    let ground = dashboard.theme.ground();
    frame.render_widget(Paragraph::new(lines).style(ground).block(block), place);
}
