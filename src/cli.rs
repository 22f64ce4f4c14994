//! The command line: one file a verb, one place that turns an outcome into an exit code.

mod bench;
mod bundle;
mod card;
mod config;
mod dark;
mod doctor;
mod evaluate;
mod exam;
mod frames;
mod jobs;
mod manual;
mod panel;
mod progress;
mod run;
mod screen;
mod watch;

use std::path::Path;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::bundle::Bundle;
use crate::error::{Error, ErrorKind, hide_contained_panics, plain_words};
use crate::service::{Level, say, say_panics};
use progress::Progress;

const EXIT_CODES: &str = "\
Exit codes: 0 done, 1 done but some input was unusable, 2 usage or configuration,
            3 device, 4 model, 5 storage, 101 a fault of the program itself";

/// Offline point-of-care ultrasound screening: refer, clear, or ungradable and why.
///
/// Without a verb it screens live on the built-in phantom. Decision support for research and
/// training; not a medical device.
#[derive(Parser)]
#[command(name = "sonolamp", after_help = EXIT_CODES, max_term_width = 100)]
struct Arguments {
    /// Print the versions and licences of the program and of the bundle inside it
    #[arg(short = 'V', long)]
    version: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    Run(run::Arguments),
    Screen(screen::Arguments),
    Frames(frames::Arguments),
    Evaluate(evaluate::Arguments),
    Bench(bench::Arguments),
    Bundle(bundle::Arguments),
    Card(card::Arguments),
    Config(config::Arguments),
    #[command(hide = true)]
    Dark(dark::Arguments),
    Doctor(doctor::Arguments),
    Exam(exam::Arguments),
    #[command(hide = true)]
    Manual(manual::Arguments),
    Panel(panel::Arguments),
    Watch(watch::Arguments),
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    say_panics();
    hide_contained_panics();
    let arguments = Arguments::parse();
    if arguments.version {
        println!("{}", version());
        return ExitCode::SUCCESS;
    }
    let outcome = match arguments.verb {
        None => run::run(&run::Arguments::default()),
        Some(Verb::Run(arguments)) => run::run(&arguments),
        Some(Verb::Screen(arguments)) => screen::run(&arguments),
        Some(Verb::Frames(arguments)) => frames::run(&arguments),
        Some(Verb::Evaluate(arguments)) => evaluate::run(&arguments),
        Some(Verb::Bench(arguments)) => bench::run(&arguments),
        Some(Verb::Bundle(arguments)) => bundle::run(&arguments),
        Some(Verb::Card(arguments)) => card::run(&arguments),
        Some(Verb::Config(arguments)) => config::run(&arguments),
        Some(Verb::Dark(arguments)) => dark::run(&arguments),
        Some(Verb::Doctor(arguments)) => doctor::run(&arguments),
        Some(Verb::Exam(arguments)) => exam::run(&arguments),
        Some(Verb::Manual(arguments)) => manual::run(&arguments),
        Some(Verb::Panel(arguments)) => panel::run(&arguments),
        Some(Verb::Watch(arguments)) => watch::run(&arguments),
    };
    outcome.unwrap_or_else(|error| {
        // A reader that has seen enough (`sonolamp screen … | head`) is no failure of ours.
        let closed = error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe);
        if closed {
            return ExitCode::SUCCESS;
        }
        say(Level::Error, format!("{error:#}"));
        let kind = error.downcast_ref::<Error>().map_or(ErrorKind::Storage, |error| error.kind);
        ExitCode::from(kind.exit_code())
    })
}

/// The program's version and licence, and those of the bundle inside it.
fn version() -> String {
    let program = env!("CARGO_PKG_VERSION");
    let bundle = Bundle::load(None).map_or_else(
        |error| format!("built-in bundle: {error}"),
        |bundle| {
            let licence = &bundle.manifest.licence;
            format!(
                "built-in bundle: {} ({}), licence {}\n  {}",
                bundle.title(),
                bundle.short_digest(),
                licence.terms,
                licence.notice
            )
        },
    );
    format!(
        "sonolamp {program}\ncode: licence {}\n{bundle}\nNot a medical device.",
        env!("CARGO_PKG_LICENSE")
    )
}

/// Turns a failure to write `path` into the error that people see.
fn stored<T>(path: &Path, result: std::io::Result<T>) -> Result<T, Error> {
    result.map_err(|e| {
        let problem = format!("cannot be written ({})", plain_words(&e));
        let remedy = "check the folder, its permissions and the free space";
        Error::new(ErrorKind::Storage, path.display(), problem, remedy)
    })
}
