//! Vital signs below the zones, the danger signs among them, and the form that they are typed into.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;

use super::dialog::{field, window, words};
use super::patient;
use crate::dashboard::Dashboard;
use crate::dashboard::theme::Face;
use crate::dashboard::vitals::{Field, Form};
use crate::dashboard::width::{fold, width};
use crate::protocol::{DangerSign, Examination, VitalSign, VitalSigns};
use crate::snapshot::Snapshot;
use crate::texts::Texts;

/// Columns of names and of what is typed.
const NAME: usize = 20;
const TYPED: usize = 8;

/// The danger signs with the word *refer*, then all that is known; nothing where nothing is.
pub fn rows(dashboard: &Dashboard, snapshot: &Snapshot, columns: u16) -> Vec<Line<'static>> {
    let (texts, theme) = (&dashboard.texts, dashboard.theme);
    let Some(examination) = &snapshot.examination else { return Vec::new() };
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
    if let Some(title) = patient::title(dashboard, snapshot) {
        rows.push(Line::raw(format!("{}  {title}", texts.get("patient"))));
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
    snapshot: &Snapshot,
    form: &Form,
    area: Rect,
    frame: &mut Frame,
) {
    let texts = &dashboard.texts;
    let Some(examination) = &snapshot.examination else { return };
    let line = |(of, typed, current): (Field, &str, bool)| {
        let hint = hint(of, examination, texts);
        field(dashboard, (&name(of, texts), NAME), (typed, TYPED), hint, current)
    };
    let mut lines: Vec<Line> = form.fields().map(line).collect();
    lines.push(Line::raw(""));
    lines.extend(words(dashboard, form.refusal.as_deref(), &texts.get("vitals-hint")));
    window(dashboard, &texts.get("vitals"), lines, 7, area, frame);
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
