//! `sonolamp bench`: what a frame costs on this machine, stage by stage and layer by layer.

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::progress::Progress;
use super::stored;
use crate::bundle::Bundle;
use crate::capture::FrameSource;
use crate::capture::phantom::Phantom;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::Frame;
use crate::inference::kernels::{self, Isa};
use crate::inference::{Placement, Runner};
use crate::pipeline::Model;
use crate::screening::Mode;

/// Time the frame path on the built-in phantom, or a network by itself.
///
/// Shares of the peak are of what this processor's int8 multiplications do in registers alone,
/// measured in the same run, of one thread.
#[derive(clap::Args)]
pub struct Arguments {
    /// Bundle to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// Time this ONNX network by itself, on made-up input
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    onnx: Option<PathBuf>,
    /// Instruction set for the int8 layers, or `stock` for stock tract
    #[arg(long, value_name = "NAME")]
    isa: Option<String>,
    /// Threads that share the network's work on a frame
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=4))]
    threads: u8,
    /// For how long each part is timed
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    seconds: f64,
    /// Name every layer
    #[arg(long)]
    layers: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
    /// For comparisons: after `ready`, read a number of runs a line and print their microseconds,
    /// or `dump FILE` and write every layer's output
    #[arg(long, hide = true)]
    worker: bool,
}

#[derive(Serialize)]
struct Report {
    network: String,
    path: String,
    load_ms: f64,
    /// The network by itself.
    inference: Spread,
    /// 10^6 multiply-accumulates a frame.
    mega_macs: f64,
    giga_macs_per_second: f64,
    peak_giga_macs_per_second: Option<f64>,
    stages: Vec<Stage>,
    frames_per_second: Option<f64>,
    first_verdict_ms: Option<f64>,
    layers: Vec<LayerTime>,
    memory_mb: Option<f64>,
}

#[derive(Serialize, Clone, Copy)]
struct Spread {
    p50_us: f64,
    p99_us: f64,
}

#[derive(Serialize)]
struct Stage {
    name: &'static str,
    #[serde(flatten)]
    time: Spread,
}

#[derive(Serialize)]
struct LayerTime {
    name: String,
    kind: &'static str,
    shape: String,
    mega_macs: f64,
    p50_us: f64,
    giga_macs_per_second: f64,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let isa = chosen(arguments.isa.as_deref())?;
    let (name, bytes) = network(arguments)?;
    let start = Instant::now();
    let placement = Placement { isa, threads: arguments.threads.into() };
    let mut runner = Runner::load(&name, &bytes, placement)?;
    runner.run()?;
    let load_ms = start.elapsed().as_secs_f64() * 1e3;
    if arguments.worker {
        return serve(&mut runner);
    }
    let limit = Duration::try_from_secs_f64(arguments.seconds).map_err(|_| {
        Error::new(ErrorKind::Usage, "--seconds", "is no length of time", "give a number above 0")
    })?;
    let progress = Progress::new(3, "parts timed");
    let inference = spread(&mut timed(limit, || runner.run().map(drop))?);
    progress.step();
    let mut report = Report {
        network: name,
        path: runner.path().to_string(),
        load_ms,
        inference,
        mega_macs: 0.0,
        giga_macs_per_second: 0.0,
        peak_giga_macs_per_second: isa.and_then(kernels::peak),
        stages: Vec::new(),
        frames_per_second: None,
        first_verdict_ms: None,
        layers: layers(&mut runner, limit),
        memory_mb: None,
    };
    progress.step();
    report.mega_macs = report.layers.iter().map(|layer| layer.mega_macs).sum();
    report.giga_macs_per_second = report.mega_macs / inference.p50_us * 1e3;
    if arguments.onnx.is_none() {
        frame_path(arguments, limit, &mut report)?;
    }
    report.memory_mb = peak_memory();
    drop(progress);
    if arguments.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print(&mut std::io::stdout().lock(), &report, arguments.layers)?;
    }
    Ok(ExitCode::SUCCESS)
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

/// Microseconds of each of as many runs as fit into `limit`, at least ten.
fn timed(limit: Duration, mut run: impl FnMut() -> Result<(), Error>) -> Result<Vec<f64>, Error> {
    let (start, mut times) = (Instant::now(), Vec::new());
    while times.len() < 10 || start.elapsed() < limit {
        let begin = Instant::now();
        run()?;
        times.push(begin.elapsed().as_secs_f64() * 1e6);
    }
    Ok(times)
}

fn spread(times: &mut [f64]) -> Spread {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    Spread { p50_us: at(0.5), p99_us: at(0.99) }
}

fn layers(runner: &mut Runner, limit: Duration) -> Vec<LayerTime> {
    runner.enter();
    let Some(engine) = runner.engine() else { return Vec::new() };
    let mut times = vec![Vec::new(); engine.layers()];
    let start = Instant::now();
    while times[0].len() < 10 || start.elapsed() < limit {
        for (i, times) in times.iter_mut().enumerate() {
            let begin = Instant::now();
            engine.step(i);
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
    }
    let graph = engine.program().graph();
    let row = |(layer, times): (&crate::inference::graph::Layer, &mut Vec<f64>)| {
        let (from, to) = (graph.maps[layer.op.inputs()[0]], graph.maps[layer.output]);
        let p50_us = spread(times).p50_us;
        let mega_macs = graph.macs(layer) as f64 / 1e6;
        let shape =
            |m: crate::inference::graph::Map| format!("{}x{}x{}", m.height, m.width, m.channels);
        LayerTime {
            name: layer.name.clone(),
            kind: layer.op.kind(),
            shape: format!("{} -> {}", shape(from), shape(to)),
            mega_macs,
            p50_us,
            giga_macs_per_second: mega_macs / p50_us * 1e3,
        }
    };
    graph.layers.iter().zip(&mut times).map(row).collect()
}

/// Times the stages on the phantom, and a start from nothing to the first judged frame.
fn frame_path(arguments: &Arguments, limit: Duration, report: &mut Report) -> Result<(), Error> {
    let spec = "lung-blines?seed=7".parse()?;
    let start = Instant::now();
    let placement = Placement { threads: arguments.threads.into(), ..Placement::default() };
    let model = Model::load_for(arguments.bundle.as_deref(), placement)?;
    let (mut phantom, mut frame) = (Phantom::new(&spec), Frame::default());
    let mut stages = model.stages(Mode::Live)?;
    phantom.next(&mut frame)?;
    stages.process(&mut frame)?;
    report.first_verdict_ms = Some(start.elapsed().as_secs_f64() * 1e3);
    let mut times = [const { Vec::new() }; 5];
    let start = Instant::now();
    while times[0].len() < 10 || start.elapsed() < limit {
        let begin = Instant::now();
        phantom.next(&mut frame)?;
        let made = begin.elapsed();
        let cost = stages.process(&mut frame)?;
        let all = cost.preprocess + cost.inference + cost.screening;
        let parts = [made, cost.preprocess, cost.inference, cost.screening, all];
        for (times, part) in times.iter_mut().zip(parts) {
            times.push(part.as_secs_f64() * 1e6);
        }
    }
    let names =
        ["simulator", "text, sector, resize", "inference", "screening", "frame, without simulator"];
    for (name, times) in names.into_iter().zip(&mut times) {
        report.stages.push(Stage { name, time: spread(times) });
    }
    report.frames_per_second = report.stages.last().map(|all| 1e6 / all.time.p50_us);
    Ok(())
}

/// The most memory that this process has had, in MB.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<f64>().ok().map(|kb| kb / 1024.0)
}

/// Answers a comparison that interleaves several such workers.
fn serve(runner: &mut Runner) -> anyhow::Result<ExitCode> {
    println!("ready {}", runner.path());
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        if let Some(file) = line.strip_prefix("dump ") {
            dump(runner, Path::new(file))?;
            continue;
        }
        let runs: usize = line.trim().parse().unwrap_or(0);
        if runs == 0 {
            break;
        }
        let mut times = Vec::with_capacity(runs);
        for _ in 0..runs {
            let begin = Instant::now();
            runner.run()?;
            times.push(format!("{:.2}", begin.elapsed().as_secs_f64() * 1e6));
        }
        println!("{}", times.join(" "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes every layer's output for the made-up input: a line of JSON with name and shape, then the
/// bytes, in ONNX's order.
fn dump(runner: &mut Runner, path: &Path) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    runner.enter();
    if let Some(engine) = runner.engine() {
        for i in 0..engine.layers() {
            engine.step(i);
            let layer = &engine.program().graph().layers[i];
            let map = engine.program().graph().maps[layer.output];
            let head = serde_json::json!({
                "name": layer.name,
                "shape": [map.channels, map.height, map.width],
            });
            bytes.extend_from_slice(format!("{head}\n").as_bytes());
            bytes.extend_from_slice(&engine.map(layer.output));
        }
    }
    stored(path, std::fs::write(path, bytes))?;
    println!("dumped");
    Ok(())
}

fn print(out: &mut impl Write, report: &Report, every: bool) -> std::io::Result<()> {
    let peak = report.peak_giga_macs_per_second;
    let share =
        |rate: f64| peak.map_or(String::new(), |peak| format!("{:5.1} %", rate / peak * 100.0));
    writeln!(out, "{}: {}", report.network, report.path)?;
    writeln!(out, "loaded and run once in {:.0} ms", report.load_ms)?;
    let Spread { p50_us, p99_us } = report.inference;
    writeln!(out, "inference by itself: p50 {p50_us:.0} us, p99 {p99_us:.0} us")?;
    if let Some(peak) = peak {
        writeln!(out, "peak of the processor: {peak:.0} GMAC/s")?;
    }
    if !report.layers.is_empty() {
        let rate = report.giga_macs_per_second;
        writeln!(
            out,
            "{:.1} M MAC, {rate:.0} GMAC/s, {} of the peak",
            report.mega_macs,
            share(rate).trim()
        )?;
        let mut kinds: Vec<(&str, f64, f64)> = Vec::new();
        for layer in &report.layers {
            match kinds.iter_mut().find(|(kind, ..)| *kind == layer.kind) {
                Some((_, time, macs)) => {
                    *time += layer.p50_us;
                    *macs += layer.mega_macs;
                }
                None => kinds.push((layer.kind, layer.p50_us, layer.mega_macs)),
            }
        }
        writeln!(
            out,
            "\n{:<16} {:>9} {:>8} {:>7} {:>8}",
            "layers", "us", "M MAC", "GMAC/s", "of peak"
        )?;
        for (kind, time, macs) in kinds {
            let rate = macs / time * 1e3;
            writeln!(out, "{kind:<16} {time:>9.1} {macs:>8.2} {rate:>7.0} {:>8}", share(rate))?;
        }
    }
    if every {
        writeln!(
            out,
            "\n{:<22} {:<13} {:<24} {:>8} {:>8}",
            "layer", "kind", "shape", "us", "of peak"
        )?;
        for layer in &report.layers {
            let LayerTime { name, kind, shape, p50_us, giga_macs_per_second, .. } = layer;
            writeln!(
                out,
                "{name:<22} {kind:<13} {shape:<24} {p50_us:>8.1} {:>8}",
                share(*giga_macs_per_second)
            )?;
        }
    }
    if !report.stages.is_empty() {
        writeln!(out, "\n{:<26} {:>9} {:>9}", "stage", "p50 us", "p99 us")?;
        for Stage { name, time } in &report.stages {
            writeln!(out, "{name:<26} {:>9.0} {:>9.0}", time.p50_us, time.p99_us)?;
        }
    }
    if let (Some(rate), Some(first)) = (report.frames_per_second, report.first_verdict_ms) {
        writeln!(out, "\n{rate:.0} frames/s; {first:.0} ms from start to the first judged frame")?;
    }
    if let Some(memory) = report.memory_mb {
        writeln!(out, "{memory:.0} MB of memory at most")?;
    }
    Ok(())
}
