//! A protocol's zones on a drawing of the body: torso from the front and behind, or both breasts.
//!
//! Every state has a word, a shape and a colour. The drawing fits its place: where there is room a
//! zone shows its verdict in words, else its shape and label; the heading says all of the current
//! zone, and the legend what shapes mean. In its ASCII form no other character is used.

mod outline;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;

use self::outline::{Drawing, draw, to_ascii};
use super::theme::Theme;
use crate::protocol::{Examination, PatientVerdict, Record, Side, View, Zone};
use crate::screening::Verdict;

/// Rows from which on the patient's verdict stands below the map.
const ROWS_FOR_THE_PATIENT: u16 = 16;
/// Columns for the words of a zone, the brackets of the current one among them.
const WORDS: u16 = 12;

/// The widget; at least about 36 × 12 for all that it can say.
pub struct BodyMap<'a> {
    examination: &'a Examination,
    theme: Theme,
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
struct Mark {
    shape: &'static str,
    word: &'static str,
    style: Style,
}

impl<'a> BodyMap<'a> {
    pub fn new(examination: &'a Examination, theme: Theme) -> BodyMap<'a> {
        BodyMap { examination, theme, ascii: false }
    }

    /// Whether to draw with ASCII characters alone.
    pub fn ascii(self, ascii: bool) -> BodyMap<'a> {
        BodyMap { ascii, ..self }
    }

    fn mark(&self, verdict: Option<PatientVerdict>) -> Mark {
        let (shapes, style) = match verdict {
            Some(PatientVerdict::Refer) => (["▲", "!"], self.theme.refer()),
            Some(PatientVerdict::Clear) => (["●", "o"], self.theme.clear()),
            Some(PatientVerdict::Ungradable) => (["?", "?"], self.theme.attention()),
            None => (["○", ":"], Style::new()),
        };
        let word = verdict.map_or("open", PatientVerdict::word);
        Mark { shape: shapes[usize::from(self.ascii)], word, style }
    }

    fn zone_mark(&self, record: &Record) -> Mark {
        self.mark(record.verdict.map(PatientVerdict::from))
    }

    /// The current zone in words.
    fn heading(&self, area: Rect, buf: &mut Buffer) {
        let Some((zone, record)) = self.examination.current_zone() else { return };
        let [name, state] = Layout::vertical([Constraint::Length(1); 2]).areas(area);
        let id = Span::styled(format!("{} ", zone.id), self.theme.accent());
        Line::from(vec![id, Span::styled(zone.name.clone(), self.theme.strong())])
            .render(name, buf);
        let mark = self.zone_mark(record);
        let mut words = String::new();
        if record.verdict.is_some() {
            words += &format!(" {:.2}", record.probability);
        }
        if let Some(score) = record.score {
            words += &format!(", score {score}");
        }
        if let Some(reading) = record.reading {
            words += &format!(", clinician: {}", reading.word());
        }
        let mark = Span::styled(format!("{} {}", mark.shape, mark.word), mark.style);
        Line::from(vec![mark, words.into()]).render(state, buf);
    }

    /// The verdict on all zones, with the sum of scores.
    fn patient(&self, area: Rect, buf: &mut Buffer) {
        let mark = self.mark(Some(self.examination.conclude().verdict));
        let count = self.examination.zones().len();
        let mut words = format!(", {} of {count} zones examined", self.examination.examined());
        if let Some(score) = self.examination.score_sum() {
            words += &format!(", score {} of {} zones", score.sum, score.scored);
        }
        let style = mark.style.add_modifier(Modifier::BOLD);
        let verdict = Span::styled(format!("{} {}", mark.shape, mark.word), style);
        Line::from(vec![Span::raw("patient "), verdict, words.into()]).render(area, buf);
    }

    fn legend(&self, area: Rect, buf: &mut Buffer) {
        use PatientVerdict::{Clear, Refer, Ungradable};
        let kinds = [Some(Refer), Some(Clear), Some(Ungradable), None];
        let room = if area.width >= 42 { "   " } else { " " };
        let spans = kinds.map(|verdict| self.mark(verdict)).into_iter().flat_map(|mark| {
            let text = format!("{} {}", mark.shape, mark.word);
            [Span::styled(text, mark.style), Span::raw(room)]
        });
        Line::from(spans.collect::<Vec<_>>()).render(area, buf);
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
            let caption = drawing.caption();
            let x = part.x + (part.width.saturating_sub(caption.len() as u16)) / 2;
            write(buf, x, drawing.caption_row(part), caption, self.theme.quiet());
        }
        if self.ascii {
            to_ascii(area, buf);
        }
        let zones: Vec<(&Zone, &Record, Rect)> = self
            .examination
            .zones()
            .filter_map(|(zone, record)| {
                let found = drawings.iter().find(|(drawing, _)| drawing.shows(zone));
                found.map(|&(drawing, part)| (zone, record, drawing.face(part)))
            })
            .collect();
        let places = |detail: Detail| {
            let place = |&(zone, _, face): &(&Zone, &Record, Rect)| detail.place(zone, face, area);
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
        let centred = |text: &str| {
            let width = text.chars().count() as u16;
            place.x + place.width.saturating_sub(width) / 2
        };
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
            Verdict::Ungradable(_) => mark.word.to_owned(),
            _ => format!("{} {:.2}", mark.word, record.probability),
        });
        let score = record.score.filter(|_| detail == Detail::Score);
        let words = [
            verdict.map(|text| (text, mark.style)),
            score.map(|score| (format!("score {score}"), Style::new())),
        ];
        let words = words.into_iter().flatten();
        for (y, (text, style)) in (place.y + 1..place.bottom()).zip(words) {
            let text = format!(" {text} ");
            write(buf, centred(&text), y, &text, style);
        }
    }
}

impl Detail {
    /// What a zone covers, moved into `area` where it would stand out.
    fn place(self, zone: &Zone, face: Rect, area: Rect) -> Rect {
        let label = zone.label.len() as u16;
        let (width, height) = match self {
            Detail::Score => (WORDS, 3),
            Detail::Verdict => (WORDS, 2),
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
    for (x, symbol) in (x..).zip(text.chars()) {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.reset();
            cell.set_char(symbol).set_style(style);
        }
    }
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
