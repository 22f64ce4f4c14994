//! Brushes for one beam, and the smooth random curves that scenes are made of.

use oorandom::Rand32;

/// One beam of the canvas; depths are in millimetres from the skin.
pub struct Column<'a> {
    pub echo: &'a mut [f32],
    pub specular: &'a mut [f32],
    pub transmit: &'a mut [f32],
    pub planted: &'a mut [u8],
    pub samples_per_mm: f32,
}

impl Column<'_> {
    pub fn clear(&mut self) {
        self.echo.fill(0.0);
        self.specular.fill(0.0);
        self.transmit.fill(1.0);
        self.planted.fill(0);
    }

    fn range(&self, from_mm: f32, to_mm: f32) -> std::ops::Range<usize> {
        let index = |mm: f32| ((mm * self.samples_per_mm).max(0.0) as usize).min(self.echo.len());
        let (from, to) = (index(from_mm), index(to_mm));
        from..to.max(from)
    }

    /// Diffuse tissue of one level.
    pub fn fill_echo(&mut self, from_mm: f32, to_mm: f32, amplitude: f32) {
        let range = self.range(from_mm, to_mm);
        self.echo[range].fill(amplitude);
    }

    /// Diffuse tissue whose level is a function of depth in mm.
    pub fn shade_echo(&mut self, from_mm: f32, to_mm: f32, level: impl Fn(f32) -> f32) {
        let range = self.range(from_mm, to_mm);
        let start = range.start;
        for (i, e) in self.echo[range].iter_mut().enumerate() {
            *e = level((start + i) as f32 / self.samples_per_mm);
        }
    }

    /// Haze that starts at `from_mm` and decays to 1/e over `length_mm`.
    pub fn fade_echo(&mut self, from_mm: f32, amplitude: f32, length_mm: f32) {
        let step = libm::expf(-1.0 / (length_mm * self.samples_per_mm));
        let range = self.range(from_mm, f32::MAX);
        let mut level = amplitude;
        for e in &mut self.echo[range] {
            *e = level;
            level *= step;
        }
    }

    /// Reverberation down to the bottom, losing `db_per_mm`, on top of what is there.
    pub fn comet(&mut self, from_mm: f32, amplitude: f32, db_per_mm: f32) {
        let step = super::acoustics::from_db(-db_per_mm / self.samples_per_mm);
        let range = self.range(from_mm, f32::MAX);
        let mut level = amplitude;
        for e in &mut self.echo[range] {
            *e += level;
            level *= step;
        }
    }

    /// A rough interface `sigma_mm` thick: mostly diffuse, partly specular.
    pub fn ridge(&mut self, depth_mm: f32, sigma_mm: f32, amplitude: f32) {
        let range = self.range(depth_mm - 3.0 * sigma_mm, depth_mm + 3.0 * sigma_mm + 1.0);
        for i in range {
            let x = (i as f32 / self.samples_per_mm - depth_mm) / sigma_mm;
            let a = amplitude * libm::expf(-x * x / 2.0);
            self.echo[i] += 0.8 * a;
            self.specular[i] += 0.12 * a;
        }
    }

    /// Leaves `share` of the beam from `from_mm` downwards.
    pub fn shadow(&mut self, from_mm: f32, share: f32) {
        let range = self.range(from_mm, f32::MAX);
        for t in &mut self.transmit[range] {
            *t *= share;
        }
    }

    /// Strengthens (or weakens) all that comes back from below `from_mm`.
    pub fn enhance(&mut self, from_mm: f32, factor: f32) {
        let range = self.range(from_mm, f32::MAX);
        for e in &mut self.echo[range] {
            *e *= factor;
        }
    }

    /// Marks where the finding lies.
    pub fn plant(&mut self, from_mm: f32, to_mm: f32) {
        let range = self.range(from_mm, to_mm);
        self.planted[range].fill(255);
    }

    /// Nothing that was planted can be seen below `from_mm`.
    pub fn hide(&mut self, from_mm: f32) {
        let range = self.range(from_mm, f32::MAX);
        self.planted[range].fill(0);
    }
}

/// A smooth random curve of period 1, about -1 to 1, with `roughness` bumps over it.
pub struct Wave {
    values: [f32; 64],
    roughness: f32,
}

impl Wave {
    pub fn new(random: &mut Rand32, roughness: f32) -> Wave {
        Wave { values: std::array::from_fn(|_| uniform(random, -1.0, 1.0)), roughness }
    }

    pub fn at(&self, x: f32) -> f32 {
        let x = x * self.roughness;
        let whole = libm::floorf(x);
        let f = x - whole;
        let i = (whole as i32).rem_euclid(64) as usize;
        let (a, b) = (self.values[i], self.values[(i + 1) % 64]);
        let s = f * f * (3.0 - 2.0 * f);
        a + (b - a) * s
    }
}

/// 0 below `low`, 1 above `high`, smooth between.
pub fn smoothstep(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

pub fn uniform(random: &mut Rand32, low: f32, high: f32) -> f32 {
    low + (high - low) * random.rand_float()
}
