//! Grey-level normalization: a machine's gain and compression must not decide a verdict.

/// Where the median and the 98th percentile of the sector are put.
const MEDIAN_TARGET: f32 = 45.0;
const BRIGHT_TARGET: f32 = 170.0;
/// Exponents outside this range would invent contrast.
const EXPONENT: (f32, f32) = (0.5, 2.0);

/// Pixels of each grey level in `parts` of a picture.
pub fn histogram<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u32; 256] {
    // Neighbours are often alike, and in one table each would wait for the one before.
    let mut tables = [[0; 256]; 4];
    for part in parts {
        let (eights, rest) = part.as_chunks::<8>();
        for eight in eights {
            for (i, &p) in eight.iter().enumerate() {
                tables[i % 4][usize::from(p)] += 1;
            }
        }
        for &p in rest {
            tables[0][usize::from(p)] += 1;
        }
    }
    std::array::from_fn(|level| tables.iter().map(|table| table[level]).sum())
}

/// The smallest grey level that `share` (0–1) of the pixels do not exceed.
pub fn percentile(histogram: &[u32; 256], share: f32) -> u8 {
    let total: u64 = histogram.iter().map(|&n| u64::from(n)).sum();
    let wanted = (total as f64 * f64::from(share)).ceil() as u64;
    let mut seen = 0;
    for (level, &n) in histogram.iter().enumerate() {
        seen += u64::from(n);
        if seen >= wanted {
            return level as u8;
        }
    }
    255
}

/// The curve `170 (v / p98)^g` with `g` such that the median becomes 45.
pub fn curve(histogram: &[u32; 256]) -> [u8; 256] {
    let bright = f32::from(percentile(histogram, 0.98)).max(8.0);
    let median = f32::from(percentile(histogram, 0.50)).clamp(1.0, 0.9 * bright);
    let exponent = libm::logf(MEDIAN_TARGET / BRIGHT_TARGET) / libm::logf(median / bright);
    let exponent = exponent.clamp(EXPONENT.0, EXPONENT.1);
    std::array::from_fn(|v| {
        (BRIGHT_TARGET * libm::powf(v as f32 / bright, exponent)).clamp(0.0, 255.0) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(picture: &[u8]) -> [u32; 256] {
        histogram([picture])
    }

    #[test]
    fn percentiles_of_a_ramp() {
        let ramp: Vec<u8> = (0..=255).collect();
        let h = of(&ramp);
        assert_eq!((percentile(&h, 0.0), percentile(&h, 0.5), percentile(&h, 1.0)), (0, 127, 255));
        assert_eq!(percentile(&[0; 256], 0.5), 0);
    }

    #[test]
    fn gain_is_taken_out() {
        let picture: Vec<u8> = (0..2000u32).map(|i| (i * i / 40_000) as u8).collect();
        let normal = curve(&of(&picture));
        for gain in [0.7f32, 1.4, 2.0] {
            let louder: Vec<u8> = picture.iter().map(|&p| (f32::from(p) * gain) as u8).collect();
            let other = curve(&of(&louder));
            for (&p, &q) in picture.iter().zip(&louder) {
                let (a, b) = (normal[usize::from(p)], other[usize::from(q)]);
                assert!(a.abs_diff(b) <= 8, "gain {gain}: {p} became {a}, {q} became {b}");
            }
        }
    }

    #[test]
    fn black_stays_black_and_the_curve_never_falls() {
        for h in [[0; 256], of(&[0; 9]), of(&[255; 9]), of(&[1, 2, 200])] {
            let c = curve(&h);
            assert_eq!(c[0], 0);
            assert!(c.windows(2).all(|w| w[0] <= w[1]));
        }
    }
}
