//! The dashboard on a terminal that nobody sees: what a screen costs.

use std::io::{Sink, sink};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::picture::Painter;
use super::theme::Theme;
use super::{Dashboard, broken};
use crate::config::PictureMode;
use crate::error::Error;
use crate::snapshot::Snapshot;

/// Everything up to the bytes that a terminal would get.
pub struct Offscreen {
    dashboard: Dashboard,
    terminal: Terminal<CrosstermBackend<Sink>>,
}

impl Offscreen {
    /// A terminal of so many columns and rows, with colours and without graphics.
    pub fn new(columns: u16, rows: u16) -> Result<Offscreen, Error> {
        let painter = Painter::new(PictureMode::Halfblocks, true);
        let dashboard = Dashboard::new(Theme { colour: true }, painter);
        let viewport = Viewport::Fixed(Rect::new(0, 0, columns, rows));
        let backend = CrosstermBackend::new(sink());
        let terminal = Terminal::with_options(backend, TerminalOptions { viewport })
            .map_err(|e| broken(&e))?;
        Ok(Offscreen { dashboard, terminal })
    }

    pub fn draw(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.dashboard.draw(&mut self.terminal, snapshot).map_err(|e| broken(&e))
    }
}
