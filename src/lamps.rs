//! Three lamps, a heartbeat and a buzzer, behind `embedded_hal`'s `OutputPin`.
//!
//! Refer, clear and attention follow the snapshot; the heartbeat flashes once a second while
//! snapshots arrive. Without a fresh one the lamps go to *fault* (attention blinking) by
//! themselves. However the program ends, short of being killed, every line goes dark first:
//! dark means not working.

mod buzzer;
mod gpiochip;
mod rppal;

use std::sync::{Mutex, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use embedded_hal::digital::{OutputPin, PinState};

use crate::error::Error;
use crate::gpio::LineName;
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::Shutdown;
use crate::snapshot::{Light, Lights, Snapshot};
use buzzer::Buzzer;

/// Time between two looks at the snapshot; also half the shortest blink that is kept.
const STEP: Duration = Duration::from_millis(50);
const BLINK: Duration = Duration::from_millis(250);
const BEAT: Duration = Duration::from_secs(1);
const FLASH: Duration = Duration::from_millis(100);
/// How long a hasty end waits for a driver that is busy.
const HASTE: Duration = Duration::from_millis(200);

/// Which lines to drive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The GPIO character device that offsets belong to, for the `gpiochip` driver.
    pub chip: String,
    pub refer: LineName,
    pub clear: LineName,
    pub attention: LineName,
    pub heartbeat: LineName,
    pub buzzer: Option<LineName>,
    /// A low line lights the lamp.
    pub active_low: bool,
    /// Of refer, clear and attention, in percent; only `rppal` can dim.
    pub brightness: u8,
}

impl Wiring {
    /// Refer, clear, attention, heartbeat and the buzzer if there is one.
    pub fn lines(&self) -> Vec<&LineName> {
        let lamps = [&self.refer, &self.clear, &self.attention, &self.heartbeat];
        lamps.into_iter().chain(&self.buzzer).collect()
    }
}

/// A line of whichever driver.
type Pin = Box<dyn OutputPin<Error = Error> + Send>;

/// The lines of one driver; dropping them darkens them.
pub struct Lamps {
    /// Refer, clear, attention, heartbeat, and the buzzer if there is one.
    pins: Vec<Pin>,
    levels: [Option<bool>; 5],
    active_low: bool,
}

impl Lamps {
    /// The lines of a GPIO character device.
    pub fn open_gpiochip(wiring: &Wiring) -> Result<Lamps, Error> {
        Lamps::new(gpiochip::open(wiring)?, wiring.active_low)
    }

    /// The lines of a Raspberry Pi through its own driver.
    pub fn open_rppal(wiring: &Wiring) -> Result<Lamps, Error> {
        Lamps::new(rppal::open(wiring)?, wiring.active_low)
    }

    /// Takes over `pins` (refer, clear, attention, heartbeat, maybe a buzzer) and darkens them.
    fn new(pins: Vec<Pin>, active_low: bool) -> Result<Lamps, Error> {
        let mut lamps = Lamps { pins, levels: [None; 5], active_low };
        lamps.set([false; 5])?;
        Ok(lamps)
    }

    /// Shows `lights` as they are `since` the start of all blinking.
    fn show(
        &mut self,
        lights: Lights,
        alive: bool,
        buzz: bool,
        since: Duration,
    ) -> Result<(), Error> {
        let phase = |period: Duration| since.as_millis() % period.as_millis();
        let lit = |light| match light {
            Light::Off => false,
            Light::On => true,
            Light::Blinking => phase(2 * BLINK) < BLINK.as_millis(),
        };
        let beat = alive && phase(BEAT) < FLASH.as_millis();
        self.set([lit(lights.refer), lit(lights.clear), lit(lights.attention), beat, buzz])
    }

    fn set(&mut self, lit: [bool; 5]) -> Result<(), Error> {
        for ((pin, level), lit) in self.pins.iter_mut().zip(&mut self.levels).zip(lit) {
            if *level == Some(lit) {
                continue;
            }
            // Unknown until the driver has agreed.
            *level = None;
            pin.set_state(PinState::from(lit != self.active_low))?;
            *level = Some(lit);
        }
        Ok(())
    }
}

impl Drop for Lamps {
    fn drop(&mut self) {
        // A line that fails now cannot be helped; the others still go dark.
        for pin in &mut self.pins {
            let _ = pin.set_state(PinState::from(self.active_low));
        }
    }
}

/// The lamps within reach of two threads: the one that shows, and the one that may have to end the
/// program without unwinding it.
#[derive(Default)]
pub struct Board(Mutex<Option<Lamps>>);

impl Board {
    fn hold(&self, lamps: Lamps) -> Held<'_> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(lamps);
        Held(self)
    }

    /// Darkens and lets go of all lines, from any thread; does not wait long for a driver that hangs.
    pub fn release(&self) {
        let deadline = Instant::now() + HASTE;
        loop {
            match self.0.try_lock() {
                Ok(mut lamps) => return drop(lamps.take()),
                Err(TryLockError::Poisoned(lamps)) => return drop(lamps.into_inner().take()),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                Err(TryLockError::WouldBlock) => return,
            }
        }
    }
}

/// Releases the lamps when the thread that shows them ends, by a panic too.
struct Held<'a>(&'a Board);

impl Held<'_> {
    /// `false` when somebody has released the lamps.
    fn with(&self, work: impl FnOnce(&mut Lamps) -> Result<(), Error>) -> Result<bool, Error> {
        let mut lamps = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        lamps.as_mut().map_or(Ok(false), |lamps| work(lamps).map(|()| true))
    }

    /// Lights each lamp for a moment, one after the other, so that a dead one is noticed.
    fn test(&self, shutdown: &Shutdown) -> Result<(), Error> {
        for lamp in 0..4 {
            self.with(|lamps| lamps.set(std::array::from_fn(|i| i == lamp)))?;
            if shutdown.wait(Duration::from_millis(300)) {
                break;
            }
        }
        self.with(|lamps| lamps.set([false; 5])).map(drop)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.release();
    }
}

/// Follows `snapshots` until they close or shutdown; `stale` is the age that is not believed.
pub fn run(
    lamps: Lamps,
    board: &Board,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    stale: Duration,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let held = board.hold(lamps);
    held.test(shutdown)?;
    let start = Instant::now();
    let (mut lights, mut heard) = (Lights::default(), start);
    let mut buzzer = Buzzer::default();
    while !shutdown.requested() {
        match snapshots.take(&mut snapshot, STEP) {
            Taken::Fresh => {
                heard = Instant::now();
                lights = snapshot.lights();
            }
            Taken::TimedOut => {}
            Taken::Closed => break,
        }
        let (alive, since) = (heard.elapsed() < stale, start.elapsed());
        let shown = if alive { lights } else { Lights::FAULT };
        let buzz = buzzer.sounds(shown, since);
        if !held.with(|lamps| lamps.show(shown, alive, buzz, since))? {
            break;
        }
        // Snapshots may come faster than a lamp needs to change.
        shutdown.wait(STEP / 2);
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests;
