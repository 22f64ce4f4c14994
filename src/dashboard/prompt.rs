//! One line that is typed: a passphrase or a PIN, unseen; what to search for; digits that confirm.

use std::fmt;

use ratatui::crossterm::event::KeyCode;

use crate::archive::{ExamId, Request, Secret};
use crate::texts::Texts;

/// Most characters of a line, and digits of a PIN.
const LONGEST: usize = 200;
const PIN: std::ops::RangeInclusive<usize> = 4..=8;
/// Digits of an exam's number that confirm that it may go.
const CONFIRMING: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    Passphrase,
    /// Which will open it again, once the passphrase has.
    NewPin {
        passphrase: Secret,
    },
    Pin,
    Search,
    Erase(ExamId),
}

/// What comes of a key.
pub enum Answer {
    Open,
    Dropped,
    /// Another line is needed.
    Then(Prompt),
    Asked(Request),
}

pub struct Prompt {
    pub ask: Ask,
    typed: String,
    /// Why it was not taken.
    pub refusal: Option<String>,
}

/// Secrets stand in it.
impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("Prompt(..)")
    }
}

impl Prompt {
    pub fn new(ask: Ask) -> Prompt {
        Prompt { ask, typed: String::new(), refusal: None }
    }

    /// By which its texts are found.
    pub fn code(&self) -> &'static str {
        match self.ask {
            Ask::Passphrase => "passphrase",
            Ask::NewPin { .. } => "new-pin",
            Ask::Pin => "pin",
            Ask::Search => "search",
            Ask::Erase(_) => "erase",
        }
    }

    /// What is typed, as it may be seen.
    pub fn shown(&self) -> String {
        match self.ask {
            Ask::Search | Ask::Erase(_) => self.typed.clone(),
            Ask::Passphrase | Ask::NewPin { .. } | Ask::Pin => {
                self.typed.chars().map(|_| '*').collect()
            }
        }
    }

    pub fn key(&mut self, code: KeyCode, texts: &Texts) -> Answer {
        match code {
            KeyCode::Esc => return Answer::Dropped,
            KeyCode::Enter => return self.enter(texts),
            KeyCode::Backspace => drop(self.typed.pop()),
            KeyCode::Delete => self.typed.clear(),
            KeyCode::Char(character) => {
                let digits = matches!(self.ask, Ask::NewPin { .. } | Ask::Pin);
                let room = self.typed.chars().count() < LONGEST && !character.is_control();
                if room && (!digits || character.is_ascii_digit()) {
                    self.typed.push(character);
                }
            }
            _ => {}
        }
        Answer::Open
    }

    fn enter(&mut self, texts: &Texts) -> Answer {
        let typed = std::mem::take(&mut self.typed);
        let fits = PIN.contains(&typed.len());
        match &self.ask {
            Ask::Passphrase => {
                let passphrase = Secret(typed);
                return Answer::Then(Prompt::new(Ask::NewPin { passphrase }));
            }
            Ask::NewPin { passphrase } if fits || typed.is_empty() => {
                let (passphrase, pin) = (passphrase.clone(), Secret(typed));
                return Answer::Asked(Request::Unlock { passphrase, pin });
            }
            Ask::Pin if fits => return Answer::Asked(Request::Pin(Secret(typed))),
            Ask::NewPin { .. } | Ask::Pin => {
                self.refusal = Some(texts.get("ask-no-pin").into_owned());
            }
            Ask::Search => return Answer::Asked(Request::Search(typed)),
            Ask::Erase(id) if typed == confirming(*id) => {
                return Answer::Asked(Request::Erase(*id));
            }
            Ask::Erase(_) => self.refusal = Some(texts.get("ask-not-confirmed").into_owned()),
        }
        Answer::Open
    }
}

/// What must be typed for an exam to go.
pub fn confirming(id: ExamId) -> String {
    id.to_string().chars().take(CONFIRMING).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::texts::Language;

    fn typed(ask: Ask, keys: &str) -> (Prompt, Answer) {
        let (mut prompt, texts) = (Prompt::new(ask), Texts::new(Language::English));
        let mut answer = Answer::Open;
        for key in keys.chars() {
            let code = if key == '⏎' { KeyCode::Enter } else { KeyCode::Char(key) };
            answer = prompt.key(code, &texts);
            if let Answer::Then(next) = answer {
                (prompt, answer) = (next, Answer::Open);
            }
        }
        (prompt, answer)
    }

    #[test]
    fn a_passphrase_is_followed_by_a_pin() {
        let unlock = |keys: &str| match typed(Ask::Passphrase, keys).1 {
            Answer::Asked(Request::Unlock { passphrase, pin }) => Some((passphrase.0, pin.0)),
            _ => None,
        };
        let both = |passphrase: &str, pin: &str| Some((passphrase.to_owned(), pin.to_owned()));
        assert_eq!(unlock("six words⏎4711⏎"), both("six words", "4711"));
        assert_eq!(unlock("⏎⏎"), both("", ""), "the key on the stick, and no PIN");
        assert_eq!(unlock("six words⏎47⏎"), None);
        assert_eq!(unlock("six words⏎123456789⏎"), None);
        assert!(typed(Ask::Passphrase, "⏎12⏎").0.refusal.is_some());
    }

    #[test]
    fn secrets_are_not_seen() {
        let (prompt, _) = typed(Ask::Passphrase, "amber");
        assert_eq!(prompt.shown(), "*****");
        let (prompt, _) = typed(Ask::Passphrase, "amber⏎47x11");
        assert_eq!(prompt.shown(), "****", "digits alone");
        assert!(!format!("{prompt:?} {:?}", prompt.ask).contains("amber"));
        assert_eq!(typed(Ask::Search, "ann").0.shown(), "ann");
    }

    #[test]
    fn erasing_asks_for_the_exams_own_digits() {
        let id: ExamId = "3f9a".repeat(8).parse().unwrap();
        let erased = |keys| matches!(typed(Ask::Erase(id), keys).1, Answer::Asked(Request::Erase(i)) if i == id);
        assert!(erased("3f9a⏎"));
        assert!(!erased("⏎") && !erased("3f9⏎") && !erased("yes⏎") && !erased("3f9a3⏎"));
    }
}
