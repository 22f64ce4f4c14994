//! What a figure is a number of: functions of how often each row was drawn.

use std::collections::BTreeMap;

use super::{BINS, Case, Outcome};

/// A figure of rows by their weights; `None` where they do not define it.
pub type Statistic = Box<dyn Fn(&[u32]) -> Option<f64>>;

/// A value with the number of its row.
pub type Item<T> = (usize, T);

/// What a statistic looks at, one list a column of folds.
pub struct Columns<T>(Vec<Vec<Item<T>>>);

impl<T: 'static> Columns<T> {
    /// The values of the outcomes that have one.
    pub fn of(cases: &[&Case], value: impl Fn(&Case, &Outcome) -> Option<T>) -> Columns<T> {
        let count = cases.iter().map(|case| case.outcomes.len()).max().unwrap_or(0);
        let column = |c: usize| {
            let rows = cases.iter().enumerate();
            rows.filter_map(|(row, case)| {
                let outcome = case.outcomes.get(c)?.as_ref()?;
                Some((row, value(case, outcome)?))
            })
            .collect::<Vec<_>>()
        };
        Columns((0..count).map(column).filter(|items| !items.is_empty()).collect())
    }

    /// In the order of a number.
    pub fn sorted(mut self, by: impl Fn(&T) -> f64) -> Columns<T> {
        for items in &mut self.0 {
            items.sort_by(|a, b| by(&a.1).total_cmp(&by(&b.1)));
        }
        self
    }

    /// The mean over the columns.
    pub fn mean(self, of: impl Fn(&[Item<T>], &[u32]) -> Option<f64> + 'static) -> Statistic {
        Box::new(move |weights| {
            let total: Option<f64> = self.0.iter().map(|items| of(items, weights)).sum();
            let columns = self.0.len() as f64;
            total.filter(|_| columns > 0.0).map(|total| total / columns)
        })
    }
}

/// The mean of several, where each is defined.
pub fn mean_of(statistics: Vec<Statistic>) -> Statistic {
    Box::new(move |weights| {
        let total: Option<f64> = statistics.iter().map(|of| of(weights)).sum();
        let count = statistics.len() as f64;
        total.filter(|_| count > 0.0).map(|total| total / count)
    })
}

pub fn less(a: Statistic, b: Statistic) -> Statistic {
    Box::new(move |weights| Some(a(weights)? - b(weights)?))
}

pub fn share(items: &[Item<bool>], weights: &[u32]) -> Option<f64> {
    average(items, weights, |&hit| f64::from(u8::from(hit)))
}

pub fn average<T>(items: &[Item<T>], weights: &[u32], of: impl Fn(&T) -> f64) -> Option<f64> {
    let (mut all, mut sum) = (0.0, 0.0);
    for (row, value) in items {
        let weight = f64::from(weights[*row]);
        all += weight;
        sum += weight * of(value);
    }
    (all > 0.0).then(|| sum / all)
}

/// Of sorted values.
pub fn median(items: &[Item<f64>], weights: &[u32]) -> Option<f64> {
    let all: u64 = items.iter().map(|(row, _)| u64::from(weights[*row])).sum();
    let at = |position: u64| {
        let mut before = 0;
        items.iter().find_map(|&(row, value)| {
            before += u64::from(weights[row]);
            (position < before).then_some(value)
        })
    };
    Some((at(all.checked_sub(1)? / 2)? + at(all / 2)?) / 2.0)
}

/// Probability that a positive scores above a negative, ties counted half (Mann-Whitney); of items
/// sorted by score.
pub fn auc(items: &[Item<(f32, bool)>], weights: &[u32]) -> Option<f64> {
    let (mut below, mut area, mut positives) = (0u64, 0.0, 0u64);
    for tie in items.chunk_by(|a, b| a.1.0 == b.1.0) {
        let (mut p, mut n) = (0, 0);
        for &(row, (_, positive)) in tie {
            *(if positive { &mut p } else { &mut n }) += u64::from(weights[row]);
        }
        area += p as f64 * (below as f64 + n as f64 / 2.0);
        below += n;
        positives += p;
    }
    let pairs = positives as f64 * below as f64;
    (pairs > 0.0).then(|| area / pairs)
}

/// Expected calibration error of probabilities in bins of equal width.
pub fn calibration_error(items: &[Item<(f32, bool)>], weights: &[u32]) -> Option<f64> {
    let (mut gaps, mut all) = ([0.0; BINS], 0.0);
    for &(row, (probability, came)) in items {
        let weight = f64::from(weights[row]);
        all += weight;
        gaps[bin(probability)] += weight * (f64::from(probability) - f64::from(u8::from(came)));
    }
    (all > 0.0).then(|| gaps.iter().map(|gap| gap.abs()).sum::<f64>() / all)
}

/// The bin of a probability.
pub fn bin(probability: f32) -> usize {
    ((probability * BINS as f32) as usize).min(BINS - 1)
}

/// One pair a group: the mean score and the mean number of its clips, with the row that stands for
/// the group.
pub fn group_means(cases: &[&Case]) -> Columns<(f64, f64)> {
    let mut columns = Columns::of(cases, |case, outcome| {
        Some((case.group.clone(), f64::from(outcome.score), case.number?))
    });
    let of_groups = |items: Vec<Item<(String, f64, f64)>>| {
        let mut groups: BTreeMap<String, (usize, f64, [f64; 2])> = BTreeMap::new();
        for (row, (group, score, number)) in items {
            let (_, count, sums) = groups.entry(group).or_insert((row, 0.0, [0.0; 2]));
            *count += 1.0;
            sums[0] += score;
            sums[1] += number;
        }
        groups.into_values().map(|(row, n, sums)| (row, (sums[0] / n, sums[1] / n))).collect()
    };
    Columns(columns.0.drain(..).map(of_groups).collect())
}

/// Spearman's rank correlation, ties by their mean rank.
pub fn spearman(items: &[Item<(f64, f64)>], weights: &[u32]) -> Option<f64> {
    let weight = |i: usize| f64::from(weights[items[i].0]);
    let ranks = |of: fn(&(f64, f64)) -> f64| {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by(|&a, &b| of(&items[a].1).total_cmp(&of(&items[b].1)));
        let (mut ranks, mut before) = (vec![0.0; items.len()], 0.0);
        for tie in order.chunk_by(|&a, &b| of(&items[a].1) == of(&items[b].1)) {
            let all: f64 = tie.iter().map(|&i| weight(i)).sum();
            tie.iter().for_each(|&i| ranks[i] = before + (all + 1.0) / 2.0);
            before += all;
        }
        ranks
    };
    let (x, y) = (ranks(|pair| pair.0), ranks(|pair| pair.1));
    let all: f64 = (0..items.len()).map(weight).sum();
    let mean = |v: &[f64]| v.iter().enumerate().map(|(i, v)| weight(i) * v).sum::<f64>() / all;
    let (mx, my) = (mean(&x), mean(&y));
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for i in 0..items.len() {
        let (dx, dy) = (x[i] - mx, y[i] - my);
        xx += weight(i) * dx * dx;
        yy += weight(i) * dy * dy;
        xy += weight(i) * dx * dy;
    }
    (xx > 0.0 && yy > 0.0).then(|| xy / (xx * yy).sqrt())
}
