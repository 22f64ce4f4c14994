//! How the terminal dashboard looks and speaks.

use serde::Deserialize;

use super::Error;
use crate::texts::Language;

/// Validated settings of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub picture: PictureMode,
    /// Most screens a second.
    pub fps: u32,
    /// `None` for that of the locale.
    pub language: Option<Language>,
    pub theme: ThemeChoice,
    pub symbols: SymbolChoice,
    /// Start with the verdict filling the screen.
    pub large: bool,
    /// Say verdicts with the terminal's bell.
    pub bell: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PictureMode {
    Auto,
    Halfblocks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ThemeChoice {
    Colour,
    HighContrast,
    Mono,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SymbolChoice {
    Auto,
    Unicode,
    Ascii,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawLanguage {
    Auto,
    En,
    Zh,
    Es,
    Fr,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDashboard {
    picture: PictureMode,
    fps: i64,
    language: RawLanguage,
    theme: ThemeChoice,
    symbols: SymbolChoice,
    large: bool,
    bell: bool,
}

impl Default for RawDashboard {
    fn default() -> RawDashboard {
        RawDashboard {
            picture: PictureMode::Auto,
            fps: 20,
            language: RawLanguage::Auto,
            theme: ThemeChoice::Colour,
            symbols: SymbolChoice::Auto,
            large: false,
            bell: false,
        }
    }
}

impl RawDashboard {
    pub(super) fn validate(
        &self,
        number: &impl Fn(&str, i64, i64, i64) -> Result<u64, Error>,
    ) -> Result<Settings, Error> {
        Ok(Settings {
            picture: self.picture,
            fps: number("dashboard.fps", self.fps, 1, 60)? as u32,
            language: match self.language {
                RawLanguage::Auto => None,
                RawLanguage::En => Some(Language::English),
                RawLanguage::Zh => Some(Language::Chinese),
                RawLanguage::Es => Some(Language::Spanish),
                RawLanguage::Fr => Some(Language::French),
            },
            theme: self.theme,
            symbols: self.symbols,
            large: self.large,
            bell: self.bell,
        })
    }
}
