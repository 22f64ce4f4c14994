//! The `sonolamp` program: parse, dispatch, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    sonolamp::cli::main()
}
