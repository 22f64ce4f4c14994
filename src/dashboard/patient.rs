//! The form for who is examined and by whom, and what of it this screen may show.
//!
//! A scanner types a number and Enter, which is looked up among those who are expected; Enter takes
//! what stands there otherwise. What is typed goes to the engine and nowhere else.

use std::fmt;
use std::sync::Arc;

use ratatui::crossterm::event::KeyCode;

use super::dialog::Outcome;
use crate::error::Error;
use crate::exam::Command;
use crate::patient::{Entry, LONGEST, Patient, date, sex, tidy};
use crate::snapshot::Visit;
use crate::texts::Texts;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    Number,
    Name,
    Born,
    Sex,
    Operator,
}

impl Field {
    /// The number first: that is what scanners type.
    pub const ALL: [Field; 5] =
        [Field::Number, Field::Name, Field::Born, Field::Sex, Field::Operator];

    /// By which its texts are found.
    pub fn code(self) -> &'static str {
        match self {
            Field::Number => "number",
            Field::Name => "name",
            Field::Born => "born",
            Field::Sex => "sex",
            Field::Operator => "operator",
        }
    }

    fn of(self, entry: &Entry) -> &str {
        let Entry { patient, operator } = entry;
        match self {
            Field::Number => &patient.number,
            Field::Name => &patient.name,
            Field::Born => &patient.born,
            Field::Sex => &patient.sex,
            Field::Operator => operator,
        }
    }
}

pub struct Form {
    visit: u32,
    typed: [String; Field::ALL.len()],
    /// A field, or beyond them one of those who match.
    current: usize,
    expected: Vec<Patient>,
    /// Whom the fields were filled in from.
    chosen: Patient,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// Names stand in it.
impl fmt::Debug for Form {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Form(..)")
    }
}

impl Form {
    /// With what is known already, for whoever's turn it is.
    pub fn open(visit: u32, known: &Entry, expected: Result<Vec<Patient>, Error>) -> Form {
        let (expected, refusal) = match expected {
            Ok(expected) => (expected, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let typed = Field::ALL.map(|field| field.of(known).to_owned());
        Form { visit, typed, current: 0, expected, chosen: known.patient.clone(), refusal }
    }

    /// Whether it is this patient's.
    pub fn is_of(&self, visit: Visit) -> bool {
        self.visit == visit.number
    }

    /// Each field with what is typed and whether it is the current one.
    pub fn fields(&self) -> impl Iterator<Item = (Field, &str, bool)> {
        let typed = Field::ALL.into_iter().zip(&self.typed).enumerate();
        typed.map(|(i, (field, typed))| (field, &typed[..], i == self.current))
    }

    /// Those who are expected and match what is typed, and which of them is the current one.
    pub fn matching(&self) -> (Vec<&Patient>, Option<usize>) {
        let [number, name, ..] = &self.typed;
        let (number, name) = (number.to_lowercase(), name.to_lowercase());
        let fits = |patient: &&Patient| {
            patient.number.to_lowercase().contains(&number)
                && patient.name.to_lowercase().contains(&name)
        };
        let current = self.current.checked_sub(Field::ALL.len());
        (self.expected.iter().filter(fits).collect(), current)
    }

    pub fn key(&mut self, code: KeyCode, texts: &Texts) -> Outcome {
        let count = Field::ALL.len() + self.matching().0.len();
        match code {
            KeyCode::Esc => return Outcome::Dropped,
            KeyCode::Enter => match self.found().cloned() {
                Some(patient) => self.choose(patient),
                None => match self.read(texts) {
                    Ok(entry) => {
                        let (visit, entry) = (self.visit, Arc::new(entry));
                        return Outcome::Taken(Command::Patient { visit, entry });
                    }
                    Err((field, words)) => (self.current, self.refusal) = (field, Some(words)),
                },
            },
            KeyCode::Down | KeyCode::Tab => self.current = (self.current + 1) % count,
            KeyCode::Up | KeyCode::BackTab => self.current = (self.current + count - 1) % count,
            KeyCode::Backspace => drop(self.typed.get_mut(self.current).and_then(String::pop)),
            KeyCode::Delete => self.typed.get_mut(self.current).into_iter().for_each(String::clear),
            KeyCode::Char(character) => self.write(character),
            _ => {}
        }
        Outcome::Open
    }

    fn write(&mut self, character: char) {
        let Some(typed) = self.typed.get_mut(self.current) else { return };
        match Field::ALL[self.current] {
            Field::Sex => {
                if let Some(letter) = sex(character.encode_utf8(&mut [0; 4])) {
                    letter.clone_into(typed);
                }
            }
            Field::Born if !character.is_ascii_digit() && character != '-' => {}
            _ if character.is_control() || typed.chars().count() >= LONGEST => {}
            _ => typed.push(character),
        }
    }

    /// Whom Enter means: the one pointed at, or the one whose number has just been scanned.
    fn found(&self) -> Option<&Patient> {
        if let (matching, Some(current)) = self.matching() {
            return matching.get(current).copied();
        }
        let number = self.typed[0].trim();
        let new = self.current == 0 && !number.is_empty() && self.chosen.number != number;
        let mut known = self.expected.iter().filter(|patient| new && patient.number == number);
        known.next().filter(|_| known.next().is_none())
    }

    fn choose(&mut self, patient: Patient) {
        let operator = std::mem::take(&mut self.typed[Field::ALL.len() - 1]);
        let entry = Entry { patient, operator };
        self.typed = Field::ALL.map(|field| field.of(&entry).to_owned());
        (self.chosen, self.current, self.refusal) = (entry.patient, 0, None);
    }

    /// What is typed, or which field is wrong and why.
    fn read(&self, texts: &Texts) -> Result<Entry, (usize, String)> {
        let [number, name, born, sex, operator] = self.typed.each_ref().map(|typed| tidy(typed));
        let date = if born.is_empty() { Some(born) } else { date(&born) };
        let born = date.ok_or_else(|| (2, texts.get("patient-no-date").into_owned()))?;
        // Another number is another's order.
        let ordered = number == self.chosen.number;
        let of_order = |text: &String| if ordered { text.clone() } else { String::new() };
        let (accession, study) = (of_order(&self.chosen.accession), of_order(&self.chosen.study));
        let patient = Patient { name, number, born, sex, accession, study };
        Ok(Entry { patient, operator })
    }
}

/// Who was entered at this screen, while it is that patient's turn.
#[derive(Default)]
pub struct Who {
    visit: u32,
    entries: u32,
    entry: Entry,
}

impl Who {
    /// With another's turn the patient is forgotten; the operator stays.
    pub fn follow(&mut self, visit: Visit) {
        if self.visit != visit.number {
            *self = Who { visit: visit.number, ..Who::default() }.with(&self.entry.operator);
        }
    }

    fn with(mut self, operator: &str) -> Who {
        operator.clone_into(&mut self.entry.operator);
        self
    }

    /// This has been sent to the engine.
    pub fn take(&mut self, visit: Visit, entry: &Entry) {
        let entries = visit.entries + 1;
        *self = Who { visit: visit.number, entries, entry: entry.clone() };
    }

    /// What this screen knows of the patient, to go on from.
    pub fn entry(&self) -> &Entry {
        &self.entry
    }

    /// The patient as the engine has taken it: nothing else may be shown.
    pub fn known(&self, visit: Visit) -> Option<&Patient> {
        let own = self.visit == visit.number && self.entries == visit.entries && self.entries > 0;
        own.then_some(&self.entry.patient)
    }
}

#[cfg(test)]
mod tests;
