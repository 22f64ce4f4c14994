//! The terminal that is drawn on: a screen is put together and written at once, so that it is
//! counted and appears whole. It is put back on every way out, a panic included.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Instant;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::{MoveTo, Show};
use ratatui::crossterm::event::{DisableMouseCapture, EnableMouseCapture};
use ratatui::crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate};
use ratatui::crossterm::{execute, queue};

use super::question::Place;
use crate::error::hide_contained_panics;

/// What has been drawn and not yet been sent.
#[derive(Clone, Default)]
pub struct Drawn(Rc<RefCell<Vec<u8>>>);

impl Write for Drawn {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    /// The screen is sent when it is whole.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub struct Screen {
    pub terminal: Terminal<CrosstermBackend<Drawn>>,
    drawn: Drawn,
    /// Where the cursor rests, unseen.
    rest: Place,
}

impl Screen {
    pub fn open() -> io::Result<Screen> {
        ratatui::try_init()?;
        // Its panic hook restores the terminal, which must stay as it is for a contained panic.
        hide_contained_panics();
        // A terminal without a mouse ignores it.
        let _ = execute!(io::stdout(), EnableMouseCapture);
        let drawn = Drawn::default();
        let terminal = Terminal::new(CrosstermBackend::new(drawn.clone()))?;
        Ok(Screen { terminal, drawn, rest: (0, 0) })
    }

    /// Another place for the cursor, in the last row, where no key's name lies.
    pub fn rest_elsewhere(&mut self) -> Place {
        let size = self.terminal.size().unwrap_or_default();
        let column = if self.rest.0 + 1 < size.width { self.rest.0 + 1 } else { 0 };
        self.rest = (column, size.height.saturating_sub(1));
        self.rest
    }

    /// Sends what was drawn; says how many bytes it was and when the writing began.
    pub fn send(&mut self) -> io::Result<(usize, Instant)> {
        let mut drawn = self.drawn.0.borrow_mut();
        let mut out = Vec::with_capacity(drawn.len() + 32);
        queue!(out, BeginSynchronizedUpdate)?;
        out.append(&mut drawn);
        queue!(out, EndSynchronizedUpdate, MoveTo(self.rest.0, self.rest.1))?;
        self.write(&out)
    }

    /// Moves the cursor, and nothing else; says when.
    pub fn send_rest(&mut self) -> io::Result<Instant> {
        let mut out = Vec::new();
        queue!(out, MoveTo(self.rest.0, self.rest.1))?;
        self.write(&out).map(|(_, began)| began)
    }

    /// Rings the terminal's bell, which leaves its screen as it is.
    pub fn ring(&mut self) -> io::Result<()> {
        self.write(b"\x07").map(drop)
    }

    fn write(&self, out: &[u8]) -> io::Result<(usize, Instant)> {
        let began = Instant::now();
        // In one piece: a question may come from another thread.
        let mut stdout = io::stdout().lock();
        stdout.write_all(out)?;
        stdout.flush()?;
        Ok((out.len(), began))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Leaves raw mode and the alternate screen; harmless where neither is on.
pub fn restore_terminal() {
    let _ = execute!(io::stdout(), DisableMouseCapture, Show);
    ratatui::restore();
}
