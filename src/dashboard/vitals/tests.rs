//! What is typed, as tables.

use std::sync::Arc;

use super::*;
use crate::protocol::Choice;
use crate::texts::Language;

fn examination() -> Examination {
    Examination::new(Arc::new("lung-8".parse::<Choice>().unwrap().load().unwrap()))
}

/// Types into a new form; `↓` and `⏎` stand for keys.
fn typed(keys: &str, language: Language) -> (Form, Outcome) {
    let (examination, texts) = (examination(), Texts::new(language));
    let mut form = Form::open(&examination);
    let mut outcome = Outcome::Open;
    for key in keys.chars() {
        let code = match key {
            '↓' => KeyCode::Down,
            '↑' => KeyCode::Up,
            '⇥' => KeyCode::Tab,
            '⏎' => KeyCode::Enter,
            '⎋' => KeyCode::Esc,
            '←' => KeyCode::Backspace,
            '✗' => KeyCode::Delete,
            key => KeyCode::Char(key),
        };
        outcome = form.key(code, &examination.protocol().danger_signs, &texts);
    }
    (form, outcome)
}

#[test]
fn what_is_typed_becomes_vital_signs() {
    let none = VitalSigns::default();
    let adult = VitalSigns { age_months: Some(408), ..none };
    let infant = VitalSigns { age_months: Some(7), ..none };
    for (keys, signs) in [
        ("⏎", none),
        ("34⏎", adult),
        ("7M⏎", infant),
        ("34↓88⏎", VitalSigns { spo2: Some(88.0), ..adult }),
        ("34⇥⇥22⏎", VitalSigns { respiratory_rate: Some(22.0), ..adult }),
        ("34↑36,8⏎", VitalSigns { temperature: Some(36.8), ..adult }),
        ("34↑36.8⏎", VitalSigns { temperature: Some(36.8), ..adult }),
        // Other keys are no orders while it is open, and no digits.
        ("q3 n4↓sx97⏎", VitalSigns { spo2: Some(97.0), ..adult }),
        ("35←4↓1✗97⏎", VitalSigns { spo2: Some(97.0), ..adult }),
    ] {
        let command = Command::Vitals { patient: 0, signs };
        assert_eq!(typed(keys, Language::English).1, Outcome::Taken(command), "{keys}");
    }
    assert_eq!(typed("34↓88⎋", Language::English).1, Outcome::Dropped);
}

#[test]
fn what_cannot_be_right_is_refused_with_words_and_the_field_is_current() {
    for (keys, field, words) in [
        ("34↓101⏎", 1, "101 cannot be right: type 30 to 100 %"),
        ("34↓9⏎", 1, "9 cannot be right"),
        ("34↓↓220⏎", 2, "type 4 to 150 /min"),
        ("34↑98.6⏎", 3, "98.6 cannot be right: type 25 to 45 °C"),
        ("34↑3.6.8⏎", 3, "3.6.8 cannot be right"),
        ("34↑.⏎", 3, ". cannot be right"),
        ("↓97⏎", 0, "enter the age too"),
        ("0↓97⏎", 0, "months such as 7m"),
        ("121⏎", 0, "no age"),
        ("m7⏎", 0, "no age"),
    ] {
        let (form, outcome) = typed(keys, Language::English);
        assert_eq!(outcome, Outcome::Open, "{keys}");
        let refusal = form.refusal.as_deref().unwrap_or_default();
        assert!(refusal.contains(words), "{keys}: {refusal}");
        assert!(form.fields().nth(field).unwrap().2, "{keys}");
    }
    let (form, _) = typed("34↑98.6⏎", Language::French);
    assert!(form.refusal.unwrap().contains("de 25 à 45 °C"));
    // What is put right is taken.
    assert!(matches!(typed("34↓101⏎✗100⏎", Language::English).1, Outcome::Taken(_)));
}

#[test]
fn it_opens_with_what_is_known_and_belongs_to_one_patient() {
    let mut examination = examination();
    let signs = VitalSigns {
        age_months: Some(18),
        spo2: Some(97.0),
        respiratory_rate: None,
        temperature: Some(36.8),
    };
    examination.set_vital_signs(signs).unwrap();
    let form = Form::open(&examination);
    let typed: Vec<&str> = form.fields().map(|(_, typed, _)| typed).collect();
    assert_eq!(typed, ["18m", "97", "", "36.8"]);
    assert!(form.is_of(&examination));
    examination.reset();
    assert!(!form.is_of(&examination));
}
