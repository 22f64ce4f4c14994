//! Ultrasound from DICOM files: one picture or many, native or compressed (`dicom:PATH`).
//!
//! Where the file says in which parts of its picture tissue is, the rest, with the names burned
//! into it, is black before anybody sees it. Any modality is read. A file that holds less than it
//! claims is an error: a verdict must rest on what the file claims to hold.

mod attributes;
mod codec;
mod elements;
mod fragments;
mod grey;
mod regions;
mod rle;

use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use dicom_object::Tag;

use self::attributes::{Attributes, Photometric};
use self::codec::Unpacker;
use self::fragments::Frames;
use self::grey::Layout;
use super::FrameSource;
use crate::error::{Error, ErrorKind, plain_words};
use crate::frame::Frame;

const PIXEL_DATA: Tag = Tag(0x7fe0, 0x0010);
/// Files are read whole.
const SIZE_LIMIT: u64 = 1 << 30;
const COPY: &str = "copy or export the file again";

/// Whether the file looks like DICOM, by its name or by its content.
pub fn is_dicom(path: &Path) -> bool {
    let named = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("dcm") || e.eq_ignore_ascii_case("dicom"));
    let magic = || {
        // A FIFO must not be waited for.
        let file = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file);
        let mut start = [0; 132];
        let read = file.and_then(|_| std::fs::File::open(path).ok()?.read_exact(&mut start).ok());
        read.is_some() && start.ends_with(b"DICM")
    };
    !path.is_dir() && (named || magic())
}

/// The frames of one file.
pub struct Dicom {
    path: PathBuf,
    attributes: Attributes,
    frames: Frames,
    unpacker: Unpacker,
    index: usize,
    clock: Duration,
}

impl Dicom {
    /// Reads the file and checks what it says of its pictures.
    pub fn open(path: &Path) -> Result<Dicom, Error> {
        let unreadable = |e: std::io::Error| {
            let problem = format!("cannot be read ({})", plain_words(&e));
            wrong(path, &problem, "check the path, and that this user may read it")
        };
        let metadata = std::fs::metadata(path).map_err(unreadable)?;
        if !metadata.is_file() {
            return Err(wrong(path, "is not a file", "name one DICOM file"));
        }
        if metadata.len() > SIZE_LIMIT {
            let problem =
                format!("is {} MB long; at most 1074 are read", metadata.len() / 1_000_000);
            return Err(wrong(path, &problem, "export a shorter clip"));
        }
        let broken = |e: &(dyn std::error::Error + 'static)| {
            let problem = format!("is not whole or no DICOM file ({})", innermost(e));
            wrong(path, &problem, COPY)
        };
        let file = BufReader::new(std::fs::File::open(path).map_err(unreadable)?);
        let (syntax, mut object) = elements::read(file).map_err(|e| broken(&*e))?;
        let codec = codec::of(&syntax).map_err(|(problem, remedy)| {
            wrong(path, &format!("cannot be decoded: {problem}"), remedy)
        })?;
        let unusable = |problem: String| {
            let remedy = "export it from the machine or the archive as ultrasound";
            wrong(path, &format!("cannot be used: {problem}"), remedy)
        };
        let attributes = Attributes::read(&object).map_err(unusable)?;
        let Some(data) = object.take(PIXEL_DATA) else {
            return Err(unusable("it holds no picture".into()));
        };
        let mut frames = Frames::new(data, codec, attributes.frames).map_err(unusable)?;
        let layout = layout(&attributes, frames.bytes_each());
        frames.set_bytes_each(layout.frame_bytes(&attributes));
        let unpacker = Unpacker::new(codec, layout, &attributes);
        let path = path.to_owned();
        Ok(Dicom { path, attributes, frames, unpacker, index: 0, clock: Duration::ZERO })
    }
}

/// How native samples lie; writers that say 4:2:2 and do not share chroma are known.
fn layout(attributes: &Attributes, bytes_each: usize) -> Layout {
    let shared =
        matches!(attributes.photometric, Photometric::YbrFull422 | Photometric::YbrPartial);
    let apart = if attributes.planar { Layout::Planes } else { Layout::Pixels };
    if shared && bytes_each < apart.frame_bytes(attributes) { Layout::Shared } else { apart }
}

impl FrameSource for Dicom {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        if self.index == self.attributes.frames {
            return Ok(false);
        }
        let data = self.frames.get(self.index);
        self.unpacker.unpack(&data, &self.attributes, frame).map_err(|problem| {
            let problem = format!("is broken at frame {} ({problem})", self.index + 1);
            wrong(&self.path, &problem, COPY)
        })?;
        regions::mask(&self.attributes.regions, frame);
        frame.sequence = self.index as u64;
        frame.timestamp = self.clock;
        self.clock += self.attributes.times.after(self.index);
        self.index += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

fn wrong(path: &Path, problem: &str, remedy: &str) -> Error {
    Error::new(ErrorKind::Input, path.display(), problem, remedy)
}

/// The first cause in a chain of errors.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    match last.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
        Some(std::io::ErrorKind::UnexpectedEof) => "unexpected end of file".to_owned(),
        _ => last.to_string(),
    }
}

#[cfg(test)]
mod tests;
