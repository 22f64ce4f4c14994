//! Kept exams: locked and unlocked, listed, opened, asked for and erased; nothing of them on a locked
//! screen.

use std::sync::mpsc::Receiver;

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::place::View;
use super::views::{in_language, press};
use super::*;
use crate::archive::{self, Door, Entry, Listed, Opened, Page, Record, Request, Said, Sending};
use crate::reel::Moment;
use crate::snapshot::Keeping;

const NAMES: [&str; 3] = ["Mwangi Wanjiru", "Zoë Müller", "李明"];

fn record(number: usize) -> Record {
    let id = format!("{number:032x}").parse().unwrap();
    let time = if number == 4 { 0 } else { 1_790_000_000 + 4000 * number as u64 };
    let mut record = archive::tests::record(id, time);
    let verdicts = [Verdict::Refer, Verdict::Clear, Verdict::Ungradable(Reason::Uncertain)];
    NAMES[number % 3].clone_into(&mut record.patient.name);
    record.patient.number = format!("17{number:02}");
    record.operator = "Sister Achieng".to_owned();
    record.means.demonstration = number == 5;
    record.verdict = verdicts[number % 3];
    record
}

/// Thirty exams on the first of three pages; one of them cannot be read.
fn open() -> archive::View {
    let entry = |number: usize| {
        let record = record(number);
        let listed = (number != 2).then(|| Listed::from(&record));
        let (exported, sent) = (number % 4 == 1, number % 8 == 1);
        let (waits, id, number) = (number == 3, record.id, number as u64);
        Entry { id, number, exported, sent, waits, listed }
    };
    let page = Page { entries: (0..30).map(entry).collect(), more: true, ..Page::default() };
    archive::View { door: Door::Open, page: Arc::new(page), ..locked() }
}

fn locked() -> archive::View {
    let (count, free) = (Some(143), Some(12_300_000_000));
    archive::View { count, free, ..archive::View::default() }
}

fn opened() -> archive::View {
    let picture = snapshot(None, 0.0).picture;
    let moments = (0..40_u32).map(|i| {
        let probability = i as f32 / 40.0;
        let at = Duration::from_millis(u64::from(40 * i));
        let mut moment =
            Moment { at, probability, verdict: Some(Verdict::Refer), ..Moment::default() };
        moment.picture.reduce(&picture, (320, 240));
        moment
    });
    let reel = moments.collect::<Vec<_>>().into();
    let step = Duration::from_millis(40);
    let (foreign, mapped, damage) = (false, true, None);
    let opened = Opened { record: record(0), reel, step, foreign, mapped, damage };
    archive::View { opened: Some(Arc::new(opened)), ..open() }
}

fn kept() -> Snapshot {
    let mut snapshot = snapshot(Some(Verdict::Clear), 0.08);
    (snapshot.exam.state, snapshot.keeping) = (State::Held, Keeping::Kept);
    snapshot
}

/// On the exams.
fn on_exams(mut dashboard: Dashboard, view: archive::View) -> (Dashboard, Receiver<Request>) {
    let (handle, asked) = archive::Handle::showing(view);
    dashboard.archive = Some(handle);
    dashboard.place.go(View::Exams);
    screen(&mut dashboard, 80, 24, &kept());
    (dashboard, asked)
}

fn show(dashboard: &Dashboard, view: archive::View) {
    dashboard.archive.as_ref().unwrap().show(view);
}

fn ascii() -> Dashboard {
    look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English)
}

#[test]
fn locked_unlocked_and_opened() {
    let mut screens = Vec::new();
    for (dashboard, (width, height)) in [
        (english(), (80, 24)),
        (english(), (120, 40)),
        (ascii(), (80, 24)),
        (in_language(Language::Chinese), (80, 24)),
        (in_language(Language::Spanish), (80, 24)),
        (in_language(Language::French), (80, 24)),
    ] {
        let (mut dashboard, _asked) = on_exams(dashboard, locked());
        screens.push(screen(&mut dashboard, width, height, &kept()));
        press(&mut dashboard, &kept(), KeyCode::Char('u'));
        "amber canoe".chars().for_each(|c| drop(press(&mut dashboard, &kept(), KeyCode::Char(c))));
        let typed = screen(&mut dashboard, width, height, &kept());
        assert!(typed.contains("***********") && !typed.contains("amber"), "{typed}");
        screens.push(typed);
        press(&mut dashboard, &kept(), KeyCode::Esc);
        show(&dashboard, open());
        screens.push(screen(&mut dashboard, width, height, &kept()));
        press(&mut dashboard, &kept(), KeyCode::Enter);
        show(&dashboard, opened());
        screens.push(screen(&mut dashboard, width, height, &kept()));
        assert_eq!(dashboard.place.view, View::Review);
    }
    insta::assert_snapshot!(screens.join("\n\n"));
}

/// A held exam on a box whose bundle has a map.
fn mapping() -> Snapshot {
    let mut snapshot = kept();
    snapshot.identity = Arc::new(Identity { heat_map: true, ..identity() });
    snapshot
}

#[test]
fn a_kept_picture_is_shown_with_its_map_until_that_is_hidden() {
    let (mut dashboard, asked) = on_exams(english(), open());
    press(&mut dashboard, &mapping(), KeyCode::Enter);
    show(&dashboard, opened());
    let coloured = |dashboard: &mut Dashboard| {
        let buffer = drawn(dashboard, 80, 24, &mapping());
        let orange = |color| matches!(color, Color::Rgb(r, g, _) if r > g.saturating_add(30));
        let cells = (2..16).flat_map(|y| (0..48).map(move |x| (x, y)));
        cells.filter(|&at| buffer[at].symbol() == "▀" && orange(buffer[at].fg)).count()
    };
    assert_eq!(coloured(&mut dashboard), 0, "it has not been computed");
    assert!(matches!(asked.try_recv(), Ok(Request::Open(_))));
    assert!(matches!(asked.try_recv(), Ok(Request::Point)));
    coloured(&mut dashboard);
    assert!(asked.try_recv().is_err(), "asked once");
    let place = dashboard.place.moment(dashboard.reviewed()).unwrap();
    let mut map = archive::Map::default();
    map.heat.fill(1, &[4.0], 4.0, crate::snapshot::Area::WHOLE);
    let map = Some(((record(0).id, place), Arc::new(map)));
    show(&dashboard, archive::View { map, ..opened() });
    assert!(coloured(&mut dashboard) > 50);
    press(&mut dashboard, &mapping(), KeyCode::Char('m'));
    assert_eq!(coloured(&mut dashboard), 0, "hidden");
    press(&mut dashboard, &mapping(), KeyCode::Char('m'));
    press(&mut dashboard, &mapping(), KeyCode::Left);
    assert_eq!(coloured(&mut dashboard), 0, "it is another picture's");
}

#[test]
fn why_there_is_no_map_is_said() {
    for (foreign, words) in [(true, "no map here"), (false, "no map: the model saw more")] {
        let view = opened();
        let Opened { record, step, .. } = &**view.opened.as_ref().unwrap();
        let (record, step, reel) = (record.clone(), *step, vec![Moment::default()].into());
        let opened = Opened { record, reel, step, foreign, mapped: false, damage: None };
        let (mut dashboard, asked) = on_exams(english(), open());
        press(&mut dashboard, &mapping(), KeyCode::Enter);
        show(&dashboard, archive::View { opened: Some(Arc::new(opened)), ..open() });
        let text = screen(&mut dashboard, 120, 40, &mapping());
        let rows = text.lines().map(|row| row.trim_matches(['"', ' ']));
        let all = rows.collect::<Vec<_>>().join(" ");
        assert!(all.contains(words), "{text}");
        assert!(!text.contains("speaks for refer") && !text.contains(" m "), "{text}");
        assert!(matches!(asked.try_recv(), Ok(Request::Open(_))));
        assert!(asked.try_recv().is_err());
    }
}

#[test]
fn a_locked_screen_shows_no_name() {
    for door in [Door::Locked, Door::Opening, Door::Shut] {
        let (mut dashboard, _asked) = on_exams(english(), open());
        press(&mut dashboard, &kept(), KeyCode::Enter);
        show(&dashboard, opened());
        screen(&mut dashboard, 120, 40, &kept());
        assert_eq!(dashboard.place.view, View::Review);
        assert!(screen(&mut dashboard, 120, 40, &kept()).contains("Mwangi"));
        show(&dashboard, archive::View { door, ..locked() });
        let text = screen(&mut dashboard, 120, 40, &kept());
        assert!(
            !NAMES.iter().any(|name| text.contains(name)) && !text.contains("Achieng"),
            "{text}"
        );
        assert_eq!(dashboard.place.view, View::Exams, "what was reviewed is gone");
    }
}

#[test]
fn an_exam_that_was_left_does_not_come_back() {
    let (mut dashboard, asked) = on_exams(english(), open());
    press(&mut dashboard, &kept(), KeyCode::Enter);
    show(&dashboard, opened());
    screen(&mut dashboard, 80, 24, &kept());
    press(&mut dashboard, &kept(), KeyCode::Esc);
    for _ in 0..3 {
        // The archive has not heard of it yet.
        screen(&mut dashboard, 80, 24, &kept());
        assert_eq!(dashboard.place.view, View::Exams);
    }
    assert!(matches!(asked.try_recv(), Ok(Request::Open(_))));
    assert!(matches!(asked.try_recv(), Ok(Request::Point)));
    assert!(matches!(asked.try_recv(), Ok(Request::Close)));
    assert!(asked.try_recv().is_err(), "asked once");
}

#[test]
fn keys_ask_the_archive_and_nothing_else() {
    let (mut dashboard, asked) = on_exams(english(), open());
    let first = record(0).id;
    assert_eq!(press(&mut dashboard, &kept(), KeyCode::Enter), None, "no exam is ended by it");
    assert!(matches!(asked.try_recv(), Ok(Request::Open(id)) if id == first));
    (0..29).for_each(|_| drop(press(&mut dashboard, &kept(), KeyCode::Down)));
    assert!(asked.try_recv().is_err());
    assert_eq!(dashboard.place.kept_row, 29);
    press(&mut dashboard, &kept(), KeyCode::Down);
    assert!(matches!(asked.try_recv(), Ok(Request::Turn { older: true })));
    press(&mut dashboard, &kept(), KeyCode::PageUp);
    assert!(asked.try_recv().is_err(), "there is no newer page");
    press(&mut dashboard, &kept(), KeyCode::Char('/'));
    "q1n".chars().for_each(|c| assert_eq!(press(&mut dashboard, &kept(), KeyCode::Char(c)), None));
    press(&mut dashboard, &kept(), KeyCode::Enter);
    assert!(matches!(asked.try_recv(), Ok(Request::Search(text)) if text == "q1n"));
    let space = press(&mut dashboard, &kept(), KeyCode::Char(' '));
    assert_eq!(space, Some(Action::Order(Command::Advance)), "the one button works here too");
}

#[test]
fn an_exam_is_sent_by_a_key_where_there_is_a_pacs() {
    let (mut dashboard, asked) = on_exams(english(), open());
    let mut scanning = kept();
    scanning.exam.state = State::Scanning;
    press(&mut dashboard, &scanning, KeyCode::Char('s'));
    assert!(asked.try_recv().is_err(), "it would wait for the exam's end");
    press(&mut dashboard, &kept(), KeyCode::Char('s'));
    assert!(matches!(asked.try_recv(), Ok(Request::Send(id)) if id == record(0).id));
    assert!(screen(&mut dashboard, 120, 40, &kept()).contains(" s send"));
    dashboard.archive.as_mut().unwrap().sends = false;
    press(&mut dashboard, &kept(), KeyCode::Char('s'));
    assert!(asked.try_recv().is_err());
    assert!(!screen(&mut dashboard, 120, 40, &kept()).contains(" s send"));
}

#[test]
fn how_it_stands_with_sending_is_said_in_every_language() {
    let why = "PACS@10.0.0.5:2762: nothing listens there; see that the PACS runs".into();
    let all = [
        Sending::Reading,
        Sending::Going { taken: 1, objects: 3 },
        Sending::Sent(2),
        Sending::Waiting { exams: 4, why },
    ];
    let mut screens = Vec::new();
    for language in Language::ALL {
        for sending in &all {
            let view = archive::View { sending: Some(sending.clone()), ..open() };
            let (mut dashboard, _asked) = on_exams(in_language(language), view);
            let text = screen(&mut dashboard, 80, 24, &kept());
            screens.extend(text.lines().rev().skip(1).take(3).map(str::to_owned));
        }
    }
    insta::assert_snapshot!(screens.join("\n"));
}

#[test]
fn erasing_is_confirmed_and_not_offered_during_an_exam() {
    let (mut dashboard, asked) = on_exams(english(), open());
    let mut scanning = kept();
    scanning.exam.state = State::Scanning;
    press(&mut dashboard, &scanning, KeyCode::Delete);
    assert!(dashboard.dialog.is_none());
    press(&mut dashboard, &kept(), KeyCode::Delete);
    let text = screen(&mut dashboard, 80, 24, &kept());
    assert!(text.contains("Type 0000"), "{text}");
    press(&mut dashboard, &kept(), KeyCode::Enter);
    assert!(screen(&mut dashboard, 80, 24, &kept()).contains("nothing is erased"));
    "0000".chars().for_each(|c| drop(press(&mut dashboard, &kept(), KeyCode::Char(c))));
    press(&mut dashboard, &kept(), KeyCode::Enter);
    assert!(matches!(asked.try_recv(), Ok(Request::Erase(id)) if id == record(0).id));
}

#[test]
fn it_is_locked_from_everywhere() {
    let control = KeyEvent::new(KeyCode::Char('l'), KeyModifiers::CONTROL);
    for view in [View::Live, View::Review, View::Exams, View::Help] {
        let (mut dashboard, _asked) = on_exams(english(), open());
        dashboard.place.go(view);
        assert_eq!(dashboard.key(control, &kept()), None);
        assert!(dashboard.archive.as_ref().unwrap().is_locking());
        assert!(!dashboard.large, "l alone is another key");
    }
    let opening = archive::View { door: Door::Opening, ..locked() };
    let (mut dashboard, _asked) = on_exams(english(), opening);
    for key in "unq1h".chars() {
        assert_eq!(press(&mut dashboard, &kept(), KeyCode::Char(key)), None, "typed too early");
    }
    assert_eq!(dashboard.place.view, View::Exams);
    let (mut dashboard, _asked) =
        on_exams(english(), archive::View { door: Door::Shut, ..locked() });
    press(&mut dashboard, &kept(), KeyCode::Char('u'));
    "47".chars().for_each(|c| drop(press(&mut dashboard, &kept(), KeyCode::Char(c))));
    dashboard.key(control, &kept());
    assert!(dashboard.dialog.is_none(), "half a PIN does not stay");
}

#[test]
fn what_came_of_it_is_said_in_every_language() {
    for language in Language::ALL {
        let said = [
            Said::Reading(40),
            Said::WrongPin { left: 2 },
            Said::Forgotten,
            Said::Erased,
            Said::Queued,
            Said::Failed("the key: is not there; plug in the stick".into()),
        ];
        for said in said {
            let view = archive::View { said: Some(said.clone()), ..locked() };
            let (mut dashboard, _asked) = on_exams(in_language(language), view);
            let text = screen(&mut dashboard, 80, 24, &kept());
            let line = text.lines().rev().nth(1).unwrap();
            assert!(line.trim_matches(['"', ' ']).len() > 5, "{language:?} {said:?}\n{text}");
        }
        let texts = Texts::new(language);
        for ask in ["passphrase", "new-pin", "pin", "search", "erase"] {
            assert!(width::width(&texts.coded("ask", ask)) <= 40, "{language:?}: {ask}");
        }
        for hint in ["passphrase-or-stick", "new-pin-hint", "erase-hint"] {
            let key = format!("ask-{hint}");
            let words = texts.with(&key, &[("digits", "0000".into())]);
            assert!(width::fold(&words, 56, 2).len() <= 3, "{language:?}: {words}");
        }
        for (key, least) in [("date", 16), ("score", 5), ("zone", 12), ("handed", 10)] {
            assert!(width::width(&texts.coded("archive", key)) <= least, "{language:?}: {key}");
        }
        for mark in ["exported", "sent", "waits"] {
            assert!(width::width(&texts.coded("mark", mark)) <= 10, "{language:?}: {mark}");
        }
    }
}
