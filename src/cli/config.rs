//! `sonolamp config`: check a configuration, or print a documented one.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::{Config, SAMPLE, SYSTEM_FILE};

/// Check a configuration, or print one with every key explained.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Say whether a configuration is right
    Check {
        /// File to check (default: /etc/sonolamp/sonolamp.toml)
        file: Option<PathBuf>,
    },
    /// Print the documented sample, every key at its default
    Print,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.action {
        Action::Print => print!("{SAMPLE}"),
        Action::Check { file } => {
            let file = file.clone().unwrap_or_else(|| PathBuf::from(SYSTEM_FILE));
            let config = Config::load(Some(&file))?;
            if let Some(protocol) = config.protocol {
                protocol.load()?;
            }
            println!("{} is right", file.display());
        }
    }
    Ok(ExitCode::SUCCESS)
}
