//! Answers a comparison that interleaves several workers: see `compare`.

use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;

use super::{stored, turn};
use crate::inference::Runner;

pub fn serve(runner: &mut Runner) -> anyhow::Result<ExitCode> {
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
        let times = turn(runner, runs)?;
        println!("{}", times.iter().map(|t| format!("{t:.2}")).collect::<Vec<_>>().join(" "));
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
