//! The verdict as a large word with a shape, then why.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};

use super::paragraph;
use crate::dashboard::theme::Face;
use crate::dashboard::width::{fold, width};
use crate::dashboard::{Dashboard, letters};
use crate::exam::State;
use crate::snapshot::{FaultKind, Keeping, Snapshot};
use crate::texts::{Language, Texts};

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let lost = lost(dashboard, snapshot, area.width);
    let rows = [5, 1, lost.len() as u16].map(Constraint::Length);
    let [block, line, below, why] =
        Layout::vertical(rows.into_iter().chain([Constraint::Min(0)])).areas(area);
    let face = Face::of(snapshot);
    let style = dashboard.theme.banner(face);
    let word = dashboard.texts.coded("banner", face.code());
    frame.render_widget(Block::new().style(style), block);
    // Letters are four rows high, their last half row being empty.
    let [_, place] = Layout::vertical([Constraint::Length(1), Constraint::Min(0)]).areas(block);
    if !letters::small(&[word], style, dashboard.symbols, place, frame.buffer_mut()) {
        spaced(dashboard, face, block, frame);
    }
    let exam = exam(dashboard, snapshot);
    let short = Line::from(vec![said(dashboard, snapshot), Span::raw(format!("  {exam}"))]);
    let mut full = short.clone();
    let shape = dashboard.symbols.shape(face);
    let word = dashboard.texts.coded("banner", face.code());
    full.spans[0] = Span::styled(format!("{shape} {word}"), dashboard.theme.strong());
    if let Some(score) = score(dashboard, snapshot) {
        full.spans.insert(1, Span::raw(format!("  {score}")));
    }
    // The word stands above already.
    let fits = full.width() <= usize::from(line.width);
    frame.render_widget(if fits { full } else { short }, line);
    let style = dashboard.theme.attention().patch(dashboard.theme.strong());
    let lost: Vec<Line> = lost.into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(lost).style(style), below);
    frame.render_widget(paragraph(&reason(dashboard, snapshot), why.width), why);
}

/// The word between its shapes, in letters of the terminal's own, for fonts without it and places
/// too narrow.
pub fn spaced(dashboard: &Dashboard, face: Face, area: Rect, frame: &mut Frame) {
    let word = dashboard.texts.coded("banner", face.code());
    let shape = dashboard.symbols.shape(face);
    let gap = if width(&word) > word.chars().count() { "  " } else { " " };
    let spread: Vec<String> = word.chars().map(String::from).collect();
    let text = Line::raw(format!("{shape}   {}   {shape}", spread.join(gap)));
    let text = text.style(dashboard.theme.strong()).centered();
    let row = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
    frame.render_widget(text, row);
}

/// Shape and score.
fn said(dashboard: &Dashboard, snapshot: &Snapshot) -> Span<'static> {
    let shape = dashboard.symbols.shape(Face::of(snapshot));
    let score = score(dashboard, snapshot).unwrap_or_default();
    Span::styled(format!("{shape} {score}"), dashboard.theme.strong())
}

/// The probability of referring, where a verdict rests on some usable picture.
pub fn score(dashboard: &Dashboard, snapshot: &Snapshot) -> Option<String> {
    judged(snapshot).then(|| dashboard.texts.decimal(snapshot.evidence.probability, 2))
}

/// Number and state, and how it stands with keeping the exam where that says something.
pub fn exam(dashboard: &Dashboard, snapshot: &Snapshot) -> String {
    let texts = &dashboard.texts;
    let state = snapshot.exam.state;
    if state == State::Idle {
        return texts.get("no-exam").into_owned();
    }
    let words = texts.coded("state", state.word());
    let exam =
        texts.with("exam", &[("number", snapshot.exam.number.into()), ("state", words.into())]);
    let told = match snapshot.keeping {
        Keeping::Off | Keeping::Ready | Keeping::Recording => false,
        Keeping::Keeping | Keeping::Kept => matches!(state, State::Held | State::Ended),
        Keeping::Failed(_) => true,
    };
    if !told {
        return exam;
    }
    let keeping = texts.coded("keeping", snapshot.keeping.code());
    texts.with("exam-keeping", &[("exam", exam.into()), ("keeping", keeping.into())])
}

/// Why the exam is not kept, on rows that fit; nothing where it is.
pub fn lost(dashboard: &Dashboard, snapshot: &Snapshot, columns: u16) -> Vec<String> {
    let words = snapshot.keeping.failure().map(|words| not_kept(&dashboard.texts, words));
    let rows = words.map(|words| fold(&format!("! {words}"), columns.into(), 2));
    rows.unwrap_or_default()
}

/// The technical words are in English.
pub fn not_kept(texts: &Texts, words: &str) -> String {
    match texts.language() {
        Language::English => texts.with("not-kept", &[("words", words.into())]),
        _ => texts.get("not-kept-look").into_owned(),
    }
}

/// Why there is no better verdict, or what to do about it. A fault's own message is in English.
pub fn reason(dashboard: &Dashboard, snapshot: &Snapshot) -> String {
    let texts = &dashboard.texts;
    match (&snapshot.fault, snapshot.verdict) {
        (Some(fault), _) if texts.language() == Language::English => fault.words.to_string(),
        // What is broken, and where, is for the technician in any language.
        (Some(fault), _) if fault.kind == FaultKind::SafeMode => {
            format!("{} ({})", texts.coded("fault", fault.kind.code()), fault.words)
        }
        (Some(fault), _) => texts.coded("fault", fault.kind.code()),
        (None, Some(verdict)) => match verdict.reason() {
            Some(reason) => texts.coded("reason", reason.code()),
            None => texts.coded("next", verdict.word()),
        },
        (None, None) => texts.get("press-start").into_owned(),
    }
}

/// Whether there is a verdict with at least one usable frame behind its scores.
pub fn judged(snapshot: &Snapshot) -> bool {
    snapshot.verdict.is_some() && snapshot.evidence.used > 0
}
