//! Vital signs below the zones, the danger signs among them, and the form that they are typed into.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph};

use crate::dashboard::Dashboard;
use crate::dashboard::theme::Face;
use crate::dashboard::vitals::{Field, Form};
use crate::dashboard::width::{fold, pad, width};
use crate::protocol::{DangerSign, Examination, VitalSign, VitalSigns};
use crate::texts::Texts;

/// Columns of the form, of its names and of what is typed.
const FORM: u16 = 60;
const NAME: usize = 20;
const TYPED: usize = 9;

/// The danger signs with the word *refer*, then all that is known; nothing where nothing is.
pub fn rows(dashboard: &Dashboard, examination: &Examination, columns: u16) -> Vec<Line<'static>> {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let mark = format!("{} {}", dashboard.symbols.shape(Face::Refer), texts.get("verdict-refer"));
    let mut rows = Vec::new();
    for sign in examination.danger() {
        let words = format!("{mark}  {}", danger(&sign, texts));
        let indent = width(&mark) + 2;
        for row in fold(&words, usize::from(columns), indent) {
            rows.push(Line::styled(row, theme.refer().patch(theme.strong())));
        }
    }
    if !examination.vital_signs().is_empty() {
        let words = known(examination.vital_signs(), texts);
        rows.push(Line::raw(format!("{}  {words}", texts.get("vitals"))));
    }
    rows
}

/// Which sign is beyond which limit of which guideline.
fn danger(sign: &DangerSign, texts: &Texts) -> String {
    let (edge, limit) = sign.limit.edge();
    let variables = [
        ("meaning", texts.term(&sign.limit.meaning).into()),
        ("sign", name(Field::Sign(sign.limit.sign), texts).into()),
        ("value", texts.number(sign.value).into()),
        ("unit", sign.limit.sign.unit().into()),
        ("edge", texts.term(edge).into()),
        ("limit", texts.number(limit).into()),
        ("source", sign.source.short.clone().into()),
    ];
    texts.with("danger", &variables)
}

fn known(signs: &VitalSigns, texts: &Texts) -> String {
    let age = signs.age_months.map(|months| match (months / 12, months % 12) {
        (years @ 1.., 0) => texts.with("age-years", &[("years", years.into())]),
        _ => texts.with("age-months", &[("months", months.into())]),
    });
    let values = VitalSign::ALL.into_iter().filter_map(|sign| {
        let value = texts.number(signs.value(sign)?);
        Some(format!("{} {value} {}", name(Field::Sign(sign), texts), sign.unit()))
    });
    age.into_iter().chain(values).collect::<Vec<_>>().join("  ")
}

fn name(field: Field, texts: &Texts) -> String {
    texts.coded("vital", field.code())
}

/// The form, in the middle of `area`.
pub fn form(
    dashboard: &Dashboard,
    examination: &Examination,
    form: &Form,
    area: Rect,
    frame: &mut Frame,
) {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let inner = usize::from(FORM - 4);
    let mut lines = Vec::new();
    for (field, typed, current) in form.fields() {
        let front = if current { " > " } else { "   " };
        let cursor = if current { "_" } else { "" };
        let style = if current { theme.accent().patch(theme.strong()) } else { Style::new() };
        lines.push(Line::from(vec![
            Span::styled(format!("{front}{}", pad(&name(field, texts), NAME)), style),
            Span::styled(pad(&format!("[{typed}{cursor}"), TYPED - 1) + "] ", style),
            Span::styled(hint(field, examination, texts), theme.quiet()),
        ]));
    }
    lines.push(Line::raw(""));
    let (words, style) = match &form.refusal {
        Some(words) => (format!("! {words}"), theme.attention().patch(theme.strong())),
        None => (texts.get("vitals-hint").into_owned(), theme.quiet()),
    };
    lines.extend(
        fold(&words, inner, 2).into_iter().map(|row| Line::styled(format!(" {row}"), style)),
    );
    let (columns, rows) = (FORM.min(area.width), (lines.len().max(7) as u16 + 2).min(area.height));
    let (x, y) = (area.x + (area.width - columns) / 2, area.y + (area.height - rows) / 2);
    let place = Rect { x, y, width: columns, height: rows };
    let block = Block::bordered()
        .border_set(dashboard.symbols.border)
        .title(format!(" {} ", texts.get("vitals")));
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(lines).style(theme.ground()).block(block), place);
}

/// Unit and what is allowed; of an age, how it is typed.
fn hint(field: Field, examination: &Examination, texts: &Texts) -> String {
    match field {
        Field::Age => texts.get("vital-age-hint").into_owned(),
        Field::Sign(sign) => {
            let allowed = examination.protocol().danger_signs.allowed(sign);
            let [least, most] = [allowed.start(), allowed.end()].map(|&value| texts.number(value));
            format!("{}  {least} – {most}", sign.unit())
        }
    }
}
