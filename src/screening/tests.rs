//! Screening as tables and properties.

use super::*;
use proptest::prelude::*;

fn rules() -> Rules {
    Rules {
        refers: vec![false, true],
        single_score: true,
        still: false,
        refer: 0.6,
        clear: 0.4,
        hysteresis: 0.05,
        min_evidence: Duration::from_millis(750),
        window: Duration::from_secs(4),
        slope: 1.0,
        intercept: 0.0,
        familiarity: None,
    }
}

fn usable(ms: u64) -> Measures {
    Measures {
        timestamp: Duration::from_millis(ms),
        sector_share: 0.6,
        contrast: 120,
        structure: 0.8,
        change: Some(1.0),
        ..Measures::default()
    }
}

/// A clip at 25 frames/s with these scores.
fn clip(mode: Mode, scores: &[f32]) -> Screening {
    let mut screening = Screening::new(rules(), mode);
    for (i, &score) in scores.iter().enumerate() {
        screening.observe(&usable(40 * i as u64), &[score]);
    }
    screening
}

/// Clear < ungradable < refer.
fn rank(verdict: Verdict) -> i32 {
    match verdict {
        Verdict::Clear => 0,
        Verdict::Ungradable(_) => 1,
        Verdict::Refer => 2,
    }
}

#[test]
fn one_second_is_enough_and_one_frame_is_not() {
    for (mode, enough) in [(Mode::Clip, 25), (Mode::Live, 51)] {
        assert_eq!(clip(mode, &vec![5.0; enough]).verdict(), Verdict::Refer);
        assert_eq!(clip(mode, &vec![-5.0; enough]).verdict(), Verdict::Clear);
        for n in [1, 2, 10] {
            let few = clip(mode, &vec![5.0; n]);
            assert_eq!(few.verdict(), Verdict::Ungradable(Reason::TooLittle), "{n} frames");
            assert!(few.conclude().1.probability > 0.9, "scored all the same");
        }
    }
    assert_eq!(clip(Mode::Clip, &[0.1; 50]).verdict(), Verdict::Ungradable(Reason::Uncertain));
}

#[test]
fn frames_far_apart_do_not_add_up_to_time() {
    let mut screening = Screening::new(rules(), Mode::Clip);
    screening.observe(&usable(0), &[9.0]);
    screening.observe(&usable(60_000), &[9.0]);
    assert_eq!(screening.evidence().usable, LONGEST_GAP);
    assert_eq!(screening.verdict(), Verdict::Ungradable(Reason::TooLittle));
}

#[test]
fn every_flaw_is_named() {
    let rules = Rules { familiarity: Some((1, -1.0)), ..rules() };
    for flaw in Flaw::ALL {
        let scores = [-9.0, if flaw == Flaw::Unfamiliar { -1.01 } else { 0.0 }];
        let spoil = |m: &mut Measures| match flaw {
            Flaw::Blank => m.contrast = 3,
            Flaw::NoSector => m.sector_share = 0.0,
            Flaw::Noise => m.structure = 0.05,
            Flaw::Frozen => m.change = Some(0.0),
            Flaw::Unfamiliar => {}
        };
        for mode in [Mode::Clip, Mode::Live] {
            let mut screening = Screening::new(rules.clone(), mode);
            for i in 0..200 {
                let mut measures = usable(40 * i);
                spoil(&mut measures);
                screening.observe(&measures, &scores);
            }
            let verdict = Verdict::Ungradable(Reason::Flawed(flaw));
            assert_eq!(screening.verdict(), verdict, "{mode:?}");
            assert_eq!(screening.conclude().0, verdict);
            assert!(screening.conclude().1.probability.is_finite());
        }
    }
}

#[test]
fn a_lone_flawed_picture_is_named_too() {
    let mut screening = Screening::new(rules(), Mode::Clip);
    screening.observe(&Measures { contrast: 0, ..usable(0) }, &[0.0]);
    assert_eq!(screening.verdict(), Verdict::Ungradable(Reason::Flawed(Flaw::Blank)));
}

#[test]
fn the_live_window_follows_the_picture_and_goes_stale() {
    let mut screening = clip(Mode::Live, &[6.0; 100]);
    assert_eq!(screening.verdict(), Verdict::Refer);
    for i in 0..150 {
        screening.observe(&usable(4_000 + 40 * i), &[-6.0]);
    }
    assert_eq!(screening.verdict(), Verdict::Clear);
    screening.observe(&usable(60_000), &[-6.0]);
    assert_eq!(screening.verdict(), Verdict::Ungradable(Reason::TooLittle), "all is old");
}

#[test]
fn a_sustained_refer_outlives_the_sweep() {
    let mut scores = vec![-6.0; 200];
    scores[20..140].fill(6.0);
    let screening = clip(Mode::Live, &scores);
    assert_eq!(screening.verdict(), Verdict::Clear, "the window has moved on");
    assert_eq!(screening.conclude().0, Verdict::Refer);
    // A clip read from a file is judged as a whole instead.
    let mut brief = vec![-6.0; 400];
    brief[..30].fill(6.0);
    assert_eq!(clip(Mode::Clip, &brief).conclude().0, Verdict::Clear);
}

#[test]
fn lifting_the_probe_does_not_lose_the_exam() {
    let mut screening = clip(Mode::Live, &[-6.0; 100]);
    for i in 0..150 {
        screening.observe(&Measures { contrast: 0, ..usable(4_000 + 40 * i) }, &[0.0]);
    }
    assert_eq!(screening.verdict(), Verdict::Ungradable(Reason::Flawed(Flaw::Blank)));
    assert_eq!(screening.conclude().0, Verdict::Clear);
}

#[test]
fn hysteresis_keeps_a_verdict_near_its_threshold() {
    let logit = |p: f32| (p / (1.0 - p)).ln();
    let mut screening = Screening::new(rules(), Mode::Live);
    let mut last = Verdict::Clear;
    for (i, (p, expected)) in [
        (0.62, Verdict::Refer),
        (0.57, Verdict::Refer),
        (0.53, Verdict::Ungradable(Reason::Uncertain)),
        (0.57, Verdict::Ungradable(Reason::Uncertain)),
        (0.38, Verdict::Clear),
        (0.43, Verdict::Clear),
        (0.47, Verdict::Ungradable(Reason::Uncertain)),
    ]
    .into_iter()
    .enumerate()
    {
        for k in 0..150 {
            screening.observe(&usable(i as u64 * 6_000 + 40 * k), &[logit(p)]);
            last = screening.verdict();
        }
        assert_eq!(last, expected, "at {p}");
    }
}

#[test]
fn a_still_bundle_judges_each_picture() {
    let still = Rules { still: true, ..rules() };
    for mode in [Mode::Clip, Mode::Live] {
        let mut screening = Screening::new(still.clone(), mode);
        screening.observe(&Measures { change: None, ..usable(0) }, &[4.0]);
        assert_eq!(screening.verdict(), Verdict::Refer);
    }
    let mut live = Screening::new(still, Mode::Live);
    for i in 0..100 {
        live.observe(&Measures { change: Some(0.0), ..usable(40 * i) }, &[4.0]);
    }
    live.observe(&usable(4_000), &[-4.0]);
    assert_eq!(live.verdict(), Verdict::Clear, "only the latest counts");
}

#[test]
fn classes_that_refer_are_summed() {
    let rules = Rules { refers: vec![false, true, true], single_score: false, ..rules() };
    let mut screening = Screening::new(rules, Mode::Clip);
    for i in 0..50 {
        screening.observe(&usable(40 * i), &[1.0, 1.0, 1.0]);
    }
    let evidence = screening.evidence();
    assert!((evidence.probability - 2.0 / 3.0).abs() < 1e-5);
    assert!(evidence.classes[..3].iter().all(|c| (c - 1.0 / 3.0).abs() < 1e-5));
}

#[test]
fn calibration_scales_class_scores_and_shifts_the_log_odds_of_referring() {
    let refers = vec![false, true, true];
    let (slope, intercept) = (0.5, 0.7);
    let rules = Rules { refers, single_score: false, slope, intercept, ..rules() };
    let scores = [1.5f32, -0.5, 2.0];
    let mut screening = Screening::new(rules, Mode::Clip);
    (0..50).for_each(|i| screening.observe(&usable(40 * i), &scores));
    let evidence = screening.evidence();
    let odds = scores.map(|s| (slope * s).exp());
    let expected = logistic(((odds[1] + odds[2]) / odds[0]).ln() + intercept);
    assert!((evidence.probability - expected).abs() < 1e-5);
    let classes = &evidence.classes[..3];
    assert!((classes[1] + classes[2] - expected).abs() < 1e-5, "classes agree with it");
    assert!((classes[2] / classes[1] - odds[2] / odds[1]).abs() < 1e-4);
}

#[test]
fn heads_read_their_own_scores() {
    let cause = Head { first: 1, len: 2, exclusive: true, temperature: 2.0 };
    let findings = Head { first: 3, len: 2, exclusive: false, temperature: 1.0 };
    let mut screening = Screening::new(rules(), Mode::Clip);
    for i in 0..50 {
        let odd = if i % 2 == 0 { 1.0 } else { -1.0 };
        screening.observe(&usable(40 * i), &[0.1, 4.0 + odd, 2.0, 0.0 + odd, -3.0]);
    }
    let evidence = screening.evidence();
    let probabilities = cause.probabilities(&evidence.scores);
    assert!((probabilities[0] - logistic(1.0)).abs() < 0.01, "{probabilities:?}");
    assert!((probabilities[0] + probabilities[1] - 1.0).abs() < 1e-6);
    assert_eq!(probabilities[2..], [0.0; MOST_SCORES - 2]);
    let probabilities = findings.probabilities(&evidence.scores);
    assert!(
        (probabilities[0] - 0.5).abs() < 0.01 && (probabilities[1] - logistic(-3.0)).abs() < 1e-5
    );
    assert_eq!(probabilities[2..], [0.0; MOST_SCORES - 2]);
}

#[test]
fn unfamiliar_frames_are_no_evidence() {
    let rules = Rules { familiarity: Some((1, 0.0)), ..rules() };
    let mut screening = Screening::new(rules, Mode::Clip);
    for i in 0..100 {
        let strange = i % 4 == 0;
        screening.observe(&usable(40 * i), if strange { &[50.0, -0.5] } else { &[-3.0, 0.5] });
    }
    let (verdict, evidence) = screening.conclude();
    assert_eq!((verdict, evidence.used), (Verdict::Clear, 75));
    assert_eq!(evidence.flaw, Some(Flaw::Unfamiliar));
    assert!((evidence.scores[1] - 0.5).abs() < 1e-6, "familiarity of the frames that count");
}

proptest! {
    #[test]
    fn probabilities_of_heads_are_some(
        scores in prop::array::uniform16(-1e4f32..1e4),
        first in 0usize..20,
        len in 0usize..20,
        temperature in 0.1f32..10.0,
    ) {
        for exclusive in [true, false] {
            let head = Head { first, len, exclusive, temperature };
            let found = head.probabilities(&scores);
            prop_assert!(found.iter().all(|p| (0.0..=1.0).contains(p)));
            let sum: f32 = found.iter().sum();
            let inside = (1..=MOST_SCORES).contains(&len) && first + len <= MOST_SCORES;
            prop_assert!(!(inside && exclusive) || (sum - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn classes_sum_to_one_and_rise_with_their_scores(
        scores in prop::array::uniform4(-30f32..30.0),
        rise in 0.0f32..5.0,
        slope in 0.1f32..3.0,
        intercept in -3.0f32..3.0,
    ) {
        let refers = vec![false, true, false, true];
        let rules = Rules { refers, single_score: false, slope, intercept, ..rules() };
        let judge = |scores: [f32; 4]| {
            let mut screening = Screening::new(rules.clone(), Mode::Clip);
            (0..30).for_each(|i| screening.observe(&usable(40 * i), &scores));
            *screening.evidence()
        };
        let low = judge(scores);
        let high = judge([scores[0], scores[1] + rise, scores[2], scores[3]]);
        prop_assert!((low.classes.iter().sum::<f32>() - 1.0).abs() < 1e-4);
        prop_assert!((low.classes[1] + low.classes[3] - low.probability).abs() < 1e-5);
        prop_assert!(high.probability >= low.probability - 1e-6);
    }

    #[test]
    fn monotone_in_every_score(
        scores in prop::collection::vec(-4.0f32..4.0, 2..200),
        rises in prop::collection::vec(0.0f32..3.0, 200),
        live: bool,
    ) {
        let mode = if live { Mode::Live } else { Mode::Clip };
        let higher: Vec<f32> = scores.iter().zip(&rises).map(|(s, r)| s + r).collect();
        let (low, high) = (clip(mode, &scores), clip(mode, &higher));
        prop_assert!(rank(low.verdict()) <= rank(high.verdict()));
        prop_assert!(rank(low.conclude().0) <= rank(high.conclude().0));
    }

    #[test]
    fn nothing_is_carried_into_the_next_exam(
        first in prop::collection::vec(-9.0f32..9.0, 1..200),
        second in prop::collection::vec(-9.0f32..9.0, 1..200),
        live: bool,
    ) {
        let mode = if live { Mode::Live } else { Mode::Clip };
        let mut reused = clip(mode, &first);
        reused.reset();
        for (i, &score) in second.iter().enumerate() {
            reused.observe(&usable(40 * i as u64), &[score]);
        }
        let fresh = clip(mode, &second);
        prop_assert_eq!(reused.verdict(), fresh.verdict());
        prop_assert_eq!(reused.conclude(), fresh.conclude());
        prop_assert_eq!(reused.evidence(), fresh.evidence());
    }

    #[test]
    fn any_timestamps_and_measures_are_survived(
        frames in prop::collection::vec(
            (0u64..u64::MAX / 2, 0u8..=255, 0.0f32..1.0, prop::option::of(0.0f32..9.0), -1e6f32..1e6),
            1..100,
        ),
    ) {
        for mode in [Mode::Clip, Mode::Live] {
            let mut screening = Screening::new(rules(), mode);
            for &(us, contrast, structure, change, score) in &frames {
                let timestamp = Duration::from_micros(us);
                let sector_share = f32::from(contrast % 3);
                let seen = Measures { timestamp, sector_share, contrast, structure, change, ..usable(0) };
                screening.observe(&seen, &[score]);
            }
            let evidence = screening.conclude().1;
            prop_assert!((0.0..=1.0).contains(&evidence.probability));
            prop_assert!(evidence.usable <= evidence.seen);
        }
    }
}
