//! Every rule as a table.

use std::sync::Arc;

use super::*;
use crate::screening::{Reason, Verdict};

fn built_in(name: &str) -> Protocol {
    name.parse::<Choice>().unwrap().load().unwrap()
}

fn examination(name: &str) -> Examination {
    Examination::new(Arc::new(built_in(name)))
}

/// One letter a zone: `r`efer, `c`lear, `u`ngradable, `-` not examined; the rest is not examined.
fn examined(mut examination: Examination, zones: &str) -> Examination {
    for (zone, letter) in zones.chars().enumerate() {
        let verdict = match letter {
            'r' => Verdict::Refer,
            'c' => Verdict::Clear,
            'u' => Verdict::Ungradable(Reason::Uncertain),
            _ => continue,
        };
        examination.set_verdict(zone, verdict, 0.5).unwrap();
    }
    examination
}

#[test]
fn the_built_in_protocols_are_right() {
    for (name, zones, right, back, clocks, required, scored) in [
        ("lung-8", 8, 4, 0, 0, 8, true),
        ("lung-12", 12, 6, 4, 0, 12, true),
        ("lung-blue-6", 6, 3, 2, 0, 6, true),
        ("breast", 28, 14, 0, 24, 0, false),
    ] {
        let protocol = built_in(name);
        let count = |wanted: fn(&Zone) -> bool| protocol.zones.iter().filter(|z| wanted(z)).count();
        assert_eq!(protocol.name, name);
        assert_eq!(protocol.zones.len(), zones, "{name}");
        assert_eq!(count(|zone| zone.side == Side::Right), right, "{name}");
        assert_eq!(count(|zone| zone.view == View::Back), back, "{name}");
        assert_eq!(count(|zone| zone.clock.is_some()), clocks, "{name}");
        assert_eq!(count(|zone| zone.required), required, "{name}");
        assert_eq!(protocol.score.is_some(), scored, "{name}");
        for zone in &protocol.zones {
            assert!(zone.name.starts_with(zone.side.word()), "{}", zone.name);
            assert!(zone.id.starts_with(if zone.side == Side::Right { 'R' } else { 'L' }));
        }
        assert_eq!(protocol.find(&protocol.zones[1].id.to_lowercase()), Some(1));
    }
    assert_eq!(BUILT_IN.len(), 4);
}

#[test]
fn the_clock_is_seen_from_in_front_of_the_patient() {
    let breast = built_in("breast");
    for (id, right_of_the_nipple, above) in
        [("R3", true, false), ("L3", true, false), ("R9", false, false), ("L12", false, true)]
    {
        let zone = &breast.zones[breast.find(id).unwrap()];
        assert_eq!((zone.column > 0.6, zone.row < 0.4), (right_of_the_nipple, above), "{id}");
    }
}

#[test]
fn zones_make_a_patients_verdict() {
    use Because::*;
    use PatientVerdict::*;
    for (name, zones, verdict, because) in [
        // Referring needs one zone, whatever the others say.
        ("lung-8", "r", Refer, ZonesRefer(1)),
        ("lung-8", "rccccccc", Refer, ZonesRefer(1)),
        ("lung-8", "ruuuuuuu", Refer, ZonesRefer(1)),
        ("lung-8", "rrrrrrrr", Refer, ZonesRefer(8)),
        // Clear needs every zone.
        ("lung-8", "cccccccc", Clear, AllClear),
        ("lung-8", "ccccccc", Ungradable, NotClear(1)),
        ("lung-8", "ccccccuc", Ungradable, NotClear(1)),
        ("lung-8", "cccccc--", Ungradable, NotClear(2)),
        ("lung-8", "cccccu--", Ungradable, TooFewGradable(5)),
        ("lung-8", "uuuuuuuu", Ungradable, TooFewGradable(0)),
        ("lung-8", "", Ungradable, TooFewGradable(0)),
        ("lung-12", "cccccccccccc", Clear, AllClear),
        ("lung-12", "ccccccccc---", Ungradable, NotClear(3)),
        ("lung-12", "ccccccccuuuu", Ungradable, TooFewGradable(8)),
        ("lung-12", "-----------r", Refer, ZonesRefer(1)),
        ("lung-blue-6", "cccccc", Clear, AllClear),
        ("lung-blue-6", "ccccuu", Ungradable, NotClear(2)),
        ("lung-blue-6", "cccuuu", Ungradable, TooFewGradable(3)),
        // Only what was examined counts in the breast.
        ("breast", "", Ungradable, TooFewGradable(0)),
        ("breast", "---c", Clear, AllClear),
        ("breast", "---c--u", Ungradable, NotClear(1)),
        ("breast", "------u", Ungradable, TooFewGradable(0)),
        ("breast", "---c--r", Refer, ZonesRefer(1)),
    ] {
        let examination = examined(examination(name), zones);
        assert_eq!(examination.conclude(), Conclusion { verdict, because }, "{name} {zones}");
        assert!(!examination.reasons().is_empty(), "{name} {zones}");
    }
}

#[test]
fn a_rule_may_ask_for_more_and_zones_for_less() {
    use PatientVerdict::*;
    let mut protocol = built_in("lung-8");
    protocol.rule.refer_from = 2;
    protocol.rule.least_gradable = 3;
    protocol.zones[6].required = false;
    protocol.zones[7].required = false;
    let protocol = Arc::new(protocol);
    assert_eq!(
        protocol.rule.statement(&protocol.zones),
        "Refer if a vital sign is a danger sign or at least 2 zones refer. Otherwise ungradable if \
         fewer than 3 zones can be graded. Clear only if the 6 required zones and every other \
         examined zone are clear; ungradable in all other cases."
    );
    for (zones, verdict) in [
        ("rr", Refer),
        ("r", Ungradable),
        ("rccccccc", Ungradable),
        ("cccccc", Clear),
        ("ccccccu", Ungradable),
        ("ccccccc", Clear),
        ("ccccc-cc", Ungradable),
    ] {
        let examination = examined(Examination::new(protocol.clone()), zones);
        assert_eq!(examination.conclude().verdict, verdict, "{zones}");
    }
}

#[test]
fn reasons_name_zones() {
    for (name, zones, reasons) in [
        ("lung-8", "rcurc---", vec!["refer: R1, R4"]),
        ("lung-8", "ccccccuc", vec!["ungradable: L3"]),
        ("lung-8", "cccccccc", vec!["8 zones examined, all clear"]),
        (
            "lung-blue-6",
            "ccu",
            vec![
                "ungradable: RP",
                "not examined: LU, LL, LP",
                "2 zones gradable, the rule needs 4",
            ],
        ),
        ("breast", "---c", vec!["1 zone examined, all clear"]),
        ("breast", "", vec!["0 zones gradable, the rule needs 1"]),
    ] {
        assert_eq!(examined(examination(name), zones).reasons(), reasons, "{name} {zones}");
    }
}

/// Age in months, SpO2, respiratory rate, temperature.
fn signs(age: u16, spo2: f32, rate: f32, temperature: f32) -> VitalSigns {
    let given = |value: f32| (value > 0.0).then_some(value);
    VitalSigns {
        age_months: Some(age),
        spo2: given(spo2),
        respiratory_rate: given(rate),
        temperature: given(temperature),
    }
}

#[test]
fn danger_signs_below_at_and_above_each_limit() {
    const IMCI: &str = "WHO IMCI 2014";
    const INFANT: &str = "WHO young infant 2015";
    const POCKET: &str = "WHO Pocket Book 2013";
    const IITT: &str = "WHO/ICRC/MSF triage tool 2020";
    use VitalSign::*;
    let table = DangerSigns::built_in().unwrap();
    // Ages at both ends of a limit, values that are not and that are a danger sign.
    for (sign, ages, fine, danger, source) in [
        (RespiratoryRate, [0, 1], [59.0, 20.0], [60.0, 61.0], IMCI),
        (RespiratoryRate, [2, 11], [49.0, 20.0], [50.0, 51.0], IMCI),
        (RespiratoryRate, [12, 59], [39.0, 15.0], [40.0, 41.0], IMCI),
        (RespiratoryRate, [144, 1200], [30.0, 10.0], [31.0, 9.0], IITT),
        (Temperature, [0, 1], [37.9, 35.5], [38.0, 35.4], INFANT),
        (Temperature, [144, 1200], [39.0, 36.0], [39.1, 35.9], IITT),
        (Spo2, [0, 143], [90.0, 100.0], [89.0, 60.0], POCKET),
        (Spo2, [144, 1200], [92.0, 100.0], [91.0, 60.0], IITT),
    ] {
        for age in ages {
            assert!(table.has_limit(sign, age));
            let with = |value| match sign {
                Spo2 => signs(age, value, 0.0, 0.0),
                RespiratoryRate => signs(age, 0.0, value, 0.0),
                Temperature => signs(age, 0.0, 0.0, value),
            };
            for value in fine {
                assert_eq!(table.found(&with(value)).count(), 0, "{sign:?} {age} {value}");
            }
            for value in danger {
                let signs = with(value);
                let found: Vec<_> = table.found(&signs).collect();
                assert_eq!(found.len(), 1, "{sign:?} {age} {value}");
                let words = found[0].words();
                assert!(words.contains(sign.name()) && words.contains(source), "{words}");
                assert!(words.contains(&value.to_string()), "{words}");
            }
        }
    }
    // No limit is known for these ages: recorded, nothing decided.
    for (sign, age) in [(RespiratoryRate, 60), (RespiratoryRate, 143), (Temperature, 2)] {
        assert!(!table.has_limit(sign, age), "{sign:?} {age}");
    }
    assert!(table.limits.iter().all(|limit| !limit.meaning.is_empty()));
}

#[test]
fn a_danger_sign_refers_whatever_the_picture_says() {
    for (name, zones) in
        [("lung-8", "cccccccc"), ("lung-8", "uu"), ("lung-12", ""), ("breast", "c")]
    {
        let mut examination = examined(examination(name), zones);
        examination.set_vital_signs(signs(400, 88.0, 22.0, 37.0)).unwrap();
        let conclusion = examination.conclude();
        assert_eq!(conclusion.verdict, PatientVerdict::Refer, "{name} {zones}");
        assert_eq!(conclusion.because, Because::DangerSign);
        let expected = "low oxygen saturation: SpO2 88 %, below 92 (WHO/ICRC/MSF triage tool 2020)";
        assert_eq!(examination.reasons()[0], expected);
        examination.set_vital_signs(signs(400, 98.0, 22.0, 37.0)).unwrap();
        assert_ne!(examination.conclude().because, Because::DangerSign);
    }
}

#[test]
fn what_no_patient_has_is_refused_and_changes_nothing() {
    let age_unknown = |signs: VitalSigns| VitalSigns { age_months: None, ..signs };
    for (given, parts) in [
        (signs(400, 101.0, 0.0, 0.0), ["SpO2: 101 %", "30 to 100 %"]),
        (signs(400, 9.0, 0.0, 0.0), ["SpO2: 9 %", "type it again"]),
        (signs(400, f32::INFINITY, 0.0, 0.0), ["SpO2: inf", "30 to 100 %"]),
        (signs(400, 0.0, 220.0, 0.0), ["respiratory rate: 220 /min", "4 to 150"]),
        (signs(400, 0.0, 0.0, 98.6), ["temperature: 98.6 °C", "25 to 45 °C"]),
        (signs(400, 0.0, 0.0, 370.0), ["temperature: 370 °C", "type it again"]),
        (signs(1441, 97.0, 0.0, 0.0), ["age: 1441 months", "0 to 1440 months"]),
        (age_unknown(signs(0, 97.0, 0.0, 0.0)), ["SpO2: has no age", "enter the patient's age"]),
    ] {
        let mut examination = examination("lung-8");
        let before = signs(400, 97.0, 16.0, 36.8);
        examination.set_vital_signs(before).unwrap();
        let words = examination.set_vital_signs(given).unwrap_err().to_string();
        assert!(parts.iter().all(|part| words.contains(part)), "{words}");
        assert_eq!(examination.vital_signs(), &before);
        assert_eq!(examination.vital_signs().value(VitalSign::Temperature), Some(36.8));
    }
    assert!(examination("lung-8").set_vital_signs(VitalSigns::default()).is_ok());
}

#[test]
fn ages_are_typed_in_years_or_months() {
    for (text, months) in
        [("34", Some(408)), (" 7m ", Some(7)), ("2 y", Some(24)), ("0m", Some(0)), ("", None)]
    {
        assert_eq!(VitalSigns::read_age(text).ok(), months, "{text:?}");
    }
    for months in 0..1440 {
        assert_eq!(VitalSigns::read_age(&VitalSigns::age_words(months)).unwrap(), months);
    }
    // Half a year old is no newborn: below a year the limits need months.
    for text in ["-1", "1.5", "x", "99999", "6000", "0", "0y"] {
        let words = VitalSigns::read_age(text).unwrap_err().to_string();
        assert!(words.contains("years such as 34"), "{words}");
    }
}

#[test]
fn scores_are_summed_over_scored_zones() {
    for (name, scores, sum, scored, zones) in [
        ("lung-8", &[][..], 0, 0, 8),
        ("lung-8", &[(0, 0)], 0, 1, 8),
        ("lung-8", &[(0, 3), (7, 2), (3, 1)], 6, 3, 8),
        ("lung-8", &[(2, 3), (2, 1)], 1, 1, 8),
        ("lung-12", &[(0, 3), (11, 3)], 6, 2, 12),
        ("lung-blue-6", &[(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (5, 1)], 6, 6, 6),
    ] {
        let mut examination = examination(name);
        for &(zone, score) in scores {
            examination.set_score(zone, Some(score)).unwrap();
        }
        assert_eq!(examination.score_sum(), Some(ScoreSum { sum, scored, zones }), "{scores:?}");
        examination.set_score(0, None).unwrap();
        assert_eq!(examination.zones().next().unwrap().1.score, None);
    }
    let mut lung = examination("lung-8");
    for (zone, score, parts) in
        [(0, 4, ["score: is 4", "0 to 3"]), (8, 1, ["zone: is number 9", "1 to 8"])]
    {
        let words = lung.set_score(zone, Some(score)).unwrap_err().to_string();
        assert!(parts.iter().all(|part| words.contains(part)), "{words}");
    }
    let mut breast = examination("breast");
    assert_eq!(breast.score_sum(), None);
    assert!(breast.set_score(0, Some(1)).unwrap_err().to_string().contains("has no score"));
}

#[test]
fn the_next_zone_is_the_next_open_one() {
    for (zones, from, next) in [
        ("", 0, Some(1)),
        ("c", 0, Some(1)),
        ("cc", 0, Some(2)),
        ("-c", 1, Some(2)),
        ("-ccccccc", 7, Some(0)),
        ("c-cccccc", 1, Some(1)),
        ("cccccccc", 3, None),
    ] {
        let mut examination = examined(examination("lung-8"), zones);
        examination.select(from).unwrap();
        assert_eq!(examination.next_zone(), next, "{zones} from {from}");
        assert_eq!(examination.complete(), next.is_none());
    }
    let mut lung = examination("lung-8");
    lung.step(false);
    assert_eq!(lung.current(), 7);
    lung.step(true);
    assert_eq!((lung.current(), &lung.current_zone().unwrap().0.id[..]), (0, "R1"));
    assert!(lung.select(8).is_err() && lung.current() == 0);
    assert!(!examination("breast").complete() && examined(examination("breast"), "-c").complete());
}

#[test]
fn a_clinicians_reading_stands_beside_the_machines() {
    use Reading::*;
    let mut lung = examined(examination("lung-8"), "rcrcu");
    for (zone, reading, agreement) in [
        (0, Some(Refer), (1, 1)),
        (1, Some(Refer), (1, 2)),
        (2, Some(Unsure), (1, 2)),
        (3, Some(Clear), (2, 3)),
        (4, Some(Clear), (2, 3)),
        (5, Some(Clear), (2, 3)),
        (1, None, (2, 2)),
    ] {
        let before = lung.conclude();
        lung.set_reading(zone, reading).unwrap();
        assert_eq!(lung.agreement(), agreement, "{zone} {reading:?}");
        assert_eq!(lung.conclude(), before, "a reading changes no verdict");
    }
    lung.set_verdict(0, Verdict::Clear, 0.1).unwrap();
    let record = *lung.zones().next().unwrap().1;
    assert_eq!((record.verdict, record.reading), (Some(Verdict::Clear), Some(Refer)));
    assert_eq!(lung.agreement(), (1, 2), "a repeated zone keeps its reading");
    lung.clear_zone(0).unwrap();
    assert_eq!(lung.zones().next().unwrap().1, &Record::default());
}

#[test]
fn a_wrong_file_is_refused_with_key_value_and_what_is_allowed() {
    let right = BUILT_IN[0].1;
    let many = right.to_owned() + &"\n[[zone]]\nid = \"x\"".repeat(30);
    for (from, to, parts) in [
        ("id = \"R1\"", "id = \"R 1\"", ["`zone.id` is \"R 1\"", "1 to 4 ASCII"]),
        ("id = \"R2\"", "id = \"r1\"", ["`zone.id` is \"r1\"", "an id of its own"]),
        ("side = \"right\"", "side = \"middle\"", ["unknown variant `middle`", "left"]),
        ("view = \"front\"", "view = \"top\"", ["unknown variant `top`", "breast"]),
        ("view = \"front\"", "view = \"breast\"", ["`zone.view` is both", "for every zone"]),
        ("column = 0.35", "column = 1.5", ["`zone.column` of `R1` is 1.5", "0 to 1"]),
        ("column = 0.35", "column = nan", ["`zone.column` of `R1` is NaN", "0 to 1"]),
        ("column = 0.35", "column = 0.65", ["`zone.column` of `R1` is 0.65", "less than 0.5"]),
        ("column = 0.35", "clock = 3", ["place of zone `R1` is unclear", "a column and a row"]),
        ("column = 0.35", "colum = 0.35", ["unknown field `colum`", "column"]),
        ("row = 0.38", "row = -1", ["`zone.row` of `R1` is -1", "0 to 1"]),
        ("row = 0.70", "row = 0.38", ["`zone` is \"R2\"", "place on the map of its own"]),
        ("refer_from = 1", "refer_from = 0", ["`rule.refer_from` is 0", "1 to 8"]),
        ("refer_from = 1", "refer_from = 9", ["`rule.refer_from` is 9", "1 to 8"]),
        ("least_gradable = 6", "least_gradable = 9", ["`rule.least_gradable` is 9", "1 to 8"]),
        ("refer_from = 1", "", ["missing field `refer_from`", "lung-8, lung-12"]),
        ("name = \"lung-8\"", "name = \"\"", ["`name` is \"\"", "a text"]),
        ("name = \"lung-8\"", "nam = \"lung-8\"", ["unknown field `nam`", "correct the file"]),
        ("\"complete loss of aeration: consolidation\",", "", ["line 11", "length"]),
    ] {
        assert!(right.contains(from), "{from}");
        let words = Protocol::parse(&right.replacen(from, to, 1), "clinic.toml").unwrap_err();
        assert_eq!(words.kind.exit_code(), 2);
        let words = words.to_string();
        assert!(words.starts_with("clinic.toml: "), "{words}");
        assert!(parts.iter().all(|part| words.contains(part)), "{from:?} → {to:?} gave: {words}");
    }
    for (text, part) in [
        (many.as_str(), "missing field"),
        ("", "missing field `name`"),
        ("name =", "line 1"),
        (&BUILT_IN[3].1.replacen("clock = 12", "clock = 13", 1), "`zone.clock` of `R12` is 13"),
        (&BUILT_IN[3].1.replacen("\"breast\"\nclock", "\"front\"\nclock", 1), "`zone.view` of"),
    ] {
        let words = Protocol::parse(text, "clinic.toml").unwrap_err().to_string();
        assert!(words.contains(part), "{words}");
    }
    let words = "/no/such.toml".parse::<Choice>().unwrap().load().unwrap_err().to_string();
    assert!(words.contains("/no/such.toml: cannot be read") && words.contains("protocol.use"));
}

#[test]
fn a_protocol_in_a_file_is_the_same_as_built_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clinic.toml");
    std::fs::write(&path, BUILT_IN[1].1).unwrap();
    let choice: Choice = path.to_str().unwrap().parse().unwrap();
    assert_eq!(choice.load().unwrap(), built_in("lung-12"));
}

#[test]
fn a_wrong_table_of_danger_signs_is_refused() {
    let right = include_str!("danger-signs.toml");
    for (from, to, part) in [
        ("at_least = 60", "", "0 limits"),
        ("at_least = 60", "at_least = 60\nabove = 3", "2 limits"),
        ("below_months = 2", "below_months = 0", "`limit.below_months`"),
        ("source = \"imci\"", "source = \"hearsay\"", "`limit.source` is hearsay"),
        ("sign = \"spo2\"", "sign = \"pulse\"", "unknown variant `pulse`"),
    ] {
        let words = DangerSigns::parse(&right.replacen(from, to, 1)).unwrap_err();
        assert!(words.contains(part), "{words}");
    }
}
