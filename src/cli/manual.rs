//! `sonolamp manual`: man pages and shell completions, for packages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::stored;

/// Write man pages and completions for bash, zsh and fish into a folder
#[derive(clap::Args)]
pub struct Arguments {
    /// Made if it is not there
    folder: PathBuf,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = &arguments.folder;
    stored(folder, std::fs::create_dir_all(folder))?;
    stored(folder, clap_mangen::generate_to(super::Arguments::command(), folder))?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut command = super::Arguments::command();
        stored(folder, clap_complete::generate_to(shell, &mut command, "sonolamp", folder))?;
    }
    Ok(ExitCode::SUCCESS)
}
