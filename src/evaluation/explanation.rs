//! Whether an activation map points at what was planted.
//!
//! A map covers the network's input, one value a cell; positive values support referring. What
//! was planted and the sector are given in the input's own pixels, as shares of 255. Only what lies
//! in the sector counts, on both sides.

/// Where the activation of one picture lies.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Located {
    /// Share of the sector that planted structures cover.
    pub area: f64,
    /// Share of the positive activation that lies on them; `None` where there is none.
    pub activation: Option<f64>,
}

impl Located {
    /// How much more activation lies there than an even map would put; 0 without any.
    pub fn gain(&self) -> f64 {
        self.activation.unwrap_or(0.0) / self.area
    }
}

/// Lays `map` over an input of `size` (columns, rows); `None` where nothing is planted.
pub fn locate(
    map: &[f32],
    (columns, rows): (usize, usize),
    planted: &[u8],
    sector: &[u8],
    (width, height): (usize, usize),
) -> Option<Located> {
    let (mut area, mut all_area, mut active, mut all_active) = (0.0, 0.0, 0.0, 0.0);
    for y in 0..height {
        let line = &map[y * rows / height * columns..][..columns];
        for x in 0..width {
            let pixel = y * width + x;
            let inside = f64::from(sector[pixel]) / 255.0;
            let on = (f64::from(planted[pixel]) / 255.0).min(inside);
            let activation = f64::from(line[x * columns / width].max(0.0));
            area += on;
            all_area += inside;
            active += activation * on;
            all_active += activation * inside;
        }
    }
    let activation = (all_active > 0.0).then(|| active / all_active);
    (area > 0.0).then(|| Located { area: area / all_area, activation })
}

/// The middle of several numbers.
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some((values[last / 2] + values[values.len() / 2]) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_on_the_spot_gains_and_an_even_one_does_not() {
        let mut planted = [0; 16 * 8];
        // The left quarter's upper half, in a sector that lacks the right half.
        (0..4).for_each(|y| planted[y * 16..y * 16 + 4].fill(255));
        let sector: Vec<u8> = (0..16 * 8).map(|i| if i % 16 < 8 { 255 } else { 0 }).collect();
        let gain = |map: &[f32]| {
            let located = locate(map, (4, 2), &planted, &sector, (16, 8)).unwrap();
            assert_eq!(located.area, 0.25);
            located.gain()
        };
        assert_eq!(gain(&[1.0; 8]), 1.0);
        assert_eq!(gain(&[2.0, -1.0, 9.0, 9.0, -1.0, 0.0, 9.0, 9.0]), 4.0, "outside is not seen");
        assert_eq!(gain(&[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]), 0.0);
        assert_eq!(gain(&[-1.0; 8]), 0.0, "nothing is active");
        assert_eq!(locate(&[1.0; 8], (4, 2), &[0; 128], &sector, (16, 8)), None);
        assert_eq!(median(vec![3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }
}
