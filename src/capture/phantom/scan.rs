//! Where a polar sample lies in the patient, and scan conversion to the picture.
//!
//! A frame is simulated on a grid of `LINES` beams by `SAMPLES` depths, beam-major. Scan
//! conversion is a table made once: for every picture pixel inside the sector the offset of its
//! four neighbours in that grid and their 8-bit weights, so that a frame is integer work only.

use super::handling::Handling;

/// Beams across the sector.
pub const LINES: usize = 160;
/// Samples along a beam.
pub const SAMPLES: usize = 400;

/// The probe, in millimetres and radians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Probe {
    /// Beams fan out from a curved footprint.
    Convex { radius_mm: f32, half_angle: f32 },
    /// Beams run parallel.
    Linear { width_mm: f32 },
}

/// Pixels of one picture row that lie in the sector.
struct Span {
    start: usize,
    first: usize,
    len: usize,
}

struct Tap {
    offset: u32,
    line_weight: u8,
    sample_weight: u8,
}

/// The table from picture pixels to the polar grid.
pub struct ScanConverter {
    width: usize,
    spans: Vec<Span>,
    taps: Vec<Tap>,
}

impl ScanConverter {
    /// Fits a sector `depth_mm` deep into a picture of `width` by `height` pixels with a small
    /// margin, unless `handling` has it otherwise.
    pub fn new(
        probe: Probe,
        depth_mm: f32,
        (width, height): (u32, u32),
        handling: &Handling,
    ) -> ScanConverter {
        let (w, h) = (width as f32, height as f32);
        let (across, top, bottom) = match probe {
            Probe::Convex { radius_mm, half_angle } => {
                let outer = radius_mm + depth_mm;
                (2.0 * outer * libm::sinf(half_angle), radius_mm * libm::cosf(half_angle), outer)
            }
            Probe::Linear { width_mm } => (width_mm, 0.0, depth_mm),
        };
        let fitting = (across / (0.97 * w)).max((bottom - top) / (0.95 * h));
        let mm_per_pixel = fitting / handling.scale;
        let (centre, y0) = (w * (0.5 + handling.shift), 0.5 * (h - (bottom - top) / mm_per_pixel));
        let mut converter =
            ScanConverter { width: width as usize, spans: Vec::new(), taps: Vec::new() };
        for y in 0..height as usize {
            let (start, mut first) = (converter.taps.len(), None);
            for x in 0..width as usize {
                let px = (x as f32 + 0.5 - centre) * mm_per_pixel;
                let py = (y as f32 + 0.5 - y0) * mm_per_pixel + top;
                if let Some(tap) = tap(probe, depth_mm, px, py) {
                    first.get_or_insert(x);
                    converter.taps.push(tap);
                } else if first.is_some() {
                    break;
                }
            }
            let len = converter.taps.len() - start;
            converter.spans.push(Span { start, first: first.unwrap_or(0), len });
        }
        converter
    }

    /// First column and number of columns of the sector in picture row `y`.
    pub fn span(&self, y: usize) -> (usize, usize) {
        self.spans.get(y).map_or((0, 0), |span| (span.first, span.len))
    }

    /// Draws the beam-major `grid` (`LINES * SAMPLES` bytes) into `picture`; outside the sector is black.
    pub fn convert(&self, grid: &[u8], picture: &mut [u8]) {
        for (row, span) in picture.chunks_exact_mut(self.width).zip(&self.spans) {
            row[..span.first].fill(0);
            row[span.first + span.len..].fill(0);
            let taps = &self.taps[span.start..span.start + span.len];
            for (out, tap) in row[span.first..].iter_mut().zip(taps) {
                let at = tap.offset as usize;
                let (near, far) = (&grid[at..at + 2], &grid[at + SAMPLES..at + SAMPLES + 2]);
                let (ls, ss) = (u32::from(tap.line_weight), u32::from(tap.sample_weight));
                let a = u32::from(near[0]) * (256 - ss) + u32::from(near[1]) * ss;
                let b = u32::from(far[0]) * (256 - ss) + u32::from(far[1]) * ss;
                *out = ((a * (256 - ls) + b * ls + (1 << 15)) >> 16) as u8;
            }
        }
    }
}

/// The neighbours and weights of the point `(x, y)` in millimetres from the centre of curvature.
fn tap(probe: Probe, depth_mm: f32, x: f32, y: f32) -> Option<Tap> {
    let (lateral, depth) = match probe {
        Probe::Convex { radius_mm, half_angle } => {
            (libm::atan2f(x, y) / half_angle, libm::hypotf(x, y) - radius_mm)
        }
        Probe::Linear { width_mm } => (2.0 * x / width_mm, y),
    };
    if !(-1.0..=1.0).contains(&lateral) || !(0.0..=depth_mm).contains(&depth) {
        return None;
    }
    let line = (lateral + 1.0) / 2.0 * (LINES - 1) as f32;
    let sample = depth / depth_mm * (SAMPLES - 1) as f32;
    let (l, s) = ((line as usize).min(LINES - 2), (sample as usize).min(SAMPLES - 2));
    let weight = |fraction: f32| (fraction * 256.0).clamp(0.0, 255.0) as u8;
    Some(Tap {
        offset: (l * SAMPLES + s) as u32,
        line_weight: weight(line - l as f32),
        sample_weight: weight(sample - s as f32),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uniform_grid_fills_the_sector_and_nothing_else() {
        let probe = Probe::Convex { radius_mm: 50.0, half_angle: 0.5 };
        let converter = ScanConverter::new(probe, 120.0, (320, 240), &Handling::default());
        let mut picture = vec![7; 320 * 240];
        converter.convert(&vec![200; LINES * SAMPLES], &mut picture);
        let inside = picture.iter().filter(|&&p| p == 200).count();
        assert_eq!(inside + picture.iter().filter(|&&p| p == 0).count(), picture.len());
        assert!((0.3..0.7).contains(&(inside as f64 / picture.len() as f64)), "{inside}");
        assert_eq!(picture[230 * 320 + 160], 200);
        assert_eq!((picture[0], picture[239 * 320]), (0, 0));
    }
}
