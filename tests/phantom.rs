//! What the built-in bundle says of phantoms it was not trained on, and of what is no ultrasound.
//!
//! Training used the seeds from 1 000 001 upwards (see the card); these are 1 to 20.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::Duration;

use sonolamp::capture::FrameSource;
use sonolamp::capture::phantom::Phantom;
use sonolamp::error::Error;
use sonolamp::frame::Frame;
use sonolamp::pipeline::{Model, clip};
use sonolamp::screening::{Mode, Verdict};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// Seeds whose live verdict after five seconds of `scene` is `wanted`, and the others' verdicts.
fn agreeing(scene: &str, wanted: Verdict) -> (usize, Vec<String>) {
    let model = Model::load(None).unwrap();
    let judge = |seed: u32| {
        let mut stages = model.stages(Mode::Live).unwrap();
        let mut phantom = Phantom::new(&format!("{scene}?seed={seed}").parse().unwrap());
        assert_eq!(phantom.truth().pathologic, Some(wanted == Verdict::Refer));
        let mut frame = Frame::default();
        while phantom.next(&mut frame).unwrap() && frame.timestamp < FIVE_SECONDS {
            stages.process(&mut frame).unwrap();
        }
        (stages.screening().verdict(), stages.screening().evidence().probability)
    };
    let verdicts: Vec<_> = std::thread::scope(|scope| {
        let halves = [1..=10, 11..=20].map(|seeds| scope.spawn(|| seeds.map(&judge).collect()));
        halves.into_iter().flat_map(|half| -> Vec<_> { half.join().unwrap() }).collect()
    });
    let wrong = verdicts.iter().enumerate().filter(|(_, (verdict, _))| *verdict != wanted);
    let wrong: Vec<String> =
        wrong.map(|(i, (v, p))| format!("seed {}: {} {p:.2}", i + 1, v.word())).collect();
    (verdicts.len() - wrong.len(), wrong)
}

#[test]
fn a_normal_lung_is_clear_within_five_seconds() {
    let (right, wrong) = agreeing("lung-normal", Verdict::Clear);
    assert!(right >= 19, "{wrong:?}");
}

#[test]
fn b_lines_refer_within_five_seconds() {
    let (right, wrong) = agreeing("lung-blines", Verdict::Refer);
    assert!(right >= 19, "{wrong:?}");
}

/// Pictures made by a function of time.
struct Feed<F>(u64, F);

impl<F: FnMut(u64) -> Vec<u8>> FrameSource for Feed<F> {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        frame.resize(WIDTH, HEIGHT);
        frame.luma.copy_from_slice(&(self.1)(self.0));
        frame.sequence = self.0;
        frame.timestamp = Duration::from_millis(40 * self.0);
        self.0 += 1;
        Ok(true)
    }

    fn is_live(&self) -> bool {
        false
    }
}

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
const PIXELS: usize = (WIDTH * HEIGHT) as usize;

/// `reasons`: any of these is a right one.
fn ends_ungradable(name: &str, reasons: &[&str], picture: impl FnMut(u64) -> Vec<u8>) {
    let model = Model::load(None).unwrap();
    let mut stages = model.stages(Mode::Clip).unwrap();
    let result = clip::screen(&mut Feed(0, picture), &mut stages, Duration::from_secs(3)).unwrap();
    let code = result.verdict.reason().map_or("", |reason| reason.code());
    assert!(reasons.contains(&code), "{name}: {:?}", result.verdict);
    assert!(result.evidence.probability.is_finite(), "scored all the same");
}

#[test]
fn blank_frozen_and_noise_end_ungradable() {
    ends_ungradable("black", &["blank"], |_| vec![0; PIXELS]);
    ends_ungradable("white", &["blank"], |_| vec![255; PIXELS]);
    ends_ungradable("black that flickers", &["blank"], |t| vec![(t % 3) as u8; PIXELS]);
    let mut still = None;
    let mut phantom = Phantom::new(&"lung-blines?seed=4&size=320x240".parse().unwrap());
    ends_ungradable("frozen", &["frozen"], |_| {
        let mut frame = Frame::default();
        still.get_or_insert_with(|| {
            phantom.next(&mut frame).unwrap();
            frame.luma
        });
        still.clone().unwrap()
    });
    for grain in [1, 2, 4, 8] {
        let mut random = oorandom::Rand32::new(grain);
        // Flat blocks as wide as bars are taken for bars, and nothing is left.
        let reasons: &[&str] = if grain < 8 { &["noise"] } else { &["noise", "blank"] };
        ends_ungradable(&format!("noise of {grain} pixels"), reasons, |_| {
            let grain = grain as usize;
            let columns = WIDTH as usize / grain;
            let cells: Vec<u8> =
                (0..PIXELS / grain / grain).map(|_| random.rand_u32() as u8).collect();
            (0..PIXELS)
                .map(|i| {
                    let (x, y) = (i % WIDTH as usize, i / WIDTH as usize);
                    cells[y / grain * columns + x / grain]
                })
                .collect()
        });
    }
}
