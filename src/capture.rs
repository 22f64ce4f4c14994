//! Where frames come from: the trait every source implements, how sources are named.
//!
//! A source delivers luma frames with monotonic timestamps and knows nothing of what follows.
//! Pacing to real time is the pipeline's work; a live device paces itself.

pub mod dicom;
pub mod file;
mod jpeg;
pub mod phantom;
pub mod pipe;
mod square;
pub mod v4l2;
mod y4m;

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::frame::Frame;
use phantom::PhantomSpec;

/// A stream of frames.
pub trait FrameSource {
    /// Overwrites `frame` with the next picture; `Ok(false)` once the source has ended.
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error>;

    /// Waits up to `patience` for a frame that `next` can then take without delay. Sources that
    /// never make anybody wait are always ready.
    fn ready(&mut self, _patience: Duration) -> Result<bool, Error> {
        Ok(true)
    }

    /// Pixels of the latest frame that show what was planted in it (255) and the rest (0);
    /// `None` where nobody knows.
    fn planted(&mut self) -> Option<&[u8]> {
        None
    }

    /// Whether frames arrive in real time by themselves, so that nobody has to pace them.
    fn is_live(&self) -> bool;
}

/// A source by name: `phantom:SCENE[?key=value&…]`, `file:PATH`, `dicom:PATH`, `v4l2:DEVICE`,
/// or `pipe:-` for standard input and `pipe:PATH` for a FIFO.
#[derive(Debug, Clone, PartialEq)]
pub enum SourceSpec {
    Phantom(PhantomSpec),
    File(PathBuf),
    Dicom(PathBuf),
    V4l2(v4l2::Address),
    Pipe(String),
}

impl SourceSpec {
    /// Demonstration sources never stand for a patient: every screen says DEMO.
    pub fn is_demonstration(&self) -> bool {
        !matches!(self, SourceSpec::V4l2(_) | SourceSpec::Pipe(_))
    }

    /// Reads a command-line argument: a source by name, or else the path of a file or folder.
    pub fn from_argument(text: &str) -> Result<SourceSpec, Error> {
        const KINDS: [&str; 5] = ["phantom:", "file:", "dicom:", "v4l2:", "pipe:"];
        if KINDS.iter().any(|kind| text.starts_with(kind)) {
            return text.parse();
        }
        Ok(SourceSpec::at(text.into()))
    }

    /// A file or folder that was named by its path alone.
    pub fn at(path: PathBuf) -> SourceSpec {
        if dicom::is_dicom(&path) { SourceSpec::Dicom(path) } else { SourceSpec::File(path) }
    }

    /// Refuses at once what could not be opened: a bad file is an error and not a fault on the
    /// screen. Cameras may still come.
    pub fn check(&self) -> Result<(), Error> {
        match self {
            SourceSpec::Pipe(path) => pipe::check(path),
            source if source.is_demonstration() => source.open().map(drop),
            _ => Ok(()),
        }
    }

    /// A device, which may go away and come back, perhaps as another node.
    pub fn is_device(&self) -> bool {
        matches!(self, SourceSpec::V4l2(_))
    }

    /// Opens it; the error says what to do about a file or device that is not there.
    pub fn open(&self) -> Result<Box<dyn FrameSource>, Error> {
        self.open_as(&v4l2::Wanted::default())
    }

    /// Opens it; a camera is made what is `wanted` of it.
    pub fn open_as(&self, wanted: &v4l2::Wanted) -> Result<Box<dyn FrameSource>, Error> {
        Ok(match self {
            SourceSpec::Phantom(spec) => Box::new(phantom::Phantom::new(spec)),
            SourceSpec::File(path) => file::open(path)?,
            SourceSpec::V4l2(address) => Box::new(v4l2::V4l2Source::open(address, wanted)?),
            SourceSpec::Dicom(path) => Box::new(dicom::Dicom::open(path)?),
            SourceSpec::Pipe(path) => Box::new(pipe::Live::open(path)?),
        })
    }

    /// Opens it as a clip, of which every frame counts: a pipe is read whole, at its own rate.
    pub fn open_clip(&self) -> Result<Box<dyn FrameSource>, Error> {
        match self {
            SourceSpec::Pipe(path) => Ok(Box::new(pipe::Recorded::open(path)?)),
            source => source.open(),
        }
    }
}

impl std::fmt::Display for SourceSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SourceSpec::Phantom(spec) => write!(f, "{spec}"),
            SourceSpec::File(path) => write!(f, "file:{}", path.display()),
            SourceSpec::V4l2(address) => write!(f, "v4l2:{address}"),
            SourceSpec::Dicom(path) => write!(f, "dicom:{}", path.display()),
            SourceSpec::Pipe(path) => write!(f, "pipe:{path}"),
        }
    }
}

impl FromStr for SourceSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<SourceSpec, Error> {
        let wrong = |problem: String| {
            Error::new(
                ErrorKind::Usage,
                format!("source `{text}`"),
                problem,
                "write phantom:SCENE, file:PATH, dicom:PATH, v4l2:DEVICE or pipe:-, \
                 for example phantom:lung-normal",
            )
        };
        match text.split_once(':') {
            Some((_, "")) => Err(wrong("names nothing after the colon".into())),
            Some(("phantom", scene)) => Ok(SourceSpec::Phantom(scene.parse()?)),
            Some(("file", path)) => Ok(SourceSpec::File(path.into())),
            Some(("v4l2", device)) => Ok(SourceSpec::V4l2(device.parse()?)),
            Some(("dicom", path)) => Ok(SourceSpec::Dicom(path.into())),
            Some(("pipe", path)) => Ok(SourceSpec::Pipe(path.into())),
            Some((kind, _)) => Err(wrong(format!("has the unknown kind `{kind}`"))),
            None => Err(wrong("has no kind before a colon".into())),
        }
    }
}
