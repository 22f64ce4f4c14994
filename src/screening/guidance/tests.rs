use super::*;
use crate::preprocess::Echo;
use proptest::prelude::*;

/// Far from every threshold.
fn good(ms: u64) -> Measures {
    Measures {
        timestamp: Duration::from_millis(ms),
        sector_share: 0.6,
        contrast: 120,
        structure: 0.8,
        change: Some(1.5),
        masked: 0,
        motion: Some(0.04),
        echo: Echo { extent: 0.95, top: 0.2, cut: 0.0, lost_beams: 0.05, bright: 170, dim: 150 },
    }
}

fn spoilt(advice: Advice, ms: u64) -> Measures {
    let m = good(ms);
    let echo = match advice {
        Advice::NoEcho => {
            return Measures { sector_share: 0.0, contrast: 2, echo: Echo::default(), ..m };
        }
        Advice::HoldStill => return Measures { motion: Some(0.3), change: Some(9.0), ..m },
        Advice::TooDark => Echo { bright: 60, ..m.echo },
        Advice::SmallSector => Echo { extent: 0.3, ..m.echo },
        Advice::CutSector => Echo { cut: 0.9, ..m.echo },
        Advice::PoorContact => Echo { lost_beams: 0.7, ..m.echo },
        Advice::TooBright => Echo { bright: 254, dim: 253, ..m.echo },
    };
    Measures { echo, ..m }
}

/// Advice at the end of `ms` milliseconds of such frames, one every `step`, from `start` on.
fn after(
    guide: &mut Guide,
    start: u64,
    ms: u64,
    step: u64,
    measures: impl Fn(u64) -> Measures,
) -> Option<Advice> {
    (start..=start + ms).step_by(step as usize).for_each(|t| {
        guide.observe(&measures(t));
    });
    guide.advice()
}

fn guide() -> Guide {
    Guide::new(Thresholds::default())
}

#[test]
fn a_good_picture_gets_no_advice() {
    assert_eq!(after(&mut guide(), 0, 5000, 40, good), None);
}

#[test]
fn each_fault_gets_its_own_advice_after_a_second_and_loses_it_after_another() {
    for advice in Advice::ALL {
        let mut guide = guide();
        assert_eq!(after(&mut guide, 0, 960, 40, |t| spoilt(advice, t)), None, "too early");
        assert_eq!(after(&mut guide, 1000, 400, 40, |t| spoilt(advice, t)), Some(advice));
        assert_eq!(after(&mut guide, 1440, 1500, 40, good), None, "{advice:?} stays");
        let late = after(&mut guide, 2980, 1200, 40, |t| spoilt(advice, t));
        assert_eq!(late, Some(advice), "{advice:?} comes back");
    }
}

#[test]
fn the_most_important_fault_is_told() {
    let both =
        |t| Measures { motion: Some(0.9), change: Some(20.0), ..spoilt(Advice::PoorContact, t) };
    assert_eq!(after(&mut guide(), 0, 2000, 40, both), Some(Advice::PoorContact));
    for (i, first) in Advice::ALL.into_iter().enumerate() {
        assert_eq!(first as usize, i);
    }
}

#[test]
fn time_decides_and_not_the_number_of_frames() {
    for step in [10, 20, 100, 200] {
        let mut guide = guide();
        after(&mut guide, 0, 2000, step, good);
        let mut told = None;
        for t in (2000 + step..4000).step_by(step as usize) {
            if guide.observe(&spoilt(Advice::TooDark, t)).is_some() {
                told.get_or_insert(t - 2000);
            }
        }
        let told = told.unwrap();
        assert!((100..=1000).contains(&told), "every {step} ms: told after {told} ms");
    }
}

#[test]
fn one_bad_frame_says_nothing_nor_does_a_gap() {
    let mut guide = guide();
    after(&mut guide, 0, 3000, 40, good);
    assert_eq!(guide.observe(&spoilt(Advice::PoorContact, 3040)), None);
    assert_eq!(guide.observe(&good(3080)), None);
    assert_eq!(guide.observe(&spoilt(Advice::HoldStill, 9000)), None, "a gap is no evidence");
}

#[test]
fn at_the_threshold_words_do_not_flicker() {
    let limit = Thresholds::default().dark;
    let mut guide = guide();
    let mut changes = 0;
    let mut before = None;
    for i in 0..500u64 {
        // Three levels to each side, as noise would have it.
        let bright = (i32::from(limit) + (i * 7 % 13) as i32 / 2 - 3) as u8;
        let measures = good(40 * i);
        let echo = Echo { bright, ..measures.echo };
        let now = guide.observe(&Measures { echo, ..measures });
        changes += u32::from(now != before);
        before = now;
    }
    assert!(changes <= 1, "{changes} changes");
}

#[test]
fn echo_without_a_sector_is_dark_or_small_and_noise_is_none() {
    let dim = |t| Measures { contrast: 20, ..spoilt(Advice::NoEcho, t) };
    assert_eq!(after(&mut guide(), 0, 2000, 40, dim), Some(Advice::TooDark));
    let little = |t| Measures { contrast: 45, ..spoilt(Advice::NoEcho, t) };
    assert_eq!(after(&mut guide(), 0, 2000, 40, little), Some(Advice::SmallSector));
    let noise = |t| Measures { structure: 0.06, ..good(t) };
    assert_eq!(after(&mut guide(), 0, 2000, 40, noise), Some(Advice::NoEcho));
}

/// As a breath or a sweep has them: a jolt of a third of a second in every one.
#[test]
fn jolts_are_no_shaking() {
    let breath = |t| if t % 1000 < 320 { spoilt(Advice::HoldStill, t) } else { good(t) };
    let mut guide = guide();
    for t in (0..8000).step_by(40) {
        assert_eq!(guide.observe(&breath(t)), None, "at {t} ms");
    }
}

#[test]
fn a_reset_forgets() {
    let mut guide = guide();
    after(&mut guide, 0, 2000, 40, |t| spoilt(Advice::TooBright, t));
    guide.reset();
    assert_eq!(guide.advice(), None);
    assert_eq!(after(&mut guide, 5000, 900, 40, |t| spoilt(Advice::TooBright, t)), None);
}

#[test]
fn every_advice_says_what_to_do() {
    for advice in Advice::ALL {
        let (code, words) = (advice.code(), advice.words());
        assert!(code.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{code}");
        assert!(words.contains(": ") && words.len() <= 60, "{words}");
    }
}

proptest! {
    #[test]
    fn any_measures_are_survived(
        frames in prop::collection::vec(
            (0u64..u64::MAX / 2, any::<f32>(), any::<f32>(), any::<f32>(), any::<u8>(), any::<u8>()),
            1..50,
        ),
    ) {
        let mut guide = guide();
        for (us, a, b, c, bright, dim) in frames {
            guide.observe(&Measures {
                timestamp: Duration::from_micros(us),
                motion: Some(c),
                echo: Echo {
                    extent: a,
                    top: b,
                    cut: b,
                    lost_beams: c,
                    bright,
                    dim,
                },
                ..good(0)
            });
        }
        // Whatever was seen, a good picture ends it.
        let last = guide.last.unwrap().as_millis() as u64 + 1;
        prop_assert_eq!(after(&mut guide, last, 10_000, 40, good), None);
    }
}
