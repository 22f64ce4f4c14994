//! ST7789 and ILI9341, 240x320 pixels in colour, over SPI.

use embedded_graphics::geometry::{Dimensions, Size};
use embedded_graphics::pixelcolor::{Rgb565, RgbColor};
use embedded_hal::delay::DelayNs;
use embedded_hal::digital::OutputPin;
use embedded_hal::spi::SpiDevice;
use mipidsi::interface::SpiInterface;
use mipidsi::models::{ILI9341Rgb565, Model, ST7789};
use mipidsi::options::{ColorInversion, ColorOrder, Orientation, Rotation};
use mipidsi::{Builder, NoResetPin};

use super::framebuffer::Framebuffer;
use super::layout::{self, colours};
use super::view::View;
use super::{Display, Wiring, broken};
use crate::error::Error;

/// Bytes sent at once; spidev takes no more than 4096 unless told so at boot.
pub const CHUNK: usize = 4096;

pub struct Tft<'a, S: SpiDevice, D: OutputPin, M: Model<ColorFormat = Rgb565>> {
    display: mipidsi::Display<SpiInterface<'a, S, D>, M, NoResetPin>,
    picture: Framebuffer<Rgb565>,
    bus: String,
}

/// Upright for 0 and 180 degrees, wide for 90 and 270.
pub fn size(rotation: u16) -> Size {
    if rotation.is_multiple_of(180) { Size::new(240, 320) } else { Size::new(320, 240) }
}

/// Commands and pixels over `spi`, sent in pieces as large as `chunk`.
pub fn interface<S: SpiDevice, D: OutputPin>(
    spi: S,
    dc: D,
    chunk: &mut [u8],
) -> SpiInterface<'_, S, D> {
    SpiInterface::new(spi, dc, chunk)
}

/// An ST7789; its panels are made with inverted colours.
pub fn st7789<'a, S: SpiDevice, D: OutputPin>(
    interface: SpiInterface<'a, S, D>,
    wiring: &Wiring,
    delay: &mut impl DelayNs,
) -> Result<Tft<'a, S, D, ST7789>, Error> {
    open(ST7789, interface, wiring, (ColorInversion::Inverted, ColorOrder::Rgb), delay)
}

/// An ILI9341; its panels are wired blue, green, red.
pub fn ili9341<'a, S: SpiDevice, D: OutputPin>(
    interface: SpiInterface<'a, S, D>,
    wiring: &Wiring,
    delay: &mut impl DelayNs,
) -> Result<Tft<'a, S, D, ILI9341Rgb565>, Error> {
    open(ILI9341Rgb565, interface, wiring, (ColorInversion::Normal, ColorOrder::Bgr), delay)
}

fn open<'a, S: SpiDevice, D: OutputPin, M: Model<ColorFormat = Rgb565>>(
    model: M,
    interface: SpiInterface<'a, S, D>,
    wiring: &Wiring,
    (inversion, order): (ColorInversion, ColorOrder),
    delay: &mut impl DelayNs,
) -> Result<Tft<'a, S, D, M>, Error> {
    let rotation = match wiring.rotation {
        90 => Rotation::Deg90,
        180 => Rotation::Deg180,
        270 => Rotation::Deg270,
        _ => Rotation::Deg0,
    };
    let bus = format!("the panel on {}", wiring.bus());
    let display = Builder::new(model, interface)
        .display_size(240, 320)
        .orientation(Orientation::new().rotate(rotation))
        .invert_colors(inversion)
        .color_order(order)
        .init(delay)
        .map_err(|e| broken(&bus, &e))?;
    let picture = Framebuffer::new(size(wiring.rotation), Rgb565::BLACK);
    Ok(Tft { display, picture, bus })
}

impl<S, D, M> Display for Tft<'_, S, D, M>
where
    S: SpiDevice,
    D: OutputPin,
    M: Model<ColorFormat = Rgb565>,
{
    fn show(&mut self, view: &View) -> Result<(), Error> {
        let Ok(()) = layout::draw(&mut self.picture, view, &colours());
        let Size { width, height } = self.picture.bounding_box().size;
        let (right, bottom) = (width as u16 - 1, height as u16 - 1);
        let pixels = self.picture.pixels().iter().copied();
        // One picture at once: drawing on the display itself would flicker.
        let sent = self.display.set_pixels(0, 0, right, bottom, pixels);
        sent.map_err(|e| broken(&self.bus, &e))
    }
}
