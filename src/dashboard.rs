//! The terminal dashboard: one snapshot in, one screen out.
//!
//! Drawing is paced by itself and reads the newest snapshot, so a slow terminal never delays
//! screening. The terminal is put back on every way out, a panic included.

#[cfg_attr(not(test), expect(dead_code, reason = "drawn once the engine follows protocols"))]
mod body_map;
mod events;
mod offscreen;
mod picture;
mod theme;
mod view;

use std::io::Stdout;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use self::events::Log;
pub use self::offscreen::Offscreen;
use self::picture::Painter;
use self::theme::Theme;
use crate::config::PictureMode;
use crate::error::{Error, ErrorKind, hide_contained_panics, plain_words};
use crate::exam::Command;
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::snapshot::Snapshot;

/// How to draw.
#[derive(Debug, Clone)]
pub struct Options {
    pub picture: PictureMode,
    /// Most screens a second.
    pub fps: u32,
}

/// What is on the screen beside the snapshot.
pub struct Dashboard {
    theme: Theme,
    painter: Painter,
    log: Log,
    show_picture: bool,
    show_overlay: bool,
}

/// What a key asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Order(Command),
    TogglePicture,
    ToggleOverlay,
    Quit,
}

impl Dashboard {
    fn new(theme: Theme, painter: Painter) -> Dashboard {
        Dashboard { theme, painter, log: Log::default(), show_picture: true, show_overlay: true }
    }

    /// Draws `snapshot`, whatever the size of the terminal.
    fn draw<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        snapshot: &Snapshot,
    ) -> Result<(), B::Error> {
        self.log.follow(snapshot);
        terminal.draw(|frame| view::render(self, snapshot, frame)).map(drop)
    }
}

/// Puts the terminal in order when dropped.
struct Screen {
    terminal: Terminal<CrosstermBackend<Stdout>>,
}

impl Screen {
    fn open() -> Result<Screen, Error> {
        let terminal = ratatui::try_init().map_err(|e| broken(&e))?;
        // Its panic hook restores the terminal, which must stay as it is for a contained panic.
        hide_contained_panics();
        Ok(Screen { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Leaves raw mode and the alternate screen; harmless where neither is on.
pub fn restore_terminal() {
    ratatui::restore();
}

fn broken(error: &std::io::Error) -> Error {
    let problem = format!("cannot be drawn on ({})", plain_words(error));
    Error::new(ErrorKind::Device, "the terminal", problem, "use --headless on this terminal")
}

/// Draws snapshots and passes on what keys ask for, until shutdown or *quit*.
pub fn run(
    options: &Options,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    commands: &SyncSender<Command>,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let _end = EndsAll(shutdown);
    let theme = Theme::from_environment();
    let mut screen = Screen::open()?;
    let painter = Painter::new(options.picture, theme.colour);
    let mut dashboard = Dashboard::new(theme, painter);
    let interval = Duration::from_secs(1) / options.fps.max(1);
    while !shutdown.requested() {
        match snapshots.take(&mut snapshot, interval) {
            Taken::Fresh => {
                dashboard.draw(&mut screen.terminal, &snapshot).map_err(|e| broken(&e))?;
            }
            Taken::TimedOut => {}
            Taken::Closed => break,
        }
        // Waiting for keys is what paces the drawing.
        let mut patience = interval;
        while event::poll(patience).map_err(|e| broken(&e))? {
            patience = Duration::ZERO;
            match event::read().map_err(|e| broken(&e))? {
                Event::Key(key) => match action(key) {
                    Some(Action::Quit) => return Ok(()),
                    Some(Action::TogglePicture) => dashboard.show_picture ^= true,
                    Some(Action::ToggleOverlay) => dashboard.show_overlay ^= true,
                    // The engine drains its orders many times a second; a full queue is a stuck
                    // key, and dropping it does no harm.
                    Some(Action::Order(command)) => drop(commands.try_send(command)),
                    None => {}
                },
                Event::Resize(..) => {
                    dashboard.draw(&mut screen.terminal, &snapshot).map_err(|e| broken(&e))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn action(key: KeyEvent) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Action::Quit),
        KeyCode::Char(' ') | KeyCode::Enter => Some(Action::Order(Command::Advance)),
        KeyCode::Char('n') => Some(Action::Order(Command::New)),
        KeyCode::Char('p') => Some(Action::TogglePicture),
        KeyCode::Char('m') => Some(Action::ToggleOverlay),
        KeyCode::Char('q') | KeyCode::Esc => Some(Action::Quit),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
