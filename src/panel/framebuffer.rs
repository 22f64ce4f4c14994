//! Pixels in memory that `embedded-graphics` draws on.

use std::convert::Infallible;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Size};
use embedded_graphics::pixelcolor::PixelColor;
use embedded_graphics::{Pixel, primitives::Rectangle};

/// `width * height` pixels, rows top to bottom.
pub struct Framebuffer<C> {
    size: Size,
    pixels: Vec<C>,
}

impl<C: PixelColor> Framebuffer<C> {
    pub fn new(size: Size, background: C) -> Framebuffer<C> {
        Framebuffer { size, pixels: vec![background; (size.width * size.height) as usize] }
    }

    pub fn pixels(&self) -> &[C] {
        &self.pixels
    }
}

impl<C> OriginDimensions for Framebuffer<C> {
    fn size(&self) -> Size {
        self.size
    }
}

impl<C: PixelColor> DrawTarget for Framebuffer<C> {
    type Color = C;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<C>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        let area = Rectangle::new(embedded_graphics::geometry::Point::zero(), self.size);
        for Pixel(at, colour) in pixels {
            if area.contains(at) {
                self.pixels[at.y as usize * self.size.width as usize + at.x as usize] = colour;
            }
        }
        Ok(())
    }
}
