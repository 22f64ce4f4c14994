//! `sonolamp dark`: darkens the lamps after a run that was killed and could not. A line keeps its level when
//! nobody holds it, so that the service manager calls this whenever the service has ended.

use std::path::PathBuf;
use std::process::ExitCode;

use super::run::open_lamps;
use crate::config::lamps_at_least;

/// Darken the lamps, after a run that was killed
#[derive(clap::Args)]
pub struct Arguments {
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (driver, wiring) = lamps_at_least(arguments.config.as_deref())?;
    drop(open_lamps(driver, &wiring)?);
    Ok(ExitCode::SUCCESS)
}
