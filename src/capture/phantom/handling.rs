//! What an operator does wrong, one thing at a time: probe half off the skin, a shaking hand, a
//! wrong depth, a sector too small or half off the picture. Gain is the receiver's.

use oorandom::Rand32;

use super::acoustics::Canvas;
use super::paint::uniform;
use super::scan::{LINES, SAMPLES};

/// Depth in mm over which a beam in air still shows the ringing of the probe itself.
const RINGING_MM: f32 = 4.0;
/// Distance in mm of the stripes in it: the echoes of the lens.
const STRIPES_MM: f32 = 1.3;

/// How the probe is held and the machine set; the default is without fault.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Handling {
    /// Share of the beams that touch the skin, side by side.
    pub contact: f32,
    /// Sweep of the shaking probe, in widths of the sector.
    pub shake: f32,
    /// Depth of the picture over the depth that suits the patient.
    pub deeper: f32,
    /// Size of the sector over the one that fits the picture.
    pub scale: f32,
    /// How far the sector is moved to the right, in widths of the picture.
    pub shift: f32,
}

impl Default for Handling {
    fn default() -> Handling {
        Handling { contact: 1.0, shake: 0.0, deeper: 1.0, scale: 1.0, shift: 0.0 }
    }
}

impl Handling {
    /// Where the probe is at `t` seconds: to the side in widths of the sector, and pressed in, in
    /// mm. The hand moves at about two strokes a second.
    pub fn place(&self, t: f32) -> (f32, f32) {
        let wave = |hz: f32| libm::sinf(t * hz * std::f32::consts::TAU);
        (self.shake * (0.35 * wave(1.7) + 0.15 * wave(2.9)), 4.0 * self.shake * wave(2.3))
    }

    /// Takes the echo from the beams that do not touch the skin; which they are depends on `seed`.
    pub fn lift(&self, seed: u64, depth_mm: f32, canvas: &mut Canvas) {
        let lost = ((1.0 - self.contact) * LINES as f32) as usize;
        let mut random = Rand32::new(seed ^ 0x0a1f);
        let first = uniform(&mut random, 0.0, (LINES - lost) as f32 + 0.99) as usize;
        let samples_per_mm = SAMPLES as f32 / depth_mm;
        for l in first..(first + lost).min(LINES) {
            let row = l * SAMPLES..(l + 1) * SAMPLES;
            canvas.echo[row.clone()].fill(0.0);
            canvas.planted[row.clone()].fill(0);
            canvas.transmit[row.clone()].fill(1.0);
            for (s, echo) in canvas.specular[row].iter_mut().enumerate() {
                let depth = s as f32 / samples_per_mm;
                let stripe = 1.0 + libm::cosf(depth / STRIPES_MM * std::f32::consts::TAU);
                let left = 1.0 - depth / RINGING_MM;
                *echo = if left > 0.0 { 1.5 * left * stripe } else { 0.0 };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_half_off_the_skin_rings_and_shows_nothing_below() {
        for seed in 0..40 {
            let mut canvas = Canvas::new();
            canvas.echo.fill(1.0);
            Handling { contact: 0.5, ..Handling::default() }.lift(seed, 100.0, &mut canvas);
            let dead = canvas.echo.chunks_exact(SAMPLES).filter(|beam| beam[200] == 0.0).count();
            assert_eq!(dead, LINES / 2);
            let ringing = canvas.specular.iter().filter(|&&s| s > 0.0).count();
            assert!(ringing <= dead * SAMPLES / 25, "{ringing}");
        }
    }

    #[test]
    fn a_steady_hand_and_full_contact_change_nothing() {
        let (handling, mut canvas) = (Handling::default(), Canvas::new());
        canvas.echo.fill(1.0);
        handling.lift(7, 100.0, &mut canvas);
        assert!(canvas.echo.iter().all(|&e| e == 1.0));
        assert_eq!(handling.place(1.3), (0.0, 0.0));
    }
}
