//! From scatterers to echo: point spread, noise, persistence and log compression.
//!
//! Linear acoustics on the polar grid. The field is the complex sum of point scatterers (phase
//! from the round trip at the carrier) and of specular interfaces, convolved with a separable
//! Gaussian point-spread function whose lateral width grows away from the focus; the envelope is
//! its magnitude. The model is the classical one behind speckle (Wagner et al., IEEE Trans.
//! Sonics Ultrason. 30(3):156-163, 1983); reverberation is painted by the scenes.

use oorandom::Rand32;

use super::scan::{LINES, SAMPLES};

const CELLS: usize = LINES * SAMPLES;
/// Scatterers in the field; about eight a resolution cell, enough for fully developed speckle.
const SCATTERERS: usize = 48_000;
/// Speed of sound in soft tissue, mm/µs.
const SPEED: f32 = 1.54;
const AXIAL_TAPS: usize = 4;
const LATERAL_TAPS: usize = 7;

/// What a scene paints for one frame, beam-major. Amplitudes are relative to soft tissue (1.0).
pub struct Canvas {
    /// Backscatter of diffuse tissue.
    pub echo: Vec<f32>,
    /// Specular interfaces and reverberations.
    pub specular: Vec<f32>,
    /// What is left of the beam at that depth, 0–1 (shadows).
    pub transmit: Vec<f32>,
    /// Non-zero where the scene planted its finding.
    pub planted: Vec<u8>,
    /// Depth of the interface that divides still from sliding tissue, in mm, one a beam.
    pub interface_mm: Vec<f32>,
}

impl Canvas {
    pub fn new() -> Canvas {
        Canvas {
            echo: vec![0.0; CELLS],
            specular: vec![0.0; CELLS],
            transmit: vec![1.0; CELLS],
            planted: vec![0; CELLS],
            interface_mm: vec![0.0; LINES],
        }
    }
}

struct Scatterer {
    /// Position across the sector, 0–1.
    lateral: f32,
    /// Depth in mm at rest.
    depth_mm: f32,
    amplitude: f32,
    /// Own phase in turns.
    phase: f32,
}

/// How far tissue has moved since rest.
#[derive(Debug, Clone, Copy, Default)]
pub struct Motion {
    /// Lateral shift above and below the interface, in sector widths.
    pub lateral: [f32; 2],
    /// Axial shift of everything, in mm.
    pub axial_mm: f32,
}

/// The simulated scanner: scatterers, beams and receiver.
pub struct Scanner {
    depth_mm: f32,
    /// Round-trip phase turns per millimetre of depth at the carrier.
    turns_per_mm: f32,
    scatterers: Vec<Scatterer>,
    cosine: Vec<f32>,
    field: [Vec<f32>; 2],
    blurred: [Vec<f32>; 2],
    axial: [f32; 2 * AXIAL_TAPS + 1],
    /// Lateral weights by tap and depth.
    lateral: Vec<f32>,
    noise: Vec<f32>,
    noise_floor: Vec<f32>,
    /// Weight of each beam: the outer ones have less aperture.
    apodization: Vec<f32>,
    envelope: Vec<f32>,
    smoothed: Vec<f32>,
    random: Rand32,
    started: bool,
}

/// Receiver settings.
#[derive(Debug, Clone, Copy)]
pub struct Receiver {
    /// Carrier frequency in MHz; it sets the axial resolution.
    pub carrier_mhz: f32,
    /// Level of soft tissue in dB below white.
    pub headroom_db: f32,
    /// Dynamic range shown, in dB.
    pub range_db: f32,
    /// Share of the previous frame's envelope that is kept, 0–1.
    pub persistence: f32,
    /// Electronic noise relative to soft tissue at the skin and at full depth, in dB.
    pub noise_db: [f32; 2],
}

impl Scanner {
    pub fn new(seed: u64, depth_mm: f32, receiver: &Receiver) -> Scanner {
        let mut random = Rand32::new(seed ^ 0x5ca7);
        let scatterers = (0..SCATTERERS)
            .map(|_| Scatterer {
                lateral: random.rand_float(),
                depth_mm: random.rand_float() * depth_mm,
                amplitude: 0.5 + random.rand_float(),
                phase: random.rand_float(),
            })
            .collect();
        let cosine =
            (0..1280).map(|i| libm::cosf(i as f32 / 1024.0 * std::f32::consts::TAU)).collect();
        // A pulse of about two periods.
        let sigma_axial = 0.9 * SPEED / receiver.carrier_mhz / (depth_mm / SAMPLES as f32);
        let axial = std::array::from_fn(|i| gauss(i as f32 - AXIAL_TAPS as f32, sigma_axial));
        let mut lateral = vec![0.0; (2 * LATERAL_TAPS + 1) * SAMPLES];
        let mut noise_floor = vec![0.0; SAMPLES];
        for s in 0..SAMPLES {
            let deep = s as f32 / SAMPLES as f32;
            let sigma = 1.5 + 1.7 * (deep - 0.3).abs();
            // One scatterer's energy through both blurs; normalizes mean backscatter to 1.
            let energy = sigma * sigma_axial * std::f32::consts::PI;
            let density = SCATTERERS as f32 / CELLS as f32 * 13.0 / 12.0;
            let norm = 1.0 / libm::sqrtf(energy * density);
            for tap in 0..2 * LATERAL_TAPS + 1 {
                lateral[tap * SAMPLES + s] = norm * gauss(tap as f32 - LATERAL_TAPS as f32, sigma);
            }
            let db = receiver.noise_db[0] + (receiver.noise_db[1] - receiver.noise_db[0]) * deep;
            noise_floor[s] = from_db(db);
        }
        // A sum of uniforms is close enough to normal for receiver noise.
        let noise = (0..CELLS + SAMPLES)
            .map(|_| (0..4).map(|_| random.rand_float()).sum::<f32>() * 1.73 - 3.46)
            .collect();
        let apodization = (0..LINES)
            .map(|l| {
                let x = 2.0 * l as f32 / (LINES - 1) as f32 - 1.0;
                1.0 - 0.45 * x * x * x * x
            })
            .collect();
        Scanner {
            depth_mm,
            turns_per_mm: 2.0 * receiver.carrier_mhz / SPEED,
            scatterers,
            cosine,
            field: [vec![0.0; CELLS], vec![0.0; CELLS]],
            blurred: [vec![0.0; CELLS], vec![0.0; CELLS]],
            axial,
            lateral,
            noise,
            noise_floor,
            apodization,
            envelope: vec![0.0; CELLS],
            smoothed: vec![0.0; CELLS],
            random,
            started: false,
        }
    }

    /// Insonifies the painted scene and writes the log-compressed beams (`LINES * SAMPLES` bytes).
    pub fn receive(
        &mut self,
        canvas: &Canvas,
        motion: Motion,
        gain_db: f32,
        receiver: &Receiver,
        beams: &mut [u8],
    ) {
        self.scatter(canvas, motion);
        self.reflect(canvas, motion);
        for part in 0..2 {
            blur_axial(&self.field[part], &self.axial, &mut self.blurred[part]);
        }
        for part in 0..2 {
            blur_lateral(&self.blurred[part], &self.lateral, &mut self.field[part]);
        }
        self.detect(canvas, receiver.persistence);
        let scale = 255.0 / receiver.range_db;
        let offset = receiver.range_db - receiver.headroom_db + gain_db;
        let spare = &mut self.blurred[0];
        smooth(&self.envelope, spare);
        smooth(spare, &mut self.smoothed);
        for (out, &e) in beams.iter_mut().zip(&self.smoothed) {
            *out = ((decibels(e) + offset) * scale).clamp(0.0, 255.0) as u8;
        }
    }

    /// Adds every scatterer to the two nearest beams and samples.
    fn scatter(&mut self, canvas: &Canvas, motion: Motion) {
        let [re, im] = &mut self.field;
        re.fill(0.0);
        im.fill(0.0);
        let samples_per_mm = SAMPLES as f32 / self.depth_mm;
        for s in &self.scatterers {
            let beam = (s.lateral * (LINES - 1) as f32) as usize;
            let below = usize::from(s.depth_mm > canvas.interface_mm[beam]);
            let u = s.lateral + motion.lateral[below];
            let u = u - libm::floorf(u);
            let depth = s.depth_mm + motion.axial_mm;
            let (x, y) = (u * (LINES - 1) as f32, depth * samples_per_mm);
            if y < 0.0 {
                continue;
            }
            let (l, d) = (x as usize, y as usize);
            if l + 1 >= LINES || d + 1 >= SAMPLES {
                continue;
            }
            let at = l * SAMPLES + d;
            let amplitude = s.amplitude * canvas.echo[at];
            let turns = s.phase + depth * self.turns_per_mm;
            let phase = ((turns - libm::floorf(turns)) * 1024.0) as usize & 1023;
            let (c, q) = (self.cosine[phase] * amplitude, self.cosine[phase + 256] * amplitude);
            let (fx, fy) = (x - l as f32, y - d as f32);
            for (at, weight) in [
                (at, (1.0 - fx) * (1.0 - fy)),
                (at + 1, (1.0 - fx) * fy),
                (at + SAMPLES, fx * (1.0 - fy)),
                (at + SAMPLES + 1, fx * fy),
            ] {
                re[at] += c * weight;
                im[at] += q * weight;
            }
        }
    }

    /// Adds interfaces; their phase wanders slowly along the surface, as a rough one's does.
    fn reflect(&mut self, canvas: &Canvas, motion: Motion) {
        let [re, im] = &mut self.field;
        for l in 0..LINES {
            let turns = l as f32 * 0.11 + motion.lateral[1] * 9.0 + motion.axial_mm * 0.7;
            let phase = ((turns - libm::floorf(turns)) * 1024.0) as usize & 1023;
            let (c, q) = (self.cosine[phase], self.cosine[phase + 256]);
            let row = l * SAMPLES..(l + 1) * SAMPLES;
            let specular = &canvas.specular[row.clone()];
            for ((r, i), &s) in re[row.clone()].iter_mut().zip(&mut im[row]).zip(specular) {
                *r += s * c;
                *i += s * q;
            }
        }
    }

    /// Envelope with shadows, noise and frame persistence.
    fn detect(&mut self, canvas: &Canvas, persistence: f32) {
        let [re, im] = &self.field;
        let keep = if self.started { persistence } else { 0.0 };
        self.started = true;
        for l in 0..LINES {
            let row = l * SAMPLES..(l + 1) * SAMPLES;
            let offset = self.random.rand_range(0..CELLS as u32) as usize;
            let noise = &self.noise[offset..offset + SAMPLES];
            let transmit = &canvas.transmit[row.clone()];
            let aperture = self.apodization[l];
            let (re, im) = (&re[row.clone()], &im[row.clone()]);
            for (s, e) in self.envelope[row].iter_mut().enumerate() {
                let floor = self.noise_floor[s] * noise[s];
                let share = transmit[s] * aperture;
                let (r, i) = (re[s] * share + floor, im[s] * share - floor);
                *e = keep * *e + (1.0 - keep) * (r * r + i * i).sqrt();
            }
        }
    }
}

fn blur_axial(field: &[f32], weights: &[f32; 2 * AXIAL_TAPS + 1], out: &mut [f32]) {
    for (line, out) in field.chunks_exact(SAMPLES).zip(out.chunks_exact_mut(SAMPLES)) {
        out.fill(0.0);
        let inner = &mut out[AXIAL_TAPS..SAMPLES - AXIAL_TAPS];
        for (tap, &w) in weights.iter().enumerate() {
            for (o, &f) in inner.iter_mut().zip(&line[tap..]) {
                *o += w * f;
            }
        }
    }
}

fn blur_lateral(field: &[f32], weights: &[f32], out: &mut [f32]) {
    for (l, out) in out.chunks_exact_mut(SAMPLES).enumerate() {
        out.fill(0.0);
        for (tap, w) in weights.chunks_exact(SAMPLES).enumerate() {
            let Some(from) = (l + tap).checked_sub(LATERAL_TAPS).filter(|&from| from < LINES)
            else {
                continue;
            };
            let line = &field[from * SAMPLES..(from + 1) * SAMPLES];
            for ((o, &f), &w) in out.iter_mut().zip(line).zip(w) {
                *o += w * f;
            }
        }
    }
}

/// Speckle reduction as scanners do it: the envelope averaged with its neighbours (3 by 3,
/// binomial).
fn smooth(envelope: &[f32], out: &mut [f32]) {
    for l in 0..LINES {
        let line = |l: usize| &envelope[l * SAMPLES..(l + 1) * SAMPLES];
        let (left, mid, right) = (line(l.max(1) - 1), line(l), line((l + 1).min(LINES - 1)));
        let out = &mut out[l * SAMPLES..(l + 1) * SAMPLES];
        let across = |s: usize| left[s] + 2.0 * mid[s] + right[s];
        for (s, o) in out.iter_mut().enumerate().take(SAMPLES - 1).skip(1) {
            *o = (across(s - 1) + 2.0 * across(s) + across(s + 1)) * (1.0 / 16.0);
        }
        out[0] = out[1];
        out[SAMPLES - 1] = out[SAMPLES - 2];
    }
}

fn gauss(x: f32, sigma: f32) -> f32 {
    libm::expf(-x * x / (2.0 * sigma * sigma))
}

/// Amplitude of a level in dB.
pub fn from_db(db: f32) -> f32 {
    libm::powf(10.0, db / 20.0)
}

/// Level in dB of an amplitude, within 0.03 dB: exponent plus a polynomial of the mantissa.
///
/// A fixed sequence of IEEE operations, so every processor gives the same picture.
fn decibels(amplitude: f32) -> f32 {
    let bits = amplitude.max(1e-6).to_bits();
    let exponent = (bits >> 23) as i32 - 127;
    let m = f32::from_bits((bits & 0x007f_ffff) | 0x3f80_0000);
    let log2 = (-0.344_847_8 * m + 2.024_665_8) * m - 1.674_877_6 + exponent as f32;
    6.020_6 * log2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decibels_stay_close_to_the_logarithm() {
        for i in 1..4000 {
            let a = i as f32 * 0.01;
            assert!((decibels(a) - 20.0 * a.log10()).abs() < 0.07, "{a}: {}", decibels(a));
        }
    }

    #[test]
    fn uniform_tissue_has_unit_mean_echo_and_rayleigh_contrast() {
        let receiver = Receiver {
            carrier_mhz: 3.5,
            headroom_db: 0.0,
            range_db: 60.0,
            persistence: 0.0,
            noise_db: [-90.0; 2],
        };
        let mut scanner = Scanner::new(3, 120.0, &receiver);
        let mut canvas = Canvas::new();
        canvas.echo.fill(1.0);
        scanner.receive(&canvas, Motion::default(), 0.0, &receiver, &mut vec![0; CELLS]);
        let inner: Vec<f32> = (20..LINES - 20)
            .flat_map(|l| scanner.envelope[l * SAMPLES + 20..(l + 1) * SAMPLES - 20].to_vec())
            .collect();
        let mean = inner.iter().sum::<f32>() / inner.len() as f32;
        let power = inner.iter().map(|e| e * e).sum::<f32>() / inner.len() as f32;
        let contrast = mean / (power - mean * mean).sqrt();
        assert!((0.6..1.25).contains(&power), "{power}");
        assert!((contrast - 1.91).abs() < 0.1, "Rayleigh's mean over deviation: {contrast}");
    }
}
