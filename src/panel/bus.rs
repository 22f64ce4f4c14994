//! The kernel's I2C and SPI devices, through `linux-embedded-hal`.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::I2c;
use embedded_hal::spi::SpiDevice;
use linux_embedded_hal::spidev::{SpiModeFlags, SpidevOptions};
use linux_embedded_hal::{Delay, I2cdev, SpidevDevice};

use crate::error::{Error, ErrorKind};

fn closed(path: &str, e: impl std::fmt::Display, group: &str, switch: &str) -> Error {
    let remedy = format!("switch {switch} on for this board, and add this user to group {group}");
    Error::new(ErrorKind::Device, path, format!("cannot be opened ({e})"), remedy)
}

/// An I2C bus such as `/dev/i2c-1`.
pub fn i2c(path: &str) -> Result<impl I2c + Send + use<>, Error> {
    I2cdev::new(path).map_err(|e| closed(path, e, "i2c", "I2C"))
}

/// An SPI device such as `/dev/spidev0.0`, whose chip select the kernel drives.
pub fn spi(path: &str, hertz: u32) -> Result<impl SpiDevice + Send + use<>, Error> {
    let open = || -> std::io::Result<SpidevDevice> {
        let mut device = SpidevDevice(linux_embedded_hal::spidev::Spidev::open(path)?);
        let options = SpidevOptions::new()
            .bits_per_word(8)
            .max_speed_hz(hertz)
            .mode(SpiModeFlags::SPI_MODE_0)
            .build();
        device.configure(&options)?;
        Ok(device)
    };
    open().map_err(|e| closed(path, e, "spi", "SPI"))
}

pub fn delay() -> impl DelayNs {
    Delay
}
