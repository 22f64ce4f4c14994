//! Lung scenes: chest wall, ribs with shadows, a sliding pleural line and what lies behind it.
//!
//! The appearances follow the international recommendations for point-of-care lung ultrasound
//! (Volpicelli et al., Intensive Care Med. 38:577-591, 2012): A-lines repeat the pleural line at
//! multiples of its depth; B-lines start at it, reach the bottom without fading, move with
//! sliding and erase A-lines; consolidation is tissue-like with a shredded deep border and air
//! bronchograms; effusion is free of echo.

use oorandom::Rand32;

use super::acoustics::{Canvas, Motion, from_db};
use super::paint::{Column, Wave, smoothstep, uniform};
use super::scan::{LINES, SAMPLES};

/// What a B-line loses on its way down.
const B_LINE_DB_PER_MM: f32 = 0.12;
/// Amplitude, relative to soft tissue, from which a B-line stands out from the haze around it.
const VISIBLE: f32 = 0.2;

/// What is wrong with the lung, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    Normal,
    BLines,
    Confluent,
    Consolidation,
    Effusion,
}

struct Rib {
    lateral: f32,
    half_width: f32,
    depth_mm: f32,
    /// Share of the beam that still gets through.
    leak: f32,
}

struct BLine {
    lateral: f32,
    sigma: f32,
    amplitude: f32,
    ripple: Wave,
}

/// Everything drawn from the seed; a frame is a function of this and of time.
pub struct Lung {
    finding: Finding,
    depth_mm: f32,
    pleura_mm: f32,
    bend: Wave,
    layers: Vec<(f32, f32, Wave)>,
    wall: Wave,
    ribs: Vec<Rib>,
    b_lines: Vec<BLine>,
    /// Coherence of the pleural line along its length.
    shimmer: Wave,
    pleura_amplitude: f32,
    ragged: f32,
    a_line_amplitude: f32,
    a_line_decay: f32,
    haze: f32,
    haze_mm: f32,
    focus: (f32, f32),
    lesion_mm: f32,
    border: Wave,
    texture: Vec<Wave>,
    breath_hz: f32,
    breath_phase: f32,
    slide: f32,
}

impl Lung {
    /// Draws a patient; `lines` asks for a number of B-lines where the scene has them.
    pub fn new(finding: Finding, depth_mm: f32, lines: Option<u32>, random: &mut Rand32) -> Lung {
        let r = random;
        let pleura_mm = uniform(r, 0.13, 0.26) * depth_mm.min(140.0);
        let ribs = match r.rand_range(0..4) {
            0 => vec![],
            1 => vec![rib(r, 0.5, pleura_mm)],
            2 => vec![rib(r, uniform(&mut r.clone(), 0.1, 0.9), pleura_mm)],
            _ => vec![rib(r, 0.16, pleura_mm), rib(r, 0.84, pleura_mm)],
        };
        let count = match finding {
            Finding::BLines => lines.unwrap_or_else(|| r.rand_range(3..6)),
            Finding::Confluent => lines.unwrap_or_else(|| r.rand_range(9..14)),
            Finding::Normal => u32::from(r.rand_range(0..5) == 0),
            _ => r.rand_range(0..3),
        };
        let confluent = finding == Finding::Confluent;
        let b_lines = (0..count)
            .map(|i| BLine {
                lateral: (i as f32 + uniform(r, 0.15, 0.85)) / count as f32,
                sigma: if confluent { uniform(r, 0.03, 0.07) } else { uniform(r, 0.010, 0.026) },
                // A healthy lung may show a single faint one.
                amplitude: from_db(match finding {
                    Finding::Normal => uniform(r, -10.0, -5.0),
                    _ => uniform(r, -1.0, 5.0),
                }),
                ripple: Wave::new(r, 9.0),
            })
            .collect();
        let sick_pleura = finding != Finding::Normal;
        Lung {
            finding,
            depth_mm,
            pleura_mm,
            bend: Wave::new(r, 1.2),
            layers: (0..r.rand_range(6..11))
                .map(|_| {
                    (uniform(r, 0.08, 0.92), from_db(uniform(r, 3.0, 13.0)), Wave::new(r, 2.5))
                })
                .collect(),
            wall: Wave::new(r, 3.0),
            ribs,
            b_lines,
            shimmer: Wave::new(r, 24.0),
            pleura_amplitude: from_db(uniform(r, 20.0, 27.0)),
            ragged: if sick_pleura { uniform(r, 0.4, 1.4) } else { uniform(r, 0.0, 0.2) },
            a_line_amplitude: match finding {
                Finding::Normal => from_db(uniform(r, 0.0, 12.0)),
                Finding::BLines => from_db(uniform(r, -14.0, -4.0)),
                _ => 0.0,
            },
            a_line_decay: uniform(r, 0.40, 0.68),
            haze: from_db(uniform(r, -4.0, 3.0)),
            haze_mm: uniform(r, 10.0, 30.0),
            focus: (uniform(r, 0.30, 0.70), uniform(r, 0.28, 0.60)),
            lesion_mm: uniform(r, 0.25, 0.55) * (depth_mm - pleura_mm),
            border: Wave::new(r, 6.0),
            texture: (0..12).map(|_| Wave::new(r, 7.0)).collect(),
            breath_hz: uniform(r, 0.2, 0.45),
            breath_phase: r.rand_float(),
            slide: uniform(r, 0.03, 0.07),
        }
    }

    /// The same patient in a picture of another depth.
    pub fn shown_to(self, depth_mm: f32) -> Lung {
        Lung { depth_mm, ..self }
    }

    pub fn finding(&self) -> Finding {
        self.finding
    }

    /// Paints the chest at `t` seconds; `vigour` scales breathing (1 = quiet, 0 = apnoea). The probe
    /// is at `place`: to the side in widths of the sector, and pressed in, in mm.
    pub fn paint(&self, t: f32, vigour: f32, place: (f32, f32), canvas: &mut Canvas) -> Motion {
        let (aside, pressed) = place;
        let breath = libm::sinf((t * self.breath_hz + self.breath_phase) * std::f32::consts::TAU);
        // Even in apnoea the heart moves the pleura a little (lung pulse).
        let pulse = 0.0015 * libm::sinf(t * 1.2 * std::f32::consts::TAU);
        let slide = self.slide * breath * vigour + pulse;
        let heave = 0.5 * breath * vigour - pressed;
        for l in 0..LINES {
            let u = l as f32 / (LINES - 1) as f32 + aside;
            let row = l * SAMPLES..(l + 1) * SAMPLES;
            let mut column = Column {
                echo: &mut canvas.echo[row.clone()],
                specular: &mut canvas.specular[row.clone()],
                transmit: &mut canvas.transmit[row.clone()],
                planted: &mut canvas.planted[row],
                samples_per_mm: SAMPLES as f32 / self.depth_mm,
            };
            column.clear();
            let pleura = self.pleura_mm * (1.0 + 0.06 * self.bend.at(u)) + heave;
            canvas.interface_mm[l] = pleura - heave;
            self.chest_wall(&mut column, u, pleura, heave);
            let moved = u - slide;
            let floor = match self.finding {
                Finding::Consolidation | Finding::Effusion => {
                    self.lesion(&mut column, u, moved, pleura)
                }
                _ => pleura,
            };
            self.aerated(&mut column, u, moved, pleura, floor);
            self.pleural_line(&mut column, moved, pleura, floor);
            self.shadow(&mut column, u, heave);
        }
        Motion { lateral: [-aside, slide - aside], axial_mm: heave }
    }

    fn chest_wall(&self, column: &mut Column, u: f32, pleura: f32, heave: f32) {
        let fat = pleura * (0.35 + 0.05 * self.wall.at(u));
        column.fill_echo(0.0, 1.5, from_db(7.0));
        column.fill_echo(1.5, fat, from_db(-7.0) * (1.0 + 0.4 * self.wall.at(u * 2.0)));
        column.shade_echo(fat, pleura, |depth| {
            from_db(-5.0) * (1.0 + 0.6 * self.wall.at(u * 0.8 + 0.21 * depth))
        });
        for (fraction, amplitude, wave) in &self.layers {
            let depth = pleura * fraction * (1.0 + 0.05 * wave.at(u)) + 0.3 * heave;
            let coherence = (0.35 + 0.8 * wave.at(u * 2.3 + 0.2)).clamp(0.0, 1.2);
            column.ridge(depth, 0.35, amplitude * coherence);
        }
    }

    /// Air behind the pleura: haze, A-lines and B-lines, from `floor` downwards.
    fn aerated(&self, column: &mut Column, u: f32, moved: f32, pleura: f32, floor: f32) {
        let open = if floor > pleura { 0.35 } else { 1.0 };
        let streak = (1.0 + 0.5 * self.wall.at(u * 1.7 + 0.3)).max(0.2);
        column.fade_echo(floor, self.haze * open * streak, self.haze_mm);
        let mut b = 0.0;
        for line in &self.b_lines {
            let x = (moved - line.lateral) / line.sigma;
            if x.abs() < 3.0 {
                b += line.amplitude * libm::expf(-x * x / 2.0);
            }
        }
        if b > 0.02 {
            let ripple = self.b_lines.first().map_or(0.0, |line| line.ripple.at(moved * 2.0));
            let level = b * (1.0 + 0.25 * ripple);
            column.comet(floor, level, B_LINE_DB_PER_MM);
            if self.finding != Finding::Normal && level > VISIBLE {
                let reach = 20.0 * libm::log10f(level / VISIBLE) / B_LINE_DB_PER_MM;
                column.plant(floor, floor + reach);
            }
        }
        let erased = 1.0 / (1.0 + 6.0 * b);
        // Reverberation needs a beam that meets the pleura squarely.
        let square = 1.0 - smoothstep(0.15, 0.5, (u - 0.5 - 0.15 * self.bend.at(0.7)).abs());
        let strength = square * (0.6 + 0.6 * self.shimmer.at(u * 0.3)).clamp(0.0, 1.2);
        let mut amplitude = self.a_line_amplitude * erased * strength * open;
        let mut order = 2.0;
        while order * pleura < self.depth_mm && amplitude > 0.02 {
            column.ridge(order * pleura, 0.5 + 0.25 * order, amplitude);
            amplitude *= self.a_line_decay;
            order += 1.0;
        }
    }

    fn pleural_line(&self, column: &mut Column, moved: f32, pleura: f32, floor: f32) {
        let shimmer = (0.6 + 0.6 * self.shimmer.at(moved)).max(0.1);
        let gaps = (1.0 - self.ragged * self.border.at(moved * 3.0).max(0.0)).max(0.05);
        let covered = if floor > pleura { 0.35 } else { 1.0 };
        let jitter = 0.5 * self.ragged * self.texture[0].at(moved * 4.0);
        column.ridge(pleura + jitter, 0.55, self.pleura_amplitude * shimmer * gaps * covered);
    }

    /// Consolidation or effusion; returns the depth where air begins again.
    fn lesion(&self, column: &mut Column, u: f32, moved: f32, pleura: f32) -> f32 {
        let (centre, half) = self.focus;
        let x = (u - centre) / half;
        let dome = (1.0 - x * x).max(0.0);
        if dome <= 0.0 {
            return pleura;
        }
        match self.finding {
            Finding::Consolidation => {
                let shred = (1.0 + 0.45 * self.border.at(moved)).max(0.2);
                let floor = pleura + self.lesion_mm * libm::sqrtf(dome) * shred;
                self.hepatized(column, moved, pleura, floor);
                let shards = (0.3 + 0.8 * self.border.at(moved * 3.0)).max(0.0);
                column.ridge(floor, 1.4, from_db(16.0) * shards);
                column.comet(floor, from_db(0.0) * (0.6 + 0.4 * self.shimmer.at(moved)), 0.35);
                column.plant(pleura, floor);
                floor
            }
            _ => {
                let floor = pleura + 1.5 * self.lesion_mm * libm::sqrtf(dome);
                column.fill_echo(pleura, floor, from_db(-34.0));
                // The collapsed lung floats in the fluid.
                let flap = smoothstep(0.2, 0.7, 0.5 + 0.5 * self.border.at(moved * 0.6));
                let tip = floor - 0.55 * (floor - pleura) * flap;
                self.hepatized(column, moved, tip, floor);
                let patchy = (0.6 + 0.6 * self.shimmer.at(moved * 0.4)).max(0.1);
                column.ridge(tip, 0.8, from_db(7.0) * flap * patchy);
                column.ridge(floor, 1.4, from_db(17.0) * patchy);
                column.comet(floor, from_db(1.0), 0.25);
                column.plant(pleura, floor);
                floor
            }
        }
    }

    /// Airless lung: tissue echo with coarse texture and bright air bronchograms.
    fn hepatized(&self, column: &mut Column, moved: f32, from: f32, to: f32) {
        let base = from_db(-2.0);
        column.shade_echo(from, to, |depth| {
            let row = (depth * 0.5) as usize % self.texture.len();
            let next = (row + 1) % self.texture.len();
            let f = depth * 0.5 - libm::floorf(depth * 0.5);
            let grain = self.texture[row].at(moved) * (1.0 - f) + self.texture[next].at(moved) * f;
            base * (1.0 + 0.35 * grain)
                + if grain > 0.55 { from_db(9.0) * (grain - 0.55) } else { 0.0 }
        });
    }

    fn shadow(&self, column: &mut Column, u: f32, heave: f32) {
        for rib in &self.ribs {
            let x = (u - rib.lateral) / rib.half_width;
            let covered = 1.0 - smoothstep(0.55, 1.35, x.abs());
            if covered > 0.0 {
                let surface = rib.depth_mm + 1.6 * x * x + heave;
                column.ridge(surface, 0.8, from_db(16.0) * covered);
                let left = 1.0 - (1.0 - rib.leak) * covered;
                column.shadow(surface + 1.5, left);
                if left < 0.5 {
                    column.hide(surface + 1.5);
                }
            }
        }
    }
}

fn rib(random: &mut Rand32, lateral: f32, pleura_mm: f32) -> Rib {
    Rib {
        lateral: lateral + uniform(random, -0.08, 0.08),
        half_width: uniform(random, 0.07, 0.14),
        depth_mm: pleura_mm * uniform(random, 0.55, 0.80),
        leak: uniform(random, 0.02, 0.15),
    }
}
