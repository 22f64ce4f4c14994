//! All cameras of this machine with what they can do and what is wrong with them.

use serde::Serialize;
use v4l::Device;
use v4l::buffer::Type;
use v4l::control::Value;
use v4l::prelude::MmapStream;

use super::choice::{FORMATS, Interval, Size, choose, format_name};
use super::controls::Control;
use super::{Wanted, device, foreign};

const EBUSY: i32 = 16;

/// A video node that is, or should be, a camera.
#[derive(Debug, Serialize)]
pub struct Camera {
    pub node: String,
    pub name: String,
    pub driver: String,
    pub bus: String,
    /// Frames can be had from it.
    pub usable: bool,
    /// Another program streams from it at present.
    pub in_use: bool,
    pub problem: Option<String>,
    pub remedy: Option<String>,
    /// What a run would choose, in words.
    pub choice: Option<String>,
    pub formats: Vec<FormatListed>,
    pub controls: Vec<ControlListed>,
}

#[derive(Debug, Serialize)]
pub struct FormatListed {
    pub format: String,
    pub description: String,
    /// Whether this program can read it.
    pub readable: bool,
    pub sizes: Vec<SizeListed>,
}

#[derive(Debug, Serialize)]
pub struct SizeListed {
    /// `640x480`, or `16x16 to 1920x1080`.
    pub size: String,
    /// Frames a second, or the ends of a range.
    pub rates: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct ControlListed {
    #[serde(flatten)]
    pub control: Control,
    /// What it takes, in words.
    pub allowed: String,
    pub value: Option<i64>,
}

/// Looks at every video node; nodes that are no cameras are left out.
pub fn survey(wanted: &Wanted) -> Vec<Camera> {
    device::paths().iter().filter_map(|path| examine(path, wanted)).collect()
}

fn examine(path: &std::path::Path, wanted: &Wanted) -> Option<Camera> {
    let node = path.display().to_string();
    let mut camera = Camera {
        name: device::card(path),
        node: node.clone(),
        driver: String::new(),
        bus: String::new(),
        usable: false,
        in_use: false,
        problem: None,
        remedy: None,
        choice: None,
        formats: Vec::new(),
        controls: Vec::new(),
    };
    match device::capabilities(path) {
        Ok(caps) => {
            let planar = v4l::capability::Flags::VIDEO_CAPTURE_MPLANE;
            if !device::captures(&caps) && !caps.capabilities.contains(planar) {
                return None;
            }
            (camera.name, camera.driver, camera.bus) = (caps.card, caps.driver, caps.bus);
        }
        Err(e) => {
            let error = device::failed(&node, "cannot be opened", &e);
            (camera.problem, camera.remedy) = (Some(error.problem), Some(error.remedy));
            return Some(camera);
        }
    }
    match device::open(path, &node) {
        Ok(device) => look_into(&device, wanted, &mut camera),
        Err(error) => (camera.problem, camera.remedy) = (Some(error.problem), Some(error.remedy)),
    }
    Some(camera)
}

fn look_into(device: &Device, wanted: &Wanted, camera: &mut Camera) {
    for (format, description) in device::formats(device).unwrap_or_default() {
        let sizes = device::sizes(device, format);
        camera.formats.push(FormatListed {
            format: format_name(format),
            description,
            readable: FORMATS.iter().any(|(known, _)| *known == format),
            sizes: sizes.iter().map(|size| listed(device, format, size)).collect(),
        });
    }
    for control in device::controls(device).unwrap_or_default() {
        let value = match foreign(|| device.control(control.id)).map(|control| control.value) {
            Ok(Value::Integer(value)) => Some(value),
            Ok(Value::Boolean(value)) => Some(i64::from(value)),
            _ => None,
        };
        let allowed = super::controls::allowed(&control.kind);
        camera.controls.push(ControlListed { control, allowed, value });
    }
    let plan = device::offers(device, wanted)
        .map_err(|e| device::failed(&camera.node, "lists no formats", &e).problem)
        .and_then(|offers| choose(&offers, wanted));
    match plan {
        Ok(offer) => {
            let rate = offer.interval.map_or("its own rate".to_owned(), |i| rate(i) + " a second");
            let format = format_name(offer.format);
            camera.choice = Some(format!("{format} {}x{}, {rate}", offer.width, offer.height));
            camera.usable = true;
        }
        Err(problem) => {
            camera.problem = Some(problem);
            camera.remedy = Some(format!("formats that can be read: {}", super::choice::known()));
        }
    }
    // Whoever streams owns the buffers: asking for some tells. They are given back at once.
    let busy = |e: std::io::Error| e.raw_os_error() == Some(EBUSY);
    let asked = foreign(|| MmapStream::with_buffers(device, Type::VideoCapture, 1).map(drop));
    camera.in_use = asked.is_err_and(busy);
}

fn listed(device: &Device, format: [u8; 4], size: &Size) -> SizeListed {
    let (size, pixels) = match *size {
        Size::Exact(width, height) => (format!("{width}x{height}"), (width, height)),
        Size::Stepwise { least, most, .. } => {
            (format!("{}x{} to {}x{}", least.0, least.1, most.0, most.1), most)
        }
    };
    let rates =
        device::intervals(device, format, pixels).into_iter().map(|interval| match interval {
            Interval::Exact(n, d) => rate((n, d)),
            Interval::Between { least, most } => format!("{} to {}", rate(most), rate(least)),
        });
    SizeListed { size, rates: rates.collect() }
}

/// Frames a second, without a tail of zeros.
fn rate((numerator, denominator): (u32, u32)) -> String {
    let rate = f64::from(denominator) / f64::from(numerator.max(1));
    let text = format!("{rate:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
