//! The body itself: lines in a unit square, drawn with dots, which ASCII strokes can stand for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Line};

use crate::protocol::{Side, View, Zone};

/// Half a torso: from the middle outwards (0 to 1), and from the top (0 to 1).
const TORSO: [(f64, f64); 12] = [
    (0.17, 0.0),
    (0.17, 0.07),
    (0.24, 0.12),
    (0.45, 0.155),
    (0.75, 0.18),
    (0.92, 0.23),
    (0.99, 0.32),
    (0.97, 0.45),
    (0.91, 0.62),
    (0.88, 0.78),
    (0.92, 0.92),
    (0.98, 1.0),
];
/// The lower rim of the ribs.
const RIBS: [(f64, f64); 4] = [(0.0, 0.62), (0.18, 0.72), (0.40, 0.82), (0.56, 0.88)];
/// A shoulder blade.
const BLADE: [(f64, f64); 4] = [(0.28, 0.24), (0.70, 0.28), (0.40, 0.54), (0.28, 0.24)];
/// Rows from which on ribs, shoulder blades and nipples do not confuse.
const ROWS_FOR_DETAIL: u16 = 14;
/// Radii of a breast and of its nipple in the unit square.
const BREAST: f64 = 0.28;
const NIPPLE: f64 = 0.05;

/// One of the pictures that a map consists of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Drawing {
    Front,
    Back,
    Breast(Side),
}

impl Drawing {
    pub fn shows(self, zone: &Zone) -> bool {
        match self {
            Drawing::Front => zone.view == View::Front,
            Drawing::Back => zone.view == View::Back,
            Drawing::Breast(side) => zone.view == View::Breast && zone.side == side,
        }
    }

    /// By which its caption is found.
    pub fn code(self) -> &'static str {
        match self {
            Drawing::Front => "front",
            Drawing::Back => "back",
            Drawing::Breast(Side::Right) => "right",
            Drawing::Breast(Side::Left) => "left",
        }
    }

    /// The largest place in the middle of `part` that does not distort; a cell is twice as high as
    /// it is wide.
    pub fn fit(self, part: Rect) -> Rect {
        let height = u32::from(part.height);
        let (margin, widest) = match self {
            Drawing::Front | Drawing::Back => (1, 3 * height),
            Drawing::Breast(_) => (2, 9 * height.saturating_sub(1) / 4),
        };
        let room = part.width.saturating_sub(margin);
        let width = room.min(u16::try_from(widest).unwrap_or(room));
        let x = part.x + (part.width - width) / 2;
        Rect { x, width, ..part }
    }

    /// The part that zones lie in.
    pub fn face(self, part: Rect) -> Rect {
        match self {
            Drawing::Front | Drawing::Back => part,
            Drawing::Breast(_) => Rect { height: part.height.saturating_sub(1), ..part },
        }
    }

    pub fn caption_row(self, part: Rect) -> u16 {
        part.bottom().saturating_sub(1)
    }

    /// Its strokes, each a line through points of the unit square.
    fn strokes(self, fine: bool) -> Vec<Vec<(f64, f64)>> {
        let both = |half: &[(f64, f64)]| {
            [-0.5, 0.5].map(|scale| half.iter().map(|&(x, y)| (0.5 + scale * x, y)).collect())
        };
        let circle = |radius: f64| {
            let angles = (0..=48).map(|i| std::f64::consts::TAU * f64::from(i) / 48.0);
            angles.map(|a| (0.5 + radius * a.sin(), 0.5 - radius * a.cos())).collect::<Vec<_>>()
        };
        let middle = |top: f64, bottom: f64| vec![(0.5, top), (0.5, bottom)];
        let mut strokes = Vec::new();
        match self {
            Drawing::Front => {
                strokes.extend(both(&TORSO));
                strokes.push(middle(0.2, 0.62));
                strokes.extend(both(&RIBS).into_iter().filter(|_| fine));
            }
            Drawing::Back => {
                strokes.extend(both(&TORSO));
                strokes.push(middle(0.1, 0.9));
                strokes.extend(both(&BLADE).into_iter().filter(|_| fine));
            }
            Drawing::Breast(_) => {
                strokes.push(circle(BREAST));
                strokes.extend(fine.then(|| circle(NIPPLE)));
            }
        }
        strokes
    }
}

/// Draws the body with dots.
pub(super) fn draw(drawing: Drawing, part: Rect, buf: &mut Buffer) {
    let strokes = drawing.strokes(part.height >= ROWS_FOR_DETAIL);
    Canvas::default()
        .marker(Marker::Braille)
        .x_bounds([0.0, 1.0])
        .y_bounds([0.0, 1.0])
        .paint(|context| {
            for pair in strokes.iter().flat_map(|stroke| stroke.windows(2)) {
                let [(x1, y1), (x2, y2)] = [pair[0], pair[1]];
                context.draw(&Line { x1, y1: 1.0 - y1, x2, y2: 1.0 - y2, color: Color::Reset });
            }
        })
        .render(drawing.face(part), buf);
}

/// Turns dots into the ASCII stroke that is most like them.
pub(super) fn to_ascii(area: Rect, buf: &mut Buffer) {
    for position in area.positions() {
        let Some(cell) = buf.cell_mut(position) else { continue };
        let symbol = cell.symbol().chars().next().unwrap_or(' ');
        if let dots @ 0x2800..=0x28ff = u32::from(symbol) {
            cell.set_char(stroke((dots - 0x2800) as u8));
        }
    }
}

/// Of a braille pattern's dots: rows 0 to 3 of the left and of the right column.
fn stroke(dots: u8) -> char {
    const LEFT: [u8; 4] = [0x01, 0x02, 0x04, 0x40];
    const RIGHT: [u8; 4] = [0x08, 0x10, 0x20, 0x80];
    let rows = |column: [u8; 4]| {
        let lit = (0..4).filter(move |&row| dots & column[row] != 0).map(|row| row as f32);
        let count = lit.clone().count();
        (count > 0).then(|| lit.sum::<f32>() / count as f32)
    };
    match (rows(LEFT), rows(RIGHT)) {
        (None, None) => ' ',
        (Some(left), Some(right)) if left - right > 1.0 => '/',
        (Some(left), Some(right)) if right - left > 1.0 => '\\',
        (Some(left), Some(right)) if dots.count_ones() <= 3 => {
            if left + right >= 3.0 {
                '_'
            } else {
                '-'
            }
        }
        (Some(_), Some(_)) => '|',
        _ if dots.count_ones() >= 2 => '|',
        (Some(row), None) | (None, Some(row)) if row < 1.5 => '\'',
        _ => '.',
    }
}
