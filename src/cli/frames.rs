//! `sonolamp frames`: the network's own input tensors, for training without skew.

mod npy;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use self::npy::Npy;
use super::{Progress, jobs, stored};
use crate::capture::SourceSpec;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::Frame;
use crate::preprocess::{InputShape, Measures, Prepared, Preprocessor, Region};

/// Write the network's input tensors of clips as NumPy files, for training.
///
/// Each clip becomes OUT/NNNN.npy (u8, frames × 1 × height × width), numbered from 0 in the order
/// given, and each of its frames a row of OUT/frames.csv with what was measured. A clip that cannot
/// be read is reported and its number stays free. Training reads these, so that what the network
/// learns from is bit for bit what the appliance feeds it.
///
/// The columns width and height are the picture's, in pixels; left, top, right and bottom (the last
/// two outside) are the box that the tensor covers: the sector's, or the whole picture (with
/// --region whole, and where no sector was found: sector_share is 0 and the tensor black). The box is
/// stretched to the tensor's size, each axis by itself: a cell is the mean, weighted by overlap, of
/// the pixels that it covers, rounded half up; enlarging repeats pixels. Pixels of the box that lie
/// outside the sector are black. A mask is carried into the tensor by the same box and averages.
#[derive(clap::Args)]
pub struct Arguments {
    /// Clips: files, or sources such as phantom:lung-normal?seed=3
    #[arg(required_unless_present = "list", value_name = "PATH")]
    paths: Vec<String>,
    /// A text file with more clips, one a line, after those named here
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Folder to write to; made when absent
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Input size as WIDTHxHEIGHT
    #[arg(long, default_value = "128x128", value_parser = parse_size)]
    size: (u32, u32),
    /// Part of the picture that the network sees
    #[arg(long, default_value = "sector")]
    region: Region,
    /// Most frames of a clip, spread evenly over it; 0 keeps all
    #[arg(long, default_value_t = 0, value_name = "N")]
    most: usize,
    /// Most seconds of a clip (phantoms never end)
    #[arg(long, default_value_t = 60.0, value_name = "S")]
    seconds: f64,
    /// One file OUT/all.npy for all clips, its frames in the order of the rows of frames.csv
    #[arg(long)]
    stack: bool,
    /// Of phantoms, also write OUT/NNNN-truth.npy (with --stack OUT/all-truth.npy), of the tensors'
    /// shape: the share of each cell, 0 to 255, in which a planted finding can be seen
    #[arg(long)]
    truth: bool,
    /// Also write the masked picture and the tensor of each frame as PNG, to look at
    #[arg(long)]
    png: bool,
    /// Clips read at once; 0 takes one a processor
    #[arg(long, default_value_t = 0, value_name = "N")]
    jobs: usize,
}

fn parse_size(text: &str) -> Result<(u32, u32), String> {
    let parse = || {
        let (w, h) = text.split_once('x')?;
        Some((w.parse().ok()?, h.parse().ok()?))
    };
    parse()
        .filter(|(w, h)| (16..=512).contains(w) && (16..=512).contains(h))
        .ok_or_else(|| "write it as 128x128, each side 16 to 512".to_owned())
}

/// A frame of a clip as it is written.
struct Kept {
    prepared: Prepared,
    size: (u32, u32),
    truth: Vec<u8>,
    picture: Option<Frame>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (width, height) = arguments.size;
    let shape = InputShape { width, height, region: arguments.region };
    let clips = clips(arguments)?;
    let out = &arguments.out;
    stored(out, std::fs::create_dir_all(out))?;
    let mut table = Table::create(out.join("frames.csv"))?;
    let stack =
        |name: &str, wanted: bool| wanted.then(|| Npy::create(out.join(name), shape)).transpose();
    let mut tensors = stack("all.npy", arguments.stack)?;
    let mut truths = stack("all-truth.npy", arguments.stack && arguments.truth)?;
    let progress = Progress::new(clips.len(), "clips");
    let mut unusable = 0;
    let threads = vec![(); jobs::threads(arguments.jobs, clips.len())];
    let work = |i: usize, (): &mut ()| {
        let mut kept = read(&clips[i].1, shape, arguments)?;
        write(i, shape, &mut kept, arguments)?;
        Ok(kept)
    };
    jobs::spread(threads, clips.len(), work, |i, outcome: Result<Vec<Kept>, Error>| {
        let name = if arguments.stack { "all.npy".to_owned() } else { format!("{i:04}.npy") };
        match outcome {
            Ok(kept) => {
                for frame in &kept {
                    table.add(&clips[i].0, &name, frame)?;
                    tensors.as_mut().map_or(Ok(()), |npy| npy.push(&frame.prepared.tensor))?;
                    truths.as_mut().map_or(Ok(()), |npy| npy.push(&frame.truth))?;
                }
            }
            Err(error) if error.kind == ErrorKind::Storage => return Err(error.into()),
            Err(error) => {
                unusable += 1;
                progress.say(&format!("sonolamp: {error}"));
            }
        }
        progress.step();
        Ok(())
    })?;
    drop(progress);
    tensors.map_or(Ok(()), Npy::finish)?;
    truths.map_or(Ok(()), Npy::finish)?;
    table.finish()?;
    if unusable > 0 && clips.len() > 1 {
        eprintln!("sonolamp: {unusable} of {} clips could not be used", clips.len());
    }
    Ok(ExitCode::from(u8::from(unusable > 0)))
}

/// The clips named, by argument or in the list.
fn clips(arguments: &Arguments) -> Result<Vec<(String, SourceSpec)>, Error> {
    let mut names = arguments.paths.clone();
    if let Some(path) = &arguments.list {
        let text = std::fs::read_to_string(path).map_err(|e| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            let remedy = "name a text file with one path a line";
            Error::new(ErrorKind::Usage, path.display(), problem, remedy)
        })?;
        names.extend(text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned));
    }
    let mut clips = Vec::with_capacity(names.len());
    for name in names {
        let spec = SourceSpec::from_argument(&name)?;
        if arguments.truth && !matches!(spec, SourceSpec::Phantom(_)) {
            let problem = format!("is not known of `{name}`");
            let remedy = "name phantoms only, or leave --truth away";
            return Err(Error::new(ErrorKind::Usage, "--truth", problem, remedy));
        }
        clips.push((name, spec));
    }
    Ok(clips)
}

/// Preprocesses the clip in order, as the appliance would, and keeps what was asked for.
fn read(spec: &SourceSpec, shape: InputShape, arguments: &Arguments) -> Result<Vec<Kept>, Error> {
    let mut source = spec.open_clip()?;
    let mut preprocessor = Preprocessor::new(shape);
    let (mut frame, mut mask, mut kept) = (Frame::default(), Frame::default(), Vec::new());
    while source.next(&mut frame)? && frame.timestamp.as_secs_f64() < arguments.seconds {
        let (mut prepared, mut truth) = (Prepared::default(), Vec::new());
        preprocessor.run(&mut frame, &mut prepared);
        if arguments.truth
            && let Some(planted) = source.planted()
        {
            mask.resize(frame.width, frame.height);
            mask.luma.copy_from_slice(planted);
            preprocessor.carry(&mask, &mut truth);
        }
        let size = (frame.width, frame.height);
        let picture = arguments.png.then(|| frame.clone());
        kept.push(Kept { prepared, size, truth, picture });
    }
    if arguments.most > 0 && kept.len() > arguments.most {
        let (n, all) = (arguments.most, kept.len());
        let mut wanted = (0..n).map(|k| (k * (all - 1) + (n - 1) / 2) / (n - 1).max(1)).peekable();
        let mut index = 0;
        kept.retain(|_| {
            let keep = wanted.next_if_eq(&index).is_some();
            index += 1;
            keep
        });
    }
    Ok(kept)
}

/// Writes the clip's own files. What is in them is not kept.
fn write(
    clip: usize,
    shape: InputShape,
    kept: &mut [Kept],
    arguments: &Arguments,
) -> Result<(), Error> {
    let out = &arguments.out;
    if arguments.png {
        write_pngs(out, clip, shape, kept)?;
    }
    if !arguments.stack {
        let tensors = kept.iter().map(|frame| &frame.prepared.tensor[..]);
        npy::write(&out.join(format!("{clip:04}.npy")), shape, tensors)?;
        if arguments.truth {
            let truths = kept.iter().map(|frame| &frame.truth[..]);
            npy::write(&out.join(format!("{clip:04}-truth.npy")), shape, truths)?;
        }
    }
    for frame in kept {
        frame.picture = None;
        if !arguments.stack {
            (frame.prepared.tensor, frame.truth) = (Vec::new(), Vec::new());
        }
    }
    Ok(())
}

fn write_pngs(out: &Path, clip: usize, shape: InputShape, kept: &[Kept]) -> Result<(), Error> {
    let write = |name: String, luma: &[u8], width, height| {
        let path = out.join(name);
        let saved = image::save_buffer(&path, luma, width, height, image::ColorType::L8);
        stored(&path, saved.map_err(std::io::Error::other))
    };
    for (i, frame) in kept.iter().enumerate() {
        if let Some(p) = &frame.picture {
            write(format!("{clip:04}-{i:04}-picture.png"), &p.luma, p.width, p.height)?;
        }
        let tensor = &frame.prepared.tensor;
        write(format!("{clip:04}-{i:04}-tensor.png"), tensor, shape.width, shape.height)?;
    }
    Ok(())
}

/// frames.csv in the making.
struct Table {
    path: PathBuf,
    file: csv::Writer<std::fs::File>,
}

const COLUMNS: [&str; 13] = [
    "source",
    "file",
    "time_s",
    "sector_share",
    "contrast",
    "structure",
    "change",
    "width",
    "height",
    "left",
    "top",
    "right",
    "bottom",
];

impl Table {
    fn create(path: PathBuf) -> Result<Table, Error> {
        let mut file = stored(&path, csv::Writer::from_path(&path).map_err(Into::into))?;
        stored(&path, file.write_record(COLUMNS).map_err(Into::into))?;
        Ok(Table { path, file })
    }

    fn add(&mut self, source: &str, file: &str, frame: &Kept) -> Result<(), Error> {
        let Measures { timestamp, sector_share, contrast, structure, change, .. } =
            frame.prepared.measures;
        let ((width, height), b) = (frame.size, frame.prepared.bounds);
        let row: [String; COLUMNS.len()] = [
            source.to_owned(),
            file.to_owned(),
            format!("{:.6}", timestamp.as_secs_f64()),
            format!("{sector_share:.4}"),
            contrast.to_string(),
            format!("{structure:.4}"),
            change.map_or(String::new(), |c| format!("{c:.4}")),
            width.to_string(),
            height.to_string(),
            b.left.to_string(),
            b.top.to_string(),
            b.right.to_string(),
            b.bottom.to_string(),
        ];
        stored(&self.path, self.file.write_record(row).map_err(Into::into))
    }

    fn finish(mut self) -> Result<(), Error> {
        stored(&self.path, self.file.flush())
    }
}
