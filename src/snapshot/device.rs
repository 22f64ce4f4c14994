//! The box that Sonolamp runs on, as far as it is known.

use serde::{Deserialize, Serialize};

/// What is known of the box at one instant.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// As the board names itself, e.g. "Raspberry Pi 4 Model B Rev 1.4".
    pub board: Option<String>,
    /// Of the kernel.
    pub release: Option<String>,
    /// Hottest thermal zone, degrees Celsius.
    pub temperature: Option<f32>,
    pub power: Option<Power>,
    /// Where exams and logs go.
    pub disk: Option<Disk>,
    /// Bytes that programs can still get, and all.
    pub memory: Option<(u64, u64)>,
    pub clock: Clock,
    /// Of an update from a stick since the start, if there was one.
    pub update: Option<Update>,
}

/// What became of an update (`deploy/update`), or what is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    pub words: String,
    /// Said a short time ago: somebody may be waiting for it.
    pub news: bool,
}

/// What a Raspberry Pi's firmware says of its supply (`get_throttled`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Power {
    pub under_voltage: bool,
    /// Slowed down, by heat or by voltage.
    pub throttled: bool,
    /// Either of these since the start.
    pub earlier: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// Bytes that are free for programs, and all.
    pub free: u64,
    pub size: u64,
    pub read_only: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// Never set since the box lost its power.
    #[default]
    NotSet,
    /// Set, by hand or by a clock of the box's own; seconds since 1970, UTC.
    Set(u64),
    /// Kept by a time server.
    Synchronized(u64),
}

impl Clock {
    /// Seconds since 1970, UTC, if it can be believed.
    pub fn time(self) -> Option<u64> {
        match self {
            Clock::NotSet => None,
            Clock::Set(time) | Clock::Synchronized(time) => Some(time),
        }
    }
}
