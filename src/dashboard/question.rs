//! Asks the terminal where its cursor is, which it answers when all before has been drawn.
//!
//! crossterm tells the answer from keys, but only to one who waits for it, so a thread waits. While
//! it does it alone reads from the terminal: keys stand in crossterm's queue until the answer is in,
//! two seconds at most. A modified F3 looks like an answer; so the cursor is put elsewhere for each
//! question, and what names another place is none.

use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ratatui::crossterm::cursor;

/// So many strays are passed over; more may stand in the queue after a line has stopped.
const STRAYS: usize = 20;

/// Column and row.
pub type Place = (u16, u16);

pub struct Questions {
    ask: Option<SyncSender<Place>>,
    answers: Receiver<Option<Instant>>,
    thread: Option<JoinHandle<()>>,
}

impl Questions {
    pub fn start() -> io::Result<Questions> {
        let (ask, asked) = sync_channel(1);
        let (answer, answers) = sync_channel(1);
        let thread = std::thread::Builder::new().name("terminal".into()).spawn(move || {
            while let Ok(place) = asked.recv() {
                if answer.send(await_answer(place)).is_err() {
                    break;
                }
            }
        })?;
        Ok(Questions { ask: Some(ask), answers, thread: Some(thread) })
    }

    /// Asks; the cursor stands at `place` and stays until the answer is in.
    pub fn ask(&self, place: Place) {
        // One question at a time, so there is room; a thread that is gone gives no answer.
        self.ask.as_ref().map(|ask| ask.try_send(place));
    }

    /// Waits for the answer: when it came, or that none will.
    pub fn answer(&self, patience: Duration) -> Option<Option<Instant>> {
        match self.answers.recv_timeout(patience) {
            Ok(answer) => Some(answer),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(None),
        }
    }
}

/// Waits for the last answer, which would be typed at the shell otherwise.
impl Drop for Questions {
    fn drop(&mut self) {
        self.ask = None;
        self.thread.take().map(JoinHandle::join);
    }
}

fn await_answer(place: Place) -> Option<Instant> {
    for _ in 0..STRAYS {
        if cursor::position().ok()? == place {
            break;
        }
    }
    Some(Instant::now())
}
