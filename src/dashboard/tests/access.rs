//! Themes, languages, large letters and ASCII: that each can be read, and nothing is cut.

use ratatui::style::Modifier;

use super::*;

/// One of each face, and each kind of fault.
fn every_face() -> Vec<Snapshot> {
    let reasons = [Reason::TooLittle, Reason::Uncertain].into_iter();
    let reasons = reasons.chain(Flaw::ALL.map(Reason::Flawed));
    let verdicts = reasons.map(Verdict::Ungradable).chain([Verdict::Refer, Verdict::Clear]);
    let verdicts = verdicts.map(|verdict| snapshot(Some(verdict), 0.5));
    verdicts.chain(FaultKind::ALL.map(fault)).chain([idle(), explained()]).collect()
}

fn in_language(language: Language) -> Dashboard {
    look(ThemeChoice::Colour, Depth::Full, &UNICODE, language)
}

/// The live view without a verdict, with a fault, and in large letters.
fn screens(mut dashboard: Dashboard, width: u16, height: u16) -> String {
    let mut screens = vec![screen(&mut dashboard, width, height, &frozen())];
    screens.push(screen(&mut dashboard, width, height, &fault(FaultKind::NoSignal)));
    dashboard.large = true;
    screens.push(screen(&mut dashboard, width, height, &frozen()));
    screens.join("\n\n")
}

#[test]
fn in_chinese() {
    insta::assert_snapshot!(screens(in_language(Language::Chinese), 80, 24));
}

#[test]
fn in_spanish() {
    insta::assert_snapshot!(screens(in_language(Language::Spanish), 80, 24));
}

#[test]
fn in_french() {
    insta::assert_snapshot!(screens(in_language(Language::French), 80, 24));
}

#[test]
fn in_ascii() {
    insta::assert_snapshot!(screens(
        look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English),
        80,
        24
    ));
}

#[test]
fn in_french_on_a_wide_terminal() {
    insta::assert_snapshot!(screens(in_language(Language::French), 120, 40));
}

#[test]
fn on_a_very_large_terminal() {
    insta::assert_snapshot!(screen(&mut english(), 200, 60, &explained()));
}

#[test]
fn large_letters_fill_the_screen() {
    let refer = snapshot(Some(Verdict::Refer), 0.93);
    let mut dashboard = english();
    dashboard.large = true;
    let sizes = [(80, 24), (120, 40), (200, 60)];
    let screens = sizes.map(|(width, height)| screen(&mut dashboard, width, height, &refer));
    insta::assert_snapshot!(screens.join("\n\n"));
}

#[test]
fn nothing_is_too_wide_for_its_place() {
    for language in Language::ALL {
        let mut dashboard = in_language(language);
        let texts = &dashboard.texts;
        for face in ["refer", "clear", "ungradable", "fault", "ready"] {
            let word = texts.coded("banner", face);
            let longest = word.split(' ').map(width::width).max().unwrap();
            assert!(longest * 8 <= 80, "{word} is too long for large letters");
        }
        for name in ["evidence", "picture", "speed", "latency", "frames", "bundle", "lamps"] {
            assert!(width::width(&texts.coded("fact", name)) <= 10, "{language:?}: {name}");
        }
        for key in ["sweep-on", "sweep-surer", "sweep-enough", "sweep-short"] {
            let words = texts.with(key, &[("seconds", "2,0".into())]);
            assert!(width::width(&words) <= 20, "{language:?}: {words}");
        }
        for class in ["regular", "normal", "pathologic", "benign", "malignant", "cause", "findings"]
        {
            assert!(width::width(&texts.term(class)) <= 10, "{language:?}: {class}");
        }
        for snapshot in every_face() {
            for line in view::facts::lines(&dashboard, &snapshot, 40, 30) {
                let text = line.to_string();
                assert!(width::width(text.trim_end()) <= 40, "{language:?}: {text}");
            }
            for state in State::ALL {
                let mut snapshot = Snapshot::new(Arc::clone(&snapshot.identity));
                snapshot.exam = Exam { state, number: 12 };
                let screen = screen(&mut dashboard, 80, 24, &snapshot);
                let quit = dashboard.texts.get("key-quit");
                assert!(screen.contains(&*quit), "{language:?}: the bottom line is cut\n{screen}");
            }
        }
        for (title, least) in [
            ("title-history", 37),
            ("notice", 32),
            ("picture-frozen", 37),
            ("picture-live", 37),
            ("legend-note", 39),
        ] {
            let text = dashboard.texts.with(title, &[("seconds", 24.into())]);
            assert!(width::width(&text) <= least, "{language:?}: {text}");
        }
    }
}

#[test]
fn how_much_more_sweep_is_needed_is_told_at_every_size() {
    let mut short = snapshot(Some(Verdict::Ungradable(Reason::TooLittle)), 0.5);
    short.evidence.usable = Duration::from_millis(1200);
    let mut fresh = snapshot(Some(Verdict::Refer), 0.9);
    fresh.evidence.usable = Duration::from_millis(2100);
    let whole = snapshot(Some(Verdict::Clear), 0.1);
    let mut held = snapshot(Some(Verdict::Clear), 0.1);
    held.exam.state = State::Held;
    held.evidence.usable = Duration::from_millis(1500);
    for (width, height) in [(60, 17), (80, 24), (120, 40), (200, 60)] {
        for large in [false, true] {
            let mut plain = look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English);
            (plain.large, plain.show_picture) = (large, false);
            let mut see = |snapshot| screen(&mut plain, width, height, snapshot);
            assert!(see(&short).contains("sweep 0.8 s more"), "{}", see(&short));
            assert!(see(&fresh).contains("enough so far"), "{}", see(&fresh));
            assert!(large || see(&held).contains("enough "), "{}", see(&held));
            assert!(see(&whole).contains("enough"), "{}", see(&whole));
            if !large {
                assert!(see(&short).contains("[###--|--]"), "{}", see(&short));
                assert!(see(&whole).contains("[#####|#-]"), "{}", see(&whole));
                assert!(see(&held).contains("[#####|##]"), "{}", see(&held));
            }
        }
    }
    let identity = Identity { min_evidence: Duration::ZERO, ..identity() };
    let still = Snapshot { identity: Arc::new(identity), ..snapshot(Some(Verdict::Clear), 0.1) };
    let screen = screen(&mut english(), 80, 24, &still);
    assert!(screen.contains("each picture by itself") && !screen.contains("enough"), "{screen}");
}

#[test]
fn every_reason_is_told_in_full() {
    for language in Language::ALL {
        let mut dashboard = in_language(language);
        for snapshot in every_face() {
            let Some(reason) = snapshot.verdict.and_then(Verdict::reason) else { continue };
            let words = dashboard.texts.coded("reason", reason.code());
            for (width, height) in [(80, 24), (120, 40)] {
                let text: String = screen(&mut dashboard, width, height, &snapshot)
                    .lines()
                    .skip(8)
                    .take(2)
                    .map(|row| row.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
                    .collect();
                let last: String = words.chars().filter(|c| c.is_alphanumeric()).collect();
                let last: String = last.chars().rev().take(4).collect();
                let last: String = last.chars().rev().collect();
                assert!(text.contains(&last), "{language:?} at {width}: {words}");
            }
        }
    }
}

#[test]
fn ascii_draws_ascii_only() {
    for theme in [ThemeChoice::Mono, ThemeChoice::Colour, ThemeChoice::HighContrast] {
        let mut dashboard = look(theme, Depth::Ansi, &ASCII, Language::English);
        for snapshot in every_face() {
            for (width, height) in [(20, 5), (60, 17), (80, 24), (120, 40), (200, 60)] {
                for large in [false, true] {
                    dashboard.large = large;
                    let text = screen(&mut dashboard, width, height, &snapshot);
                    let beyond = text.chars().find(|&c| c > '~');
                    assert_eq!(beyond, None, "{text}");
                }
            }
        }
    }
    let mut french = look(ThemeChoice::Colour, Depth::Ansi, &ASCII, Language::French);
    let text = screen(&mut french, 80, 24, &frozen());
    assert!(text.contains("NON EVALUABLE") && text.is_ascii(), "{text}");
}

/// Colours of all cells but those of the picture.
fn colours(dashboard: &mut Dashboard, snapshot: &Snapshot) -> Vec<Color> {
    let mut colours: Vec<Color> = [false, true]
        .into_iter()
        .flat_map(|large| {
            dashboard.large = large;
            drawn(dashboard, 120, 40, snapshot).content
        })
        .flat_map(|cell| [cell.fg, cell.bg])
        .collect();
    colours.sort_by_key(|colour| format!("{colour:?}"));
    colours.dedup();
    colours
}

#[test]
fn mono_and_no_color_have_no_colours() {
    let settings = crate::config::Config::parse("", "defaults").unwrap().dashboard;
    let settings = Settings { picture: PictureMode::Halfblocks, ..settings };
    let open = |settings: &Settings, set: &'static [(&str, &str)]| {
        Dashboard::open(settings, |name| {
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
        })
    };
    let high = Settings { theme: ThemeChoice::HighContrast, ..settings };
    let no_color = &[("TERM", "xterm-kitty"), ("NO_COLOR", "1"), ("LANG", "C.UTF-8")];
    for mut dashboard in [
        mono(),
        open(&settings, no_color),
        open(&high, no_color),
        open(&high, &[("TERM", "vt220")]),
    ] {
        for snapshot in every_face() {
            assert_eq!(colours(&mut dashboard, &snapshot), [Color::Reset]);
        }
    }
    let language = |set| open(&settings, set).texts.language();
    assert_eq!(language(&[("TERM", "xterm"), ("LANG", "zh_CN.UTF-8")]), Language::Chinese);
    assert_eq!(language(&[("TERM", "linux"), ("LANG", "zh_CN.UTF-8")]), Language::English);
    assert_eq!(language(&[("TERM", "linux"), ("LANG", "fr_FR.UTF-8")]), Language::French);
    let chinese = Settings { language: Some(Language::Chinese), large: true, ..settings };
    let dashboard = open(&chinese, &[("TERM", "vt220")]);
    assert!(dashboard.large && dashboard.texts.language() == Language::Chinese);
}

#[test]
fn high_contrast_uses_four_colours() {
    for (depth, allowed) in [
        (
            Depth::Full,
            [(0, 0, 0), (255, 255, 255), (255, 255, 0), (0, 255, 255)]
                .map(|(r, g, b)| Color::Rgb(r, g, b)),
        ),
        (Depth::Indexed, [16, 231, 226, 51].map(Color::Indexed)),
        (Depth::Ansi, [Color::Black, Color::White, Color::LightYellow, Color::LightCyan]),
    ] {
        let mut dashboard = look(ThemeChoice::HighContrast, depth, &UNICODE, Language::English);
        dashboard.show_picture = false;
        for snapshot in every_face() {
            let used = colours(&mut dashboard, &snapshot);
            assert!(used.iter().all(|colour| allowed.contains(colour)), "{used:?}");
        }
        let faint = drawn(&mut dashboard, 80, 24, &idle());
        assert!(!faint.content.iter().any(|c| c.modifier.contains(Modifier::DIM)));
    }
}

#[test]
fn a_theme_changes_no_word() {
    for snapshot in every_face() {
        let mut high = look(ThemeChoice::HighContrast, Depth::Full, &UNICODE, Language::English);
        assert_eq!(screen(&mut high, 80, 24, &snapshot), screen(&mut english(), 80, 24, &snapshot));
    }
}

#[test]
fn fewer_colours_are_never_exceeded() {
    let mut ansi = look(ThemeChoice::Colour, Depth::Ansi, &UNICODE, Language::English);
    let mut indexed = look(ThemeChoice::Colour, Depth::Indexed, &UNICODE, Language::English);
    for snapshot in every_face() {
        let used = colours(&mut ansi, &snapshot);
        assert!(!used.iter().any(|c| matches!(c, Color::Rgb(..) | Color::Indexed(_))), "{used:?}");
        let used = colours(&mut indexed, &snapshot);
        assert!(!used.iter().any(|c| matches!(c, Color::Rgb(..))), "{used:?}");
        assert!(used.len() > 3, "greys of the picture: {used:?}");
    }
}

#[test]
fn whether_an_exam_is_kept_is_told_beside_its_state() {
    use crate::snapshot::Keeping;
    let words = "the exam store: is full; export exams and erase them";
    let told = [Keeping::Keeping, Keeping::Kept, Keeping::Failed(words.into())];
    let see = |dashboard: &mut Dashboard, keeping: &Keeping, state, (width, height)| {
        let mut snapshot = snapshot(Some(Verdict::Clear), 0.08);
        snapshot.exam = Exam { state, number: 12 };
        snapshot.keeping = keeping.clone();
        screen(dashboard, width, height, &snapshot)
    };
    for language in Language::ALL {
        let mut dashboard = in_language(language);
        for keeping in &told {
            let word = dashboard.texts.coded("keeping", keeping.code());
            assert!(width::width(&word) <= 12, "{word}");
            for (size, state) in [((80, 24), State::Held), ((120, 40), State::Ended)] {
                let text = see(&mut dashboard, keeping, state, size);
                assert!(
                    text.lines().nth(7).unwrap().contains(&word),
                    "{language:?}: {word}\n{text}"
                );
            }
        }
    }
    for (width, height) in [(60, 17), (80, 24), (120, 40)] {
        for large in [false, true] {
            let see = |keeping, state| {
                let mut plain = look(ThemeChoice::Mono, Depth::Mono, &ASCII, Language::English);
                plain.large = large;
                see(&mut plain, keeping, state, (width, height))
            };
            let text = see(&told[2], State::Held);
            assert!(text.contains("NOT KEPT: the exam"), "{text}");
            assert!(see(&told[2], State::Scanning).contains("NOT KEPT"));
            assert!(see(&told[1], State::Held).contains("exam 12 held, kept"));
            for keeping in &[Keeping::Off, Keeping::Ready, Keeping::Recording] {
                let text = see(keeping, State::Scanning);
                assert!(!text.contains("kept") && !text.contains("KEPT"), "{text}");
            }
        }
    }
}
