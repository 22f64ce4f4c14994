//! How good verdicts and scores are against labels, with honest uncertainty.
//!
//! Pure arithmetic over scored clips. Confidence intervals are percentile bootstraps that resample
//! whole groups (patients), because clips of one patient are not independent. Every clip with a
//! score counts in the threshold-free figures, whether its verdict abstained or not.

pub mod report;

use oorandom::Rand64;
use serde::Serialize;

use crate::screening::Verdict;

/// Resamples behind every interval.
const RESAMPLES: usize = 2000;
/// Seed of the resampling, so that a figure can be repeated.
const SEED: u128 = 20_260_101;
/// Bins of the reliability plot and of the expected calibration error.
pub const BINS: usize = 10;

/// One labelled clip with its outcome.
#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    /// Clips of one group are resampled together.
    pub group: String,
    /// A stratum to report by itself, such as the hospital.
    pub stratum: Option<String>,
    /// Whether the label is a reason to refer.
    pub positive: bool,
    pub label: String,
    /// Calibrated probability of referring.
    pub score: f32,
    pub verdict: Verdict,
}

/// A figure with its 95 % interval; `None` where the data do not define it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Figure {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
}

/// Label against verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Confusion {
    pub positive_refer: usize,
    pub positive_clear: usize,
    pub positive_ungradable: usize,
    pub negative_refer: usize,
    pub negative_clear: usize,
    pub negative_ungradable: usize,
}

/// Everything that is reported about one set of cases.
#[derive(Debug, Clone, Serialize)]
pub struct Metrics {
    pub clips: usize,
    pub groups: usize,
    pub positives: usize,
    /// Area under the ROC curve over every scored clip.
    pub auc: Figure,
    /// At the midpoint of the bundle's thresholds, every scored clip counted.
    pub sensitivity: Figure,
    pub specificity: Figure,
    pub balanced_accuracy: Figure,
    /// Of the clips with a verdict.
    pub graded_sensitivity: Figure,
    pub graded_specificity: Figure,
    pub ungradable_share: Figure,
    /// Expected calibration error, ten equal bins.
    pub calibration_error: Figure,
    pub confusion: Confusion,
}

/// Metrics of `cases`; `threshold` parts the scores for sensitivity and specificity.
pub fn metrics(cases: &[Case], threshold: f32) -> Metrics {
    let mut groups: Vec<&str> = cases.iter().map(|c| c.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let members: Vec<Vec<&Case>> =
        groups.iter().map(|group| cases.iter().filter(|c| c.group == *group).collect()).collect();
    let all: Vec<&Case> = cases.iter().collect();
    let value = |of: Statistic| of(&all, threshold);
    let mut random = Rand64::new(SEED);
    let mut drawn: [Vec<f64>; STATISTICS.len()] = Default::default();
    let mut sample = Vec::with_capacity(cases.len());
    for _ in 0..RESAMPLES {
        sample.clear();
        for _ in 0..members.len() {
            let pick = random.rand_range(0..members.len() as u64) as usize;
            sample.extend(&members[pick]);
        }
        for (values, statistic) in drawn.iter_mut().zip(STATISTICS) {
            values.extend(statistic(&sample, threshold));
        }
    }
    let mut figures = STATISTICS.iter().zip(&mut drawn).map(|(statistic, values)| {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| {
            let last = values.len().checked_sub(1)?;
            Some(values[(share * last as f64).round() as usize])
        };
        let value = value(*statistic);
        let known = |bound: Option<f64>| value.and(bound);
        Figure { value, low: known(at(0.025)), high: known(at(0.975)) }
    });
    let mut next = || figures.next().unwrap_or_default();
    Metrics {
        clips: cases.len(),
        groups: groups.len(),
        positives: cases.iter().filter(|c| c.positive).count(),
        auc: next(),
        sensitivity: next(),
        specificity: next(),
        balanced_accuracy: next(),
        graded_sensitivity: next(),
        graded_specificity: next(),
        ungradable_share: next(),
        calibration_error: next(),
        confusion: confusion(cases),
    }
}

type Statistic = fn(&[&Case], f32) -> Option<f64>;

/// In the order of the fields of [`Metrics`].
const STATISTICS: [Statistic; 8] = [
    |cases, _| auc(cases),
    |cases, t| share(cases, |c| c.positive, |c| c.score >= t),
    |cases, t| share(cases, |c| !c.positive, |c| c.score < t),
    |cases, t| {
        let sensitivity = share(cases, |c| c.positive, |c| c.score >= t)?;
        Some((sensitivity + share(cases, |c| !c.positive, |c| c.score < t)?) / 2.0)
    },
    |cases, _| share(cases, |c| c.positive && graded(c), |c| c.verdict == Verdict::Refer),
    |cases, _| share(cases, |c| !c.positive && graded(c), |c| c.verdict == Verdict::Clear),
    |cases, _| share(cases, |_| true, |c| !graded(c)),
    |cases, _| calibration_error(cases),
];

fn graded(case: &Case) -> bool {
    !matches!(case.verdict, Verdict::Ungradable(_))
}

fn share(cases: &[&Case], of: fn(&Case) -> bool, which: impl Fn(&Case) -> bool) -> Option<f64> {
    let (mut all, mut hits) = (0u32, 0u32);
    for case in cases.iter().filter(|c| of(c)) {
        all += 1;
        hits += u32::from(which(case));
    }
    (all > 0).then(|| f64::from(hits) / f64::from(all))
}

/// Probability that a positive scores above a negative, ties counted half (Mann-Whitney).
pub fn auc(cases: &[&Case]) -> Option<f64> {
    let mut sorted: Vec<(f32, bool)> = cases.iter().map(|c| (c.score, c.positive)).collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut below, mut area, mut positives) = (0u64, 0.0, 0u64);
    for tie in sorted.chunk_by(|a, b| a.0 == b.0) {
        let p = tie.iter().filter(|c| c.1).count() as u64;
        let n = tie.len() as u64 - p;
        area += p as f64 * (below as f64 + n as f64 / 2.0);
        below += n;
        positives += p;
    }
    let pairs = positives as f64 * below as f64;
    (pairs > 0.0).then(|| area / pairs)
}

/// Points of the ROC curve as (false positive rate, true positive rate), from (0, 0) to (1, 1).
pub fn roc(cases: &[Case]) -> Vec<(f64, f64)> {
    let mut sorted: Vec<(f32, bool)> = cases.iter().map(|c| (c.score, c.positive)).collect();
    sorted.sort_by(|a, b| b.0.total_cmp(&a.0));
    let positives = sorted.iter().filter(|c| c.1).count().max(1) as f64;
    let negatives = sorted.iter().filter(|c| !c.1).count().max(1) as f64;
    let (mut tp, mut fp, mut points) = (0, 0, vec![(0.0, 0.0)]);
    for tie in sorted.chunk_by(|a, b| a.0 == b.0) {
        tp += tie.iter().filter(|c| c.1).count();
        fp += tie.iter().filter(|c| !c.1).count();
        points.push((fp as f64 / negatives, tp as f64 / positives));
    }
    points
}

/// One bin of the reliability plot.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bin {
    pub clips: usize,
    /// Mean score and share of positives.
    pub predicted: f64,
    pub observed: f64,
}

/// Mean score against share of positives, in bins of equal width over the score.
pub fn reliability<'a>(cases: impl Iterator<Item = &'a Case>) -> [Bin; BINS] {
    let mut bins = [Bin::default(); BINS];
    for case in cases {
        let bin = &mut bins[((case.score * BINS as f32) as usize).min(BINS - 1)];
        bin.clips += 1;
        bin.predicted += f64::from(case.score);
        bin.observed += f64::from(u8::from(case.positive));
    }
    for bin in bins.iter_mut().filter(|bin| bin.clips > 0) {
        bin.predicted /= bin.clips as f64;
        bin.observed /= bin.clips as f64;
    }
    bins
}

fn calibration_error(cases: &[&Case]) -> Option<f64> {
    let bins = reliability(cases.iter().copied());
    let total: f64 = bins.iter().map(|b| b.clips as f64 * (b.predicted - b.observed).abs()).sum();
    (!cases.is_empty()).then(|| total / cases.len() as f64)
}

fn confusion(cases: &[Case]) -> Confusion {
    let mut confusion = Confusion::default();
    for case in cases {
        let cell = match (case.positive, case.verdict) {
            (true, Verdict::Refer) => &mut confusion.positive_refer,
            (true, Verdict::Clear) => &mut confusion.positive_clear,
            (true, Verdict::Ungradable(_)) => &mut confusion.positive_ungradable,
            (false, Verdict::Refer) => &mut confusion.negative_refer,
            (false, Verdict::Clear) => &mut confusion.negative_clear,
            (false, Verdict::Ungradable(_)) => &mut confusion.negative_ungradable,
        };
        *cell += 1;
    }
    confusion
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screening::Reason;
    use proptest::prelude::*;

    fn case(group: &str, positive: bool, score: f32) -> Case {
        let verdict = match score {
            s if s >= 0.6 => Verdict::Refer,
            s if s <= 0.4 => Verdict::Clear,
            _ => Verdict::Ungradable(Reason::Uncertain),
        };
        let label = if positive { "sick" } else { "well" }.to_owned();
        let (name, group) = (String::new(), group.to_owned());
        Case { name, group, stratum: None, positive, label, score, verdict }
    }

    #[test]
    fn a_small_table_by_hand() {
        let cases = [
            case("a", true, 0.9),
            case("a", true, 0.5),
            case("b", true, 0.3),
            case("c", false, 0.1),
            case("d", false, 0.2),
            case("e", false, 0.5),
        ];
        let m = metrics(&cases, 0.5);
        // 0.9 beats 3, 0.5 beats 2 and ties 1, 0.3 beats 2: 7.5 of 9 pairs.
        assert!((m.auc.value.unwrap() - 7.5 / 9.0).abs() < 1e-12);
        assert_eq!(m.sensitivity.value, Some(2.0 / 3.0));
        assert_eq!(m.specificity.value, Some(2.0 / 3.0));
        assert_eq!(m.graded_sensitivity.value, Some(0.5));
        assert_eq!(m.graded_specificity.value, Some(1.0));
        assert_eq!(m.ungradable_share.value, Some(2.0 / 6.0));
        assert_eq!((m.clips, m.groups, m.positives), (6, 5, 3));
        assert_eq!(m.confusion.positive_clear, 1);
        assert_eq!(roc(&cases).last(), Some(&(1.0, 1.0)));
    }

    #[test]
    fn one_class_alone_has_no_auc() {
        let m = metrics(&[case("a", true, 0.9), case("b", true, 0.8)], 0.5);
        assert_eq!(m.auc, Figure::default());
        assert_eq!(m.specificity.value, None);
        assert_eq!(m.sensitivity.value, Some(1.0));
    }

    #[test]
    fn groups_widen_the_interval() {
        let scores = |i: usize| (i * 7919 % 100) as f32 / 100.0;
        let width = |group: fn(usize) -> usize| {
            let cases: Vec<Case> =
                (0..80).map(|i| case(&group(i).to_string(), i % 2 == 0, scores(i / 8))).collect();
            let m = metrics(&cases, 0.5);
            m.sensitivity.high.unwrap() - m.sensitivity.low.unwrap()
        };
        assert!(width(|i| i / 8) > 1.5 * width(|i| i));
    }

    proptest! {
        #[test]
        fn figures_lie_in_their_intervals_and_auc_ignores_monotone_change(
            rows in prop::collection::vec((0u8..6, any::<bool>(), 0u32..=1000), 2..40),
        ) {
            let cases = |power: i32| -> Vec<Case> {
                let score = |s: u32| (s as f32 / 1000.0).powi(power);
                rows.iter().map(|&(g, p, s)| case(&g.to_string(), p, score(s))).collect()
            };
            let (a, b) = (metrics(&cases(1), 0.5), metrics(&cases(3), 0.5));
            prop_assert_eq!(a.auc.value, b.auc.value);
            for f in [a.auc, a.sensitivity, a.specificity, a.ungradable_share] {
                if let (Some(value), Some(low), Some(high)) = (f.value, f.low, f.high) {
                    prop_assert!(low <= high && (0.0..=1.0).contains(&value));
                }
            }
        }
    }
}
