//! What the line to the terminal carries, from bytes sent and the times of answers: pure arithmetic.
//!
//! Between the program and a screen far away lie buffers of megabytes, so a write that returns says
//! nothing. The terminal is asked where its cursor is; it answers when all before the question has
//! been drawn. The bytes over that time, less the time there and back, are the rate. With it what
//! still waits in the buffers is reckoned, so a picture need not wait for the answer to the one
//! before; and none takes more than a tenth of a second, which is all that a change of verdict ever
//! stands behind.

use std::time::{Duration, Instant};

/// What a picture may take where it can be had in good quality, so that twenty a second fit.
const FLUENT: Duration = Duration::from_millis(50);
/// What any picture may take.
const LONGEST: Duration = Duration::from_millis(100);
/// Bytes a second where nothing is known: one megabit.
const MODEST: f64 = 125_000.0;
/// The weight of the past at a new measurement.
const MEMORY: f64 = 0.7;
/// Fewer bytes than these say nothing of a rate, unless they take as long as this.
const SMALL: f64 = 1500.0;
const SLOW: f64 = 0.05;
/// No answer is believed to have taken less.
const INSTANT: f64 = 0.0005;
/// An answer that is later than twice its time and this means a line that has stopped.
const GRACE: Duration = Duration::from_millis(50);
/// How often the time there and back is measured.
const PROBE: Duration = Duration::from_secs(5);

/// Bytes that the next picture may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// For one of good quality.
    pub fluent: usize,
    pub most: usize,
}

impl Budget {
    pub const UNLIMITED: Budget = Budget { fluent: usize::MAX, most: usize::MAX };

    pub fn less(self, bytes: usize) -> Budget {
        let less = |budget: usize| budget.saturating_sub(bytes);
        Budget { fluent: less(self.fluent), most: less(self.most) }
    }
}

/// Asked when `began` the writing of what precedes it; that and what waited before are `bytes`.
#[derive(Debug, Clone, Copy)]
struct Question {
    began: Instant,
    bytes: f64,
    /// By then the answer is late.
    late: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Terminal {
    Unknown,
    Answers,
    /// It did, and does no more: nothing gets through.
    Stuck,
    Mute,
}

#[derive(Debug)]
pub struct Link {
    terminal: Terminal,
    there_and_back: Duration,
    /// Measured so far, fading: bytes and the seconds that they took.
    carried: (f64, f64),
    /// When what was sent will have arrived, by reckoning.
    empty: Instant,
    question: Option<Question>,
    /// Bytes sent after the question.
    since: f64,
    probed: Instant,
}

impl Link {
    pub fn new(now: Instant) -> Link {
        Link {
            terminal: Terminal::Unknown,
            there_and_back: Duration::ZERO,
            carried: (0.0, 0.0),
            empty: now,
            question: None,
            since: 0.0,
            probed: now,
        }
    }

    /// Bytes a second.
    fn rate(&self) -> f64 {
        let (bytes, seconds) = self.carried;
        if seconds > 0.0 { bytes / seconds } else { MODEST }
    }

    fn time(&self, bytes: f64) -> Duration {
        Duration::from_secs_f64((bytes / self.rate()).min(3600.0))
    }

    fn waiting(&self, now: Instant) -> f64 {
        self.empty.saturating_duration_since(now).as_secs_f64() * self.rate()
    }

    /// So many bytes were written, beginning then; `asked` if a question follows them.
    pub fn sent(&mut self, bytes: usize, began: Instant, asked: bool) {
        let waiting = self.waiting(began) + bytes as f64;
        let time = self.time(waiting);
        self.empty = began + time;
        if asked {
            let late = began + 2 * (time + self.there_and_back) + GRACE;
            self.question = Some(Question { began, bytes: waiting, late });
            self.since = 0.0;
        } else {
            self.since += bytes as f64;
        }
    }

    /// The terminal has answered.
    pub fn answered(&mut self, now: Instant) {
        self.terminal = Terminal::Answers;
        let Some(question) = self.question.take() else { return };
        let took = now.saturating_duration_since(question.began);
        let before = self.there_and_back;
        if question.bytes < 1.0 {
            // A way that has become longer is believed by and by: it may have been a delay.
            let most = if before.is_zero() { took } else { before + before / 4 };
            self.there_and_back = took.min(most);
            self.probed = now;
        } else {
            self.there_and_back = took.min(before);
            let seconds = took.saturating_sub(self.there_and_back).as_secs_f64().max(INSTANT);
            if question.bytes >= SMALL || seconds >= SLOW {
                self.carried.0 = MEMORY * self.carried.0 + question.bytes;
                self.carried.1 = MEMORY * self.carried.1 + seconds;
            }
        }
        self.empty = now + self.time(self.since);
    }

    /// No answer came.
    pub fn unanswered(&mut self) {
        self.question = None;
        self.terminal = match self.terminal {
            Terminal::Unknown | Terminal::Mute => Terminal::Mute,
            Terminal::Answers | Terminal::Stuck => Terminal::Stuck,
        };
    }

    pub fn asking(&self) -> bool {
        self.question.is_some()
    }

    /// Whether what comes next would arrive at once.
    pub fn free(&self, now: Instant) -> bool {
        let late = self.question.is_some_and(|question| now > question.late);
        self.terminal != Terminal::Stuck && !late && now >= self.empty
    }

    /// Whether a question is to follow the next bytes.
    pub fn curious(&self) -> bool {
        self.question.is_none() && self.terminal != Terminal::Mute
    }

    /// Whether a question is due that nothing precedes.
    pub fn probes(&self, now: Instant) -> bool {
        let due = self.terminal == Terminal::Stuck
            || now >= self.empty && now.saturating_duration_since(self.probed) >= PROBE;
        self.curious() && due
    }

    pub fn budget(&self) -> Budget {
        let bytes = |time: Duration| (self.rate() * time.as_secs_f64()) as usize;
        Budget { fluent: bytes(FLUENT), most: bytes(LONGEST) }
    }
}

#[cfg(test)]
mod tests;
