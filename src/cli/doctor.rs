//! `sonolamp doctor`: what works on this machine, and what to do about the rest.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::capture::SourceSpec;
use crate::capture::v4l2::{Camera, survey};
use crate::config::Config;
use crate::error::ErrorKind;

const NO_CAMERA: &str = "plug one in and see `dmesg`: a node /dev/video0 should appear; on a \
                         Raspberry Pi enable the camera, in a container pass the device on";

/// Look at the cameras of this machine: what they are, what they offer, what is wrong.
///
/// Ends with exit code 3 where no camera can be used.
#[derive(clap::Args)]
pub struct Arguments {
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    usable: bool,
    /// The configured source, and whether it is a camera that is not there.
    source: String,
    source_absent: bool,
    remedy: Option<String>,
    cameras: Vec<Camera>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let config = Config::load(arguments.config.as_deref())?;
    let cameras = survey(&config.capture);
    let absent = match &config.source {
        SourceSpec::V4l2(address) => {
            let meant = |c: &Camera| address.fits(Path::new(&c.node), &c.name, &c.bus);
            !cameras.iter().any(meant)
        }
        _ => false,
    };
    let usable = cameras.iter().any(|camera| camera.usable);
    let remedy = if usable { None } else { Some(NO_CAMERA.to_owned()) };
    let source = config.source.to_string();
    let report = Report { usable, source, source_absent: absent, remedy, cameras };
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", words(&report));
    }
    let code = if usable { 0 } else { ErrorKind::Device.exit_code() };
    Ok(ExitCode::from(code))
}

fn words(report: &Report) -> String {
    let mut text = String::new();
    for camera in &report.cameras {
        describe(&mut text, camera);
    }
    if report.source_absent {
        let source = &report.source;
        let _ = writeln!(
            text,
            "✗ the configured source {source} is absent; plug it in, or name \
                                another in [source]"
        );
    }
    match &report.remedy {
        Some(remedy) if report.cameras.is_empty() => {
            let _ = writeln!(text, "✗ no camera: {remedy}");
        }
        Some(_) => text += "✗ no camera can be used\n",
        None => {}
    }
    text
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
