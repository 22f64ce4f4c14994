//! The dashboard on a terminal that nobody sees: what a screen costs.

use std::io::{Sink, sink};

use ratatui::backend::CrosstermBackend;
use ratatui::layout::Rect;
use ratatui::{Terminal, TerminalOptions, Viewport};

use super::capabilities::Depth;
use super::picture::Painter;
use super::symbols::UNICODE;
use super::theme::Theme;
use super::{Dashboard, broken};
use crate::config::dashboard::{PictureMode, ThemeChoice};
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::texts::{Language, Texts};

/// Everything up to the bytes that a terminal would get.
pub struct Offscreen {
    dashboard: Dashboard,
    terminal: Terminal<CrosstermBackend<Sink>>,
}

impl Offscreen {
    /// A terminal of so many columns and rows, with colours and without graphics.
    pub fn new(columns: u16, rows: u16) -> Result<Offscreen, Error> {
        let theme = Theme::new(ThemeChoice::Colour, Depth::Full);
        let painter = Painter::new(PictureMode::Halfblocks, theme, &UNICODE);
        let texts = Texts::new(Language::English);
        let dashboard = Dashboard::new(theme, &UNICODE, texts, painter);
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
