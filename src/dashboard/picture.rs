//! The live picture: terminal graphics where there are any, half-blocks elsewhere, characters
//! without colour.

use std::io::IsTerminal;

use image::{DynamicImage, GrayImage};
use ratatui::Frame;
use ratatui::layout::{Rect, Size};
use ratatui::text::Line;
use ratatui_image::picker::Picker;
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::{FilterType, Image, Resize};

use crate::config::PictureMode;
use crate::snapshot::Picture;

/// How long a terminal may take to say what it can draw, over a slow line too.
const PATIENCE_MS: i32 = 500;
/// From dark to bright.
const RAMP: &[u8] = b" .:-=+*#%@";

pub struct Painter {
    picker: Option<Picker>,
}

impl Painter {
    /// Asks the terminal what it can do; without an answer it is taken for a plain one.
    pub fn new(mode: PictureMode, colour: bool) -> Painter {
        let picker = match mode {
            _ if !colour => None,
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
        Painter { picker }
    }

    /// Draws `picture` centred in `area`, with its own proportions.
    pub fn draw(&self, picture: &Picture, area: Rect, frame: &mut Frame) {
        let grey = GrayImage::from_raw(picture.width, picture.height, picture.luma.clone());
        let Some(grey) = grey.filter(|g| g.width() > 0 && area.width > 0 && area.height > 0) else {
            return;
        };
        let Some(picker) = &self.picker else {
            return characters(&grey, area, frame);
        };
        let resize = Resize::Scale(Some(FilterType::Triangle));
        let size = Size::new(area.width, area.height);
        // A picture that cannot be encoded leaves its place empty; the verdict stands beside it.
        if let Ok(protocol) = picker.new_protocol(DynamicImage::ImageLuma8(grey), size, resize) {
            frame.render_widget(Image::new(&protocol), centred(area, protocol.size()));
        }
    }
}

fn centred(area: Rect, size: Size) -> Rect {
    let (width, height) = (size.width.min(area.width), size.height.min(area.height));
    let (dx, dy) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect::new(area.x + dx, area.y + dy, width, height)
}

/// A character is about twice as high as it is wide.
fn characters(grey: &GrayImage, area: Rect, frame: &mut Frame) {
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
    for (y, row) in small.rows().enumerate() {
        let line: String =
            row.map(|p| RAMP[usize::from(p.0[0]) * RAMP.len() / 256] as char).collect();
        let at = Rect::new(place.x, place.y + y as u16, place.width, 1);
        frame.render_widget(Line::raw(line), at);
    }
}
