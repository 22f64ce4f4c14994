//! `sonolamp frames`: the network's own input tensors, for training without skew.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::{Progress, stored};
use crate::capture::SourceSpec;
use crate::error::Error;
use crate::frame::Frame;
use crate::preprocess::{InputShape, Measures, Prepared, Preprocessor, Region};

/// Write the network's input tensors of clips as NumPy files, for training.
///
/// Each clip becomes OUT/NNNN.npy (u8, frames × 1 × height × width) and each of its frames a row
/// of OUT/frames.csv with what was measured. Training reads these, so that what the network
/// learns from is bit for bit what the appliance feeds it.
#[derive(clap::Args)]
pub struct Arguments {
    /// Clips: files, or sources such as phantom:lung-normal?seed=3
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
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
    /// Also write the masked picture and the tensor of each frame as PNG, to look at
    #[arg(long)]
    png: bool,
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

struct Kept {
    prepared: Prepared,
    picture: Option<Frame>,
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (width, height) = arguments.size;
    let shape = InputShape { width, height, region: arguments.region };
    stored(&arguments.out, std::fs::create_dir_all(&arguments.out))?;
    let table_path = arguments.out.join("frames.csv");
    let mut table = stored(&table_path, csv::Writer::from_path(&table_path).map_err(Into::into))?;
    let header = ["source", "file", "time_s", "sector_share", "contrast", "structure", "change"];
    stored(&table_path, table.write_record(header).map_err(Into::into))?;
    let progress = Progress::new(arguments.paths.len(), "clips");
    let mut unusable = 0;
    for (i, path) in arguments.paths.iter().enumerate() {
        let spec = SourceSpec::from_argument(path)?;
        match read(&spec, shape, arguments) {
            Ok(kept) => {
                let name = format!("{i:04}.npy");
                write_npy(&arguments.out.join(&name), shape, &kept)?;
                for frame in &kept {
                    let row = row(path, &name, &frame.prepared.measures);
                    stored(&table_path, table.write_record(row).map_err(Into::into))?;
                }
                if arguments.png {
                    write_pngs(&arguments.out, i, shape, &kept)?;
                }
            }
            Err(error) => {
                unusable += 1;
                progress.say(&format!("sonolamp: {error}"));
            }
        }
        progress.step();
    }
    stored(&table_path, table.flush())?;
    Ok(ExitCode::from(u8::from(unusable > 0)))
}

/// Preprocesses the clip in order, as the appliance would, and keeps what was asked for.
fn read(spec: &SourceSpec, shape: InputShape, arguments: &Arguments) -> Result<Vec<Kept>, Error> {
    let mut source = spec.open_clip()?;
    let mut preprocessor = Preprocessor::new(shape);
    let (mut frame, mut kept) = (Frame::default(), Vec::new());
    while source.next(&mut frame)? && frame.timestamp.as_secs_f64() < arguments.seconds {
        let mut prepared = Prepared::default();
        preprocessor.run(&mut frame, &mut prepared);
        let picture = arguments.png.then(|| frame.clone());
        kept.push(Kept { prepared, picture });
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

fn row(source: &str, file: &str, m: &Measures) -> [String; 7] {
    [
        source.to_owned(),
        file.to_owned(),
        format!("{:.6}", m.timestamp.as_secs_f64()),
        format!("{:.4}", m.sector_share),
        m.contrast.to_string(),
        format!("{:.4}", m.structure),
        m.change.map_or(String::new(), |c| format!("{c:.4}")),
    ]
}

/// NumPy's format 1.0: magic, length of the header, header, data.
fn write_npy(path: &Path, shape: InputShape, kept: &[Kept]) -> Result<(), Error> {
    let (n, h, w) = (kept.len(), shape.height, shape.width);
    let header =
        format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({n}, 1, {h}, {w}), }}");
    // Magic, version, length and header together are a multiple of 64 bytes.
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((padded as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = padded - 1).bytes());
    for frame in kept {
        bytes.extend(&frame.prepared.tensor);
    }
    stored(path, std::fs::File::create(path).and_then(|mut file| file.write_all(&bytes)))
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
