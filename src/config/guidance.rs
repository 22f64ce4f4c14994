//! Advice on the picture: from where on a measure is a fault.

use std::time::Duration;

use serde::Deserialize;

use crate::error::Error;
use crate::screening::Thresholds;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawGuidance {
    enabled: bool,
    after_ms: i64,
    dark_level: i64,
    bright_level: i64,
    small_percent: i64,
    cut_percent: i64,
    lost_beams_percent: i64,
    motion_percent: i64,
}

impl Default for RawGuidance {
    fn default() -> RawGuidance {
        let limits = Thresholds::default();
        let percent = |share: f32| (100.0 * share).round() as i64;
        RawGuidance {
            enabled: true,
            after_ms: limits.after.as_millis() as i64,
            dark_level: limits.dark.into(),
            bright_level: limits.bright.into(),
            small_percent: percent(limits.small),
            cut_percent: percent(limits.cut),
            lost_beams_percent: percent(limits.lost_beams),
            motion_percent: percent(limits.motion),
        }
    }
}

impl RawGuidance {
    /// `None` where no advice is wanted; the rest must be in range all the same.
    pub fn validate(
        &self,
        number: &impl Fn(&str, i64, i64, i64) -> Result<u64, Error>,
    ) -> Result<Option<Thresholds>, Error> {
        let number =
            |key: &str, value, low, high| number(&format!("guidance.{key}"), value, low, high);
        let percent = |key: &str, value| number(key, value, 1, 100).map(|n| n as f32 / 100.0);
        let level = |key: &str, value| number(key, value, 1, 255).map(|n| n as u8);
        let thresholds = Thresholds {
            after: Duration::from_millis(number("after_ms", self.after_ms, 100, 10_000)?),
            dark: level("dark_level", self.dark_level)?,
            bright: level("bright_level", self.bright_level)?,
            small: percent("small_percent", self.small_percent)?,
            cut: percent("cut_percent", self.cut_percent)?,
            lost_beams: percent("lost_beams_percent", self.lost_beams_percent)?,
            motion: percent("motion_percent", self.motion_percent)?,
        };
        Ok(self.enabled.then_some(thresholds))
    }
}
