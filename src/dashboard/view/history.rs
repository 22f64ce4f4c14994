//! The probability of referring over the latest seconds; between the two lines it is uncertain.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::section;
use crate::dashboard::Dashboard;
use crate::snapshot::{HISTORY, HISTORY_STEP, Snapshot};
use crate::texts::Value;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let theme = dashboard.theme;
    let seconds = HISTORY as f64 * HISTORY_STEP.as_secs_f64();
    let title = Value::from(dashboard.texts.decimal(seconds as f32, 0));
    let block = section(dashboard, &dashboard.texts.with("title-history", &[("seconds", title)]));
    if dashboard.symbols.ascii {
        let inner = block.inner(area);
        frame.render_widget(block, area);
        return plain(dashboard, snapshot, inner, frame);
    }
    let values = snapshot.history.iter();
    let start = seconds - values.len() as f64 * HISTORY_STEP.as_secs_f64();
    let points: Vec<(f64, f64)> = values
        .enumerate()
        .map(|(i, p)| (start + i as f64 * HISTORY_STEP.as_secs_f64(), f64::from(p)))
        .collect();
    let level = |value: f32| [(0.0, f64::from(value)), (seconds, f64::from(value))];
    let (refer, clear) = (level(snapshot.identity.refer), level(snapshot.identity.clear));
    let line = |data, style| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(style)
            .data(data)
    };
    let datasets = vec![
        // One style for both: a cell has one colour, and small charts put both into the same cells.
        line(&refer[..], theme.quiet()),
        line(&clear[..], theme.quiet()),
        line(&points, theme.accent()),
    ];
    let chart = Chart::new(datasets)
        .block(block)
        .style(theme.ground())
        .x_axis(Axis::default().bounds([0.0, seconds]))
        .y_axis(Axis::default().bounds([0.0, 1.0]).labels(["0", "1"]));
    frame.render_widget(chart, area);
}

/// In characters of ASCII: a mark a column, at the latest value that falls into it.
fn plain(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let (width, height) = (area.width.saturating_sub(2), area.height);
    if width == 0 || height == 0 {
        return;
    }
    let theme = dashboard.theme;
    let buffer = frame.buffer_mut();
    let mut put = |x: u16, y: u16, symbol: &str, style: Style| {
        if let Some(cell) = buffer.cell_mut((area.x + x, area.y + y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    let row = |value: f32| {
        let down = (1.0 - value.clamp(0.0, 1.0)) * f32::from(height - 1);
        down.round() as u16
    };
    (0..height).for_each(|y| put(1, y, "|", theme.quiet()));
    put(0, 0, "1", Style::new());
    put(0, height - 1, "0", Style::new());
    for threshold in [snapshot.identity.refer, snapshot.identity.clear] {
        (0..width).for_each(|x| put(2 + x, row(threshold), "-", theme.quiet()));
    }
    let values = snapshot.history.iter();
    let missing = HISTORY - values.len();
    for (i, value) in values.enumerate() {
        let x = (missing + i) * usize::from(width) / HISTORY;
        put(2 + x as u16, row(value), "*", theme.accent());
    }
}
