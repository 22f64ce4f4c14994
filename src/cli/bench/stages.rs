//! The path of a frame: stage by stage, then what is drawn of it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::pictures::Pictures;
use super::{Progress, Spread, spread};
use crate::capture::FrameSource;
use crate::dashboard::Offscreen;
use crate::error::Error;
use crate::exam::{Exam, State};
use crate::frame::{Bounds, Frame};
use crate::inference::Placement;
use crate::panel::{self, Driver};
use crate::pipeline::{Model, Stages};
use crate::screening::Mode;
use crate::snapshot::{Identity, Snapshot};

/// Columns and rows of the terminal that the dashboard is drawn on.
const TERMINAL: (u16, u16) = (120, 40);

#[derive(Serialize)]
pub struct Stage {
    pub name: &'static str,
    #[serde(flatten)]
    pub time: Spread,
}

#[derive(Serialize)]
pub struct FramePath {
    /// The pictures' format and size.
    pub frame: String,
    /// From an open source to the first judged frame: loading, checking, one frame.
    pub first_verdict_ms: f64,
    pub stages: Vec<Stage>,
    pub frames_per_second: f64,
    /// Of the frame's time, without what is drawn.
    pub share_not_inference: f64,
}

pub fn time(
    bundle: Option<&Path>,
    placement: Placement,
    pictures: &Pictures,
    limit: Duration,
    progress: &Progress,
) -> Result<FramePath, Error> {
    let mut source = pictures.open()?;
    let start = Instant::now();
    let model = Model::load_for(bundle, placement)?;
    let mut stages = model.stages(Mode::Live)?;
    let mut frame = Frame::default();
    source.next(&mut frame)?;
    stages.process(&mut frame)?;
    let first_verdict_ms = start.elapsed().as_secs_f64() * 1e3;

    let first = if pictures.simulated() { "simulator" } else { "capture decode" };
    let names = [first, "sector", "resize", "inference", "screening", "frame"];
    let path = sampled(names, limit, || {
        let begin = Instant::now();
        source.next(&mut frame)?;
        let made = begin.elapsed();
        let cost = stages.process(&mut frame)?;
        let decoded = if pictures.simulated() { Duration::ZERO } else { made };
        let whole = decoded + cost.preprocess() + cost.inference + cost.screening;
        Ok([made, cost.sector, cost.resize, cost.inference, cost.screening, whole])
    })?;
    progress.step();
    let (inference, whole) = (path[3].time.p50_us, path[5].time.p50_us);
    let drawn = draw(&model, &mut *source, &mut stages, limit)?;
    progress.step();
    Ok(FramePath {
        frame: pictures.to_string(),
        first_verdict_ms,
        stages: path.into_iter().chain(drawn).collect(),
        frames_per_second: 1e6 / whole,
        share_not_inference: 1.0 - inference / whole,
    })
}

/// A new frame on every screen; apart from the path, whose caches it would cool.
fn draw(
    model: &Model,
    source: &mut dyn FrameSource,
    stages: &mut Stages,
    limit: Duration,
) -> Result<[Stage; 3], Error> {
    let manifest = &model.bundle.manifest;
    let identity = Identity {
        source: "bench".into(),
        demonstration: true,
        bundle: model.bundle.title(),
        bundle_digest: model.bundle.short_digest().to_owned(),
        classes: manifest.classes.iter().map(|class| class.name.clone()).collect(),
        heads: model.heads(),
        heat_map: manifest.map.is_some(),
        outlined: manifest.mask.as_ref().map(|mask| mask.name.clone()),
        min_evidence: manifest.rules().needed(Mode::Live),
        refer: manifest.decision.refer,
        clear: manifest.decision.clear,
        ..Identity::default()
    };
    let mut snapshot = Snapshot::new(Arc::new(identity));
    snapshot.exam = Exam { state: State::Scanning, number: 1 };
    let mut screen = Offscreen::new(TERMINAL.0, TERMINAL.1)?;
    let mut frame = Frame::default();
    sampled(["snapshot", "dashboard", "panel"], limit, || {
        source.next(&mut frame)?;
        stages.process(&mut frame)?;
        let start = Instant::now();
        let bounds = stages.bounds().unwrap_or(Bounds::whole(&frame));
        snapshot.picture.shrink(&frame, bounds);
        stages.overlay(bounds, &mut snapshot.heat, &mut snapshot.outline);
        snapshot.verdict = Some(stages.screening().verdict());
        snapshot.evidence = *stages.screening().evidence();
        snapshot.history.push(snapshot.evidence.probability);
        let filled = Instant::now();
        screen.draw(&snapshot)?;
        let shown = Instant::now();
        std::hint::black_box(panel::picture::draw(&snapshot, Driver::St7789, 0));
        Ok([filled - start, shown - filled, shown.elapsed()])
    })
}

/// Medians and the like of the times of as many rounds as fit into `limit`, at least ten.
fn sampled<const N: usize>(
    names: [&'static str; N],
    limit: Duration,
    mut round: impl FnMut() -> Result<[Duration; N], Error>,
) -> Result<[Stage; N], Error> {
    let mut times = [const { Vec::new() }; N];
    let (start, mut rounds) = (Instant::now(), 0);
    while rounds < 10 || start.elapsed() < limit {
        for (times, part) in times.iter_mut().zip(round()?) {
            times.push(part.as_secs_f64() * 1e6);
        }
        rounds += 1;
    }
    Ok(std::array::from_fn(|i| Stage { name: names[i], time: spread(&mut times[i]) }))
}
