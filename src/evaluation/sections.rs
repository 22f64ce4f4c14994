//! Which figures there are.

use super::statistics::{
    Columns, Statistic, auc, average, calibration_error, group_means, mean_of, median, share,
    spearman,
};
use super::{Call, Case, Matrix, Outcome, Overlap, Question};

/// A section before its figures are known.
pub struct Plan {
    pub key: String,
    pub title: String,
    pub clips: usize,
    pub measures: Vec<Measure>,
    pub matrix: Option<Matrix>,
}

pub struct Measure {
    pub key: String,
    pub words: String,
    pub of: Statistic,
}

fn measure(key: &str, words: &str, of: Statistic) -> Measure {
    Measure { key: key.to_owned(), words: words.to_owned(), of }
}

/// Every section that the cases have labels for.
pub fn plans(cases: &[&Case], questions: &[Question]) -> Vec<Plan> {
    let mut plans = vec![verdict(cases)];
    plans.extend(questions.iter().filter_map(|question| choice(cases, question)));
    plans.extend(findings(cases));
    plans.extend(mask(cases));
    plans.extend(correlation(cases));
    plans
}

/// Cases with an outcome of which something is known.
fn count<T>(cases: &[&Case], known: impl Fn(&Case, &Outcome) -> Option<T>) -> usize {
    let any = |case: &&&Case| case.outcomes.iter().flatten().any(|o| known(case, o).is_some());
    cases.iter().filter(any).count()
}

fn graded(outcome: &Outcome) -> bool {
    outcome.verdict != Call::Ungradable
}

/// The share of the outcomes that are `hit`, of those for which that is known.
fn hits(cases: &[&Case], hit: impl Fn(&Case, &Outcome) -> Option<bool>) -> Statistic {
    Columns::of(cases, hit).mean(share)
}

fn ranked(cases: &[&Case], of: impl Fn(&Case, &Outcome) -> Option<(f32, bool)>) -> Statistic {
    Columns::of(cases, of).sorted(|item| f64::from(item.0)).mean(auc)
}

fn verdict(cases: &[&Case]) -> Plan {
    let called = |o: &Outcome| o.score >= o.threshold;
    let sensitivity = || hits(cases, |c, o| (c.positive?).then(|| called(o)));
    let specificity = || hits(cases, |c, o| (!c.positive?).then(|| !called(o)));
    let right = |c: &Case, o: &Outcome| {
        let call = if c.positive? { Call::Refer } else { Call::Clear };
        graded(o).then_some(o.verdict == call)
    };
    let of_label = |positive: bool| {
        hits(cases, move |c, o| right(c, o).filter(|_| c.positive == Some(positive)))
    };
    let scored = |c: &Case, o: &Outcome| Some((o.score, c.positive?));
    let abstention = vec![
        measure("coverage", "coverage", hits(cases, |_, o| Some(graded(o)))),
        measure("ungradable_share", "ungradable share", hits(cases, |_, o| Some(!graded(o)))),
    ];
    let (key, title) = ("verdict".to_owned(), "Verdict".to_owned());
    let known = count(cases, |c, _| c.positive);
    if known == 0 {
        let clips = cases.len();
        return Plan { key, title, clips, measures: abstention, matrix: None };
    }
    let mut measures = vec![
        measure("auc", "AUC", ranked(cases, scored)),
        measure("sensitivity", "sensitivity", sensitivity()),
        measure("specificity", "specificity", specificity()),
        measure(
            "balanced_accuracy",
            "balanced accuracy",
            mean_of(vec![sensitivity(), specificity()]),
        ),
        measure("accuracy", "accuracy", hits(cases, |c, o| Some(c.positive? == called(o)))),
        measure("graded_sensitivity", "sensitivity, graded", of_label(true)),
        measure("graded_specificity", "specificity, graded", of_label(false)),
        measure("graded_accuracy", "accuracy, graded", hits(cases, right)),
    ];
    measures.extend(abstention);
    let calibration = Columns::of(cases, scored).mean(calibration_error);
    measures.push(measure("calibration_error", "calibration error", calibration));
    let row = |case: &Case| case.positive.map(usize::from);
    let column = |outcome: &Outcome| {
        [Call::Refer, Call::Clear, Call::Ungradable].iter().position(|&c| c == outcome.verdict)
    };
    let labels = ["negative", "positive"].map(str::to_owned).to_vec();
    let said = ["refer", "clear", "ungradable"].map(str::to_owned).to_vec();
    let matrix = Some(matrix(cases, labels, said, row, column));
    Plan { key, title, clips: known, measures, matrix }
}

fn matrix(
    cases: &[&Case],
    labels: Vec<String>,
    said: Vec<String>,
    row: impl Fn(&Case) -> Option<usize>,
    column: impl Fn(&Outcome) -> Option<usize>,
) -> Matrix {
    let mut counts = vec![vec![0; said.len()]; labels.len()];
    for case in cases {
        for outcome in case.outcomes.iter().flatten() {
            let cell = row(case).zip(column(outcome));
            let cell = cell.and_then(|(r, c)| counts.get_mut(r)?.get_mut(c));
            cell.into_iter().for_each(|count| *count += 1);
        }
    }
    Matrix { labels, said, counts }
}

/// The most probable label and its probability.
fn top(probabilities: &[f32]) -> Option<(usize, f32)> {
    let by_probability = |a: &(usize, &f32), b: &(usize, &f32)| a.1.total_cmp(b.1);
    probabilities.iter().enumerate().max_by(by_probability).map(|(i, &p)| (i, p))
}

fn choice(cases: &[&Case], question: &Question) -> Option<Plan> {
    let Question { key, labels } = question;
    let answer = |c: &Case, o: &Outcome| {
        let truth = *c.choices.get(key)?;
        let (said, probability) = top(o.choices.get(key)?)?;
        Some((truth, said, probability))
    };
    let clips = count(cases, answer);
    if clips == 0 {
        return None;
    }
    let recall = |label: usize| {
        hits(cases, move |c, o| {
            answer(c, o).and_then(|(truth, said, _)| (truth == label).then_some(said == label))
        })
    };
    let one_against_rest = |label: usize| {
        ranked(cases, move |c, o| {
            Some((*o.choices.get(key)?.get(label)?, *c.choices.get(key)? == label))
        })
    };
    // A label that no clip has is nothing to be good or bad at.
    let present: Vec<usize> = (0..labels.len())
        .filter(|label| cases.iter().any(|c| c.choices.get(key) == Some(label)))
        .collect();
    let mean = |of: &dyn Fn(usize) -> Statistic| mean_of(present.iter().map(|&l| of(l)).collect());
    let confidence =
        Columns::of(cases, |c, o| answer(c, o).map(|(truth, said, p)| (p, truth == said)));
    let accuracy = hits(cases, |c, o| answer(c, o).map(|(truth, said, _)| truth == said));
    let mut measures = vec![
        measure("accuracy", "accuracy", accuracy),
        measure("macro_auc", "mean one-vs-rest AUC", mean(&one_against_rest)),
        measure("balanced_accuracy", "mean recall", mean(&recall)),
        measure("calibration_error", "calibration error", confidence.mean(calibration_error)),
    ];
    for &label in &present {
        let (key, words) = (format!("auc_{label}"), format!("AUC, {}", labels[label]));
        measures.push(measure(&key, &words, one_against_rest(label)));
    }
    let row = |case: &Case| case.choices.get(key).copied();
    let column = |outcome: &Outcome| top(outcome.choices.get(key)?).map(|(said, _)| said);
    let matrix = Some(matrix(cases, labels.clone(), labels.clone(), row, column));
    Some(Plan { key: key.clone(), title: format!("Labels: {key}"), clips, measures, matrix })
}

/// One section a finding.
fn findings(cases: &[&Case]) -> Vec<Plan> {
    let mut names: Vec<&String> = cases.iter().flat_map(|case| case.findings.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let plan = |name: &String| {
        let scored = |c: &Case, o: &Outcome| Some((*o.findings.get(name)?, *c.findings.get(name)?));
        let of_label = |there: bool| {
            hits(cases, move |c, o| {
                let (probability, is) = scored(c, o)?;
                (is == there).then_some((probability >= 0.5) == there)
            })
        };
        Plan {
            key: format!("finding {name}"),
            title: format!("Finding: {name}"),
            clips: count(cases, scored),
            measures: vec![
                measure("auc", "AUC", ranked(cases, scored)),
                measure("sensitivity", "sensitivity at 0.5", of_label(true)),
                measure("specificity", "specificity at 0.5", of_label(false)),
            ],
            matrix: None,
        }
    };
    names.into_iter().map(plan).filter(|plan| plan.clips > 0).collect()
}

impl Overlap {
    /// Dice's coefficient; 1 where there is nothing and nothing was found.
    pub fn dice(&self) -> f64 {
        let pixels = self.truth + self.found;
        if pixels == 0 { 1.0 } else { 2.0 * self.both as f64 / pixels as f64 }
    }

    /// Intersection over union.
    pub fn iou(&self) -> f64 {
        let pixels = self.truth + self.found - self.both;
        if pixels == 0 { 1.0 } else { self.both as f64 / pixels as f64 }
    }
}

fn mask(cases: &[&Case]) -> Option<Plan> {
    let clips = count(cases, |_, o| o.mask);
    if clips == 0 {
        return None;
    }
    let lesions = |of: fn(&Overlap) -> f64| {
        Columns::of(cases, move |_, o| o.mask.filter(|m| m.truth > 0).map(|m| of(&m)))
    };
    let dice = || lesions(Overlap::dice);
    let empty = hits(cases, |_, o| o.mask.and_then(|m| (m.truth == 0).then_some(m.found == 0)));
    let above = |items: &[(usize, f64)], weights: &[u32]| {
        average(items, weights, |&d| if d > 0.5 { 1.0 } else { 0.0 })
    };
    let mean = |items: &[(usize, f64)], weights: &[u32]| average(items, weights, |&d| d);
    let measures = vec![
        measure("dice", "Dice, mean over lesions", dice().mean(mean)),
        measure("dice_median", "Dice, median", dice().sorted(|&d| d).mean(median)),
        measure("dice_above_half", "Dice above 0.5", dice().mean(above)),
        measure("iou", "IoU, mean over lesions", lesions(Overlap::iou).mean(mean)),
        measure("empty", "empty where no lesion is", empty),
    ];
    Some(Plan { key: "mask".to_owned(), title: "Mask".to_owned(), clips, measures, matrix: None })
}

fn correlation(cases: &[&Case]) -> Option<Plan> {
    let clips = count(cases, |c, _| c.number);
    let of = group_means(cases).mean(spearman);
    (clips > 0).then(|| Plan {
        key: "correlation".to_owned(),
        title: "Mean score of a group against its mean number".to_owned(),
        clips,
        measures: vec![measure("spearman", "Spearman correlation", of)],
        matrix: None,
    })
}

/// How far two runs say the same of the same clips.
pub fn agreement(cases: &[&Case], before: &[&Case]) -> Plan {
    let mut pairs = Vec::new();
    for (now, before) in cases.iter().zip(before) {
        let outcomes = now.outcomes.iter().zip(&before.outcomes).map(|(a, b)| {
            a.as_ref().zip(b.as_ref()).map(|(a, b)| (a.verdict == b.verdict, a.score - b.score))
        });
        pairs.push(outcomes.collect::<Vec<_>>());
    }
    let largest = pairs.iter().flatten().flatten().map(|(_, d)| f64::from(d.abs()));
    let largest = largest.max_by(f64::total_cmp);
    let columns = pairs.iter().map(Vec::len).max().unwrap_or(0);
    let column = |column: usize| {
        let rows = pairs.iter().enumerate();
        let same = |(row, pair): (usize, &Vec<Option<(bool, f32)>>)| {
            Some((row, pair.get(column)?.as_ref()?.0))
        };
        rows.filter_map(same).collect::<Vec<_>>()
    };
    let same: Vec<Statistic> = (0..columns)
        .map(column)
        .filter(|items| !items.is_empty())
        .map(|items| Box::new(move |weights: &[u32]| share(&items, weights)) as Statistic)
        .collect();
    Plan {
        key: "agreement".to_owned(),
        title: "Agreement with the earlier run".to_owned(),
        clips: cases.len(),
        measures: vec![
            measure("same_verdict", "same verdict", mean_of(same)),
            measure("largest_score_difference", "largest difference", Box::new(move |_| largest)),
        ],
        matrix: None,
    }
}
