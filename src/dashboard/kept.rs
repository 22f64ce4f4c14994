//! Kept exams at this screen: keys that ask the archive, and going to what it has opened.

use ratatui::crossterm::event::KeyCode;

use super::place::View;
use super::prompt::{Ask, Prompt};
use super::{Dashboard, Dialog};
use crate::archive::{self, Door, Request};
use crate::exam::State;
use crate::reel::Reel;
use crate::snapshot::Snapshot;

impl Dashboard {
    /// Looks at what the archive shows, and goes where it has opened something.
    pub(super) fn follow_archive(&mut self) {
        let Some(archive) = &self.archive else { return };
        let was_open = self.kept.opened.is_some();
        self.kept = archive.look();
        if let Some(opened) = &self.kept.opened {
            let awaited = self.opening.take_if(|id| *id == opened.record.id).is_some();
            if awaited && self.place.view == View::Exams {
                self.place.go(View::Review);
                self.place.tell(&opened.reel, None, Some(opened.record.verdict));
            } else if self.place.view != View::Review {
                // Elsewhere, a review is of the exam that is on. Asked once: what is opened next
                // must not be closed.
                if was_open {
                    archive.ask(Request::Close);
                }
                self.kept.opened = None;
            }
        } else if was_open && self.place.view == View::Review {
            self.place.go(View::Exams);
        }
        self.point();
        let last = self.kept.page.entries.len().saturating_sub(1);
        self.place.kept_row = self.place.kept_row.min(last);
    }

    /// Asks for the map of the picture that is looked at, once.
    fn point(&mut self) {
        let opened = self.kept.opened.as_ref().filter(|opened| opened.mapped && self.show_overlay);
        let spot = opened.and_then(|o| Some((o.record.id, self.place.moment(&o.reel)?)));
        if let (Some(archive), Some(spot)) = (&self.archive, spot)
            && self.pointed != Some(spot)
        {
            archive.point(spot);
        }
        self.pointed = spot;
    }

    /// What the archive says of the map of this moment of the exam that is reviewed.
    pub(super) fn map(&self, moment: usize) -> Option<&archive::Map> {
        let id = self.kept.opened.as_ref()?.record.id;
        self.kept.map.as_ref().filter(|(spot, _)| *spot == (id, moment)).map(|(_, map)| &**map)
    }

    /// What is reviewed: an exam that was opened, or the last minute.
    pub(super) fn reviewed(&self) -> &Reel {
        self.kept.opened.as_ref().map_or(&self.reel, |opened| &opened.reel)
    }

    pub(super) fn lists_kept(&self) -> bool {
        self.archive.is_some() && self.kept.door == Door::Open
    }

    /// A key on the exams, where they are kept; whether it meant anything.
    pub(super) fn key_of_archive(&mut self, code: KeyCode, snapshot: &Snapshot) -> bool {
        let Some(archive) = &self.archive else { return false };
        let door = self.kept.door;
        let open = door == Door::Open;
        // Words that are typed too early must not be orders.
        if door == Door::Opening && matches!(code, KeyCode::Char(c) if c != ' ') {
            return true;
        }
        let page = &self.kept.page;
        let chosen = page.entries.get(self.place.kept_row).map(|entry| entry.id);
        let ask = match (code, chosen) {
            (KeyCode::Char('u'), _) if door == Door::Locked => match archive.locked_key {
                true => Ask::Passphrase,
                false => Ask::NewPin { passphrase: Default::default() },
            },
            (KeyCode::Char('u'), _) if door == Door::Shut => Ask::Pin,
            _ if !open => return false,
            (KeyCode::Char('/'), _) => Ask::Search,
            // It would wait for the exam's end.
            (KeyCode::Delete, Some(id)) if snapshot.exam.state != State::Scanning => Ask::Erase(id),
            (KeyCode::Char('e'), Some(id)) if archive.exports => {
                // As erasing, it would wait.
                if snapshot.exam.state != State::Scanning {
                    archive.ask(Request::Export(id));
                }
                return true;
            }
            (KeyCode::Char('s'), Some(id)) if archive.sends => {
                // It would wait to be written down.
                if snapshot.exam.state != State::Scanning {
                    archive.ask(Request::Send(id));
                }
                return true;
            }
            (KeyCode::Enter, Some(id)) => {
                archive.ask(Request::Open(id));
                self.opening = Some(id);
                return true;
            }
            (KeyCode::Up, _) if self.place.kept_row > 0 => {
                self.place.kept_row -= 1;
                return true;
            }
            (KeyCode::Down, _) if self.place.kept_row + 1 < page.entries.len() => {
                self.place.kept_row += 1;
                return true;
            }
            (KeyCode::Down | KeyCode::PageDown, _) if page.more => {
                archive.ask(Request::Turn { older: true });
                self.place.kept_row = 0;
                return true;
            }
            (KeyCode::Up | KeyCode::PageUp, _) if page.before > 0 => {
                archive.ask(Request::Turn { older: false });
                self.place.kept_row = 0;
                return true;
            }
            (KeyCode::Up | KeyCode::Down | KeyCode::Enter, _) => return true,
            _ => return false,
        };
        self.dialog = Some(Dialog::Ask(Prompt::new(ask)));
        true
    }
}
