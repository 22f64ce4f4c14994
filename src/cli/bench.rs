//! `sonolamp bench`: what a frame costs on this machine, stage by stage and layer by layer, and
//! how a network compares with its peers.

mod compare;
mod network;
mod peer;
mod pictures;
mod report;
mod stages;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;

use self::pictures::Pictures;
use self::report::Report;
use super::progress::Progress;
use super::stored;
use crate::bundle::Bundle;
use crate::error::{Error, ErrorKind, plain_words};
use crate::inference::kernels::{self, Isa};
use crate::inference::{Placement, Runner};

const ABOUT_PEERS: &str = "\
Peers: a peer is a shell command that runs one thread. It prints a line that begins with `ready`,
then reads a number of runs a line and answers each with as many times in microseconds, on one
line. `sonolamp bench --worker` is such a program, of this version or of another, and
tests/peers/peer.py makes one of ONNX Runtime or OpenVINO. Name the same network in all of them:

  sonolamp bench --against 'sonolamp bench --worker --isa stock'
  sonolamp bench --onnx a.onnx --against 'python3 tests/peers/peer.py onnxruntime a.onnx'";

/// Time the frame path, or a network by itself, or a network and its peers.
///
/// Shares of the peak are of what this processor's int8 multiplications do in registers alone,
/// measured in the same run, of one thread. The stages are: capture decode (or the simulator, which
/// is no part of a frame's time), sector (with burned-in text), resize (masking, grey levels),
/// inference and screening; and of what is drawn: the snapshot for the screens, the dashboard on
/// 120x40 characters, and the panel on 240x320 pixels in colour.
#[derive(clap::Args)]
#[command(after_long_help = ABOUT_PEERS)]
pub struct Arguments {
    /// Bundle to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Time this ONNX network by itself, on made-up input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["bundle", "frame"])]
    onnx: Option<PathBuf>,
    /// Instruction set for the int8 layers, or `stock` for the network by itself in stock tract
    #[arg(long, value_name = "NAME")]
    isa: Option<String>,
    /// Threads that share the network's work on a frame
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    threads: u8,
    /// Pictures for the frame path: phantom, straight from the simulator, or mjpeg, yuyv or grey,
    /// the same as a camera sends them; with a size of up to 1920x1080
    #[arg(long, value_name = "FORMAT:WxH", default_value = "phantom:640x480")]
    frame: String,
    /// For how long each part is timed
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Name every layer
    #[arg(long)]
    layers: bool,
    /// Compare the network with the one that COMMAND times, by turns; may be given again
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["frame", "layers", "worker"])]
    against: Vec<String>,
    /// How long a peer may take to start, and to answer
    #[arg(long, value_name = "S", default_value_t = 60.0, requires = "against")]
    patience: f64,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// Be a peer: after `ready`, read a number of runs a line and print their microseconds, or
    /// `dump FILE` and write every layer's output
    #[arg(long)]
    worker: bool,
}

/// Of many times.
#[derive(Serialize, Clone, Copy)]
struct Spread {
    p50_us: f64,
    p99_us: f64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let isa = chosen(arguments.isa.as_deref())?;
    let pictures: Pictures = arguments.frame.parse()?;
    let limit = length("--seconds", arguments.seconds)?;
    let patience = length("--patience", arguments.patience)?;
    let (name, bytes) = network(arguments)?;
    let start = Instant::now();
    let placement = Placement { isa, threads: arguments.threads.into() };
    let mut runner = Runner::load(&name, &bytes, placement)?;
    runner.run()?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    if arguments.worker {
        return worker::serve(&mut runner);
    }
    let peak = isa.and_then(kernels::peak);
    if !arguments.against.is_empty() {
        let ours = (name, &mut runner);
        return compare::run(ours, &arguments.against, peak, (limit, patience), arguments.json);
    }
    let progress =
        Progress::new(if arguments.onnx.is_some() || isa.is_none() { 2 } else { 4 }, "parts timed");
    let mut times = Vec::new();
    let start = Instant::now();
    while times.len() < 10 || start.elapsed() < limit {
        times.append(&mut turn(&mut runner, 1)?);
    }
    let inference = spread(&mut times);
    progress.step();
    let layers = network::layers(&mut runner, limit, peak);
    progress.step();
    let mega_macs = network::mega_macs(&mut runner).unwrap_or_default();
    let rate = mega_macs / inference.p50_us * 1e3;
    // A bundle's known answers are not stock tract's to the last digit.
    let frame_path = match (&arguments.onnx, isa) {
        (None, Some(_)) => {
            let bundle = arguments.bundle.as_deref();
            Some(stages::time(bundle, placement, &pictures, limit, &progress)?)
        }
        _ => None,
    };
    drop(progress);
    let report = Report {
        network: name,
        path: runner.path().to_string(),
        load_ms,
        inference,
        mega_macs,
        giga_macs_per_second: rate,
        peak_giga_macs_per_second: peak,
        share_of_peak: peak.map(|peak| rate / peak),
        frame_path,
        layers,
        memory_mb: peak_memory(),
    };
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        report::print(&mut std::io::stdout().lock(), &report, arguments.layers)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn length(option: &str, seconds: f64) -> Result<Duration, Error> {
    Duration::try_from_secs_f64(seconds).map_err(|_| {
        Error::new(ErrorKind::Usage, option, "is no length of time", "give a number of seconds")
    })
}

/// None is stock tract.
fn chosen(name: Option<&str>) -> Result<Option<Isa>, Error> {
    match name {
        None => Ok(Some(Isa::best())),
        Some("stock") => Ok(None),
        Some(name) => Isa::named(name).map(Some).ok_or_else(|| {
            let names: Vec<_> = Isa::available().iter().map(|isa| isa.name()).collect();
            let remedy = format!("choose stock, {}", names.join(", "));
            Error::new(ErrorKind::Usage, format!("--isa {name}"), "is not to be had here", remedy)
        }),
    }
}

fn network(arguments: &Arguments) -> Result<(String, Vec<u8>), Error> {
    let Some(path) = &arguments.onnx else {
        let bundle = Bundle::load(arguments.bundle.as_deref())?;
        return Ok((bundle.model_name(), bundle.model().1.to_vec()));
    };
    let bytes = std::fs::read(path).map_err(|e| {
        let problem = format!("cannot be read ({})", plain_words(&e));
        Error::new(ErrorKind::Usage, path.display(), problem, "name an ONNX file")
    })?;
    Ok((path.display().to_string(), bytes))
}

/// Microseconds of so many runs of the network.
fn turn(runner: &mut Runner, runs: usize) -> Result<Vec<f64>, Error> {
    let timed = |_| {
        let start = Instant::now();
        runner.run()?;
        Ok(start.elapsed().as_secs_f64() * 1e6)
    };
    (0..runs).map(timed).collect()
}

/// Sorts `times`, of which there is at least one.
fn spread(times: &mut [f64]) -> Spread {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    Spread { p50_us: at(0.5), p99_us: at(0.99) }
}

fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:.1} %", share * 100.0))
}

/// The most memory that this process has had, in MB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}
