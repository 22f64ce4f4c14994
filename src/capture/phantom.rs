//! The built-in phantom: a deterministic ultrasound simulator with known truth.
//!
//! `phantom:SCENE?seed=7&gain=-3` gives the same frames on every machine: random numbers come
//! from the seed, and only IEEE arithmetic and a portable libm are used. It demonstrates and
//! tests the appliance; it is not a model of any patient and proves nothing clinical.

mod acoustics;
mod breast;
mod chrome;
mod handling;
mod lung;
mod paint;
mod scan;
mod spec;

use std::time::Duration;

use oorandom::Rand32;

use self::acoustics::{Canvas, Motion, Receiver, Scanner};
use self::breast::{Breast, Lesion};
use self::chrome::Chrome;
use self::lung::{Finding, Lung};
use self::paint::uniform;
use self::scan::{LINES, Probe, SAMPLES, ScanConverter};
pub use self::spec::{PhantomSpec, scene_help};
use self::spec::{Scene, Shape};
use super::FrameSource;
use crate::error::Error;
use crate::frame::Frame;

/// Seconds that `lung-tour` stays with each scene.
pub const TOUR_STOP_S: f32 = 8.0;
const TOUR: [Finding; 5] = [
    Finding::Normal,
    Finding::BLines,
    Finding::Confluent,
    Finding::Consolidation,
    Finding::Effusion,
];

/// What a scene really shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Truth {
    /// What is planted, in words.
    pub finding: &'static str,
    /// Whether a screening test should refer; `None` where the picture cannot be judged.
    pub pathologic: Option<bool>,
}

enum Anatomy {
    Lung(Lung),
    Breast(Breast),
    /// No echo at all, or noise instead of it.
    Nothing,
}

/// One patient under one probe.
struct Patient {
    anatomy: Anatomy,
    /// Depth of the picture.
    shown_mm: f32,
    scanner: Scanner,
    receiver: Receiver,
    converter: ScanConverter,
    chrome: Option<Chrome>,
}

/// The simulated source.
pub struct Phantom {
    spec: PhantomSpec,
    patient: Patient,
    /// Stop of the tour that `patient` belongs to.
    stop: usize,
    canvas: Canvas,
    beams: Vec<u8>,
    planted: Vec<u8>,
    random: Rand32,
    sequence: u64,
}

impl Phantom {
    /// The patient and the scanner that `spec` describes, at time 0.
    pub fn new(spec: &PhantomSpec) -> Phantom {
        let (width, height) = spec.size;
        Phantom {
            patient: Patient::new(spec, scene_at(spec.scene, 0)),
            spec: spec.clone(),
            stop: 0,
            canvas: Canvas::new(),
            beams: vec![0; LINES * SAMPLES],
            planted: vec![0; width as usize * height as usize],
            random: Rand32::new(spec.seed ^ 0xbead),
            sequence: 0,
        }
    }

    /// What the latest frame shows.
    pub fn truth(&self) -> Truth {
        let (finding, pathologic) = match &self.patient.anatomy {
            Anatomy::Lung(_) if self.spec.scene == Scene::Frozen => ("frozen picture", None),
            Anatomy::Lung(lung) => match lung.finding() {
                Finding::Normal => ("normal lung", Some(false)),
                // Three in one intercostal space are the accepted sign (Volpicelli 2012).
                Finding::BLines => ("B-lines", Some(self.spec.lines.unwrap_or(3) >= 3)),
                Finding::Confluent => ("confluent B-lines", Some(true)),
                Finding::Consolidation => ("consolidation", Some(true)),
                Finding::Effusion => ("pleural effusion", Some(true)),
            },
            Anatomy::Breast(breast) => match breast.lesion() {
                Lesion::None => ("normal breast", Some(false)),
                Lesion::Cyst => ("simple cyst", Some(false)),
                Lesion::Mass => ("irregular mass", Some(true)),
            },
            Anatomy::Nothing => ("no echo", None),
        };
        Truth { finding, pathologic }
    }

    /// Luma of the text and marks drawn over the picture, 0 elsewhere; `None` without `chrome=1`.
    pub fn chrome(&self) -> Option<&[u8]> {
        self.patient.chrome.as_ref().map(Chrome::layer)
    }

    /// First column and number of columns of the sector in picture row `y`.
    pub fn sector_span(&self, y: u32) -> (usize, usize) {
        self.patient.converter.span(y as usize)
    }
}

impl Patient {
    fn new(spec: &PhantomSpec, scene: Scene) -> Patient {
        let random = &mut Rand32::new(spec.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1abe1);
        let usual = if matches!(scene, Scene::Breast(_)) { Shape::Linear } else { Shape::Convex };
        let shape = spec.probe.unwrap_or(usual);
        let linear = shape == Shape::Linear;
        let deep = uniform(random, 85.0, 150.0);
        let shallow = uniform(random, 36.0, 48.0);
        let depth_mm = spec.depth_mm.unwrap_or(if linear { shallow } else { deep });
        let shown_mm = depth_mm * spec.handling.deeper;
        let width_mm = 38.0;
        let probe = match shape {
            Shape::Linear => Probe::Linear { width_mm },
            Shape::Convex => Probe::Convex {
                radius_mm: uniform(random, 38.0, 62.0),
                half_angle: uniform(random, 0.44, 0.62),
            },
            // Beams are steered from a footprint of a few millimetres.
            Shape::Phased => Probe::Convex {
                radius_mm: uniform(random, 4.0, 8.0),
                half_angle: uniform(random, 0.55, 0.75),
            },
        };
        let receiver = Receiver {
            carrier_mhz: if linear { 9.0 } else { uniform(random, 2.6, 4.2) },
            headroom_db: if linear { 26.0 } else { uniform(random, 27.0, 34.0) },
            range_db: uniform(random, 54.0, 64.0),
            persistence: uniform(random, 0.3, 0.6),
            noise_db: [uniform(random, -46.0, -38.0), uniform(random, -31.0, -20.0)],
        };
        let lung = |finding, lines, random: &mut Rand32| {
            Anatomy::Lung(Lung::new(finding, depth_mm, lines, random).shown_to(shown_mm))
        };
        let anatomy = match scene {
            Scene::Lung(finding) => lung(finding, spec.lines, random),
            Scene::Frozen | Scene::Tour => lung(Finding::Normal, None, random),
            Scene::Breast(lesion) => {
                Anatomy::Breast(Breast::new(lesion, depth_mm, width_mm, random).shown_to(shown_mm))
            }
            Scene::Blank | Scene::Noise => Anatomy::Nothing,
        };
        // The patient stays as he is; the machine's depth decides how much of him is shown.
        let converter = ScanConverter::new(probe, shown_mm, spec.size, &spec.handling);
        let chrome = spec.chrome.then(|| Chrome::new(spec.seed, spec.size, |y| converter.span(y)));
        let scanner = Scanner::new(spec.seed, shown_mm, &receiver);
        Patient { anatomy, shown_mm, scanner, receiver, converter, chrome }
    }
}

/// The scene on show at a stop of the tour; any other scene is its own.
fn scene_at(scene: Scene, stop: usize) -> Scene {
    match scene {
        Scene::Tour => Scene::Lung(TOUR[stop % TOUR.len()]),
        other => other,
    }
}

impl FrameSource for Phantom {
    fn next(&mut self, frame: &mut Frame) -> Result<bool, Error> {
        let t = self.sequence as f32 / self.spec.fps as f32;
        let stop = (t / TOUR_STOP_S) as usize;
        if self.spec.scene == Scene::Tour && stop != self.stop {
            self.stop = stop;
            let patient = PhantomSpec { seed: self.spec.seed + stop as u64, ..self.spec.clone() };
            self.patient = Patient::new(&patient, scene_at(Scene::Tour, stop));
        }
        frame.resize(self.spec.size.0, self.spec.size.1);
        frame.sequence = self.sequence;
        frame.timestamp =
            Duration::from_micros(self.sequence * 1_000_000 / u64::from(self.spec.fps));
        let still = self.spec.scene == Scene::Frozen && self.sequence > 0;
        self.sequence += 1;
        match (&self.patient.anatomy, self.spec.scene) {
            (Anatomy::Nothing, Scene::Noise) => {
                for pixels in frame.luma.chunks_mut(4) {
                    let word = self.random.rand_u32().to_le_bytes();
                    pixels.copy_from_slice(&word[..pixels.len()]);
                }
                return Ok(true);
            }
            (Anatomy::Nothing, _) => {
                frame.luma.fill(0);
                if let Some(chrome) = &self.patient.chrome {
                    chrome.paint(&mut frame.luma);
                }
                return Ok(true);
            }
            _ => {}
        }
        if !still {
            let (handling, motion) = (self.spec.handling, self.spec.motion);
            let place = handling.place(t);
            let motion = match &self.patient.anatomy {
                Anatomy::Lung(lung) => lung.paint(t, motion, place, &mut self.canvas),
                Anatomy::Breast(breast) => breast.paint(t, motion, place, &mut self.canvas),
                Anatomy::Nothing => Motion::default(),
            };
            handling.lift(self.spec.seed, self.patient.shown_mm, &mut self.canvas);
            let Patient { scanner, receiver, .. } = &mut self.patient;
            let gain = self.spec.gain_db;
            scanner.receive(&self.canvas, motion, gain, receiver, &mut self.beams);
        }
        self.patient.converter.convert(&self.beams, &mut frame.luma);
        if let Some(chrome) = &self.patient.chrome {
            chrome.paint(&mut frame.luma);
        }
        Ok(true)
    }

    /// Where a finding can be seen: nothing in a healthy organ.
    fn planted(&mut self) -> Option<&[u8]> {
        self.patient.converter.convert(&self.canvas.planted, &mut self.planted);
        Some(&self.planted)
    }

    fn is_live(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(spec: &str, count: usize) -> (Vec<Frame>, Phantom) {
        let mut phantom = Phantom::new(&spec.parse().unwrap());
        let frames = (0..count)
            .map(|_| {
                let mut frame = Frame::default();
                assert!(phantom.next(&mut frame).unwrap());
                frame
            })
            .collect();
        (frames, phantom)
    }

    #[test]
    fn a_seed_gives_the_same_frames_and_another_seed_others() {
        let (a, _) = frames("lung-blines?seed=5&size=160x120", 3);
        let (b, _) = frames("lung-blines?seed=5&size=160x120", 3);
        let (c, _) = frames("lung-blines?seed=6&size=160x120", 3);
        assert_eq!(a, b);
        assert_ne!(a[0].luma, c[0].luma);
        assert_ne!(a[0].luma, a[1].luma, "speckle moves");
    }

    #[test]
    fn frozen_never_changes_and_blank_is_black() {
        let (frozen, _) = frames("frozen?size=160x120", 3);
        assert_eq!(frozen[0].luma, frozen[2].luma);
        let (blank, phantom) = frames("blank", 1);
        assert!(blank[0].luma.iter().all(|&p| p == 0));
        assert_eq!(phantom.truth().pathologic, None);
    }

    #[test]
    fn planted_findings_lie_inside_the_sector() {
        for scene in ["lung-blines", "lung-consolidation", "lung-effusion", "breast-mass"] {
            let (_, mut phantom) = frames(&format!("{scene}?seed=3"), 1);
            let planted = phantom.planted().unwrap().iter().filter(|&&p| p > 127).count();
            assert!((500..200_000).contains(&planted), "{scene}: {planted} pixels");
        }
        let (_, mut healthy) = frames("lung-normal?seed=3", 1);
        assert!(healthy.planted().unwrap().iter().all(|&p| p == 0));
    }

    #[test]
    fn planted_findings_move_with_the_frame() {
        for scene in ["lung-blines", "lung-consolidation", "lung-effusion", "breast-mass"] {
            let (_, mut phantom) = frames(&format!("{scene}?seed=3&size=320x240"), 1);
            let first = phantom.planted().unwrap().to_vec();
            let mut frame = Frame::default();
            (0..12).for_each(|_| assert!(phantom.next(&mut frame).unwrap()));
            assert_ne!(phantom.planted().unwrap(), first, "{scene}");
        }
    }

    #[test]
    fn gain_brightens() {
        let mean = |spec: &str| {
            let (f, _) = frames(spec, 1);
            f[0].luma.iter().map(|&p| u64::from(p)).sum::<u64>()
        };
        assert!(mean("lung-normal?gain=6") > mean("lung-normal?gain=0"));
        assert!(mean("lung-normal?gain=-6") < mean("lung-normal?gain=0"));
    }

    #[test]
    fn the_tour_changes_patient_at_each_stop() {
        let (_, phantom) = frames("lung-tour?fps=1&size=64x48", 10);
        assert_eq!(phantom.truth().finding, "B-lines");
    }
}
