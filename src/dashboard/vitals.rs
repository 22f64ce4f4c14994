//! The form for vital signs: what is typed into it, and what is refused.
//!
//! It belongs to the patient for whom it was opened.

use std::ops::RangeInclusive;

use ratatui::crossterm::event::KeyCode;

use super::dialog::Outcome;
use crate::exam::Command;
use crate::protocol::{DangerSigns, Examination, VitalSign, VitalSigns};
use crate::texts::Texts;

/// Most characters of a field.
const LONGEST: usize = 6;

/// One of its fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Age,
    Sign(VitalSign),
}

impl Field {
    pub const ALL: [Field; 4] = [
        Field::Age,
        Field::Sign(VitalSign::Spo2),
        Field::Sign(VitalSign::RespiratoryRate),
        Field::Sign(VitalSign::Temperature),
    ];

    /// By which its texts are found.
    pub fn code(self) -> &'static str {
        match self {
            Field::Age => "age",
            Field::Sign(sign) => sign.code(),
        }
    }

    fn takes(self, character: char) -> bool {
        match self {
            Field::Age => character.is_ascii_digit() || "my".contains(character),
            Field::Sign(_) => character.is_ascii_digit() || ".,".contains(character),
        }
    }
}

#[derive(Debug, PartialEq)]
pub struct Form {
    patient: u32,
    typed: [String; Field::ALL.len()],
    current: usize,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

impl Form {
    /// With what is known already.
    pub fn open(examination: &Examination) -> Form {
        let signs = examination.vital_signs();
        let typed = Field::ALL.map(|field| match field {
            Field::Age => signs.age_months.map(VitalSigns::age_words),
            Field::Sign(sign) => signs.value(sign).map(|value| value.to_string()),
        });
        let typed = typed.map(Option::unwrap_or_default);
        Form { patient: examination.patient(), typed, current: 0, refusal: None }
    }

    /// Whether it is this patient's.
    pub fn is_of(&self, examination: &Examination) -> bool {
        self.patient == examination.patient()
    }

    /// Each field with what is typed and whether it is the current one.
    pub fn fields(&self) -> impl Iterator<Item = (Field, &str, bool)> {
        let typed = Field::ALL.into_iter().zip(&self.typed).enumerate();
        typed.map(|(i, (field, typed))| (field, &typed[..], i == self.current))
    }

    pub fn key(&mut self, code: KeyCode, danger: &DangerSigns, texts: &Texts) -> Outcome {
        let count = Field::ALL.len();
        match code {
            KeyCode::Esc => return Outcome::Dropped,
            KeyCode::Enter => match self.read(danger, texts) {
                Ok(signs) => {
                    return Outcome::Taken(Command::Vitals { patient: self.patient, signs });
                }
                Err((field, words)) => (self.current, self.refusal) = (field, Some(words)),
            },
            KeyCode::Down | KeyCode::Tab => self.current = (self.current + 1) % count,
            KeyCode::Up | KeyCode::BackTab => self.current = (self.current + count - 1) % count,
            KeyCode::Backspace => drop(self.typed[self.current].pop()),
            KeyCode::Delete => self.typed[self.current].clear(),
            KeyCode::Char(character) => {
                let character = character.to_ascii_lowercase();
                let typed = &mut self.typed[self.current];
                if Field::ALL[self.current].takes(character) && typed.len() < LONGEST {
                    typed.push(character);
                }
            }
            _ => {}
        }
        Outcome::Open
    }

    /// What is typed, or which field is wrong and why.
    fn read(&self, danger: &DangerSigns, texts: &Texts) -> Result<VitalSigns, (usize, String)> {
        let mut signs = VitalSigns::default();
        for (place, (field, typed, _)) in self.fields().enumerate() {
            let wrong = |words: String| (place, words);
            match field {
                _ if typed.is_empty() => {}
                Field::Age => {
                    let months = VitalSigns::read_age(typed).ok();
                    let allowed = danger.allowed_age();
                    let within = |months: &u16| allowed.contains(&f32::from(*months));
                    let months = months.filter(within);
                    let words = || wrong(texts.get("vital-no-age").into_owned());
                    signs.age_months = Some(months.ok_or_else(words)?);
                }
                Field::Sign(sign) => {
                    let allowed = danger.allowed(sign);
                    let value = typed.replace(',', ".").parse().ok();
                    let value = value.filter(|value| allowed.contains(value));
                    let words = || wrong(refusal(typed, &allowed, sign, texts));
                    let value = Some(value.ok_or_else(words)?);
                    match sign {
                        VitalSign::Spo2 => signs.spo2 = value,
                        VitalSign::RespiratoryRate => signs.respiratory_rate = value,
                        VitalSign::Temperature => signs.temperature = value,
                    }
                }
            }
        }
        let ageless = signs.age_months.is_none() && signs != VitalSigns::default();
        if ageless { Err((0, texts.get("vital-needs-age").into_owned())) } else { Ok(signs) }
    }
}

fn refusal(typed: &str, allowed: &RangeInclusive<f32>, sign: VitalSign, texts: &Texts) -> String {
    let variables = [
        ("value", typed.to_owned().into()),
        ("least", texts.number(*allowed.start()).into()),
        ("most", texts.number(*allowed.end()).into()),
        ("unit", sign.unit().into()),
    ];
    texts.with("vital-wrong", &variables)
}

#[cfg(test)]
mod tests;
