//! The bottom line: what keys do here and now.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::dashboard::Dashboard;
use crate::dashboard::place::View;
use crate::exam::State;
use crate::snapshot::{Identity, Keeping, Snapshot};

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let texts = &dashboard.texts;
    let button = match snapshot.exam.state {
        State::Idle | State::Ended => texts.get("key-start"),
        State::Scanning => texts.get("key-hold"),
        State::Held => texts.get("key-end"),
    };
    let overlay = match &*snapshot.identity {
        Identity { heat_map: true, .. } => Some(("m", texts.get("key-map"))),
        Identity { outlined: Some(_), .. } => Some(("m", texts.get("key-outline"))),
        _ => None,
    };
    let (space, esc) = (texts.get("key-space"), texts.get("key-back"));
    let arrows = if dashboard.symbols.ascii { ["<- ->", "up dn"] } else { ["← →", "↑ ↓"] };
    let mut keys = Vec::new();
    if !dashboard.read_only {
        keys.push((&*space, button));
    }
    let keeps = !dashboard.read_only && snapshot.keeping != Keeping::Off;
    match dashboard.place.view {
        _ if dashboard.dialog.is_some() => {
            keys.clear();
            keys.push((arrows[1], texts.get("key-field")));
            keys.push(("Enter", texts.get("key-take")));
            keys.push(("Esc", texts.get("key-drop")));
        }
        View::Live => {
            if !dashboard.read_only {
                keys.push(("n", texts.get("key-new")));
            }
            if keeps {
                keys.push(("i", texts.get("key-patient-entry")));
            }
            if dashboard.large {
                keys.push(("l", texts.get("key-normal")));
            } else {
                if snapshot.exam.state == State::Held {
                    let other = if dashboard.thawed { "key-frozen" } else { "key-live" };
                    keys.push(("f", texts.get(other)));
                } else {
                    keys.push(("p", texts.get("key-picture")));
                }
                keys.extend(overlay);
                keys.push(("l", texts.get("key-large")));
            }
            keys.push(("?", texts.get("key-help")));
        }
        View::Review => {
            keys.push((arrows[0], texts.get("key-frame")));
            keys.push((arrows[1], texts.get("key-page")));
            keys.push(("t", texts.get("key-telling")));
            let opened = dashboard.kept.opened.as_ref();
            keys.extend(overlay.filter(|_| opened.is_none_or(|opened| opened.mapped)));
            keys.push(("Esc", esc));
        }
        View::Exams if dashboard.lists_kept() => {
            keys.push((arrows[1], texts.get("key-choose")));
            keys.push(("Enter", texts.get("key-open")));
            if dashboard.archive.as_ref().is_some_and(|archive| archive.exports) {
                keys.push(("e", texts.get("key-export")));
            }
            keys.push(("Ctrl-L", texts.get("key-lock")));
            if dashboard.archive.as_ref().is_some_and(|archive| archive.sends) {
                keys.push(("s", texts.get("key-send")));
            }
            keys.push(("/", texts.get("key-search")));
            keys.push(("Del", texts.get("key-erase")));
            keys.push(("Esc", esc));
        }
        View::Exams => {
            if dashboard.archive.is_some() {
                keys.push(("u", texts.get("key-unlock")));
            }
            keys.push((arrows[1], texts.get("key-choose")));
            keys.push(("Enter", texts.get("key-open")));
            keys.push(("Esc", esc));
        }
        View::Help => {
            keys.push((arrows[1], texts.get("key-scroll")));
            keys.push(("Esc", esc));
        }
        View::Zones => {
            if !dashboard.read_only {
                keys.push((arrows[0], texts.get("key-zone")));
                keys.push(("s", texts.get("key-score")));
                keys.push(("c", texts.get("key-reading")));
                keys.push(("v", texts.get("key-vitals")));
                if keeps {
                    keys.push(("i", texts.get("key-patient-entry")));
                }
                keys.push(("n", texts.get("key-patient")));
            }
            keys.push(("Esc", esc));
        }
        View::Device => keys.push(("Esc", esc)),
    }
    let quit = if dashboard.dialog.is_some() { "Ctrl-C" } else { "q" };
    keys.push((quit, texts.get("key-quit")));
    let line = |keys: &[(&str, Cow<str>)], gap: &str| -> Line<'static> {
        let item = |(key, what): &(&str, Cow<str>)| {
            let key = Span::styled(format!(" {key} "), dashboard.theme.accent());
            [key, Span::raw(format!("{what}{gap}"))]
        };
        keys.iter().flat_map(item).collect()
    };
    let mut shown = line(&keys, "  ");
    // The help has all of them; how to leave must not be cut off.
    if shown.width() > usize::from(area.width) + 2 {
        shown = line(&keys, "");
        while shown.width() > usize::from(area.width) && keys.len() > 2 {
            keys.remove(keys.len() - 2);
            shown = line(&keys, "");
        }
    }
    frame.render_widget(shown, area);
}
