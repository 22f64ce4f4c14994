//! Three lamps and a heartbeat, behind `embedded_hal`'s `OutputPin`.
//!
//! Refer, clear and attention follow the snapshot; the heartbeat flashes once a second while
//! snapshots arrive. Without a fresh one the lamps go to *fault* (attention blinking) by
//! themselves, and when the set is dropped every line goes dark: dark means not working.

mod gpiochip;
mod rppal;

use std::time::{Duration, Instant};

use embedded_hal::digital::{OutputPin, PinState};

use crate::error::{Error, ErrorKind};
use crate::pipeline::latest::{Latest, Taken};
use crate::pipeline::shutdown::Shutdown;
use crate::snapshot::{Light, Lights, Snapshot};

/// Time between two looks at the snapshot; also half the shortest blink that is kept.
const STEP: Duration = Duration::from_millis(50);
const BLINK: Duration = Duration::from_millis(250);
const BEAT: Duration = Duration::from_secs(1);
const FLASH: Duration = Duration::from_millis(100);

/// Which lines to drive, in GPIO numbers (BCM on a Pi, offsets of the chip elsewhere).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The GPIO character device, for the `gpiochip` driver.
    pub chip: String,
    pub refer: u8,
    pub clear: u8,
    pub attention: u8,
    pub heartbeat: u8,
    /// A low line lights the lamp.
    pub active_low: bool,
}

impl Wiring {
    fn lines(&self) -> [u8; 4] {
        [self.refer, self.clear, self.attention, self.heartbeat]
    }

    /// The state of a dark line.
    fn dark(&self) -> PinState {
        PinState::from(self.active_low)
    }
}

/// Four lines of one driver.
pub struct Lamps<P: OutputPin> {
    /// Refer, clear, attention, heartbeat.
    pins: [P; 4],
    levels: [Option<bool>; 4],
    active_low: bool,
}

impl<P: OutputPin> Lamps<P> {
    /// Takes over `pins` (refer, clear, attention, heartbeat) and darkens them.
    pub fn new(pins: [P; 4], active_low: bool) -> Result<Lamps<P>, Error> {
        let mut lamps = Lamps { pins, levels: [None; 4], active_low };
        lamps.set([false; 4])?;
        Ok(lamps)
    }

    /// Lights each lamp for a moment, one after the other, so that a dead one is noticed.
    fn test(&mut self, shutdown: &Shutdown) -> Result<(), Error> {
        for lamp in 0..4 {
            self.set(std::array::from_fn(|i| i == lamp))?;
            shutdown.wait(Duration::from_millis(300));
        }
        self.set([false; 4])
    }

    /// Shows `lights` as they are `since` the start of all blinking.
    pub fn show(&mut self, lights: Lights, alive: bool, since: Duration) -> Result<(), Error> {
        let phase = |period: Duration| since.as_millis() % period.as_millis();
        let lit = |light| match light {
            Light::Off => false,
            Light::On => true,
            Light::Blinking => phase(2 * BLINK) < BLINK.as_millis(),
        };
        let beat = alive && phase(BEAT) < FLASH.as_millis();
        self.set([lit(lights.refer), lit(lights.clear), lit(lights.attention), beat])
    }

    fn set(&mut self, lit: [bool; 4]) -> Result<(), Error> {
        for ((pin, level), lit) in self.pins.iter_mut().zip(&mut self.levels).zip(lit) {
            if *level == Some(lit) {
                continue;
            }
            pin.set_state(PinState::from(lit != self.active_low)).map_err(|e| {
                let problem = format!("a line cannot be driven ({e:?})");
                Error::new(ErrorKind::Device, "lamps", problem, "check the wiring and [lamps]")
            })?;
            *level = Some(lit);
        }
        Ok(())
    }
}

impl<P: OutputPin> Drop for Lamps<P> {
    fn drop(&mut self) {
        // A line that fails now cannot be helped; the others still go dark.
        for pin in &mut self.pins {
            let _ = pin.set_state(PinState::from(self.active_low));
        }
    }
}

/// Follows `snapshots` until they close or shutdown; `stale` is the age that is not believed.
pub fn run<P: OutputPin>(
    mut lamps: Lamps<P>,
    snapshots: &Latest<Snapshot>,
    mut snapshot: Snapshot,
    stale: Duration,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    lamps.test(shutdown)?;
    let start = Instant::now();
    let (mut lights, mut heard) = (Lights::default(), start);
    while !shutdown.requested() {
        match snapshots.take(&mut snapshot, STEP) {
            Taken::Fresh => {
                heard = Instant::now();
                lights = snapshot.lights();
            }
            Taken::TimedOut => {}
            Taken::Closed => break,
        }
        let alive = heard.elapsed() < stale;
        lamps.show(if alive { lights } else { Lights::FAULT }, alive, start.elapsed())?;
        // Snapshots may come faster than a lamp needs to change.
        shutdown.wait(STEP / 2);
    }
    Ok(())
}

/// The lines of a GPIO character device.
pub fn open_gpiochip(wiring: &Wiring) -> Result<Lamps<impl OutputPin + Send + use<>>, Error> {
    Lamps::new(gpiochip::open(wiring)?, wiring.active_low)
}

/// The lines of a Raspberry Pi through its own driver.
pub fn open_rppal(wiring: &Wiring) -> Result<Lamps<impl OutputPin + Send + use<>>, Error> {
    Lamps::new(rppal::open(wiring)?, wiring.active_low)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A line that can be watched after the lamps are gone.
    #[derive(Clone, Default)]
    struct Line(Arc<AtomicBool>);

    impl embedded_hal::digital::ErrorType for Line {
        type Error = Infallible;
    }

    impl OutputPin for Line {
        fn set_low(&mut self) -> Result<(), Infallible> {
            self.0.store(false, Ordering::SeqCst);
            Ok(())
        }
        fn set_high(&mut self) -> Result<(), Infallible> {
            self.0.store(true, Ordering::SeqCst);
            Ok(())
        }
    }

    fn lines() -> [Line; 4] {
        std::array::from_fn(|_| Line::default())
    }

    fn levels(lines: &[Line; 4]) -> [bool; 4] {
        std::array::from_fn(|i| lines[i].0.load(Ordering::SeqCst))
    }

    #[test]
    fn lines_follow_the_lights_and_blink() {
        let watched = lines();
        let mut lamps = Lamps::new(watched.clone(), false).unwrap();
        let refer = Lights { refer: Light::On, ..Lights::default() };
        lamps.show(refer, true, Duration::from_millis(50)).unwrap();
        assert_eq!(levels(&watched), [true, false, false, true]);
        lamps.show(Lights::FAULT, false, Duration::from_millis(50)).unwrap();
        assert_eq!(levels(&watched), [false, false, true, false]);
        lamps.show(Lights::FAULT, false, Duration::from_millis(300)).unwrap();
        assert_eq!(levels(&watched), [false; 4]);
    }

    #[test]
    fn dark_is_high_for_active_low_lamps_and_after_the_end() {
        let watched = lines();
        let mut lamps = Lamps::new(watched.clone(), true).unwrap();
        assert_eq!(levels(&watched), [true; 4]);
        let clear = Lights { clear: Light::On, ..Lights::default() };
        lamps.show(clear, true, Duration::from_millis(500)).unwrap();
        assert_eq!(levels(&watched), [true, false, true, true]);
        drop(lamps);
        assert_eq!(levels(&watched), [true; 4]);
    }

    fn eventually(what: &str, condition: impl Fn() -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !condition() {
            assert!(Instant::now() < deadline, "never happened: {what}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    #[test]
    fn silence_becomes_a_fault_and_the_end_is_dark() {
        let (watched, slot) = (lines(), Latest::new(Snapshot::new(Arc::default())));
        let shutdown = Shutdown::default();
        std::thread::scope(|scope| {
            let lamps = Lamps::new(watched.clone(), false).unwrap();
            let buffer = Snapshot::new(Arc::default());
            let stale = Duration::from_millis(300);
            let (slot, shutdown) = (&slot, &shutdown);
            scope.spawn(move || run(lamps, slot, buffer, stale, shutdown));
            eventually("the self-test lights every lamp in turn", || levels(&watched)[3]);
            let mut snapshot = Snapshot::new(Arc::default());
            snapshot.verdict = Some(crate::screening::Verdict::Clear);
            slot.publish(&mut snapshot);
            eventually("clear is lit", || levels(&watched)[1]);
            let fault = |on| levels(&watched)[..3] == [false, false, on];
            eventually("silence blinks attention on", || fault(true));
            eventually("and off", || fault(false));
            eventually("and on again", || fault(true));
            shutdown.request();
        });
        assert_eq!(levels(&watched), [false; 4]);
    }
}
