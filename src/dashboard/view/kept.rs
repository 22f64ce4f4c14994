//! Exams where they are kept: those since the start while the box is locked, all of them once it is
//! not; below them how many there are, how much room is left, and what came of the last key.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, TableState};
use time::OffsetDateTime;

use super::dialog::{field, window, words};
use super::{exams, paragraph};
use crate::archive::{Door, Entry, Listed, Opened, Page, Said, Sending};
use crate::dashboard::Dashboard;
use crate::dashboard::prompt::{Ask, Prompt, confirming};
use crate::dashboard::theme::Face;
use crate::dashboard::width::fold;
use crate::snapshot::{Identity, Snapshot};
use crate::texts::Texts;

/// Columns of what is typed.
const TYPED: usize = 50;

pub fn render(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let lines = state(dashboard, usize::from(area.width));
    let rows = [Constraint::Min(0), Constraint::Length(lines.len() as u16)];
    let [upper, lower] = Layout::vertical(rows).areas(area);
    if dashboard.lists_kept() {
        list(dashboard, upper, frame);
    } else {
        exams::render(dashboard, upper, frame);
    }
    frame.render_widget(Paragraph::new(lines), lower);
}

/// Whether it is locked, how many exams there are, what room is left; then what is to be said.
fn state(dashboard: &Dashboard, columns: usize) -> Vec<Line<'static>> {
    let (texts, theme, view) = (&dashboard.texts, dashboard.theme, &dashboard.kept);
    let door = match view.door {
        Door::Locked => "archive-locked",
        Door::Opening => "archive-opening",
        Door::Shut => "archive-shut",
        Door::Open => "archive-open",
    };
    let mut line = vec![Span::styled(format!(" {} ", texts.get(door)), theme.accent().reversed())];
    if let (Some(count), Some(free)) = (view.count, view.free) {
        let free = texts.decimal(free as f32 / 1e9, 1);
        let kept = [("exams", count.into()), ("free", free.into())];
        line.push(Span::raw(format!(" {}", texts.with("archive-kept", &kept))));
    }
    let Page { search, before, more, entries } = &*view.page;
    if !search.is_empty() {
        let words = [("text", search.as_str().into())];
        line.push(Span::raw(format!("  {}", texts.with("archive-search", &words))));
    }
    if *more || *before > 0 {
        let page = [("page", (before + 1).into())];
        line.push(Span::styled(format!("  {}", texts.with("archive-page", &page)), theme.quiet()));
    }
    let mut lines = vec![Line::from(line)];
    let told = match &view.said {
        None if view.free == Some(0) => Some((texts.get("archive-full").into_owned(), true)),
        None if entries.is_empty() || !dashboard.lists_kept() => None,
        None => Some((texts.get("archive-hint").into_owned(), false)),
        Some(Said::Reading(percent)) => {
            Some((texts.with("said-reading", &[("percent", (*percent).into())]), false))
        }
        Some(Said::WrongPin { left }) => {
            Some((texts.with("said-wrong-pin", &[("left", (*left).into())]), true))
        }
        Some(Said::Forgotten) => Some((texts.get("said-forgotten").into_owned(), true)),
        Some(Said::Erased) => Some((texts.get("said-erased").into_owned(), false)),
        Some(Said::Exporting) => Some((texts.get("said-exporting").into_owned(), false)),
        Some(Said::Exported(folder)) => {
            let folder = [("folder", folder.to_string().into())];
            Some((texts.with("said-exported", &folder), false))
        }
        Some(Said::Queued) => Some((texts.get("said-queued").into_owned(), false)),
        Some(Said::Failed(words)) => Some((words.to_string(), true)),
    };
    // What is on its way says more than a hint.
    let sending = view.sending.as_ref().map(|sending| self::sending(sending, texts));
    let hint = matches!(view.said, None | Some(Said::Queued)) && view.free != Some(0);
    let told = told.filter(|_| sending.is_none() || !hint);
    for (words, warns) in sending.into_iter().chain(told) {
        let style = if warns { theme.attention() } else { theme.quiet() };
        let mark = if warns { "! " } else { "" };
        let rows = fold(&format!("{mark}{words}"), columns, 2);
        lines.extend(rows.into_iter().map(|row| Line::styled(row, style)));
    }
    lines
}

/// How it stands with sending, and whether that is a warning.
fn sending(sending: &Sending, texts: &Texts) -> (String, bool) {
    match sending {
        Sending::Reading => (texts.get("sending-reading").into_owned(), false),
        Sending::Going { taken, objects } => {
            let of = [("taken", (*taken).into()), ("objects", (*objects).into())];
            (texts.with("sending-going", &of), false)
        }
        Sending::Sent(exams) => (texts.with("sending-sent", &[("exams", (*exams).into())]), false),
        Sending::Waiting { exams, why } => {
            let what = [("exams", (*exams).into()), ("why", why.to_string().into())];
            (texts.with("sending-waits", &what), true)
        }
    }
}

fn list(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let (texts, theme, page) = (&dashboard.texts, dashboard.theme, &dashboard.kept.page);
    if page.entries.is_empty() {
        return frame.render_widget(paragraph(&texts.get("archive-empty"), area.width), area);
    }
    // No more rows than are seen are put together.
    let room = usize::from(area.height.saturating_sub(1)).max(1);
    let first = dashboard.place.kept_row.saturating_sub(room - 1);
    let rows = page.entries.iter().skip(first).take(room).map(|entry| row(dashboard, entry));
    let heads = ["date", "verdict", "score", "zone", "patient", "handed"];
    let names = heads.map(|head| Line::raw(texts.coded("archive", head)));
    let widths = [
        Constraint::Length(16),
        Constraint::Length(16),
        Constraint::Length(5),
        Constraint::Length(12),
        Constraint::Min(10),
        Constraint::Length(10),
    ];
    let table = Table::new(rows, widths)
        .column_spacing(1)
        .header(Row::new(names).style(theme.quiet()))
        .row_highlight_style(theme.accent().reversed());
    let mut state = TableState::default().with_selected(dashboard.place.kept_row - first);
    frame.render_stateful_widget(table, area, &mut state);
}

fn row(dashboard: &Dashboard, entry: &Entry) -> Row<'static> {
    let texts = &dashboard.texts;
    let Some(listed) = &entry.listed else {
        return Row::new([texts.get("archive-unreadable").into_owned()]);
    };
    let face = Face::of_verdict(Some(listed.verdict));
    let word = texts.coded("verdict", listed.verdict.word());
    let handed = match entry {
        Entry { waits: true, .. } => texts.get("mark-waits").into_owned(),
        Entry { sent: true, .. } => texts.get("mark-sent").into_owned(),
        Entry { exported: true, .. } => texts.get("mark-exported").into_owned(),
        _ => String::new(),
    };
    Row::new([
        date(listed, texts),
        format!("{} {word}", dashboard.symbols.shape(face)),
        texts.decimal(listed.probability, 2),
        texts.zone(&listed.zone).into_owned(),
        patient(listed, texts),
        handed,
    ])
}

fn patient(listed: &Listed, texts: &Texts) -> String {
    let demo = if listed.demonstration { texts.get("demo") } else { "".into() };
    [&*demo, &listed.patient.title()].join(" ").trim().to_owned()
}

/// In UTC, in sixteen columns.
fn date(listed: &Listed, texts: &Texts) -> String {
    let when = listed.started;
    let time = OffsetDateTime::from_unix_timestamp(when.time as i64).ok();
    time.filter(|_| when.clock_set).map_or(texts.get("archive-no-date").into_owned(), |time| {
        format!("{} {:02}:{:02}", time.date(), time.hour(), time.minute())
    })
}

/// What stands beside the pictures of an exam that was opened, in rows of `columns`.
pub fn facts(
    dashboard: &Dashboard,
    snapshot: &Snapshot,
    opened: &Opened,
    failed: Option<&str>,
    columns: usize,
) -> Vec<Line<'static>> {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let listed = Listed::from(&opened.record);
    let mut lines = vec![Line::default()];
    lines.push(Line::styled(date(&listed, texts), theme.strong()));
    let face = Face::of_verdict(Some(listed.verdict));
    let word = texts.coded("verdict", listed.verdict.word());
    let score = texts.decimal(listed.probability, 2);
    let mut rest = vec![
        patient(&listed, texts),
        texts.zone(&listed.zone).into_owned(),
        format!("{} {word} {score}", dashboard.symbols.shape(face)),
        opened.record.operator.clone(),
    ];
    let Identity { heat_map, outlined, .. } = &*snapshot.identity;
    if opened.foreign {
        rest.push(texts.get("opened-foreign").into_owned());
    } else if !opened.mapped && (*heat_map || outlined.is_some()) {
        rest.push(texts.get("opened-unmapped").into_owned());
    }
    rest.extend(opened.damage.as_deref().into_iter().chain(failed).map(|w| format!("! {w}")));
    for words in rest.iter().filter(|words| !words.is_empty()) {
        lines.extend(fold(words, columns, 2).into_iter().map(Line::raw));
    }
    lines
}

pub fn ask(dashboard: &Dashboard, prompt: &Prompt, area: Rect, frame: &mut Frame) {
    let texts = &dashboard.texts;
    let mut lines = vec![field(dashboard, ("", 0), (&prompt.shown(), TYPED), String::new(), true)];
    lines.push(Line::raw(""));
    let both = dashboard.archive.as_ref().is_some_and(|archive| archive.token);
    let hint = match &prompt.ask {
        Ask::Passphrase if both => texts.get("ask-passphrase-or-stick").into_owned(),
        Ask::Erase(id) => texts.with("ask-erase-hint", &[("digits", confirming(*id).into())]),
        _ => {
            let key = format!("ask-{}-hint", prompt.code());
            texts.get(&key).into_owned()
        }
    };
    lines.extend(words(dashboard, prompt.refusal.as_deref(), &hint));
    window(dashboard, &texts.coded("ask", prompt.code()), lines, 4, area, frame);
}
