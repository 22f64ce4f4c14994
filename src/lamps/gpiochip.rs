//! Lines of a GPIO character device (`/dev/gpiochipN`): every Linux board, the Pi included.

use gpiocdev_embedded_hal::OutputPin;

use super::Wiring;
use crate::error::{Error, ErrorKind};

pub fn open(wiring: &Wiring) -> Result<[OutputPin; 4], Error> {
    let line = |offset: u8| {
        OutputPin::new(&wiring.chip, u32::from(offset), wiring.dark()).map_err(|e| {
            let subject = format!("{} line {offset}", wiring.chip);
            let problem = format!("cannot be used as a lamp ({e})");
            let remedy =
                "check [lamps], that the line is free, and that this user is in group gpio";
            Error::new(ErrorKind::Device, subject, problem, remedy)
        })
    };
    let [refer, clear, attention, heartbeat] = wiring.lines();
    Ok([line(refer)?, line(clear)?, line(attention)?, line(heartbeat)?])
}
