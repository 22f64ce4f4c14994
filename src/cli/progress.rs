//! A progress bar on a terminal, nothing when stderr is piped.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

pub struct Progress(ProgressBar);

impl Progress {
    pub fn new(length: usize, what: &'static str) -> Progress {
        let bar = ProgressBar::with_draw_target(Some(length as u64), ProgressDrawTarget::stderr());
        let template = format!("{{bar:30}} {{pos}}/{{len}} {what}, {{eta}} left");
        bar.set_style(
            ProgressStyle::with_template(&template)
                .unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        Progress(if length > 1 { bar } else { ProgressBar::hidden() })
    }

    pub fn step(&self) {
        self.0.inc(1);
    }

    /// A result on stdout.
    pub fn print(&self, line: &str) -> std::io::Result<()> {
        self.0.suspend(|| writeln!(std::io::stdout().lock(), "{line}"))
    }

    /// A line to a person that does not tear the bar.
    pub fn say(&self, line: &str) {
        self.0.suspend(|| eprintln!("{line}"));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
