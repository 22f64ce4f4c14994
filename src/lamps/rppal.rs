//! Lines of a Raspberry Pi (up to 5) through `rppal`, whose software PWM dims the lamps.
//!
//! Each dimmed lamp that is lit costs a thread of a few per cent of a core.

use embedded_hal::digital::{ErrorType, OutputPin};
use rppal::gpio::{Gpio, Level, OutputPin as PiPin};

use super::{Pin, Wiring};
use crate::error::{Error, ErrorKind};

/// Above what the eye follows.
const PWM_HERTZ: f64 = 200.0;

fn wrong(subject: String, e: &rppal::gpio::Error) -> Error {
    let remedy = "use driver = \"gpiochip\" where this is no Raspberry Pi, and check [lamps]";
    Error::new(ErrorKind::Device, subject, format!("cannot be used ({e})"), remedy)
}

pub fn open(wiring: &Wiring) -> Result<Vec<Pin>, Error> {
    let gpio = Gpio::new().map_err(|e| wrong("the Pi's GPIO".into(), &e))?;
    let mut pins: Vec<Pin> = Vec::new();
    for (i, line) in wiring.lines().into_iter().enumerate() {
        let number = line.pi_number().ok_or_else(|| {
            let remedy = "name it GPIO0 to GPIO53, or use driver = \"gpiochip\"";
            Error::new(ErrorKind::Usage, line, "is no GPIO number of a Pi", remedy)
        })?;
        let pin = gpio.get(number).map_err(|e| wrong(line.to_string(), &e))?;
        let pin = if wiring.active_low { pin.into_output_high() } else { pin.into_output_low() };
        // The heartbeat may feed a watchdog circuit, and the buzzer would hum.
        let share = if i < 3 { f64::from(wiring.brightness) / 100.0 } else { 1.0 };
        let lit_high = !wiring.active_low;
        pins.push(Box::new(Dimmed { pin, number, share, lit_high }));
    }
    Ok(pins)
}

/// A line that is lit for a share of the time.
struct Dimmed {
    pin: PiPin,
    number: u8,
    share: f64,
    lit_high: bool,
}

impl Dimmed {
    fn set(&mut self, high: bool) -> Result<(), Error> {
        let failed = |e| wrong(format!("GPIO{}", self.number), &e);
        if high == self.lit_high && self.share < 1.0 {
            let high_share = if high { self.share } else { 1.0 - self.share };
            return self.pin.set_pwm_frequency(PWM_HERTZ, high_share).map_err(failed);
        }
        // The thread of the PWM must have ended, or it would set the line again.
        let stopped = self.pin.clear_pwm().map_err(failed);
        let level = if high { Level::High } else { Level::Low };
        self.pin.write(level);
        stopped
    }
}

impl ErrorType for Dimmed {
    type Error = Error;
}

impl OutputPin for Dimmed {
    fn set_low(&mut self) -> Result<(), Error> {
        self.set(false)
    }

    fn set_high(&mut self) -> Result<(), Error> {
        self.set(true)
    }
}
