//! The live picture and what is laid over it: terminal graphics where there are any, half-blocks
//! elsewhere, characters without colour.

use std::io::IsTerminal;

use image::{DynamicImage, GrayImage, RgbImage};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::Color;
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::{FilterType, Image, Resize};

use super::capabilities::Depth;
use super::symbols::Symbols;
use super::theme::{Theme, indexed};
use crate::config::dashboard::PictureMode;
use crate::snapshot::{HeatMap, Outline, Picture, lit, on_outline, paint};

/// How long a terminal may take to say what it can draw, over a slow line too.
const PATIENCE_MS: i32 = 500;
/// From dark to bright.
const RAMP: &[u8] = b" .:-=+*#%@";
/// From this strength on a part of the heat map gets a mark where there is no colour.
const MARKED: f32 = 0.33;
/// An outline is a two-hundredth of a large picture wide.
const LINES: u32 = 200;

/// What is laid over a picture.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    pub heat: &'a HeatMap,
    pub outline: &'a Outline,
}

impl Overlay<'_> {
    fn is_empty(&self) -> bool {
        self.heat.is_empty() && self.outline.is_empty()
    }

    fn paint(&self, grey: &GrayImage, line: u32) -> Option<RgbImage> {
        let (width, height) = grey.dimensions();
        let pixels = paint(grey, width as usize, self.heat, self.outline, line as usize);
        RgbImage::from_raw(width, height, pixels)
    }
}

pub struct Painter {
    /// None draws with characters.
    picker: Option<Picker>,
    theme: Theme,
    symbols: &'static Symbols,
}

impl Painter {
    /// Asks the terminal what it can do; without an answer it is taken for a plain one. Greys of
    /// half-blocks take more colours than sixteen.
    pub fn new(mode: PictureMode, theme: Theme, symbols: &'static Symbols) -> Painter {
        let picker = match mode {
            _ if theme.depth() == Depth::Mono || symbols.ascii => None,
            PictureMode::Halfblocks => Some(Picker::halfblocks()),
            PictureMode::Auto => {
                // Frames may come in through stdin: then the terminal answers elsewhere.
                let piped = !std::io::stdin().is_terminal();
                let stdio = piped.then(QueryStdioOptions::stdio_dev_tty).and_then(Result::ok);
                let options =
                    QueryStdioOptions { timeout_ms: PATIENCE_MS, stdio, ..Default::default() };
                let asked = Picker::from_query_stdio_with_options(options);
                Some(asked.unwrap_or_else(|_| Picker::halfblocks()))
            }
        };
        let few = theme.depth() < Depth::Indexed;
        let picker =
            picker.filter(|picker| !few || picker.protocol_type() != ProtocolType::Halfblocks);
        Painter { picker, theme, symbols }
    }

    /// Draws `picture` centred in `area`, with its own proportions, and `overlay` on it.
    pub fn draw(&self, picture: &Picture, overlay: Option<Overlay>, area: Rect, frame: &mut Frame) {
        let grey = GrayImage::from_raw(picture.width, picture.height, picture.luma.clone());
        let Some(grey) = grey.filter(|g| g.width() > 0 && area.width > 0 && area.height > 0) else {
            return;
        };
        let Some(picker) = &self.picker else {
            return self.characters(&grey, overlay, area, frame);
        };
        let size = Size::new(area.width, area.height);
        let mut filter = FilterType::Triangle;
        let overlay = overlay.filter(|overlay| !overlay.is_empty());
        let image = match overlay.map(|overlay| (overlay, picker.protocol_type())) {
            // Painted at the screen's own pixels, of which an outline is to be one wide.
            Some((overlay, ProtocolType::Halfblocks)) => {
                let (width, height) = fit(&grey, area.width.into(), 2 * u32::from(area.height));
                let small = image::imageops::resize(&grey, width, height, filter);
                filter = FilterType::Nearest;
                overlay.paint(&small, 1).map(DynamicImage::ImageRgb8)
            }
            Some((overlay, _)) => {
                let line = grey.width().div_ceil(LINES);
                overlay.paint(&grey, line).map(DynamicImage::ImageRgb8)
            }
            None => Some(DynamicImage::ImageLuma8(grey)),
        };
        let Some(image) = image else { return };
        let resize = Resize::Scale(Some(filter));
        // A picture that cannot be encoded leaves its place empty; the verdict stands beside it.
        if let Ok(protocol) = picker.new_protocol(image, size, resize) {
            frame.render_widget(Image::new(&protocol), centred(area, protocol.size()));
        }
        if self.theme.depth() == Depth::Indexed {
            settle(area, frame.buffer_mut());
        }
    }
}

/// Brings the colours of `area` into the 256 of xterm.
fn settle(area: Rect, buffer: &mut Buffer) {
    let near = |colour: Color| match colour {
        Color::Rgb(r, g, b) => Color::Indexed(indexed([r, g, b])),
        other => other,
    };
    for place in area.positions() {
        if let Some(cell) = buffer.cell_mut(place) {
            (cell.fg, cell.bg) = (near(cell.fg), near(cell.bg));
        }
    }
}

fn centred(area: Rect, size: Size) -> Rect {
    let (width, height) = (size.width.min(area.width), size.height.min(area.height));
    let (dx, dy) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect::new(area.x + dx, area.y + dy, width, height)
}

/// The largest size with the picture's proportions.
fn fit(grey: &GrayImage, width: u32, height: u32) -> (u32, u32) {
    let scale = (width as f32 / grey.width() as f32).min(height as f32 / grey.height() as f32);
    let side = |length: u32, most: u32| ((length as f32 * scale).round() as u32).clamp(1, most);
    (side(grey.width(), width), side(grey.height(), height))
}

impl Painter {
    /// A character is about twice as high as it is wide.
    fn characters(
        &self,
        grey: &GrayImage,
        overlay: Option<Overlay>,
        area: Rect,
        frame: &mut Frame,
    ) {
        let scale = (f32::from(area.width) / grey.width() as f32)
            .min(2.0 * f32::from(area.height) / grey.height() as f32);
        let width = (grey.width() as f32 * scale) as u16;
        let height = (grey.height() as f32 * scale / 2.0) as u16;
        let place = centred(area, Size::new(width, height));
        if place.width == 0 || place.height == 0 {
            return;
        }
        let filter = FilterType::Triangle;
        let small =
            image::imageops::resize(grey, u32::from(place.width), u32::from(place.height), filter);
        let size = [place.width, place.height].map(usize::from);
        let styles = self.theme.overlay();
        for (row, y) in small.chunks_exact(size[0]).zip(0..) {
            let lit = lit(row);
            for (&grey, x) in row.iter().zip(0..) {
                let Some(cell) = frame.buffer_mut().cell_mut((place.x + x, place.y + y)) else {
                    continue;
                };
                let at = [x, y].map(usize::from);
                let mark = overlay.and_then(|o| mark(o, at, size, lit.contains(&at[0])));
                match mark {
                    Some(i) => cell.set_char(self.symbols.marks[i]).set_style(styles[i]),
                    None => cell.set_char(RAMP[usize::from(grey) * RAMP.len() / 256] as char),
                };
            }
        }
    }
}

/// The number of the mark at a place of the picture, if there is one; heat leaves every second
/// place to the echo, and all that is not `lit`.
fn mark(overlay: Overlay, at: [usize; 2], size: [usize; 2], lit: bool) -> Option<usize> {
    let [u, v] = [0, 1].map(|i| (at[i] as f32 + 0.5) / size[i] as f32);
    if on_outline(overlay.outline, u, v, size, 1) {
        return Some(2);
    }
    let strength = overlay.heat.at(u, v);
    let marked = lit && strength.abs() >= MARKED && (at[0] + at[1]).is_multiple_of(2);
    marked.then_some(if strength > 0.0 { 0 } else { 1 })
}
