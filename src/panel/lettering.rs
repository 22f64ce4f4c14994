//! Words in very large type: a bitmap font enlarged with Scale2x, which keeps curves and slants
//! smooth (Mazzoleni, <https://www.scale2x.it/algorithm>).

use embedded_graphics::Drawable;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::mono_font::{MonoTextStyle, ascii::FONT_10X20};
use embedded_graphics::pixelcolor::{BinaryColor, PixelColor};
use embedded_graphics::primitives::Rectangle;
use embedded_graphics::text::{Baseline, Text};

use super::framebuffer::Framebuffer;

/// Width and height of one letter of the font.
const LETTER: Size = FONT_10X20.character_size;

/// A word as a bitmap.
struct Bitmap {
    width: usize,
    lit: Vec<bool>,
}

impl Bitmap {
    fn of(word: &str) -> Bitmap {
        let size = Size::new(LETTER.width * word.len() as u32, LETTER.height);
        let mut canvas = Framebuffer::new(size, BinaryColor::Off);
        let style = MonoTextStyle::new(&FONT_10X20, BinaryColor::On);
        // Drawing on memory cannot fail.
        let _ = Text::with_baseline(word, Point::zero(), style, Baseline::Top).draw(&mut canvas);
        let lit = canvas.pixels().iter().map(|pixel| pixel.is_on()).collect();
        Bitmap { width: size.width as usize, lit }
    }

    fn height(&self) -> usize {
        self.lit.len() / self.width.max(1)
    }

    /// Whether the pixel is lit; outside nothing is.
    fn at(&self, x: isize, y: isize) -> bool {
        let inside =
            (0..self.width as isize).contains(&x) && (0..self.height() as isize).contains(&y);
        inside && self.lit[y as usize * self.width + x as usize]
    }

    fn doubled(&self) -> Bitmap {
        let mut lit = vec![false; self.lit.len() * 4];
        let width = self.width * 2;
        for y in 0..self.height() {
            for x in 0..self.width {
                let (cx, cy) = (x as isize, y as isize);
                let here = self.at(cx, cy);
                let (up, down) = (self.at(cx, cy - 1), self.at(cx, cy + 1));
                let (left, right) = (self.at(cx - 1, cy), self.at(cx + 1, cy));
                let mut quarters = [here; 4];
                if up != down && left != right {
                    let pick = |a: bool, b: bool| if a == b { a } else { here };
                    quarters =
                        [pick(left, up), pick(up, right), pick(left, down), pick(down, right)];
                }
                for (i, quarter) in quarters.into_iter().enumerate() {
                    lit[(2 * y + i / 2) * width + 2 * x + i % 2] = quarter;
                }
            }
        }
        Bitmap { width, lit }
    }

    /// Half as wide.
    fn condensed(&self) -> Bitmap {
        let lit = self.lit.chunks_exact(2).map(|pair| pair[0] | pair[1]).collect();
        Bitmap { width: self.width / 2, lit }
    }
}

/// Draws `word` as large as fits into `area`, centred; `false`, drawing nothing, if it does not.
pub fn draw<D: DrawTarget>(
    target: &mut D,
    word: &str,
    area: Rectangle,
    colour: D::Color,
) -> Result<bool, D::Error>
where
    D::Color: PixelColor,
{
    let room = |width: usize, height: usize| {
        width <= area.size.width as usize && height <= area.size.height as usize
    };
    let mut bitmap = Bitmap::of(word);
    while room(bitmap.width, 2 * bitmap.height()) {
        let next = bitmap.doubled();
        if !room(next.width, next.height()) {
            // Tall and narrow is easier to read than small.
            bitmap = next.condensed();
            break;
        }
        bitmap = next;
    }
    if !room(bitmap.width, bitmap.height()) {
        return Ok(false);
    }
    let size = Size::new(bitmap.width as u32, bitmap.height() as u32);
    let corner = area.center() - Point::new(size.width as i32 / 2, size.height as i32 / 2);
    let pixels = bitmap.lit.iter().enumerate().filter(|(_, lit)| **lit).map(|(i, _)| {
        let at = Point::new((i % bitmap.width) as i32, (i / bitmap.width) as i32);
        embedded_graphics::Pixel(corner + at, colour)
    });
    target.draw_iter(pixels)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enlarging_keeps_the_word_and_rounds_its_corners() {
        let small = Bitmap::of("R?");
        let large = small.doubled();
        assert_eq!((large.width, large.height()), (40, 40));
        let agree = (0..40 * 40).filter(|i| {
            let (x, y) = ((i % 40) / 2, (i / 40) / 2);
            large.lit[*i] == small.at(x as isize, y as isize)
        });
        let agree = agree.count();
        // Only corners change.
        assert!((1500..1600).contains(&agree), "{agree}");
        assert_eq!(large.condensed().width, 20);
    }
}
