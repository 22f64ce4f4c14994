//! Safe mode: what screening takes is broken, and a box that nobody sits at must not go silent.
//!
//! Nothing is screened. The lamps blink *attention* where they can be driven, the dashboard, lines of
//! text and watchers say what is wrong, where, and what to do. Every few seconds everything is tried
//! again, until it is mended. The one thread that tries and tells also feeds the watchdog.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Arguments, Ready, STORAGE, named, obeying, open_lamps, prepare, print};
use crate::capture::SourceSpec;
use crate::config::{self, Config, SYSTEM_FILE};
use crate::dashboard;
use crate::device::Watch;
use crate::error::{Error, ErrorKind};
use crate::lamps::{self, Board, Lamps};
use crate::panel;
use crate::pipeline::latest::Latest;
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::service::{self, Level, Reporter, say};
use crate::snapshot::{Fault, FaultKind, Identity, Snapshot};
use crate::watch::Server;

/// How often everything is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often the state is told.
const TELL: Duration = Duration::from_millis(200);
/// The lamps blink the same when nobody tells them anything.
const STALE: Duration = Duration::from_secs(10);

/// Why nothing is screened.
pub struct Trouble {
    pub error: Error,
    /// It is the wiring, which then is left alone.
    pub wiring: bool,
}

/// A demonstration must not be taken for a patient by those who trust the box.
pub fn demonstration(arguments: &Arguments, source: &SourceSpec) -> Error {
    let (subject, line) = if arguments.source.is_some() {
        ("--source".to_owned(), None)
    } else {
        let file = file(arguments);
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        (file.display().to_string(), config::line_of(&text, "source.use"))
    };
    let line = line.map_or(String::new(), |line| format!("line {line}: "));
    let problem = format!("{line}`source.use` is \"{source}\", a demonstration");
    let remedy = "name the camera there; `sonolamp doctor` lists those that are plugged in";
    Error::new(ErrorKind::Usage, subject, problem, remedy)
}

fn file(arguments: &Arguments) -> PathBuf {
    arguments.config.clone().unwrap_or_else(|| PathBuf::from(SYSTEM_FILE))
}

/// Says what is wrong until it is mended. Whoever ends it before gets the trouble as an error.
pub fn wait(arguments: &Arguments, trouble: Trouble) -> Result<Ready, Error> {
    let (config, lamps) = remains(arguments, &trouble)?;
    let identity = Arc::new(Identity {
        source: "none, in safe mode".to_owned(),
        bundle: "none".to_owned(),
        lamps: if lamps.is_some() { "driven" } else { "not driven" }.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..Identity::default()
    });
    let snapshot = || Snapshot::new(Arc::clone(&identity));
    let slots: [_; 4] = std::array::from_fn(|_| Latest::new(snapshot()));
    let [for_lamps, for_screen, for_panel, for_watchers] = &slots;
    let (shutdown, board) = (&Shutdown::default(), &Board::default());
    let device = &Arc::<Watch>::default();
    let server = config.watch.path().and_then(|path| Server::bind(&path).ok());
    let mended = &Mutex::new(None);
    let mut teller = Teller {
        arguments,
        lines_are_held: lamps.is_some(),
        sinks: slots.iter().map(|slot| (slot, snapshot())).collect(),
        snapshot: snapshot(),
        device,
        error: trouble.error,
    };
    let error = obeying(board, shutdown, |scope| {
        let threads = || {
            named("device", scope, shutdown, move || device.run(Path::new(STORAGE), shutdown))?;
            if let Some(lamps) = lamps {
                let buffer = snapshot();
                named("lamps", scope, shutdown, move || {
                    // A line that fails here is one more reason to look at the box.
                    lamps::run(lamps, board, for_lamps, buffer, STALE, shutdown)
                })?;
            }
            if let Some(server) = &server {
                let buffer = snapshot();
                named("watch", scope, shutdown, move || {
                    server.run(for_watchers, buffer, shutdown);
                })?;
            }
            if let Some(wiring) = config.panel.as_ref().filter(|_| !trouble.wiring) {
                let buffer = snapshot();
                named("panel", scope, shutdown, move || {
                    panel::run(wiring, for_panel, buffer, STALE, &|_| (), shutdown);
                })?;
            }
            named("safe mode", scope, shutdown, move || {
                let ready = teller.run(shutdown);
                *mended.lock().unwrap_or_else(PoisonError::into_inner) = ready;
                teller.error
            })
        };
        let outcome = threads().and_then(|teller| {
            let shown = if arguments.headless {
                print(arguments.json, for_screen, snapshot(), shutdown)
            } else {
                dashboard::run(&config.dashboard, for_screen, snapshot(), None, shutdown)
            };
            shutdown.request();
            let error = teller.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            shown.map(|()| error)
        });
        shutdown.request();
        outcome
    })?;
    let mended = mended.lock().unwrap_or_else(PoisonError::into_inner).take();
    if mended.is_none() {
        service::stopping();
    }
    mended.ok_or(error)
}

/// What can be used of the configuration: as much as is right, and the lamps of the usual wiring
/// where theirs cannot be read.
fn remains(arguments: &Arguments, trouble: &Trouble) -> Result<(Config, Option<Lamps>), Error> {
    let (driver, wiring) = config::lamps_at_least(arguments.config.as_deref())?;
    let config =
        Config::load(arguments.config.as_deref()).or_else(|_| Config::parse("", "defaults"))?;
    let lamps = if trouble.wiring { None } else { open_lamps(driver, &wiring).ok().flatten() };
    Ok((config, lamps))
}

/// Tells everyone, and tries again.
struct Teller<'a> {
    arguments: &'a Arguments,
    /// The lamps are lit: whether their lines can be had is known, and cannot be tried.
    lines_are_held: bool,
    sinks: Vec<(&'a Latest<Snapshot>, Snapshot)>,
    snapshot: Snapshot,
    device: &'a Watch,
    error: Error,
}

impl Teller<'_> {
    /// What screening takes, once all of it is right; none at shutdown.
    fn run(&mut self, shutdown: &Shutdown) -> Option<Ready> {
        let _end = EndsAll(shutdown);
        let start = Instant::now();
        let limit = self.arguments.seconds.map(Duration::try_from_secs_f64).and_then(Result::ok);
        let mut reporter = Reporter::new("safe mode");
        let mut words = self.words();
        let mut tried = start;
        loop {
            self.snapshot.uptime = start.elapsed();
            self.snapshot.device = self.device.latest();
            let words_now = Arc::clone(&words);
            self.snapshot.fault = Some(Fault { kind: FaultKind::SafeMode, words: words_now });
            for (slot, spare) in &mut self.sinks {
                spare.copy_from(&self.snapshot);
                slot.publish(spare);
            }
            reporter.turn(true, Some(&words));
            if limit.is_some_and(|limit| start.elapsed() >= limit) || shutdown.wait(TELL) {
                return None;
            }
            if tried.elapsed() < AGAIN {
                continue;
            }
            match self.again() {
                Ok(ready) => {
                    say(Level::Notice, "it is mended, safe mode is over");
                    return Some(ready);
                }
                Err(error) if error != self.error => {
                    self.error = error;
                    words = self.words();
                }
                Err(_) => {}
            }
            tried = Instant::now();
        }
    }

    fn again(&self) -> Result<Ready, Error> {
        let ready = prepare(self.arguments)?;
        if !self.lines_are_held {
            ready.lamps(self.arguments)?;
        }
        Ok(ready)
    }

    fn words(&self) -> Arc<str> {
        let words = format!("safe mode, nothing is screened: {}", self.error);
        say(Level::Error, &words);
        words.into()
    }
}
