//! Breast scenes: skin, fat lobules between Cooper's ligaments, glandular tissue, muscle, and a
//! cyst or an irregular mass.
//!
//! Appearances after the BI-RADS ultrasound lexicon (ACR, 5th ed.): a simple cyst is free of echo
//! with posterior enhancement; a suspicious mass is irregular, not parallel, angular and shadows.

use oorandom::Rand32;

use super::acoustics::{Canvas, Motion, from_db};
use super::paint::{Column, Wave, smoothstep, uniform};
use super::scan::{LINES, SAMPLES};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lesion {
    None,
    Cyst,
    Mass,
}

pub struct Breast {
    lesion: Lesion,
    depth_mm: f32,
    /// Depth of the picture.
    shown_mm: f32,
    width_mm: f32,
    fat_share: f32,
    muscle_share: f32,
    planes: [Wave; 3],
    ligaments: Vec<(f32, f32, Wave)>,
    gland: Vec<Wave>,
    centre: (f32, f32),
    radii_mm: (f32, f32),
    outline: Wave,
    spikes: f32,
    drift_hz: f32,
}

impl Breast {
    pub fn new(lesion: Lesion, depth_mm: f32, width_mm: f32, random: &mut Rand32) -> Breast {
        let r = random;
        let radius = uniform(r, 4.5, 9.0);
        let tall = if lesion == Lesion::Mass { uniform(r, 0.9, 1.3) } else { uniform(r, 0.6, 0.9) };
        Breast {
            lesion,
            depth_mm,
            shown_mm: depth_mm,
            width_mm,
            fat_share: uniform(r, 0.18, 0.34),
            muscle_share: uniform(r, 0.74, 0.86),
            planes: std::array::from_fn(|_| Wave::new(r, 2.5)),
            ligaments: (0..r.rand_range(3..6))
                .map(|_| (uniform(r, 0.3, 0.95), from_db(uniform(r, 2.0, 8.0)), Wave::new(r, 4.0)))
                .collect(),
            gland: (0..10).map(|_| Wave::new(r, 9.0)).collect(),
            centre: (uniform(r, 0.35, 0.65), uniform(r, 0.42, 0.58)),
            radii_mm: (radius, radius * tall),
            outline: Wave::new(r, 8.0),
            spikes: if lesion == Lesion::Mass { uniform(r, 0.16, 0.32) } else { 0.02 },
            drift_hz: uniform(r, 0.2, 0.4),
        }
    }

    /// The same patient in a picture of another depth.
    pub fn shown_to(self, shown_mm: f32) -> Breast {
        Breast { shown_mm, ..self }
    }

    pub fn lesion(&self) -> Lesion {
        self.lesion
    }

    /// Paints the breast at `t` seconds; `vigour` scales the movement of the hand and of breathing.
    /// The probe is at `place`: to the side in widths of the sector, and pressed in, in mm.
    pub fn paint(&self, t: f32, vigour: f32, place: (f32, f32), canvas: &mut Canvas) -> Motion {
        let (aside, pressed) = place;
        let phase = t * self.drift_hz * std::f32::consts::TAU;
        let drift = vigour * 0.006 * libm::sinf(phase);
        let heave = vigour * 0.25 * libm::sinf(1.7 * phase + 0.4) - pressed;
        for l in 0..LINES {
            let u = l as f32 / (LINES - 1) as f32 - drift + aside;
            let row = l * SAMPLES..(l + 1) * SAMPLES;
            let mut column = Column {
                echo: &mut canvas.echo[row.clone()],
                specular: &mut canvas.specular[row.clone()],
                transmit: &mut canvas.transmit[row.clone()],
                planted: &mut canvas.planted[row],
                samples_per_mm: SAMPLES as f32 / self.shown_mm,
            };
            column.clear();
            canvas.interface_mm[l] = f32::MAX;
            self.tissue(&mut column, u, heave);
            self.lesion_at(&mut column, u, heave);
        }
        Motion { lateral: [drift - aside; 2], axial_mm: heave }
    }

    fn tissue(&self, column: &mut Column, u: f32, heave: f32) {
        let fat = self.depth_mm * (self.fat_share + 0.05 * self.planes[0].at(u)) + heave;
        let muscle = self.depth_mm * (self.muscle_share + 0.025 * self.planes[1].at(u)) + heave;
        column.fill_echo(0.0, 1.6, from_db(9.0));
        column.fill_echo(1.6, fat, from_db(-8.0));
        column.shade_echo(fat, muscle, |depth| {
            let row = (depth * 0.35) as usize % self.gland.len();
            from_db(1.0) * (1.0 + 0.55 * self.gland[row].at(u))
        });
        column.fill_echo(muscle, f32::MAX, from_db(-6.0));
        column.ridge(1.7, 0.25, from_db(10.0));
        for (share, amplitude, wave) in &self.ligaments {
            let depth = 2.0 + (fat - 2.0) * share * (1.0 + 0.35 * wave.at(u));
            column.ridge(depth, 0.22, amplitude * (0.6 + 0.5 * wave.at(u * 2.3)).max(0.0));
        }
        column.ridge(muscle, 0.4, from_db(11.0) * (0.7 + 0.3 * self.planes[2].at(u)));
        for stria in 1..5 {
            let depth =
                muscle + stria as f32 * 1.7 + 0.4 * self.planes[2].at(u + 0.1 * stria as f32);
            column.ridge(depth, 0.25, from_db(1.0));
        }
    }

    fn lesion_at(&self, column: &mut Column, u: f32, heave: f32) {
        if self.lesion == Lesion::None {
            return;
        }
        let (rx, ry) = self.radii_mm;
        let x = (u - self.centre.0) * self.width_mm / rx;
        if x.abs() >= 1.3 {
            return;
        }
        let centre = self.depth_mm * self.centre.1 + heave;
        // The outline is a wave over the angle, sampled on the upper and the lower side.
        let half = ry * libm::sqrtf((1.0 - x * x).max(0.0));
        let upper = centre - half * (1.0 + self.spikes * self.outline.at(0.25 * x));
        let lower = centre + half * (1.0 + self.spikes * self.outline.at(0.5 + 0.25 * x));
        if lower - upper < 0.3 {
            return;
        }
        let inside = 1.0 - smoothstep(0.9, 1.15, x.abs());
        column.plant(upper, lower);
        if self.lesion == Lesion::Cyst {
            column.fill_echo(upper, lower, from_db(-38.0));
            column.ridge(upper, 0.25, from_db(8.0));
            column.ridge(lower, 0.30, from_db(12.0));
            column.enhance(lower, 1.0 + 0.9 * inside);
        } else {
            column.shade_echo(upper, lower, |depth| {
                let row = (depth * 0.8) as usize % self.gland.len();
                from_db(-15.0) * (1.0 + 0.5 * self.gland[row].at(u * 1.7))
            });
            column.ridge(upper, 0.5, from_db(4.0));
            column.shadow(lower - 0.3 * (lower - upper), 1.0 - 0.8 * inside);
        }
    }
}
