//! Who is examined and by whom, as entered; all of it optional.
//!
//! Nothing of it may stand anywhere in clear: not in a snapshot, a log, JSON, a file's name or a
//! message. So `Debug` shows none of it.

mod worklist;

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{Date, Month};

pub use self::worklist::worklist;

/// Most characters of a field, as in DICOM.
pub const LONGEST: usize = 64;

/// Who was examined; every field may stay empty.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patient {
    pub name: String,
    pub number: String,
    /// 1961, 1961-04 or 1961-04-30.
    pub born: String,
    /// F, M or O.
    pub sex: String,
    /// Of the order that a worklist gave, for the archive that asked for it.
    pub accession: String,
    pub study: String,
}

/// What is entered at the box.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Entry {
    pub patient: Patient,
    pub operator: String,
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Patient(..)")
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Entry(..)")
    }
}

impl Patient {
    pub fn is_empty(&self) -> bool {
        *self == Patient::default()
    }

    /// Name and number, as far as they are known.
    pub fn title(&self) -> String {
        [&self.name[..], &self.number].join("  ").trim().to_owned()
    }

    /// Whether name or number hold `text`, which is in small letters.
    pub fn matches(&self, text: &str) -> bool {
        [&self.name, &self.number].iter().any(|field| field.to_lowercase().contains(text))
    }
}

/// What may stand in a field: no control characters, no more than [`LONGEST`].
pub fn tidy(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    text.trim().to_owned()
}

/// A date of birth as it is kept; months and days may be unknown. DICOM's form is read too.
pub fn date(text: &str) -> Option<String> {
    let number = |range: std::ops::Range<usize>| {
        let digits = text.get(range)?;
        digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse::<u16>().ok()).flatten()
    };
    let dashes = |places: &[usize]| places.iter().all(|&at| text.as_bytes()[at] == b'-');
    let (year, month, day) = match text.len() {
        4 => (number(0..4)?, None, None),
        7 if dashes(&[4]) => (number(0..4)?, Some(number(5..7)?), None),
        8 => (number(0..4)?, Some(number(4..6)?), Some(number(6..8)?)),
        10 if dashes(&[4, 7]) => (number(0..4)?, Some(number(5..7)?), Some(number(8..10)?)),
        _ => return None,
    };
    if !(1850..2200).contains(&year) {
        return None;
    }
    let Some(month) = month else { return Some(year.to_string()) };
    let calendar = Month::try_from(u8::try_from(month).ok()?).ok()?;
    let first = u8::try_from(day.unwrap_or(1)).ok()?;
    Date::from_calendar_date(year.into(), calendar, first).ok()?;
    Some(match day {
        Some(day) => format!("{year}-{month:02}-{day:02}"),
        None => format!("{year}-{month:02}"),
    })
}

/// One of the letters that DICOM has for it.
pub fn sex(text: &str) -> Option<&'static str> {
    ["F", "M", "O"].into_iter().find(|letter| letter.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_real_ones_as_far_as_they_are_known() {
        for (typed, kept) in [
            ("1961", Some("1961")),
            ("1961-04", Some("1961-04")),
            ("1961-04-30", Some("1961-04-30")),
            ("19610430", Some("1961-04-30")),
            ("2024-02-29", Some("2024-02-29")),
            ("2023-02-29", None),
            ("1961-13", None),
            ("1961-04-31", None),
            ("30.4.1961", None),
            ("0961", None),
            ("+961", None),
            ("196\u{e9}", None),
            ("", None),
        ] {
            assert_eq!(date(typed).as_deref(), kept, "{typed}");
        }
    }

    #[test]
    fn fields_are_tidy_and_their_debug_shows_nothing() {
        assert_eq!(tidy(" Ann\u{1b}[31m \n"), "Ann[31m");
        assert_eq!(tidy(&"ü".repeat(100)).chars().count(), LONGEST);
        assert_eq!((sex("f"), sex("O"), sex("x")), (Some("F"), Some("O"), None));
        let patient = Patient { name: "Xylophone".into(), ..Patient::default() };
        let entry = Entry { patient: patient.clone(), operator: "Xylophone".into() };
        assert!(!format!("{patient:?}{entry:?}{entry:#?}").contains("Xylo"));
        assert!(patient.matches("lopho") && !patient.matches("x1"));
    }
}
