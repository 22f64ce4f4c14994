//! Finding, opening and setting up a device: every call of the `v4l` crate outside streaming.
//!
//! The crate panics on names that are not UTF-8 and on numbers that it does not know, so that each
//! call goes through `foreign`.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use v4l::capability::{Capabilities, Flags as Can};
use v4l::control::{self, MenuItem};
use v4l::frameinterval::FrameIntervalEnum;
use v4l::framesize::FrameSizeEnum;
use v4l::video::Capture;
use v4l::video::capture::Parameters;
use v4l::{Device, Format, FourCC, Fraction};

use super::address::{Address, Node, resolve};
use super::choice::{Interval, Offer, Size, choose, interval_for, known, size_for};
use super::controls::{Control, Kind, Setting, key, plan};
use super::{Wanted, foreign};
use crate::error::{Error, ErrorKind, plain_words};

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const EIO: i32 = 5;
const ENXIO: i32 = 6;
const EACCES: i32 = 13;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
const ENOSPC: i32 = 28;
const EPROTO: i32 = 71;
/// A camera with more formats, sizes or rates than this is not read to the end.
const MOST_LISTED: usize = 256;

/// A failed call as people see it: `name` could not do `what`.
pub fn failed(name: &str, what: &str, error: &io::Error) -> Error {
    let words = plain_words(error);
    let (problem, remedy) = match error.raw_os_error() {
        Some(ENOENT) => ("is absent".to_owned(), "plug it in; sonolamp doctor lists the cameras"),
        Some(ENODEV | ENXIO) => (format!("went away ({words})"), "plug it in again"),
        Some(EACCES | EPERM) => {
            (format!("{what} ({words})"), "add this user to group video: usermod -aG video USER")
        }
        Some(EBUSY) => (
            "is in use by another program".to_owned(),
            "close that program (fuser -v /dev/video* names it)",
        ),
        Some(ENOSPC) => (
            format!("{what}: the USB bus has no room for it"),
            "use another USB port, a smaller size, or the format MJPG in [capture]",
        ),
        Some(EIO | EPROTO) => {
            (format!("{what} ({words})"), "check the cable, and that the machine sends a picture")
        }
        _ => (format!("{what} ({words})"), "check the cable, then see sonolamp doctor"),
    };
    Error::new(ErrorKind::Device, name, problem, remedy)
}

/// The node that `address` means at present.
pub fn find(address: &Address) -> Result<PathBuf, Error> {
    match address {
        Address::Node(path) => Ok(path.clone()),
        _ => resolve(address, &nodes()),
    }
}

/// The video nodes of this machine in the order of their numbers.
pub fn paths() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let number =
        |path: &Path| path.file_name()?.to_str()?.strip_prefix("video")?.parse::<u32>().ok();
    let mut numbered: Vec<_> =
        entries.filter_map(|entry| Some((number(&entry.path())?, entry.path()))).collect();
    numbered.sort_unstable();
    numbered.into_iter().map(|(_, path)| path).collect()
}

fn nodes() -> Vec<Node> {
    let node = |path: PathBuf| match capabilities(&path) {
        Ok(caps) => Node { captures: captures(&caps), card: caps.card, bus: caps.bus, path },
        // A camera that may not be opened is found all the same: opening it says why.
        Err(_) => Node { card: card(&path), bus: String::new(), captures: true, path },
    };
    paths().into_iter().map(node).collect()
}

/// The card name that the kernel gives without opening the node.
pub fn card(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default();
    let file = Path::new("/sys/class/video4linux").join(name).join("name");
    let bytes = std::fs::read(file).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// What the node at `path` says of itself.
pub fn capabilities(path: &Path) -> io::Result<Capabilities> {
    let device = foreign(|| Device::with_path(path))?;
    foreign(|| device.query_caps())
}

/// Whether frames can be streamed from it through single-planar buffers.
pub fn captures(caps: &Capabilities) -> bool {
    caps.capabilities.contains(Can::VIDEO_CAPTURE | Can::STREAMING)
}

/// Opens the node at `path`; `name` stands in messages.
pub fn open(path: &Path, name: &str) -> Result<Device, Error> {
    let device =
        foreign(|| Device::with_path(path)).map_err(|e| failed(name, "cannot be opened", &e))?;
    let caps = foreign(|| device.query_caps()).map_err(|e| failed(name, "is no camera", &e))?;
    if captures(&caps) {
        return Ok(device);
    }
    let problem = if caps.capabilities.contains(Can::VIDEO_CAPTURE_MPLANE) {
        "is multi-planar, which plain V4L2 capture here does not read"
    } else {
        "streams no pictures (it may be another node of a camera)"
    };
    Err(Error::new(ErrorKind::Device, name, problem, "sonolamp doctor lists the cameras"))
}

/// The format that the driver has at present.
pub fn format(device: &Device) -> io::Result<Format> {
    foreign(|| device.format())
}

/// The controls that can be named in the configuration.
pub fn controls(device: &Device) -> io::Result<Vec<Control>> {
    use control::{Flags, Type};
    let listed = foreign(|| device.query_controls())?;
    let readable = |listed: control::Description| {
        let kind = match listed.typ {
            Type::Integer | Type::Integer64 => {
                Kind::Number { least: listed.minimum, most: listed.maximum, step: listed.step }
            }
            Type::Boolean => Kind::Switch,
            Type::Menu | Type::IntegerMenu => {
                let entries = listed.items.unwrap_or_default().into_iter().map(|(index, item)| {
                    let words = match item {
                        MenuItem::Name(name) => name,
                        MenuItem::Value(value) => value.to_string(),
                    };
                    (index, words)
                });
                Kind::Menu { entries: entries.collect() }
            }
            _ => return None,
        };
        let read_only = listed.flags.contains(Flags::READ_ONLY);
        (!listed.flags.contains(Flags::DISABLED)).then(|| Control {
            id: listed.id,
            name: key(&listed.name),
            kind,
            default: listed.default,
            read_only,
        })
    };
    Ok(listed.into_iter().filter_map(readable).collect())
}

/// Sets the controls of `[capture.controls]`.
pub fn set_controls(
    device: &Device,
    name: &str,
    wanted: &BTreeMap<String, Setting>,
) -> Result<(), Error> {
    if wanted.is_empty() {
        return Ok(());
    }
    let offered = controls(device).map_err(|e| failed(name, "does not list its controls", &e))?;
    let steps = plan(wanted, &offered)
        .map_err(|(problem, remedy)| Error::new(ErrorKind::Device, name, problem, remedy))?;
    for step in steps {
        let value = control::Value::Integer(step.value);
        foreign(|| device.set_control(v4l::Control { id: step.id, value }))
            .map_err(|e| failed(name, &format!("refuses its control `{}`", step.name), &e))?;
    }
    Ok(())
}

/// The formats that the device lists, as codes and in words.
pub fn formats(device: &Device) -> io::Result<Vec<([u8; 4], String)>> {
    let listed = foreign(|| device.enum_formats())?;
    Ok(listed.into_iter().take(MOST_LISTED).map(|f| (f.fourcc.repr, f.description)).collect())
}

/// The sizes of a format; none where the driver does not list any.
pub fn sizes(device: &Device, format: [u8; 4]) -> Vec<Size> {
    let listed = foreign(|| device.enum_framesizes(FourCC::new(&format))).unwrap_or_default();
    let size = |size: v4l::FrameSize| match size.size {
        FrameSizeEnum::Discrete(s) => Size::Exact(s.width, s.height),
        FrameSizeEnum::Stepwise(s) => Size::Stepwise {
            least: (s.min_width, s.min_height),
            most: (s.max_width, s.max_height),
            step: (s.step_width, s.step_height),
        },
    };
    listed.into_iter().take(MOST_LISTED).map(size).collect()
}

/// The frame intervals of a format in one size; none where the driver does not list any.
pub fn intervals(device: &Device, format: [u8; 4], (width, height): (u32, u32)) -> Vec<Interval> {
    let fourcc = FourCC::new(&format);
    let listed = foreign(|| device.enum_frameintervals(fourcc, width, height)).unwrap_or_default();
    let pair = |f: Fraction| (f.numerator, f.denominator);
    let interval = |interval: v4l::FrameInterval| match interval.interval {
        FrameIntervalEnum::Discrete(f) => Interval::Exact(f.numerator, f.denominator),
        FrameIntervalEnum::Stepwise(s) => {
            Interval::Between { least: pair(s.min), most: pair(s.max) }
        }
    };
    listed.into_iter().take(MOST_LISTED).map(interval).collect()
}

/// Everything that can be asked for.
pub fn offers(device: &Device, wanted: &Wanted) -> io::Result<Vec<Offer>> {
    let mut offers = Vec::new();
    for (format, _) in formats(device)? {
        let mut sizes = sizes(device, format);
        if sizes.is_empty() {
            // The driver will say what it makes of the wanted size.
            sizes.push(Size::Exact(wanted.width, wanted.height));
        }
        for size in sizes {
            let (width, height) = size_for(&size, wanted);
            let intervals = intervals(device, format, (width, height));
            let offer = |interval| Offer { format, width, height, interval };
            if intervals.is_empty() {
                offers.push(offer(None));
            }
            offers.extend(intervals.iter().map(|i| offer(Some(interval_for(i, wanted)))));
        }
    }
    Ok(offers)
}

/// Chooses among the offers, tells the driver, and returns what it made of that.
pub fn negotiate(device: &Device, name: &str, wanted: &Wanted) -> Result<Format, Error> {
    let wrong = |problem: String| {
        let remedy = format!("formats that can be read: {}", known());
        Error::new(ErrorKind::Device, name, problem, remedy)
    };
    let offers = offers(device, wanted).map_err(|e| failed(name, "lists no formats", &e))?;
    let best = choose(&offers, wanted).map_err(wrong)?;
    let ask = Format::new(best.width, best.height, FourCC::new(&best.format));
    let got = foreign(|| device.set_format(&ask))
        .map_err(|e| failed(name, "cannot change its format", &e))?;
    if got.fourcc.repr != best.format {
        return Err(wrong(format!("gives {} where {} was agreed", got.fourcc, ask.fourcc)));
    }
    let Some((numerator, denominator)) = best.interval else { return Ok(got) };
    // A driver that keeps its own frame rate is no failure: timestamps count, not rates.
    let rate = Parameters::new(Fraction::new(numerator, denominator));
    if foreign(|| device.set_params(&rate)).is_err() {
        return Ok(got);
    }
    format(device).map_err(|e| failed(name, "does not tell its format", &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_becomes_a_remedy() {
        for (code, problem, remedy) in [
            (ENOENT, "is absent", "plug it in"),
            (ENODEV, "went away (no such device)", "plug it in again"),
            (EACCES, "cannot be opened (permission denied)", "group video"),
            (EBUSY, "is in use by another program", "fuser"),
            (ENOSPC, "no room", "another USB port"),
            (EIO, "cannot be opened (input/output error)", "cable"),
            (22, "cannot be opened (invalid argument)", "doctor"),
        ] {
            let system = io::Error::from_raw_os_error(code);
            let error = failed("/dev/video0", "cannot be opened", &system);
            assert!(error.problem.contains(problem) && error.remedy.contains(remedy), "{error}");
            assert_eq!(error.kind, ErrorKind::Device);
        }
    }

    #[test]
    fn what_is_no_camera_is_an_error_and_no_panic() {
        let open = |path: &str| open(Path::new(path), path).map(drop).unwrap_err().problem;
        assert_eq!(open("/dev/no-such-camera"), "is absent");
        assert!(open("/dev/null").contains("is no camera"));
        assert!(open("/dev/\0video").contains("cannot be opened"), "a panic of the crate");
    }
}
