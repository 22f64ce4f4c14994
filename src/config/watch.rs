//! `[watch]`: where `sonolamp watch` finds this instance.

use std::path::PathBuf;

use serde::Deserialize;

use crate::error::Error;
use crate::watch;

/// Where watchers may come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watch {
    /// Where an instance listens usually, if that place exists.
    Auto,
    Nowhere,
    At(PathBuf),
}

impl Watch {
    pub fn path(&self) -> Option<PathBuf> {
        match self {
            Watch::Auto => watch::usual_path(),
            Watch::Nowhere => None,
            Watch::At(path) => Some(path.clone()),
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawWatch {
    socket: String,
}

impl Default for RawWatch {
    fn default() -> RawWatch {
        RawWatch { socket: "auto".into() }
    }
}

impl RawWatch {
    pub fn validate(self, wrong: &impl Fn(String, &str) -> Error) -> Result<Watch, Error> {
        match self.socket.as_str() {
            "auto" => Ok(Watch::Auto),
            "none" => Ok(Watch::Nowhere),
            path if path.starts_with('/') => Ok(Watch::At(path.into())),
            other => {
                let problem = format!("`watch.socket` is \"{other}\"");
                Err(wrong(problem, "allowed: auto, none, or a path from / on"))
            }
        }
    }
}
