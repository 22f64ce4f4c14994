//! Advice to the operator on the picture as it is now, whatever an exam says of it.
//!
//! Each kind of fault has one measure and one threshold. How far a frame is towards the threshold
//! is smoothed over about a second of time; advice begins when the smoothed value passes the
//! threshold and ends when it has come back by [`MARGIN`]. Of several faults the most important is
//! told, and nothing during the first second: silence is the usual state.
//!
//! Only what a picture can tell: not whether the organ is the right one, nor whether the depth is.
//! A healthy lung is dark below its pleura at any depth, and pleurae lie as high in good real clips
//! as in phantoms at two and a half times their depth.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::LONGEST_GAP;
#[cfg(doc)]
use crate::preprocess::Echo;
use crate::preprocess::Measures;

/// How far, as a share of the threshold, a measure must come back to end an advice.
const MARGIN: f32 = 0.15;
/// A frame counts at most as this much of its threshold: what comes and goes, such as the jolts of
/// a breath or a sweep, says nothing.
const MOST: f32 = 1.2;
/// [`Measures::structure`] below which there is noise and no echo: white noise has 0.03 to 0.1.
const NOISE: f32 = 0.15;
/// Contrast, in grey levels, of a picture in which there is echo, but too dim for a sector ...
const DIM: std::ops::Range<u8> = 5..36;
/// ... and of one in which it is bright enough, but too little of it.
const LITTLE: std::ops::Range<u8> = 36..60;
/// A sector that begins above this share of the picture's height is not small: it ends where the
/// echo does.
const TOP: f32 = 0.12;
/// Dark pictures flicker. What moves must also change cells, by this many times the contrast for
/// each share of echo that moves.
const STIR: f32 = 0.27;

/// What to do about the picture, the most important first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    NoEcho,
    TooDark,
    SmallSector,
    CutSector,
    PoorContact,
    TooBright,
    HoldStill,
}

impl Advice {
    pub const ALL: [Advice; 7] = [
        Advice::NoEcho,
        Advice::TooDark,
        Advice::SmallSector,
        Advice::CutSector,
        Advice::PoorContact,
        Advice::TooBright,
        Advice::HoldStill,
    ];

    /// A fixed identifier, for JSON and logs.
    pub fn code(self) -> &'static str {
        match self {
            Advice::NoEcho => "no-echo",
            Advice::TooDark => "too-dark",
            Advice::SmallSector => "small-sector",
            Advice::CutSector => "cut-sector",
            Advice::PoorContact => "poor-contact",
            Advice::TooBright => "too-bright",
            Advice::HoldStill => "hold-still",
        }
    }

    /// What is wrong and what to do, for the operator.
    pub fn words(self) -> &'static str {
        match self {
            Advice::NoEcho => "no echo: put the probe on with gel",
            Advice::TooDark => "too dark: raise the gain",
            Advice::SmallSector => "small picture: enlarge it",
            Advice::CutSector => "picture cut off: show all of it",
            Advice::PoorContact => "poor contact: more gel, press evenly",
            Advice::TooBright => "too bright: lower the gain",
            Advice::HoldStill => "too much movement: hold still",
        }
    }
}

/// From where on a measure is a fault. Shares are of 1, grey levels of 255.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Thresholds {
    /// Time over which measures are smoothed, and before the first advice.
    pub after: Duration,
    /// [`Echo::bright`] below this grey level is too dark.
    pub dark: u8,
    /// [`Echo::dim`] above this grey level is too bright.
    pub bright: u8,
    /// [`Echo::extent`] below this share is a small sector.
    pub small: f32,
    /// [`Echo::cut`] above this share is a sector cut off at one side.
    pub cut: f32,
    /// [`Echo::lost_beams`] above this share is poor contact.
    pub lost_beams: f32,
    /// [`Measures::motion`] above this share is too much movement.
    pub motion: f32,
}

impl Default for Thresholds {
    /// Chosen on phantoms with the seeds 1 to 40 and on the clips of half of the real patients.
    fn default() -> Thresholds {
        Thresholds {
            after: Duration::from_secs(1),
            dark: 115,
            bright: 206,
            small: 0.5,
            cut: 0.58,
            lost_beams: 0.4,
            motion: 0.11,
        }
    }
}

impl Thresholds {
    /// How far a frame is towards each fault's threshold (1), in the order of [`Advice::ALL`];
    /// `None` where it cannot tell.
    fn strain(&self, measures: &Measures) -> [Option<f32>; Advice::ALL.len()] {
        let echo = &measures.echo;
        let unseen = measures.sector_share == 0.0;
        if unseen || measures.structure < NOISE {
            let mut strain = [None; Advice::ALL.len()];
            let mut set = |advice: Advice, value| strain[advice as usize] = Some(value);
            match measures.contrast {
                contrast if unseen && DIM.contains(&contrast) => {
                    set(Advice::NoEcho, 0.0);
                    set(Advice::TooDark, MOST);
                }
                contrast if unseen && LITTLE.contains(&contrast) => {
                    set(Advice::NoEcho, 0.0);
                    set(Advice::TooDark, 0.0);
                    set(Advice::SmallSector, MOST);
                }
                _ => set(Advice::NoEcho, MOST),
            }
            return strain;
        }
        let over = |value: f32, threshold: f32| (value / threshold).clamp(0.0, MOST);
        let under = |value: f32, threshold: f32| over(threshold, value.max(0.001));
        let stirred = |change: f32| {
            let change = change / f32::from(measures.contrast.max(1));
            over(change, STIR * self.motion)
        };
        let motion = measures.motion.zip(measures.change);
        let moves = motion.map(|(motion, change)| over(motion, self.motion).min(stirred(change)));
        let small = if echo.top < TOP { 0.0 } else { under(echo.extent, self.small) };
        [
            Some(0.0),
            Some(under(f32::from(echo.bright), f32::from(self.dark))),
            Some(small),
            Some(over(echo.cut, self.cut)),
            Some(over(echo.lost_beams, self.lost_beams)),
            Some(over(f32::from(echo.dim), f32::from(self.bright))),
            moves,
        ]
    }
}

/// The smoothed way to one threshold.
#[derive(Debug, Clone, Copy, Default)]
struct Gauge {
    strain: Option<f32>,
    stands: bool,
}

impl Gauge {
    fn add(&mut self, strain: f32, share: f32) {
        let before = self.strain.unwrap_or(strain);
        let strain = before + (strain - before) * share;
        self.strain = Some(strain);
        self.stands = strain >= if self.stands { 1.0 - MARGIN } else { 1.0 };
    }
}

/// Follows the measures of a picture over time and says what to do about it.
#[derive(Debug, Clone)]
pub struct Guide {
    thresholds: Thresholds,
    gauges: [Gauge; Advice::ALL.len()],
    seen: Duration,
    last: Option<Duration>,
}

impl Guide {
    /// Nothing seen yet.
    pub fn new(thresholds: Thresholds) -> Guide {
        Guide { thresholds, gauges: Default::default(), seen: Duration::ZERO, last: None }
    }

    /// Forgets what was seen: the picture was away.
    pub fn reset(&mut self) {
        *self = Guide::new(self.thresholds);
    }

    /// Takes in one frame's measures; returns the advice that stands now.
    pub fn observe(&mut self, measures: &Measures) -> Option<Advice> {
        let now = measures.timestamp;
        let since = self.last.map_or(Duration::ZERO, |last| now.saturating_sub(last));
        self.last = Some(now);
        let since = since.min(LONGEST_GAP);
        self.seen += since;
        let (since, after) = (since.as_secs_f32(), self.thresholds.after.as_secs_f32());
        let share = since / (since + after / 2.0);
        for (gauge, strain) in self.gauges.iter_mut().zip(self.thresholds.strain(measures)) {
            if let Some(strain) = strain {
                gauge.add(strain, share);
            }
        }
        self.advice()
    }

    /// The advice that stands now.
    pub fn advice(&self) -> Option<Advice> {
        let heard = self.seen >= self.thresholds.after;
        let standing = Advice::ALL.into_iter().zip(&self.gauges).find(|(_, gauge)| gauge.stands);
        standing.filter(|_| heard).map(|(advice, _)| advice)
    }
}

#[cfg(test)]
mod tests;
