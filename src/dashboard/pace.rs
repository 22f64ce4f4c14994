//! When a screen is drawn, and how much of a picture is in it.
//!
//! Words go at once where they matter: a verdict, a fault, an exam's state, what a key has changed.
//! All else waits until the line has taken in what was sent before.

use std::io;
use std::time::{Duration, Instant};

use super::link::{Budget, Link};
use super::question::Questions;
use super::screen::Screen;
use crate::exam::Exam;
use crate::screening::Verdict;
use crate::snapshot::{FaultKind, Snapshot};

/// How long the first answer is waited for; later ones are waited for beside the work.
const FIRST: Duration = Duration::from_millis(250);
/// News waits no longer than this to be looked for.
const SLICE: Duration = Duration::from_millis(10);

/// What must be seen without delay.
type News = (Option<Verdict>, Option<FaultKind>, Exam);

pub struct Pace {
    link: Link,
    questions: Questions,
    interval: Duration,
    /// When the next picture is due.
    due: Instant,
    told: Option<News>,
    /// Something newer than the screen is there.
    owed: bool,
    /// Keys have changed what is to be seen.
    hurried: bool,
    /// Bytes of a screen without those of its picture, lately.
    words: usize,
}

impl Pace {
    /// Asks the terminal the first question.
    pub fn begin(fps: u32, screen: &mut Screen) -> io::Result<Pace> {
        let now = Instant::now();
        let mut pace = Pace {
            link: Link::new(now),
            questions: Questions::start()?,
            interval: Duration::from_secs(1) / fps.max(1),
            due: now,
            told: None,
            owed: false,
            hurried: false,
            words: 0,
        };
        pace.probe(screen)?;
        pace.hear(FIRST);
        Ok(pace)
    }

    /// There is something new to draw.
    pub fn owe(&mut self) {
        self.owed = true;
    }

    /// A key has changed what is to be seen.
    pub fn hurry(&mut self) {
        self.hurried = true;
    }

    /// None: not yet. The inner one is what the picture may take; without it the old one stays.
    pub fn turn(&mut self, snapshot: &Snapshot) -> Option<Option<Budget>> {
        let now = Instant::now();
        let news = (snapshot.verdict, snapshot.fault.as_ref().map(|f| f.kind), snapshot.exam);
        let new = self.told != Some(news);
        let free = self.link.free(now);
        if !self.hurried && !(self.owed && (new || free && now >= self.due)) {
            return None;
        }
        self.told = Some(news);
        self.hurried = false;
        self.owed = new || !free;
        if self.owed {
            return Some(None);
        }
        self.due = (self.due + self.interval).max(now);
        Some(Some(self.link.budget().less(self.words)))
    }

    /// Sends what was drawn, `pictured` bytes of it the picture.
    pub fn send(&mut self, screen: &mut Screen, pictured: usize) -> io::Result<()> {
        let place = self.link.curious().then(|| screen.rest_elsewhere());
        let (bytes, began) = screen.send()?;
        self.link.sent(bytes, began, place.is_some());
        if let Some(place) = place {
            self.questions.ask(place);
        }
        self.words = (3 * self.words + bytes.saturating_sub(pictured)) / 4;
        Ok(())
    }

    fn probe(&mut self, screen: &mut Screen) -> io::Result<()> {
        let place = screen.rest_elsewhere();
        let began = screen.send_rest()?;
        self.link.sent(0, began, true);
        self.questions.ask(place);
        Ok(())
    }

    fn hear(&mut self, patience: Duration) {
        match self.questions.answer(patience) {
            Some(Some(at)) => self.link.answered(at),
            Some(None) => self.link.unanswered(),
            None => {}
        }
    }

    /// For how long keys may be waited for; none while an answer is awaited, and then some of that
    /// time has been waited here.
    pub fn patience(&mut self, screen: &mut Screen) -> io::Result<Option<Duration>> {
        let now = Instant::now();
        if self.link.probes(now) {
            self.probe(screen)?;
        }
        let due = self.due.saturating_duration_since(now);
        let patience = if due.is_zero() { SLICE } else { due.min(SLICE) };
        if self.link.asking() {
            self.hear(patience);
        }
        Ok((!self.link.asking()).then_some(patience))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// On a line that is busy for hours.
    fn busy() -> Pace {
        let now = Instant::now();
        let mut link = Link::new(now);
        link.sent(1 << 40, now, false);
        let questions = Questions::start().unwrap();
        let interval = Duration::from_millis(50);
        Pace {
            link,
            questions,
            interval,
            due: now,
            told: None,
            owed: false,
            hurried: false,
            words: 0,
        }
    }

    #[test]
    fn what_matters_goes_at_once_and_without_a_picture() {
        let mut pace = busy();
        let mut snapshot = Snapshot::new(Default::default());
        assert_eq!(pace.turn(&snapshot), None, "nothing has come yet");
        pace.owe();
        assert_eq!(pace.turn(&snapshot), Some(None));
        assert_eq!(pace.turn(&snapshot), None, "the picture waits");
        snapshot.evidence.probability = 0.7;
        pace.owe();
        assert_eq!(pace.turn(&snapshot), None);
        snapshot.verdict = Some(Verdict::Refer);
        assert_eq!(pace.turn(&snapshot), Some(None));
        snapshot.exam.number += 1;
        assert_eq!(pace.turn(&snapshot), Some(None));
        pace.hurry();
        assert_eq!(pace.turn(&snapshot), Some(None), "keys are answered too");
        assert_eq!(pace.turn(&snapshot), None);
    }

    #[test]
    fn a_free_line_gets_the_picture_at_its_time() {
        let mut pace = Pace { link: Link::new(Instant::now()), ..busy() };
        let snapshot = Snapshot::new(Default::default());
        pace.owe();
        assert_eq!(pace.turn(&snapshot), Some(None), "words first");
        assert!(matches!(pace.turn(&snapshot), Some(Some(_))), "and the picture is owed");
        pace.owe();
        pace.due += Duration::from_secs(3600);
        assert_eq!(pace.turn(&snapshot), None);
    }
}
