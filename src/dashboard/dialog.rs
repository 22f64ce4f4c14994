//! What is typed into the dashboard: while a dialog is open all keys are its own, but for Ctrl-C.

use ratatui::crossterm::event::KeyCode;

use super::prompt::{Answer, Prompt};
use super::{Action, Dashboard, patient, vitals};
use crate::exam::Command;
use crate::snapshot::Snapshot;

/// What a dialog asks of the dashboard after a key.
#[derive(Debug, PartialEq)]
pub enum Outcome {
    /// It stays.
    Open,
    Dropped,
    Taken(Command),
}

#[derive(Debug)]
pub enum Dialog {
    Vitals(vitals::Form),
    Patient(patient::Form),
    Ask(Prompt),
}

impl Dialog {
    /// Whether what it is about is still there: what is typed must not become another's.
    pub fn stands(&self, snapshot: &Snapshot) -> bool {
        let examination = snapshot.examination.as_ref();
        match self {
            Dialog::Vitals(form) => examination.is_some_and(|e| form.is_of(e)),
            Dialog::Patient(form) => form.is_of(snapshot.visit),
            Dialog::Ask(_) => true,
        }
    }
}

impl Dashboard {
    /// A key for the dialog that is open.
    pub(super) fn type_into(&mut self, code: KeyCode, snapshot: &Snapshot) -> Option<Action> {
        let outcome = match self.dialog.as_mut()? {
            Dialog::Vitals(form) => {
                let danger = &snapshot.examination.as_ref()?.protocol().danger_signs;
                form.key(code, danger, &self.texts)
            }
            Dialog::Patient(form) => form.key(code, &self.texts),
            Dialog::Ask(prompt) => match prompt.key(code, &self.texts) {
                Answer::Open => Outcome::Open,
                Answer::Dropped => Outcome::Dropped,
                Answer::Then(next) => {
                    self.dialog = Some(Dialog::Ask(next));
                    Outcome::Open
                }
                Answer::Asked(request) => {
                    if let Some(archive) = &self.archive {
                        archive.ask(request);
                    }
                    Outcome::Dropped
                }
            },
        };
        match outcome {
            Outcome::Open => None,
            Outcome::Dropped => {
                self.dialog = None;
                None
            }
            Outcome::Taken(command) => {
                self.dialog = None;
                if let Command::Patient { entry, .. } = &command {
                    self.who.take(snapshot.visit, entry);
                }
                Some(Action::Order(command))
            }
        }
    }
}
