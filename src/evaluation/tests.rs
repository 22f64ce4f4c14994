use proptest::prelude::*;

use super::*;

fn case(group: &str, positive: bool, score: f32) -> Case {
    let verdict = match score {
        s if s >= 0.6 => Call::Refer,
        s if s <= 0.4 => Call::Clear,
        _ => Call::Ungradable,
    };
    let outcome = Outcome { score, threshold: 0.5, verdict, ..Outcome::default() };
    let (positive, group) = (Some(positive), group.to_owned());
    Case { group, positive, outcomes: vec![Some(outcome)], ..Case::default() }
}

fn whole(cases: &[Case], questions: &[Question], earlier: Option<&Earlier>) -> Part {
    part("all", &cases.iter().collect::<Vec<_>>(), questions, earlier)
}

impl Part {
    fn entry(&self, section: &str, key: &str) -> &Entry {
        let section = self.sections.iter().find(|s| s.key == section).unwrap();
        section.entries.iter().find(|e| e.key == key).unwrap()
    }

    fn value(&self, section: &str, key: &str) -> Option<f64> {
        self.entry(section, key).figure.value
    }
}

fn small() -> [Case; 6] {
    [
        case("a", true, 0.9),
        case("a", true, 0.5),
        case("b", true, 0.3),
        case("c", false, 0.1),
        case("d", false, 0.2),
        case("e", false, 0.5),
    ]
}

#[test]
fn a_small_table_by_hand() {
    let part = whole(&small(), &[], None);
    let value = |key| part.value("verdict", key).unwrap();
    // 0.9 beats 3, 0.5 beats 2 and ties 1, 0.3 beats 2: 7.5 of 9 pairs.
    assert!((value("auc") - 7.5 / 9.0).abs() < 1e-12);
    assert_eq!(value("sensitivity"), 2.0 / 3.0);
    assert_eq!(value("specificity"), 2.0 / 3.0);
    assert_eq!(value("accuracy"), 4.0 / 6.0);
    assert_eq!(value("graded_sensitivity"), 0.5);
    assert_eq!(value("graded_specificity"), 1.0);
    assert_eq!(value("graded_accuracy"), 0.75);
    assert_eq!((value("ungradable_share"), value("coverage")), (2.0 / 6.0, 4.0 / 6.0));
    // Bins of 0.1, 0.2, 0.3, 0.5 (two, one positive), 0.9.
    let error: f64 = (0.1 + 0.2 + 0.7 + 0.0 + 0.1) / 6.0;
    assert!((value("calibration_error") - error).abs() < 1e-6, "{}", value("calibration_error"));
    assert_eq!((part.clips, part.groups, part.positives), (6, 5, 3));
    let matrix = part.sections[0].matrix.as_ref().unwrap();
    assert_eq!(matrix.counts, [[0, 2, 1], [1, 1, 1]]);
}

#[test]
fn figures_are_means_over_the_columns_of_folds() {
    let mut cases = small();
    for case in &mut cases {
        // The second column is always right, and knows nothing of group e.
        let score = if case.positive == Some(true) { 0.9 } else { 0.1 };
        let outcome = Outcome { score, threshold: 0.5, ..Outcome::default() };
        case.outcomes.push((case.group != "e").then_some(outcome));
    }
    let part = whole(&cases, &[], None);
    assert!((part.value("verdict", "auc").unwrap() - (7.5 / 9.0 + 1.0) / 2.0).abs() < 1e-12);
    assert_eq!(part.value("verdict", "coverage"), Some((4.0 / 6.0 + 0.0) / 2.0));
}

#[test]
fn one_class_alone_has_no_auc() {
    let part = whole(&[case("a", true, 0.9), case("b", true, 0.8)], &[], None);
    assert_eq!(part.entry("verdict", "auc").figure, Figure::default());
    assert_eq!(part.value("verdict", "specificity"), None);
    assert_eq!(part.value("verdict", "sensitivity"), Some(1.0));
}

#[test]
fn without_labels_there_is_only_coverage() {
    let mut cases = small();
    cases.iter_mut().for_each(|case| case.positive = None);
    let part = whole(&cases, &[], None);
    let keys: Vec<&str> = part.sections[0].entries.iter().map(|e| &e.key[..]).collect();
    assert_eq!(keys, ["coverage", "ungradable_share"]);
}

#[test]
fn groups_widen_the_interval() {
    let scores = |i: usize| (i * 7919 % 100) as f32 / 100.0;
    let width = |group: fn(usize) -> usize| {
        let cases: Vec<Case> =
            (0..80).map(|i| case(&group(i).to_string(), i % 2 == 0, scores(i / 8))).collect();
        let figure = whole(&cases, &[], None).entry("verdict", "sensitivity").figure;
        figure.high.unwrap() - figure.low.unwrap()
    };
    assert!(width(|i| i / 8) > 1.5 * width(|i| i));
}

#[test]
fn labels_findings_masks_and_ranks_by_hand() {
    let labels = ["x", "y", "z"].map(str::to_owned).to_vec();
    let questions = [Question { key: "kind".to_owned(), labels }];
    let said = [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4]];
    let overlaps = [(10, 10, 10), (10, 30, 10), (0, 0, 0), (0, 4, 0)];
    let mut cases: Vec<Case> = (0..4).map(|i| case(&i.to_string(), true, 0.2 * i as f32)).collect();
    for (i, case) in cases.iter_mut().enumerate() {
        if i < 3 {
            case.choices.insert("kind".to_owned(), [0, 1, 1][i]);
        }
        case.findings.insert("B-lines".to_owned(), i > 1);
        case.number = Some([0.0, 2.0, 1.0, 3.0][i]);
        let outcome = case.outcomes[0].as_mut().unwrap();
        outcome.choices.insert("kind".to_owned(), said[i].to_vec());
        outcome.findings.insert("B-lines".to_owned(), [0.1, 0.7, 0.4, 0.9][i]);
        let (truth, found, both) = overlaps[i];
        outcome.mask = Some(Overlap { truth, found, both });
    }
    let part = whole(&cases, &questions, None);
    assert_eq!(part.value("kind", "accuracy"), Some(2.0 / 3.0));
    // x: 0.7 above both; y: 0.3 and 0.5 above 0.2.
    assert_eq!(part.value("kind", "macro_auc"), Some(1.0));
    assert_eq!(part.value("kind", "balanced_accuracy"), Some(0.75));
    let kind = part.sections.iter().find(|s| s.key == "kind").unwrap();
    assert_eq!((kind.clips, kind.left_out), (3, 1));
    assert_eq!(kind.matrix.as_ref().unwrap().counts, [[1, 0, 0], [0, 1, 1], [0, 0, 0]]);
    assert_eq!(part.value("finding B-lines", "auc"), Some(0.75));
    assert_eq!(part.value("finding B-lines", "sensitivity"), Some(0.5));
    assert_eq!(part.value("finding B-lines", "specificity"), Some(0.5));
    assert_eq!(part.value("mask", "dice"), Some(0.75));
    assert_eq!(part.value("mask", "dice_median"), Some(0.75));
    assert_eq!(part.value("mask", "dice_above_half"), Some(0.5));
    assert!((part.value("mask", "iou").unwrap() - (1.0 + 1.0 / 3.0) / 2.0).abs() < 1e-12);
    assert_eq!(part.value("mask", "empty"), Some(0.5));
    // Ranks 1 2 3 4 and 1 3 2 4: 1 - 6 * 2 / (4 * 15).
    assert!((part.value("correlation", "spearman").unwrap() - 0.8).abs() < 1e-12);
}

#[test]
fn an_earlier_run_is_compared_by_path() {
    let mut cases = Vec::new();
    for i in 0..60 {
        let name = i.to_string();
        let score = ((i * 37) % 100) as f32 / 100.0;
        cases.push(Case { path: name.clone(), ..case(&name, score > 0.45, score) });
    }
    let mut earlier: Earlier = cases.iter().map(|c| (c.path.clone(), c.clone())).collect();
    let same = whole(&cases, &[], Some(&earlier));
    let gain = same.entry("verdict", "auc").difference.unwrap();
    assert_eq!((gain.figure.value, gain.p), (Some(0.0), Some(1.0)));
    assert_eq!(same.value("agreement", "same_verdict"), Some(1.0));
    // The earlier run guessed, and did not know the last ten clips.
    for (i, case) in earlier.values_mut().enumerate() {
        let outcome = case.outcomes[0].as_mut().unwrap();
        (outcome.score, outcome.verdict) = ((i % 7) as f32 / 7.0, Call::Refer);
    }
    (50..60).for_each(|i| drop(earlier.remove(&i.to_string())));
    let better = whole(&cases, &[], Some(&earlier));
    let gain = better.entry("verdict", "auc").difference.unwrap();
    assert!(gain.figure.low.unwrap() > 0.2 && gain.p.unwrap() < 0.01, "{gain:?}");
    let agreement = better.sections.last().unwrap();
    assert_eq!((agreement.clips, agreement.left_out), (50, 10));
    assert!(better.value("agreement", "same_verdict").unwrap() < 0.6);
    assert!(better.value("agreement", "largest_score_difference").unwrap() > 0.3);
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
        let (a, b) = (whole(&cases(1), &[], None), whole(&cases(3), &[], None));
        if rows.iter().any(|row| row.1) && rows.iter().any(|row| !row.1) {
            prop_assert_eq!(a.value("verdict", "auc"), b.value("verdict", "auc"));
        }
        for Entry { figure, .. } in &a.sections[0].entries {
            if let (Some(value), Some(low), Some(high)) = (figure.value, figure.low, figure.high) {
                prop_assert!(low <= high && (0.0..=1.0).contains(&value));
            }
        }
    }
}
