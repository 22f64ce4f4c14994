//! The configuration: raw TOML in, a validated value out; the only such type past here.
//!
//! Unknown keys and values out of range are errors that name the key, the value and what is
//! allowed; nothing falls back silently.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::capture::SourceSpec;
use crate::error::{Error, ErrorKind, plain_words, toml_problem};
use crate::lamps::Wiring;

/// The documented sample, whose values are the defaults.
pub const SAMPLE: &str = include_str!("../deploy/sonolamp.toml");
/// Read when no file is named and this one exists.
pub const SYSTEM_FILE: &str = "/etc/sonolamp/sonolamp.toml";

/// Validated settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub source: SourceSpec,
    pub repeat: bool,
    pub stall: Duration,
    /// `None` for the built-in bundle.
    pub bundle: Option<PathBuf>,
    pub auto_start: bool,
    pub driver: LampDriver,
    pub wiring: Wiring,
    pub stale: Duration,
    pub picture: PictureMode,
    pub fps: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LampDriver {
    Console,
    Gpiochip,
    Rppal,
}

impl LampDriver {
    pub fn words(self) -> &'static str {
        match self {
            LampDriver::Console => "console, no lines driven",
            LampDriver::Gpiochip => "GPIO character device",
            LampDriver::Rppal => "Raspberry Pi GPIO",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureMode {
    Auto,
    Halfblocks,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    source: RawSource,
    bundle: RawBundle,
    exam: RawExam,
    lamps: RawLamps,
    dashboard: RawDashboard,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSource {
    r#use: String,
    repeat: bool,
    stall_ms: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBundle {
    path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawExam {
    auto_start: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawLamps {
    driver: LampDriver,
    chip: String,
    refer: i64,
    clear: i64,
    attention: i64,
    heartbeat: i64,
    active_low: bool,
    stale_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawDashboard {
    picture: PictureMode,
    fps: i64,
}

impl Default for RawSource {
    fn default() -> RawSource {
        RawSource { r#use: "phantom:lung-tour".into(), repeat: false, stall_ms: 1500 }
    }
}

impl Default for RawExam {
    fn default() -> RawExam {
        RawExam { auto_start: true }
    }
}

impl Default for RawLamps {
    fn default() -> RawLamps {
        RawLamps {
            driver: LampDriver::Console,
            chip: "/dev/gpiochip0".into(),
            refer: 17,
            clear: 27,
            attention: 22,
            heartbeat: 23,
            active_low: false,
            stale_ms: 1000,
        }
    }
}

impl Default for RawDashboard {
    fn default() -> RawDashboard {
        RawDashboard { picture: PictureMode::Auto, fps: 20 }
    }
}

impl Config {
    /// Reads `path`, or the system's file if there is one, or else takes the defaults.
    pub fn load(path: Option<&Path>) -> Result<Config, Error> {
        let system = Path::new(SYSTEM_FILE);
        let path = match path {
            Some(path) => path,
            None if system.exists() => system,
            None => return Config::parse("", "defaults"),
        };
        let text = std::fs::read_to_string(path).map_err(|e| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            let remedy = "check the path, or start from `sonolamp config print`";
            Error::new(ErrorKind::Usage, path.display(), problem, remedy)
        })?;
        Config::parse(&text, &path.display().to_string())
    }

    /// Parses and validates; `name` stands in messages.
    pub fn parse(text: &str, name: &str) -> Result<Config, Error> {
        let wrong =
            |problem: String, remedy: &str| Error::new(ErrorKind::Usage, name, problem, remedy);
        let raw: Raw = toml::from_str(text).map_err(|e| {
            wrong(
                toml_problem(&e, text),
                "compare with `sonolamp config print`, which documents every key",
            )
        })?;
        raw.validate(wrong)
    }
}

impl Raw {
    fn validate(self, wrong: impl Fn(String, &str) -> Error) -> Result<Config, Error> {
        let number = |key: &str, value: i64, low: i64, high: i64| {
            if (low..=high).contains(&value) {
                return Ok(value as u64);
            }
            Err(wrong(format!("`{key}` is {value}"), &format!("allowed: {low} to {high}")))
        };
        let line = |key: &str, value: i64| {
            number(&format!("lamps.{key}"), value, 0, 255).map(|value| value as u8)
        };
        let lamps = &self.lamps;
        let wiring = Wiring {
            chip: lamps.chip.clone(),
            refer: line("refer", lamps.refer)?,
            clear: line("clear", lamps.clear)?,
            attention: line("attention", lamps.attention)?,
            heartbeat: line("heartbeat", lamps.heartbeat)?,
            active_low: lamps.active_low,
        };
        let mut lines = [wiring.refer, wiring.clear, wiring.attention, wiring.heartbeat];
        lines.sort_unstable();
        if lines.windows(2).any(|pair| pair[0] == pair[1]) {
            let problem = format!("`lamps` uses a line twice ({lines:?})");
            return Err(wrong(problem, "give each lamp a line of its own"));
        }
        let source = self.source.r#use.parse().map_err(|e: Error| {
            wrong(format!("`source.use` is \"{}\": {}", self.source.r#use, e.problem), &e.remedy)
        })?;
        let stall = number("source.stall_ms", self.source.stall_ms, 200, 60_000)?;
        let stale = number("lamps.stale_ms", lamps.stale_ms, 100, 10_000)?;
        Ok(Config {
            source,
            repeat: self.source.repeat,
            stall: Duration::from_millis(stall),
            bundle: Some(self.bundle.path).filter(|path| !path.is_empty()).map(PathBuf::from),
            auto_start: self.exam.auto_start,
            driver: lamps.driver,
            wiring,
            stale: Duration::from_millis(stale),
            picture: self.dashboard.picture,
            fps: number("dashboard.fps", self.dashboard.fps, 1, 60)? as u32,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_the_default() {
        let sample = Config::parse(SAMPLE, "sample").unwrap();
        assert_eq!(sample, Config::parse("", "defaults").unwrap());
    }

    #[test]
    fn errors_name_key_value_and_what_is_allowed() {
        for (text, parts) in [
            ("[source]\nstall_ms = 5", ["`source.stall_ms` is 5", "200 to 60000"]),
            ("[source]\nuse = \"webcam:0\"", ["unknown kind `webcam`", "phantom:SCENE"]),
            ("[source]\nuse = \"phantom:heart\"", ["no scene `heart`", "lung-normal"]),
            ("[source]\nuse = 7", ["line 2", "string"]),
            ("[lamps]\nrefer = -1", ["`lamps.refer` is -1", "0 to 255"]),
            ("[lamps]\nrefer = 27", ["uses a line twice", "of its own"]),
            ("[lamps]\ndriver = \"usb\"", ["unknown variant `usb`", "gpiochip"]),
            ("[lamps]\ncolour = 1", ["unknown field `colour`", "config print"]),
            ("[lamp]\nrefer = 1", ["unknown field `lamp`", "config print"]),
            ("[dashboard]\nfps = 0", ["`dashboard.fps` is 0", "1 to 60"]),
            ("[dashboard]\nfps = 5\nfps = 6", ["line 3", "duplicate key"]),
            ("nonsense", ["line 1", "config print"]),
        ] {
            let error = Config::parse(text, "box.toml").unwrap_err();
            let words = error.to_string();
            assert!(words.starts_with("box.toml: "), "{words}");
            assert!(parts.iter().all(|part| words.contains(part)), "{text:?} gave: {words}");
            assert_eq!(error.kind.exit_code(), 2);
            assert!(!words.contains('\n'));
        }
    }
}
