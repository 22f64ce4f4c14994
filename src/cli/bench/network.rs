//! The network by itself, whole and layer by layer.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Spread, spread};
use crate::inference::Runner;
use crate::inference::graph::{Layer, Map};

#[derive(Serialize)]
pub struct LayerTime {
    pub name: String,
    pub kind: &'static str,
    pub shape: String,
    pub mega_macs: f64,
    #[serde(flatten)]
    pub time: Spread,
    pub giga_macs_per_second: f64,
    pub share_of_peak: Option<f64>,
}

/// 10^6 multiply-accumulates a frame, where the layers are ours.
pub fn mega_macs(runner: &mut Runner) -> Option<f64> {
    let graph = runner.engine()?.program().graph();
    Some(graph.layers.iter().map(|layer| graph.macs(layer) as f64 / 1e6).sum())
}

/// Every layer's time, where the layers are ours; `peak` in GMAC/s.
pub fn layers(runner: &mut Runner, limit: Duration, peak: Option<f64>) -> Vec<LayerTime> {
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
    let shape = |m: Map| format!("{}x{}x{}", m.height, m.width, m.channels);
    let row = |(layer, times): (&Layer, &mut Vec<f64>)| {
        let (from, to) = (graph.maps[layer.op.inputs()[0]], graph.maps[layer.output]);
        let time = spread(times);
        let mega_macs = graph.macs(layer) as f64 / 1e6;
        let rate = mega_macs / time.p50_us * 1e3;
        LayerTime {
            name: layer.name.clone(),
            kind: layer.op.kind(),
            shape: format!("{} -> {}", shape(from), shape(to)),
            mega_macs,
            time,
            giga_macs_per_second: rate,
            share_of_peak: peak.map(|peak| rate / peak),
        }
    };
    graph.layers.iter().zip(&mut times).map(row).collect()
}
