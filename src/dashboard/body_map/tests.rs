//! Every protocol's map at fixed sizes, held by snapshots in `snapshots/`.

use std::sync::{Arc, LazyLock};

use ratatui::style::Color;

use super::*;
use crate::config::dashboard::ThemeChoice;
use crate::dashboard::capabilities::Depth;
use crate::protocol::{BUILT_IN, Choice, Reading};
use crate::screening::Reason;
use crate::texts::Language;

fn protocol(name: &str) -> Examination {
    Examination::new(Arc::new(name.parse::<Choice>().unwrap().load().unwrap()))
}

/// Four zones examined, the fifth current.
fn begun(name: &str) -> Examination {
    let mut examination = protocol(name);
    let ungradable = Verdict::Ungradable(Reason::Uncertain);
    let found =
        [(Verdict::Refer, 0.93), (Verdict::Clear, 0.08), (ungradable, 0.5), (Verdict::Clear, 0.11)];
    for (zone, (verdict, probability)) in found.into_iter().enumerate() {
        examination.set_verdict(zone, verdict, probability).unwrap();
        if examination.protocol().score.is_some() {
            examination.set_score(zone, Some([2, 0, 1, 0][zone])).unwrap();
        }
    }
    examination.set_reading(0, Some(Reading::Refer)).unwrap();
    examination.select(4).unwrap();
    examination
}

fn buffer(map: BodyMap, width: u16, height: u16) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    map.render(buffer.area, &mut buffer);
    buffer
}

fn text(buffer: &Buffer) -> String {
    let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let rows: Vec<String> = (0..buffer.area.height).map(row).collect();
    rows.iter().map(|row| row.trim_end()).collect::<Vec<_>>().join("\n")
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| Texts::new(Language::English));

fn plain() -> Theme {
    Theme::new(ThemeChoice::Mono, Depth::Mono)
}

#[test]
fn every_protocol_at_three_sizes_and_in_ascii() {
    for (name, _) in BUILT_IN {
        let examination = begun(name);
        for (width, height) in [(36, 12), (60, 18), (100, 30)] {
            let map = BodyMap::new(&examination, plain(), &ENGLISH);
            let drawn = text(&buffer(map, width, height));
            insta::assert_snapshot!(format!("{name}_{width}x{height}"), drawn);
        }
        let drawn =
            text(&buffer(BodyMap::new(&examination, plain(), &ENGLISH).ascii(true), 60, 18));
        assert!(drawn.is_ascii(), "{drawn}");
        insta::assert_snapshot!(format!("{name}_ascii"), drawn);
    }
}

#[test]
fn no_zone_hides_another() {
    for (name, _) in BUILT_IN {
        for (width, height) in [(36, 12), (48, 16), (60, 18), (80, 24), (132, 43)] {
            let count = protocol(name).zones().len();
            for zone in 0..count {
                let mut examination = protocol(name);
                examination.set_verdict(zone, Verdict::Refer, 0.9).unwrap();
                let buffer = buffer(BodyMap::new(&examination, plain(), &ENGLISH), width, height);
                let drawn = text(&buffer);
                // Heading, verdict and legend have shapes of their own.
                let rows: Vec<&str> = drawn.lines().skip(2).collect();
                let map = rows[..rows.len() - if height >= ROWS_FOR_THE_PATIENT { 2 } else { 1 }]
                    .join("\n");
                let label = &examination.zones().nth(zone).unwrap().0.label;
                assert!(
                    map.contains(&format!("▲{label}")) || map.contains(&format!("▲ {label}")),
                    "{name} {label} at {width}x{height}:\n{drawn}"
                );
                assert_eq!(map.matches('○').count(), count - 1, "{width}x{height}\n{drawn}");
            }
        }
    }
}

#[test]
fn the_current_zone_is_named_marked_and_described() {
    let mut examination = begun("lung-8");
    examination.select(0).unwrap();
    let drawn = buffer(BodyMap::new(&examination, plain(), &ENGLISH), 48, 14);
    let words = text(&drawn);
    assert!(words.starts_with("R1 right upper anterior\n"), "{words}");
    assert!(words.contains("▲ refer 0.93, score 2, clinician: refer"), "{words}");
    assert!(words.contains("[▲ R1]"), "{words}");
    let reversed = drawn.content.iter().filter(|c| c.modifier.contains(Modifier::REVERSED));
    assert_eq!(reversed.count(), "▲ R1".chars().count());
    let coloured = drawn.content.iter().filter(|c| c.fg != Color::Reset || c.bg != Color::Reset);
    assert_eq!(coloured.count(), 0, "no colour where none is wanted");
}

#[test]
fn verdicts_have_the_themes_colours() {
    let theme = Theme::new(ThemeChoice::Colour, Depth::Full);
    let examination = begun("lung-8");
    let drawn = buffer(BodyMap::new(&examination, theme, &ENGLISH), 36, 12);
    for (shape, style) in
        [("▲", theme.refer()), ("●", theme.clear()), ("?", theme.attention()), ("○", Style::new())]
    {
        let cells: Vec<_> = drawn.content.iter().filter(|cell| cell.symbol() == shape).collect();
        assert!(cells.len() >= 2, "{shape}");
        assert!(cells.iter().all(|c| c.fg == style.fg.unwrap_or(Color::Reset)), "{shape}");
        assert!(cells.iter().all(|c| !c.modifier.contains(Modifier::DIM)), "{shape}");
    }
}

#[test]
fn the_patients_verdict_stands_below_a_high_map() {
    let words = text(&buffer(BodyMap::new(&begun("lung-12"), plain(), &ENGLISH), 70, 16));
    assert!(
        words.contains("patient ▲ refer, 4 of 12 zones examined, score 3 (4 scored)"),
        "{words}"
    );
    let words = text(&buffer(BodyMap::new(&protocol("breast"), plain(), &ENGLISH), 70, 16));
    assert!(words.contains("patient ? ungradable, 0 of 28 zones examined"), "{words}");
}

#[test]
fn every_size_is_survived() {
    for (name, _) in BUILT_IN {
        let examination = begun(name);
        for width in (0..40).chain([299]) {
            for height in (0..16).chain([99]) {
                for ascii in [false, true] {
                    buffer(
                        BodyMap::new(&examination, plain(), &ENGLISH).ascii(ascii),
                        width,
                        height,
                    );
                }
            }
        }
    }
}

#[test]
fn a_map_stays_in_its_place_and_marks_the_current_zone() {
    for (name, _) in BUILT_IN {
        let mut examination = begun(name);
        let count = examination.zones().len();
        for (zone, area) in (0..count)
            .flat_map(|zone| [(16, 8), (36, 12)].map(|(w, h)| (zone, Rect::new(20, 8, w, h))))
        {
            examination.select(zone).unwrap();
            let mut drawn =
                Buffer::filled(Rect::new(0, 0, 80, 30), ratatui::buffer::Cell::new("#"));
            BodyMap::new(&examination, plain(), &ENGLISH).render(area, &mut drawn);
            for position in drawn.area.positions().filter(|&at| !area.contains(at)) {
                assert_eq!(drawn[position].symbol(), "#", "{name} {zone} {position}");
            }
            let words = text(&drawn);
            let (zone, record) = examination.current_zone().unwrap();
            let mark = BodyMap::new(&examination, plain(), &ENGLISH).zone_mark(record);
            let [tight, wide] = ["", " "].map(|s| format!("[{}{s}{}]", mark.shape, zone.label));
            assert!(words.contains(&tight) || words.contains(&wide), "{name}\n{words}");
        }
    }
    let mut drawn = Buffer::empty(Rect::new(0, 0, 80, 30));
    BodyMap::new(&begun("breast"), plain(), &ENGLISH).render(Rect::new(60, 20, 40, 20), &mut drawn);
}
