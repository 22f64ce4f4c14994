//! Lines of the GPIO character device (`/dev/gpiochipN`): every Linux board, the Pi included.
//!
//! A line is named as the board names it (`GPIO17`), by chip and offset (`gpiochip0:17`), or by an
//! offset on the chip of its section. Needs Linux 5.10 or newer.

mod name;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use embedded_hal::digital::{ErrorType, OutputPin};
use gpiocdev::Request;
use gpiocdev::line::{EdgeDetection, EdgeKind, Value};

pub use name::LineName;

use crate::error::{Error, ErrorKind};

/// What `gpioinfo` shows as the user of our lines.
pub const CONSUMER: &str = "sonolamp";
/// Edges that the kernel keeps for us; a bouncing contact makes dozens in a burst.
const KERNEL_EDGES: u32 = 256;
/// Edges taken from the kernel at once.
const EDGES_AT_ONCE: usize = 16;
/// Words of 64 bits in one edge event of the kernel's interface.
const EDGE_WORDS: usize = 6;

fn wrong(subject: impl ToString, problem: String) -> Error {
    let remedy = "see `gpioinfo` for names and users of lines; this user must be in group gpio";
    Error::new(ErrorKind::Device, subject, problem, remedy)
}

/// Why the kernel said no, without the library's words around it.
fn because(error: &gpiocdev::Error) -> String {
    let text = error.to_string();
    let reason = text.rsplit("returned: ").next().unwrap_or(&text);
    let plain = reason.split(" (os error").next().unwrap_or(reason);
    if plain.contains("busy") {
        return "in use by another program, perhaps a second sonolamp".to_owned();
    }
    plain.to_lowercase()
}

/// Where a line is: the device's path and the offset on it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    chip: PathBuf,
    offset: u32,
}

fn place(line: &LineName, chip: &str) -> Result<Place, Error> {
    let on = |chip: &str, offset: u32| {
        let path = if chip.starts_with('/') { chip.into() } else { format!("/dev/{chip}") };
        let chip = gpiocdev::chip::is_chip(&path)
            .map_err(|e| wrong(&path, format!("is no GPIO chip ({})", because(&e))))?;
        Ok(Place { chip, offset })
    };
    match line {
        LineName::Offset(offset) => on(chip, *offset),
        LineName::OnChip { chip, offset } => on(chip, *offset),
        LineName::Named(name) => {
            let names = [name.as_str()];
            let found = gpiocdev::find_named_lines(&names, true)
                .map_err(|e| wrong(line, format!("cannot be looked up ({})", because(&e))))?;
            let line = found
                .get(name.as_str())
                .ok_or_else(|| wrong(line, "is a line of no GPIO chip here".into()))?;
            Ok(Place { chip: line.chip.clone(), offset: line.info.offset })
        }
    }
}

/// Who has `line`, without taking it; `None`: it is free.
pub fn look(line: &LineName, chip: &str) -> Result<Option<String>, Error> {
    let at = place(line, chip)?;
    let failed = |e: gpiocdev::Error| wrong(line, format!("cannot be seen ({})", because(&e)));
    let chip = gpiocdev::Chip::from_path(&at.chip).map_err(failed)?;
    let info = chip.line_info(at.offset).map_err(failed)?;
    Ok(info.used.then_some(info.consumer))
}

/// An output; lines of one chip share a request, and are released with the last of them.
pub struct OutputLine {
    request: Arc<Request>,
    offset: u32,
    name: LineName,
}

/// Requests `lines` as outputs at the level `high`; offsets are those of `chip`.
pub fn outputs(lines: &[&LineName], chip: &str, high: bool) -> Result<Vec<OutputLine>, Error> {
    let places: Vec<Place> =
        lines.iter().map(|line| place(line, chip)).collect::<Result<_, _>>()?;
    for (i, at) in places.iter().enumerate() {
        if places[..i].contains(at) {
            return Err(wrong(
                lines[i],
                format!("is used twice (line {} of {})", at.offset, at.chip.display()),
            ));
        }
    }
    let mut requests: Vec<(PathBuf, Arc<Request>)> = Vec::new();
    let mut outputs = Vec::new();
    for (line, at) in lines.iter().zip(&places) {
        let known = requests.iter().find(|(chip, _)| *chip == at.chip);
        let request = match known {
            Some((_, request)) => Arc::clone(request),
            None => {
                let on_chip = places.iter().filter(|other| other.chip == at.chip);
                let offsets: Vec<u32> = on_chip.map(|place| place.offset).collect();
                let request = Request::builder()
                    .on_chip(&at.chip)
                    .with_consumer(CONSUMER)
                    .with_lines(&offsets)
                    .as_output(Value::from(high))
                    .request()
                    .map_err(|e| {
                        let names: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
                        let subject = format!("{} ({})", names.join(", "), at.chip.display());
                        wrong(subject, format!("cannot be driven ({})", because(&e)))
                    })?;
                let request = Arc::new(request);
                requests.push((at.chip.clone(), Arc::clone(&request)));
                request
            }
        };
        outputs.push(OutputLine { request, offset: at.offset, name: (*line).clone() });
    }
    Ok(outputs)
}

impl embedded_hal::digital::Error for Error {
    fn kind(&self) -> embedded_hal::digital::ErrorKind {
        embedded_hal::digital::ErrorKind::Other
    }
}

impl ErrorType for OutputLine {
    type Error = Error;
}

impl OutputLine {
    fn set(&self, value: Value) -> Result<(), Error> {
        let set = self.request.set_value(self.offset, value);
        set.map_err(|e| wrong(&self.name, format!("cannot be driven ({})", because(&e))))
    }
}

impl OutputPin for OutputLine {
    fn set_low(&mut self) -> Result<(), Error> {
        self.set(Value::Inactive)
    }

    fn set_high(&mut self) -> Result<(), Error> {
        self.set(Value::Active)
    }
}

/// What holds an input where nothing drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bias {
    PullUp,
    PullDown,
    /// A resistor on the board.
    External,
}

/// A change of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edge {
    /// The kernel's monotonic clock.
    pub at: Duration,
    /// The level after the edge; active is low on an active-low line.
    pub active: bool,
    /// Counts the line's edges; a gap is edges that the kernel had to drop.
    pub number: u32,
}

/// An input with edge detection.
pub struct InputLine {
    request: Request,
    name: LineName,
}

impl InputLine {
    /// Requests `line`; an offset is one of `chip`.
    pub fn open(
        line: &LineName,
        chip: &str,
        active_low: bool,
        bias: Bias,
    ) -> Result<InputLine, Error> {
        let at = place(line, chip)?;
        let mut builder = Request::builder();
        builder.on_chip(at.chip).with_consumer(CONSUMER).with_line(at.offset).as_input();
        builder.with_kernel_event_buffer_size(KERNEL_EDGES);
        if active_low {
            builder.as_active_low();
        }
        match bias {
            Bias::PullUp => drop(builder.with_bias(gpiocdev::line::Bias::PullUp)),
            Bias::PullDown => drop(builder.with_bias(gpiocdev::line::Bias::PullDown)),
            Bias::External => {}
        }
        builder.with_edge_detection(EdgeDetection::BothEdges);
        let request = builder
            .request()
            .map_err(|e| wrong(line, format!("cannot be used as a button ({})", because(&e))))?;
        Ok(InputLine { request, name: line.clone() })
    }

    /// Whether the line is active now.
    pub fn active(&self) -> Result<bool, Error> {
        let value = self.request.lone_value().map_err(|e| self.unreadable(&e))?;
        Ok(value == Value::Active)
    }

    /// Waits up to `patience` for an edge, then appends what has arrived to `edges`.
    pub fn edges(&self, patience: Duration, edges: &mut Vec<Edge>) -> Result<(), Error> {
        // A signal cuts the wait short; a look without waiting tells that from a failure.
        let waited = self.request.wait_edge_event(patience);
        let ready = waited.or_else(|_| self.request.has_edge_event());
        if !ready.map_err(|e| self.unreadable(&e))? {
            return Ok(());
        }
        // `read_edge_event` of gpiocdev 0.8 reads several and returns one; the slice loses none.
        let size = self.request.edge_event_u64_size();
        let mut words = [0; EDGES_AT_ONCE * EDGE_WORDS];
        let room = &mut words[..EDGES_AT_ONCE * size.min(EDGE_WORDS)];
        let read = self.request.read_edge_events_into_slice(room);
        let read = read.map_err(|e| self.unreadable(&e))?;
        for event in words[..read].chunks_exact(size) {
            let event =
                self.request.edge_event_from_slice(event).map_err(|e| self.unreadable(&e))?;
            edges.push(Edge {
                at: Duration::from_nanos(event.timestamp_ns),
                active: event.kind == EdgeKind::Rising,
                number: event.line_seqno,
            });
        }
        Ok(())
    }

    fn unreadable(&self, error: &gpiocdev::Error) -> Error {
        wrong(&self.name, format!("cannot be read ({error})"))
    }
}
