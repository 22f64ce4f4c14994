//! Lamps on lines of a GPIO character device.

use super::{Pin, Wiring};
use crate::error::Error;
use crate::gpio;

pub fn open(wiring: &Wiring) -> Result<Vec<Pin>, Error> {
    let lines = gpio::outputs(&wiring.lines(), &wiring.chip, wiring.active_low)?;
    Ok(lines.into_iter().map(|line| Box::new(line) as Pin).collect())
}
