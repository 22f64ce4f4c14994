//! A protocol's zones on a drawing of the body: torso from the front and behind, or both breasts.
//!
//! Every state has a word, a shape and a colour. The drawing fits its place: where there is room a
//! zone shows its verdict in words, else its shape and label; the heading says all of the current
//! zone, and the legend what shapes mean. In its ASCII form no other character is used.

mod outline;

use std::borrow::Cow;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use self::outline::{Drawing, draw, to_ascii};
use super::theme::Theme;
use super::width::{cut, width};
use crate::protocol::{Examination, PatientVerdict, Reading, Record, Side, View, Zone};
use crate::screening::Verdict;
use crate::texts::Texts;

/// Rows from which on the patient's verdict stands below the map.
const ROWS_FOR_THE_PATIENT: u16 = 16;
/// The widget; at least about 36 × 12 for all that it can say.
pub struct BodyMap<'a> {
    examination: &'a Examination,
    theme: Theme,
    texts: &'a Texts,
    ascii: bool,
}

/// How much a zone says on the map, from most to least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// Shape and label, verdict and probability, score.
    Score,
    /// Shape and label, verdict and probability.
    Verdict,
    /// Shape and label, with a space between.
    Label,
    /// Shape and label.
    Tight,
}

/// What a zone or a patient is, in a shape and a word.
struct Mark<'a> {
    shape: &'static str,
    word: Cow<'a, str>,
    style: Style,
}

impl<'a> BodyMap<'a> {
    pub fn new(examination: &'a Examination, theme: Theme, texts: &'a Texts) -> BodyMap<'a> {
        BodyMap { examination, theme, texts, ascii: false }
    }

    /// Whether to draw with ASCII characters alone.
    pub fn ascii(self, ascii: bool) -> BodyMap<'a> {
        BodyMap { ascii, ..self }
    }

    fn mark(&self, verdict: Option<PatientVerdict>) -> Mark<'a> {
        let (shapes, style) = match verdict {
            Some(PatientVerdict::Refer) => (["▲", "^"], self.theme.refer()),
            Some(PatientVerdict::Clear) => (["●", "o"], self.theme.clear()),
            Some(PatientVerdict::Ungradable) => (["?", "?"], self.theme.attention()),
            None => (["○", ":"], Style::new()),
        };
        let word = match verdict {
            Some(PatientVerdict::Refer) => "verdict-refer",
            Some(PatientVerdict::Clear) => "verdict-clear",
            Some(PatientVerdict::Ungradable) => "verdict-ungradable",
            None => "map-open",
        };
        let word = self.texts.get(word);
        Mark { shape: shapes[usize::from(self.ascii)], word, style }
    }

    fn zone_mark(&self, record: &Record) -> Mark<'a> {
        self.mark(record.verdict.map(PatientVerdict::from))
    }

    /// The current zone in words.
    fn heading(&self, area: Rect, buf: &mut Buffer) {
        let Some((zone, record)) = self.examination.current_zone() else { return };
        let [name, state] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
        let id = Span::styled(format!("{} ", zone.id), self.theme.accent());
        let words = Span::styled(self.texts.zone(&zone.name), self.theme.strong());
        Line::from(vec![id, words]).render(name, buf);
        let mark = self.zone_mark(record);
        let mut words = String::new();
        if record.verdict.is_some() {
            words += &format!(" {}", self.texts.decimal(record.probability, 2));
        }
        if let Some(score) = record.score {
            words += &format!(", {}", self.score(score));
        }
        if let Some(reading) = record.reading {
            let reading = self.texts.get(match reading {
                Reading::Refer => "verdict-refer",
                Reading::Clear => "verdict-clear",
                Reading::Unsure => "map-unsure",
            });
            words += ", ";
            words += &self.texts.with("map-clinician", &[("reading", reading.into())]);
        }
        let mark = Span::styled(format!("{} {}", mark.shape, mark.word), mark.style);
        Line::from(vec![mark, words.into()]).render(state, buf);
    }

    /// The verdict on all zones, with the sum of scores.
    fn patient(&self, area: Rect, buf: &mut Buffer) {
        let mark = self.mark(Some(self.examination.conclude().verdict));
        let count = self.examination.zones().len();
        let examined = self.examination.examined();
        let examined = [("examined", examined.into()), ("zones", count.into())];
        let mut words = format!(", {}", self.texts.with("map-examined", &examined));
        if let Some(score) = self.examination.score_sum() {
            let sum = [("sum", score.sum.into()), ("scored", score.scored.into())];
            words += &format!(", {}", self.texts.with("map-sum", &sum));
        }
        let style = mark.style.add_modifier(Modifier::BOLD);
        let verdict = Span::styled(format!("{} {}", mark.shape, mark.word), style);
        let patient = Span::raw(format!("{} ", self.texts.get("map-patient")));
        Line::from(vec![patient, verdict, words.into()]).render(area, buf);
    }

    fn score(&self, score: u8) -> String {
        self.texts.with("map-score", &[("score", score.into())])
    }

    /// Columns for the words of a zone, the brackets of the current one among them.
    fn columns(&self) -> u16 {
        let [refer, clear, ungradable] =
            ["refer", "clear", "ungradable"].map(|word| width(&self.texts.coded("verdict", word)));
        let words = ungradable.max(refer.max(clear) + " 0.00".len()).max(width(&self.score(0)));
        words as u16 + 2
    }

    fn legend(&self, area: Rect, buf: &mut Buffer) {
        use PatientVerdict::{Clear, Refer, Ungradable};
        let kinds = [Some(Refer), Some(Clear), Some(Ungradable), None];
        let line = |gap| {
            let spans = kinds.map(|verdict| self.mark(verdict)).into_iter().flat_map(|mark| {
                let text = format!("{} {}", mark.shape, mark.word);
                [Span::styled(text, mark.style), Span::raw(gap)]
            });
            spans.collect::<Line>()
        };
        let wide = line("   ");
        let fits = wide.width() <= usize::from(area.width);
        if fits { wide } else { line(" ") }.render(area, buf);
    }

    /// The drawings of the protocol, side by side, and where each lies.
    fn drawings(&self, area: Rect) -> Vec<(Drawing, Rect)> {
        let has = |view: View| self.examination.zones().any(|(zone, _)| zone.view == view);
        let mut drawings = Vec::new();
        for (drawing, shown) in [
            (Drawing::Front, has(View::Front)),
            (Drawing::Back, has(View::Back)),
            (Drawing::Breast(Side::Right), has(View::Breast)),
            (Drawing::Breast(Side::Left), has(View::Breast)),
        ] {
            drawings.extend(shown.then_some(drawing));
        }
        let parts = Layout::horizontal(vec![Constraint::Fill(1); drawings.len()]).split(area);
        let placed = drawings.into_iter().zip(parts.iter());
        placed.map(|(drawing, &part)| (drawing, drawing.fit(part))).collect()
    }

    fn map(&self, area: Rect, buf: &mut Buffer) {
        let drawings = self.drawings(area);
        for &(drawing, part) in &drawings {
            draw(drawing, part, buf);
            buf.set_style(part, self.theme.quiet());
        }
        if self.ascii {
            to_ascii(area, buf);
        }
        for &(drawing, part) in &drawings {
            let caption = self.texts.coded("map", drawing.code());
            let x = part.x + part.width.saturating_sub(width(&caption) as u16) / 2;
            write(buf, x, drawing.caption_row(part), &caption, self.theme.quiet());
        }
        let zones: Vec<(&Zone, &Record, Rect)> = self
            .examination
            .zones()
            .filter_map(|(zone, record)| {
                let found = drawings.iter().find(|(drawing, _)| drawing.shows(zone));
                found.map(|&(drawing, part)| (zone, record, drawing.face(part)))
            })
            .collect();
        let columns = self.columns();
        let places = |detail: Detail| {
            let place =
                |&(zone, _, face): &(&Zone, &Record, Rect)| detail.place(columns, zone, face, area);
            zones.iter().map(place).collect::<Vec<_>>()
        };
        let fits = |detail: &Detail| {
            let places = places(*detail);
            let apart = |(i, a): (usize, &Rect)| places[..i].iter().all(|b| !a.intersects(*b));
            places.iter().enumerate().all(apart)
        };
        let details = [Detail::Score, Detail::Verdict, Detail::Label, Detail::Tight];
        let detail = details.into_iter().find(fits).unwrap_or(Detail::Tight);
        // The current one last: nothing may cover its brackets.
        let mut tokens: Vec<_> = zones.iter().zip(places(detail)).enumerate().collect();
        tokens.sort_by_key(|(i, _)| *i == self.examination.current());
        for (i, ((zone, record, _), place)) in tokens {
            self.token(zone, record, i == self.examination.current(), detail, place, buf);
        }
    }

    /// One zone on the map.
    fn token(
        &self,
        zone: &Zone,
        record: &Record,
        current: bool,
        detail: Detail,
        place: Rect,
        buf: &mut Buffer,
    ) {
        let mark = self.zone_mark(record);
        let space = if detail == Detail::Tight { "" } else { " " };
        let label = format!("{}{space}{}", mark.shape, zone.label);
        let centred = |text: &str| place.x + place.width.saturating_sub(width(text) as u16) / 2;
        let style = if current {
            mark.style.add_modifier(Modifier::BOLD | Modifier::REVERSED)
        } else {
            mark.style
        };
        let x = centred(&label);
        write(buf, x, place.y, &label, style);
        let end = x + label.chars().count() as u16;
        if current {
            write(buf, x.saturating_sub(1), place.y, "[", self.theme.strong());
            write(buf, end, place.y, "]", self.theme.strong());
        } else if detail != Detail::Tight {
            write(buf, x.saturating_sub(1), place.y, " ", Style::new());
            write(buf, end, place.y, " ", Style::new());
        }
        let told = matches!(detail, Detail::Score | Detail::Verdict);
        let verdict = record.verdict.filter(|_| told).map(|verdict| match verdict {
            Verdict::Ungradable(_) => mark.word.clone().into_owned(),
            _ => format!("{} {}", mark.word, self.texts.decimal(record.probability, 2)),
        });
        let score = record.score.filter(|_| detail == Detail::Score);
        let words = [
            verdict.map(|text| (text, mark.style)),
            score.map(|score| (self.score(score), Style::new())),
        ];
        let words = words.into_iter().flatten();
        for (y, (text, style)) in (place.y + 1..place.bottom()).zip(words) {
            let text = format!(" {text} ");
            write(buf, centred(&text), y, &text, style);
        }
    }
}

impl Detail {
    /// What a zone covers, moved into `area` where it would stand out; words take `columns`.
    fn place(self, columns: u16, zone: &Zone, face: Rect, area: Rect) -> Rect {
        let label = zone.label.len() as u16;
        let (width, height) = match self {
            Detail::Score => (columns, 3),
            Detail::Verdict => (columns, 2),
            // With room for the circle between clock positions.
            Detail::Label if zone.view == View::Breast => (label + 6, 1),
            Detail::Label => (label + 4, 1),
            Detail::Tight => (label + 3, 1),
        };
        let at = |start: u16, length: u16, share: f32, size: u16| {
            let middle = f32::from(start) + share * f32::from(length.saturating_sub(1));
            (middle - f32::from(size - 1) / 2.0).round().max(0.0) as u16
        };
        let x = at(face.x, face.width, zone.column, width);
        let y = at(face.y, face.height, zone.row, height);
        let x = x.clamp(area.x, area.right().saturating_sub(width).max(area.x));
        let y = y.clamp(area.y, area.bottom().saturating_sub(height).max(area.y));
        Rect { x, y, width, height }.intersection(area)
    }
}

/// Writes over whatever is there, inside the buffer.
fn write(buf: &mut Buffer, x: u16, y: u16, text: &str, style: Style) {
    if !buf.area.contains((x, y).into()) {
        return;
    }
    let text = cut(text, usize::from(buf.area.right() - x));
    for x in x..x + width(text) as u16 {
        buf[(x, y)].reset();
    }
    buf.set_string(x, y, text, style);
}

impl Widget for BodyMap<'_> {
    fn render(self, area: Rect, buf: &mut Buffer) {
        let area = area.intersection(buf.area);
        let patient = u16::from(area.height >= ROWS_FOR_THE_PATIENT);
        let legend = u16::from(area.height >= 6);
        let [heading, map, verdict, legend] = Layout::vertical([
            Constraint::Length(2),
            Constraint::Fill(1),
            Constraint::Length(patient),
            Constraint::Length(legend),
        ])
        .areas(area);
        self.heading(heading, buf);
        if map.height >= 4 && map.width >= 16 {
            self.map(map, buf);
        }
        if !verdict.is_empty() {
            self.patient(verdict, buf);
        }
        self.legend(legend, buf);
    }
}

#[cfg(test)]
mod tests;
