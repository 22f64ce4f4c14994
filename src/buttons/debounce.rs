//! From the edges of a bouncing contact to presses; pure, and decided by timestamps alone.
//!
//! A level counts once it has stood for the debounce time, so neither bounce nor a spike shorter
//! than that is a press, and a thread that reads late decides the same.

use std::time::Duration;

/// What an operator did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Pressed,
    Released,
    /// Once for a press that lasts.
    HeldLong,
}

/// One button.
#[derive(Debug, Clone)]
pub struct Debouncer {
    stand: Duration,
    long: Duration,
    pressed: bool,
    since: Duration,
    /// The latest edge, until its level has stood for long enough.
    pending: Option<(Duration, bool)>,
    long_due: bool,
}

impl Debouncer {
    /// A level must `stand` for that time to count; `pressed` is the level now, which is no press.
    pub fn new(stand: Duration, long: Duration, pressed: bool) -> Debouncer {
        let since = Duration::ZERO;
        Debouncer { stand, long, pressed, since, pending: None, long_due: false }
    }

    /// What is certain at `now`; ask again until there is nothing, and before each [`Self::edge`].
    pub fn settle(&mut self, now: Duration) -> Option<Event> {
        if let Some((at, level)) = self.pending
            && now.saturating_sub(at) >= self.stand
        {
            self.pending = None;
            if level != self.pressed {
                (self.pressed, self.since, self.long_due) = (level, at, level);
                return Some(if level { Event::Pressed } else { Event::Released });
            }
        }
        let holding = self.long_due && self.pending.is_none_or(|(_, level)| level);
        if holding && now.saturating_sub(self.since) >= self.long {
            self.long_due = false;
            return Some(Event::HeldLong);
        }
        None
    }

    /// Takes in an edge and the level after it.
    pub fn edge(&mut self, at: Duration, pressed: bool) {
        self.pending = Some((at, pressed));
    }

    /// How long after `now` [`Self::settle`] may have something to say, if nothing happens.
    pub fn due(&self, now: Duration) -> Option<Duration> {
        let pending = self.pending.map(|(at, _)| at + self.stand);
        let long = self.long_due.then(|| self.since + self.long);
        pending.into_iter().chain(long).min().map(|at| at.saturating_sub(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oorandom::Rand32;
    use proptest::prelude::*;

    const STAND: Duration = Duration::from_millis(20);
    const LONG: Duration = Duration::from_secs(5);

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// A contact that goes to `level` with bounce; the kernel may read a level late.
    fn bounce(
        edges: &mut Vec<(Duration, bool)>,
        at: &mut Duration,
        level: bool,
        dice: &mut Rand32,
    ) {
        for i in 0..dice.rand_range(0..12) {
            let read_late = dice.rand_range(0..8) == 0;
            edges.push((*at, (level ^ (i % 2 == 1)) || read_late));
            *at += Duration::from_micros(u64::from(dice.rand_range(1..19_000)));
        }
        edges.push((*at, level));
    }

    /// Feeds `edges`, looking up now and then as a thread that is sometimes late would.
    fn events(edges: &[(Duration, bool)], end: Duration, dice: &mut Rand32) -> Vec<Event> {
        let mut button = Debouncer::new(STAND, LONG, false);
        let mut events = Vec::new();
        for (i, &(at, level)) in edges.iter().enumerate() {
            events.extend(std::iter::from_fn(|| button.settle(at)));
            button.edge(at, level);
            let next = edges.get(i + 1).map_or(end, |&(next, _)| next);
            if dice.rand_range(0..3) > 0 {
                let look = at + (next - at).mul_f32(dice.rand_float());
                events.extend(std::iter::from_fn(|| button.settle(look)));
            }
        }
        events.extend(std::iter::from_fn(|| button.settle(end)));
        events
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]
        #[test]
        fn ten_thousand_bouncing_presses_are_ten_thousand(seed: u64) {
            let mut dice = Rand32::new(seed);
            let (mut edges, mut at) = (Vec::new(), ms(1000));
            for _ in 0..10_000 {
                // A spike on the cable, shorter than any press.
                edges.push((at, true));
                edges.push((at + ms(u64::from(dice.rand_range(0..20))), false));
                at += ms(100);
                bounce(&mut edges, &mut at, true, &mut dice);
                at += STAND + ms(u64::from(dice.rand_range(0..300)));
                bounce(&mut edges, &mut at, false, &mut dice);
                at += ms(100);
            }
            let events = events(&edges, at, &mut dice);
            let expected = [Event::Pressed, Event::Released].repeat(10_000);
            prop_assert!(events == expected, "{} events", events.len());
        }
    }

    #[test]
    fn a_long_press_is_told_once_and_a_shorter_one_never() {
        let mut dice = Rand32::new(1);
        let edges = [(ms(100), true), (ms(5099), false), (ms(6000), true), (ms(20_000), false)];
        use Event::*;
        assert_eq!(
            events(&edges, ms(30_000), &mut dice),
            [Pressed, Released, Pressed, HeldLong, Released]
        );
    }

    #[test]
    fn a_button_held_from_the_start_is_neither_a_press_nor_a_long_one() {
        let mut button = Debouncer::new(STAND, LONG, true);
        assert_eq!((button.settle(ms(60_000)), button.due(ms(60_000))), (None, None));
        button.edge(ms(60_000), false);
        assert_eq!(button.due(ms(60_005)), Some(ms(15)));
        assert_eq!(button.settle(ms(60_019)), None);
        assert_eq!(button.settle(ms(60_020)), Some(Event::Released));
        button.edge(ms(61_000), true);
        assert_eq!(button.settle(ms(61_020)), Some(Event::Pressed));
        assert_eq!(button.due(ms(61_020)), Some(ms(4980)));
    }
}
