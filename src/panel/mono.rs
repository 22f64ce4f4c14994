//! SSD1306, 128x64 pixels in one colour, over I2C.

use std::fmt::Debug;

use embedded_hal::i2c::I2c;
use ssd1306::mode::BufferedGraphicsMode;
use ssd1306::prelude::{DisplayConfig, DisplayRotation, DisplaySize128x64, I2CInterface};
use ssd1306::{I2CDisplayInterface, Ssd1306};

use super::layout::{self, MONO};
use super::view::View;
use super::{Display, Wiring, broken};
use crate::error::Error;

pub struct Oled<I> {
    display: Ssd1306<I2CInterface<I>, DisplaySize128x64, BufferedGraphicsMode<DisplaySize128x64>>,
    bus: String,
}

impl<I: I2c> Oled<I> {
    /// Sets up the display at `wiring.address` on `i2c`.
    pub fn open(i2c: I, wiring: &Wiring) -> Result<Oled<I>, Error> {
        let rotation = match wiring.rotation {
            180 => DisplayRotation::Rotate180,
            _ => DisplayRotation::Rotate0,
        };
        let interface = I2CDisplayInterface::new_custom_address(i2c, wiring.address);
        let display = Ssd1306::new(interface, DisplaySize128x64, rotation);
        let mut display = display.into_buffered_graphics_mode();
        let bus = format!("SSD1306 at 0x{:02x} of {}", wiring.address, wiring.bus());
        display.init().map_err(|e| broken(&bus, &e))?;
        Ok(Oled { display, bus })
    }
}

impl<I: I2c> Display for Oled<I> {
    fn show(&mut self, view: &View) -> Result<(), Error> {
        let failed = |e: &dyn Debug| broken(&self.bus, e);
        layout::draw(&mut self.display, view, &MONO).map_err(|e| failed(&e))?;
        self.display.flush().map_err(|e| failed(&e))
    }
}
