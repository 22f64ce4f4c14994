//! The terminal dashboard: one snapshot in, one screen out.
//!
//! Drawing is paced by itself and reads the newest snapshot, so a slow terminal never delays
//! screening. The terminal is put back on every way out, a panic included.

mod bell;
mod body_map;
mod capabilities;
mod events;
mod exams;
mod letters;
mod offscreen;
mod picture;
mod place;
mod reel;
mod symbols;
mod theme;
mod view;
mod vitals;
mod width;

use std::io::{Stdout, Write};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::crossterm::event::{self, DisableMouseCapture, EnableMouseCapture, Event};
use ratatui::crossterm::execute;

use self::bell::Bell;
use self::capabilities::Capabilities;
use self::events::Log;
use self::exams::Exams;
pub use self::offscreen::Offscreen;
use self::picture::Painter;
use self::place::Place;
use self::reel::{Moment, Reel};
use self::symbols::Symbols;
use self::theme::Theme;
use self::vitals::Form;
use crate::config::dashboard::{Settings, SymbolChoice};
use crate::error::{Error, ErrorKind, hide_contained_panics, plain_words};
use crate::exam::{Command, State};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::snapshot::Snapshot;
use crate::texts::{Language, Texts};

/// What is on the screen beside the snapshot.
pub struct Dashboard {
    theme: Theme,
    symbols: &'static Symbols,
    texts: Texts,
    painter: Painter,
    log: Log,
    reel: Reel,
    exams: Exams,
    place: Place,
    /// Vital signs that are being typed.
    form: Option<Form>,
    /// There is only looking.
    read_only: bool,
    show_picture: bool,
    show_overlay: bool,
    /// Show the live picture although the exam is held.
    thawed: bool,
    /// The verdict fills the screen.
    large: bool,
}

/// What a key asks of others than the views.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Action {
    Order(Command),
    Quit,
}

impl Dashboard {
    fn new(theme: Theme, symbols: &'static Symbols, texts: Texts, painter: Painter) -> Dashboard {
        Dashboard {
            theme,
            symbols,
            texts,
            painter,
            log: Log::default(),
            reel: Reel::default(),
            exams: Exams::default(),
            place: Place::default(),
            form: None,
            read_only: false,
            show_picture: true,
            show_overlay: true,
            thawed: false,
            large: false,
        }
    }

    /// As the settings want it and the terminal can; asks the terminal what pictures it draws.
    fn open(settings: &Settings, variable: impl Fn(&str) -> Option<String>) -> Dashboard {
        let able = Capabilities::from_variables(&variable);
        let theme = Theme::new(settings.theme, able.depth);
        let symbols = match settings.symbols {
            SymbolChoice::Ascii => &symbols::ASCII,
            SymbolChoice::Auto if able.ascii => &symbols::ASCII,
            SymbolChoice::Auto | SymbolChoice::Unicode => &symbols::UNICODE,
        };
        let language = settings.language.unwrap_or_else(|| {
            match Language::from_locale(variable) {
                // A console without its characters would show none of it.
                Language::Chinese if symbols.ascii => Language::English,
                language => language,
            }
        });
        let painter = Painter::new(settings.picture, theme, symbols);
        let texts = Texts::new(language);
        Dashboard { large: settings.large, ..Dashboard::new(theme, symbols, texts, painter) }
    }

    /// Draws `snapshot`, whatever the size of the terminal.
    fn draw<B: Backend>(
        &mut self,
        terminal: &mut Terminal<B>,
        snapshot: &Snapshot,
    ) -> Result<(), B::Error> {
        self.log.follow(snapshot, &self.texts);
        self.reel.follow(snapshot);
        self.exams.follow(snapshot);
        self.place.zones = snapshot.examination.is_some();
        self.thawed &= snapshot.exam.state == State::Held;
        // Its patient may have gone while it was open: what is typed must not become another's.
        let examination = snapshot.examination.as_ref();
        self.form = self.form.take().filter(|form| examination.is_some_and(|e| form.is_of(e)));
        terminal.draw(|frame| view::render(self, snapshot, frame)).map(drop)
    }
}

impl Dashboard {
    /// Of a held exam, the moment that speaks most for its verdict, unless the live picture is asked
    /// for or the moment is not kept any more.
    fn frozen(&self, snapshot: &Snapshot) -> Option<&Moment> {
        let held = snapshot.exam.state == State::Held && !self.thawed;
        let exam = snapshot.exam.number;
        held.then(|| self.reel.get(self.reel.telling(exam, snapshot.verdict)?)).flatten()
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
        // A terminal without a mouse ignores it.
        let _ = execute!(std::io::stdout(), EnableMouseCapture);
        Ok(Screen { terminal })
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore_terminal();
    }
}

/// Rings the terminal's bell, which leaves its screen as it is.
fn ring(terminal: &mut Terminal<CrosstermBackend<Stdout>>) -> std::io::Result<()> {
    let out = terminal.backend_mut();
    out.write_all(b"\x07").and_then(|()| Write::flush(out))
}

/// Leaves raw mode and the alternate screen; harmless where neither is on.
pub fn restore_terminal() {
    let _ = execute!(std::io::stdout(), DisableMouseCapture);
    ratatui::restore();
}

fn broken(error: &std::io::Error) -> Error {
    let problem = format!("cannot be drawn on ({})", plain_words(error));
    Error::new(ErrorKind::Device, "the terminal", problem, "use --headless on this terminal")
}

/// Draws snapshots and passes on what keys ask for, until shutdown or *quit*. Without `commands`
/// there is only looking.
pub fn run(
    settings: &Settings,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    commands: Option<&SyncSender<Command>>,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let _end = EndsAll(shutdown);
    let mut screen = Screen::open()?;
    let mut dashboard = Dashboard::open(settings, |name| std::env::var(name).ok());
    dashboard.read_only = commands.is_none();
    let interval = Duration::from_secs(1) / settings.fps.max(1);
    let (start, mut bell) = (Instant::now(), settings.bell.then(Bell::default));
    while !shutdown.requested() {
        match snapshots.take(&mut snapshot, interval) {
            Taken::Fresh => {
                dashboard.draw(&mut screen.terminal, &snapshot).map_err(|e| broken(&e))?;
            }
            Taken::TimedOut => {}
            Taken::Closed => break,
        }
        if bell.as_mut().is_some_and(|bell| bell.sounds(&snapshot, start.elapsed())) {
            ring(&mut screen.terminal).map_err(|e| broken(&e))?;
        }
        // Waiting for keys is what paces the drawing.
        let mut patience = interval;
        while event::poll(patience).map_err(|e| broken(&e))? {
            patience = Duration::ZERO;
            let changed = match event::read().map_err(|e| broken(&e))? {
                Event::Key(key) => match dashboard.key(key, &snapshot) {
                    Some(Action::Quit) => return Ok(()),
                    // The engine drains its orders many times a second; a full queue is a stuck
                    // key, and dropping it does no harm.
                    Some(Action::Order(command)) => {
                        commands.map(|commands| commands.try_send(command));
                        false
                    }
                    None => true,
                },
                Event::Mouse(event) => dashboard.mouse(event, &snapshot),
                Event::Resize(..) => true,
                _ => false,
            };
            if changed {
                dashboard.draw(&mut screen.terminal, &snapshot).map_err(|e| broken(&e))?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
