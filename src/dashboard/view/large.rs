//! The verdict as large as the screen, to be read across a room; the reason and the state below,
//! and how much more sweep is needed as a bar at the bottom.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::{Block, Paragraph};

use super::banner::{exam, lost, reason, score, spaced};
use super::ring::{Progress, word};
use crate::dashboard::theme::Face;
use crate::dashboard::width::{fold, width};
use crate::dashboard::{Dashboard, letters};
use crate::exam::State;
use crate::snapshot::Snapshot;

/// Columns and rows of a letter in the lines below the verdict, where there is room for such.
const LETTER: u16 = 4;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let face = Face::of(snapshot);
    let style = match face {
        Face::Ready => Style::new(),
        face => dashboard.theme.banner(face),
    };
    frame.render_widget(Block::new().style(style), area);
    let area = progress(dashboard, snapshot, area, frame);
    let exam = exam(dashboard, snapshot);
    let state = match score(dashboard, snapshot) {
        Some(score) => format!("{score}  {exam}"),
        None => exam,
    };
    let mut below = vec![state];
    let failure = lost(dashboard, snapshot, u16::MAX);
    below.extend(failure);
    below.extend(Some(reason(dashboard, snapshot)).filter(|reason| !reason.is_empty()));
    // Below the verdict at most half of the screen, in letters or in plain lines.
    let most = usize::from(area.height / 2 / LETTER);
    let big: Vec<String> =
        below.iter().flat_map(|line| fold(line, (area.width / LETTER).into(), 0)).collect();
    let small: Vec<String> = below
        .iter()
        .flat_map(|line| fold(line, usize::from(area.width).saturating_sub(8), 0))
        .collect();
    let in_letters = !dashboard.symbols.ascii
        && big.len() <= most
        && big.iter().all(|line| letters::known(line));
    let height = if in_letters { LETTER * big.len() as u16 } else { small.len() as u16 + 1 };
    let rows = [Constraint::Length(1), Constraint::Min(0), Constraint::Length(height)];
    let [top, place, lines] = Layout::vertical(rows).areas(area);
    let shape = dashboard.symbols.shape(face);
    frame.render_widget(Line::raw(format!("{shape}   {shape}   {shape}")).centered(), top);
    let word = dashboard.texts.coded("banner", face.code());
    if !letters::fill(&word, style, dashboard.symbols, place, frame.buffer_mut()) {
        spaced(dashboard, face, place, frame);
    }
    if in_letters {
        letters::small(&big, style, dashboard.symbols, lines, frame.buffer_mut());
    } else {
        let rows = small.into_iter().map(|row| Line::raw(row).centered()).collect::<Vec<_>>();
        frame.render_widget(Paragraph::new(rows).style(dashboard.theme.strong()), lines);
    }
}

/// A bar across the screen with its words, while an exam gathers picture; what is left of `area`.
fn progress(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) -> Rect {
    let gathers = snapshot.exam.state == State::Scanning && snapshot.fault.is_none();
    let Some(progress) = Progress::of(snapshot).filter(|_| gathers) else { return area };
    let [rest, place] = Layout::vertical([Constraint::Min(0), Constraint::Length(1)]).areas(area);
    let words = format!(" {}", word(dashboard, snapshot, progress));
    let room = usize::from(place.width).saturating_sub(width(&words) + 1);
    let filled = (progress.need * room as f32) as usize;
    let [full, empty] = dashboard.symbols.bar;
    let line = format!("{}{}{words}", full.repeat(filled), empty.repeat(room - filled));
    frame.render_widget(Line::styled(line, dashboard.theme.strong()), place);
    rest
}
