//! The other views: what stands on them, and that keys and mouse reach everything.

use ratatui::crossterm::event::{
    KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use super::place::View;
use super::*;
use crate::protocol::{Choice, Examination};
use crate::screening::Advice;
use crate::snapshot::{Clock, Device, Disk, Power, Update};

pub(super) fn press(
    dashboard: &mut Dashboard,
    snapshot: &Snapshot,
    code: KeyCode,
) -> Option<Action> {
    dashboard.key(KeyEvent::new(code, KeyModifiers::NONE), snapshot)
}

fn box_of_a_clinic() -> Arc<Device> {
    Arc::new(Device {
        board: Some("Raspberry Pi 4 Model B Rev 1.4".into()),
        release: Some("6.1.0-rpi7".into()),
        temperature: Some(83.4),
        power: Some(Power { under_voltage: true, throttled: true, earlier: true }),
        disk: Some(Disk { free: 21_400_000_000, size: 31_900_000_000, read_only: false }),
        memory: Some((1_600_000_000, 3_900_000_000)),
        clock: Clock::NotSet,
        update: None,
    })
}

/// Two exams of nine seconds, the first of them with a finding in its middle; the second is held.
fn after_two_exams(dashboard: &mut Dashboard) -> Snapshot {
    let mut last = snapshot(Some(Verdict::Clear), 0.08);
    for tenths in 0..180_u32 {
        let finding = (40..65).contains(&tenths);
        let verdict = if finding { Verdict::Refer } else { Verdict::Clear };
        let mut now = snapshot(Some(verdict), if finding { 0.93 } else { 0.08 });
        now.uptime = Duration::from_millis(u64::from(100 * tenths) + 1000);
        now.exam.number = 1 + tenths / 90;
        now.device = box_of_a_clinic();
        dashboard.reel.follow(&now);
        dashboard.exams.follow(&now);
        last = now;
    }
    last.exam.state = State::Held;
    last.verdict = Some(Verdict::Clear);
    last
}

fn view(mut dashboard: Dashboard, key: char, width: u16, height: u16) -> String {
    let snapshot = after_two_exams(&mut dashboard);
    press(&mut dashboard, &snapshot, KeyCode::Char(key));
    screen(&mut dashboard, width, height, &snapshot)
}

pub(super) fn in_language(language: Language) -> Dashboard {
    look(ThemeChoice::Colour, Depth::Full, &UNICODE, language)
}

#[test]
fn each_view_in_english() {
    let views = ['2', '3', '4', '5'].map(|key| view(english(), key, 80, 24));
    insta::assert_snapshot!(views.join("\n\n"));
}

#[test]
fn each_view_on_a_large_terminal() {
    let views = ['2', '3', '4', '5'].map(|key| view(english(), key, 120, 40));
    insta::assert_snapshot!(views.join("\n\n"));
}

#[test]
fn each_view_in_ascii() {
    let ascii = || look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English);
    let views = ['2', '3', '4', '5'].map(|key| view(ascii(), key, 80, 24));
    assert!(views.iter().all(|view| view.is_ascii()), "{views:?}");
    insta::assert_snapshot!(views.join("\n\n"));
}

#[test]
fn each_view_in_other_languages() {
    let languages = [Language::Chinese, Language::Spanish, Language::French];
    let views = languages.map(|language| {
        ['2', '3', '4', '5'].map(|key| view(in_language(language), key, 80, 24)).join("\n\n")
    });
    insta::assert_snapshot!(views.join("\n\n"));
}

#[test]
fn every_view_says_the_verdict_of_now_and_how_to_go_back() {
    for language in Language::ALL {
        for key in ['2', '3', '4', '5'] {
            let mut dashboard = in_language(language);
            let snapshot = after_two_exams(&mut dashboard);
            press(&mut dashboard, &snapshot, KeyCode::Char(key));
            let screen = screen(&mut dashboard, 80, 24, &snapshot);
            for word in ["banner-clear", "key-back", "key-quit", "key-end"] {
                let word = dashboard.texts.get(word);
                assert!(screen.contains(&*word), "{language:?} {key}: no {word}\n{screen}");
            }
        }
    }
}

#[test]
fn names_fit_their_columns() {
    for language in Language::ALL {
        let texts = Texts::new(language);
        let tabs: usize =
            View::ALL.map(|v| width::width(&texts.coded("view", v.code())) + 4).iter().sum();
        assert!(tabs <= 63, "{language:?}: {tabs}");
        for advice in Advice::ALL {
            let words = texts.coded("advice", advice.code());
            assert!(width::width(&words) <= 29, "{language:?}: {words}");
        }
        for key in ["moment", "exam", "score", "place"] {
            assert!(width::width(&texts.coded("fact", key)) <= 10, "{language:?}: {key}");
        }
        for key in [
            "source",
            "delivers",
            "driver",
            "board",
            "heat",
            "power",
            "disk",
            "memory",
            "clock",
            "running",
            "bundle",
            "task",
            "licence",
            "thresholds",
            "version",
            "update",
        ] {
            assert!(width::width(&texts.coded("device", key)) <= 15, "{language:?}: {key}");
        }
    }
}

#[test]
fn the_one_button_works_in_every_view_and_keys_go_everywhere() {
    let mut dashboard = english();
    let snapshot = after_two_exams(&mut dashboard);
    press(&mut dashboard, &snapshot, KeyCode::Char('6'));
    assert_eq!(dashboard.place.view, View::Live, "without a protocol there are no zones");
    for (key, view) in "12345".chars().zip(View::ALL) {
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char(key)), None);
        assert_eq!(dashboard.place.view, view);
        let advance = Some(Action::Order(Command::Advance));
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char(' ')), advance);
        let new = Some(Action::Order(Command::New));
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char('n')), new);
        assert_eq!(press(&mut dashboard, &snapshot, KeyCode::Char('q')), Some(Action::Quit));
    }
    press(&mut dashboard, &snapshot, KeyCode::Esc);
    assert_eq!(dashboard.place.view, View::Live);
    for view in [View::Review, View::Exams, View::Device, View::Help, View::Live] {
        press(&mut dashboard, &snapshot, KeyCode::Tab);
        assert_eq!(dashboard.place.view, view);
    }
    press(&mut dashboard, &snapshot, KeyCode::BackTab);
    press(&mut dashboard, &snapshot, KeyCode::Char('x'));
    assert_eq!(dashboard.place.view, View::Help);
    let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(dashboard.key(interrupt, &snapshot), Some(Action::Quit));
}

#[test]
fn the_device_view_tells_formats_and_levels() {
    let mut dashboard = english();
    let mut snapshot = after_two_exams(&mut dashboard);
    press(&mut dashboard, &snapshot, KeyCode::Char('4'));
    let lines = vec!["GPIO line 17".to_owned(), "GPIO line 27".into(), "GPIO line 22".into()];
    let camera = "YUYV 640x480, 30 a second (MJPG YUYV)".to_owned();
    for (active_low, levels) in [(false, ["low", "high", "low"]), (true, ["high", "low", "high"])] {
        let (camera, lines) = (camera.clone(), lines.clone());
        snapshot.identity = Arc::new(Identity { camera, lines, active_low, ..identity() });
        let shown = screen(&mut dashboard, 80, 24, &snapshot);
        assert!(
            shown.contains("camera            YUYV 640x480, 30 a second (MJPG YUYV)"),
            "{shown}"
        );
        let [refer, clear, attention] = levels;
        let words = format!("GPIO line 17 {refer}, GPIO line 27 {clear}, GPIO line 22 {attention}");
        assert!(shown.contains(&words) && shown.contains("Sonolamp"), "{shown}");
    }
}

#[test]
fn what_becomes_of_an_update_is_said_in_every_view_while_it_is_news() {
    let mut dashboard = english();
    let mut snapshot = after_two_exams(&mut dashboard);
    let words = "Version 9.0.0 is installed. Pull the stick, then switch the box off and on. It is kept \
                 if it passes its test in the first two minutes; leave the box on for that time.";
    for news in [true, false] {
        let update = Some(Update { words: words.to_owned(), news });
        snapshot.device = Arc::new(Device { update, ..Device::clone(&snapshot.device) });
        for key in "12345".chars() {
            press(&mut dashboard, &snapshot, KeyCode::Char(key));
            for (width, height) in [(60, 17), (80, 24), (200, 50)] {
                let shown = screen(&mut dashboard, width, height, &snapshot);
                let said = shown.contains("update: Version 9.0.0 is installed.");
                assert_eq!(said, news, "{key}: {shown}");
                assert!(!news || shown.contains("that time."), "{key}: {shown}");
            }
        }
    }
    press(&mut dashboard, &snapshot, KeyCode::Char('4'));
    let shown = screen(&mut dashboard, 100, 30, &snapshot);
    assert!(shown.contains("update            Version 9.0.0 is installed. Pull"), "{shown}");
    assert!(
        shown.contains("leave the box on for that    \"\n\"                  time."),
        "{shown}"
    );
}

#[test]
fn review_moves_and_finds_what_tells() {
    let mut dashboard = english();
    let snapshot = after_two_exams(&mut dashboard);
    let at = |dashboard: &Dashboard| dashboard.place.moment(&dashboard.reel).unwrap();
    // The older exam, from the list: its finding.
    press(&mut dashboard, &snapshot, KeyCode::Char('3'));
    press(&mut dashboard, &snapshot, KeyCode::Down);
    press(&mut dashboard, &snapshot, KeyCode::Enter);
    assert_eq!(dashboard.place.view, View::Review);
    let first = at(&dashboard);
    assert!(dashboard.reel.get(first).unwrap().exam.number == 1);
    press(&mut dashboard, &snapshot, KeyCode::Home);
    assert_eq!(at(&dashboard), 0);
    for (code, place) in [
        (KeyCode::Right, 1),
        (KeyCode::PageDown, 21),
        (KeyCode::Left, 20),
        (KeyCode::PageUp, 0),
        (KeyCode::Left, 0),
        (KeyCode::End, 179),
        (KeyCode::Right, 179),
    ] {
        press(&mut dashboard, &snapshot, code);
        assert_eq!(at(&dashboard), place, "{code:?}");
    }
    press(&mut dashboard, &snapshot, KeyCode::Home);
    press(&mut dashboard, &snapshot, KeyCode::Char('t'));
    assert_eq!(dashboard.reel.get(at(&dashboard)).unwrap().exam.number, 1);
}

#[test]
fn the_mouse_opens_tabs_and_its_wheel_moves() {
    let mut dashboard = english();
    let snapshot = after_two_exams(&mut dashboard);
    let text = screen(&mut dashboard, 80, 24, &snapshot);
    let tabs = text.lines().nth(1).unwrap();
    let column = tabs.find("Review").unwrap() as u16 - 1;
    let event = |kind, column| MouseEvent { kind, column, row: 1, modifiers: KeyModifiers::NONE };
    let click = MouseEventKind::Down(MouseButton::Left);
    assert!(dashboard.mouse(event(click, column), &snapshot));
    assert_eq!(dashboard.place.view, View::Review);
    let before = dashboard.place.moment(&dashboard.reel).unwrap();
    assert!(dashboard.mouse(event(MouseEventKind::ScrollUp, 5), &snapshot));
    assert_eq!(dashboard.place.moment(&dashboard.reel).unwrap(), before - 1);
    assert!(!dashboard.mouse(event(click, 79), &snapshot));
    assert!(!dashboard.mouse(event(MouseEventKind::Moved, 1), &snapshot));
}

#[test]
fn a_watcher_is_told_so_and_offered_no_orders() {
    let mut dashboard = english();
    dashboard.read_only = true;
    let screen = screen(&mut dashboard, 80, 24, &snapshot(Some(Verdict::Clear), 0.1));
    assert!(screen.contains("WATCHING") && !screen.contains("hold"), "{screen}");
}

pub(super) fn with_zones() -> Snapshot {
    let protocol = "lung-8".parse::<Choice>().unwrap().load().unwrap();
    let mut examination = Examination::new(Arc::new(protocol));
    examination.set_verdict(0, Verdict::Refer, 0.93).unwrap();
    examination.set_verdict(1, Verdict::Clear, 0.07).unwrap();
    examination.set_score(0, Some(2)).unwrap();
    examination.select(2).unwrap();
    let examination = Some(examination);
    Snapshot { examination, ..snapshot(Some(Verdict::Clear), 0.08) }
}

#[test]
fn zones_are_a_view_where_a_protocol_is_followed() {
    let snapshot = with_zones();
    let mut dashboard = english();
    screen(&mut dashboard, 80, 24, &snapshot);
    press(&mut dashboard, &snapshot, KeyCode::Char('6'));
    insta::assert_snapshot!(screen(&mut dashboard, 80, 24, &snapshot));
    for (code, order) in [
        (KeyCode::Right, Command::Zone { forward: true }),
        (KeyCode::Left, Command::Zone { forward: false }),
        (KeyCode::Char('s'), Command::Score),
        (KeyCode::Char('c'), Command::Reading),
    ] {
        assert_eq!(press(&mut dashboard, &snapshot, code), Some(Action::Order(order)));
    }
    press(&mut dashboard, &snapshot, KeyCode::Tab);
    assert_eq!(dashboard.place.view, View::Live);
    for language in Language::ALL {
        let mut dashboard = in_language(language);
        dashboard.place.zones = true;
        press(&mut dashboard, &snapshot, KeyCode::Char('6'));
        let screen = screen(&mut dashboard, 80, 24, &snapshot);
        assert!(screen.contains(&*dashboard.texts.get("key-quit")), "{screen}");
    }
}

#[test]
fn a_held_exam_shows_its_telling_picture_until_the_live_one_is_asked_for() {
    for language in Language::ALL {
        let mut dashboard = look(ThemeChoice::Mono, Depth::Mono, &ASCII, language);
        let mut held = after_two_exams(&mut dashboard);
        held.picture.luma.fill(0);
        let (frozen, live) = {
            let say = |key| dashboard.texts.get(key).into_owned();
            (say("picture-frozen"), say("picture-live"))
        };
        let plain = |words: &str| words.split(|c: char| !c.is_ascii()).next().unwrap().to_owned();
        let (frozen, live) = (plain(&frozen), plain(&live));
        let echo = |screen: &str| screen.matches(['=', '+']).count() > 5;
        let first = screen(&mut dashboard, 80, 24, &held);
        assert!(first.contains(&frozen) && echo(&first), "{language:?}\n{first}");
        press(&mut dashboard, &held, KeyCode::Char('f'));
        let second = screen(&mut dashboard, 80, 24, &held);
        assert!(second.contains(&live) && !echo(&second), "{language:?}\n{second}");
        // The next exam starts anew.
        held.exam = Exam { state: State::Scanning, number: 3 };
        let third = screen(&mut dashboard, 80, 24, &held);
        assert!(language == Language::Chinese || !third.contains(&live), "{third}");
        press(&mut dashboard, &held, KeyCode::Char('f'));
        assert!(!dashboard.thawed, "there is nothing else to see while scanning");
    }
}

#[test]
fn a_held_exam_that_was_not_seen_shows_the_live_picture() {
    let mut dashboard = english();
    let mut held = snapshot(Some(Verdict::Refer), 0.93);
    held.exam.state = State::Held;
    let screen = screen(&mut dashboard, 80, 24, &held);
    assert!(screen.contains(&*dashboard.texts.get("picture-live")), "{screen}");
}

#[test]
fn an_exam_without_a_verdict_says_why_below_the_list() {
    let mut dashboard = english();
    dashboard.exams.follow(&frozen());
    press(&mut dashboard, &frozen(), KeyCode::Char('3'));
    let screen = screen(&mut dashboard, 80, 24, &frozen());
    assert!(screen.contains("unfreeze the machine"), "{screen}");
}
