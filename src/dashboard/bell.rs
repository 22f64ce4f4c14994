//! The terminal's bell, which says a verdict by number: clear once, ungradable twice, refer three
//! times, a fault four times. It sounds when what is said changes, and when an exam is held.
//!
//! Single bells go out between draws, so that nothing waits for them.

use std::time::Duration;

use crate::exam::State;
use crate::screening::{Reason, Verdict};
use crate::snapshot::Snapshot;

/// Between two bells: terminals make one of those that follow each other faster.
const GAP: Duration = Duration::from_millis(300);
/// Between two messages.
const PAUSE: Duration = Duration::from_millis(900);

/// How often it sounds for a state. Before there is enough picture it does not: every exam begins so.
fn bells(snapshot: &Snapshot) -> u32 {
    let scanning = snapshot.exam.state == State::Scanning;
    match (&snapshot.fault, snapshot.verdict) {
        // One long beep of the buzzer's, which a bell does not have.
        (Some(_), _) => 4,
        (None, Some(Verdict::Refer)) => 3,
        (None, Some(Verdict::Ungradable(Reason::TooLittle))) if scanning => 0,
        (None, Some(Verdict::Ungradable(_))) => 2,
        (None, Some(Verdict::Clear)) => 1,
        (None, None) => 0,
    }
}

/// Remembers what it has said, and what it has yet to say.
#[derive(Debug, Default)]
pub struct Bell {
    said: (u32, bool),
    left: u32,
    next: Duration,
}

impl Bell {
    /// Whether it sounds at `now`, a time that only grows.
    pub fn sounds(&mut self, snapshot: &Snapshot, now: Duration) -> bool {
        let says = (bells(snapshot), snapshot.exam.state == State::Held);
        if says != self.said {
            let begun = self.left > 0 && self.left < self.said.0;
            (self.said, self.left) = (says, says.0);
            self.next = if begun { self.next + PAUSE } else { self.next.max(now) };
        }
        if self.left == 0 || now < self.next {
            return false;
        }
        self.left -= 1;
        self.next = now + if self.left == 0 { PAUSE } else { GAP };
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::exam::Exam;
    use crate::screening::Flaw;
    use crate::snapshot::{Fault, FaultKind};

    /// When it sounds in the six seconds after `from`, looked at every 50 ms.
    fn heard(bell: &mut Bell, snapshot: &Snapshot, from: u64) -> Vec<u64> {
        let sounds = |ms: &u64| bell.sounds(snapshot, Duration::from_millis(from + ms));
        (0..6000).step_by(50).filter(sounds).collect()
    }

    fn said(state: State, verdict: Option<Verdict>) -> Snapshot {
        let mut snapshot = Snapshot::new(Arc::default());
        (snapshot.exam, snapshot.verdict) = (Exam { state, number: 1 }, verdict);
        snapshot
    }

    #[test]
    fn each_change_is_said_once_by_its_own_number() {
        let (scanning, held) = (State::Scanning, State::Held);
        let too_little = Some(Verdict::Ungradable(Reason::TooLittle));
        let frozen = Some(Verdict::Ungradable(Reason::Flawed(Flaw::Frozen)));
        let mut fault = said(scanning, None);
        fault.fault = Some(Fault { kind: FaultKind::NoSignal, words: "no signal".into() });
        let mut bell = Bell::default();
        for (i, (snapshot, number)) in [
            (said(State::Idle, None), 0),
            (said(scanning, too_little), 0),
            (said(scanning, Some(Verdict::Refer)), 3),
            (said(scanning, Some(Verdict::Refer)), 0),
            (said(held, Some(Verdict::Refer)), 3),
            (said(State::Ended, None), 0),
            (said(scanning, Some(Verdict::Clear)), 1),
            (said(scanning, frozen), 2),
            (fault, 4),
            (said(scanning, too_little), 0),
            (said(held, too_little), 2),
        ]
        .into_iter()
        .enumerate()
        {
            let heard = heard(&mut bell, &snapshot, 6000 * i as u64);
            assert_eq!(heard.len(), number, "{i}: {heard:?}");
            assert!(heard.windows(2).all(|pair| pair[1] - pair[0] >= 300), "{heard:?}");
        }
    }

    #[test]
    fn a_message_that_is_cut_short_is_set_apart_from_the_next() {
        let mut bell = Bell::default();
        let refer = said(State::Scanning, Some(Verdict::Refer));
        assert!(bell.sounds(&refer, Duration::ZERO));
        let heard = heard(&mut bell, &said(State::Scanning, Some(Verdict::Clear)), 50);
        assert_eq!(heard.len(), 1);
        assert!(heard[0] >= 900, "{heard:?}");
    }
}
