//! Words in letters of pixels, as large as their place allows.
//!
//! The Latin font has 8 by 8 pixels and knows accents. Of Chinese there are the characters of the
//! verdicts, drawn for this program in 16 by 16. Words of other letters are told by `false`.

use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Rect};
use ratatui::style::Style;
use ratatui::widgets::Widget;
use tui_big_text::{BigText, PixelSize};

use super::symbols::Symbols;

/// Pixels of a Latin letter, in both directions; the last of each is mostly empty.
const LATIN: u16 = 8;
/// Pixels of a Chinese character, in both directions, and from one to the next.
const CHINESE: u16 = 16;
const PITCH: u16 = CHINESE + 2;
/// Each character on a line, then its rows.
const DRAWN: &str = include_str!("letters/chinese.txt");

/// A line of letters.
struct Pixels {
    width: u16,
    height: u16,
    lit: Vec<bool>,
}

impl Pixels {
    fn at(&self, x: u16, y: u16) -> bool {
        let place = usize::from(y) * usize::from(self.width) + usize::from(x);
        x < self.width && self.lit.get(place).is_some_and(|&lit| lit)
    }
}

/// Lines of letters; how many columns two pixels take, and how many half rows one takes.
struct Setting {
    lines: Vec<Pixels>,
    across: u16,
    halves: u16,
}

/// Whether every letter of `text` is in the Latin font.
pub fn known(text: &str) -> bool {
    text.chars().all(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{ff}'))
}

/// Draws `text` over as much of `area` as it can fill, in one row or a row a word; false, and
/// nothing drawn, where it does not fit.
pub fn fill(text: &str, style: Style, symbols: &Symbols, area: Rect, buffer: &mut Buffer) -> bool {
    let whole = vec![text.to_owned()];
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let settings = [&whole, &words].map(|lines| setting(lines, symbols, area));
    let best = settings.into_iter().flatten().max_by_key(|s| u32::from(s.across * s.halves));
    match best {
        Some(setting) => {
            draw(&setting, style, symbols, area, buffer);
            true
        }
        None => [whole, words].iter().any(|lines| small(lines, style, symbols, area, buffer)),
    }
}

/// Draws `lines` in letters of 4 by 4 characters, centred; false where they do not fit.
pub fn small(
    lines: &[String],
    style: Style,
    symbols: &Symbols,
    area: Rect,
    buffer: &mut Buffer,
) -> bool {
    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
    let (width, height) = (longest * 4, lines.len() * 4);
    let fits = width <= usize::from(area.width) && height <= usize::from(area.height);
    if symbols.ascii || !fits || !lines.iter().all(|line| known(line)) {
        return false;
    }
    let top = area.y + (area.height - height as u16) / 2;
    let place = Rect { y: top, height: height as u16, ..area };
    let text = BigText::builder()
        .pixel_size(PixelSize::Quadrant)
        .alignment(Alignment::Center)
        .style(style)
        .lines(lines.iter().map(|line| line.clone().into()).collect::<Vec<_>>())
        .build();
    text.render(place, buffer);
    true
}

/// The largest pixels with which `lines` fit. A terminal's cell is twice as high as it is wide, so
/// as many half rows as columns are a square; up to twice as many are still good letters.
fn setting(lines: &[String], symbols: &Symbols, area: Rect) -> Option<Setting> {
    let lines: Vec<Pixels> = lines.iter().map(|line| pixels(line)).collect::<Option<_>>()?;
    let width = lines.iter().map(|line| line.width).max()?.max(1);
    let height = lines.iter().map(|line| line.height).sum::<u16>().max(1);
    let across = 2 * area.width / width;
    let halves = (2 * area.height / height).min(across);
    let halves = if symbols.ascii { halves / 2 * 2 } else { halves };
    let across = across.min(4 * halves);
    (across > 1 && halves > 0).then_some(Setting { lines, across, halves })
}

fn draw(setting: &Setting, style: Style, symbols: &Symbols, area: Rect, buffer: &mut Buffer) {
    let &Setting { ref lines, across, halves } = setting;
    let height = lines.iter().map(|line| line.height).sum::<u16>() * halves;
    let top = area.y + area.height.saturating_sub(height / 2) / 2;
    // The first half row of a line.
    let mut first = 0;
    for line in lines {
        let columns = line.width * across / 2;
        let left = area.x + area.width.saturating_sub(columns) / 2;
        let end = first + line.height * halves;
        for row in first / 2..end.div_ceil(2) {
            for x in 0..columns {
                let lit = |half: u16| {
                    (first..end).contains(&half) && line.at(2 * x / across, (half - first) / halves)
                };
                let symbol = match (lit(2 * row), lit(2 * row + 1)) {
                    (false, false) => continue,
                    _ if symbols.ascii => "#",
                    (true, true) => "█",
                    (true, false) => "▀",
                    (false, true) => "▄",
                };
                if let Some(cell) = buffer.cell_mut((left + x, top + row)) {
                    cell.set_symbol(symbol).set_style(style);
                }
            }
        }
        first = end;
    }
}

/// None where a letter is not known.
fn pixels(line: &str) -> Option<Pixels> {
    if known(line) { Some(latin(line)) } else { chinese(line) }
}

fn latin(line: &str) -> Pixels {
    let letters = line.chars().count() as u16;
    let area = Rect::new(0, 0, letters * LATIN, LATIN);
    let mut buffer = Buffer::empty(area);
    let text =
        BigText::builder().pixel_size(PixelSize::Full).lines(vec![line.to_owned().into()]).build();
    text.render(area, &mut buffer);
    // Without the empty column at the end.
    let width = area.width.saturating_sub(1);
    let lit = (0..LATIN).flat_map(|y| (0..width).map(move |x| (x, y)));
    let lit = lit.map(|at| buffer.cell(at).is_some_and(|cell| cell.symbol() != " ")).collect();
    Pixels { width, height: LATIN, lit }
}

fn chinese(line: &str) -> Option<Pixels> {
    let glyph = |character: char| {
        let mut rows = DRAWN.lines().skip_while(move |row| !row.starts_with(character));
        rows.next().map(|_| rows.take(CHINESE.into()))
    };
    let letters = line.chars().count() as u16;
    let (width, height) = ((letters * PITCH).saturating_sub(PITCH - CHINESE), CHINESE);
    let mut lit = vec![false; usize::from(width * height)];
    for (i, character) in line.chars().enumerate() {
        for (y, row) in glyph(character)?.enumerate() {
            let start = y * usize::from(width) + i * usize::from(PITCH);
            for (pixel, mark) in lit[start..].iter_mut().zip(row.chars()) {
                *pixel = mark == '#';
            }
        }
    }
    Some(Pixels { width, height, lit })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::{Language, Texts};

    #[test]
    fn every_verdict_has_its_letters() {
        for language in Language::ALL {
            let texts = Texts::new(language);
            for face in ["refer", "clear", "ungradable", "fault", "ready"] {
                let word = texts.coded("banner", face);
                let pixels = pixels(&word).unwrap_or_else(|| panic!("{word}"));
                let lit = pixels.lit.iter().filter(|&&lit| lit).count();
                assert!(lit > 15 * word.chars().count(), "{word}");
            }
        }
        let rows = DRAWN.lines().filter(|row| row.starts_with(['.', '#']));
        assert!(rows.clone().all(|row| row.len() == 16));
        assert_eq!(rows.count(), 16 * DRAWN.lines().filter(|row| !row.is_ascii()).count());
        assert!(pixels("ж").is_none());
    }
}
