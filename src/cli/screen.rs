//! `sonolamp screen`: clips and pictures in, a verdict each out.

mod maps;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use serde::Serialize;

use image::RgbImage;

use self::maps::Clearest;
use super::{Progress, stored};
use crate::capture::{SourceSpec, dicom, file};
use crate::error::{Error, ErrorKind};
use crate::frame::Frame;
use crate::pipeline::clip::{self, ClipResult};
use crate::pipeline::{Model, Stages};
use crate::screening::{Evidence, Reason, Verdict};
use crate::snapshot::Head;

/// Judge clips and pictures: one line, or one JSON object, each.
///
/// A folder is searched for pictures and clips, each judged by itself. Sources by name work too:
/// phantom:lung-blines?seed=3, file:FOLDER for a folder whose pictures are one clip, or pipe:- for
/// Y4M or MJPEG on stdin.
#[derive(clap::Args)]
pub struct Arguments {
    /// Files, folders or sources
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Bundle to use instead of the built-in one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
    /// One JSON object a clip on stdout
    #[arg(long)]
    json: bool,
    /// Seconds of a phantom to judge (phantoms never end)
    #[arg(long, default_value_t = 5.0, value_name = "S")]
    phantom_seconds: f64,
    /// Write a picture for each clip to this folder: the frame that speaks most clearly for its
    /// verdict, beside the same with heat map and outline
    #[arg(long, value_name = "DIR")]
    maps: Option<PathBuf>,
    /// Clips judged at once; 0 takes one a processor
    #[arg(long, default_value_t = 0, value_name = "N")]
    jobs: usize,
}

/// One clip's line of JSON.
#[derive(Serialize)]
pub struct Report {
    pub path: String,
    pub verdict: &'static str,
    /// Calibrated probability of referring; a number whatever the verdict.
    pub score: f32,
    pub reasons: Vec<&'static str>,
    /// The reason in words, with the next step.
    pub why: Option<&'static str>,
    pub classes: Vec<Share>,
    pub heads: Vec<HeadReport>,
    /// Mean score of familiarity, where the bundle has one.
    pub familiarity: Option<f32>,
    /// The picture that `--maps` wrote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
    pub evidence: EvidenceReport,
    pub frames: FrameCounts,
    pub timings: TimingReport,
    pub bundle: String,
    pub bundle_digest: String,
    pub demonstration: bool,
}

/// A class or a label.
#[derive(Serialize)]
pub struct Share {
    pub name: String,
    pub probability: f32,
}

/// What the network says beside its verdict.
#[derive(Serialize)]
pub struct HeadReport {
    pub name: String,
    pub labels: Vec<Share>,
}

#[derive(Serialize)]
pub struct EvidenceReport {
    pub usable_s: f64,
    pub duration_s: f64,
}

#[derive(Serialize)]
pub struct FrameCounts {
    pub read: u64,
    pub used: u64,
    pub dropped: u64,
}

/// Milliseconds: the clip as a whole, and means a frame.
#[derive(Serialize)]
pub struct TimingReport {
    pub total_ms: f64,
    pub preprocess_ms: f64,
    pub inference_ms: f64,
    pub screening_ms: f64,
}

#[derive(Serialize)]
struct Failure<'a> {
    path: &'a str,
    error: String,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let model = Model::load(arguments.bundle.as_deref())?;
    let clips = expand(&arguments.paths)?;
    let progress = Progress::new(clips.len(), "clips");
    let mut unusable = 0;
    let heads = model.heads();
    if let Some(folder) = &arguments.maps {
        stored(folder, std::fs::create_dir_all(folder))?;
    }
    let work = |i: usize, stages: &mut Stages| -> Result<(ClipResult, Option<RgbImage>), Error> {
        let (spec, seconds) = (&clips[i].1, arguments.phantom_seconds);
        if arguments.maps.is_none() {
            return Ok((screen(spec, stages, seconds)?, None));
        }
        let mut clearest = Clearest::default();
        let mut source = spec.open_clip()?;
        let each = |frame: &Frame, stages: &Stages| clearest.observe(frame, stages);
        let result = clip::watch(&mut *source, stages, limit(spec, seconds), each)?;
        let drawn = clearest.draw(&result, &legend(spec, &model));
        Ok((result, drawn))
    };
    super::jobs::run(&model, clips.len(), arguments.jobs, work, |i, outcome| {
        let (name, spec) = &clips[i];
        match outcome {
            Ok((result, drawn)) => {
                let mut report = report(name, spec, &result, &model, &heads);
                if let (Some(folder), Some(drawn)) = (&arguments.maps, drawn) {
                    let path = folder.join(file_name(i, name));
                    stored(&path, drawn.save(&path).map_err(std::io::Error::other))?;
                    report.picture = Some(path.display().to_string());
                }
                progress.print(&if arguments.json {
                    serde_json::to_string(&report)?
                } else {
                    line(&report, &result, &heads)
                })?;
            }
            // A clip that cannot be used is reported; a model that fails ends the run.
            Err(error) if error.kind == ErrorKind::Model => return Err(error.into()),
            Err(error) => {
                unusable += 1;
                progress.say(&format!("sonolamp: {error}"));
                if arguments.json {
                    let failure = Failure { path: name, error: error.to_string() };
                    progress.print(&serde_json::to_string(&failure)?)?;
                }
            }
        }
        progress.step();
        Ok(())
    })?;
    drop(progress);
    if unusable > 0 && clips.len() > 1 {
        eprintln!("sonolamp: {unusable} of {} inputs could not be used", clips.len());
    }
    Ok(ExitCode::from(u8::from(unusable > 0)))
}

/// Screens one source from its start.
pub fn screen(
    spec: &SourceSpec,
    stages: &mut Stages,
    phantom_seconds: f64,
) -> Result<ClipResult, Error> {
    clip::screen(&mut *spec.open_clip()?, stages, limit(spec, phantom_seconds))
}

fn limit(spec: &SourceSpec, phantom_seconds: f64) -> Duration {
    match spec {
        SourceSpec::File(_) | SourceSpec::Dicom(_) | SourceSpec::Pipe(_) => Duration::MAX,
        _ => Duration::try_from_secs_f64(phantom_seconds).unwrap_or(Duration::MAX),
    }
}

/// What the words below a picture say of it.
fn legend(spec: &SourceSpec, model: &Model) -> String {
    let manifest = &model.bundle.manifest;
    let demo = if is_demonstration(spec) { "DEMO, " } else { "" };
    let heat = manifest.map.as_ref().map(|_| "; orange speaks for refer, blue against".to_owned());
    let outline = manifest.mask.as_ref().map(|mask| format!("; yellow outlines: {}", mask.name));
    let (heat, outline) = (heat.unwrap_or_default(), outline.unwrap_or_default());
    let title = model.bundle.title();
    format!("{demo}{title}, not a medical device{heat}{outline}")
}

/// Numbered as the clips are, with the letters and digits of the clip's name.
fn file_name(i: usize, name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{:04}-{}.png", i + 1, stem.chars().take(80).map(plain).collect::<String>())
}

fn is_demonstration(spec: &SourceSpec) -> bool {
    matches!(spec, SourceSpec::Phantom(_))
}

/// Every clip that the arguments name; folders are walked in order of their names.
fn expand(paths: &[String]) -> Result<Vec<(String, SourceSpec)>, Error> {
    let mut clips = Vec::new();
    for argument in paths {
        let spec = SourceSpec::from_argument(argument)?;
        match &spec {
            SourceSpec::V4l2(_) => {
                let remedy = "use sonolamp run for a live source";
                let problem = "is live and has no end";
                return Err(Error::new(ErrorKind::Usage, argument, problem, remedy));
            }
            SourceSpec::File(path) if path.is_dir() && !argument.starts_with("file:") => {
                let found = media_in(path)?;
                clips.extend(
                    found.into_iter().map(|p| (p.display().to_string(), SourceSpec::at(p))),
                );
            }
            _ => clips.push((argument.clone(), spec)),
        }
    }
    Ok(clips)
}

fn media_in(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for entry in walkdir::WalkDir::new(folder).sort_by_file_name() {
        let entry = entry.map_err(|e| {
            let path = e.path().unwrap_or(folder).display().to_string();
            let remedy = "allow this user to read it";
            Error::new(ErrorKind::Input, path, "cannot be searched", remedy)
        })?;
        let path = entry.path();
        if entry.file_type().is_file() && (file::is_media(path) || dicom::is_dicom(path)) {
            found.push(entry.into_path());
        }
    }
    if found.is_empty() {
        let remedy = "name a folder with PNG, JPEG, GIF, video or DICOM files";
        let subject = folder.display();
        return Err(Error::new(ErrorKind::Input, subject, "holds no pictures or clips", remedy));
    }
    Ok(found)
}

/// The machine-readable form of a result.
pub fn report(
    name: &str,
    spec: &SourceSpec,
    result: &ClipResult,
    model: &Model,
    heads: &[Head],
) -> Report {
    let Evidence { probability, usable, used, frames, classes, scores, .. } = result.evidence;
    let manifest = &model.bundle.manifest;
    let share = |(name, probability): (&str, f32)| Share { name: name.to_owned(), probability };
    let mean_ms = |total: Duration| round(total.as_secs_f64() * 1e3 / frames.max(1) as f64, 3);
    Report {
        path: name.to_owned(),
        verdict: result.verdict.word(),
        score: probability,
        reasons: result.verdict.reason().map(|reason| reason.code()).into_iter().collect(),
        why: result.verdict.reason().map(Reason::words),
        classes: manifest
            .classes
            .iter()
            .map(|class| &class.name[..])
            .zip(classes)
            .map(share)
            .collect(),
        heads: heads
            .iter()
            .map(|head| HeadReport {
                name: head.name.clone(),
                labels: head.shares(&scores).map(share).collect(),
            })
            .collect(),
        familiarity: manifest.familiarity.map(|_| scores[manifest.scores() - 1]),
        picture: None,
        evidence: EvidenceReport {
            usable_s: round(usable.as_secs_f64(), 3),
            duration_s: round(result.duration.as_secs_f64(), 3),
        },
        // Nothing is dropped when a clip is read at its own pace.
        frames: FrameCounts { read: frames, used, dropped: 0 },
        timings: TimingReport {
            total_ms: round(result.elapsed.as_secs_f64() * 1e3, 1),
            preprocess_ms: mean_ms(result.timings.preprocess()),
            inference_ms: mean_ms(result.timings.inference),
            screening_ms: mean_ms(result.timings.screening),
        },
        bundle: model.bundle.title(),
        bundle_digest: model.bundle.digest.clone(),
        demonstration: is_demonstration(spec),
    }
}

fn round(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}

fn line(report: &Report, result: &ClipResult, heads: &[Head]) -> String {
    let shape = match result.verdict {
        Verdict::Refer => "▲",
        Verdict::Clear => "●",
        Verdict::Ungradable(_) => "?",
    };
    let exclusive = heads.iter().filter(|head| head.place.exclusive && report.frames.used > 0);
    let said: String = exclusive
        .filter_map(|head| {
            let (label, share) = head.first(&result.evidence.scores)?;
            Some(format!("  {}: {label} {share:.2}", head.name))
        })
        .collect();
    let mut line = format!(
        "{shape} {:<10} {:.3}  {:>6.1} s usable, {} of {} frames{said}  {}",
        report.verdict,
        report.score,
        report.evidence.usable_s,
        report.frames.used,
        report.frames.read,
        report.path
    );
    if let Some(reason) = result.verdict.reason() {
        line += &format!("  ({})", reason.words());
    }
    line
}
