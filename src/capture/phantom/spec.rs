//! `phantom:SCENE?key=value&…`, parsed and checked.

use std::fmt;
use std::str::FromStr;

use super::breast::Lesion;
use super::handling::Handling;
use super::lung::Finding;
use crate::error::{Error, ErrorKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scene {
    Lung(Finding),
    Breast(Lesion),
    Tour,
    Blank,
    Frozen,
    Noise,
}

const SCENES: [(&str, Scene, &str); 12] = [
    ("lung-normal", Scene::Lung(Finding::Normal), "sliding pleural line with A-lines"),
    ("lung-blines", Scene::Lung(Finding::BLines), "three to five B-lines, or lines=N"),
    ("lung-confluent", Scene::Lung(Finding::Confluent), "confluent B-lines, a white lung"),
    ("lung-consolidation", Scene::Lung(Finding::Consolidation), "subpleural consolidation"),
    ("lung-effusion", Scene::Lung(Finding::Effusion), "pleural effusion, collapsed lung in it"),
    ("lung-tour", Scene::Tour, "the five lung scenes, eight seconds each"),
    ("breast-normal", Scene::Breast(Lesion::None), "fat, glandular tissue, muscle"),
    ("breast-cyst", Scene::Breast(Lesion::Cyst), "a simple cyst"),
    ("breast-mass", Scene::Breast(Lesion::Mass), "an irregular mass with shadow"),
    ("blank", Scene::Blank, "a black picture"),
    ("frozen", Scene::Frozen, "a lung picture that never changes"),
    ("noise", Scene::Noise, "white noise without echo"),
];

const KEYS: &str = "seed=N, gain=DB (-20 to 20), depth=MM (30 to 240), motion=X (0 to 3), \
                    lines=N (0 to 30), fps=N (1 to 60), size=WxH (64x48 to 1920x1080), \
                    probe=convex|linear|phased, chrome=0|1 (a machine's text and marks)";
const FAULTS: &str = "contact=X (0.2 to 1, share of the probe on the skin), \
                      shake=X (0 to 2, sweep of a shaking hand in widths of the sector), \
                      deeper=X (0.3 to 3, depth of the picture over the one that suits), \
                      scale=X (0.2 to 1, size of the sector in the picture), \
                      shift=X (-0.5 to 0.5, the sector moved aside, in widths of the picture)";

/// A scene with its parameters.
#[derive(Debug, Clone, PartialEq)]
pub struct PhantomSpec {
    pub(super) scene: Scene,
    /// Chooses the patient.
    pub seed: u64,
    /// Receiver gain in dB around the usual.
    pub gain_db: f32,
    /// Depth of the picture; `None` leaves it to the patient.
    pub depth_mm: Option<f32>,
    /// Vigour of breathing, 1 being quiet breathing.
    pub motion: f32,
    /// Number of B-lines, where the scene has them.
    pub lines: Option<u32>,
    /// Frames a second.
    pub fps: u32,
    /// Width and height of the picture in pixels.
    pub size: (u32, u32),
    /// `None` takes the probe that the organ is scanned with.
    pub(super) probe: Option<Shape>,
    /// Whether a machine's text and marks are drawn around and over the echo.
    pub chrome: bool,
    /// What the operator does wrong, if anything.
    pub(super) handling: Handling,
}

/// The kind of probe, by the shape of its sector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Convex,
    Linear,
    Phased,
}

/// One line a scene and one for the parameters, for help texts.
pub fn scene_help() -> String {
    let mut help = String::new();
    for (name, _, words) in SCENES {
        help += &format!("  phantom:{name:<20} {words}\n");
    }
    help + &format!("  parameters after `?`, joined by `&`: {KEYS}\n  handled badly: {FAULTS}")
}

impl FromStr for PhantomSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<PhantomSpec, Error> {
        let wrong = |problem: String, remedy: String| {
            let subject = format!("source `phantom:{text}`");
            Error::new(ErrorKind::Usage, subject, problem, remedy)
        };
        let (name, query) = text.split_once('?').unwrap_or((text, ""));
        let Some(&(_, scene, _)) = SCENES.iter().find(|(n, _, _)| *n == name) else {
            let names: Vec<_> = SCENES.iter().map(|(n, _, _)| *n).collect();
            let remedy = format!("choose one of {}", names.join(", "));
            return Err(wrong(format!("there is no scene `{name}`"), remedy));
        };
        let mut spec = PhantomSpec {
            scene,
            seed: 1,
            gain_db: 0.0,
            depth_mm: None,
            motion: 1.0,
            lines: None,
            fps: 25,
            size: (640, 480),
            probe: None,
            chrome: false,
            handling: Handling::default(),
        };
        for pair in query.split('&').filter(|p| !p.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            spec.set(key, value).ok_or_else(|| {
                wrong(
                    format!("`{pair}` is not a parameter in range"),
                    format!("allowed: {KEYS}, {FAULTS}"),
                )
            })?;
        }
        Ok(spec)
    }
}

impl PhantomSpec {
    fn set(&mut self, key: &str, value: &str) -> Option<()> {
        match key {
            "seed" => self.seed = value.parse().ok()?,
            "gain" => self.gain_db = within(value, -20.0, 20.0)?,
            "depth" => self.depth_mm = Some(within(value, 30.0, 240.0)?),
            "motion" => self.motion = within(value, 0.0, 3.0)?,
            "lines" => self.lines = Some(value.parse().ok().filter(|n| *n <= 30)?),
            "fps" => self.fps = value.parse().ok().filter(|n| (1..=60).contains(n))?,
            "size" => {
                let (w, h) = value.split_once('x')?;
                let (w, h) = (w.parse().ok()?, h.parse().ok()?);
                if !(64..=1920).contains(&w) || !(48..=1080).contains(&h) {
                    return None;
                }
                self.size = (w, h);
            }
            "probe" => {
                self.probe = Some(match value {
                    "convex" => Shape::Convex,
                    "linear" => Shape::Linear,
                    "phased" => Shape::Phased,
                    _ => return None,
                });
            }
            "chrome" => {
                self.chrome = match value {
                    "0" => false,
                    "1" => true,
                    _ => return None,
                };
            }
            "contact" => self.handling.contact = within(value, 0.2, 1.0)?,
            "shake" => self.handling.shake = within(value, 0.0, 2.0)?,
            "deeper" => self.handling.deeper = within(value, 0.3, 3.0)?,
            "scale" => self.handling.scale = within(value, 0.2, 1.0)?,
            "shift" => self.handling.shift = within(value, -0.5, 0.5)?,
            _ => return None,
        }
        Some(())
    }
}

fn within(value: &str, low: f32, high: f32) -> Option<f32> {
    value.parse().ok().filter(|v: &f32| (low..=high).contains(v))
}

impl fmt::Display for PhantomSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = SCENES.iter().find(|(_, s, _)| *s == self.scene).map_or("?", |(n, _, _)| n);
        write!(f, "phantom:{name}?seed={}", self.seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        let spec: PhantomSpec =
            "lung-blines?seed=7&gain=-3&depth=120&lines=2&size=320x240&fps=30".parse().unwrap();
        assert_eq!((spec.seed, spec.gain_db, spec.depth_mm), (7, -3.0, Some(120.0)));
        assert_eq!((spec.lines, spec.size, spec.fps), (Some(2), (320, 240), 30));
        assert_eq!(spec.to_string(), "phantom:lung-blines?seed=7");
    }

    #[test]
    fn errors_name_the_offence_and_what_is_allowed() {
        for (text, offence, allowed) in [
            ("lung", "no scene `lung`", "lung-normal"),
            ("lung-normal?gain=99", "`gain=99`", "-20 to 20"),
            ("lung-normal?gain=nan", "`gain=nan`", "-20 to 20"),
            ("lung-normal?colour=red", "`colour=red`", "seed=N"),
            ("lung-normal?size=1x1", "`size=1x1`", "64x48"),
            ("lung-normal?probe=mechanical", "`probe=mechanical`", "convex|linear|phased"),
            ("lung-normal?chrome=yes", "`chrome=yes`", "chrome=0|1"),
            ("lung-normal?contact=0", "`contact=0`", "0.2 to 1"),
            ("lung-normal?shift=nan", "`shift=nan`", "-0.5 to 0.5"),
        ] {
            let error = text.parse::<PhantomSpec>().unwrap_err().to_string();
            assert!(error.contains(offence) && error.contains(allowed), "{error}");
        }
    }
}
