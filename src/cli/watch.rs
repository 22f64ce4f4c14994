//! `sonolamp watch`: a read-only dashboard on a running instance.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Config;
use crate::dashboard;
use crate::error::{Error, ErrorKind};
use crate::pipeline::latest::Latest;
use crate::pipeline::shutdown::Shutdown;
use crate::service::{Level, say};
use crate::snapshot::{Fault, FaultKind, Snapshot};
use crate::watch::{Client, Seen};

/// Watch a running instance: the same screen, read-only, over its Unix socket.
///
/// An instance listens at the path that [watch] socket of its configuration names. Watching costs
/// it no frame: a watcher that is slow, as over a thin line, sees fewer of them.
#[derive(clap::Args)]
pub struct Arguments {
    /// Where the instance listens (default: as configured)
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    if !std::io::stdout().is_terminal() {
        let problem = "is not a terminal, and the dashboard needs one";
        let remedy = "run it in a terminal, or read `sonolamp run --headless --json`";
        return Err(Error::new(ErrorKind::Usage, "stdout", problem, remedy).into());
    }
    let config = Config::load(arguments.config.as_deref()).or_else(|error| {
        // An instance in safe mode has the same one, and says on its screen what is wrong.
        say(Level::Warning, format!("{error}; watching with the defaults"));
        Config::parse("", "defaults")
    })?;
    let path = arguments.socket.clone().or_else(|| config.watch.path()).ok_or_else(|| {
        let problem = "names no place where an instance listens";
        Error::new(ErrorKind::Usage, "[watch] socket", problem, "name it with --socket")
    })?;
    let mut client = Client::connect(&path)?;
    let mut first = Snapshot::new(Default::default());
    if client.next(&mut first)? != Seen::Fresh {
        let problem = "sends nothing";
        let remedy = "see that the instance runs, and try again";
        return Err(Error::new(ErrorKind::Device, path.display(), problem, remedy).into());
    }
    let identity = first.identity.clone();
    let slot = &Latest::new(Snapshot::new(identity.clone()));
    let shutdown = &Shutdown::default();
    let settings = &config.dashboard;
    let outcome = std::thread::scope(|scope| {
        let reader = scope.spawn(move || follow(client, slot, Snapshot::new(identity), shutdown));
        let shown = dashboard::run(settings, slot, first, None, shutdown);
        shutdown.request();
        let read = reader.join().unwrap_or(Ok(()));
        shown.and(read)
    });
    outcome?;
    Ok(ExitCode::SUCCESS)
}

/// Passes snapshots on until the instance ends. One that has fallen silent has no verdict.
fn follow(
    mut client: Client,
    slot: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let mut last = Snapshot::new(snapshot.identity.clone());
    let outcome = loop {
        if shutdown.requested() {
            break Ok(());
        }
        match client.next(&mut snapshot) {
            Ok(Seen::Fresh) => last.copy_from(&snapshot),
            Ok(Seen::Silence) => {
                snapshot.copy_from(&last);
                let words = "the instance that is watched does not answer; look at the box".into();
                snapshot.fault = Some(Fault { kind: FaultKind::NoSignal, words });
                snapshot.verdict = None;
            }
            Ok(Seen::End) => {
                let remedy = "start it again, and watch again";
                let watched = "the instance that was watched";
                break Err(Error::new(ErrorKind::Device, watched, "has ended", remedy));
            }
            Err(error) => break Err(error),
        }
        slot.publish(&mut snapshot);
    };
    slot.close();
    outcome
}
