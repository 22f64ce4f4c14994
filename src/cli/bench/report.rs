//! The figures of one run, as a table and as JSON.

use std::io::Write;

use serde::Serialize;

use super::network::LayerTime;
use super::stages::{FramePath, Stage};
use super::{Spread, percent};

#[derive(Serialize)]
pub struct Report {
    pub network: String,
    pub path: String,
    pub load_ms: f64,
    /// The network by itself.
    pub inference: Spread,
    /// 10^6 multiply-accumulates a frame.
    pub mega_macs: f64,
    pub giga_macs_per_second: f64,
    pub peak_giga_macs_per_second: Option<f64>,
    pub share_of_peak: Option<f64>,
    /// Absent for a network without a bundle.
    #[serde(flatten)]
    pub frame_path: Option<FramePath>,
    pub layers: Vec<LayerTime>,
    pub memory_mb: Option<f64>,
}

/// Writes the table; `every` names each layer.
pub fn print(out: &mut impl Write, report: &Report, every: bool) -> std::io::Result<()> {
    writeln!(out, "{}: {}", report.network, report.path)?;
    writeln!(out, "loaded and run once in {:.0} ms", report.load_ms)?;
    let Spread { p50_us, p99_us } = report.inference;
    writeln!(out, "inference by itself: p50 {p50_us:.0} us, p99 {p99_us:.0} us")?;
    if let Some(peak) = report.peak_giga_macs_per_second {
        writeln!(out, "peak of the processor: {peak:.0} GMAC/s")?;
    }
    if !report.layers.is_empty() {
        kinds(out, report)?;
    }
    if every {
        layers(out, &report.layers)?;
    }
    if let Some(path) = &report.frame_path {
        stages(out, path)?;
    }
    if let Some(memory) = report.memory_mb {
        writeln!(out, "{memory:.0} MB of memory at most")?;
    }
    Ok(())
}

/// The layers' sums, kind by kind.
fn kinds(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "{:.1} M MAC, {:.0} GMAC/s, {} of the peak",
        report.mega_macs,
        report.giga_macs_per_second,
        percent(report.share_of_peak)
    )?;
    let mut kinds: Vec<(&str, f64, f64)> = Vec::new();
    for layer in &report.layers {
        match kinds.iter_mut().find(|(kind, ..)| *kind == layer.kind) {
            Some((_, time, macs)) => {
                *time += layer.time.p50_us;
                *macs += layer.mega_macs;
            }
            None => kinds.push((layer.kind, layer.time.p50_us, layer.mega_macs)),
        }
    }
    writeln!(
        out,
        "\n{:<16} {:>9} {:>8} {:>7} {:>8}",
        "layers", "us", "M MAC", "GMAC/s", "of peak"
    )?;
    for (kind, time, macs) in kinds {
        let rate = macs / time * 1e3;
        let share = percent(report.peak_giga_macs_per_second.map(|peak| rate / peak));
        writeln!(out, "{kind:<16} {time:>9.1} {macs:>8.2} {rate:>7.0} {share:>8}")?;
    }
    Ok(())
}

fn layers(out: &mut impl Write, layers: &[LayerTime]) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<22} {:<13} {:<24} {:>8} {:>8} {:>7} {:>8}",
        "layer", "kind", "shape", "p50 us", "p99 us", "GMAC/s", "of peak"
    )?;
    for layer in layers {
        let LayerTime { name, kind, shape, time, giga_macs_per_second: rate, .. } = layer;
        writeln!(
            out,
            "{name:<22} {kind:<13} {shape:<24} {:>8.1} {:>8.1} {rate:>7.0} {:>8}",
            time.p50_us,
            time.p99_us,
            percent(layer.share_of_peak)
        )?;
    }
    Ok(())
}

fn stages(out: &mut impl Write, path: &FramePath) -> std::io::Result<()> {
    writeln!(out, "\n{:<26} {:>9} {:>9}", format!("stage, {}", path.frame), "p50 us", "p99 us")?;
    for Stage { name, time } in &path.stages {
        writeln!(out, "{name:<26} {:>9.0} {:>9.0}", time.p50_us, time.p99_us)?;
    }
    writeln!(
        out,
        "\n{:.0} frames/s; {} of a frame's time is not inference",
        path.frames_per_second,
        percent(Some(path.share_not_inference))
    )?;
    writeln!(out, "{:.0} ms from loading to the first judged frame", path.first_verdict_ms)
}
