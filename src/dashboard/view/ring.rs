//! How much more sweep is needed: a ring that is full once there is enough usable picture for a
//! verdict; what is inside it fills until the verdict rests on a whole window. A bar in ASCII.

use ratatui::text::{Line, Span};

use super::facts::NAME;
use crate::dashboard::Dashboard;
use crate::dashboard::width::pad;
use crate::exam::State;
use crate::screening::{Reason, Verdict};
use crate::snapshot::Snapshot;
use crate::texts::Value;

/// Radius of the ring's inside, and of the disc in it, over the outer one.
const INSIDE: f32 = 0.62;
const DISC: f32 = 0.4;
/// Bits of a braille character's dots, row by row.
const DOTS: [[u32; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

/// How far an exam is, 0–1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Towards enough for a verdict: 1 exactly where there is enough.
    pub need: f32,
    /// From there towards the whole window.
    pub more: f32,
}

impl Progress {
    /// `None` where each picture is judged by itself. Whether there is enough is the verdict's word.
    pub fn of(snapshot: &Snapshot) -> Option<Progress> {
        let identity = &snapshot.identity;
        let (needed, window) = (identity.min_evidence.as_secs_f32(), identity.window.as_secs_f32());
        if needed == 0.0 {
            return None;
        }
        let usable = snapshot.evidence.usable.as_secs_f32();
        let enough = matches!(
            snapshot.verdict,
            Some(Verdict::Refer | Verdict::Clear | Verdict::Ungradable(Reason::Uncertain))
        );
        let need = if enough { 1.0 } else { (usable / needed).min(0.99) };
        let whole = snapshot.exam.state == State::Held || usable >= window;
        let more = match enough {
            true if whole => 1.0,
            true => ((usable - needed) / (window - needed)).clamp(0.0, 1.0),
            false => 0.0,
        };
        Some(Progress { need, more })
    }

    fn enough(self) -> bool {
        self.need >= 1.0
    }
}

/// What to do about it, in a few words.
pub fn word(dashboard: &Dashboard, snapshot: &Snapshot, progress: Progress) -> String {
    let texts = &dashboard.texts;
    let key = match snapshot.exam.state {
        State::Scanning | State::Held if snapshot.fault.is_some() => "fact-evidence",
        State::Idle | State::Ended => "fact-evidence",
        _ if progress.enough() && progress.more >= 1.0 => "sweep-enough",
        _ if progress.enough() => "sweep-surer",
        State::Held => "sweep-short",
        State::Scanning => {
            let needed = snapshot.identity.min_evidence;
            let left = needed.saturating_sub(snapshot.evidence.usable).as_secs_f32();
            let left = Value::from(texts.decimal(left.max(0.1), 1));
            return texts.with("sweep-on", &[("seconds", left)]);
        }
    };
    texts.get(key).into_owned()
}

/// The ring and what there is to say beside it; `rows` high, at least three, or a line of its own
/// where each picture is judged by itself.
pub fn lines(dashboard: &Dashboard, snapshot: &Snapshot, rows: usize) -> Vec<Line<'static>> {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let name = |words: &str| pad(words, NAME - 1) + " ";
    let Some(progress) = Progress::of(snapshot) else {
        let name = Span::styled(name(&texts.get("fact-evidence")), theme.quiet());
        return vec![Line::from(vec![name, texts.get("single-pictures").into_owned().into()])];
    };
    let evidence = &snapshot.evidence;
    let seconds = |time: std::time::Duration| Value::from(texts.decimal(time.as_secs_f32(), 1));
    let gathered = [
        ("usable", seconds(evidence.usable)),
        ("seen", seconds(evidence.seen)),
        ("needed", seconds(snapshot.identity.min_evidence)),
    ];
    let rests = match snapshot.exam.state {
        State::Held => texts.get("rests-on-exam").into_owned(),
        _ => texts.with("rests-on-window", &[("seconds", seconds(snapshot.identity.window))]),
    };
    let word = Span::styled(word(dashboard, snapshot, progress), theme.strong());
    let words =
        [word, texts.with("gathered", &gathered).into(), Span::styled(rests, theme.quiet())];
    let (drawn, first) = if dashboard.symbols.ascii {
        (vec![bar(progress)], 0)
    } else {
        (ring(progress, rows), (rows - words.len()) / 2)
    };
    let mut drawn = drawn.into_iter();
    let mut words = words.into_iter();
    let height = if dashboard.symbols.ascii { words.len() } else { rows };
    (0..height)
        .map(|row| {
            let front = Span::styled(name(&drawn.next().unwrap_or_default()), theme.accent());
            let said = if row < first { None } else { words.next() };
            Line::from_iter(std::iter::once(front).chain(said))
        })
        .collect()
}

/// `[####|--]`: filled towards enough, then beyond the mark.
fn bar(progress: Progress) -> String {
    let part = |share: f32, room: usize| {
        let filled = (share * room as f32) as usize;
        "#".repeat(filled) + &"-".repeat(room - filled)
    };
    format!("[{}|{}]", part(progress.need, 5), part(progress.more, 2))
}

/// As many rows of braille, twice as wide.
fn ring(progress: Progress, rows: usize) -> Vec<String> {
    let side = 4 * rows;
    let radius = side as f32 / 2.0;
    let lit = |x: usize, y: usize| {
        let (right, down) = (x as f32 + 0.5 - radius, y as f32 + 0.5 - radius);
        let out = right.hypot(down) / radius;
        let turn = right.atan2(-down) / std::f32::consts::TAU;
        let turn = if turn < 0.0 { turn + 1.0 } else { turn };
        match out {
            // What is yet to come is drawn thinly.
            _ if (INSIDE..=1.0).contains(&out) => {
                turn < progress.need || (out > 0.8 && (x + y).is_multiple_of(2))
            }
            _ if out <= DISC => down / (DISC * radius) > 1.0 - 2.0 * progress.more,
            _ => false,
        }
    };
    let cell = |column: usize, row: usize| {
        let dots = (0..4).flat_map(|y| (0..2).map(move |x| (x, y)));
        let bits = dots.filter(|&(x, y)| lit(2 * column + x, 4 * row + y)).map(|(x, y)| DOTS[y][x]);
        char::from_u32(0x2800 + bits.sum::<u32>()).unwrap_or(' ')
    };
    (0..rows).map(|row| (0..2 * rows).map(|column| cell(column, row)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dots(progress: Progress) -> u32 {
        let characters = ring(progress, 3).concat();
        characters.chars().map(|c| (u32::from(c) - 0x2800).count_ones()).sum()
    }

    #[test]
    fn a_ring_fills_and_then_its_inside() {
        let of = |need, more| dots(Progress { need, more });
        let shares = [of(0.0, 0.0), of(0.25, 0.0), of(0.5, 0.0), of(0.99, 0.0), of(1.0, 0.5)];
        assert!(shares.windows(2).all(|pair| pair[0] + 4 <= pair[1]), "{shares:?}");
        assert!(of(1.0, 1.0) > of(1.0, 0.5));
        let rows = ring(Progress { need: 0.5, more: 0.0 }, 5);
        assert!(rows.len() == 5 && rows.iter().all(|row| row.chars().count() == 10));
    }

    #[test]
    fn a_bar_fills_in_ascii() {
        let of = |need, more| bar(Progress { need, more });
        assert_eq!(of(0.0, 0.0), "[-----|--]");
        assert_eq!(of(0.99, 0.0), "[####-|--]");
        assert_eq!(of(1.0, 0.6), "[#####|#-]");
    }
}
