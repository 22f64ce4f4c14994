//! Who is examined: the form that it is typed into, and the line that says it.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::dialog::{COLUMNS, field, window, words};
use crate::dashboard::Dashboard;
use crate::dashboard::patient::Form;
use crate::dashboard::width::cut;
use crate::snapshot::Snapshot;

/// Columns of names and of what is typed.
const NAME: usize = 14;
const TYPED: usize = 37;
/// Most rows of those who are expected.
const EXPECTED: usize = 5;
/// Rows of the window without them.
const OTHERS: usize = 13;

/// Name and number where they were entered at this screen, else that there is an entry.
pub fn title(dashboard: &Dashboard, snapshot: &Snapshot) -> Option<String> {
    if snapshot.visit.entries == 0 {
        return None;
    }
    match dashboard.who.known(snapshot.visit) {
        Some(patient) => Some(patient.title()).filter(|title| !title.is_empty()),
        None => Some(dashboard.texts.get("patient-entered").into_owned()),
    }
}

pub fn form(
    dashboard: &Dashboard,
    snapshot: &Snapshot,
    form: &Form,
    area: Rect,
    frame: &mut Frame,
) {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let mut lines = Vec::new();
    for (of, typed, current) in form.fields() {
        let name = texts.coded("patient", of.code());
        lines.push(field(dashboard, (&name, NAME), (typed, TYPED), String::new(), current));
    }
    let (matching, current) = form.matching();
    let room = usize::from(area.height).saturating_sub(OTHERS).min(EXPECTED);
    if !matching.is_empty() && room > 0 {
        let first = current.unwrap_or(0).saturating_sub(room - 1);
        let title = texts.with("patient-expected", &[("patients", matching.len().into())]);
        lines.push(Line::styled(format!(" {title}"), theme.quiet()));
        for (i, patient) in matching.into_iter().enumerate().skip(first).take(room) {
            let own = current == Some(i);
            let front = if own { " > " } else { "   " };
            let words = format!("{front}{}  {}  {}", patient.number, patient.name, patient.born);
            let style = if own { theme.accent().patch(theme.strong()) } else { Style::new() };
            lines.push(Line::styled(cut(&words, usize::from(COLUMNS - 2)).to_owned(), style));
        }
    }
    lines.push(Line::raw(""));
    let kept = dashboard.exams.kept_of(snapshot.visit.number);
    let hint = match kept {
        0 => texts.get("patient-hint").into_owned(),
        kept => texts.with("patient-amends", &[("exams", kept.into())]),
    };
    lines.extend(words(dashboard, form.refusal.as_deref(), &hint));
    window(dashboard, &texts.get("patient"), lines, 9, area, frame);
}
