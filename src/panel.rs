//! A small display on I2C or SPI: the verdict as a word and a shape, and little more.
//!
//! It sees only snapshots and is drawn again only when something on it changes, at most five times
//! a second. A display that fails is tried again for ever; it never ends the screening. An SPI
//! display cannot say that it is there: one that was unplugged stays white until the next start.

mod bus;
mod colour;
mod framebuffer;
mod layout;
mod lettering;
mod mono;
pub mod picture;
pub mod sample;
mod view;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::{Duration, Instant};

use embedded_hal::digital::OutputPin;

use crate::error::{Error, ErrorKind};
use crate::gpio::{self, LineName, OutputLine};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::Shutdown;
use crate::snapshot::Snapshot;
use view::{Face, View};

/// The word that a panel shows for a snapshot.
#[cfg(test)]
pub(crate) fn word(snapshot: &Snapshot) -> &'static str {
    View::of(snapshot).face.word()
}

/// Between two drawings.
const INTERVAL: Duration = Duration::from_millis(200);
/// Between two tries to open a display that fails, at first and at most.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Driver {
    Ssd1306,
    St7789,
    Ili9341,
}

/// Which display, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    pub driver: Driver,
    /// For an SSD1306: the bus and the address on it.
    pub i2c: String,
    pub address: u8,
    /// For the others: the device with its chip select, the clock, and the data/command line.
    pub spi: String,
    pub hertz: u32,
    pub dc: LineName,
    /// The reset line, where it is connected.
    pub reset: Option<LineName>,
    /// The GPIO character device that offsets belong to.
    pub chip: String,
    /// Degrees: 0, 90, 180 or 270; an SSD1306 knows 0 and 180.
    pub rotation: u16,
}

impl Wiring {
    /// The device that it hangs on.
    pub fn bus(&self) -> &str {
        if self.driver == Driver::Ssd1306 { &self.i2c } else { &self.spi }
    }
}

/// A display that is set up.
trait Display {
    fn show(&mut self, view: &View) -> Result<(), Error>;
}

fn broken(display: &str, error: &dyn Debug) -> Error {
    let problem = format!("does not answer ({error:?})");
    Error::new(ErrorKind::Device, display, problem, "check its wiring and [panel]")
}

/// Follows `snapshots` until they close or shutdown; `stale` is the age that is not believed.
///
/// At least a second of it is granted: a display is slower than a lamp. `notice` gets the first error of every outage.
pub fn run(
    wiring: &Wiring,
    snapshots: &Latest<Snapshot>,
    snapshot: Snapshot,
    stale: Duration,
    notice: &dyn Fn(&Error),
    shutdown: &Shutdown,
) {
    let stale = stale.max(5 * INTERVAL);
    let mut screen = Screen { snapshots, snapshot, stale, shutdown, heard: Instant::now() };
    let mut pause = RETRY.0;
    while !shutdown.requested() {
        let start = Instant::now();
        let Err(error) = attempt(wiring, &mut screen) else { return };
        // One that had worked for a while has a new problem.
        if start.elapsed() > RETRY.1 {
            pause = RETRY.0;
        }
        if pause == RETRY.0 {
            notice(&error);
        }
        shutdown.wait(pause);
        pause = (pause * 2).min(RETRY.1);
    }
}

/// Says on a display that nothing runs, after a run that could not.
pub fn stop(wiring: &Wiring) -> Result<(), Error> {
    let nothing = || Snapshot::new(Arc::default());
    let (snapshots, snapshot, shutdown) =
        (&Latest::new(nothing()), nothing(), &Shutdown::default());
    shutdown.request();
    let (stale, heard) = (5 * INTERVAL, Instant::now());
    attempt(wiring, &mut Screen { snapshots, snapshot, stale, shutdown, heard })
}

/// Opens the display and follows the snapshots; ends in order or with what failed.
fn attempt(wiring: &Wiring, screen: &mut Screen<'_>) -> Result<(), Error> {
    let _reset = wiring.reset.as_ref().map(|reset| restart(reset, wiring)).transpose()?;
    if wiring.driver == Driver::Ssd1306 {
        return screen.follow(&mut mono::Oled::open(bus::i2c(&wiring.i2c)?, wiring)?);
    }
    let delay = &mut bus::delay();
    let dc = output(&wiring.dc, wiring)?;
    let mut chunk = vec![0; colour::CHUNK];
    let spi = colour::interface(bus::spi(&wiring.spi, wiring.hertz)?, dc, &mut chunk);
    if wiring.driver == Driver::St7789 {
        screen.follow(&mut colour::st7789(spi, wiring, delay)?)
    } else {
        screen.follow(&mut colour::ili9341(spi, wiring, delay)?)
    }
}

fn output(line: &LineName, wiring: &Wiring) -> Result<OutputLine, Error> {
    let mut lines = gpio::outputs(&[line], &wiring.chip, true)?;
    let problem = "cannot be driven";
    lines.pop().ok_or_else(|| Error::new(ErrorKind::Device, line, problem, "check [panel]"))
}

/// Resets the display with a low pulse; the line must be kept high after it.
fn restart(line: &LineName, wiring: &Wiring) -> Result<OutputLine, Error> {
    let mut line = output(line, wiring)?;
    line.set_low()?;
    std::thread::sleep(Duration::from_millis(10));
    line.set_high()?;
    std::thread::sleep(Duration::from_millis(120));
    Ok(line)
}

/// What is known, whether a display works or not.
struct Screen<'a> {
    snapshots: &'a Latest<Snapshot>,
    snapshot: Snapshot,
    stale: Duration,
    shutdown: &'a Shutdown,
    heard: Instant,
}

impl Screen<'_> {
    /// Shows every change until the end, which is shown too: no verdict outlives the program.
    fn follow(&mut self, display: &mut dyn Display) -> Result<(), Error> {
        let mut shown = None;
        while !self.shutdown.requested() {
            match self.snapshots.take(&mut self.snapshot, INTERVAL) {
                Taken::Fresh => self.heard = Instant::now(),
                Taken::TimedOut => {}
                Taken::Closed => break,
            }
            let mut view = View::of(&self.snapshot);
            if self.heard.elapsed() >= self.stale {
                view = view.withdrawn(Face::Silent);
            }
            if shown.as_ref() != Some(&view) {
                display.show(&view)?;
                shown = Some(view);
                self.shutdown.wait(INTERVAL);
            }
        }
        display.show(&View::of(&self.snapshot).withdrawn(Face::Stopped))
    }
}

#[cfg(test)]
mod tests;
