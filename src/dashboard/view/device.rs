//! The box: camera, lamps, heat, power, storage, memory, clock, model, versions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use time::OffsetDateTime;

use super::{exams, facts};
use crate::dashboard::Dashboard;
use crate::dashboard::width::{cut, fold, pad, width};
use crate::snapshot::{Clock, Device, Light, Snapshot};

/// Columns of the names.
const NAME: usize = 16;
const UPDATE: &str = "device-update";
/// From this heat on, in degrees Celsius, a Raspberry Pi slows down.
const HOT: f32 = 80.0;
/// Below this share of storage or memory there is too little.
const LITTLE: f64 = 0.05;

pub fn render(dashboard: &Dashboard, snapshot: &Snapshot, area: Rect, frame: &mut Frame) {
    let columns = usize::from(area.width);
    let mut lines = Vec::new();
    for (name, value, warns) in rows(dashboard, snapshot) {
        let style = if warns { dashboard.theme.attention() } else { Style::new() };
        let mark = if warns { "! " } else { "  " };
        let room = columns.saturating_sub(NAME + width(mark));
        // What becomes of an update must be read to its end.
        let parts =
            if name == UPDATE { fold(&value, room, 0) } else { vec![cut(&value, room).to_owned()] };
        let mut name = pad(&dashboard.texts.get(&name), NAME);
        for part in parts {
            let value = Span::styled(format!("{mark}{part}"), style);
            lines.push(Line::from(vec![Span::styled(name, dashboard.theme.quiet()), value]));
            name = " ".repeat(NAME);
        }
    }
    lines.push(facts::lamps(dashboard, snapshot, area.width));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Each fact's key, its words, and whether somebody should do something about it.
fn rows(dashboard: &Dashboard, snapshot: &Snapshot) -> Vec<(String, String, bool)> {
    let texts = &dashboard.texts;
    let identity = &snapshot.identity;
    let Device { board, release, temperature, power, disk, memory, clock, update } =
        &*snapshot.device;
    let unknown = || texts.get("unknown").into_owned();
    let decimal = |value, digits| texts.decimal(value, digits).into();
    let mut rows = Vec::new();
    let mut row = |key: &str, value: String, warns: bool| {
        rows.push((format!("device-{key}"), value, warns));
    };
    let fault = snapshot.fault.as_ref();
    let speed = texts.with("speed", &[("frames", decimal(snapshot.speed.frames_per_second, 1))]);
    row("source", identity.source.clone(), false);
    row("delivers", fault.map_or(speed, |fault| fault.words.to_string()), fault.is_some());
    if !identity.camera.is_empty() {
        row("camera", identity.camera.clone(), false);
    }
    row("driver", identity.lamps.clone(), false);
    if !identity.lines.is_empty() {
        row("lines", levels(dashboard, snapshot), false);
    }
    row("board", board.clone().unwrap_or_else(unknown), false);
    let heat = temperature.map(|t| texts.with("degrees", &[("degrees", decimal(t, 0))]));
    row("heat", heat.unwrap_or_else(unknown), temperature.is_some_and(|t| t >= HOT));
    let supply = power.map(|power| match (power.under_voltage, power.throttled, power.earlier) {
        (true, _, _) => "power-low",
        (_, true, _) => "power-slowed",
        (_, _, true) => "power-earlier",
        _ => "power-good",
    });
    let words = supply.map_or_else(unknown, |key| texts.get(key).into_owned());
    row("power", words, supply.is_some_and(|key| key != "power-good"));
    let sizes = |free: u64, size: u64| {
        let gigabytes = |bytes: u64| decimal(bytes as f32 / 1e9, 1);
        texts.with("free-of", &[("free", gigabytes(free)), ("size", gigabytes(size))])
    };
    let little = |free: u64, size: u64| (free as f64) < LITTLE * size as f64;
    let words = disk.map_or_else(unknown, |disk| {
        let words = sizes(disk.free, disk.size);
        if disk.read_only { format!("{words}, {}", texts.get("read-only")) } else { words }
    });
    row("disk", words, disk.is_some_and(|d| d.read_only || little(d.free, d.size)));
    let words = memory.map_or_else(unknown, |(free, size)| sizes(free, size));
    row("memory", words, memory.is_some_and(|(free, size)| little(free, size)));
    row("clock", clock_words(dashboard, *clock), *clock == Clock::NotSet);
    row("running", exams::clock(snapshot.uptime), false);
    row("bundle", format!("{} {}", identity.bundle, identity.bundle_digest), false);
    row("task", identity.task.clone(), false);
    row("licence", identity.licence.clone(), false);
    let [clear, refer] = [identity.clear, identity.refer].map(|level| decimal(level, 2));
    row("thresholds", texts.with("thresholds", &[("clear", clear), ("refer", refer)]), false);
    let kernel = release.as_deref().unwrap_or_default();
    row("version", format!("Sonolamp {}  Linux {kernel}", identity.version), false);
    if let Some(update) = update {
        row("update", update.words.clone(), update.news);
    }
    rows
}

/// Each lamp's line and how it stands now.
fn levels(dashboard: &Dashboard, snapshot: &Snapshot) -> String {
    let (identity, lights) = (&snapshot.identity, snapshot.lights());
    let level = |(line, light): (&String, Light)| {
        let key = match (light, identity.active_low) {
            (Light::Blinking, _) => "level-blinks",
            (Light::On, false) | (Light::Off, true) => "level-high",
            (Light::Off, false) | (Light::On, true) => "level-low",
        };
        format!("{line} {}", dashboard.texts.get(key))
    };
    let lines = identity.lines.iter().zip([lights.refer, lights.clear, lights.attention]);
    lines.map(level).collect::<Vec<_>>().join(", ")
}

fn clock_words(dashboard: &Dashboard, clock: Clock) -> String {
    let texts = &dashboard.texts;
    let date = clock.time().and_then(|t| OffsetDateTime::from_unix_timestamp(t as i64).ok());
    let Some(date) = date else { return texts.get("clock-not-set").into_owned() };
    let (year, month, day) = date.to_calendar_date();
    let (hour, minute, _) = date.to_hms();
    let kept = if matches!(clock, Clock::Synchronized(_)) { "clock-kept" } else { "clock-set" };
    let month = u8::from(month);
    let time = format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02} UTC");
    format!("{time}, {}", texts.get(kept))
}
