//! Lines of a Raspberry Pi (up to 5) through `rppal`.

use rppal::gpio::{Gpio, OutputPin};

use super::Wiring;
use crate::error::{Error, ErrorKind};

pub fn open(wiring: &Wiring) -> Result<[OutputPin; 4], Error> {
    let wrong = |subject: String, e: rppal::gpio::Error| {
        let remedy = "use driver = \"gpiochip\" where this is no Raspberry Pi, and check [lamps]";
        Error::new(ErrorKind::Device, subject, format!("cannot be used ({e})"), remedy)
    };
    let gpio = Gpio::new().map_err(|e| wrong("the Pi's GPIO".into(), e))?;
    let line = |number: u8| {
        let pin = gpio.get(number).map_err(|e| wrong(format!("GPIO{number}"), e))?;
        Ok(if wiring.active_low { pin.into_output_high() } else { pin.into_output_low() })
    };
    let [refer, clear, attention, heartbeat] = wiring.lines();
    Ok([line(refer)?, line(clear)?, line(attention)?, line(heartbeat)?])
}
