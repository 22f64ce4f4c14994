//! The picture in colour, with what is laid over it: the same on every screen and in exports.
//!
//! Colours are from the palette of Okabe and Ito, safe for colour-blind eyes.

use std::ops::Range;

use super::{HeatMap, Outline};

/// Red, green, blue.
pub type Colour = [u8; 3];

/// For referring, against it, and the outline.
pub const FOR: Colour = [213, 94, 0];
pub const AGAINST: Colour = [86, 180, 233];
pub const OUTLINE: Colour = [240, 228, 66];
/// How much of the grey a cell at full strength covers: echo must be seen beneath.
const COVER: f32 = 0.6;
/// Weaker cells leave the picture as it is.
pub const FAINT: f32 = 0.08;

/// Paints `luma`, `width` pixels a row, over which `heat` and `outline` lie; `line` is the width of
/// the outline in pixels.
pub fn paint(luma: &[u8], width: usize, heat: &HeatMap, outline: &Outline, line: usize) -> Vec<u8> {
    let height = luma.len().checked_div(width).unwrap_or(0);
    let mut pixels = Vec::with_capacity(3 * width * height);
    let (heated, outlined) = (!heat.is_empty(), !outline.is_empty());
    let place = |at: usize, count: usize| (at as f32 + 0.5) / count as f32;
    for (y, row) in luma.chunks_exact(width.max(1)).enumerate() {
        let lit = lit(row);
        for (x, &grey) in row.iter().enumerate() {
            let (u, v) = (place(x, width), place(y, height));
            if outlined && on_outline(outline, u, v, [width, height], line) {
                pixels.extend(OUTLINE);
                continue;
            }
            let strength = if heated && lit.contains(&x) { heat.at(u, v) } else { 0.0 };
            let colour = if strength > 0.0 { FOR } else { AGAINST };
            let cover = if strength.abs() < FAINT { 0.0 } else { COVER * strength.abs() };
            let mix = |c: u8| f32::from(grey) * (1.0 - cover) + f32::from(c) * cover;
            pixels.extend(colour.map(|c| mix(c).round() as u8));
        }
    }
    pixels
}

/// From a row's first pixel that is not black to its last: what is masked gets no heat.
pub fn lit(row: &[u8]) -> Range<usize> {
    let first = row.iter().position(|&grey| grey > 0).unwrap_or(row.len());
    first..row.iter().rposition(|&grey| grey > 0).map_or(first, |last| last + 1)
}

/// Whether a place is inside, and less than `line` pixels from one that is not.
pub fn on_outline(outline: &Outline, u: f32, v: f32, size: [usize; 2], line: usize) -> bool {
    let [dx, dy] = size.map(|side| line as f32 / side as f32);
    outline.at(u, v)
        && [(-dx, 0.0), (dx, 0.0), (0.0, -dy), (0.0, dy)]
            .into_iter()
            .any(|(dx, dy)| !outline.at(u + dx, v + dy))
}

#[cfg(test)]
mod tests {
    use super::super::Area;
    use super::*;

    #[test]
    fn nothing_laid_over_leaves_the_grey() {
        let luma = [0, 100, 200, 255];
        let painted = paint(&luma, 2, &HeatMap::default(), &Outline::default(), 1);
        assert_eq!(painted, luma.map(|grey| [grey; 3]).as_flattened());
    }

    #[test]
    fn colours_tell_for_from_against_and_the_outline_is_a_line() {
        let (mut heat, mut outline) = (HeatMap::default(), Outline::default());
        heat.fill(2, &[4.0, -4.0], 4.0, Area::WHOLE);
        let mut mask = [-1.0; 64];
        [18, 19, 20, 26, 27, 28, 34, 35, 36].iter().for_each(|&i| mask[i] = 1.0);
        outline.fill(8, &mask, 0.0, Area::WHOLE);
        let mut luma = [90; 64];
        luma[56] = 0;
        luma[58] = 0;
        let painted = paint(&luma, 8, &heat, &outline, 1);
        let pixel = |i: usize| [painted[3 * i], painted[3 * i + 1], painted[3 * i + 2]];
        assert!(pixel(0)[0] > pixel(0)[2] && pixel(7)[2] > pixel(7)[0]);
        assert_eq!(pixel(56), [0; 3], "nothing is laid over what was masked");
        assert_ne!(pixel(58), [0; 3], "dark echo");
        let line = (0..64).filter(|&i| pixel(i) == OUTLINE).count();
        assert_eq!(line, 8, "the rim of nine pixels");
    }
}
