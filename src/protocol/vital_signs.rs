//! Vital signs, and the danger signs among them that force *refer* whatever the picture says.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::zones::require;
use crate::error::{Error, ErrorKind, toml_problem};

/// The limits, with the guidelines that they are from.
const TABLE: &str = include_str!("danger-signs.toml");

/// Of one patient; each may be unknown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct VitalSigns {
    /// Completed months of age; limits depend on it.
    pub age_months: Option<u16>,
    /// Oxygen saturation by pulse oximeter, percent.
    pub spo2: Option<f32>,
    /// Breaths a minute.
    pub respiratory_rate: Option<f32>,
    /// Of the body, degrees Celsius.
    pub temperature: Option<f32>,
}

/// One of the vital signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VitalSign {
    Spo2,
    RespiratoryRate,
    Temperature,
}

/// From which value on a vital sign is a danger sign, at some ages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    pub sign: VitalSign,
    pub from_months: u16,
    pub below_months: Option<u16>,
    at_least: Option<f32>,
    above: Option<f32>,
    below: Option<f32>,
    /// What it is called.
    pub meaning: String,
    /// Of [`Source::id`].
    source: String,
}

/// A guideline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub id: String,
    /// As it stands in a reason.
    pub short: String,
    pub citation: String,
}

/// The limits that are applied.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DangerSigns {
    plausible: Plausible,
    #[serde(rename = "source")]
    pub sources: Vec<Source>,
    #[serde(rename = "limit")]
    pub limits: Vec<Limit>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plausible {
    spo2: Span,
    respiratory_rate: Span,
    temperature: Span,
    age_months: Span,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Span {
    least: f32,
    most: f32,
}

impl Plausible {
    fn of(&self, sign: VitalSign) -> Span {
        match sign {
            VitalSign::Spo2 => self.spo2,
            VitalSign::RespiratoryRate => self.respiratory_rate,
            VitalSign::Temperature => self.temperature,
        }
    }
}

impl Span {
    fn range(self) -> RangeInclusive<f32> {
        self.least..=self.most
    }
}

/// A vital sign beyond a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DangerSign<'a> {
    pub limit: &'a Limit,
    pub source: &'a Source,
    pub value: f32,
}

impl VitalSign {
    pub const ALL: [VitalSign; 3] =
        [VitalSign::Spo2, VitalSign::RespiratoryRate, VitalSign::Temperature];

    pub fn name(self) -> &'static str {
        match self {
            VitalSign::Spo2 => "SpO2",
            VitalSign::RespiratoryRate => "respiratory rate",
            VitalSign::Temperature => "temperature",
        }
    }

    /// By which its texts are found.
    pub fn code(self) -> &'static str {
        match self {
            VitalSign::Spo2 => "spo2",
            VitalSign::RespiratoryRate => "respiratory-rate",
            VitalSign::Temperature => "temperature",
        }
    }

    pub fn unit(self) -> &'static str {
        match self {
            VitalSign::Spo2 => "%",
            VitalSign::RespiratoryRate => "/min",
            VitalSign::Temperature => "°C",
        }
    }
}

impl VitalSigns {
    /// Completed months of an age as typed: `34` or `34y` in years, `7m` in months. Below a year
    /// only months say which limits hold.
    pub fn read_age(text: &str) -> Result<u16, Error> {
        let text = text.trim();
        let (digits, months, least) = match text.strip_suffix('m') {
            Some(digits) => (digits, 1, 0),
            None => (text.strip_suffix('y').unwrap_or(text), 12, 1),
        };
        let number = digits.trim().parse().ok().filter(|&number: &u16| number >= least);
        number.and_then(|number| number.checked_mul(months)).ok_or_else(|| {
            let remedy = "allowed: whole years such as 34, or months such as 7m below 1 year";
            Error::new(ErrorKind::Input, "age", format!("\"{text}\" is no age"), remedy)
        })
    }

    /// An age as it would be typed.
    pub fn age_words(months: u16) -> String {
        match (months / 12, months % 12) {
            (years @ 1.., 0) => years.to_string(),
            _ => format!("{months}m"),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == VitalSigns::default()
    }

    pub fn value(&self, sign: VitalSign) -> Option<f32> {
        match sign {
            VitalSign::Spo2 => self.spo2,
            VitalSign::RespiratoryRate => self.respiratory_rate,
            VitalSign::Temperature => self.temperature,
        }
    }
}

impl Limit {
    fn beyond(&self, value: f32) -> bool {
        self.at_least.is_some_and(|limit| value >= limit)
            || self.above.is_some_and(|limit| value > limit)
            || self.below.is_some_and(|limit| value < limit)
    }

    fn holds_at(&self, months: u16) -> bool {
        months >= self.from_months && self.below_months.is_none_or(|below| months < below)
    }

    /// Such as *at least* and 60.
    pub fn edge(&self) -> (&'static str, f32) {
        let parts = [("at least", self.at_least), ("above", self.above)];
        let mut given = parts.into_iter().filter_map(|(word, limit)| Some((word, limit?)));
        given.next().unwrap_or(("below", self.below.unwrap_or_default()))
    }
}

impl DangerSign<'_> {
    /// Which sign, by which limit of which guideline.
    pub fn words(&self) -> String {
        let Limit { sign, meaning, .. } = self.limit;
        let (name, unit, (edge, limit)) = (sign.name(), sign.unit(), self.limit.edge());
        format!("{meaning}: {name} {} {unit}, {edge} {limit} ({})", self.value, self.source.short)
    }
}

impl DangerSigns {
    /// Those that come with the program.
    pub fn built_in() -> Result<DangerSigns, String> {
        DangerSigns::parse(TABLE)
    }

    pub(super) fn parse(text: &str) -> Result<DangerSigns, String> {
        let signs: DangerSigns = toml::from_str(text).map_err(|e| toml_problem(&e, text))?;
        for limit in &signs.limits {
            let given = [limit.at_least, limit.above, limit.below].iter().flatten().count();
            require(given == 1, "limit", format!("{given} limits"), "at_least, above or below")?;
            let ages = limit.below_months.is_none_or(|below| below > limit.from_months);
            require(ages, "limit.below_months", "no age", "more than from_months")?;
            let known = signs.sources.iter().any(|source| source.id == limit.source);
            require(known, "limit.source", &limit.source, "the id of a source")?;
        }
        Ok(signs)
    }

    /// What is not taken for a typing error.
    pub fn allowed(&self, sign: VitalSign) -> RangeInclusive<f32> {
        self.plausible.of(sign).range()
    }

    /// The same for completed months of age.
    pub fn allowed_age(&self) -> RangeInclusive<f32> {
        self.plausible.age_months.range()
    }

    /// Refuses values that no patient has, and vital signs without the age that their limits need.
    pub fn check(&self, signs: &VitalSigns) -> Result<(), Error> {
        let within = |name: &str, value: f32, unit: &str, allowed: RangeInclusive<f32>| {
            if allowed.contains(&value) {
                return Ok(());
            }
            let problem = format!("{value} {unit} cannot be right");
            let (least, most) = (allowed.start(), allowed.end());
            let remedy = format!("type it again; allowed: {least} to {most} {unit}");
            Err(Error::new(ErrorKind::Input, name, problem, remedy))
        };
        if let Some(months) = signs.age_months {
            within("age", f32::from(months), "months", self.allowed_age())?;
        }
        for sign in VitalSign::ALL {
            let Some(value) = signs.value(sign) else { continue };
            within(sign.name(), value, sign.unit(), self.allowed(sign))?;
            if signs.age_months.is_none() {
                let remedy = "enter the patient's age first: limits depend on it";
                return Err(Error::new(ErrorKind::Input, sign.name(), "has no age", remedy));
            }
        }
        Ok(())
    }

    /// The danger signs among `signs`.
    pub fn found(&self, signs: &VitalSigns) -> impl Iterator<Item = DangerSign<'_>> {
        let signs = *signs;
        self.limits.iter().filter_map(move |limit| {
            let (months, value) = (signs.age_months?, signs.value(limit.sign)?);
            let source = self.sources.iter().find(|source| source.id == limit.source)?;
            let beyond = limit.holds_at(months) && limit.beyond(value);
            beyond.then_some(DangerSign { limit, source, value })
        })
    }

    /// Whether some limit on `sign` stands for this age.
    pub fn has_limit(&self, sign: VitalSign, months: u16) -> bool {
        self.limits.iter().any(|limit| limit.sign == sign && limit.holds_at(months))
    }
}
