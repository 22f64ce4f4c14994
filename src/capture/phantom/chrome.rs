//! What a machine draws around and over the echo: a patient's name, date and hospital, settings, a
//! logo, a grey bar, a depth scale; inside the sector a caption, a name and calipers.
//!
//! Everything is invented and drawn once, from the seed; a frame is only painted over. Letters are
//! 5 by 7 dots, one or two pixels a dot at 640 by 480.

use oorandom::Rand32;

use super::paint::uniform;

/// Rows of dots in a letter, and columns with the gap after it.
const LETTER: (usize, usize) = (7, 6);
const LETTERS: &str = "ABCDEFGHIJKLMNOPRSTUVWXYZ0123456789-.:/+";
/// Columns of each letter from the left, the lowest bit on top.
const DOTS: [[u8; 5]; LETTERS.len()] = [
    [0x7e, 0x11, 0x11, 0x11, 0x7e],
    [0x7f, 0x49, 0x49, 0x49, 0x36],
    [0x3e, 0x41, 0x41, 0x41, 0x22],
    [0x7f, 0x41, 0x41, 0x22, 0x1c],
    [0x7f, 0x49, 0x49, 0x49, 0x41],
    [0x7f, 0x09, 0x09, 0x09, 0x01],
    [0x3e, 0x41, 0x49, 0x49, 0x7a],
    [0x7f, 0x08, 0x08, 0x08, 0x7f],
    [0x00, 0x41, 0x7f, 0x41, 0x00],
    [0x20, 0x40, 0x41, 0x3f, 0x01],
    [0x7f, 0x08, 0x14, 0x22, 0x41],
    [0x7f, 0x40, 0x40, 0x40, 0x40],
    [0x7f, 0x02, 0x0c, 0x02, 0x7f],
    [0x7f, 0x04, 0x08, 0x10, 0x7f],
    [0x3e, 0x41, 0x41, 0x41, 0x3e],
    [0x7f, 0x09, 0x09, 0x09, 0x06],
    [0x7f, 0x09, 0x19, 0x29, 0x46],
    [0x46, 0x49, 0x49, 0x49, 0x31],
    [0x01, 0x01, 0x7f, 0x01, 0x01],
    [0x3f, 0x40, 0x40, 0x40, 0x3f],
    [0x1f, 0x20, 0x40, 0x20, 0x1f],
    [0x3f, 0x40, 0x38, 0x40, 0x3f],
    [0x63, 0x14, 0x08, 0x14, 0x63],
    [0x07, 0x08, 0x70, 0x08, 0x07],
    [0x61, 0x51, 0x49, 0x45, 0x43],
    [0x3e, 0x51, 0x49, 0x45, 0x3e],
    [0x00, 0x42, 0x7f, 0x40, 0x00],
    [0x42, 0x61, 0x51, 0x49, 0x46],
    [0x21, 0x41, 0x45, 0x4b, 0x31],
    [0x18, 0x14, 0x12, 0x7f, 0x10],
    [0x27, 0x45, 0x45, 0x45, 0x39],
    [0x3c, 0x4a, 0x49, 0x49, 0x30],
    [0x01, 0x71, 0x09, 0x05, 0x03],
    [0x36, 0x49, 0x49, 0x49, 0x36],
    [0x06, 0x49, 0x49, 0x29, 0x1e],
    [0x08, 0x08, 0x08, 0x08, 0x08],
    [0x00, 0x60, 0x60, 0x00, 0x00],
    [0x00, 0x36, 0x36, 0x00, 0x00],
    [0x20, 0x10, 0x08, 0x04, 0x02],
    [0x08, 0x08, 0x3e, 0x08, 0x08],
];
const NAMES: [&str; 6] =
    ["DOE JANE", "PATEL R.", "NGUYEN THI MAI", "OKAFOR C.", "MUSTERMANN MAX", "LOPEZ ANA"];
const PLACES: [&str; 3] = ["ST. MARY HOSPITAL", "DISTRICT CLINIC 7", "KLINIKUM NORD"];
const CAPTIONS: [&str; 4] = ["RIGHT BASE", "L3 ANTERIOR", "POST. LUNG R2", "LEFT 10:30"];

/// The drawing as one layer over the picture.
pub struct Chrome {
    width: usize,
    height: usize,
    /// Luma of the drawing; 0 where the picture shows.
    layer: Vec<u8>,
    /// Pixels a dot.
    dot: usize,
    ink: u8,
}

impl Chrome {
    /// For a picture of this size whose sector covers `spans(y)`: first column and number of columns.
    pub fn new(
        seed: u64,
        (width, height): (u32, u32),
        spans: impl Fn(usize) -> (usize, usize),
    ) -> Chrome {
        let random = &mut Rand32::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0xc470);
        let (width, height) = (width as usize, height as usize);
        let dot = height.div_ceil(480) * (1 + (random.rand_u32() % 2) as usize);
        let ink = uniform(random, 205.0, 255.9) as u8;
        let mut chrome = Chrome { width, height, layer: vec![0; width * height], dot, ink };
        let mut pick = |list: &[&'static str]| list[random.rand_u32() as usize % list.len()];
        let (name, place, caption) = (pick(&NAMES), pick(&PLACES), pick(&CAPTIONS));
        chrome.surround(name, place, height.div_ceil(480));
        let mut across = |share: f32, dots: usize| {
            let y = (height as f32 * share) as usize;
            let (first, len) = spans(y);
            let room = len.saturating_sub(dots * dot + 8);
            (first + 4 + (uniform(random, 0.0, 1.0) * room as f32) as usize, y)
        };
        for (share, words) in [(0.2, caption), (0.7, name), (0.85, "D 1.06CM")] {
            let (x, y) = across(share, words.len() * LETTER.1);
            chrome.write(x, y, words);
        }
        let (x, y) = across(0.45, 40);
        chrome.calipers((x, y), (x + 34 * dot, y + 12 * dot));
        chrome
    }

    /// Draws over a picture.
    pub fn paint(&self, picture: &mut [u8]) {
        for (p, &drawn) in picture.iter_mut().zip(&self.layer) {
            if drawn != 0 {
                *p = drawn;
            }
        }
    }

    /// Luma of the drawing; 0 where the picture shows.
    pub fn layer(&self) -> &[u8] {
        &self.layer
    }

    fn surround(&mut self, name: &str, place: &str, unit: usize) {
        let (width, height, line) = (self.width, self.height, 9 * self.dot);
        for (i, words) in [name, "ID 004711", "B 14.02.1961", "G 62 DR 60"].iter().enumerate() {
            self.write(4 * unit, 4 * unit + i * line, words);
        }
        for (i, words) in [place, "28/04/2026", "13:28:49"].iter().enumerate() {
            let x = width.saturating_sub(words.len() * LETTER.1 * self.dot + 4 * unit);
            self.write(x, 4 * unit + i * line, words);
        }
        // A logo: a grey box with letters in it.
        let (box_width, box_height) = (40 * unit, 28 * unit);
        let top = height.saturating_sub(box_height + 6 * unit);
        self.fill((4 * unit, top), (box_width, box_height), |_| 96);
        self.write(10 * unit, top + 8 * unit, "VX");
        // A grey bar, bright above.
        let bar = (12 * unit, height / 4);
        let place = (width.saturating_sub(30 * unit), height * 2 / 3);
        self.fill(place, bar, |y| (254 - 253 * y / (height / 4)) as u8);
        // A depth scale with a longer tick at every fifth centimetre.
        let ink = self.ink;
        for i in 0..=10 {
            let long = if i % 5 == 0 { 8 } else { 4 } * unit;
            let (x, y) =
                (width.saturating_sub(4 * unit + long), height / 20 + i * height * 9 / 100);
            self.fill((x, y), (long, unit), |_| ink);
        }
    }

    fn write(&mut self, x: usize, y: usize, words: &str) {
        for (i, letter) in words.chars().enumerate() {
            let Some(dots) = LETTERS.find(letter).map(|at| DOTS[at]) else { continue };
            for (column, bits) in dots.iter().enumerate() {
                for row in (0..LETTER.0).filter(|row| bits >> row & 1 == 1) {
                    self.dot_at(x + (i * LETTER.1 + column) * self.dot, y + row * self.dot);
                }
            }
        }
    }

    /// Two crosses joined by dots.
    fn calipers(&mut self, from: (usize, usize), to: (usize, usize)) {
        for (x, y) in [from, to] {
            self.write(x, y, "+");
        }
        let middle = |(x, y): (usize, usize)| (x + 2 * self.dot, y + 3 * self.dot);
        let (a, b) = (middle(from), middle(to));
        for i in 1..8 {
            self.dot_at(a.0 + (b.0 - a.0) * i / 8, a.1 + (b.1 - a.1) * i / 8);
        }
    }

    fn dot_at(&mut self, x: usize, y: usize) {
        let (dot, ink) = (self.dot, self.ink);
        self.fill((x, y), (dot, dot), |_| ink);
    }

    /// A box, its luma by row.
    fn fill(&mut self, (x, y): (usize, usize), size: (usize, usize), luma: impl Fn(usize) -> u8) {
        let right = (x + size.0).min(self.width);
        for row in (y..y + size.1).take_while(|&row| row < self.height) {
            self.layer[row * self.width + x.min(right)..row * self.width + right]
                .fill(luma(row - y).max(1));
        }
    }
}
