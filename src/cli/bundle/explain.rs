//! `sonolamp bundle explain`: whether a bundle's activation map points at what phantoms planted.
//!
//! A check of the map, and of nothing clinical: phantoms have known truth, and a map that ignores
//! where it lies explains nothing. The same with shuffled weights shows what the network's shape
//! alone would give.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;

use serde::Serialize;

use crate::bundle::Manifest;
use crate::capture::FrameSource;
use crate::capture::phantom::{Phantom, PhantomSpec};
use crate::cli::{Progress, jobs};
use crate::error::{Error, ErrorKind};
use crate::evaluation::explanation::{Located, locate, median};
use crate::frame::Frame;
use crate::inference::Plane;
use crate::pipeline::{Model, Stages};

/// Seed of the shuffle, so that a figure can be repeated.
const SHUFFLE: u64 = 20_260_101;
/// Structures that cover more of the sector are no test of where a map points.
const MOST_AREA: f64 = 0.25;
/// The frame of each phantom that is judged, at four frames a second.
const FRAME: usize = 4;

#[derive(clap::Args)]
pub struct Arguments {
    /// Folder of the bundle (default: the built-in one)
    bundle: Option<PathBuf>,
    /// Seeds of the phantoms; training uses seeds from 1000001 upwards
    #[arg(long, value_name = "FROM-TO", default_value = "1-60")]
    seeds: Seeds,
    /// Scene to judge; may be repeated (default: those of the bundle's organ that refer or might)
    #[arg(long, value_name = "SCENE")]
    scene: Vec<String>,
    /// Put each weight tensor's bytes in another order first: the gain must be lost
    #[arg(long)]
    shuffled: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Phantoms judged at once; 0 takes one a processor
    #[arg(long, default_value_t = 0, value_name = "N")]
    jobs: usize,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Seeds {
    from: u64,
    to: u64,
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Seeds, String> {
        let parse = || {
            let (from, to) = text.split_once('-')?;
            Some(Seeds { from: from.parse().ok()?, to: to.parse().ok()? })
        };
        let inside = |s: &Seeds| s.from <= s.to && s.to - s.from < 10_000;
        parse().filter(inside).ok_or_else(|| "write it as 1-60, at most 10000 seeds".to_owned())
    }
}

/// What the map of one scene's phantoms, or of all, points at.
#[derive(Serialize)]
struct Summary {
    scene: String,
    /// Phantoms judged, those left out for covering too much or nothing, and those without any
    /// positive activation, which gain nothing.
    judged: usize,
    left_out: usize,
    silent: usize,
    /// Share of the sector that is planted, share of the activation on it, and the second by the
    /// first.
    area: Middle,
    activation: Middle,
    gain: Middle,
}

#[derive(Serialize)]
struct Middle {
    median: Option<f64>,
    mean: Option<f64>,
}

impl Middle {
    fn of(values: impl Iterator<Item = f64>) -> Middle {
        let values: Vec<f64> = values.collect();
        let count = values.len() as f64;
        let mean = (count > 0.0).then(|| values.iter().sum::<f64>() / count);
        Middle { median: median(values), mean }
    }
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let folder = arguments.bundle.as_deref();
    let model =
        if arguments.shuffled { Model::shuffled(folder, SHUFFLE)? } else { Model::load(folder)? };
    if model.bundle.manifest.map.is_none() {
        let problem = "has no activation map";
        let remedy = "use a bundle with [map] in bundle.toml";
        return Err(Error::new(ErrorKind::Usage, &model.bundle.origin, problem, remedy).into());
    }
    let scenes = scenes(arguments, &model.bundle.manifest);
    let seeds = arguments.seeds;
    let mut phantoms: Vec<(&str, PhantomSpec)> = Vec::new();
    for scene in &scenes {
        for seed in seeds.from..=seeds.to {
            phantoms.push((scene, format!("{scene}?seed={seed}&fps=4").parse()?));
        }
    }
    let progress = Progress::new(phantoms.len(), "phantoms");
    let input = &model.bundle.manifest.input;
    let size = (input.width as usize, input.height as usize);
    let work = |i: usize, stages: &mut Stages| judge(&phantoms[i].1, stages, size);
    let mut located: Vec<Option<Located>> = Vec::with_capacity(phantoms.len());
    jobs::run(&model, phantoms.len(), arguments.jobs, work, |_, outcome| {
        located.push(outcome?);
        progress.step();
        Ok(())
    })?;
    drop(progress);
    let of = |name: &str, scene: Option<&str>| {
        let of_scene =
            phantoms.iter().zip(&located).filter(|((s, _), _)| scene.is_none_or(|w| w == *s));
        summary(name, of_scene.map(|(_, located)| *located).collect())
    };
    let mut summaries: Vec<Summary> = scenes.iter().map(|scene| of(scene, Some(scene))).collect();
    summaries.push(of("all", None));
    if arguments.json {
        let document = serde_json::json!({
            "program": format!("sonolamp {}", env!("CARGO_PKG_VERSION")),
            "bundle": model.bundle.title(),
            "digest": model.bundle.digest,
            "shuffled": arguments.shuffled,
            "seeds": [seeds.from, seeds.to],
            "most_area": MOST_AREA,
            "scenes": summaries,
        });
        println!("{document:#}");
    } else {
        print(&model, arguments.shuffled, &summaries);
    }
    Ok(ExitCode::SUCCESS)
}

/// What was asked for, or what is planted in the bundle's organ.
fn scenes(arguments: &Arguments, manifest: &Manifest) -> Vec<String> {
    let usual: &[&str] = if manifest.name.contains("breast") {
        &["breast-mass", "breast-cyst"]
    } else {
        &["lung-blines", "lung-consolidation", "lung-effusion"]
    };
    match &arguments.scene[..] {
        [] => usual.iter().map(|&scene| scene.to_owned()).collect(),
        scenes => scenes.to_vec(),
    }
}

/// Where the map of a phantom's frame lies; `None` where nothing can be seen of what is planted.
fn judge(
    spec: &PhantomSpec,
    stages: &mut Stages,
    size: (usize, usize),
) -> Result<Option<Located>, Error> {
    let (mut phantom, mut frame) = (Phantom::new(spec), Frame::default());
    stages.reset();
    for _ in 0..FRAME {
        phantom.next(&mut frame)?;
        stages.process(&mut frame)?;
    }
    let (mut planted, mut sector) = (Vec::new(), Vec::new());
    if let Some(mask) = phantom.planted() {
        frame.luma.copy_from_slice(mask);
    }
    stages.carry(&frame, &mut planted);
    frame.luma.fill(255);
    stages.carry(&frame, &mut sector);
    let Plane { width, height, values } = &stages.answer().map;
    Ok(locate(values, (*width, *height), &planted, &sector, size))
}

fn summary(scene: &str, located: Vec<Option<Located>>) -> Summary {
    let small = |l: &Located| l.area <= MOST_AREA;
    let judged: Vec<Located> = located.iter().flatten().copied().filter(small).collect();
    Summary {
        scene: scene.to_owned(),
        judged: judged.len(),
        left_out: located.len() - judged.len(),
        silent: judged.iter().filter(|l| l.activation.is_none()).count(),
        area: Middle::of(judged.iter().map(|l| l.area)),
        activation: Middle::of(judged.iter().map(|l| l.activation.unwrap_or(0.0))),
        gain: Middle::of(judged.iter().map(Located::gain)),
    }
}

fn print(model: &Model, shuffled: bool, summaries: &[Summary]) {
    let weights = if shuffled { ", weights shuffled" } else { "" };
    println!("{} ({}){weights}", model.bundle.title(), model.bundle.origin);
    println!("share of the positive activation on what is planted / of the sector's area:");
    println!("{:<22} judged  left out  silent  median  mean   (area)  (activation)", "scene");
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.2}"));
    for s in summaries {
        println!(
            "{:<22} {:>6}  {:>8}  {:>6}  {:>6}  {:>5}  {:>6}  {:>12}",
            s.scene,
            s.judged,
            s.left_out,
            s.silent,
            number(s.gain.median),
            number(s.gain.mean),
            number(s.area.median),
            number(s.activation.median)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::Bundle;
    use crate::inference::{Answer, Classifier};
    use crate::screening::Mode;

    /// A map of the dark cells of the input.
    struct Dark(usize);

    impl Classifier for Dark {
        fn classify(&mut self, tensor: &[u8], answer: &mut Answer) -> Result<(), Error> {
            let (side, cell) = (128, 128 / self.0);
            let mean = |at: usize| {
                let (x, y) = (at % self.0 * cell, at / self.0 * cell);
                let rows = (y..y + cell).flat_map(|y| &tensor[y * side + x..][..cell]);
                rows.map(|&p| f32::from(p)).sum::<f32>() / (cell * cell) as f32
            };
            let values = (0..self.0 * self.0).map(|at| 20.0 - mean(at)).collect();
            answer.map = Plane { width: self.0, height: self.0, values };
            Ok(())
        }
    }

    fn located(scene: &str, side: usize) -> Located {
        let bundle = Bundle::load(None).unwrap();
        let mut stages = Stages::new(&bundle, Box::new(Dark(side)), Mode::Clip);
        let spec = format!("{scene}?seed=3&fps=4").parse().unwrap();
        judge(&spec, &mut stages, (128, 128)).unwrap().unwrap()
    }

    #[test]
    fn a_map_of_dark_cells_points_at_a_cyst_and_one_of_one_cell_at_nothing() {
        let cyst = located("breast-cyst", 32);
        assert!((0.01..0.2).contains(&cyst.area), "{cyst:?}");
        assert!(cyst.gain() > 5.0, "{cyst:?}");
        let coarse = located("breast-cyst", 1);
        assert_eq!((coarse.activation, coarse.gain()), (None, 0.0), "no cell is dark");
    }

    #[test]
    fn seeds_are_a_range() {
        assert_eq!("1-60".parse(), Ok(Seeds { from: 1, to: 60 }));
        for wrong in ["", "5", "7-6", "1-", "1-99999"] {
            assert!(wrong.parse::<Seeds>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn structures_too_large_are_left_out_and_silence_gains_nothing() {
        let located = |area, activation| Some(Located { area, activation });
        let found = [located(0.1, Some(0.5)), located(0.2, None), located(0.4, Some(0.9)), None];
        let summary = summary("lung-blines", found.to_vec());
        assert_eq!((summary.judged, summary.left_out, summary.silent), (2, 2, 1));
        assert_eq!(summary.gain.mean, Some(2.5));
    }
}
