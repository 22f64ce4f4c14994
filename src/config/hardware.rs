//! Lamps, buttons and the panel: what is wired to the board.

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::LampDriver;
use crate::buttons;
use crate::error::Error;
use crate::gpio::{Bias, LineName};
use crate::lamps;
use crate::panel;

/// Makes an error of a problem and a remedy.
type Wrong<'a> = &'a dyn Fn(String, &str) -> Error;

/// The name of no line.
const NONE: &str = "none";

/// A line: an offset, or a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged, expecting = "a GPIO number or the name of a line in quotes")]
pub enum RawLine {
    Number(i64),
    Name(String),
}

fn none() -> RawLine {
    RawLine::Name(NONE.into())
}

fn line(key: &str, raw: &RawLine, wrong: Wrong<'_>) -> Result<LineName, Error> {
    let text = match raw {
        RawLine::Number(number) => number.to_string(),
        RawLine::Name(name) => name.clone(),
    };
    if text == NONE {
        return Err(wrong(format!("`{key}` is \"{NONE}\""), "name a line; this one is needed"));
    }
    let shown = if matches!(raw, RawLine::Name(_)) { format!("\"{text}\"") } else { text.clone() };
    LineName::from_str(&text).map_err(|allowed| wrong(format!("`{key}` is {shown}"), allowed))
}

fn optional(key: &str, raw: &RawLine, wrong: Wrong<'_>) -> Result<Option<LineName>, Error> {
    match raw {
        RawLine::Name(name) if name == NONE => Ok(None),
        raw => line(key, raw, wrong).map(Some),
    }
}

fn number(key: &str, value: i64, low: i64, high: i64, wrong: Wrong<'_>) -> Result<u64, Error> {
    if (low..=high).contains(&value) {
        return Ok(value as u64);
    }
    Err(wrong(format!("`{key}` is {value}"), &format!("allowed: {low} to {high}")))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawLamps {
    pub driver: LampDriver,
    chip: String,
    refer: RawLine,
    clear: RawLine,
    attention: RawLine,
    heartbeat: RawLine,
    buzzer: RawLine,
    active_low: bool,
    brightness: i64,
    pub stale_ms: i64,
}

impl Default for RawLamps {
    fn default() -> RawLamps {
        RawLamps {
            driver: LampDriver::Console,
            chip: "/dev/gpiochip0".into(),
            refer: RawLine::Number(17),
            clear: RawLine::Number(27),
            attention: RawLine::Number(22),
            heartbeat: RawLine::Number(23),
            buzzer: none(),
            active_low: false,
            brightness: 100,
            stale_ms: 1000,
        }
    }
}

impl RawLamps {
    pub fn validate(&self, wrong: Wrong<'_>) -> Result<lamps::Wiring, Error> {
        let of = |key: &str, raw| line(&format!("lamps.{key}"), raw, wrong);
        let brightness = number("lamps.brightness", self.brightness, 1, 100, wrong)? as u8;
        if brightness != 100 && self.driver == LampDriver::Gpiochip {
            let problem = format!("`lamps.brightness` is {brightness} with driver = \"gpiochip\"");
            return Err(wrong(problem, "set 100, or driver = \"rppal\" on a Raspberry Pi"));
        }
        let wiring = lamps::Wiring {
            chip: self.chip.clone(),
            refer: of("refer", &self.refer)?,
            clear: of("clear", &self.clear)?,
            attention: of("attention", &self.attention)?,
            heartbeat: of("heartbeat", &self.heartbeat)?,
            buzzer: optional("lamps.buzzer", &self.buzzer, wrong)?,
            active_low: self.active_low,
            brightness,
        };
        let unknown = wiring.lines().into_iter().find(|line| line.pi_number().is_none());
        if let Some(line) = unknown.filter(|_| self.driver == LampDriver::Rppal) {
            let problem = format!("`lamps` names {line}, which driver = \"rppal\" does not know");
            return Err(wrong(problem, "name it GPIO0 to GPIO53, or use driver = \"gpiochip\""));
        }
        Ok(wiring)
    }
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawBias {
    PullUp,
    PullDown,
    External,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawButtons {
    chip: String,
    start: RawLine,
    freeze: RawLine,
    active_low: bool,
    bias: RawBias,
    debounce_ms: i64,
    long_press_ms: i64,
    pub shutdown_command: Vec<String>,
}

impl Default for RawButtons {
    fn default() -> RawButtons {
        RawButtons {
            chip: "/dev/gpiochip0".into(),
            start: none(),
            freeze: none(),
            active_low: true,
            bias: RawBias::PullUp,
            debounce_ms: 20,
            long_press_ms: 5000,
            shutdown_command: vec!["systemctl".into(), "poweroff".into()],
        }
    }
}

impl RawButtons {
    pub fn validate(&self, wrong: Wrong<'_>) -> Result<buttons::Wiring, Error> {
        let debounce = number("buttons.debounce_ms", self.debounce_ms, 1, 200, wrong)?;
        let long = number("buttons.long_press_ms", self.long_press_ms, 1000, 60_000, wrong)?;
        Ok(buttons::Wiring {
            chip: self.chip.clone(),
            start: optional("buttons.start", &self.start, wrong)?,
            freeze: optional("buttons.freeze", &self.freeze, wrong)?,
            active_low: self.active_low,
            bias: match self.bias {
                RawBias::PullUp => Bias::PullUp,
                RawBias::PullDown => Bias::PullDown,
                RawBias::External => Bias::External,
            },
            debounce: Duration::from_millis(debounce),
            long_press: Duration::from_millis(long),
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawDriver {
    None,
    Ssd1306,
    St7789,
    Ili9341,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawPanel {
    driver: RawDriver,
    i2c: String,
    address: i64,
    spi: String,
    spi_hz: i64,
    dc: RawLine,
    reset: RawLine,
    chip: String,
    rotation: i64,
}

impl Default for RawPanel {
    fn default() -> RawPanel {
        RawPanel {
            driver: RawDriver::None,
            i2c: "/dev/i2c-1".into(),
            address: 0x3c,
            spi: "/dev/spidev0.0".into(),
            spi_hz: 32_000_000,
            dc: RawLine::Number(25),
            reset: none(),
            chip: "/dev/gpiochip0".into(),
            rotation: 0,
        }
    }
}

impl RawPanel {
    /// `None` where there is no panel.
    pub fn validate(&self, wrong: Wrong<'_>) -> Result<Option<panel::Wiring>, Error> {
        let address = number("panel.address", self.address, 0x08, 0x77, wrong)?;
        let hertz = number("panel.spi_hz", self.spi_hz, 100_000, 80_000_000, wrong)?;
        let driver = match self.driver {
            RawDriver::None | RawDriver::Ssd1306 => panel::Driver::Ssd1306,
            RawDriver::St7789 => panel::Driver::St7789,
            RawDriver::Ili9341 => panel::Driver::Ili9341,
        };
        let mono = self.driver == RawDriver::Ssd1306;
        let allowed: &[i64] = if mono { &[0, 180] } else { &[0, 90, 180, 270] };
        if !allowed.contains(&self.rotation) {
            let problem = format!("`panel.rotation` is {}", self.rotation);
            return Err(wrong(problem, &format!("allowed here: {allowed:?} degrees")));
        }
        let wiring = panel::Wiring {
            driver,
            i2c: self.i2c.clone(),
            address: address as u8,
            spi: self.spi.clone(),
            hertz: hertz as u32,
            dc: line("panel.dc", &self.dc, wrong)?,
            reset: optional("panel.reset", &self.reset, wrong)?,
            chip: self.chip.clone(),
            rotation: self.rotation as u16,
        };
        Ok(Some(wiring).filter(|_| self.driver != RawDriver::None))
    }
}

/// Refuses a line with two uses, as far as names tell; the kernel refuses the rest.
pub fn no_line_twice(
    lamps: (LampDriver, &lamps::Wiring),
    buttons: &buttons::Wiring,
    panel: Option<&panel::Wiring>,
    wrong: Wrong<'_>,
) -> Result<(), Error> {
    let (driver, lamps) = lamps;
    let mut used: Vec<(&str, &LineName)> =
        lamps.lines().into_iter().map(|line| (lamps.chip.as_str(), line)).collect();
    if driver == LampDriver::Console {
        // These are only looked at among themselves: nothing drives them.
        unique(&used, "lamps", wrong)?;
        used.clear();
    }
    used.extend(buttons.lines().map(|(_, line)| (buttons.chip.as_str(), line)));
    if let Some(panel) = panel {
        let dc = Some(&panel.dc).filter(|_| panel.driver != panel::Driver::Ssd1306);
        used.extend(dc.into_iter().chain(&panel.reset).map(|line| (panel.chip.as_str(), line)));
    }
    unique(&used, "the configuration", wrong)
}

fn unique(used: &[(&str, &LineName)], whose: &str, wrong: Wrong<'_>) -> Result<(), Error> {
    for (i, &(chip, line)) in used.iter().enumerate() {
        let same =
            |&(at, other): &(&str, &LineName)| LineName::same_line((line, chip), (other, at));
        if used[..i].iter().any(same) {
            let problem = format!("`{whose}` uses a line twice ({line})");
            return Err(wrong(problem, "give each lamp, button and signal a line of its own"));
        }
    }
    Ok(())
}
