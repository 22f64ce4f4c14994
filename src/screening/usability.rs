//! Whether a frame can count as evidence at all.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::preprocess::Measures;

/// Below this contrast, in grey levels, a picture is black or of one colour.
const BLANK: u8 = 20;
/// Below this share of contrast in large blocks there is noise, no echo. Real lung clips have at
/// least 0.5, white noise 0.03 to 0.1.
const STRUCTURE: f32 = 0.3;
/// From this mean change between frames on, as a share of the contrast, frames have nothing to do
/// with each other. Independent noise has 0.27 or more; of 18,000 frames of real lung clips, which
/// include cuts, one in ten thousand exceeds 0.19.
const FLICKER: f32 = 0.22;
/// Below this mean change between frames, in grey levels, nothing moves. The stillest real clip
/// at hand has 0.026, a repeated frame 0.
const STILL: f32 = 0.01;
/// For how long nothing may move: recordings repeat single frames.
const FROZEN_AFTER: Duration = Duration::from_millis(600);

/// Why a frame cannot be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Flaw {
    Blank,
    NoSector,
    Noise,
    Frozen,
    Unfamiliar,
}

impl Flaw {
    pub const ALL: [Flaw; 5] =
        [Flaw::Blank, Flaw::NoSector, Flaw::Noise, Flaw::Frozen, Flaw::Unfamiliar];
    pub const COUNT: usize = Flaw::ALL.len();

    /// A fixed identifier, for JSON and logs.
    pub fn code(self) -> &'static str {
        match self {
            Flaw::Blank => "blank",
            Flaw::NoSector => "no-sector",
            Flaw::Noise => "noise",
            Flaw::Frozen => "frozen",
            Flaw::Unfamiliar => "unfamiliar",
        }
    }

    /// What it means to the operator, and the next step.
    pub fn words(self) -> &'static str {
        match self {
            Flaw::Blank => "the picture is black or empty: check probe, gel and gain",
            Flaw::NoSector => "no ultrasound sector in the picture: check the source",
            Flaw::Noise => "noise instead of echo: check cable and probe contact",
            Flaw::Frozen => "the picture does not move: unfreeze the machine",
            Flaw::Unfamiliar => {
                "the picture is unlike those the model knows: check exam type and probe"
            }
        }
    }
}

/// Judges frames one after the other; remembers when the picture last moved.
#[derive(Debug, Clone)]
pub struct Judge {
    still: bool,
    moved: Option<Duration>,
}

impl Judge {
    /// `still`: single pictures, which need not move.
    pub fn new(still: bool) -> Judge {
        Judge { still, moved: None }
    }

    fn flickers(&self, measures: &Measures) -> bool {
        let change = measures.change.filter(|_| !self.still).unwrap_or(0.0);
        change >= FLICKER * f32::from(measures.contrast)
    }

    pub fn flaw(&mut self, measures: &Measures) -> Option<Flaw> {
        let now = measures.timestamp;
        let moves = measures.change.is_none_or(|change| change >= STILL);
        let moved = if moves { now } else { self.moved.unwrap_or(now) };
        self.moved = Some(moved);
        if measures.contrast < BLANK {
            Some(Flaw::Blank)
        } else if measures.sector_share == 0.0 {
            Some(Flaw::NoSector)
        } else if measures.structure < STRUCTURE || self.flickers(measures) {
            Some(Flaw::Noise)
        } else if !self.still && now.saturating_sub(moved) >= FROZEN_AFTER {
            Some(Flaw::Frozen)
        } else {
            None
        }
    }
}
