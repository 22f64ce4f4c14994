//! The characters beside words: shapes, lamps, bars, lines; all of ASCII where nothing else shows.

use ratatui::buffer::Buffer;
use ratatui::symbols::border;
use unicode_width::UnicodeWidthStr;

use super::theme::Face;
use crate::snapshot::Light;

#[derive(Debug, PartialEq)]
pub struct Symbols {
    pub ascii: bool,
    refer: &'static str,
    clear: &'static str,
    fault: &'static str,
    ready: &'static str,
    lamps: [&'static str; 3],
    /// A bar's part that is filled, and the rest.
    pub bar: [&'static str; 2],
    /// Where there is no number.
    pub none: &'static str,
    /// On the picture: for referring, against it, and the outline.
    pub marks: [char; 3],
    pub border: border::Set<'static>,
}

const PLAIN_BORDER: border::Set = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

pub static UNICODE: Symbols = Symbols {
    ascii: false,
    refer: "▲",
    clear: "●",
    fault: "✖",
    ready: "○",
    lamps: ["○", "●", "◐"],
    bar: ["█", "░"],
    none: "–",
    marks: ['▲', '●', '◆'],
    border: border::PLAIN,
};

pub static ASCII: Symbols = Symbols {
    ascii: true,
    refer: "^",
    clear: "o",
    fault: "x",
    ready: "-",
    lamps: [".", "*", "~"],
    bar: ["#", "."],
    none: "-",
    marks: ['^', 'o', 'X'],
    border: PLAIN_BORDER,
};

impl Symbols {
    pub fn shape(&self, face: Face) -> &'static str {
        match face {
            Face::Refer => self.refer,
            Face::Clear => self.clear,
            Face::Ungradable => "?",
            Face::Fault => self.fault,
            Face::Ready => self.ready,
        }
    }

    pub fn lamp(&self, light: Light) -> &'static str {
        match light {
            Light::Off => self.lamps[0],
            Light::On => self.lamps[1],
            Light::Blinking => self.lamps[2],
        }
    }

    /// Where only ASCII shows, letters lose their accents, and what has no likeness becomes `?`.
    /// Wide characters stay: whoever chose that language can see them.
    pub fn settle(&self, buffer: &mut Buffer) {
        if !self.ascii {
            return;
        }
        for cell in &mut buffer.content {
            if !cell.symbol().is_ascii() && cell.symbol().width() < 2 {
                let likeness = cell.symbol().chars().next().map_or(' ', likeness);
                cell.set_char(likeness);
            }
        }
    }
}

/// An ASCII character that reads like `character`.
fn likeness(character: char) -> char {
    match character {
        'à'..='å' => 'a',
        'ç' => 'c',
        'è'..='ë' => 'e',
        'ì'..='ï' => 'i',
        'ñ' => 'n',
        'ò'..='ö' | 'ø' => 'o',
        'ù'..='ü' => 'u',
        'ý' | 'ÿ' => 'y',
        'À'..='Å' => 'A',
        'Ç' => 'C',
        'È'..='Ë' => 'E',
        'Ì'..='Ï' => 'I',
        'Ñ' => 'N',
        'Ò'..='Ö' | 'Ø' => 'O',
        'Ù'..='Ü' => 'U',
        'Ý' => 'Y',
        '×' => 'x',
        '–' | '—' => '-',
        '‘' | '’' => '\'',
        '“' | '”' | '«' | '»' => '"',
        '\u{a0}' | '\u{202f}' | '°' => ' ',
        _ => '?',
    }
}
