//! The terminal dashboard: one snapshot in, one screen out.
//!
//! Drawing is paced by the terminal and reads the newest snapshot, so a slow one never delays
//! screening.

mod bell;
mod body_map;
mod capabilities;
mod dialog;
mod events;
mod exams;
mod kept;
mod letters;
mod link;
mod offscreen;
mod pace;
mod patient;
mod picture;
mod place;
mod prompt;
mod question;
mod screen;
mod symbols;
mod theme;
mod thrift;
mod view;
mod vitals;
mod width;

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use ratatui::Terminal;
use ratatui::backend::Backend;
use ratatui::crossterm::event::{self, Event};

use self::bell::Bell;
use self::capabilities::Capabilities;
use self::dialog::Dialog;
use self::events::Log;
use self::exams::Exams;
pub use self::offscreen::Offscreen;
use self::pace::Pace;
use self::patient::Who;
use self::picture::Painter;
use self::place::Place;
use self::screen::Screen;
pub use self::screen::restore_terminal;
use self::symbols::Symbols;
use self::theme::Theme;
use crate::archive::{self, ExamId, Handle};
use crate::config::dashboard::{Settings, SymbolChoice};
use crate::error::{Error, ErrorKind, plain_words};
use crate::exam::{Command, State};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::reel::{Moment, Reel};
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
    /// What is being typed.
    dialog: Option<Dialog>,
    who: Who,
    /// Where the patients stand who are expected.
    worklist: Option<PathBuf>,
    /// Where exams are kept, and what is to be seen there.
    archive: Option<Handle>,
    kept: archive::View,
    /// The exam that is to be reviewed once it has been read.
    opening: Option<ExamId>,
    /// The picture whose map was asked for last.
    pointed: Option<archive::Spot>,
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
#[derive(Debug, PartialEq)]
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
            dialog: None,
            who: Who::default(),
            worklist: None,
            archive: None,
            kept: archive::View::default(),
            opening: None,
            pointed: None,
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
        self.follow_archive();
        self.who.follow(snapshot.visit);
        // Its patient may have gone while it was open.
        self.dialog = self.dialog.take().filter(|dialog| dialog.stands(snapshot));
        self.painter.begin();
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

fn broken(error: &std::io::Error) -> Error {
    let problem = format!("cannot be drawn on ({})", plain_words(error));
    Error::new(ErrorKind::Device, "the terminal", problem, "use --headless on this terminal")
}

/// What a dashboard can do beside looking.
pub struct Reach<'a> {
    pub commands: &'a SyncSender<Command>,
    /// A file of the patients who are expected.
    pub worklist: Option<PathBuf>,
    pub archive: Option<Handle>,
}

/// Draws snapshots and passes on what keys ask for, until shutdown or *quit*. Without a reach there is
/// only looking.
pub fn run(
    settings: &Settings,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    reach: Option<Reach>,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let _end = EndsAll(shutdown);
    let mut screen = Screen::open().map_err(|e| broken(&e))?;
    let mut dashboard = Dashboard::open(settings, |name| std::env::var(name).ok());
    dashboard.read_only = reach.is_none();
    let commands = reach.as_ref().map(|reach| reach.commands);
    dashboard.worklist = reach.as_ref().and_then(|reach| reach.worklist.clone());
    dashboard.archive = reach.as_ref().and_then(|reach| reach.archive.clone());
    let mut pace = Pace::begin(settings.fps, &mut screen).map_err(|e| broken(&e))?;
    let (start, mut bell) = (Instant::now(), settings.bell.then(Bell::default));
    while !shutdown.requested() {
        match snapshots.take(&mut snapshot, Duration::ZERO) {
            Taken::Fresh => pace.owe(),
            Taken::TimedOut => {}
            Taken::Closed => break,
        }
        if let Some(budget) = pace.turn(&snapshot) {
            dashboard.painter.allow(budget);
            dashboard.draw(&mut screen.terminal, &snapshot).map_err(|e| broken(&e))?;
            pace.send(&mut screen, dashboard.painter.spent()).map_err(|e| broken(&e))?;
        }
        if bell.as_mut().is_some_and(|bell| bell.sounds(&snapshot, start.elapsed())) {
            screen.ring().map_err(|e| broken(&e))?;
        }
        // Waiting for keys is what paces the drawing.
        let Some(mut patience) = pace.patience(&mut screen).map_err(|e| broken(&e))? else {
            continue;
        };
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
                pace.hurry();
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
