//! `sonolamp run`: live screening with the dashboard, or headless.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::capture::{phantom, v4l2};
use crate::config::{Config, LampDriver};
use crate::dashboard;
use crate::error::{Error, ErrorKind, plain_words};
use crate::exam::Command;
use crate::headless;
use crate::lamps;
use crate::pipeline::Model;
use crate::pipeline::latest::Latest;
use crate::pipeline::live::{self, BackOff, CaptureStatus, Captured, Ending, Engine, Settings};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::screening::Mode;
use crate::snapshot::{Identity, Snapshot};

/// How long an orderly end may take once a signal has asked for it.
const GRACE: Duration = Duration::from_secs(5);

/// Screen live, with the dashboard (this is what plain `sonolamp` does).
///
/// Without a configuration it runs the built-in phantom.
#[derive(clap::Args, Default)]
#[command(after_long_help = sources_help())]
pub struct Arguments {
    /// Where frames come from: v4l2:DEVICE, pipe:- (Y4M or MJPEG on
    /// stdin), file:PATH, dicom:PATH or phantom:SCENE
    #[arg(long)]
    source: Option<String>,
    /// Bundle to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Print state changes as lines instead of the dashboard
    #[arg(long)]
    headless: bool,
    /// With --headless: one JSON object a line
    #[arg(long, requires = "headless")]
    json: bool,
    /// Let a demonstration source drive real lamps
    #[arg(long)]
    drive_lamps: bool,
    /// Play a file again and again
    #[arg(long)]
    repeat: bool,
    /// Stop after this many seconds
    #[arg(long, value_name = "S")]
    seconds: Option<f64>,
}

fn sources_help() -> String {
    let cameras = v4l2::GRAMMAR.replace("v4l2:", "  v4l2:");
    format!("Cameras:\n{cameras}\n\nPhantoms:\n{}", phantom::scene_help())
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut config = Config::load(arguments.config.as_deref())?;
    if let Some(source) = &arguments.source {
        config.source = source.parse()?;
    }
    if arguments.bundle.is_some() {
        config.bundle.clone_from(&arguments.bundle);
    }
    config.repeat |= arguments.repeat;
    if !arguments.headless && !std::io::stdout().is_terminal() {
        let problem = "is not a terminal, and the dashboard needs one";
        let remedy = "add --headless, or run it in a terminal";
        return Err(Error::new(ErrorKind::Usage, "stdout", problem, remedy).into());
    }
    config.source.check()?;
    let model = Model::load(config.bundle.as_deref())?;
    let driver = driver(&config, arguments.drive_lamps);
    let identity = Arc::new(identity(&model, &config, driver));
    let run = Run { arguments, config: &config, model: &model, driver, identity };
    run.go()?;
    Ok(ExitCode::SUCCESS)
}

/// A demonstration must not light a lamp that somebody trusts.
fn driver(config: &Config, drive_lamps: bool) -> LampDriver {
    if config.source.is_demonstration() && !drive_lamps {
        LampDriver::Console
    } else {
        config.driver
    }
}

fn identity(model: &Model, config: &Config, driver: LampDriver) -> Identity {
    let manifest = &model.bundle.manifest;
    let demonstration = config.source.is_demonstration();
    let held_back = driver != config.driver;
    Identity {
        source: config.source.to_string(),
        demonstration,
        bundle: model.bundle.title(),
        bundle_digest: model.bundle.short_digest().to_owned(),
        task: manifest.task.clone(),
        licence: manifest.licence.terms.clone(),
        classes: manifest.classes.iter().map(|class| class.name.clone()).collect(),
        min_evidence: manifest.rules().needed(Mode::Live),
        refer: manifest.decision.refer,
        clear: manifest.decision.clear,
        lamps: if held_back {
            "console; real ones need --drive-lamps for a demonstration".to_owned()
        } else {
            driver.words().to_owned()
        },
        version: env!("CARGO_PKG_VERSION"),
    }
}

struct Run<'a> {
    arguments: &'a Arguments,
    config: &'a Config,
    model: &'a Model,
    driver: LampDriver,
    identity: Arc<Identity>,
}

impl Run<'_> {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new(Arc::clone(&self.identity))
    }

    /// A camera may come back; a demonstration that fails is over.
    fn ending(&self) -> Ending {
        if self.config.source.is_device() {
            Ending::Reopen(BackOff::default())
        } else if self.config.repeat {
            Ending::Repeat
        } else {
            Ending::Stop
        }
    }

    /// Wires everything, runs it until shutdown, and joins every thread.
    fn go(&self) -> Result<(), Error> {
        let (shutdown, status) = (&Shutdown::default(), &CaptureStatus::default());
        let frames = &Latest::new(Captured::new());
        let for_lamps = &Latest::new(self.snapshot());
        let for_screen = &Latest::new(self.snapshot());
        let (commands, orders) = mpsc::sync_channel(16);
        let settings = Settings {
            identity: Arc::clone(&self.identity),
            auto_start: self.config.auto_start,
            stall: self.config.stall,
            stop_at_end: self.arguments.headless,
            limit: self.arguments.seconds.map(Duration::try_from_secs_f64).and_then(Result::ok),
        };
        let stages = self.model.stages(Mode::Live)?;
        let engine = Engine::new(settings, stages, &[for_lamps, for_screen]);
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|e| cannot_start(&e))?;
        let hang_up = signals.handle();
        std::thread::scope(|scope| {
            let threads = || {
                named("signals", scope, move || obey(signals, shutdown))?;
                named("capture", scope, move || {
                    let open = || self.config.source.open_as(&self.config.capture);
                    live::capture(open, self.ending(), frames, status, shutdown);
                })?;
                named("engine", scope, move || engine.run(frames, status, &orders, shutdown))?;
                named("lamps", scope, move || self.lamps(for_lamps, shutdown))
            };
            let outcome = threads().and_then(|lamps| {
                let shown = self.show(for_screen, &commands, shutdown);
                shutdown.request();
                // A thread that panicked has already said so.
                shown.and(lamps.join().unwrap_or(Ok(()))).and(live::outcome(status))
            });
            shutdown.request();
            hang_up.close();
            if status.ended() && !self.identity.demonstration {
                let source = &self.identity.source;
                eprintln!("sonolamp: {source}: the stream has ended, and the exam with it");
            }
            outcome
        })
    }

    fn show(
        &self,
        snapshots: &Latest<Snapshot>,
        commands: &mpsc::SyncSender<Command>,
        shutdown: &Shutdown,
    ) -> Result<(), Error> {
        let buffer = self.snapshot();
        if self.arguments.headless {
            let mut out = std::io::stdout().lock();
            return headless::run(&mut out, self.arguments.json, snapshots, buffer, shutdown);
        }
        let options = dashboard::Options { picture: self.config.picture, fps: self.config.fps };
        dashboard::run(&options, snapshots, buffer, commands, shutdown)
    }

    fn lamps(&self, snapshots: &Latest<Snapshot>, shutdown: &Shutdown) -> Result<(), Error> {
        let _end = EndsAll(shutdown);
        let (buffer, stale) = (self.snapshot(), self.config.stale);
        let wiring = &self.config.wiring;
        match self.driver {
            // Nothing to drive: the dashboard and the lines of text show the lamps.
            LampDriver::Console => {
                while !shutdown.wait(Duration::from_secs(60)) {}
                Ok(())
            }
            LampDriver::Gpiochip => {
                let lamps = lamps::open_gpiochip(wiring)?;
                lamps::run(lamps, snapshots, buffer, stale, shutdown)
            }
            LampDriver::Rppal => {
                let lamps = lamps::open_rppal(wiring)?;
                lamps::run(lamps, snapshots, buffer, stale, shutdown)
            }
        }
    }
}

fn named<'scope, T: Send + 'scope>(
    name: &str,
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    builder.spawn_scoped(scope, work).map_err(|e| cannot_start(&e))
}

fn cannot_start(error: &std::io::Error) -> Error {
    let problem = format!("cannot start ({})", plain_words(error));
    Error::new(ErrorKind::Device, "sonolamp", problem, "free memory and try again")
}

/// The first signal asks for an orderly end; a second, or an end that takes too long, stops at once.
///
/// The latter happens when the terminal has gone: reading keys from it never returns.
fn obey(mut signals: Signals, shutdown: &Shutdown) {
    let Some(signal) = signals.forever().next() else { return };
    shutdown.request();
    let handle = signals.handle();
    let deadline = Instant::now() + GRACE;
    while !handle.is_closed() {
        if signals.pending().next().is_some() || Instant::now() >= deadline {
            dashboard::restore_terminal();
            std::process::exit(128 + signal);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
