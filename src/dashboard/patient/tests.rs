//! What is typed, scanned and chosen.

use super::*;
use crate::texts::Language;

fn patient(number: &str, name: &str) -> Patient {
    let (number, name) = (number.to_owned(), name.to_owned());
    Patient { number, name, accession: "A1".to_owned(), ..Patient::default() }
}

/// Types into a new form; `↓` and `⏎` stand for keys.
fn typed(keys: &str) -> (Form, Outcome) {
    let texts = Texts::new(Language::English);
    let expected = vec![patient("1704", "Ann Lee"), patient("1705", "Bo Lee"), patient("9", "")];
    let known = Entry { operator: "nurse".to_owned(), ..Entry::default() };
    let mut form = Form::open(3, &known, Ok(expected));
    let mut outcome = Outcome::Open;
    for key in keys.chars() {
        assert_eq!(outcome, Outcome::Open, "{keys}");
        let code = match key {
            '↓' => KeyCode::Down,
            '↑' => KeyCode::Up,
            '⏎' => KeyCode::Enter,
            '←' => KeyCode::Backspace,
            '✗' => KeyCode::Delete,
            key => KeyCode::Char(key),
        };
        outcome = form.key(code, &texts);
    }
    (form, outcome)
}

fn taken(keys: &str) -> Entry {
    match typed(keys).1 {
        Outcome::Taken(Command::Patient { visit: 3, entry }) => Entry::clone(&entry),
        other => panic!("{keys}: {other:?}"),
    }
}

#[test]
fn what_is_typed_is_taken_in_order() {
    let entry = taken("77↓Zoë Ng↓19610430↓f↓✗doctor⏎");
    let Patient { name, number, born, sex, accession, .. } = &entry.patient;
    assert_eq!([&name[..], number, born, sex, accession], ["Zoë Ng", "77", "1961-04-30", "F", ""]);
    assert_eq!(entry.operator, "doctor");
    assert_eq!(taken("⏎").operator, "nurse", "the operator stays");
    assert_eq!(taken("↓↓19x61←2↓qm⏎").patient.born, "1962");
    let (form, outcome) = typed("↓↓1961-99⏎");
    assert_eq!((outcome, form.current), (Outcome::Open, 2));
    assert!(form.refusal.unwrap().contains("1961-04-30"));
    assert_eq!(taken(&("x".repeat(100) + "⏎")).patient.number.len(), LONGEST);
}

#[test]
fn a_scanned_number_finds_who_is_expected() {
    let (form, outcome) = typed("1705⏎");
    assert_eq!(
        (outcome, &form.typed[1][..]),
        (Outcome::Open, "Bo Lee"),
        "shown before it is taken"
    );
    let entry = taken("1705⏎⏎");
    assert_eq!((&*entry.patient.name, &*entry.patient.accession), ("Bo Lee", "A1"));
    assert_eq!(entry.operator, "nurse");
    assert_eq!(taken("9⏎⏎").patient.number, "9", "a nameless one too");
    // A stranger's number is taken as it is; another number than the order's has no order.
    assert_eq!(taken("170⏎").patient.number, "170");
    let other = taken("1705⏎←6⏎").patient;
    assert_eq!((&*other.number, &*other.accession), ("1706", ""));
}

#[test]
fn the_list_follows_what_is_typed_and_can_be_chosen_from() {
    let names = |keys: &str| -> Vec<String> {
        typed(keys).0.matching().0.iter().map(|p| p.number.clone()).collect()
    };
    assert_eq!(names(""), ["1704", "1705", "9"]);
    assert_eq!(names("170"), ["1704", "1705"]);
    assert_eq!(names("↓lee"), ["1704", "1705"]);
    assert_eq!(names("5↓lee"), ["1705"]);
    assert_eq!(taken("↓↓↓↓↓↓⏎⏎").patient.number, "1705");
    assert_eq!(taken("↑⏎⏎").patient.number, "9", "round the end");
    assert_eq!(typed("↑x✗←").0.matching().1, Some(2), "nothing is typed into the list");
}

#[test]
fn nothing_shows_what_is_typed_but_the_screen() {
    let (form, outcome) = typed("Xylophone⏎");
    assert!(!format!("{form:?} {outcome:?}").contains("Xylo"));
}

#[test]
fn a_screen_knows_the_patient_whose_turn_it_is() {
    let visit = |number, entries| Visit { number, entries };
    let mut who = Who::default();
    let entry = Entry { patient: patient("1", "Ann"), operator: "nurse".to_owned() };
    assert!(who.known(visit(0, 0)).is_none());
    who.take(visit(0, 0), &entry);
    assert!(who.known(visit(0, 0)).is_none(), "not before the engine has it");
    assert_eq!(who.known(visit(0, 1)), Some(&entry.patient));
    // An order that was lost on its way is not shown as if it had come.
    let other = Entry { patient: patient("2", "Bo"), ..entry.clone() };
    who.take(visit(0, 1), &other);
    assert!(who.known(visit(0, 1)).is_none());
    assert_eq!(who.known(visit(0, 2)), Some(&other.patient));
    who.follow(visit(1, 0));
    assert!(who.known(visit(1, 0)).is_none() && who.entry().patient.is_empty());
    assert_eq!(who.entry().operator, "nurse");
}
