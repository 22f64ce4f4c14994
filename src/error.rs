//! The one error type that people see: which thing, what is wrong with it, what to do about it.

mod foreign;

pub use foreign::{contained, hide_contained_panics};

/// Decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Some input was unusable.
    Input,
    /// The command line or the configuration is wrong.
    Usage,
    /// A device is absent, busy or failed.
    Device,
    /// A bundle or its model is unusable.
    Model,
    /// Something could not be written or kept.
    Storage,
}

impl ErrorKind {
    /// The documented exit code of the program.
    pub fn exit_code(self) -> u8 {
        match self {
            ErrorKind::Input => 1,
            ErrorKind::Usage => 2,
            ErrorKind::Device => 3,
            ErrorKind::Model => 4,
            ErrorKind::Storage => 5,
        }
    }
}

/// Reads as one line: `subject: problem; remedy`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {problem}; {remedy}")]
pub struct Error {
    pub kind: ErrorKind,
    /// File, device, key or argument.
    pub subject: String,
    pub problem: String,
    pub remedy: String,
}

impl Error {
    /// Line breaks inside the parts become spaces.
    pub fn new(
        kind: ErrorKind,
        subject: impl ToString,
        problem: impl ToString,
        remedy: impl ToString,
    ) -> Error {
        let line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
        Error {
            kind,
            subject: subject.to_string(),
            problem: line(problem.to_string()),
            remedy: line(remedy.to_string()),
        }
    }
}

/// What the operating system says, in lower case and without its number.
pub fn plain_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

/// A TOML error in one line: on which line, and what.
pub fn toml_problem(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    format!("line {}: {}", before.matches('\n').count() + 1, error.message())
}
