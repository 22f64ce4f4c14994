//! A V4L2 capture device: memory-mapped streaming of raw or MJPEG pictures as luma.
//!
//! The driver's queue is FIFO, so an idle reader would get old frames. Two things hold that off:
//! the capture thread does nothing but read, and each wake-up takes everything that is ready and
//! keeps the newest; the rest are gaps in the sequence, like frames that are short or flagged.
//!
//! A source lives as long as its device: unplugged, silent, or with another format under it, it
//! fails with an error, and whoever wants it back opens a new one. Limits: single-planar devices
//! only. The `v4l` crate gives no safe access to events, inputs and CROPCAP, so a lost signal shows
//! as silence, an error or a picture without a sector, and pixel aspect comes from the
//! configuration or from the line counts of ITU-R BT.601.

mod address;
mod choice;
mod controls;
mod decoder;
mod device;
mod layout;
mod replay;
mod stream;
mod survey;
mod timeline;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use v4l::buffer::Flags;

pub use address::{Address, GRAMMAR};
pub use choice::{FORMATS, format_name};
pub use controls::Setting;
pub use replay::Replay;
pub use survey::{Camera, survey};

use self::decoder::Decoder;
use self::device::failed;
use self::layout::Layout;
use self::stream::Stream;
use self::timeline::Timeline;
use super::FrameSource;
use crate::error::{Error, ErrorKind, contained};
use crate::frame::{Frame, Range, SIDE_RANGE};

/// How long the first frame may take: many USB cameras need seconds.
const FIRST_FRAME: Duration = Duration::from_secs(5);
/// So many unusable frames in a row are no accident.
const MOST_UNUSABLE: u32 = 15;
/// How often the driver is asked whether the format is still the same.
const FORMAT_CHECK: Duration = Duration::from_secs(1);
/// Longest single wait inside [`FrameSource::next`].
const SLICE: Duration = Duration::from_millis(100);

/// What is asked of a camera.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Pixels; the nearest size offered is taken.
    pub width: u32,
    pub height: u32,
    /// Frames a second.
    pub fps: u32,
    /// A V4L2 format code; `None` takes the best.
    pub format: Option<[u8; 4]>,
    /// `None` believes the driver.
    pub range: Option<Range>,
    /// Width to height of a pixel; `None` goes by the size.
    pub pixel_aspect: Option<(u32, u32)>,
    /// Values of the device's controls, by name.
    pub controls: BTreeMap<String, Setting>,
    /// Without a usable frame for this long the device has failed.
    pub stall: Duration,
}

impl Default for Wanted {
    fn default() -> Wanted {
        Wanted {
            width: 640,
            height: 480,
            fps: 30,
            format: None,
            range: None,
            pixel_aspect: None,
            controls: BTreeMap::new(),
            stall: Duration::from_millis(1500),
        }
    }
}

/// A device that is streaming.
pub struct V4l2Source {
    /// As the user named it, and the node that it is at present.
    name: String,
    stream: Stream,
    device: v4l::Device,
    decoder: Decoder,
    timeline: Timeline,
    opened: Instant,
    /// The next frame, and whether it has been read.
    pending: Frame,
    ready: bool,
    last_good: Instant,
    last_check: Instant,
    stall: Duration,
    patience: Duration,
    unusable: u32,
}

/// Why a buffer is no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    Flagged,
    Short,
    Undecodable,
    Size(u32, u32),
}

impl V4l2Source {
    /// Finds the device, makes it what is wanted and starts streaming.
    pub fn open(address: &Address, wanted: &Wanted) -> Result<V4l2Source, Error> {
        let node = device::find(address)?;
        let name = match address {
            Address::Node(node) => node.display().to_string(),
            other => format!("{other} ({})", node.display()),
        };
        let device = device::open(&node, &name)?;
        device::set_controls(&device, &name, &wanted.controls)?;
        let format = device::negotiate(&device, &name, wanted)?;
        let layout = Layout::new(&format, wanted.range).map_err(|problem| {
            let remedy = format!("choose another format in [capture]: {}", choice::known());
            Error::new(ErrorKind::Device, &name, problem, remedy)
        })?;
        let (width, height) = layout.picture_size();
        if !SIDE_RANGE.contains(&width) || !SIDE_RANGE.contains(&height) {
            let problem = format!("delivers {width}x{height} pixels");
            let (low, high) = (SIDE_RANGE.start(), SIDE_RANGE.end());
            let remedy = format!("choose a size of {low} to {high} pixels a side in [capture]");
            return Err(Error::new(ErrorKind::Device, name, problem, remedy));
        }
        let stream = Stream::start(&device).map_err(|e| failed(&name, "cannot stream", &e))?;
        let now = Instant::now();
        Ok(V4l2Source {
            name,
            stream,
            device,
            decoder: Decoder::new(layout, wanted.pixel_aspect),
            timeline: Timeline::default(),
            opened: now,
            pending: Frame::default(),
            ready: false,
            last_good: now,
            last_check: now,
            stall: wanted.stall,
            patience: wanted.stall.max(FIRST_FRAME),
            unusable: 0,
        })
    }

    fn wrong(&self, problem: String, remedy: &str) -> Error {
        Error::new(ErrorKind::Device, &self.name, problem, remedy)
    }

    /// Takes the newest buffer, if there is one, and makes a frame of it.
    fn read(&mut self) -> Result<(), Error> {
        let (decoder, frame) = (&mut self.decoder, &mut self.pending);
        let taken = self.stream.newest(|buffer, metadata| {
            let data = &buffer[..(metadata.bytesused as usize).min(buffer.len())];
            let flaw = if metadata.flags.contains(Flags::ERROR) {
                Some(Flaw::Flagged)
            } else {
                decoder.decode(metadata.field, data, frame).err()
            };
            (flaw, *metadata)
        });
        let taken = taken.map_err(|e| failed(&self.name, "stopped delivering frames", &e))?;
        let Some((flaw, metadata)) = taken else { return Ok(()) };
        let stamp = timeline::driver_time(
            (metadata.flags & Flags::TIMESTAMP_MASK) == Flags::TIMESTAMP_MONOTONIC,
            i128::from(metadata.timestamp.sec),
            i128::from(metadata.timestamp.usec),
        );
        // An unusable frame keeps its place in the sequence: it is a gap that the pipeline counts.
        let place = self.timeline.place(metadata.sequence, stamp, self.opened.elapsed());
        let Some(flaw) = flaw else {
            (self.pending.sequence, self.pending.timestamp) = place;
            (self.unusable, self.ready, self.last_good) = (0, true, Instant::now());
            self.patience = self.stall;
            return Ok(());
        };
        self.unusable += 1;
        if self.unusable < MOST_UNUSABLE {
            return Ok(());
        }
        let count = self.unusable;
        Err(match flaw {
            Flaw::Flagged => {
                let remedy = "check the cable and its length, and use another USB port";
                self.wrong(format!("flagged {count} frames in a row as damaged"), remedy)
            }
            Flaw::Short => {
                let remedy = "the format may have changed, or the USB bus is too busy";
                self.wrong(format!("delivered {count} short frames in a row"), remedy)
            }
            Flaw::Undecodable => {
                let remedy = "choose a raw format in [capture], or use another USB port";
                self.wrong(format!("delivered {count} broken JPEG pictures in a row"), remedy)
            }
            Flaw::Size(width, height) => {
                let (w, h) = self.decoder.layout().picture_size();
                let problem = format!("delivers {width}x{height} pixels, {w}x{h} were agreed");
                self.wrong(problem, "the format has changed; it is negotiated again")
            }
        })
    }

    /// Whether the driver still has the format that was negotiated.
    fn check_format(&mut self) -> Result<(), Error> {
        if self.last_check.elapsed() < FORMAT_CHECK {
            return Ok(());
        }
        self.last_check = Instant::now();
        let format =
            device::format(&self.device).map_err(|e| failed(&self.name, "does not answer", &e))?;
        if self.decoder.layout().agrees(&format) {
            return Ok(());
        }
        let problem = format!("changed its format to {}x{}", format.width, format.height);
        Err(self.wrong(problem, "it is negotiated again"))
    }
}

impl FrameSource for V4l2Source {
    fn ready(&mut self, patience: Duration) -> Result<bool, Error> {
        if self.ready {
            return Ok(true);
        }
        self.check_format()?;
        let waited = self.stream.wait(patience);
        if waited.map_err(|e| failed(&self.name, "cannot be waited for", &e))? {
            self.read()?;
        }
        if !self.ready && self.last_good.elapsed() >= self.patience {
            let problem = format!("no frame for {} ms", self.patience.as_millis());
            let remedy = "check the cable, and that the machine sends a picture";
            return Err(self.wrong(problem, remedy));
        }
        Ok(self.ready)
    }

    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        while !self.ready(SLICE)? {}
        self.ready = false;
        std::mem::swap(frame, &mut self.pending);
        Ok(true)
    }

    fn is_live(&self) -> bool {
        true
    }
}

/// The error of a call that the crate turned into a panic.
fn foreign<T>(call: impl FnOnce() -> std::io::Result<T>) -> std::io::Result<T> {
    contained(call).unwrap_or_else(|words| Err(std::io::Error::other(words)))
}
