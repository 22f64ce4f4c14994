//! The configuration: raw TOML in, a validated value out; the only such type past here.
//!
//! Unknown keys and values out of range are errors that name the key, the value and what is
//! allowed; nothing falls back silently.

pub mod dashboard;
mod guidance;
mod hardware;
pub mod pacs;
pub mod store;
pub mod watch;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::bundle::Installed;
use crate::buttons;
use crate::capture::SourceSpec;
use crate::capture::v4l2::{FORMATS, Setting, Wanted, format_name};
use crate::error::{Error, ErrorKind, plain_words, toml_problem};
use crate::frame::{Range, SIDE_RANGE};
use crate::lamps;
use crate::panel;
use crate::protocol;
use crate::screening::Thresholds;
use dashboard::RawDashboard;
use guidance::RawGuidance;
use hardware::{RawButtons, RawLamps, RawPanel, no_line_twice};
use pacs::RawPacs;
use store::RawStore;
use watch::RawWatch;

/// The documented sample, whose values are the defaults.
pub const SAMPLE: &str = include_str!("../deploy/sonolamp.toml");
/// The lamps as deploy/wiring.md shows them, by the names that a Raspberry Pi's kernel gives its
/// lines: on a machine of another kind there are none of these, and nothing is driven.
pub const USUAL_WIRING: &str = "[lamps]\ndriver = \"gpiochip\"\nrefer = \"GPIO17\"\n\
                                clear = \"GPIO27\"\nattention = \"GPIO22\"\nheartbeat = \"GPIO23\"\n";
/// Read when no file is named and this one exists.
pub const SYSTEM_FILE: &str = "/etc/sonolamp/sonolamp.toml";

/// Validated settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    pub source: SourceSpec,
    pub repeat: bool,
    pub stall: Duration,
    /// What is asked of a camera.
    pub capture: Wanted,
    /// `None` for the installed bundle, or else the built-in one.
    pub bundle: Option<PathBuf>,
    /// Where bundles are installed, and the file of those who may sign them.
    pub bundles: PathBuf,
    pub trusted_keys: PathBuf,
    /// That share the network's work on a frame.
    pub threads: usize,
    pub auto_start: bool,
    /// Hold by itself when a graded verdict has stood for so long.
    pub auto_hold: Option<Duration>,
    /// `None` for an examination without zones.
    pub protocol: Option<protocol::Choice>,
    /// From where on the picture asks for advice; `None` gives none.
    pub guidance: Option<Thresholds>,
    pub driver: LampDriver,
    pub wiring: lamps::Wiring,
    pub stale: Duration,
    pub buttons: buttons::Wiring,
    /// Run after the program's orderly end when a long press asks for it.
    pub shutdown_command: Vec<String>,
    pub panel: Option<panel::Wiring>,
    pub dashboard: dashboard::Settings,
    pub watch: watch::Watch,
    /// `None` keeps no exams.
    pub store: Option<store::Store>,
    /// `None` sends nothing anywhere.
    pub pacs: Option<pacs::Pacs>,
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

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    source: RawSource,
    capture: RawCapture,
    bundle: RawBundle,
    exam: RawExam,
    protocol: RawProtocol,
    guidance: RawGuidance,
    lamps: RawLamps,
    buttons: RawButtons,
    panel: RawPanel,
    dashboard: RawDashboard,
    watch: RawWatch,
    store: RawStore,
    pacs: RawPacs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawSource {
    r#use: String,
    repeat: bool,
    stall_ms: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawCapture {
    width: i64,
    height: i64,
    fps: i64,
    format: String,
    range: RawRange,
    pixel_aspect: String,
    controls: BTreeMap<String, Setting>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawRange {
    Auto,
    Full,
    Limited,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawBundle {
    path: String,
    folder: String,
    trusted_keys: String,
    threads: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawExam {
    auto_start: bool,
    auto_hold_s: i64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RawProtocol {
    r#use: String,
}

impl Default for RawSource {
    fn default() -> RawSource {
        RawSource { r#use: "phantom:lung-tour".into(), repeat: false, stall_ms: 1500 }
    }
}

impl Default for RawCapture {
    fn default() -> RawCapture {
        RawCapture {
            width: 640,
            height: 480,
            fps: 30,
            format: "auto".into(),
            range: RawRange::Auto,
            pixel_aspect: "auto".into(),
            controls: BTreeMap::new(),
        }
    }
}

impl Default for RawBundle {
    fn default() -> RawBundle {
        RawBundle {
            path: String::new(),
            folder: "/var/lib/sonolamp/bundles".into(),
            trusted_keys: "/etc/sonolamp/trusted-keys".into(),
            threads: 1,
        }
    }
}

impl Default for RawExam {
    fn default() -> RawExam {
        RawExam { auto_start: true, auto_hold_s: 0 }
    }
}

impl Default for RawProtocol {
    fn default() -> RawProtocol {
        RawProtocol { r#use: "none".into() }
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
        let wrong = |problem: String, remedy: &str| {
            let key = problem.split('`').nth(1).unwrap_or_default();
            let problem = match line_of(text, key) {
                Some(line) => format!("line {line}: {problem}"),
                None => problem,
            };
            Error::new(ErrorKind::Usage, name, problem, remedy)
        };
        let raw: Raw = toml::from_str(text).map_err(|e| {
            wrong(
                toml_problem(&e, text),
                "compare with `sonolamp config print`, which documents every key",
            )
        })?;
        raw.validate(wrong)
    }

    /// The folder of the bundle to run: the one that is named, or else the installed one; `None` is
    /// the built-in one.
    pub fn bundle_in_use(&self) -> Option<PathBuf> {
        self.bundle.clone().or_else(|| Installed::at(&self.bundles).current())
    }

    /// An installed bundle is run only while somebody who is trusted vouches for it; one that is named,
    /// or built in, needs no signature.
    pub fn bundle_must_be_signed(&self) -> bool {
        self.bundle.is_none() && Installed::at(&self.bundles).current().is_some()
    }

    /// SHA-256 of all settings, in hexadecimal digits.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}"));
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
        let lamps = &self.lamps;
        let wiring = lamps.validate(&wrong)?;
        let buttons = self.buttons.validate(&wrong)?;
        let panel = self.panel.validate(&wrong)?;
        no_line_twice((lamps.driver, &wiring), &buttons, panel.as_ref(), &wrong)?;
        let source = self.source.r#use.parse().map_err(|e: Error| {
            wrong(format!("`source.use` is \"{}\": {}", self.source.r#use, e.problem), &e.remedy)
        })?;
        let protocol = match &self.protocol.r#use[..] {
            "none" => None,
            name => Some(name.parse().map_err(|e: Error| {
                wrong(format!("`protocol.use` is \"{name}\": {}", e.problem), &e.remedy)
            })?),
        };
        let stall = number("source.stall_ms", self.source.stall_ms, 200, 60_000)?;
        let capture = self.capture.validate(Duration::from_millis(stall), &number, &wrong)?;
        let hold = number("exam.auto_hold_s", self.exam.auto_hold_s, 0, 60)?;
        let stale = number("lamps.stale_ms", lamps.stale_ms, 100, 10_000)?;
        Ok(Config {
            source,
            repeat: self.source.repeat,
            stall: Duration::from_millis(stall),
            capture,
            bundle: Some(self.bundle.path).filter(|path| !path.is_empty()).map(PathBuf::from),
            bundles: self.bundle.folder.into(),
            trusted_keys: self.bundle.trusted_keys.into(),
            threads: number("bundle.threads", self.bundle.threads, 1, 4)? as usize,
            auto_start: self.exam.auto_start,
            auto_hold: (hold > 0).then(|| Duration::from_secs(hold)),
            protocol,
            guidance: self.guidance.validate(&number)?,
            driver: lamps.driver,
            wiring,
            stale: Duration::from_millis(stale),
            buttons,
            shutdown_command: self.buttons.shutdown_command,
            panel,
            dashboard: self.dashboard.validate(&number)?,
            watch: self.watch.validate(&wrong)?,
            store: self.store.validate(&number, &wrong)?,
            pacs: self.pacs.validate(&number, &wrong)?,
        })
    }
}

impl RawCapture {
    fn validate(
        self,
        stall: Duration,
        number: &impl Fn(&str, i64, i64, i64) -> Result<u64, Error>,
        wrong: &impl Fn(String, &str) -> Error,
    ) -> Result<Wanted, Error> {
        let side = |key: &str, value: i64| {
            let (low, high) = (i64::from(*SIDE_RANGE.start()), i64::from(*SIDE_RANGE.end()));
            number(key, value, low, high).map(|side| side as u32)
        };
        let format = match self.format.as_str() {
            "auto" => None,
            name => Some(format_of(name).ok_or_else(|| {
                let known = FORMATS.map(|(format, _)| format_name(format)).join(", ");
                let problem = format!("`capture.format` is \"{name}\"");
                wrong(problem, &format!("allowed: auto, {known}"))
            })?),
        };
        let pixel_aspect = match self.pixel_aspect.as_str() {
            "auto" => None,
            text => Some(aspect_of(text).ok_or_else(|| {
                let problem = format!("`capture.pixel_aspect` is \"{text}\"");
                wrong(problem, "allowed: auto, or width:height of a pixel from 1:4 to 4:1")
            })?),
        };
        Ok(Wanted {
            width: side("capture.width", self.width)?,
            height: side("capture.height", self.height)?,
            fps: number("capture.fps", self.fps, 1, 240)? as u32,
            format,
            range: match self.range {
                RawRange::Auto => None,
                RawRange::Full => Some(Range::Full),
                RawRange::Limited => Some(Range::Limited),
            },
            pixel_aspect,
            controls: self.controls,
            stall,
        })
    }
}

/// The lamps of the file that is read, though it may not be right; those of the usual wiring where
/// what it says of them is not.
pub fn lamps_at_least(path: Option<&Path>) -> Result<(LampDriver, lamps::Wiring), Error> {
    if let Ok(config) = Config::load(path) {
        return Ok((config.driver, config.wiring));
    }
    let text = std::fs::read_to_string(path.unwrap_or(Path::new(SYSTEM_FILE)));
    if let Some(lamps) = text.ok().and_then(|text| lamps_alone(&text)) {
        return Ok(lamps);
    }
    let usual = Config::parse(USUAL_WIRING, "the usual wiring")?;
    Ok((usual.driver, usual.wiring))
}

/// The lamps of a file that is not right as a whole, where what it says of them is.
fn lamps_alone(text: &str) -> Option<(LampDriver, lamps::Wiring)> {
    // One that says nothing of lamps has none: the lines may be something else's.
    let lamps: RawLamps = match toml::from_str::<toml::Table>(text).ok()?.remove("lamps") {
        Some(lamps) => lamps.try_into().ok()?,
        None => RawLamps::default(),
    };
    let wrong =
        |problem: String, remedy: &str| Error::new(ErrorKind::Usage, "[lamps]", problem, remedy);
    Some((lamps.driver, lamps.validate(&wrong).ok()?))
}

/// The line on which a key such as `source.use` stands, if it does in the plain form.
pub fn line_of(text: &str, key: &str) -> Option<usize> {
    let (section, key) = key.rsplit_once('.')?;
    let mut inside = "";
    let found = text.lines().position(|line| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            inside = header.split(']').next().unwrap_or_default().trim();
            return false;
        }
        inside == section && line.split_once('=').is_some_and(|(name, _)| name.trim() == key)
    });
    found.map(|index| index + 1)
}

fn format_of(name: &str) -> Option<[u8; 4]> {
    FORMATS.map(|(format, _)| format).into_iter().find(|&format| format_name(format) == name)
}

fn aspect_of(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(':')?;
    let (width, height): (u32, u32) = (width.parse().ok()?, height.parse().ok()?);
    let sane = |side: u32| (1..=1000).contains(&side);
    let ratio = width <= 4 * height.min(1000) && height <= 4 * width.min(1000);
    (sane(width) && sane(height) && ratio).then_some((width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_wiring_is_taken_only_where_a_file_may_have_meant_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sonolamp.toml");
        let driver = |text: &str| {
            std::fs::write(&file, text).unwrap();
            lamps_at_least(Some(&file)).unwrap().0
        };
        let wrong = "[source]\nuse = 1\n";
        assert_eq!(driver(""), LampDriver::Console);
        assert_eq!(driver(wrong), LampDriver::Console);
        assert_eq!(driver(&format!("{wrong}[lamps]\ndriver = \"rppal\"\n")), LampDriver::Rppal);
        assert_eq!(driver(&format!("{wrong}[lamps]\ndriver = \"no\"\n")), LampDriver::Gpiochip);
        assert_eq!(driver("[source\n"), LampDriver::Gpiochip);
        let absent = lamps_at_least(Some(&folder.path().join("none"))).unwrap();
        assert_eq!(absent.0, LampDriver::Gpiochip);
    }

    #[test]
    fn the_sample_is_the_default() {
        let sample = Config::parse(SAMPLE, "sample").unwrap();
        assert_eq!(sample, Config::parse("", "defaults").unwrap());
    }

    #[test]
    fn a_wrong_value_is_named_with_its_line() {
        let text = "[lamps]\nrefer = 4\n\n[source]\n# of the box\n stall_ms=5\n";
        let error = Config::parse(text, "box.toml").unwrap_err();
        assert!(error.problem.starts_with("line 6: `source.stall_ms` is 5"), "{error}");
        assert_eq!(line_of(text, "lamps.stall_ms"), None);
        assert_eq!(line_of(text, "lamps.refer"), Some(2));
    }

    #[test]
    fn a_camera_is_described_in_full() {
        let text = "[source]\nuse = \"v4l2:name=Grabber\"\nstall_ms = 800\n[capture]\nformat = \"Y16\"\n\
                    range = \"limited\"\npixel_aspect = \"59:54\"\n[capture.controls]\ngain = 3\n\
                    auto_exposure = \"Manual Mode\"\nwhite_balance_automatic = false\n";
        let wanted = Config::parse(text, "box.toml").unwrap().capture;
        assert_eq!((wanted.format, wanted.range), (Some(*b"Y16 "), Some(Range::Limited)));
        assert_eq!((wanted.pixel_aspect, wanted.stall.as_millis()), (Some((59, 54)), 800));
        assert_eq!(wanted.controls["gain"], Setting::Number(3));
        assert_eq!(wanted.controls["auto_exposure"], Setting::Word("Manual Mode".into()));
        assert_eq!(wanted.controls["white_balance_automatic"], Setting::Switch(false));
        assert_eq!(Config::parse("", "defaults").unwrap().capture, Wanted::default());
    }

    #[test]
    fn a_protocol_has_a_name_or_is_a_file() {
        let of = |text: &str| {
            Config::parse(&format!("[protocol]\nuse = \"{text}\""), "box.toml").unwrap().protocol
        };
        assert_eq!(of("none"), None);
        assert_eq!(of("lung-8"), Some(protocol::Choice::BuiltIn("lung-8")));
        assert_eq!(of("clinic.toml"), Some(protocol::Choice::File("clinic.toml".into())));
        assert_eq!(of("/etc/clinic"), Some(protocol::Choice::File("/etc/clinic".into())));
    }

    #[test]
    fn advice_can_be_tuned_and_switched_off() {
        let of = |text: &str| Config::parse(text, "box.toml").unwrap().guidance;
        assert_eq!(of(""), Some(Thresholds::default()));
        assert_eq!(of("[guidance]\nenabled = false"), None);
        let tuned = of("[guidance]\ndark_level = 90\nlost_beams_percent = 25\nafter_ms = 500");
        let tuned = tuned.unwrap();
        assert_eq!((tuned.dark, tuned.lost_beams, tuned.after.as_millis()), (90, 0.25, 500));
    }

    #[test]
    fn errors_name_key_value_and_what_is_allowed() {
        for (text, parts) in [
            ("[source]\nstall_ms = 5", ["`source.stall_ms` is 5", "200 to 60000"]),
            ("[source]\nuse = \"webcam:0\"", ["unknown kind `webcam`", "phantom:SCENE"]),
            ("[source]\nuse = \"phantom:heart\"", ["no scene `heart`", "lung-normal"]),
            ("[source]\nuse = 7", ["line 2", "string"]),
            (
                "[protocol]\nuse = \"lung-9\"",
                ["`protocol.use` is \"lung-9\"", "none, lung-8, lung-12, lung-blue-6, breast"],
            ),
            ("[protocol]\nzones = 8", ["unknown field `zones`", "config print"]),
            ("[lamps]\nrefer = -1", ["`lamps.refer` is -1", "0 to 1023"]),
            ("[lamps]\nrefer = true", ["a GPIO number or the name", "config print"]),
            ("[lamps]\nclear = \"none\"", ["`lamps.clear` is \"none\"", "needed"]),
            ("[lamps]\nclear = \"gpiochip0:17\"", ["uses a line twice", "of its own"]),
            ("[lamps]\nbrightness = 0", ["`lamps.brightness` is 0", "1 to 100"]),
            (
                "[lamps]\ndriver = \"gpiochip\"\nbrightness = 50",
                ["`lamps.brightness` is 50 with driver", "rppal"],
            ),
            (
                "[lamps]\ndriver = \"rppal\"\nrefer = \"PH.00\"",
                ["names GPIO line PH.00", "GPIO0 to GPIO53"],
            ),
            (
                "[lamps]\ndriver = \"gpiochip\"\n[buttons]\nstart = 17",
                ["uses a line twice (GPIO line 17)", "of its own"],
            ),
            ("[buttons]\nbias = \"up\"", ["unknown variant `up`", "pull-up"]),
            ("[buttons]\ndebounce_ms = 0", ["`buttons.debounce_ms` is 0", "1 to 200"]),
            (
                "[panel]\ndriver = \"ssd1306\"\nrotation = 90",
                ["`panel.rotation` is 90", "[0, 180]"],
            ),
            ("[panel]\naddress = 0x80", ["`panel.address` is 128", "8 to 119"]),
            ("[lamps]\nrefer = 27", ["uses a line twice", "of its own"]),
            ("[lamps]\ndriver = \"usb\"", ["unknown variant `usb`", "gpiochip"]),
            ("[lamps]\ncolour = 1", ["unknown field `colour`", "config print"]),
            ("[lamp]\nrefer = 1", ["unknown field `lamp`", "config print"]),
            ("[capture]\nwidth = 16", ["`capture.width` is 16", "32 to 4096"]),
            ("[capture]\nfps = 0", ["`capture.fps` is 0", "1 to 240"]),
            ("[capture]\nformat = \"H264\"", ["`capture.format` is \"H264\"", "auto, GREY, NV12"]),
            ("[capture]\nrange = \"wide\"", ["unknown variant `wide`", "limited"]),
            ("[capture]\npixel_aspect = \"9:1\"", ["`capture.pixel_aspect`", "1:4 to 4:1"]),
            ("[capture.controls]\ngain = 0.5", ["line 2", "a whole number"]),
            ("[guidance]\ndark_level = 256", ["`guidance.dark_level` is 256", "allowed: 1 to 255"]),
            (
                "[guidance]\nenabled = false\nafter_ms = 0",
                ["`guidance.after_ms` is 0", "100 to 10000"],
            ),
            ("[guidance]\nmotion_percent = 0", ["`guidance.motion_percent`", "1 to 100"]),
            ("[dashboard]\nfps = 0", ["`dashboard.fps` is 0", "1 to 60"]),
            ("[dashboard]\nlanguage = \"de\"", ["unknown variant `de`", "`zh`"]),
            ("[dashboard]\ntheme = \"dark\"", ["unknown variant `dark`", "high-contrast"]),
            ("[dashboard]\nsymbols = \"latin\"", ["unknown variant `latin`", "ascii"]),
            ("[dashboard]\nlarge = 1", ["line 2", "boolean"]),
            ("[dashboard]\nfps = 5\nfps = 6", ["line 3", "duplicate key"]),
            ("[pacs]\nport = 0", ["`pacs.port` is 0", "1 to 65535"]),
            ("[pacs]\nhost = \"box:104\"\nca = \"pem\"", ["`pacs.ca` is \"pem\"", "from / on"]),
            ("[pacs]\nhost = \"dicom://box\"", ["`pacs.host`", "`pacs.port`"]),
            ("[pacs]\nhost = \"box\"\nkey = \"/a\"", ["`pacs.certificate` is \"\"", "PEM"]),
            ("[pacs]\ncalled = \"OF MORE THAN SIXTEEN\"", ["`pacs.called`", "1 to 16"]),
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
