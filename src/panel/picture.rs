//! The panel's pixels as a picture, for documents and tests.

use embedded_graphics::Drawable;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_6X12 as FONT;
use embedded_graphics::pixelcolor::{BinaryColor, Rgb565, Rgb888, RgbColor};
use embedded_graphics::text::{Baseline, Text};

use super::framebuffer::Framebuffer;
use super::layout::{self, MONO, MONO_SIZE, colours};
use super::view::View;
use super::{Driver, colour};
use crate::snapshot::Snapshot;

/// Red, green and blue of every pixel, rows top to bottom.
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// What a display of `driver`, turned by `rotation`, shows of `snapshot`.
pub fn draw(snapshot: &Snapshot, driver: Driver, rotation: u16) -> Picture {
    draw_view(&View::of(snapshot), driver, rotation)
}

pub(super) fn draw_view(view: &View, driver: Driver, rotation: u16) -> Picture {
    let size = if driver == Driver::Ssd1306 { MONO_SIZE } else { colour::size(rotation) };
    let rgb = if driver == Driver::Ssd1306 {
        let mut canvas = Framebuffer::new(size, BinaryColor::Off);
        let Ok(()) = layout::draw(&mut canvas, view, &MONO);
        let level = |pixel: &BinaryColor| if pixel.is_on() { [225, 240, 255] } else { [0; 3] };
        canvas.pixels().iter().flat_map(level).collect()
    } else {
        let mut canvas = Framebuffer::new(size, Rgb565::BLACK);
        let Ok(()) = layout::draw(&mut canvas, view, &colours());
        let bytes = |&pixel: &Rgb565| {
            let pixel = Rgb888::from(pixel);
            [pixel.r(), pixel.g(), pixel.b()]
        };
        canvas.pixels().iter().flat_map(bytes).collect()
    };
    Picture { width: size.width, height: size.height, rgb }
}

/// A strip with words on black, as high as they need; what does not fit a line goes to the next.
pub fn caption(words: &str, width: u32) -> Picture {
    let columns = (width / FONT.character_size.width).max(1) as usize;
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let row = FONT.character_size.height + 2;
    let size = Size::new(width, row * lines.len() as u32);
    let mut canvas = Framebuffer::new(size, Rgb888::BLACK);
    let style = MonoTextStyle::new(&FONT, Rgb888::WHITE);
    for (line, y) in lines.iter().zip((1..).step_by(row as usize)) {
        let Ok(_) =
            Text::with_baseline(line, Point::new(1, y), style, Baseline::Top).draw(&mut canvas);
    }
    let rgb = canvas.pixels().iter().flat_map(|p| [p.r(), p.g(), p.b()]).collect();
    Picture { width: size.width, height: size.height, rgb }
}

impl Picture {
    /// Every pixel as a square of `factor` pixels.
    pub fn enlarged(&self, factor: u32) -> Picture {
        let (width, height) = (self.width * factor, self.height * factor);
        let mut rgb = Vec::with_capacity((width * height * 3) as usize);
        for y in 0..height {
            for x in 0..width {
                let at = ((y / factor * self.width + x / factor) * 3) as usize;
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Picture { width, height, rgb }
    }
}
