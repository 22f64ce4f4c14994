//! What the environment says of the terminal: how many colours, and which characters.

/// Ways to name colours, from none to all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    Mono,
    /// The sixteen of ANSI.
    Ansi,
    /// The 256 of xterm.
    Indexed,
    Full,
}

/// Serial consoles, or what behaves like one: our library names colours in a way (`38;5;…`) that
/// they do not know, and they draw ASCII only.
const SERIAL: [&str; 5] = ["dumb", "ansi", "vt52", "vt1", "vt2"];
/// Terminals that have all colours without saying so in COLORTERM.
const FULL: [&str; 7] =
    ["xterm-kitty", "alacritty", "foot", "wezterm", "xterm-ghostty", "contour", "ghostty"];
const FULL_PROGRAMS: [&str; 4] = ["iTerm.app", "WezTerm", "vscode", "ghostty"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    pub depth: Depth,
    /// Only characters of ASCII can be relied on.
    pub ascii: bool,
}

impl Capabilities {
    /// Judges by environment variables. A console of Linux has sixteen colours, and its fonts
    /// lack the shapes and the braille; without any locale the terminal's name alone counts.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Capabilities {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = set("TERM").unwrap_or_default();
        let serial = term.is_empty() || SERIAL.iter().any(|name| term.starts_with(name));
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(&set);
        let utf8 = locale.is_none_or(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        });
        let said = set("COLORTERM").is_some_and(|c| c == "truecolor" || c == "24bit");
        let program =
            set("TERM_PROGRAM").is_some_and(|program| FULL_PROGRAMS.contains(&&program[..]));
        let known = FULL.contains(&&term[..]) || term.ends_with("-direct");
        let depth = if serial || set("NO_COLOR").is_some() {
            Depth::Mono
        } else if said || known || program || set("WT_SESSION").is_some() {
            Depth::Full
        } else if term.ends_with("-256color") {
            Depth::Indexed
        } else {
            Depth::Ansi
        };
        Capabilities { depth, ascii: serial || !utf8 || term == "linux" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_characters_follow_the_environment() {
        let of = |set: &[(&str, &str)]| {
            let found = Capabilities::from_variables(|name| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
            });
            (found.depth, found.ascii)
        };
        let utf8 = ("LANG", "fr_FR.UTF-8");
        for (set, expected) in [
            (&[("TERM", "xterm-256color"), utf8][..], (Depth::Indexed, false)),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), utf8], (Depth::Full, false)),
            (&[("TERM", "xterm"), ("COLORTERM", "24bit")], (Depth::Full, false)),
            (&[("TERM", "xterm-kitty")], (Depth::Full, false)),
            (&[("TERM", "xterm"), ("LANG", "en_US.utf8")], (Depth::Ansi, false)),
            (&[("TERM", "xterm"), ("LC_ALL", "C"), utf8], (Depth::Ansi, true)),
            (&[("TERM", "xterm"), ("LC_ALL", ""), ("LC_CTYPE", "C"), utf8], (Depth::Ansi, true)),
            (&[("TERM", "linux"), utf8], (Depth::Ansi, true)),
            (&[("TERM", "vt220"), utf8], (Depth::Mono, true)),
            (&[("TERM", "vt100"), ("COLORTERM", "truecolor")], (Depth::Mono, true)),
            (&[("TERM", "dumb")], (Depth::Mono, true)),
            (&[("TERM", "ansi")], (Depth::Mono, true)),
            (&[], (Depth::Mono, true)),
            (&[("TERM", "foot"), ("NO_COLOR", "1"), utf8], (Depth::Mono, false)),
            (&[("TERM", "foot"), ("NO_COLOR", ""), utf8], (Depth::Full, false)),
        ] {
            assert_eq!(of(set), expected, "{set:?}");
        }
    }
}
