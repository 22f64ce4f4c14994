//! Which protocol to follow: a built-in one, or one in a file.

use std::path::PathBuf;
use std::str::FromStr;

use super::zones::Protocol;
use crate::error::{Error, ErrorKind, plain_words};

/// The protocols that come with the program, by name.
pub const BUILT_IN: [(&str, &str); 4] = [
    ("lung-8", include_str!("lung-8.toml")),
    ("lung-12", include_str!("lung-12.toml")),
    ("lung-blue-6", include_str!("lung-blue-6.toml")),
    ("breast", include_str!("breast.toml")),
];

/// A protocol by name or by path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    BuiltIn(&'static str),
    File(PathBuf),
}

impl FromStr for Choice {
    type Err = Error;

    /// A path has a `/` or ends in `.toml`; anything else is a name.
    fn from_str(text: &str) -> Result<Choice, Error> {
        if let Some((name, _)) = BUILT_IN.iter().find(|(name, _)| *name == text) {
            return Ok(Choice::BuiltIn(name));
        }
        if text.contains('/') || text.ends_with(".toml") {
            return Ok(Choice::File(PathBuf::from(text)));
        }
        let known = BUILT_IN.map(|(name, _)| name).join(", ");
        let remedy = format!("allowed: none, {known}, or the path of a TOML file");
        Err(Error::new(ErrorKind::Usage, text, "no such protocol", remedy))
    }
}

impl Choice {
    /// Reads and checks the protocol.
    pub fn load(&self) -> Result<Protocol, Error> {
        match self {
            Choice::BuiltIn(name) => {
                let text = BUILT_IN.iter().find(|(known, _)| known == name).map(|(_, text)| *text);
                Protocol::parse(text.unwrap_or_default(), &format!("built-in protocol {name}"))
            }
            Choice::File(path) => {
                let text = std::fs::read_to_string(path).map_err(|e| {
                    let problem = format!("cannot be read ({})", plain_words(&e));
                    let remedy = "check `protocol.use`: a path, or the name of a built-in protocol";
                    Error::new(ErrorKind::Usage, path.display(), problem, remedy)
                })?;
                Protocol::parse(&text, &path.display().to_string())
            }
        }
    }
}
