//! Colours, from the palette of Okabe and Ito (safe for colour-blind eyes) or of high contrast, in
//! as many as the terminal has. Every state can be told without colour, by word and shape.

use ratatui::style::{Color, Modifier, Style};

use super::capabilities::Depth;
use crate::config::dashboard::ThemeChoice;
use crate::screening::Verdict;
use crate::snapshot::{self, Snapshot};

/// The one thing that must be read first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Face {
    Refer,
    Clear,
    Ungradable,
    Fault,
    Ready,
}

impl Face {
    pub fn of(snapshot: &Snapshot) -> Face {
        if snapshot.fault.is_some() { Face::Fault } else { Face::of_verdict(snapshot.verdict) }
    }

    pub fn of_verdict(verdict: Option<Verdict>) -> Face {
        match verdict {
            Some(Verdict::Refer) => Face::Refer,
            Some(Verdict::Clear) => Face::Clear,
            Some(Verdict::Ungradable(_)) => Face::Ungradable,
            None => Face::Ready,
        }
    }

    /// By which its word is found.
    pub fn code(self) -> &'static str {
        match self {
            Face::Refer => "refer",
            Face::Clear => "clear",
            Face::Ungradable => "ungradable",
            Face::Fault => "fault",
            Face::Ready => "ready",
        }
    }
}

/// One colour as the terminal's depth allows. Of the sixteen, red and green are never told apart.
#[derive(Clone, Copy)]
struct Ink {
    rgb: [u8; 3],
    ansi: Color,
}

const REFER: Ink = Ink { rgb: [213, 94, 0], ansi: Color::LightRed };
const CLEAR: Ink = Ink { rgb: [0, 158, 115], ansi: Color::Cyan };
const ATTENTION: Ink = Ink { rgb: [240, 228, 66], ansi: Color::LightYellow };
const ACCENT: Ink = Ink { rgb: [86, 180, 233], ansi: Color::LightBlue };

const BLACK: Ink = Ink { rgb: [0, 0, 0], ansi: Color::Black };
const WHITE: Ink = Ink { rgb: [255, 255, 255], ansi: Color::White };
const YELLOW: Ink = Ink { rgb: [255, 255, 0], ansi: Color::LightYellow };
const CYAN: Ink = Ink { rgb: [0, 255, 255], ansi: Color::LightCyan };

#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Mono where there are no colours.
    choice: ThemeChoice,
    depth: Depth,
}

impl Theme {
    /// A terminal without colours is mono, whatever is chosen.
    pub fn new(choice: ThemeChoice, depth: Depth) -> Theme {
        match (choice, depth) {
            (ThemeChoice::Mono, _) | (_, Depth::Mono) => {
                Theme { choice: ThemeChoice::Mono, depth: Depth::Mono }
            }
            _ => Theme { choice, depth },
        }
    }

    pub fn depth(self) -> Depth {
        self.depth
    }

    fn colour(self, ink: Ink) -> Color {
        match self.depth {
            Depth::Mono => Color::Reset,
            Depth::Ansi => ink.ansi,
            Depth::Indexed => Color::Indexed(indexed(ink.rgb)),
            Depth::Full => Color::Rgb(ink.rgb[0], ink.rgb[1], ink.rgb[2]),
        }
    }

    /// In `ordinary` colour, or in that of high contrast.
    fn text(self, ordinary: Ink, high: Ink) -> Style {
        match self.choice {
            ThemeChoice::Colour => Style::new().fg(self.colour(ordinary)),
            ThemeChoice::HighContrast => Style::new().fg(self.colour(high)),
            ThemeChoice::Mono => Style::new(),
        }
    }

    fn block(self, ordinary: Ink, high: Ink) -> Style {
        match self.choice {
            ThemeChoice::Colour => {
                // The sixteen colours are dark as a background on some consoles.
                let dark = self.depth == Depth::Ansi && ordinary.ansi == Color::LightRed;
                let ink = if dark { WHITE } else { BLACK };
                let back = if dark { Color::Red } else { self.colour(ordinary) };
                Style::new().bg(back).fg(self.colour(ink))
            }
            ThemeChoice::HighContrast => Style::new().bg(self.colour(high)).fg(self.colour(BLACK)),
            ThemeChoice::Mono => Style::new().add_modifier(Modifier::REVERSED),
        }
    }

    /// Of the whole screen, below everything.
    pub fn ground(self) -> Style {
        match self.choice {
            ThemeChoice::HighContrast => Style::new().bg(self.colour(BLACK)).fg(self.colour(WHITE)),
            _ => Style::new(),
        }
    }

    /// Of the block behind the large word.
    pub fn banner(self, face: Face) -> Style {
        match face {
            Face::Refer => self.block(REFER, YELLOW),
            Face::Clear => self.block(CLEAR, CYAN),
            Face::Fault => self.block(ATTENTION, WHITE),
            Face::Ungradable => self.attention().add_modifier(Modifier::BOLD),
            Face::Ready => self.quiet(),
        }
    }

    pub fn refer(self) -> Style {
        self.text(REFER, YELLOW)
    }

    pub fn clear(self) -> Style {
        self.text(CLEAR, CYAN)
    }

    pub fn attention(self) -> Style {
        self.text(ATTENTION, WHITE)
    }

    pub fn accent(self) -> Style {
        self.text(ACCENT, CYAN)
    }

    /// Of what is laid over the picture: for referring, against it, and the outline. The picture
    /// keeps these colours in every theme.
    pub fn overlay(self) -> [Style; 3] {
        let inks =
            [(snapshot::FOR, REFER), (snapshot::AGAINST, ACCENT), (snapshot::OUTLINE, ATTENTION)];
        inks.map(|(rgb, ink)| {
            let ink = Ink { rgb, ..ink };
            self.text(ink, ink)
        })
    }

    pub fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Of what matters less; never faint where contrast is asked for.
    pub fn quiet(self) -> Style {
        match self.choice {
            ThemeChoice::HighContrast => Style::new().fg(self.colour(WHITE)),
            _ => Style::new().add_modifier(Modifier::DIM),
        }
    }

    /// The DEMO mark.
    pub fn demo(self) -> Style {
        self.block(ATTENTION, WHITE).add_modifier(Modifier::BOLD)
    }
}

/// The nearest of xterm's 256 colours: a cube of six levels a channel, and 24 greys.
pub fn indexed(rgb: [u8; 3]) -> u8 {
    const LEVELS: [u8; 6] = [0, 95, 135, 175, 215, 255];
    let step = |c: u8| (0..6).min_by_key(|&i| LEVELS[i].abs_diff(c)).unwrap_or(0);
    let steps = rgb.map(step);
    let mean = rgb.iter().map(|&c| u16::from(c)).sum::<u16>() / 3;
    let shade = ((mean.saturating_sub(3)) / 10).min(23) as u8;
    let distance = |other: [u8; 3]| -> u32 {
        rgb.iter().zip(other).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum()
    };
    if distance([8 + 10 * shade; 3]) < distance(steps.map(|i| LEVELS[i])) {
        232 + shade
    } else {
        16 + (36 * steps[0] + 6 * steps[1] + steps[2]) as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_of_256_colours() {
        for (rgb, index) in [
            ([0; 3], 16),
            ([255; 3], 231),
            ([255, 0, 0], 196),
            ([128; 3], 244),
            ([213, 94, 0], 166),
        ] {
            assert_eq!(indexed(rgb), index, "{rgb:?}");
        }
    }

    #[test]
    fn each_depth_names_its_own_kind_of_colour() {
        let refer = |depth| Theme::new(ThemeChoice::Colour, depth).refer().fg;
        assert_eq!(refer(Depth::Full), Some(Color::Rgb(213, 94, 0)));
        assert_eq!(refer(Depth::Indexed), Some(Color::Indexed(166)));
        assert_eq!(refer(Depth::Ansi), Some(Color::LightRed));
        assert_eq!(refer(Depth::Mono), None);
    }
}
