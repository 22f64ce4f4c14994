//! Who is examined: the form on its screens, who may open it, and whose name is shown.

use ratatui::crossterm::event::KeyCode;

use super::views::{in_language, press};
use super::*;
use crate::snapshot::{Keeping, Visit};

/// Held and kept.
fn kept() -> Snapshot {
    let mut snapshot = snapshot(Some(Verdict::Clear), 0.08);
    (snapshot.exam.state, snapshot.keeping) = (State::Held, Keeping::Kept);
    snapshot
}

fn enter(dashboard: &mut Dashboard, snapshot: &Snapshot, keys: &str) {
    for key in keys.chars() {
        assert_eq!(press(dashboard, snapshot, KeyCode::Char(key)), None);
    }
}

fn expecting(mut dashboard: Dashboard, folder: &std::path::Path) -> Dashboard {
    let path = folder.join("worklist.json");
    let text = r#"[{"name": "Mwangi Wanjiru", "number": "1704", "born": "1961-04-30", "sex": "F"},
        {"name": "Zoë Müller", "number": "1705"}, {"name": "李明", "number": "1706"}]"#;
    std::fs::write(&path, text).unwrap();
    dashboard.worklist = Some(path);
    dashboard
}

#[test]
fn the_form_and_the_line_that_says_who() {
    let folder = tempfile::tempdir().unwrap();
    let ascii = look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English);
    let mut screens = Vec::new();
    for (dashboard, (width, height)) in [
        (english(), (80, 24)),
        (ascii, (80, 24)),
        (in_language(Language::Chinese), (80, 24)),
        (in_language(Language::Spanish), (60, 17)),
        (in_language(Language::French), (120, 40)),
    ] {
        let mut snapshot = kept();
        let mut dashboard = expecting(dashboard, folder.path());
        dashboard.show_picture = false;
        screen(&mut dashboard, width, height, &snapshot);
        press(&mut dashboard, &snapshot, KeyCode::Char('i'));
        enter(&mut dashboard, &snapshot, "170");
        screens.push(screen(&mut dashboard, width, height, &snapshot));
        enter(&mut dashboard, &snapshot, "4");
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Enter), None);
        screens.push(screen(&mut dashboard, width, height, &snapshot));
        let order = press(&mut dashboard, &snapshot, KeyCode::Enter);
        assert!(matches!(order, Some(Action::Order(Command::Patient { visit: 0, .. }))));
        snapshot.visit.entries = 1;
        let shown = screen(&mut dashboard, width, height, &snapshot);
        assert!(height < 24 || shown.contains("Mwangi Wanjiru  1704"), "{shown}");
        screens.push(shown);
    }
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn the_form_is_for_whoever_may_enter_where_exams_are_kept() {
    let mut dashboard = english();
    let mut unkept = kept();
    unkept.keeping = Keeping::Off;
    press(&mut dashboard, &unkept, KeyCode::Char('i'));
    assert!(dashboard.dialog.is_none(), "an entry would go nowhere");
    dashboard.read_only = true;
    press(&mut dashboard, &kept(), KeyCode::Char('i'));
    assert!(dashboard.dialog.is_none(), "a watcher only looks");
    dashboard.read_only = false;
    press(&mut dashboard, &kept(), KeyCode::Char('i'));
    for key in [' ', 'q', 'n', '1', '?'] {
        assert_eq!(press(&mut dashboard, &kept(), KeyCode::Char(key)), None, "{key}");
    }
    let next = Snapshot { visit: Visit { number: 1, entries: 0 }, ..kept() };
    screen(&mut dashboard, 80, 24, &next);
    assert!(dashboard.dialog.is_none(), "another patient's turn");
}

#[test]
fn a_watcher_is_told_that_someone_was_entered_and_not_who() {
    let mut snapshot = kept();
    snapshot.visit.entries = 1;
    let mut watcher = english();
    watcher.read_only = true;
    let text = screen(&mut watcher, 80, 24, &snapshot);
    assert!(text.contains("entered at the box"), "{text}");
}

#[test]
fn names_and_hints_fit_their_places() {
    for language in Language::ALL {
        let texts = Texts::new(language);
        for field in crate::dashboard::patient::Field::ALL {
            let name = texts.coded("patient", field.code());
            assert!(width::width(&name) <= 14, "{language:?}: {name}");
        }
        assert!(width::width(&texts.get("fact-patient")) <= 10, "{language:?}");
        for key in ["patient-hint", "patient-amends", "patient-no-date"] {
            let words = texts.with(key, &[("exams", 12.into())]);
            assert!(width::fold(&words, 56, 2).len() <= 2, "{language:?}: {words}");
        }
    }
}
