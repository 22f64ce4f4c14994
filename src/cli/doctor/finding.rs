//! What a look at one part of the box found.

use serde::Serialize;

use crate::error::{Error, ErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    Well,
    /// Good to know; nothing stops working of it now.
    Notice,
    Trouble,
}

#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub part: &'static str,
    pub state: State,
    pub what: String,
    pub remedy: Option<String>,
    /// What kind of trouble, which decides the exit code.
    #[serde(skip)]
    pub kind: ErrorKind,
}

impl Finding {
    pub fn well(part: &'static str, what: impl Into<String>) -> Finding {
        let (what, kind) = (what.into(), ErrorKind::Input);
        Finding { part, state: State::Well, what, remedy: None, kind }
    }

    pub fn notice(part: &'static str, what: impl Into<String>, remedy: &str) -> Finding {
        let remedy = Some(remedy.to_owned());
        Finding { state: State::Notice, remedy, ..Finding::well(part, what) }
    }

    pub fn trouble(part: &'static str, kind: ErrorKind, what: String, remedy: &str) -> Finding {
        Finding { state: State::Trouble, kind, ..Finding::notice(part, what, remedy) }
    }

    pub fn error(part: &'static str, error: &Error) -> Finding {
        let what = format!("{}: {}", error.subject, error.problem);
        Finding::trouble(part, error.kind, what, &error.remedy)
    }

    pub fn line(&self) -> String {
        let mark = match self.state {
            State::Well => "✓",
            State::Notice => "·",
            State::Trouble => "✗",
        };
        let remedy = self.remedy.as_ref().map_or(String::new(), |remedy| format!("; {remedy}"));
        format!("{mark} {:<14} {}{remedy}\n", self.part, self.what)
    }
}
