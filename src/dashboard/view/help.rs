//! How to use it: what to do, what verdicts mean, every key.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::dashboard::Dashboard;
use crate::dashboard::theme::Face;
use crate::dashboard::width::{fold, pad, width};

/// Most rows that it can be scrolled.
pub const MOST: u16 = 40;
/// Columns in front of what is explained.
const NAME: usize = 16;
const STEPS: [&str; 5] = ["connect", "start", "sweep", "hold", "next"];
const KEYS: [(&str, &str); 19] = [
    ("space", "button"),
    ("n", "new"),
    ("1-6 Tab", "views"),
    ("r", "review"),
    ("<- ->  up dn", "move"),
    ("t", "telling"),
    ("m", "map"),
    ("s", "score"),
    ("c", "reading"),
    ("v", "vitals"),
    ("i", "patient"),
    ("u  Ctrl-L", "unlock"),
    ("/  e  s  Del", "kept"),
    ("p", "picture"),
    ("f", "frozen"),
    ("l", "large"),
    ("Esc", "back"),
    ("q", "quit"),
    ("mouse", "mouse"),
];

pub fn render(dashboard: &Dashboard, area: Rect, frame: &mut Frame) {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let mut lines = Vec::new();
    let mut explain = |name: Span<'static>, words: &str| {
        let room = usize::from(area.width).saturating_sub(NAME);
        for (i, row) in fold(words, room, 0).into_iter().enumerate() {
            let gap = NAME.saturating_sub(width(&name.content));
            let front = if i == 0 { name.clone() } else { Span::raw(" ".repeat(NAME)) };
            let gap = if i == 0 { " ".repeat(gap) } else { String::new() };
            lines.push(Line::from(vec![front, Span::raw(gap), Span::raw(row)]));
        }
    };
    for (number, step) in (1..).zip(STEPS) {
        let name = Span::styled(format!(" {number}"), theme.strong());
        explain(name, &texts.coded("help", step));
    }
    for face in [Face::Refer, Face::Clear, Face::Ungradable, Face::Fault] {
        let word = texts.coded("banner", face.code());
        let name = format!(" {} {word} ", dashboard.symbols.shape(face));
        explain(Span::styled(name, theme.banner(face)), &texts.coded("means", face.code()));
    }
    for (key, what) in KEYS {
        let key = match key {
            "space" => format!(" {}", texts.get("key-space")),
            "mouse" => format!(" {}", texts.get("mouse")),
            key if dashboard.symbols.ascii => format!(" {key}"),
            key => format!(" {}", key.replace("<- ->", "← →").replace("up dn", "↑ ↓")),
        };
        let name = Span::styled(pad(&key, NAME), theme.accent());
        explain(name, &texts.coded("help-key", what));
    }
    frame.render_widget(Paragraph::new(lines).scroll((dashboard.place.scroll, 0)), area);
}
