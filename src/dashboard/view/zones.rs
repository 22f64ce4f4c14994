//! A protocol's zones on the body, and the patient's vital signs below them.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::Paragraph;

use super::vitals;
use crate::dashboard::Dashboard;
use crate::dashboard::body_map::BodyMap;
use crate::snapshot::Snapshot;

/// Rows that the map keeps, whatever there is to say below it.
const MAP: u16 = 8;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let Some(examination) = &snapshot.examination else { return };
    let rows = vitals::rows(dashboard, snapshot, area.width);
    let room = (rows.len() as u16).min(area.height.saturating_sub(MAP));
    let parts = [Constraint::Min(0), Constraint::Length(room)];
    let [top, bottom] = Layout::vertical(parts).areas(area);
    let map = BodyMap::new(examination, dashboard.theme, &dashboard.texts);
    frame.render_widget(map.ascii(dashboard.symbols.ascii), top);
    frame.render_widget(Paragraph::new(rows), bottom);
}
