//! `sonolamp run`: live screening with the dashboard, or headless.

mod safe;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};

use super::exam;
use crate::archive::{self, Archive};
use crate::bundle::Trusted;
use crate::buttons::{self, Desk};
use crate::capture::{SourceSpec, phantom, v4l2};
use crate::config::{Config, LampDriver};
use crate::dashboard::{self, Reach};
use crate::device::{self, Watch};
use crate::error::{Error, ErrorKind, plain_words};
use crate::exam::Command;
use crate::gpio::InputLine;
use crate::headless::{self, Form};
use crate::inference::Placement;
use crate::lamps::{self, Board, Lamps, Wiring};
use crate::panel;
use crate::pipeline::Model;
use crate::pipeline::capturing::{
    BackOff, CaptureStatus, Captured, Ending, Playing, capture, outcome,
};
use crate::pipeline::latest::Latest;
use crate::pipeline::live::{Engine, Settings};
use crate::pipeline::rehearsal::Rehearsal;
use crate::pipeline::shutdown::{EndsAll, PanicEndsAll, Shutdown};
use crate::protocol::{Choice, Examination};
use crate::screening::Mode;
use crate::service::{self, Journal, Level, say};
use crate::snapshot::{Identity, Snapshot};
use crate::store::{self, Means, Recorder, Recording, Store};
use crate::watch::Server;

/// Whose free space is shown: where exams and logs go.
const STORAGE: &str = "/var/lib/sonolamp";
/// How long an orderly end may take once a signal has asked for it.
const GRACE: Duration = Duration::from_secs(5);
/// Set in the environment, it lets misfortunes be rehearsed with a camera too.
const REHEARSE: &str = "SONOLAMP_REHEARSE";

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
    /// Bundle to use instead of the installed or built-in one
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
    /// As a service: where the configuration, the bundle, the store or the wiring is broken, do not
    /// end but say so, screen nothing, and go on once it is mended; refuse demonstration sources
    #[arg(long)]
    safe: bool,
    /// Let something go wrong after so many seconds: stuck-inference, panic or memory
    #[arg(long, value_name = "WHAT:SECONDS", hide = true)]
    rehearse: Option<String>,
}

fn sources_help() -> String {
    let cameras = v4l2::GRAMMAR.replace("v4l2:", "  v4l2:");
    format!("Cameras:\n{cameras}\n\nPhantoms:\n{}", phantom::scene_help())
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.headless && !std::io::stdout().is_terminal() {
        let problem = "is not a terminal, and the dashboard needs one";
        let remedy = "add --headless, or run it in a terminal";
        return Err(Error::new(ErrorKind::Usage, "stdout", problem, remedy).into());
    }
    let ended = Arc::<AtomicBool>::default();
    if arguments.safe {
        // Between safe mode and screening nobody else hears of a signal.
        let heard = signal_hook::flag::register(SIGTERM, Arc::clone(&ended));
        heard.map_err(|e| cannot_start(&e))?;
    }
    let mut mended = None;
    let (ready, lamps) = loop {
        let ready = mended.take().map_or_else(|| prepare(arguments), Ok);
        let trouble = match ready.map(|ready| (ready.lamps(arguments), ready)) {
            Ok((Ok(lamps), ready)) => break (ready, lamps),
            Ok((Err(error), _)) => safe::Trouble { error, wiring: true },
            Err(error) => safe::Trouble { error, wiring: false },
        };
        if !arguments.safe || ended.load(Ordering::Relaxed) {
            return Err(trouble.error.into());
        }
        mended = Some(safe::wait(arguments, trouble)?);
    };
    let Ready { config, model, examination, store, rehearsal } = ready;
    let driver = driver(&config, arguments.drive_lamps);
    let identity = Arc::new(identity(&model, &config, driver));
    let notices = Mutex::default();
    let (config, model) = (&config, &model);
    let run = Run { arguments, config, model, identity, examination, rehearsal, notices };
    let desk = Desk::default();
    let outcome = if ended.load(Ordering::Relaxed) { Ok(()) } else { run.go(store, lamps, &desk) };
    for notice in run.notices.into_inner().unwrap_or_else(PoisonError::into_inner) {
        say(Level::Warning, notice);
    }
    if config.buttons.lines().next().is_some() {
        say(Level::Info, format!("buttons: {}", desk.words()));
    }
    if desk.power_off() {
        power_off(&config.shutdown_command)?;
    }
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// What screening takes, found right.
struct Ready {
    config: Config,
    model: Model,
    examination: Option<Examination>,
    /// Where exams are to be kept and cannot be, nothing is screened.
    store: Option<Store>,
    rehearsal: Option<Rehearsal>,
}

/// Checks everything but the wiring.
fn prepare(arguments: &Arguments) -> Result<Ready, Error> {
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
    if arguments.safe && config.source.is_demonstration() {
        return Err(safe::demonstration(arguments, &config.source));
    }
    config.source.check()?;
    let placement = Placement { threads: config.threads, ..Placement::default() };
    let installed = config.bundle_must_be_signed();
    let way_out = |error: Error| Error {
        remedy: if installed { WAY_OUT.to_owned() } else { error.remedy },
        ..error
    };
    let model = Model::load_for(config.bundle_in_use().as_deref(), placement).map_err(way_out)?;
    if installed {
        let trusted = Trusted::load(&config.trusted_keys);
        trusted.and_then(|trusted| model.bundle.signer(&trusted).map(drop)).map_err(way_out)?;
    }
    let protocol = config.protocol.as_ref().map(Choice::load).transpose()?;
    let examination = protocol.map(|protocol| Examination::new(Arc::new(protocol)));
    let rehearsal: Option<Rehearsal> = arguments.rehearse.as_deref().map(str::parse).transpose()?;
    let real = !config.source.is_demonstration() && std::env::var_os(REHEARSE).is_none();
    if rehearsal.is_some() && real {
        let problem = "is refused while a real source may show a patient";
        let remedy = format!("take a phantom as source, or set {REHEARSE}=1 on a test bench");
        return Err(Error::new(ErrorKind::Usage, "--rehearse", problem, remedy));
    }
    let store = match &config.store {
        None => None,
        Some(settings) => {
            let opened = exam::open_store(&settings.folder, &settings.keys, settings.reserve)?;
            let (store, mended) = opened;
            for words in mended {
                say(Level::Warning, format!("the exam store: {words}"));
            }
            Some(store)
        }
    };
    Ok(Ready { config, model, examination, store, rehearsal })
}

impl Ready {
    /// Takes the lines of the lamps, where there are any, and sees that the buttons' can be had.
    fn lamps(&self, arguments: &Arguments) -> Result<Option<Lamps>, Error> {
        let buttons = &self.config.buttons;
        for (_, line) in buttons.lines() {
            InputLine::open(line, &buttons.chip, buttons.active_low, buttons.bias)?;
        }
        open_lamps(driver(&self.config, arguments.drive_lamps), &self.config.wiring)
    }
}

/// Takes and darkens the lines of the lamps.
pub fn open_lamps(driver: LampDriver, wiring: &Wiring) -> Result<Option<Lamps>, Error> {
    Ok(match driver {
        // Nothing to drive: the dashboard and the lines of text show the lamps.
        LampDriver::Console => None,
        LampDriver::Gpiochip => Some(Lamps::open_gpiochip(wiring)?),
        LampDriver::Rppal => Some(Lamps::open_rppal(wiring)?),
    })
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

/// What can be done about an installed bundle that is not right, also without a shell.
pub const WAY_OUT: &str = "install it again, signed by a trusted key; or go back: `sonolamp bundle rollback`, or \
                           `rollback --built-in` (on a card, a file built-in-model.txt on a stick)";

struct Run<'a> {
    arguments: &'a Arguments,
    config: &'a Config,
    model: &'a Model,
    identity: Arc<Identity>,
    examination: Option<Examination>,
    rehearsal: Option<Rehearsal>,
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
    fn go(&self, store: Option<Store>, lamps: Option<Lamps>, desk: &Desk) -> Result<(), Error> {
        let (shutdown, status) = (&Shutdown::default(), &CaptureStatus::default());
        let frames = &Latest::new(Captured::new());
        let for_lamps = &Latest::new(self.snapshot());
        let for_panel = &Latest::new(self.snapshot());
        let for_screen = &Latest::new(self.snapshot());
        let for_watchers = &Latest::new(self.snapshot());
        let board = &Board::default();
        let (commands, orders) = mpsc::sync_channel(16);
        let device = &Arc::new(Watch::begin(Path::new(STORAGE)));
        let (recording, recorder) = store.map(|store| self.recorder(store)).unzip();
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
        let stages = self.model.stages_for(Mode::Live, self.rehearsal)?;
        let server = self.server();
        let mut sinks = vec![for_lamps, for_screen];
        sinks.extend(self.config.panel.is_some().then_some(for_panel));
        sinks.extend(server.is_some().then_some(for_watchers));
        let engine = Engine::new(settings, stages, &sinks);
        let commands = &commands;
        obeying(board, shutdown, |scope| {
            let threads = || {
                named("capture", scope, shutdown, move || {
                    let open = || self.config.source.open_as(&self.config.capture);
                    let every_frame = self.arguments.every_frame;
                    let playing = Playing { ending: self.ending(), every_frame };
                    capture(open, playing, frames, status, shutdown);
                })?;
                if let Some(recorder) = recorder {
                    named("recorder", scope, shutdown, move || recorder.run())?;
                }
                if let Some(archive) = archive {
                    named("archive", scope, shutdown, move || archive.run(shutdown))?;
                }
                if let Some(sender) = sender {
                    named("sender", scope, shutdown, move || sender.run(shutdown))?;
                }
                named("device", scope, shutdown, move || device.run(Path::new(STORAGE), shutdown))?;
                named("engine", scope, shutdown, move || {
                    engine.run(frames, status, &orders, shutdown);
                })?;
                if let Some(server) = &server {
                    let buffer = self.snapshot();
                    named("watch", scope, shutdown, move || {
                        server.run(for_watchers, buffer, shutdown);
                    })?;
                }
                if let Some(wiring) = &self.config.panel {
                    named("panel", scope, shutdown, move || {
                        self.panel(wiring, for_panel, shutdown);
                    })?;
                }
                let mut outputs = Vec::new();
                if let Some(lamps) = lamps {
                    let (buffer, stale) = (self.snapshot(), self.config.stale);
                    outputs.push(named("lamps", scope, shutdown, move || {
                        let _end = EndsAll(shutdown);
                        lamps::run(lamps, board, for_lamps, buffer, stale, shutdown)
                    })?);
                }
                for button in self.config.buttons.lines() {
                    let wiring = &self.config.buttons;
                    let follow = move || buttons::run(button, wiring, desk, commands, shutdown);
                    outputs.push(named("button", scope, shutdown, follow)?);
                }
                Ok(outputs)
            };
            let outcome = threads().and_then(|threads: Vec<ScopedJoinHandle<'_, _>>| {
                let shown = self.show(for_screen, commands, handle, shutdown);
                service::stopping();
                shutdown.request();
                // A thread that panicked ends the program as a panic does.
                let ends = threads.into_iter().map(|thread| {
                    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
                });
                ends.fold(shown, Result::and).and(outcome(status))
            });
            shutdown.request();
            if status.ended() && !self.identity.demonstration {
                let source = &self.identity.source;
                say(Level::Notice, format!("{source}: the stream has ended, and the exam with it"));
            }
            outcome
        })
    }

    fn recorder(&self, store: Store) -> (Recording, Recorder) {
        let means = Means {
            version: self.identity.version.clone(),
            bundle: self.identity.bundle.clone(),
            bundle_digest: self.model.bundle.digest.clone(),
            configuration_digest: self.config.digest(),
            device: device::name().unwrap_or_default(),
            source: self.identity.source.clone(),
            demonstration: self.identity.demonstration,
        };
        let retain = self.config.store.as_ref().and_then(|settings| settings.retain);
        store::recorder(store, means, retain.map(|age| age.as_secs()))
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
            return print(self.arguments.json, snapshots, buffer, shutdown);
        }
        let worklist = self.config.store.as_ref().and_then(|store| store.worklist.clone());
        let reach = Reach { commands, worklist, archive };
        dashboard::run(&self.config.dashboard, snapshots, buffer, Some(reach), shutdown)
    }

    /// Tells of what goes wrong beside the screening: at once, or after the dashboard's end.
    fn notice(&self, error: &Error) {
        if self.arguments.headless {
            say(Level::Warning, error);
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

/// Snapshots as lines on stdout.
fn print(
    json: bool,
    snapshots: &Latest<Snapshot>,
    buffer: Snapshot,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let stdout = std::io::stdout();
    let form = if json { Form::Json } else { Form::Text(Journal::behind(&stdout)) };
    headless::run(&mut stdout.lock(), form, snapshots, buffer, shutdown)
}

/// Closes when what is obeyed is over, by a panic too.
struct HangUp(Handle);

impl Drop for HangUp {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Obeys signals until `work` is over and all threads of its scope have ended.
fn obeying<'env, T>(
    board: &'env Board,
    shutdown: &'env Shutdown,
    work: impl for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> Result<T, Error>,
) -> Result<T, Error> {
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).map_err(|e| cannot_start(&e))?;
    let hang_up = HangUp(signals.handle());
    std::thread::scope(|outer| {
        let _hang_up = hang_up;
        named("signals", outer, shutdown, move || obey(signals, board, shutdown))?;
        std::thread::scope(work)
    })
}

/// A thread of a scope. Should it panic, everything ends, and the program with it.
fn named<'scope, 'a: 'scope, T: Send + 'scope>(
    name: &str,
    scope: &'scope Scope<'scope, '_>,
    shutdown: &'a Shutdown,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<ScopedJoinHandle<'scope, T>, Error> {
    let builder = std::thread::Builder::new().name(name.to_owned());
    let guarded = move || {
        let _end = PanicEndsAll(shutdown);
        work()
    };
    builder.spawn_scoped(scope, guarded).map_err(|e| cannot_start(&e))
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
