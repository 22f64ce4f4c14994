//! Screens at fixed sizes, held by snapshots in `snapshots/`.

use std::sync::Arc;

use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::Color;

use super::capabilities::Depth;
use super::symbols::{ASCII, UNICODE};
use super::*;
use crate::capture::FrameSource;
use crate::capture::phantom::Phantom;
use crate::config::dashboard::{PictureMode, ThemeChoice};
use crate::exam::{Exam, State};
use crate::frame::{Bounds, Frame};
use crate::screening::{self, Evidence, Flaw, Reason, Verdict};
use crate::snapshot::{Area, Fault, FaultKind, FrameCounts, Head, Identity, Masked, Speed};

fn identity() -> Identity {
    Identity {
        source: "phantom:lung-tour?seed=1".into(),
        demonstration: true,
        bundle: "lung 0.1.0".into(),
        bundle_digest: "0123456789ab".into(),
        classes: vec!["regular".into(), "pathologic".into()],
        min_evidence: Duration::from_secs(2),
        window: Duration::from_secs(4),
        refer: 0.55,
        clear: 0.45,
        ..Identity::default()
    }
}

/// Four seconds into an exam with this verdict.
fn snapshot(verdict: Option<Verdict>, probability: f32) -> Snapshot {
    let mut snapshot = Snapshot::new(Arc::new(identity()));
    let mut phantom = Phantom::new(&"lung-normal?seed=2&size=320x240".parse().unwrap());
    let mut frame = Frame::default();
    phantom.next(&mut frame).unwrap();
    snapshot.picture.shrink(&frame, Bounds::whole(&frame));
    snapshot.uptime = Duration::from_millis(4200);
    snapshot.exam = Exam { state: State::Scanning, number: 1 };
    snapshot.verdict = verdict;
    let mut classes = [0.0; crate::screening::MOST_CLASSES];
    (classes[0], classes[1]) = (1.0 - probability, probability);
    snapshot.evidence = Evidence {
        usable: Duration::from_millis(3900),
        seen: Duration::from_millis(4000),
        used: 98,
        frames: 100,
        probability,
        classes,
        scores: [0.0; crate::screening::MOST_SCORES],
        flaw: None,
    };
    snapshot.counts = FrameCounts { captured: 105, dropped: 2, inferred: 100 };
    snapshot.masked = Masked { marks: 1100, inside: 0.012, outside: 0.4 };
    snapshot.speed = Speed { frames_per_second: 25.0, latency_p50_ms: 14.2, latency_p99_ms: 19.8 };
    (0..40).for_each(|i| snapshot.history.push(probability * (i as f32 / 39.0)));
    snapshot
}

/// On a terminal of all colours.
pub(crate) fn english() -> Dashboard {
    look(ThemeChoice::Colour, Depth::Full, &UNICODE, Language::English)
}

fn mono() -> Dashboard {
    look(ThemeChoice::Mono, Depth::Full, &UNICODE, Language::English)
}

fn look(
    theme: ThemeChoice,
    depth: Depth,
    symbols: &'static Symbols,
    language: Language,
) -> Dashboard {
    let theme = Theme::new(theme, depth);
    let painter = Painter::new(PictureMode::Halfblocks, theme, symbols);
    Dashboard::new(theme, symbols, Texts::new(language), painter)
}

fn drawn(dashboard: &mut Dashboard, width: u16, height: u16, snapshot: &Snapshot) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    dashboard.draw(&mut terminal, snapshot).unwrap();
    terminal.backend().buffer().clone()
}

pub(crate) fn screen(
    dashboard: &mut Dashboard,
    width: u16,
    height: u16,
    snapshot: &Snapshot,
) -> String {
    let buffer = drawn(dashboard, width, height, snapshot);
    let mut rows = Vec::new();
    for cells in buffer.content.chunks(width.into()) {
        let (mut row, mut hidden) = (String::new(), 0);
        for cell in cells {
            if hidden == 0 {
                row.push_str(cell.symbol());
            }
            hidden = usize::max(hidden, self::width::width(cell.symbol())).saturating_sub(1);
        }
        assert_eq!(self::width::width(&row), usize::from(width), "nothing stands out: {row}");
        rows.push(format!("\"{row}\""));
    }
    let text = rows.join("\n");
    let demo = dashboard.texts.get("demo");
    assert!(
        width < 60 || height < 17 || text.contains(&*demo) || text.contains("DEMO"),
        "a demonstration says so"
    );
    text
}

#[test]
fn refer_on_a_small_terminal() {
    insta::assert_snapshot!(screen(&mut english(), 80, 24, &snapshot(Some(Verdict::Refer), 0.93)));
}

#[test]
fn clear_on_a_large_terminal() {
    insta::assert_snapshot!(screen(&mut english(), 160, 50, &snapshot(Some(Verdict::Clear), 0.08)));
}

fn frozen() -> Snapshot {
    let mut frozen = snapshot(Some(Verdict::Ungradable(Reason::Flawed(Flaw::Frozen))), 0.5);
    frozen.flaw = Some(Flaw::Frozen);
    frozen
}

#[test]
fn ungradable_names_its_reason() {
    insta::assert_snapshot!(screen(&mut english(), 80, 24, &frozen()));
}

fn fault(kind: FaultKind) -> Snapshot {
    let mut fault = snapshot(None, 0.0);
    let words = "v4l2:/dev/video0: no frame for 1500 ms; check the cable and the machine";
    fault.fault = Some(Fault { kind, words: words.into() });
    fault
}

#[test]
fn a_fault_names_its_remedy() {
    insta::assert_snapshot!(screen(&mut english(), 80, 24, &fault(FaultKind::NoSignal)));
}

fn idle() -> Snapshot {
    let mut idle = Snapshot::new(Arc::new(identity()));
    idle.uptime = Duration::from_millis(100);
    idle
}

#[test]
fn idle_says_how_to_start() {
    insta::assert_snapshot!(screen(&mut english(), 80, 24, &idle()));
}

#[test]
fn without_colour_the_picture_is_characters() {
    insta::assert_snapshot!(screen(&mut mono(), 80, 24, &snapshot(Some(Verdict::Clear), 0.08)));
}

/// A bundle with all that can be laid over the picture and said beside the verdict.
fn explained() -> Snapshot {
    let mut snapshot = snapshot(Some(Verdict::Refer), 0.93);
    let place = screening::Head { first: 1, len: 2, exclusive: true, temperature: 1.0 };
    let labels = vec!["pneumonia".into(), "COVID-19".into()];
    let heads = vec![Head { name: "cause".into(), labels, place }];
    let outlined = Some("lesion".into());
    snapshot.identity = Arc::new(Identity { heads, heat_map: true, outlined, ..identity() });
    snapshot.evidence.scores[1] = 2.0;
    let area = Area { left: 0.2, top: 0.1, right: 0.8, bottom: 0.9 };
    snapshot.heat.fill(3, &[-4.0, -1.0, 0.0, -4.0, 0.0, 4.0, 0.0, 2.0, 4.0], 4.0, area);
    let disc = |i: i32| (i % 32 - 20).pow(2) + (i / 32 - 20).pow(2) < 49;
    let mask: Vec<f32> = (0..1024).map(|i| if disc(i) { 1.0 } else { -1.0 }).collect();
    snapshot.outline.fill(32, &mask, 0.0, area);
    snapshot
}

#[test]
fn heat_map_and_outline_without_colour_are_marks() {
    insta::assert_snapshot!(screen(&mut mono(), 100, 30, &explained()));
}

#[test]
fn heat_map_and_outline_are_coloured_until_hidden() {
    let snapshot = explained();
    let mut dashboard = english();
    let mut terminal = Terminal::new(TestBackend::new(100, 30)).unwrap();
    let mut coloured = |dashboard: &mut Dashboard| {
        dashboard.draw(&mut terminal, &snapshot).unwrap();
        let buffer = terminal.backend().buffer();
        // Of the picture's cells, how many look orange, blue and yellow.
        let is = |wanted: fn([u8; 3]) -> bool| {
            let cells = (1..20).flat_map(|y| (0..58).map(move |x| (x, y)));
            let fits = |&at: &(u16, u16)| match buffer[at].fg {
                Color::Rgb(r, g, b) => buffer[at].symbol() == "▀" && wanted([r, g, b]),
                _ => false,
            };
            cells.filter(fits).count()
        };
        [
            is(|[r, g, b]| r > g.saturating_add(30) && g >= b),
            is(|[r, g, b]| b > g && g > r.saturating_add(20)),
            is(|[r, g, b]| r > 150 && g > 140 && b < 120),
        ]
    };
    let shown = coloured(&mut dashboard);
    assert!(shown.iter().all(|&count| count > 5), "{shown:?}");
    assert!(shown[2] < 100, "an outline, not a disc: {shown:?}");
    dashboard.show_overlay = false;
    assert_eq!(coloured(&mut dashboard), [0; 3]);
}

#[test]
fn every_size_is_survived() {
    let snapshot = explained();
    for (width, height) in [(1, 1), (20, 5), (59, 40), (60, 16), (61, 17), (300, 100)] {
        screen(&mut english(), width, height, &snapshot);
        screen(&mut mono(), width, height, &snapshot);
    }
    assert!(screen(&mut english(), 40, 10, &snapshot).contains("60 × 17"));
}

mod access;
mod kept;
mod patient;
mod views;
mod vitals;
