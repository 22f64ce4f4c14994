//! The live picture and what is laid over it: terminal graphics where there are any and the line
//! carries them, half-blocks elsewhere, characters without colour.

use std::cell::{Cell, RefCell};
use std::io::IsTerminal;

use image::{DynamicImage, GrayImage, RgbImage};
use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::widgets::Widget;
use ratatui_image::picker::cap_parser::QueryStdioOptions;
use ratatui_image::picker::{Picker, ProtocolType};
use ratatui_image::protocol::Protocol;
use ratatui_image::protocol::halfblocks::Halfblocks;
use ratatui_image::{FilterType, Image, Resize};

use super::capabilities::Depth;
use super::link::Budget;
use super::symbols::Symbols;
use super::theme::Theme;
use super::thrift::Thrift;
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
/// A character is about twice as high as it is wide.
const SQUARE: f32 = 0.5;

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
    /// None leaves the picture as it is.
    budget: Cell<Option<Budget>>,
    thrift: RefCell<Thrift>,
    /// Bytes of graphics that were too many for the line.
    too_many: Cell<usize>,
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
        Painter {
            picker,
            theme,
            symbols,
            budget: Cell::new(Some(Budget::UNLIMITED)),
            thrift: RefCell::default(),
            too_many: Cell::new(usize::MAX),
        }
    }

    /// What the picture of the next screen may take; without it the old one stays.
    pub fn allow(&self, budget: Option<Budget>) {
        self.budget.set(budget);
    }

    /// A screen is about to be drawn.
    pub fn begin(&self) {
        self.thrift.borrow_mut().begin();
    }

    /// Bytes of the screen's picture, about.
    pub fn spent(&self) -> usize {
        self.thrift.borrow().spent()
    }

    /// Draws `picture` centred in `area`, with its own proportions, and `overlay` on it.
    pub fn draw(&self, picture: &Picture, overlay: Option<Overlay>, area: Rect, frame: &mut Frame) {
        if picture.width == 0 || picture.height == 0 || area.width == 0 || area.height == 0 {
            return;
        }
        let mut thrift = self.thrift.borrow_mut();
        let Some(budget) = self.budget.get() else {
            return thrift.keep(area, frame.buffer_mut());
        };
        let overlay = overlay.filter(|overlay| !overlay.is_empty());
        match &self.picker {
            None => self.characters(picture, overlay, area, frame),
            Some(picker) => {
                let drawn = self.graphics(picker, picture, overlay, area, budget, frame);
                if !drawn {
                    halfblocks(picker, picture, overlay, area, frame);
                }
            }
        }
        let short = self.theme.depth() == Depth::Indexed;
        thrift.settle(area, frame.buffer_mut(), budget, short);
    }

    /// Whether the terminal has graphics, and the line carries them.
    fn graphics(
        &self,
        picker: &Picker,
        picture: &Picture,
        overlay: Option<Overlay>,
        area: Rect,
        budget: Budget,
        frame: &mut Frame,
    ) -> bool {
        let too_many = self.too_many.get();
        let unlikely = too_many < usize::MAX && budget.most / 4 * 3 < too_many;
        if picker.protocol_type() == ProtocolType::Halfblocks || unlikely {
            return false;
        }
        let Some(grey) = GrayImage::from_raw(picture.width, picture.height, picture.luma.clone())
        else {
            return false;
        };
        let image = match overlay {
            Some(overlay) => {
                let line = grey.width().div_ceil(LINES);
                overlay.paint(&grey, line).map(DynamicImage::ImageRgb8)
            }
            None => Some(DynamicImage::ImageLuma8(grey)),
        };
        let Some(image) = image else { return false };
        let resize = Resize::Scale(Some(FilterType::Triangle));
        let size = Size::new(area.width, area.height);
        let Ok(protocol) = picker.new_protocol(image, size, resize) else { return false };
        let place = centred(area, protocol.size());
        let mut apart = Buffer::empty(place);
        Image::new(&protocol).render(place, &mut apart);
        let bytes = apart.content.iter().map(|cell| cell.symbol().len()).sum();
        if bytes > budget.most {
            self.too_many.set(bytes);
            return false;
        }
        // Rendering again would say to kitty that it has the picture.
        for position in place.positions() {
            if let (Some(to), Some(from)) =
                (frame.buffer_mut().cell_mut(position), apart.cell(position))
            {
                to.clone_from(from);
            }
        }
        true
    }

    fn characters(
        &self,
        picture: &Picture,
        overlay: Option<Overlay>,
        area: Rect,
        frame: &mut Frame,
    ) {
        let place = centred(area, fit(picture, area, SQUARE));
        let Some(small) = small(picture, place.width.into(), place.height.into()) else { return };
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

/// Painted at the screen's own pixels, of which an outline is to be one wide.
fn halfblocks(
    picker: &Picker,
    picture: &Picture,
    overlay: Option<Overlay>,
    area: Rect,
    frame: &mut Frame,
) {
    let font = picker.font_size();
    let aspect = f32::from(font.width) / f32::from(font.height.max(1));
    // A terminal that misjudges its letters must not squeeze the picture.
    let aspect = if (0.3..0.8).contains(&aspect) { aspect } else { SQUARE };
    let size = fit(picture, area, aspect);
    let Some(small) = small(picture, size.width.into(), 2 * u32::from(size.height)) else { return };
    let image = match overlay {
        Some(overlay) => overlay.paint(&small, 1).map(DynamicImage::ImageRgb8),
        None => Some(DynamicImage::ImageLuma8(small)),
    };
    // A picture that cannot be encoded leaves its place empty; the verdict stands beside it.
    if let Some(blocks) = image.and_then(|image| Halfblocks::new(image, size).ok()) {
        let place = centred(area, size);
        frame.render_widget(Image::new(&Protocol::Halfblocks(blocks)), place);
    }
}

fn centred(area: Rect, size: Size) -> Rect {
    let (width, height) = (size.width.min(area.width), size.height.min(area.height));
    let (dx, dy) = ((area.width - width) / 2, (area.height - height) / 2);
    Rect::new(area.x + dx, area.y + dy, width, height)
}

/// The most columns and rows with the picture's proportions; `aspect` is a cell's width to height.
fn fit(picture: &Picture, area: Rect, aspect: f32) -> Size {
    let (width, height) = (picture.width as f32 / aspect, picture.height as f32);
    let scale = (f32::from(area.width) / width).min(f32::from(area.height) / height);
    let side = |length: f32, most: u16| ((length * scale).round() as u16).clamp(1, most);
    Size::new(side(width, area.width), side(height, area.height))
}

/// The picture in `width` and `height` pixels: averaged over squares first, which is quick.
fn small(picture: &Picture, width: u32, height: u32) -> Option<GrayImage> {
    let mut less = Picture::default();
    less.reduce(picture, (2 * width, 2 * height));
    let grey = GrayImage::from_raw(less.width, less.height, less.luma)?;
    Some(image::imageops::resize(&grey, width, height, FilterType::Triangle))
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
