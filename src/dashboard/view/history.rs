//! The probability of referring over the latest seconds; between the two lines it is uncertain.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::symbols::Marker;
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::section;
use crate::dashboard::Dashboard;
use crate::snapshot::{HISTORY, HISTORY_STEP, Identity, Snapshot};
use crate::texts::Value;

/// The curve of the latest seconds.
pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let values: Vec<f32> = snapshot.history.iter().collect();
    let Identity { refer, clear, .. } = *snapshot.identity;
    let curve = Curve { values: &values, room: HISTORY, levels: [refer, clear], cursor: None };
    curve.render(dashboard, HISTORY_STEP, area, frame);
}

/// Probabilities at equal steps, the latest at the right end.
pub struct Curve<'a> {
    pub values: &'a [f32],
    /// Most values that there can be.
    pub room: usize,
    /// Thresholds.
    pub levels: [f32; 2],
    /// A value that is pointed at.
    pub cursor: Option<usize>,
}

impl Curve<'_> {
    pub fn render(&self, dashboard: &Dashboard, step: Duration, area: Rect, frame: &mut Frame) {
        let seconds = self.room as f64 * step.as_secs_f64();
        let title = Value::from(dashboard.texts.decimal(seconds as f32, 0));
        let words = dashboard.texts.with("title-history", &[("seconds", title)]);
        let block = section(dashboard, &words);
        if dashboard.symbols.ascii {
            let inner = block.inner(area);
            frame.render_widget(block, area);
            return self.plain(dashboard, inner, frame);
        }
        let theme = dashboard.theme;
        let missing = self.room - self.values.len().min(self.room);
        let at = |i: usize| (missing + i) as f64 * step.as_secs_f64();
        let values = self.values.iter().enumerate();
        let points: Vec<_> = values.map(|(i, &p)| (at(i), f64::from(p))).collect();
        let levels = self.levels.map(|y| [(0.0, f64::from(y)), (seconds, f64::from(y))]);
        let cursor = self.cursor.map(|i| [(at(i), 0.0), (at(i), 1.0)]);
        let line = |data, style| {
            Dataset::default()
                .marker(Marker::Braille)
                .graph_type(GraphType::Line)
                .style(style)
                .data(data)
        };
        // One style for both levels: a cell has one colour, and small charts put both into the same.
        let mut datasets: Vec<_> = levels.iter().map(|level| line(level, theme.quiet())).collect();
        datasets.push(line(&points, theme.accent()));
        datasets.extend(cursor.as_ref().map(|cursor| line(cursor, theme.attention())));
        let chart = Chart::new(datasets)
            .block(block)
            .style(theme.ground())
            .x_axis(Axis::default().bounds([0.0, seconds]))
            .y_axis(Axis::default().bounds([0.0, 1.0]).labels(["0", "1"]));
        frame.render_widget(chart, area);
    }

    /// In characters of ASCII: a mark a column, at the latest value that falls into it.
    fn plain(&self, dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
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
        for threshold in self.levels {
            (0..width).for_each(|x| put(2 + x, row(threshold), "-", theme.quiet()));
        }
        let missing = self.room - self.values.len().min(self.room);
        let column = |i: usize| 2 + ((missing + i) * usize::from(width) / self.room) as u16;
        for (i, &value) in self.values.iter().enumerate() {
            put(column(i), row(value), "*", theme.accent());
        }
        if let Some(cursor) = self.cursor {
            (0..height).for_each(|y| put(column(cursor), y, ":", theme.attention()));
        }
    }
}
