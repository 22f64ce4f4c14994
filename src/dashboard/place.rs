//! Which view is on the screen, where in it, and what a key or the mouse does about it.

use std::time::Duration;

use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::exams;
use super::view;
use super::vitals::Form;
use super::{Action, Dashboard, Dialog, patient};
use crate::exam::{Command, State};
use crate::patient::worklist;
use crate::reel::Reel;
use crate::screening::Verdict;
use crate::snapshot::{Keeping, Snapshot};

/// Moments that a page of the reel is: two seconds.
const PAGE: isize = 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum View {
    #[default]
    Live,
    Review,
    Exams,
    Device,
    Help,
    /// Only where a protocol is followed.
    Zones,
}

impl View {
    pub const ALL: [View; 6] =
        [View::Live, View::Review, View::Exams, View::Device, View::Help, View::Zones];

    /// Those that there are.
    pub fn shown(zones: bool) -> &'static [View] {
        if zones { &View::ALL } else { &View::ALL[..View::ALL.len() - 1] }
    }

    /// The end of its texts' keys.
    pub fn code(self) -> &'static str {
        match self {
            View::Live => "live",
            View::Review => "review",
            View::Exams => "exams",
            View::Device => "device",
            View::Help => "help",
            View::Zones => "zones",
        }
    }
}

/// Where one is in the views.
#[derive(Debug, Default)]
pub struct Place {
    pub view: View,
    /// Whether a protocol is followed.
    pub zones: bool,
    /// Of the moment that is reviewed; `None`: the latest.
    cursor: Option<Duration>,
    /// Which row of the exams, counted from the newest.
    pub row: usize,
    /// Which row of a page of kept exams.
    pub kept_row: usize,
    /// Rows that the help is scrolled down.
    pub scroll: u16,
}

impl Place {
    /// The view so many tabs on, round the end.
    fn after(&self, steps: usize) -> View {
        let views = View::shown(self.zones);
        views[(self.view as usize + steps) % views.len()]
    }

    pub fn go(&mut self, view: View) {
        self.view = view;
    }

    /// Index of the moment under the cursor.
    pub fn moment(&self, reel: &Reel) -> Option<usize> {
        let last = reel.len().checked_sub(1)?;
        let at = self.cursor.map_or(last, |at| reel.iter().take_while(|m| m.at < at).count());
        Some(at.min(last))
    }

    fn step(&mut self, reel: &Reel, steps: isize) {
        let Some(now) = self.moment(reel) else { return };
        let target = now.saturating_add_signed(steps).min(reel.len() - 1);
        // At the end the cursor follows what comes.
        let end = target == reel.len() - 1 && steps > 0;
        self.cursor = reel.get(target).map(|moment| moment.at).filter(|_| !end);
    }

    fn first(&mut self, reel: &Reel) {
        self.cursor = reel.get(0).map(|moment| moment.at);
    }

    /// Goes to what speaks most for the verdict of an exam; whether any of it is still there. A kept
    /// one has a reel of its own.
    pub fn tell(&mut self, reel: &Reel, number: Option<u32>, verdict: Option<Verdict>) -> bool {
        let found = reel.telling(number.unwrap_or(0), verdict).and_then(|index| reel.get(index));
        self.cursor = found.map(|moment| moment.at).or(self.cursor);
        found.is_some()
    }
}

impl Dashboard {
    /// Goes to a view. A held exam is reviewed from what speaks most for its verdict.
    fn visit(&mut self, view: View, snapshot: &Snapshot) {
        let held = matches!(snapshot.exam.state, State::Held | State::Ended);
        if view == View::Review && self.place.view != View::Review && held {
            let number = snapshot.exam.number;
            self.place.tell(&self.reel, Some(number), self.exams.verdict(number));
        }
        self.place.go(view);
    }

    /// Carries out what a key asks of the views; what is left for others to do.
    pub(super) fn key(&mut self, key: KeyEvent, snapshot: &Snapshot) -> Option<Action> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let interrupt = control && key.code == KeyCode::Char('c');
        if let Some(archive) = &self.archive {
            archive.stay();
            if control && key.code == KeyCode::Char('l') {
                self.dialog = self.dialog.take().filter(|dialog| !matches!(dialog, Dialog::Ask(_)));
                archive.lock();
                return None;
            }
        }
        if self.dialog.is_some() && !interrupt {
            return self.type_into(key.code, snapshot);
        }
        let on_exams = self.place.view == View::Exams && !control;
        if on_exams && self.key_of_archive(key.code, snapshot) {
            return None;
        }
        let opened = self.kept.opened.as_ref();
        let (place, reel) = (&mut self.place, opened.map_or(&self.reel, |opened| &opened.reel));
        match (key.code, place.view) {
            _ if interrupt => return Some(Action::Quit),
            (KeyCode::Char('q'), _) => return Some(Action::Quit),
            (KeyCode::Enter, View::Exams) => {
                let rows = self.exams.rows();
                let chosen = rows.len().checked_sub(place.row + 1).and_then(|i| rows.get(i));
                let told = |row: &exams::Row| place.tell(reel, Some(row.number), Some(row.verdict));
                if chosen.is_some_and(told) {
                    place.go(View::Review);
                }
            }
            (KeyCode::Char(' ') | KeyCode::Enter, _) => {
                return Some(Action::Order(Command::Advance));
            }
            (KeyCode::Char('n'), _) => return Some(Action::Order(Command::New)),
            (KeyCode::Char(digit @ '1'..='6'), _) => {
                let view = View::shown(place.zones).get(digit as usize - '1' as usize);
                if let Some(&view) = view {
                    self.visit(view, snapshot);
                }
            }
            (KeyCode::Left, View::Zones) => {
                return Some(Action::Order(Command::Zone { forward: false }));
            }
            (KeyCode::Right, View::Zones) => {
                return Some(Action::Order(Command::Zone { forward: true }));
            }
            (KeyCode::Char('s'), View::Zones) => return Some(Action::Order(Command::Score)),
            (KeyCode::Char('c'), View::Zones) => return Some(Action::Order(Command::Reading)),
            (KeyCode::Char('v'), View::Zones) if !self.read_only => {
                let form = snapshot.examination.as_ref().map(Form::open);
                self.dialog = form.map(Dialog::Vitals);
            }
            (KeyCode::Char('i'), View::Live | View::Zones | View::Exams)
                if !self.read_only && snapshot.keeping != Keeping::Off =>
            {
                self.who.follow(snapshot.visit);
                let expected = self.worklist.as_deref().map_or(Ok(Vec::new()), worklist);
                let (visit, known) = (snapshot.visit.number, self.who.entry());
                let form = patient::Form::open(visit, known, expected);
                self.dialog = Some(Dialog::Patient(form));
            }
            (KeyCode::Char('?' | 'h') | KeyCode::F(1), _) => self.visit(View::Help, snapshot),
            (KeyCode::Char('r'), _) => self.visit(View::Review, snapshot),
            (KeyCode::Tab, _) => {
                let next = place.after(1);
                self.visit(next, snapshot);
            }
            (KeyCode::BackTab, _) => {
                let back = View::shown(place.zones).len() - 1;
                let last = place.after(back);
                self.visit(last, snapshot);
            }
            (KeyCode::Esc, View::Review) if opened.is_some() => place.go(View::Exams),
            (KeyCode::Esc, _) => place.go(View::Live),
            (KeyCode::Char('p'), View::Live) => self.show_picture ^= true,
            (KeyCode::Char('m'), View::Live | View::Review) => self.show_overlay ^= true,
            (KeyCode::Char('f'), View::Live) => self.thawed ^= snapshot.exam.state == State::Held,
            (KeyCode::Char('l'), View::Live) => self.large ^= true,
            (KeyCode::Left, View::Review) => place.step(reel, -1),
            (KeyCode::Right, View::Review) => place.step(reel, 1),
            (KeyCode::PageUp | KeyCode::Up, View::Review) => place.step(reel, -PAGE),
            (KeyCode::PageDown | KeyCode::Down, View::Review) => place.step(reel, PAGE),
            (KeyCode::Home, View::Review) => place.first(reel),
            (KeyCode::End, View::Review) => place.step(reel, isize::MAX),
            (KeyCode::Char('t'), View::Review) => {
                let number = place.moment(reel).and_then(|i| reel.get(i)).map(|m| m.exam.number);
                let verdict = match opened {
                    Some(opened) => Some(opened.record.verdict),
                    None => number.and_then(|number| self.exams.verdict(number)),
                };
                place.tell(reel, number, verdict);
            }
            (KeyCode::Up, View::Exams) => place.row = place.row.saturating_sub(1),
            (KeyCode::Down, View::Exams) => {
                place.row = (place.row + 1).min(self.exams.rows().len().saturating_sub(1));
            }
            (KeyCode::Up, View::Help) => place.scroll = place.scroll.saturating_sub(1),
            (KeyCode::Down, View::Help) => place.scroll = (place.scroll + 1).min(view::help::MOST),
            _ => {}
        }
        None
    }

    /// A click on a tab opens it; the wheel goes through moments, exams and help.
    pub(super) fn mouse(&mut self, event: MouseEvent, snapshot: &Snapshot) -> bool {
        if self.dialog.is_some() {
            return false;
        }
        let turned = |code| KeyEvent::new(code, KeyModifiers::NONE);
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) if event.row == view::TABS_ROW => {
                let Some(view) = view::tab_at(self, event.column) else { return false };
                self.visit(view, snapshot);
            }
            MouseEventKind::ScrollUp if self.place.view == View::Review => {
                self.key(turned(KeyCode::Left), snapshot);
            }
            MouseEventKind::ScrollDown if self.place.view == View::Review => {
                self.key(turned(KeyCode::Right), snapshot);
            }
            MouseEventKind::ScrollUp => drop(self.key(turned(KeyCode::Up), snapshot)),
            MouseEventKind::ScrollDown => drop(self.key(turned(KeyCode::Down), snapshot)),
            _ => return false,
        }
        true
    }
}
