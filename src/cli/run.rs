//! `sonolamp run`: live screening with the dashboard, or headless.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::exam;
use crate::archive::{self, Archive};
use crate::buttons::{self, Desk};
use crate::capture::{SourceSpec, phantom, v4l2};
use crate::config::{Config, LampDriver};
use crate::dashboard::{self, Reach};
use crate::device::{self, Watch};
use crate::error::{Error, ErrorKind, plain_words};
use crate::exam::Command;
use crate::headless;
use crate::inference::Placement;
use crate::lamps::{self, Board, Lamps, Wiring};
use crate::panel;
use crate::pipeline::Model;
use crate::pipeline::capturing::{
    BackOff, CaptureStatus, Captured, Ending, Playing, capture, outcome,
};
use crate::pipeline::latest::Latest;
use crate::pipeline::live::{Engine, Settings};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use crate::protocol::{Choice, Examination};
use crate::screening::Mode;
use crate::snapshot::{Identity, Snapshot};
use crate::store::{self, Means, Recorder, Recording};
use crate::watch::Server;

/// Whose free space is shown: where exams and logs go.
const STORAGE: &str = "/var/lib/sonolamp";
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
    /// Threads that share the network's work on a frame
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=4))]
    threads: Option<u8>,
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
    /// Play every frame of a file or phantom, as slowly as this machine needs
    #[arg(long)]
    every_frame: bool,
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
    if let Some(threads) = arguments.threads {
        config.threads = threads.into();
    }
    config.repeat |= arguments.repeat;
    if !arguments.headless && !std::io::stdout().is_terminal() {
        let problem = "is not a terminal, and the dashboard needs one";
        let remedy = "add --headless, or run it in a terminal";
        return Err(Error::new(ErrorKind::Usage, "stdout", problem, remedy).into());
    }
    config.source.check()?;
    let placement = Placement { threads: config.threads, ..Placement::default() };
    let model = Model::load_for(config.bundle.as_deref(), placement)?;
    let driver = driver(&config, arguments.drive_lamps);
    let identity = Arc::new(identity(&model, &config, driver));
    let notices = Mutex::default();
    let protocol = config.protocol.as_ref().map(Choice::load).transpose()?;
    let examination = protocol.map(|protocol| Examination::new(Arc::new(protocol)));
    let (config, model) = (&config, &model);
    let run = Run { arguments, config, model, driver, identity, examination, notices };
    let desk = Desk::default();
    let outcome = run.go(&desk);
    for notice in run.notices.into_inner().unwrap_or_else(PoisonError::into_inner) {
        eprintln!("sonolamp: {notice}");
    }
    if config.buttons.lines().next().is_some() {
        eprintln!("sonolamp: buttons: {}", desk.words());
    }
    if desk.power_off() {
        power_off(&config.shutdown_command)?;
    }
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// The box goes off once the program has ended in order.
fn power_off(command: &[String]) -> Result<(), Error> {
    let Some((program, arguments)) = command.split_first() else { return Ok(()) };
    let failed = |problem: String| {
        let remedy = "try [buttons] shutdown_command as this user; it may need a polkit rule";
        Error::new(ErrorKind::Device, command.join(" "), problem, remedy)
    };
    let status = std::process::Command::new(program).args(arguments).status();
    let status = status.map_err(|e| failed(format!("cannot be run ({})", plain_words(&e))))?;
    if status.success() { Ok(()) } else { Err(failed(format!("failed ({status})"))) }
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
        heads: model.heads(),
        heat_map: manifest.map.is_some(),
        outlined: manifest.mask.as_ref().map(|mask| mask.name.clone()),
        min_evidence: manifest.rules().needed(Mode::Live),
        window: manifest.rules().window,
        refer: manifest.decision.refer,
        clear: manifest.decision.clear,
        lamps: if held_back {
            "console; real ones need --drive-lamps for a demonstration".to_owned()
        } else {
            driver.words().to_owned()
        },
        lines: if driver == LampDriver::Console {
            Vec::new()
        } else {
            let Wiring { refer, clear, attention, .. } = &config.wiring;
            [refer, clear, attention].map(ToString::to_string).into()
        },
        active_low: config.wiring.active_low,
        camera: camera(config).unwrap_or_default(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The formats of the configured camera, if it is one and there.
fn camera(config: &Config) -> Option<String> {
    let SourceSpec::V4l2(address) = &config.source else { return None };
    let found = v4l2::survey(&config.capture);
    let camera = found.iter().find(|c| address.fits(Path::new(&c.node), &c.name, &c.bus))?;
    let formats: Vec<&str> = camera.formats.iter().map(|f| f.format.as_str()).collect();
    let choice = camera.choice.as_deref().or(camera.problem.as_deref()).unwrap_or("-");
    Some(format!("{choice} ({})", formats.join(" ")))
}

struct Run<'a> {
    arguments: &'a Arguments,
    config: &'a Config,
    model: &'a Model,
    driver: LampDriver,
    identity: Arc<Identity>,
    examination: Option<Examination>,
    /// What went wrong beside the screening while the dashboard had the terminal.
    notices: Mutex<Vec<Error>>,
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
    fn go(&self, desk: &Desk) -> Result<(), Error> {
        let (shutdown, status) = (&Shutdown::default(), &CaptureStatus::default());
        let frames = &Latest::new(Captured::new());
        let for_lamps = &Latest::new(self.snapshot());
        let for_panel = &Latest::new(self.snapshot());
        let for_screen = &Latest::new(self.snapshot());
        let for_watchers = &Latest::new(self.snapshot());
        let board = &Board::default();
        let (commands, orders) = mpsc::sync_channel(16);
        let device = &Arc::new(Watch::begin(Path::new(STORAGE)));
        let (recording, recorder) = self.recorder()?.unzip();
        let reading = recorder.as_ref().and_then(|recorder| self.archive(recorder));
        let (handle, archive, sender) = match reading {
            Some((handle, archive, sender)) => (Some(handle), Some(archive), sender),
            None => (None, None, None),
        };
        let settings = Settings {
            recording,
            identity: Arc::clone(&self.identity),
            auto_start: self.config.auto_start,
            stall: self.config.stall,
            stop_at_end: self.arguments.headless,
            auto_hold: self.config.auto_hold,
            examination: self.examination.clone(),
            device: Arc::clone(device),
            guidance: self.config.guidance,
            limit: self.arguments.seconds.map(Duration::try_from_secs_f64).and_then(Result::ok),
        };
        let stages = self.model.stages(Mode::Live)?;
        let server = self.server();
        let mut sinks = vec![for_lamps, for_screen];
        sinks.extend(self.config.panel.is_some().then_some(for_panel));
        sinks.extend(server.is_some().then_some(for_watchers));
        let engine = Engine::new(settings, stages, &sinks);
        let commands = &commands;
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|e| cannot_start(&e))?;
        let hang_up = signals.handle();
        std::thread::scope(|scope| {
            let threads = || {
                named("signals", scope, move || obey(signals, board, shutdown))?;
                named("capture", scope, move || {
                    let open = || self.config.source.open_as(&self.config.capture);
                    let every_frame = self.arguments.every_frame;
                    let playing = Playing { ending: self.ending(), every_frame };
                    capture(open, playing, frames, status, shutdown);
                })?;
                if let Some(recorder) = recorder {
                    named("recorder", scope, move || recorder.run())?;
                }
                if let Some(archive) = archive {
                    named("archive", scope, move || archive.run(shutdown))?;
                }
                if let Some(sender) = sender {
                    named("sender", scope, move || sender.run(shutdown))?;
                }
                named("device", scope, move || device.run(Path::new(STORAGE), shutdown))?;
                named("engine", scope, move || engine.run(frames, status, &orders, shutdown))?;
                if let Some(server) = &server {
                    let buffer = self.snapshot();
                    named("watch", scope, move || server.run(for_watchers, buffer, shutdown))?;
                }
                if let Some(wiring) = &self.config.panel {
                    named("panel", scope, move || self.panel(wiring, for_panel, shutdown))?;
                }
                let lamps = named("lamps", scope, move || self.lamps(board, for_lamps, shutdown))?;
                let mut outputs = vec![lamps];
                for button in self.config.buttons.lines() {
                    let wiring = &self.config.buttons;
                    let follow = move || buttons::run(button, wiring, desk, commands, shutdown);
                    outputs.push(named("button", scope, follow)?);
                }
                Ok(outputs)
            };
            let outcome = threads().and_then(|threads: Vec<ScopedJoinHandle<'_, _>>| {
                let shown = self.show(for_screen, commands, handle, shutdown);
                shutdown.request();
                // A thread that panicked has already said so.
                let ends = threads.into_iter().map(|thread| thread.join().unwrap_or(Ok(())));
                ends.fold(shown, Result::and).and(outcome(status))
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

    /// Where exams are to be kept and cannot be, nothing is screened.
    fn recorder(&self) -> Result<Option<(Recording, Recorder)>, Error> {
        let Some(settings) = &self.config.store else { return Ok(None) };
        let opened = exam::open_store(&settings.folder, &settings.keys, settings.reserve)?;
        let (store, mended) = opened;
        for words in mended {
            eprintln!("sonolamp: the exam store: {words}");
        }
        let means = Means {
            version: self.identity.version.clone(),
            bundle: self.identity.bundle.clone(),
            bundle_digest: self.model.bundle.digest.clone(),
            configuration_digest: self.config.digest(),
            device: device::name().unwrap_or_default(),
            source: self.identity.source.clone(),
            demonstration: self.identity.demonstration,
        };
        let retain = settings.retain.map(|age| age.as_secs());
        Ok(Some(store::recorder(store, means, retain)))
    }

    /// Kept exams can be read where there is a screen to read them on.
    fn archive(
        &self,
        recorder: &Recorder,
    ) -> Option<(archive::Handle, Archive, Option<archive::Sender>)> {
        let store = self.config.store.as_ref().filter(|_| !self.arguments.headless)?;
        let settings = archive::Settings {
            token: store.token.clone(),
            locked_key: store.locked_key.clone(),
            idle: store.idle,
            export: store.export.clone(),
            identified: store.export_identified,
            pacs: self.config.pacs.as_ref().map(|pacs| archive::Destination {
                peer: pacs.peer.clone(),
                identified: pacs.identified,
            }),
        };
        Some(archive::archive(recorder.beside(), self.model.clone(), settings, exam::now))
    }

    /// Nobody can watch where it cannot listen: a notice and nothing more.
    fn server(&self) -> Option<Server> {
        let server = self.config.watch.path().map(|path| Server::bind(&path))?;
        server.map_err(|error| self.notice(&error)).ok()
    }

    fn show(
        &self,
        snapshots: &Latest<Snapshot>,
        commands: &mpsc::SyncSender<Command>,
        archive: Option<archive::Handle>,
        shutdown: &Shutdown,
    ) -> Result<(), Error> {
        let buffer = self.snapshot();
        if self.arguments.headless {
            let mut out = std::io::stdout().lock();
            return headless::run(&mut out, self.arguments.json, snapshots, buffer, shutdown);
        }
        let worklist = self.config.store.as_ref().and_then(|store| store.worklist.clone());
        let reach = Reach { commands, worklist, archive };
        dashboard::run(&self.config.dashboard, snapshots, buffer, Some(reach), shutdown)
    }

    fn lamps(
        &self,
        board: &Board,
        snapshots: &Latest<Snapshot>,
        shutdown: &Shutdown,
    ) -> Result<(), Error> {
        let _end = EndsAll(shutdown);
        let wiring = &self.config.wiring;
        let lamps = match self.driver {
            // Nothing to drive: the dashboard and the lines of text show the lamps.
            LampDriver::Console => {
                while !shutdown.wait(Duration::from_secs(60)) {}
                return Ok(());
            }
            LampDriver::Gpiochip => Lamps::open_gpiochip(wiring)?,
            LampDriver::Rppal => Lamps::open_rppal(wiring)?,
        };
        lamps::run(lamps, board, snapshots, self.snapshot(), self.config.stale, shutdown)
    }

    /// Tells of what goes wrong beside the screening: at once, or after the dashboard's end.
    fn notice(&self, error: &Error) {
        if self.arguments.headless {
            eprintln!("sonolamp: {error}");
            return;
        }
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.last() != Some(error) {
            notices.push(error.clone());
        }
    }

    /// A panel that fails is a notice and nothing more.
    fn panel(&self, wiring: &panel::Wiring, snapshots: &Latest<Snapshot>, shutdown: &Shutdown) {
        let notice = |error: &Error| self.notice(error);
        panel::run(wiring, snapshots, self.snapshot(), self.config.stale, &notice, shutdown);
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
fn obey(mut signals: Signals, board: &Board, shutdown: &Shutdown) {
    let Some(signal) = signals.forever().next() else { return };
    shutdown.request();
    let handle = signals.handle();
    let deadline = Instant::now() + GRACE;
    while !handle.is_closed() {
        if signals.pending().next().is_some() || Instant::now() >= deadline {
            // Nothing is unwound from here on: a lamp must not stay lit.
            board.release();
            dashboard::restore_terminal();
            std::process::exit(128 + signal);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
