//! `sonolamp doctor`: what works on this machine, and what to do about the rest.

mod finding;
mod parts;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::capture::SourceSpec;
use crate::capture::v4l2::{Camera, survey};
use crate::config::Config;
use crate::error::ErrorKind;
use finding::{Finding, State};

const NO_CAMERA: &str = "plug one in and see `dmesg`: a node /dev/video0 should appear; on a \
                         Raspberry Pi enable the camera, in a container pass the device on";
/// What a service writes to, where the configuration names nothing.
const STATE: &str = "/var/lib/sonolamp";

/// Look at this machine: cameras, lamps, panel, storage, heat, power, clock, memory, bundle.
///
/// Ends with 0 where all is well or there are only notices (·), else with the exit code of the first
/// trouble (✗): 2 configuration, 3 device, 4 bundle, 5 storage.
#[derive(clap::Args)]
pub struct Arguments {
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Look only at what the program needs of itself: configuration, bundle, storage, and phantom
    /// frames through the whole pipeline; no camera and no wiring
    #[arg(long)]
    self_test: bool,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Read the machine's own facts below this folder
    #[arg(long, value_name = "DIR", default_value = "/", hide = true)]
    root: PathBuf,
}

#[derive(Serialize)]
struct Report {
    /// No trouble.
    well: bool,
    #[serde(flatten)]
    seen: Option<Cameras>,
    findings: Vec<Finding>,
    versions: std::collections::BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Cameras {
    usable: bool,
    /// The configured source, and whether it is a camera that is not there.
    source: String,
    source_absent: bool,
    remedy: Option<String>,
    cameras: Vec<Camera>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut findings = Vec::new();
    let config = match Config::load(arguments.config.as_deref()) {
        Ok(config) => {
            let protocol = config.protocol.as_ref().map(crate::protocol::Choice::load);
            findings.push(match protocol {
                Some(Err(error)) => Finding::error("configuration", &error),
                _ => Finding::well("configuration", "right"),
            });
            config
        }
        Err(error) => {
            findings.push(Finding::error("configuration", &error));
            Config::parse("", "defaults")?
        }
    };
    let folder = config.store.as_ref().map_or(Path::new(STATE), |store| &store.folder);
    let facts = parts::facts(&arguments.root, folder);
    let seen = (!arguments.self_test).then(|| cameras(&config));
    findings.extend(seen.as_ref().map(|seen| camera(&config, seen)));
    if !arguments.self_test {
        findings.extend(parts::lines(&config));
        findings.push(parts::panel(&arguments.root, config.panel.as_ref()));
    }
    findings.extend(parts::storage(&arguments.root, &config, folder, &facts));
    findings.push(parts::store(&config));
    let (bundle, model) = parts::bundle(&config);
    findings.extend(bundle);
    if arguments.self_test {
        findings.extend(model.as_ref().map(parts::pipeline));
    } else {
        findings.push(parts::heat(&facts));
        findings.push(parts::power(&facts));
        findings.push(parts::clock(&arguments.root, &facts));
        findings.push(parts::memory(&facts));
    }
    let trouble = findings.iter().find(|finding| finding.state == State::Trouble);
    let code = trouble.map_or(0, |finding| finding.kind.exit_code());
    let versions = parts::versions(&arguments.root, &facts).into_iter().collect();
    let report = Report { well: code == 0, seen, findings, versions };
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", words(&report));
    }
    Ok(ExitCode::from(code))
}

fn cameras(config: &Config) -> Cameras {
    let cameras = survey(&config.capture);
    let source_absent = match &config.source {
        SourceSpec::V4l2(address) => {
            let meant = |c: &Camera| address.fits(Path::new(&c.node), &c.name, &c.bus);
            !cameras.iter().any(meant)
        }
        _ => false,
    };
    let usable = cameras.iter().any(|camera| camera.usable);
    let remedy = if usable { None } else { Some(NO_CAMERA.to_owned()) };
    Cameras { usable, source: config.source.to_string(), source_absent, remedy, cameras }
}

/// The one that a run would take.
fn camera(config: &Config, seen: &Cameras) -> Finding {
    let source = &seen.source;
    if seen.source_absent {
        let what = format!("the configured source {source} is absent");
        let remedy = "plug it in, or name another in [source]";
        return Finding::trouble("camera", ErrorKind::Device, what, remedy);
    }
    if !seen.usable && !matches!(config.source, SourceSpec::Pipe(_)) {
        let what = if seen.cameras.is_empty() { "no camera" } else { "no camera can be used" };
        return Finding::trouble("camera", ErrorKind::Device, what.to_owned(), NO_CAMERA);
    }
    if config.source.is_demonstration() {
        let what = format!("the configured source {source} is a demonstration");
        return Finding::notice("camera", what, "name a camera in [source] to screen with it");
    }
    Finding::well("camera", format!("{source} is there"))
}

fn words(report: &Report) -> String {
    let mut text = String::new();
    for camera in report.seen.iter().flat_map(|seen| &seen.cameras) {
        describe(&mut text, camera);
    }
    text.extend(report.findings.iter().map(Finding::line));
    let versions: Vec<String> =
        report.versions.iter().map(|(name, value)| format!("{name} {value}")).collect();
    text + &format!("  {:<14} {}\n", "versions", versions.join(", "))
}

/// Writing to a string cannot fail.
fn describe(text: &mut String, camera: &Camera) {
    let mark = if camera.usable { "✓" } else { "✗" };
    let _ = writeln!(text, "{mark} {} {}", camera.node, camera.name);
    if !camera.bus.is_empty() {
        let _ = writeln!(text, "    place     bus={} (driver {})", camera.bus, camera.driver);
    }
    if let (Some(problem), Some(remedy)) = (&camera.problem, &camera.remedy) {
        let _ = writeln!(text, "    problem   {problem}; {remedy}");
    }
    if camera.in_use {
        text.push_str("    in use    another program streams from it at present\n");
    }
    if let Some(choice) = &camera.choice {
        let _ = writeln!(text, "    a run     takes {choice}");
    }
    for format in camera.formats.iter().filter(|format| format.readable) {
        let _ = writeln!(text, "    format    {} {}", format.format, format.description);
        for size in &format.sizes {
            let _ = writeln!(text, "              {} at {}", size.size, rates(&size.rates));
        }
    }
    let others = camera.formats.iter().filter(|format| !format.readable);
    let others: Vec<&str> = others.map(|format| format.format.as_str()).collect();
    if !others.is_empty() {
        let _ = writeln!(text, "    not read  {}", others.join(", "));
    }
    for listed in &camera.controls {
        let value = listed.value.map_or(String::new(), |value| format!(", now {value}"));
        let _ = writeln!(text, "    control   {}{value}; {}", listed.control.name, listed.allowed);
    }
}

fn rates(rates: &[String]) -> String {
    if rates.is_empty() { "its own rate".to_owned() } else { rates.join(", ") + " a second" }
}
