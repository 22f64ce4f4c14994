//! Vital signs on the zones view: the form, its keys, danger signs, and zones that come from elsewhere.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::place::View;
use super::views::{in_language, press, with_zones};
use super::*;
use crate::dashboard::vitals::Field;
use crate::protocol::{BUILT_IN, Choice, VitalSigns};

fn ascii() -> Dashboard {
    look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English)
}

fn on_zones(mut dashboard: Dashboard, snapshot: &Snapshot) -> Dashboard {
    dashboard.place.zones = true;
    press(&mut dashboard, snapshot, KeyCode::Char('6'));
    assert_eq!(dashboard.place.view, View::Zones);
    dashboard
}

fn enter(dashboard: &mut Dashboard, snapshot: &Snapshot, keys: &str) {
    for key in keys.chars() {
        assert_eq!(press(dashboard, snapshot, KeyCode::Char(key)), None);
    }
}

/// All zones clear, and an adult short of oxygen.
fn in_danger() -> Snapshot {
    let mut snapshot = with_zones();
    let examination = snapshot.examination.as_mut().unwrap();
    (0..8).for_each(|zone| examination.set_verdict(zone, Verdict::Clear, 0.07).unwrap());
    let signs = VitalSigns {
        age_months: Some(408),
        spo2: Some(88.0),
        respiratory_rate: Some(34.0),
        temperature: Some(36.8),
    };
    examination.set_vital_signs(signs).unwrap();
    snapshot
}

#[test]
fn the_form_and_the_danger_signs() {
    let (calm, danger) = (with_zones(), in_danger());
    let screens = [english(), ascii(), in_language(Language::Chinese)].map(|dashboard| {
        let mut dashboard = on_zones(dashboard, &calm);
        press(&mut dashboard, &calm, KeyCode::Char('v'));
        enter(&mut dashboard, &calm, "34");
        press(&mut dashboard, &calm, KeyCode::Down);
        enter(&mut dashboard, &calm, "880");
        press(&mut dashboard, &calm, KeyCode::Enter);
        let form = screen(&mut dashboard, 80, 24, &calm);
        press(&mut dashboard, &calm, KeyCode::Esc);
        [form, screen(&mut dashboard, 80, 24, &danger)].join("\n\n")
    });
    assert!(screens[1].is_ascii(), "{}", screens[1]);
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn keys_belong_to_the_form_while_it_is_open() {
    let snapshot = with_zones();
    let mut dashboard = on_zones(english(), &snapshot);
    press(&mut dashboard, &snapshot, KeyCode::Char('v'));
    for key in [' ', 'q', 'n', '1', 's', 'c', 'v', '?'] {
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char(key)), None, "{key}");
        assert_eq!(dashboard.place.view, View::Zones);
    }
    assert!(screen(&mut dashboard, 80, 24, &snapshot).contains("CLEAR"), "the verdict of now");
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(dashboard.key(interrupt, &snapshot), Some(Action::Quit));
    for code in [KeyCode::Delete, KeyCode::Char('7'), KeyCode::Char('m'), KeyCode::Tab] {
        assert_eq!(press(&mut dashboard, &snapshot, code), None);
    }
    let signs = VitalSigns { age_months: Some(7), ..VitalSigns::default() };
    let command = Command::Vitals { patient: 0, signs };
    let taken = press(&mut dashboard, &snapshot, KeyCode::Enter);
    assert_eq!(taken, Some(Action::Order(command)));
    assert!(dashboard.dialog.is_none());
    assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char('q')), Some(Action::Quit));
}

#[test]
fn it_opens_on_zones_for_whoever_may_enter_and_goes_with_its_patient() {
    let mut snapshot = with_zones();
    let mut dashboard = english();
    press(&mut dashboard, &snapshot, KeyCode::Char('v'));
    assert!(dashboard.dialog.is_none(), "only on zones");
    let mut dashboard = on_zones(dashboard, &snapshot);
    dashboard.read_only = true;
    press(&mut dashboard, &snapshot, KeyCode::Char('v'));
    assert!(dashboard.dialog.is_none(), "a watcher only looks");
    dashboard.read_only = false;
    press(&mut dashboard, &snapshot, KeyCode::Char('v'));
    screen(&mut dashboard, 80, 24, &snapshot);
    assert!(dashboard.dialog.is_some());
    snapshot.examination.as_mut().unwrap().reset();
    screen(&mut dashboard, 80, 24, &snapshot);
    assert!(dashboard.dialog.is_none(), "another patient's turn");
}

#[test]
fn a_danger_sign_is_told_on_every_size_and_on_the_live_view() {
    for language in Language::ALL {
        let (calm, danger) = (with_zones(), in_danger());
        for (width, height) in [(60, 17), (80, 24), (120, 40)] {
            let mut dashboard = on_zones(in_language(language), &danger);
            let text = screen(&mut dashboard, width, height, &danger);
            assert!(text.contains("88 %") && text.contains("92"), "{language:?}\n{text}");
            assert!(text.contains("34 /min") && text.contains("WHO"), "{language:?}\n{text}");
            press(&mut dashboard, &danger, KeyCode::Char('1'));
            let mark = dashboard.texts.get("danger-sign").into_owned();
            assert!(width::width(&mark) <= 13, "{mark}");
            // Beside its tabs there is no room on the least of terminals.
            let shown = screen(&mut dashboard, width, height, &danger).contains(&mark);
            assert!(shown || width < 80, "{language:?} at {width}");
            assert!(!screen(&mut dashboard, width, height, &calm).contains(&mark));
        }
    }
}

#[test]
fn zones_and_form_fit_their_places_in_every_language() {
    for language in Language::ALL {
        let texts = Texts::new(language);
        for field in Field::ALL {
            let name = texts.coded("vital", field.code());
            assert!(width::width(&name) <= 20, "{language:?}: {name}");
        }
        assert!(width::width(&texts.get("vital-age-hint")) <= 24, "{language:?}");
        for symbols in [&UNICODE, &ASCII] {
            for state in State::ALL {
                let mut snapshot = with_zones();
                snapshot.exam = Exam { state, number: 12 };
                let look = look(ThemeChoice::Colour, Depth::Full, symbols, language);
                let mut dashboard = on_zones(look, &snapshot);
                let text = screen(&mut dashboard, 80, 24, &snapshot);
                let keys = text.lines().last().unwrap();
                for key in [" v ", " n ", " q "] {
                    assert!(keys.contains(key), "{language:?}: {keys}");
                }
            }
        }
        for (name, _) in BUILT_IN {
            let protocol = name.parse::<Choice>().unwrap().load().unwrap();
            for zone in &protocol.zones {
                let words = texts.zone(&zone.name);
                let own = language == Language::English;
                assert_eq!(words == zone.name, own, "{language:?}: {}", zone.name);
                let hour = zone.clock.is_none_or(|hour| words.contains(&hour.to_string()));
                assert!(hour && width::width(&words) <= 40, "{language:?}: {words}");
            }
            for sign in &protocol.danger_signs.limits {
                for word in [&sign.meaning, sign.edge().0] {
                    let own = language == Language::English;
                    assert_eq!(texts.term(word) == *word, own, "{language:?}: {word}");
                }
            }
        }
        assert_eq!(texts.zone("Zone 3 der Klinik"), "Zone 3 der Klinik");
        assert_eq!(texts.zone("right upper anterior 2"), "right upper anterior 2");
    }
}

/// As a watcher gets them.
#[test]
fn zones_from_elsewhere_are_drawn_and_damaged_ones_break_nothing() {
    let sent = in_danger();
    let whole = postcard::to_stdvec(&sent).unwrap();
    let read: Snapshot = postcard::from_bytes(&whole).unwrap();
    assert!(read.is_sound() && read.examination == sent.examination);
    let mut dashboard = on_zones(english(), &read);
    let text = screen(&mut dashboard, 80, 24, &read);
    assert_eq!(text, screen(&mut on_zones(english(), &sent), 80, 24, &sent));
    let start = whole.windows(6).position(|bytes| bytes == b"lung-8").unwrap();
    let mut random = oorandom::Rand32::new(11);
    let mut count = 0;
    for _ in 0..1500 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.rand_range(0..3) {
            let at = start + random.rand_range(0..(bytes.len() - start) as u32) as usize;
            bytes[at] = random.rand_u32() as u8;
        }
        let Ok(read) = postcard::from_bytes::<Snapshot>(&bytes) else { continue };
        if read.is_sound() {
            count += 1;
            dashboard.place.go(View::Zones);
            drawn(&mut dashboard, 80, 24, &read);
        }
    }
    assert!(count > 50, "{count}");
}

/// A peer may be of the same version and damaged all the same.
#[test]
fn zones_that_break_a_rule_are_refused() {
    use serde_json::{Value, json};
    let whole = serde_json::to_value(in_danger().examination.unwrap()).unwrap();
    let sound = |changed: Value| {
        let examination = Some(serde_json::from_value(changed).unwrap());
        Snapshot { examination, ..with_zones() }.is_sound()
    };
    assert!(sound(whole.clone()));
    for (place, value) in [
        ("/current", json!(8)),
        ("/protocol/zones", json!([])),
        ("/protocol/zones/3/id", json!("")),
        ("/protocol/zones/3/id", json!("R 1")),
        ("/protocol/zones/3/label", json!("RIGHT")),
        ("/protocol/zones/3/label", json!("\u{e9}")),
        ("/protocol/zones/7/column", json!(1.5)),
        ("/protocol/zones/0/row", json!(-1.0)),
        ("/records/2/score", json!(4)),
    ] {
        let mut changed = whole.clone();
        *changed.pointer_mut(place).unwrap() = value.clone();
        assert!(!sound(changed), "{place} {value}");
    }
    let mut many = whole;
    let zones = many.pointer_mut("/protocol/zones").unwrap().as_array_mut().unwrap();
    zones.extend(std::iter::repeat_n(zones[0].clone(), 100));
    assert!(!sound(many));
}
