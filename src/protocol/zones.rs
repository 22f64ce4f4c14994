//! A protocol's file, key by key: zones, score and rule, checked when it is read.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use super::rule::Rule;
use super::vital_signs::DangerSigns;
use super::{BUILT_IN, HIGHEST_SCORE, MOST_ZONES};
use crate::error::{Error, ErrorKind, toml_problem};

/// Distance of clock positions from the nipple, in widths of the drawing.
const CLOCK_RADIUS: f32 = 0.46;

/// A checked protocol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Protocol {
    /// Short name, such as `lung-8`.
    pub name: String,
    pub title: String,
    /// The publication that defines the zones.
    pub source: String,
    /// In the order in which they are examined.
    pub zones: Vec<Zone>,
    /// What the operator may score a zone with.
    pub score: Option<Score>,
    pub rule: Rule,
    pub danger_signs: DangerSigns,
}

/// One position of the probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Such as `R1`.
    pub id: String,
    /// What stands on the map: the id, or what is shorter there.
    pub label: String,
    /// In words, such as *right upper anterior*.
    pub name: String,
    pub side: Side,
    pub view: View,
    /// Hour of a clock seen from in front of the patient (breasts).
    pub clock: Option<u8>,
    /// From the left and from the top of the view's drawing, 0 to 1.
    pub column: f32,
    pub row: f32,
    /// Whether *clear* needs this zone.
    pub required: bool,
}

/// The patient's side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    Right,
    Left,
}

/// The drawing that a zone lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// The torso from the front: the patient's right is on the left.
    Front,
    /// The torso from behind: the patient's right is on the right.
    Back,
    /// The breast of the zone's side, from the front.
    Breast,
}

/// What the operator's score of a zone means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Score {
    pub title: String,
    /// Of 0, 1, 2 and 3.
    pub meaning: [String; HIGHEST_SCORE as usize + 1],
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProtocol {
    name: String,
    title: String,
    source: String,
    score: Option<Score>,
    rule: Rule,
    #[serde(rename = "zone")]
    zones: Vec<RawZone>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawZone {
    id: String,
    label: Option<String>,
    name: String,
    side: Side,
    view: View,
    clock: Option<i64>,
    column: Option<f32>,
    row: Option<f32>,
    #[serde(default = "yes")]
    required: bool,
}

fn yes() -> bool {
    true
}

impl Protocol {
    /// Parses and checks a protocol; `name` is the file's in messages.
    pub fn parse(text: &str, name: &str) -> Result<Protocol, Error> {
        let wrong = |problem: String| {
            let known = BUILT_IN.map(|(name, _)| name).join(", ");
            let remedy = format!("correct the file, or take a built-in protocol: {known}");
            Error::new(ErrorKind::Usage, name, problem, remedy)
        };
        let raw: RawProtocol = toml::from_str(text).map_err(|e| wrong(toml_problem(&e, text)))?;
        raw.validate().map_err(wrong)
    }

    /// The place of a zone in the order.
    pub fn find(&self, id: &str) -> Option<usize> {
        self.zones.iter().position(|zone| zone.id.eq_ignore_ascii_case(id))
    }

    /// Whether its zones can be drawn, for one that did not come through [`Protocol::parse`].
    pub(super) fn is_sound(&self) -> bool {
        let on_the_map = |share: f32| (0.0..=1.0).contains(&share);
        (1..=MOST_ZONES).contains(&self.zones.len())
            && self.zones.iter().all(|zone| {
                short(&zone.id)
                    && short(&zone.label)
                    && on_the_map(zone.column)
                    && on_the_map(zone.row)
            })
    }
}

impl RawProtocol {
    fn validate(self) -> Result<Protocol, String> {
        for (key, value) in [("name", &self.name), ("title", &self.title), ("source", &self.source)]
        {
            require(!value.trim().is_empty(), key, "\"\"", "a text")?;
        }
        let count = self.zones.len();
        require((1..=MOST_ZONES).contains(&count), "zone", count, &format!("1 to {MOST_ZONES}"))?;
        self.rule.validate(count)?;
        if let Some(score) = &self.score {
            require(!score.source.trim().is_empty(), "score.source", "\"\"", "a publication")?;
        }
        let zones: Vec<Zone> =
            self.zones.into_iter().map(RawZone::validate).collect::<Result<_, _>>()?;
        let (mut ids, mut places) = (HashSet::new(), HashSet::new());
        for zone in &zones {
            let new = ids.insert(zone.id.to_ascii_lowercase());
            require(new, "zone.id", quoted(&zone.id), "an id of its own for each zone")?;
            let breast = (zone.view == View::Breast).then_some(zone.side as u8);
            let place = (zone.view as u8, breast, zone.column.to_bits(), zone.row.to_bits());
            let allowed = "a place on the map of its own for each zone";
            require(places.insert(place), "zone", quoted(&zone.id), allowed)?;
        }
        let breasts = zones.iter().filter(|zone| zone.view == View::Breast).count();
        let allowed = "front and back, or breast for every zone";
        require(breasts == 0 || breasts == count, "zone.view", "both breast and torso", allowed)?;
        Ok(Protocol {
            name: self.name,
            title: self.title,
            source: self.source,
            zones,
            score: self.score,
            rule: self.rule,
            danger_signs: DangerSigns::built_in()?,
        })
    }
}

impl RawZone {
    fn validate(self) -> Result<Zone, String> {
        let id = &self.id;
        require(short(id), "zone.id", quoted(id), "1 to 4 ASCII characters without spaces")?;
        let of = |key: &str| format!("zone.{key}` of `{id}");
        require(!self.name.trim().is_empty(), &of("name"), "\"\"", "a text")?;
        let (clock, column, row) = match (self.clock, self.column, self.row) {
            (Some(hour), None, None) => {
                require((1..=12).contains(&hour), &of("clock"), hour, "1 to 12")?;
                let allowed = "view = \"breast\" with a clock position";
                require(self.view == View::Breast, &of("view"), quoted(self.view.word()), allowed)?;
                let angle = std::f32::consts::TAU * hour as f32 / 12.0;
                let column = 0.5 + CLOCK_RADIUS * libm::sinf(angle);
                let row = 0.5 - CLOCK_RADIUS * libm::cosf(angle);
                (Some(hour as u8), column, row)
            }
            (None, Some(column), Some(row)) => (None, column, row),
            _ => {
                let allowed = "either a clock position, or a column and a row";
                return Err(format!("the place of zone `{id}` is unclear, allowed: {allowed}"));
            }
        };
        for (key, value) in [("column", column), ("row", row)] {
            require((0.0..=1.0).contains(&value), &of(key), value, "0 to 1")?;
        }
        // A zone drawn on the wrong side would send the probe there.
        let left_half = match (self.view, self.side) {
            (View::Breast, _) => None,
            (View::Front, side) => Some(side == Side::Right),
            (View::Back, side) => Some(side == Side::Left),
        };
        if let Some(left_half) = left_half {
            let (fits, half) = if left_half {
                (column < 0.5, "less than 0.5")
            } else {
                (column > 0.5, "more than 0.5")
            };
            let allowed = format!("{half} for the patient's {} in this view", self.side.word());
            require(fits, &of("column"), column, &allowed)?;
        }
        let short_name = clock.map_or_else(|| id.clone(), |hour| hour.to_string());
        let label = self.label.unwrap_or(short_name);
        require(short(&label), &of("label"), quoted(&label), "1 to 4 ASCII characters")?;
        Ok(Zone {
            label,
            name: self.name,
            side: self.side,
            view: self.view,
            clock,
            column,
            row,
            required: self.required,
            id: self.id,
        })
    }
}

impl View {
    pub fn word(self) -> &'static str {
        match self {
            View::Front => "front",
            View::Back => "back",
            View::Breast => "breast",
        }
    }
}

impl Side {
    pub fn word(self) -> &'static str {
        match self {
            Side::Right => "right",
            Side::Left => "left",
        }
    }
}

/// As an id and a label are.
fn short(text: &str) -> bool {
    (1..=4).contains(&text.chars().count()) && text.chars().all(|c| c.is_ascii_graphic())
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

pub(super) fn require(
    ok: bool,
    key: &str,
    value: impl ToString,
    allowed: &str,
) -> Result<(), String> {
    if ok { Ok(()) } else { Err(format!("`{key}` is {}, allowed: {allowed}", value.to_string())) }
}
