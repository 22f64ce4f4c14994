//! The start and freeze buttons: presses become the same commands as the dashboard's keys.
//!
//! Each button has a thread of its own that sleeps in the kernel. A long press of start ends the
//! program in order, and the box after it.

mod debounce;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::exam::Command;
use crate::gpio::{Bias, Edge, InputLine, LineName};
use crate::pipeline::shutdown::{EndsAll, Shutdown};
use debounce::{Debouncer, Event};

/// Longest sleep before looking for shutdown.
const NAP: Duration = Duration::from_millis(100);

/// Where the buttons are and how they behave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wiring {
    /// The GPIO character device that offsets belong to.
    pub chip: String,
    pub start: Option<LineName>,
    pub freeze: Option<LineName>,
    /// A pressed button pulls its line low.
    pub active_low: bool,
    pub bias: Bias,
    pub debounce: Duration,
    pub long_press: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Button {
    Start,
    Freeze,
}

impl Wiring {
    /// The buttons that there are.
    pub fn lines(&self) -> impl Iterator<Item = (Button, &LineName)> {
        let start = self.start.as_ref().map(|line| (Button::Start, line));
        start.into_iter().chain(self.freeze.as_ref().map(|line| (Button::Freeze, line)))
    }
}

/// What all buttons have in common while the program runs.
#[derive(Debug, Default)]
pub struct Desk {
    edges: AtomicU64,
    presses: AtomicU64,
    lost: AtomicU64,
    power_off: AtomicBool,
}

impl Desk {
    /// Whether a long press asked for the box to be shut down.
    pub fn power_off(&self) -> bool {
        self.power_off.load(Ordering::Relaxed)
    }

    /// `12 edges, 2 presses, 0 edges lost`.
    pub fn words(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (edges, presses) = (count(&self.edges), count(&self.presses));
        format!("{edges} edges, {presses} presses, {} edges lost", count(&self.lost))
    }
}

/// One button between the kernel's edges and the engine's commands.
struct Follower<'a> {
    button: Button,
    debouncer: Debouncer,
    edges_seen: u32,
    desk: &'a Desk,
    commands: &'a SyncSender<Command>,
    shutdown: &'a Shutdown,
}

impl Follower<'_> {
    fn edge(&mut self, edge: Edge) {
        // The kernel counts a line's edges from 1 and drops the oldest when nobody reads them.
        let lost = edge.number.wrapping_sub(self.edges_seen).saturating_sub(1);
        self.edges_seen = edge.number;
        self.desk.lost.fetch_add(u64::from(lost), Ordering::Relaxed);
        self.desk.edges.fetch_add(1, Ordering::Relaxed);
        self.settle(edge.at);
        self.debouncer.edge(edge.at, edge.active);
    }

    fn settle(&mut self, now: Duration) {
        while let Some(event) = self.debouncer.settle(now) {
            let command = match (self.button, event) {
                (Button::Start, Event::Pressed) => Command::Advance,
                (Button::Freeze, Event::Pressed) => Command::Hold,
                (Button::Start, Event::HeldLong) => {
                    self.desk.power_off.store(true, Ordering::Relaxed);
                    self.shutdown.request();
                    continue;
                }
                (_, Event::Released) | (Button::Freeze, Event::HeldLong) => continue,
            };
            self.desk.presses.fetch_add(1, Ordering::Relaxed);
            // The engine drains its orders many times a second; a full queue is a stuck button.
            let _ = self.commands.try_send(command);
        }
    }
}

/// Follows `button` on `line` until shutdown.
pub fn run(
    (button, line): (Button, &LineName),
    wiring: &Wiring,
    desk: &Desk,
    commands: &SyncSender<Command>,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    let _end = EndsAll(shutdown);
    let line = InputLine::open(line, &wiring.chip, wiring.active_low, wiring.bias)?;
    let debouncer = Debouncer::new(wiring.debounce, wiring.long_press, line.active()?);
    let mut follower = Follower { button, debouncer, edges_seen: 0, desk, commands, shutdown };
    let mut edges = Vec::new();
    // The kernel's time of the latest edge, and ours when it was read: no later than the true now.
    let mut clock: Option<(Duration, Instant)> = None;
    let now = |clock: Option<(Duration, Instant)>| {
        clock.map_or(Duration::ZERO, |(at, read)| at + read.elapsed())
    };
    while !shutdown.requested() {
        let patience = follower.debouncer.due(now(clock)).unwrap_or(NAP).min(NAP);
        line.edges(patience, &mut edges)?;
        if edges.is_empty() {
            follower.settle(now(clock));
        }
        for edge in edges.drain(..) {
            clock = Some((edge.at, Instant::now()));
            follower.edge(edge);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn follow(button: Button, edges: &[(u64, bool, u32)], desk: &Desk) -> (Vec<Command>, bool) {
        let (commands, orders) = mpsc::sync_channel(16);
        let shutdown = Shutdown::default();
        let debouncer = Debouncer::new(Duration::from_millis(20), Duration::from_secs(5), false);
        let (commands, shutdown) = (&commands, &shutdown);
        let mut follower = Follower { button, debouncer, edges_seen: 0, desk, commands, shutdown };
        for &(at, active, number) in edges {
            follower.edge(Edge { at: Duration::from_millis(at), active, number });
        }
        follower.settle(Duration::from_secs(100));
        (orders.try_iter().collect(), shutdown.requested())
    }

    #[test]
    fn presses_become_commands_and_a_long_one_of_start_ends_all() {
        let short = [(0, true, 1), (100, false, 2), (1000, true, 3), (1100, false, 4)];
        let long = [(0, true, 1), (6000, false, 2)];
        for (button, edges, commands, ended) in [
            (Button::Start, &short[..], vec![Command::Advance; 2], false),
            (Button::Freeze, &short, vec![Command::Hold; 2], false),
            (Button::Start, &long, vec![Command::Advance], true),
            (Button::Freeze, &long, vec![Command::Hold], false),
        ] {
            let desk = Desk::default();
            assert_eq!(follow(button, edges, &desk), (commands, ended), "{button:?}");
            assert_eq!(desk.power_off(), ended);
        }
    }

    #[test]
    fn edges_that_the_kernel_dropped_are_counted() {
        let desk = Desk::default();
        let edges = [(0, true, 3), (100, false, 4), (1000, true, 9), (1100, false, 10)];
        assert_eq!(follow(Button::Freeze, &edges, &desk).0.len(), 2);
        assert_eq!(desk.words(), "4 edges, 2 presses, 6 edges lost");
    }
}
