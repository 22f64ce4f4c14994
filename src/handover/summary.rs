//! One picture that says what an exam came to, for viewers that show nothing else. Nothing of the
//! patient, the operator or the date is in it, whatever may be told: viewers write those beside it.

use std::convert::Infallible;

use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, Point, Size};
use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::FONT_10X20 as FONT;
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};
use embedded_graphics::{Drawable, Pixel};
use image::{Rgb, RgbImage, imageops};

use super::facts::Facts;
use super::{Material, picture};
use crate::screening::Verdict;
use crate::snapshot::FOR;

const WIDTH: u32 = 1024;
const MARGIN: u32 = 24;
/// Letters on a line between the margins.
const COLUMNS: usize = ((WIDTH - 2 * MARGIN) / FONT.character_size.width) as usize;
const LINE: u32 = FONT.character_size.height + 6;
const WHITE: Rgb<u8> = Rgb([255; 3]);

/// The whole picture, as high as it must be.
pub fn draw(facts: &Facts, material: &Material) -> RgbImage {
    let mut sheet = Sheet { rows: RgbImage::new(WIDTH, 0) };
    sheet.words("Sonolamp: ultrasound screening", 2, WHITE.0, [0; 3]);
    for caveat in facts.caveats() {
        sheet.words(caveat, 1, [0; 3], WHITE.0);
    }
    let (colour, word) = match facts.record().verdict {
        Verdict::Refer => ([213, 94, 0], "REFER"),
        Verdict::Clear => ([0, 158, 115], "CLEAR"),
        Verdict::Ungradable(_) => ([240, 228, 66], "UNGRADABLE"),
    };
    sheet.words(word, 4, [0; 3], colour);
    sheet.words(&facts.meaning(), 1, WHITE.0, [0; 3]);
    if let Some((plain, marked)) = picture::key(material) {
        let marks = marked.is_some();
        sheet.pictures(&[Some(plain), marked].into_iter().flatten().collect::<Vec<_>>());
        if marks {
            sheet.words("Orange speaks for referring, blue against it.", 1, FOR, [0; 3]);
        }
    }
    for line in lines(facts) {
        sheet.words(&line, 1, WHITE.0, [0; 3]);
    }
    sheet.grow(MARGIN, [0; 3]);
    sheet.rows
}

/// What is known of the exam beside its verdict.
pub fn lines(facts: &Facts) -> Vec<String> {
    let record = facts.record();
    let (evidence, means) = (&record.evidence, &record.means);
    let mut lines = Vec::new();
    if let Some(place) = &record.place {
        lines.push(format!("Zone: {} ({})", place.zone, place.protocol));
        lines.extend(place.score.map(|score| format!("Operator's score: {score} of 3")));
        lines.extend(place.reading.iter().map(|reading| format!("Clinician's reading: {reading}")));
    }
    lines.push(format!("Probability of referring: {:.2}, calibrated", evidence.probability));
    lines.push(format!(
        "Evidence: {:.1} s of usable picture in {:.1} s, {} of {} frames",
        evidence.usable.as_secs_f64(),
        evidence.seen.as_secs_f64(),
        evidence.used,
        evidence.frames
    ));
    let digest = means.bundle_digest.get(..12).unwrap_or(&means.bundle_digest);
    lines.push(format!("Model: {} ({digest}), Sonolamp {}", means.bundle, means.version));
    lines
}

/// Grows downwards.
struct Sheet {
    rows: RgbImage,
}

impl Sheet {
    /// Makes room at the lower end; returns where it begins.
    fn grow(&mut self, height: u32, background: [u8; 3]) -> u32 {
        let top = self.rows.height();
        let mut larger = RgbImage::from_pixel(WIDTH, top + height, Rgb(background));
        imageops::replace(&mut larger, &self.rows, 0, 0);
        self.rows = larger;
        top
    }

    /// Words in a band of their own, broken where a line is full.
    fn words(&mut self, words: &str, scale: u32, ink: [u8; 3], background: [u8; 3]) {
        for line in wrapped(words, COLUMNS / scale as usize) {
            let top = self.grow(LINE * scale, background);
            let at = Point::new(MARGIN as i32, top as i32 + 3 * scale as i32);
            let mut pen = Pen { page: &mut self.rows, at, scale };
            let style = MonoTextStyle::new(&FONT, Rgb888::new(ink[0], ink[1], ink[2]));
            let text = Text::with_baseline(&line, Point::zero(), style, Baseline::Top);
            let Ok(_) = text.draw(&mut pen);
        }
    }

    /// Side by side.
    fn pictures(&mut self, pictures: &[RgbImage]) {
        let height = pictures.iter().map(RgbImage::height).max().unwrap_or(0);
        let top = self.grow(height + 2 * MARGIN, [0; 3]) + MARGIN;
        let mut left = MARGIN;
        for picture in pictures {
            imageops::replace(&mut self.rows, picture, left.into(), top.into());
            left += picture.width() + MARGIN / 2;
        }
    }
}

/// Draws from a place on, every pixel as a square.
struct Pen<'a> {
    page: &'a mut RgbImage,
    at: Point,
    scale: u32,
}

impl Dimensions for Pen<'_> {
    fn bounding_box(&self) -> Rectangle {
        Rectangle::new(Point::zero(), Size::new(self.page.width(), self.page.height()))
    }
}

impl DrawTarget for Pen<'_> {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(
        &mut self,
        pixels: I,
    ) -> Result<(), Infallible> {
        for Pixel(place, colour) in pixels {
            let corner = self.at + place * self.scale as i32;
            for (dx, dy) in (0..self.scale).flat_map(|y| (0..self.scale).map(move |x| (x, y))) {
                let at = corner + Point::new(dx as i32, dy as i32);
                let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else { continue };
                if let Some(pixel) = self.page.get_pixel_mut_checked(x, y) {
                    *pixel = Rgb([colour.r(), colour.g(), colour.b()]);
                }
            }
        }
        Ok(())
    }
}

/// Lines of at most so many letters.
fn wrapped(words: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in words.split_whitespace() {
        let last = lines.last().map_or(0, |line| line.chars().count());
        if last > 0 && last + 1 + word.chars().count() > columns {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { "" } else { " " });
            line.push_str(word);
        }
    }
    lines
}
