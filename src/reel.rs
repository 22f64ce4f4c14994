//! Pictures kept small, to be looked through: what was seen, and what was made of it. Of what is live,
//! the last minute.

use std::collections::VecDeque;
use std::time::Duration;

use crate::exam::{Exam, State};
use crate::screening::{Flaw, Verdict};
use crate::snapshot::{HeatMap, Outline, Picture, Snapshot};

/// How far back it reaches.
pub const SPAN: Duration = Duration::from_secs(60);
/// Time between two moments.
pub const STEP: Duration = Duration::from_millis(100);
/// Largest picture that is kept, in pixels: 600 of them are 20 MB.
const LIMIT: (u32, u32) = (214, 160);
/// How many moments are a stretch worth pointing at: two seconds.
const STRETCH: usize = 20;

/// One instant of an exam.
#[derive(Debug, Default)]
pub struct Moment {
    /// Since the program started.
    pub at: Duration,
    pub exam: Exam,
    pub verdict: Option<Verdict>,
    /// Calibrated probability of referring, on the evidence at this instant.
    pub probability: f32,
    pub flaw: Option<Flaw>,
    pub picture: Picture,
    pub heat: HeatMap,
    pub outline: Outline,
}

/// The latest moments of exams, oldest first. Buffers are used again once it is full.
#[derive(Debug, Default)]
pub struct Reel {
    moments: VecDeque<Moment>,
}

impl From<Vec<Moment>> for Reel {
    fn from(moments: Vec<Moment>) -> Reel {
        Reel { moments: moments.into() }
    }
}

impl Reel {
    /// Keeps this instant if it belongs to an exam that is scanning and enough time has passed.
    pub fn follow(&mut self, snapshot: &Snapshot) {
        let due = |last: &Moment| snapshot.uptime >= last.at + STEP;
        let seen = snapshot.exam.state == State::Scanning && snapshot.fault.is_none();
        if !seen || snapshot.picture.width == 0 || !self.moments.back().is_none_or(due) {
            return;
        }
        let most = (SPAN.as_millis() / STEP.as_millis()) as usize;
        let full = self.moments.len() >= most;
        let mut moment = full.then(|| self.moments.pop_front()).flatten().unwrap_or_default();
        (moment.at, moment.exam) = (snapshot.uptime, snapshot.exam);
        (moment.verdict, moment.flaw) = (snapshot.verdict, snapshot.flaw);
        moment.probability = snapshot.evidence.probability;
        moment.picture.reduce(&snapshot.picture, LIMIT);
        moment.heat = snapshot.heat;
        moment.outline.copy_from(&snapshot.outline);
        self.moments.push_back(moment);
    }

    pub fn is_empty(&self) -> bool {
        self.moments.is_empty()
    }

    pub fn len(&self) -> usize {
        self.moments.len()
    }

    pub fn get(&self, index: usize) -> Option<&Moment> {
        self.moments.get(index)
    }

    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Moment> {
        self.moments.iter()
    }

    /// The middle of the two seconds of exam `number` that speak most for `verdict`: all of them
    /// usable where there are such, and the probability as high (or for *clear* as low) as it got.
    pub fn telling(&self, number: u32, verdict: Option<Verdict>) -> Option<usize> {
        let sign = if verdict == Some(Verdict::Clear) { -1.0 } else { 1.0 };
        let own: Vec<usize> =
            (0..self.len()).filter(|&i| self.moments[i].exam.number == number).collect();
        let worth = |stretch: &[usize]| {
            let moments = || stretch.iter().map(|&i| &self.moments[i]);
            let usable = moments().filter(|moment| moment.flaw.is_none()).count();
            let mean = moments().map(|moment| moment.probability).sum::<f32>();
            (usable, sign * mean / stretch.len() as f32)
        };
        let better = |a: &&[usize], b: &&[usize]| {
            let ((a, p), (b, q)) = (worth(a), worth(b));
            a.cmp(&b).then(p.total_cmp(&q))
        };
        let stretches = own.windows(STRETCH.min(own.len()).max(1));
        stretches.max_by(better).map(|stretch| stretch[stretch.len() / 2])
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::frame::{Bounds, Frame};

    fn snapshot(tenths: u64, probability: f32) -> Snapshot {
        let mut snapshot = Snapshot::new(Arc::default());
        let luma = vec![(tenths % 200) as u8; 640 * 480];
        let frame = Frame { width: 640, height: 480, luma, ..Frame::default() };
        snapshot.picture.shrink(&frame, Bounds::whole(&frame));
        snapshot.uptime = Duration::from_millis(100 * tenths);
        snapshot.exam = Exam { state: State::Scanning, number: 1 };
        snapshot.evidence.probability = probability;
        snapshot
    }

    #[test]
    fn a_minute_of_scanning_is_kept_in_small() {
        let mut reel = Reel::default();
        for tenths in 0..650 {
            reel.follow(&snapshot(tenths, 0.5));
            // Screens are drawn more often than moments are kept.
            let mut soon = snapshot(tenths, 0.9);
            soon.uptime += Duration::from_millis(40);
            reel.follow(&soon);
        }
        assert_eq!(reel.len(), 600);
        let (first, last) = (reel.get(0).unwrap(), reel.get(599).unwrap());
        assert_eq!((first.at.as_millis(), last.at.as_millis()), (5000, 64_900));
        assert_eq!((last.picture.width, last.picture.height), (213, 160));
        assert_eq!(last.picture.luma, vec![(649 % 200) as u8; 213 * 160]);
        let mut held = snapshot(700, 0.5);
        held.exam.state = State::Held;
        reel.follow(&held);
        assert_eq!(reel.len(), 600);
    }

    #[test]
    fn the_telling_stretch_is_usable_and_speaks_for_the_verdict() {
        let mut reel = Reel::default();
        for tenths in 0..200 {
            let probability = if (100..140).contains(&tenths) { 0.9 } else { 0.2 };
            let mut snapshot = snapshot(tenths, probability);
            snapshot.flaw = (110..125).contains(&tenths).then_some(Flaw::Noise);
            snapshot.exam.number = if tenths < 150 { 1 } else { 2 };
            reel.follow(&snapshot);
        }
        let place = |number, verdict| reel.telling(number, verdict);
        assert!((133..=138).contains(&place(1, Some(Verdict::Refer)).unwrap()));
        let clear = place(1, Some(Verdict::Clear)).unwrap();
        assert!(reel.get(clear).unwrap().probability < 0.5);
        assert!(place(2, None).unwrap() >= 150);
        assert_eq!(place(3, None), None);
    }
}
