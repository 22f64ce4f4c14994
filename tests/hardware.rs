//! The box in `deploy/box`: its bill, pins, currents, drawings, labels and configuration agree with one
//! another, with `deploy/wiring.md`, with the words of the dashboard, and with the header of a Raspberry Pi.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::Path;

use assert_cmd::Command;

/// The 40-pin header, from pin 1. A GPIO is named as the kernel's documents name it.
const HEADER: [&str; 40] = [
    "3.3 V", "5 V", "GPIO2", "5 V", "GPIO3", "ground", "GPIO4", "GPIO14", "ground", "GPIO15",
    "GPIO17", "GPIO18", "GPIO27", "ground", "GPIO22", "GPIO23", "3.3 V", "GPIO24", "GPIO10",
    "ground", "GPIO9", "GPIO25", "GPIO11", "GPIO8", "ground", "GPIO7", "GPIO0", "GPIO1", "GPIO5",
    "ground", "GPIO6", "GPIO12", "GPIO13", "ground", "GPIO19", "GPIO16", "GPIO26", "GPIO20",
    "ground", "GPIO21",
];
/// What a Raspberry Pi's pins may give, in mA: one, and all together.
const MOST: (f64, f64) = (16.0, 50.0);

fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The cells of the table in `text` whose first line is `head`, without that and the rule below it.
fn table<'a>(text: &'a str, head: &str) -> Vec<Vec<&'a str>> {
    let lines = text.lines().skip_while(|line| *line != head).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|'));
    let rows: Vec<Vec<&str>> =
        rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect()).collect();
    assert!(!rows.is_empty(), "no table {head}");
    rows
}

fn number(text: &str) -> f64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is no number"))
}

/// `GPIO17` for pin 11.
fn line_of(pin: usize) -> &'static str {
    HEADER.get(pin.wrapping_sub(1)).unwrap_or_else(|| panic!("there is no pin {pin}"))
}

/// Pin and line of the table in the box's README.
fn pins(readme: &str) -> BTreeMap<usize, &str> {
    let mut pins = BTreeMap::new();
    for row in table(readme, "| pin | line | goes to |") {
        let pin = row[0].parse().unwrap();
        assert!(pins.insert(pin, row[1]).is_none(), "pin {pin} has two uses");
    }
    pins
}

#[test]
fn the_readme_shows_the_bill_and_its_sums() {
    let readme = read("deploy/box/README.md");
    let file = read("deploy/box/bom.csv");
    let mut bill = csv::Reader::from_reader(file.as_bytes());
    let head: Vec<String> = bill.headers().unwrap().iter().map(str::to_owned).collect();
    let shown = table(&readme, &format!("| {} |", head.join(" | ")));
    let rows: Vec<Vec<String>> =
        bill.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
    assert_eq!(shown, rows, "the README's table is not bom.csv");
    let sum = |column: usize| -> f64 {
        rows.iter().map(|row| number(&row[column]) * number(&row[5])).sum()
    };
    let said = format!("Sum: **A {:.2} USD, B {:.2} USD**", sum(3), sum(4));
    assert!(readme.contains(&said), "the README does not say: {said}");
    for row in &rows {
        assert!(number(&row[5]) > 0.0, "{} has no price", row[0]);
        let option = row[0].starts_with("option: ");
        assert_eq!(option, number(&row[3]) + number(&row[4]) == 0.0, "{}", row[0]);
    }
}

#[test]
fn pins_are_those_of_the_header_the_configuration_and_the_wiring() {
    let readme = read("deploy/box/README.md");
    let pins = pins(&readme);
    for (pin, line) in &pins {
        assert_eq!(*line, line_of(*pin), "pin {pin}");
    }
    let wiring = read("deploy/wiring.md");
    let config: toml::Table = read("deploy/box/sonolamp.toml").parse().unwrap();
    for row in table(&wiring, "| what | key | line | pin | level at power-on of a Pi |") {
        let pin: usize = row[3].parse().unwrap();
        assert_eq!(pins.get(&pin), Some(&row[2]), "{} in the box's README", row[0]);
        let (section, key) = row[1].trim_matches('`').split_once(' ').unwrap();
        let section = config.get(section.trim_matches(['[', ']'])).unwrap();
        if let Some(value) = section.get(key) {
            assert_eq!(value.as_str(), Some(row[2]), "{} in the box's configuration", row[1]);
        }
    }
}

#[test]
fn drawings_name_pins_as_the_header_does() {
    for drawing in ["deploy/box/wiring.svg", "deploy/wiring.svg"] {
        let mut named = 0;
        for text in read(drawing).lines().filter(|line| line.starts_with("<text")) {
            for (before, after) in text.match_indices('[').map(|(at, _)| text.split_at(at)) {
                let number = after[1..].split(']').next().unwrap();
                let Ok(pin) = number.parse::<usize>() else { continue };
                // The word may be followed by its second name: `GPIO10 MOSI [19]`.
                let end = [" MOSI", " SCLK", " CE0"].iter();
                let name = end.fold(before.trim_end(), |name, end| name.trim_end_matches(end));
                assert!(name.ends_with(line_of(pin)), "{drawing}: {text}");
                named += 1;
            }
        }
        assert!(named > 20, "{drawing} names {named} pins");
    }
    let drawn = read("deploy/box/wiring.svg");
    for pin in pins(&read("deploy/box/README.md")).keys() {
        assert!(drawn.contains(&format!("[{pin}]")), "pin {pin} is not drawn");
    }
}

#[test]
fn currents_are_right_and_within_what_a_pi_gives() {
    let readme = read("deploy/box/README.md");
    let mut sums = BTreeMap::from([("A", 0.0), ("B", 0.0)]);
    for row in table(&readme, "| load | variant | lines | V | Ω | mA each |") {
        let each = 1000.0 * number(row[3]) / number(row[4]);
        assert_eq!(format!("{each:.1}"), row[5], "{}", row[0]);
        assert!(each <= MOST.0, "{}", row[0]);
        for variant in row[1].split(", ") {
            *sums.get_mut(variant).unwrap() += number(row[2]) * each;
        }
    }
    let said = format!("Together A {:.1} mA, B {:.1} mA.", sums["A"], sums["B"]);
    assert!(readme.contains(&said), "the README does not say: {said}");
    assert!(sums.values().all(|sum| *sum <= MOST.1));
}

#[test]
fn labels_say_what_the_dashboard_says() {
    let labels = read("deploy/box/labels.svg");
    let keys = [
        "lamp-refer",
        "lamp-clear",
        "lamp-attention",
        "key-start",
        "key-hold",
        "notice",
        "card-attention",
        "card-dark-name",
        "card-dark",
        "card-notice",
    ];
    for language in ["en", "zh", "es", "fr"] {
        let texts = read(&format!("src/texts/{language}.ftl"));
        for key in keys {
            let start = format!("{key} = ");
            let words = texts.lines().find_map(|line| line.strip_prefix(&start));
            let words = words.unwrap_or_else(|| panic!("{language} has no {key}"));
            assert!(labels.contains(&format!(">{words}</text>")), "{language}: {key} = {words}");
        }
    }
}

#[test]
fn the_program_takes_the_configuration() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/box/sonolamp.toml");
    let mut check = Command::cargo_bin("sonolamp").unwrap();
    check.args(["config", "check"]).arg(file).assert().success();
}
