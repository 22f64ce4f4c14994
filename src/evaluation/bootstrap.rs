//! Resampling of whole groups.

use std::collections::BTreeMap;

use oorandom::Rand64;

use super::statistics::Statistic;
use super::{Case, Figure};

/// Resamples behind every interval.
const RESAMPLES: usize = 2000;
/// Seed of the resampling, so that a figure can be repeated.
const SEED: u128 = 20_260_101;

/// A statistic of the cases, and of every resample that defines it.
pub struct Drawn {
    value: Option<f64>,
    /// In order of size.
    draws: Vec<f64>,
}

/// Evaluates `statistics` on all of `cases` and on resamples of their groups.
pub fn draw(cases: &[&Case], statistics: &[&Statistic]) -> Vec<Drawn> {
    let mut members: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (row, case) in cases.iter().enumerate() {
        members.entry(&case.group).or_default().push(row);
    }
    let members: Vec<Vec<usize>> = members.into_values().collect();
    let mut weights = vec![1; cases.len()];
    let mut drawn: Vec<Drawn> = statistics
        .iter()
        .map(|of| Drawn { value: of(&weights), draws: Vec::with_capacity(RESAMPLES) })
        .collect();
    let mut random = Rand64::new(SEED);
    for _ in 0..RESAMPLES {
        weights.fill(0);
        for _ in 0..members.len() {
            let pick = random.rand_range(0..members.len() as u64) as usize;
            members[pick].iter().for_each(|&row| weights[row] += 1);
        }
        for (drawn, of) in drawn.iter_mut().zip(statistics) {
            // A figure that the data do not define has no interval.
            if drawn.value.is_some() {
                drawn.draws.extend(of(&weights));
            }
        }
    }
    drawn.iter_mut().for_each(|d| d.draws.sort_by(f64::total_cmp));
    drawn
}

impl Drawn {
    pub fn figure(&self) -> Figure {
        let at = |share: f64| {
            let last = self.draws.len().checked_sub(1)?;
            Some(self.draws[(share * last as f64).round() as usize])
        };
        Figure { value: self.value, low: at(0.025), high: at(0.975) }
    }

    /// Two-sided probability of a difference on the other side of zero, never quite nothing.
    pub fn p(&self) -> Option<f64> {
        self.value?;
        let count = |on: fn(&f64) -> bool| self.draws.iter().filter(|d| on(d)).count();
        let least = count(|&d| d <= 0.0).min(count(|&d| d >= 0.0));
        Some((2.0 * (least + 1) as f64 / (self.draws.len() + 1) as f64).min(1.0))
    }
}
