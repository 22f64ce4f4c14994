//! `sonolamp dark`: darkens the lamps, and says on the panel that nothing runs, after a run that was killed
//! and could not. A line keeps its level when nobody holds it, and a panel its picture, so that the service
//! manager calls this whenever the service has ended.

use std::path::PathBuf;
use std::process::ExitCode;

use super::run::open_lamps;
use crate::config::{Config, lamps_at_least};
use crate::panel;

/// Darken lamps and panel, after a run that was killed
#[derive(clap::Args)]
pub struct Arguments {
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (driver, wiring) = lamps_at_least(arguments.config.as_deref())?;
    let lamps = open_lamps(driver, &wiring).map(drop);
    let panel = Config::load(arguments.config.as_deref()).ok().and_then(|config| config.panel);
    let panel = panel.as_ref().map_or(Ok(()), panel::stop);
    lamps.and(panel)?;
    Ok(ExitCode::SUCCESS)
}
