use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::exam::State;
use crate::screening::{Flaw, Reason, Verdict};
use crate::snapshot::FaultKind;

/// Each key with the variables of its text.
fn keys(language: Language) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut keys = BTreeMap::new();
    for line in language.source().0.lines().filter(|l| !l.starts_with('#') && !l.is_empty()) {
        let (key, text) = line.split_once(" = ").unwrap_or_else(|| panic!("{language:?}: {line}"));
        let variables = text.split('$').skip(1);
        let name = |rest: &'static str| rest.split([' ', '}']).next().unwrap();
        assert!(keys.insert(key, variables.map(name).collect()).is_none(), "{key} twice");
        assert!(!text.trim().is_empty(), "{language:?}: {key} is empty");
    }
    keys
}

#[test]
fn all_languages_have_the_same_keys_and_variables() {
    let english = keys(Language::English);
    assert!(english.len() > 80);
    for language in Language::ALL {
        assert_eq!(keys(language), english, "{language:?}");
        let (source, _) = language.source();
        assert!(FluentResource::try_new(source.to_owned()).is_ok(), "{language:?}");
        let own = bundle(language);
        assert!(english.keys().all(|key| own.has_message(key)), "{language:?}");
    }
}

#[test]
fn every_code_has_a_text_in_every_language() {
    let flaws = Flaw::ALL.map(Reason::Flawed);
    let reasons: Vec<Reason> =
        flaws.into_iter().chain([Reason::TooLittle, Reason::Uncertain]).collect();
    let verdicts = [Verdict::Refer, Verdict::Clear, Verdict::Ungradable(Reason::Uncertain)];
    let mut keys: Vec<String> = Vec::new();
    keys.extend(reasons.iter().map(|reason| format!("reason-{}", reason.code())));
    keys.extend(Flaw::ALL.map(|flaw| format!("flaw-{}", flaw.code())));
    keys.extend(State::ALL.map(|state| format!("state-{}", state.word())));
    keys.extend(FaultKind::ALL.map(|kind| format!("fault-{}", kind.code())));
    for kind in ["banner", "verdict"] {
        keys.extend(verdicts.map(|verdict| format!("{kind}-{}", verdict.word())));
    }
    for language in Language::ALL {
        let own = bundle(language);
        for key in &keys {
            assert!(own.has_message(key), "{language:?}: {key}");
        }
    }
    // A reason is followed by the next step.
    for language in Language::ALL {
        let texts = Texts::new(language);
        for reason in &reasons {
            let words = texts.coded("reason", reason.code());
            assert!(words.contains([':', '：']), "{language:?}: {words}");
        }
    }
    // The words of headless output and panel are the same English.
    let english = Texts::new(Language::English);
    for reason in reasons {
        assert_eq!(english.coded("reason", reason.code()), reason.words());
    }
}

/// What the dashboard asks for by name is there.
#[test]
fn every_key_in_the_code_is_in_the_files() {
    let english = keys(Language::English);
    let mut folders = vec![std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/dashboard")];
    let mut found = 0;
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let code = std::fs::read_to_string(&path).unwrap();
            for call in ["texts.get(\"", "texts.with(\""] {
                for rest in code.split(call).skip(1) {
                    let key = rest.split('"').next().unwrap();
                    assert!(english.contains_key(key), "{}: {key}", path.display());
                    found += 1;
                }
            }
        }
    }
    assert!(found > 20, "{found} keys found in the code");
}

#[test]
fn variables_are_filled_in_without_marks_around_them() {
    let english = Texts::new(Language::English);
    let exam = [("number", 12.into()), ("state", "held".into())];
    assert_eq!(english.with("exam", &exam), "exam 12 held");
    let french = Texts::new(Language::French);
    let reason = [("verdict", "non évaluable".into()), ("reason", "figée".into())];
    assert_eq!(french.with("event-reason", &reason), "non évaluable\u{a0}: figée");
    assert_eq!(french.decimal(0.935, 1), "0,9");
    assert_eq!(Texts::new(Language::Chinese).term("COVID-19"), "新冠肺炎");
    assert_eq!(french.term("something else"), "something else");
}

#[test]
fn plain_texts_are_borrowed_and_missing_ones_fall_back() {
    let mut texts = Texts::new(Language::Spanish);
    assert!(matches!(texts.get("banner-refer"), Cow::Borrowed("DERIVAR")));
    texts.own = FluentBundle::new_concurrent(Vec::new());
    assert_eq!(texts.get("banner-refer"), "REFER");
    assert_eq!(texts.get("no-such-key"), "no-such-key");
}

#[test]
fn the_first_locale_that_is_set_counts() {
    let from = |set: &'static [(&str, &str)]| {
        Language::from_locale(|name| {
            set.iter().find(|(n, _)| *n == name).map(|(_, value)| value.to_string())
        })
    };
    use Language::*;
    for (set, language) in [
        (&[][..], English),
        (&[("LANG", "fr_CA.UTF-8")], French),
        (&[("LC_ALL", ""), ("LANG", "zh_CN.UTF-8")], Chinese),
        (&[("LC_ALL", "C"), ("LANG", "es_MX")], English),
        (&[("LC_MESSAGES", "es_ES@euro"), ("LANG", "fr_FR")], Spanish),
        (&[("LC_ALL", "POSIX")], English),
        (&[("LANG", "de_DE.UTF-8")], English),
        (&[("LANG", "C.UTF-8")], English),
        (&[("LANG", "fro_FR")], English),
        (&[("LANG", "es")], Spanish),
    ] {
        assert_eq!(from(set), language, "{set:?}");
    }
}
