//! One layout for every panel: exam, a large word with a shape, why, and a score.
//!
//! On 128x64 each has one place; from 240x240 on there is room for more words.

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::ascii::{FONT_6X10, FONT_9X15, FONT_10X20};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{BinaryColor, PixelColor, Rgb565, Rgb888};
use embedded_graphics::primitives::{
    Circle, Line, Primitive, PrimitiveStyle, PrimitiveStyleBuilder, Rectangle, Triangle,
};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::lettering;
use super::view::{Face, View};

/// `0.93`.
pub fn hundredths(score: u8) -> String {
    format!("{}.{:02}", score / 100, score % 100)
}

/// Half seconds as `3.5 s`.
pub fn seconds(halves: u32) -> String {
    format!("{}.{} s", halves / 2, halves % 2 * 5)
}

pub const MONO_SIZE: Size = Size::new(128, 64);
/// Type for words on a large panel, and the step between lines; the largest that fits is taken.
const TYPE: [(&MonoFont<'static>, i32); 3] =
    [(&FONT_10X20, 22), (&FONT_9X15, 16), (&FONT_6X10, 11)];

/// Colours of a panel.
pub struct Palette<C> {
    pub background: C,
    pub text: C,
    pub quiet: C,
    pub refer: C,
    pub clear: C,
    pub attention: C,
}

pub const MONO: Palette<BinaryColor> = Palette {
    background: BinaryColor::Off,
    text: BinaryColor::On,
    quiet: BinaryColor::On,
    refer: BinaryColor::On,
    clear: BinaryColor::On,
    attention: BinaryColor::On,
};

/// The dashboard's colours, safe for colour-blind eyes (Okabe and Ito).
pub fn colours() -> Palette<Rgb565> {
    let colour = |r, g, b| Rgb565::from(Rgb888::new(r, g, b));
    Palette {
        background: colour(0, 0, 0),
        text: colour(255, 255, 255),
        quiet: colour(170, 170, 170),
        refer: colour(213, 94, 0),
        clear: colour(0, 158, 115),
        attention: colour(240, 228, 66),
    }
}

/// How the word stands out.
enum Block {
    /// Dark letters on a lit block.
    Filled,
    /// Lit letters in a frame.
    Framed,
    /// Lit letters.
    Plain,
}

struct Page<'a, D: DrawTarget> {
    target: &'a mut D,
    palette: &'a Palette<D::Color>,
    size: Size,
    small: bool,
}

/// Draws all of `view`.
pub fn draw<D>(target: &mut D, view: &View, palette: &Palette<D::Color>) -> Result<(), D::Error>
where
    D: DrawTarget,
    D::Color: PixelColor,
{
    let size = target.bounding_box().size;
    target.clear(palette.background)?;
    let small = size.height < 128;
    Page { target, palette, size, small }.draw(view)
}

fn area(x: i32, y: i32, width: u32, height: u32) -> Rectangle {
    Rectangle::new(Point::new(x, y), Size::new(width, height))
}

impl<D> Page<'_, D>
where
    D: DrawTarget,
    D::Color: PixelColor,
{
    fn draw(&mut self, view: &View) -> Result<(), D::Error> {
        let Size { width, height } = self.size;
        let right = width as i32 - 1;
        if self.small {
            self.text(&view.exam_words(), (0, 0), &FONT_6X10, self.palette.text, Alignment::Left)?;
            if view.demonstration {
                self.demo(area(right - 25, 0, 26, 10), &FONT_6X10)?;
            }
            self.banner(view, area(0, 11, width, 42), area(2, 12, 22, 40), area(27, 12, 100, 40))?;
            let centre = (width as i32 / 2, 54);
            let words = view.short_words();
            return self.text(&words, centre, &FONT_6X10, self.palette.text, Alignment::Center);
        }
        self.text(&view.exam_words(), (4, 4), &FONT_10X20, self.palette.text, Alignment::Left)?;
        if view.demonstration {
            self.demo(area(right - 49, 2, 48, 24), &FONT_10X20)?;
        }
        let middle = width as i32 / 2;
        let bottom = if width < height {
            let (shape, word) = (area(middle - 30, 36, 60, 56), area(middle - 100, 96, 200, 80));
            self.banner(view, area(0, 30, width, 150), shape, word)?;
            188
        } else {
            let (shape, word) = (area(18, 42, 60, 56), area(96, 30, 200, 80));
            self.banner(view, area(0, 28, width, 84), shape, word)?;
            118
        };
        self.details(view, bottom)?;
        let foot = (middle, height as i32 - 17);
        let notice = "not a medical device";
        self.text(notice, foot, &FONT_9X15, self.palette.quiet, Alignment::Center)
    }

    fn text(
        &mut self,
        words: &str,
        (x, y): (i32, i32),
        font: &MonoFont<'_>,
        colour: D::Color,
        alignment: Alignment,
    ) -> Result<(), D::Error> {
        let style = TextStyleBuilder::new().alignment(alignment).baseline(Baseline::Top).build();
        let letters = MonoTextStyle::new(font, colour);
        let text = Text::with_text_style(words, Point::new(x, y), letters, style);
        text.draw(self.target).map(drop)
    }

    fn demo(&mut self, block: Rectangle, font: &MonoFont<'_>) -> Result<(), D::Error> {
        block.into_styled(PrimitiveStyle::with_fill(self.palette.attention)).draw(self.target)?;
        let drop = (block.size.height - font.character_size.height) as i32 / 2;
        let at = (block.center().x + 1, block.top_left.y + drop);
        self.text("DEMO", at, font, self.palette.background, Alignment::Center)
    }

    fn banner(
        &mut self,
        view: &View,
        block: Rectangle,
        shape: Rectangle,
        word: Rectangle,
    ) -> Result<(), D::Error> {
        let palette = self.palette;
        let (kind, colour) = match view.face {
            Face::Refer => (Block::Filled, palette.refer),
            Face::Clear if self.small => (Block::Framed, palette.clear),
            Face::Clear => (Block::Filled, palette.clear),
            Face::Fault(_) | Face::Silent => (Block::Filled, palette.attention),
            Face::Ungradable(_) => (Block::Plain, palette.attention),
            Face::Ready | Face::Stopped => (Block::Plain, palette.quiet),
        };
        let style = match kind {
            Block::Filled => Some(PrimitiveStyle::with_fill(colour)),
            Block::Framed => Some(PrimitiveStyle::with_stroke(colour, 1)),
            Block::Plain => None,
        };
        if let Some(style) = style {
            block.into_styled(style).draw(self.target)?;
        }
        let ink = if matches!(kind, Block::Filled) { palette.background } else { colour };
        self.shape(view.face, shape, ink)?;
        lettering::draw(self.target, view.face.word(), word, ink).map(drop)
    }

    /// A shape for each word: triangle, disc, question mark, cross, ring, bar.
    fn shape(&mut self, face: Face, area: Rectangle, ink: D::Color) -> Result<(), D::Error> {
        let side = area.size.width.min(area.size.height);
        let (half, centre) = (side as i32 / 2, area.center());
        let corner = |x: i32, y: i32| centre + Point::new(x * half, y * half);
        let fill = PrimitiveStyle::with_fill(ink);
        let stroke = PrimitiveStyleBuilder::new().stroke_color(ink).stroke_width(side / 6).build();
        match face {
            Face::Refer => Triangle::new(corner(0, -1), corner(-1, 1), corner(1, 1))
                .into_styled(fill)
                .draw(self.target),
            Face::Clear => {
                Circle::with_center(centre, side - 2).into_styled(fill).draw(self.target)
            }
            Face::Ungradable(_) => {
                // Room for one size more: the upper and lower fifth of a letter's box is empty.
                let tall = Size::new(area.size.width, area.size.height * 3 / 2);
                let area = Rectangle::with_center(centre, tall);
                lettering::draw(self.target, "?", area, ink).map(drop)
            }
            Face::Fault(_) | Face::Silent => {
                let arm = half * 3 / 4;
                for (x, y) in [(arm, arm), (arm, -arm)] {
                    let (from, to) = (centre - Point::new(x, y), centre + Point::new(x, y));
                    Line::new(from, to).into_styled(stroke).draw(self.target)?;
                }
                Ok(())
            }
            Face::Ready => {
                Circle::with_center(centre, side - 6).into_styled(stroke).draw(self.target)
            }
            Face::Stopped => {
                let bar = Rectangle::with_center(centre, Size::new(side - 6, side / 4));
                bar.into_styled(fill).draw(self.target)
            }
        }
    }

    /// Score, picture, evidence and words, in lines from `top` on.
    fn details(&mut self, view: &View, top: i32) -> Result<(), D::Error> {
        let (width, bottom) = (self.size.width - 8, self.size.height as i32 - 20);
        if matches!(view.face, Face::Refer | Face::Clear) {
            let score = view.score.map(|score| ("score", hundredths(score)));
            let picture = view.picture_word().map(|word| ("picture", word.to_owned()));
            let evidence = ("evidence", seconds(view.usable));
            let facts = score.into_iter().chain(picture).chain([evidence]);
            let mut at = top;
            for (name, value) in facts {
                self.line(&format!("{name:<8} {value}"), at, &FONT_10X20)?;
                at += 22;
            }
            return self.score_bar(view, at + 2);
        }
        let words = view.long_words();
        let fits = |(font, step): &&(&MonoFont<'_>, i32)| {
            let columns = (width / font.character_size.width) as usize;
            wrapped(words, columns).count() as i32 * step <= bottom - top
        };
        let (font, step) = TYPE.iter().find(fits).unwrap_or(&TYPE[TYPE.len() - 1]);
        let columns = (width / font.character_size.width) as usize;
        let room = ((bottom - top) / step).max(0) as usize;
        for (i, words) in wrapped(words, columns).take(room).enumerate() {
            self.line(words, top + i as i32 * step, font)?;
        }
        Ok(())
    }

    fn line(&mut self, words: &str, top: i32, font: &MonoFont<'_>) -> Result<(), D::Error> {
        self.text(words, (4, top), font, self.palette.text, Alignment::Left)
    }

    /// The score between 0 and 1, with marks where clear ends and refer begins.
    fn score_bar(&mut self, view: &View, top: i32) -> Result<(), D::Error> {
        let width = self.size.width - 8;
        let at = |hundredths: u8| 4 + (width * u32::from(hundredths) / 100) as i32;
        let filled = (at(view.score.unwrap_or(0)) - 4) as u32;
        let colour = if view.face == Face::Refer { self.palette.refer } else { self.palette.clear };
        area(4, top, filled, 10)
            .into_styled(PrimitiveStyle::with_fill(colour))
            .draw(self.target)?;
        let frame = PrimitiveStyle::with_stroke(self.palette.quiet, 1);
        area(4, top, width, 10).into_styled(frame).draw(self.target)?;
        for mark in [view.clear, view.refer] {
            let mark = Line::new(Point::new(at(mark), top - 2), Point::new(at(mark), top + 11));
            let style = PrimitiveStyle::with_stroke(self.palette.text, 1);
            mark.into_styled(style).draw(self.target)?;
        }
        Ok(())
    }
}

/// Breaks `text` at spaces into lines of at most `columns` letters; a longer word is cut.
pub fn wrapped(text: &str, columns: usize) -> impl Iterator<Item = &str> {
    let mut rest = text.trim_start();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let limit = rest.char_indices().nth(columns).map_or(rest.len(), |(at, _)| at);
        let fits = limit == rest.len() || rest[limit..].starts_with(' ');
        let end = if fits { limit } else { rest[..limit].rfind(' ').unwrap_or(limit) };
        let line = &rest[..end];
        rest = rest[end..].trim_start();
        Some(line.trim_end())
    })
}
