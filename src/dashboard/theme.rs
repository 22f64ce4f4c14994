//! Colours, from the palette of Okabe and Ito (safe for colour-blind eyes); none with `NO_COLOR`.

use ratatui::style::{Color, Modifier, Style};

use crate::screening::Verdict;
use crate::snapshot::{self, Fault};

const REFER: Color = Color::Rgb(213, 94, 0);
const CLEAR: Color = Color::Rgb(0, 158, 115);
const ATTENTION: Color = Color::Rgb(240, 228, 66);
const ACCENT: Color = Color::Rgb(86, 180, 233);

/// A word, a shape and a style: every state can be told without colour.
pub struct Banner {
    pub word: &'static str,
    pub shape: &'static str,
    pub style: Style,
}

#[derive(Debug, Clone, Copy)]
pub struct Theme {
    pub colour: bool,
}

impl Theme {
    /// See <https://no-color.org>: set and not empty means no colour.
    pub fn from_environment() -> Theme {
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Theme { colour: !no_colour }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colour { Style::new().fg(colour) } else { Style::new() }
    }

    fn block(self, colour: Color) -> Style {
        if self.colour {
            Style::new().bg(colour).fg(Color::Black)
        } else {
            Style::new().add_modifier(Modifier::REVERSED)
        }
    }

    pub fn banner(self, fault: Option<&Fault>, verdict: Option<Verdict>) -> Banner {
        let banner = |word, shape, style| Banner { word, shape, style };
        match (fault, verdict) {
            (Some(_), _) => banner("FAULT", "✖", self.block(ATTENTION)),
            (None, Some(Verdict::Refer)) => banner("REFER", "▲", self.block(REFER)),
            (None, Some(Verdict::Clear)) => banner("CLEAR", "●", self.block(CLEAR)),
            (None, Some(Verdict::Ungradable(_))) => {
                banner("UNGRADABLE", "?", self.coloured(ATTENTION).add_modifier(Modifier::BOLD))
            }
            (None, None) => banner("READY", "○", self.quiet()),
        }
    }

    pub fn refer(self) -> Style {
        self.coloured(REFER)
    }

    pub fn clear(self) -> Style {
        self.coloured(CLEAR)
    }

    pub fn attention(self) -> Style {
        self.coloured(ATTENTION)
    }

    pub fn accent(self) -> Style {
        self.coloured(ACCENT)
    }

    /// Of what is laid over the picture: for referring, against it, and the outline.
    pub fn overlay(self) -> [Style; 3] {
        [snapshot::FOR, snapshot::AGAINST, snapshot::OUTLINE]
            .map(|[r, g, b]| self.coloured(Color::Rgb(r, g, b)))
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub fn quiet(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// The DEMO mark.
    pub fn demo(self) -> Style {
        self.block(ATTENTION).add_modifier(Modifier::BOLD)
    }
}
