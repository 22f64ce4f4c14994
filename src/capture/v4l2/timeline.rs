//! Sequence numbers and capture times out of what drivers write into their buffers.
//!
//! Drivers count in 32 bits, start anywhere, count fields or not at all, and stamp frames with
//! the monotonic clock or with something else. What comes out counts from 0, never stands still
//! and never goes back; where the driver cannot be believed, the clock at dequeuing takes over.

use std::time::Duration;

/// A jump of the sequence by more than this is a driver that starts over, not lost frames.
const MOST_LOST: u32 = 10_000;
/// A driver's clock may run ahead of ours by this much between two frames.
const SLACK: Duration = Duration::from_secs(1);

/// Places frames of one source in order.
#[derive(Debug, Default)]
pub struct Timeline {
    last: Option<Last>,
}

#[derive(Debug, Clone, Copy)]
struct Last {
    raw: u32,
    stamp: Option<Duration>,
    now: Duration,
    sequence: u64,
    timestamp: Duration,
}

impl Timeline {
    /// The sequence number and timestamp of a frame that the driver numbered `raw` and stamped
    /// `stamp` (by the monotonic clock), dequeued at `now`.
    pub fn place(&mut self, raw: u32, stamp: Option<Duration>, now: Duration) -> (u64, Duration) {
        let (mut sequence, mut timestamp) = (0, Duration::ZERO);
        if let Some(last) = self.last {
            let step = raw.wrapping_sub(last.raw);
            sequence = last.sequence + u64::from(if step > MOST_LOST { 1 } else { step.max(1) });
            let waited = now.saturating_sub(last.now);
            let driver = stamp.zip(last.stamp).and_then(|(stamp, last)| stamp.checked_sub(last));
            let step = driver.filter(|step| *step <= waited + SLACK).unwrap_or(waited);
            timestamp = last.timestamp + step.max(Duration::from_micros(1));
        }
        self.last = Some(Last { raw, stamp, now, sequence, timestamp });
        (sequence, timestamp)
    }
}

/// A buffer's time; `None` where it is not by the monotonic clock, absent or nonsense.
pub fn driver_time(monotonic: bool, seconds: i128, microseconds: i128) -> Option<Duration> {
    let seconds = u64::try_from(seconds).ok()?;
    let microseconds = u32::try_from(microseconds).ok().filter(|&us| us < 1_000_000)?;
    let time = Duration::new(seconds, microseconds * 1000);
    (monotonic && !time.is_zero()).then_some(time)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn gaps_are_counted_through_the_wrap_and_restarts_are_not() {
        let mut timeline = Timeline::default();
        let raws = [u32::MAX - 1, u32::MAX, 2, 3, 3, 3, 0, 1];
        let places = raws.map(|raw| timeline.place(raw, None, ms(0)).0);
        assert_eq!(places, [0, 1, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn the_driver_is_believed_where_it_makes_sense() {
        let mut timeline = Timeline::default();
        let mut at = |stamp, now| timeline.place(0, stamp, ms(now)).1;
        assert_eq!(at(Some(ms(70_000)), 500), ms(0));
        assert_eq!(at(Some(ms(70_040)), 555), ms(40));
        assert_eq!(at(Some(ms(90_000)), 600), ms(85), "a leap of the driver's clock");
        assert_eq!(at(Some(ms(10)), 640), ms(125), "a step back");
        assert_eq!(at(None, 680), ms(165));
        assert_eq!(driver_time(true, 70, 40_000), Some(ms(70_040)));
        for (monotonic, s, us) in
            [(false, 70, 0), (true, 0, 0), (true, -1, 0), (true, 0, 1_000_000), (true, 5, -3)]
        {
            assert_eq!(driver_time(monotonic, s, us), None);
        }
        let largest = (i128::from(i64::MAX), i128::from(i64::MAX));
        assert_eq!(driver_time(true, largest.0, largest.1), None);
    }

    proptest! {
        #[test]
        fn whatever_a_driver_writes_both_only_grow(
            frames in prop::collection::vec((any::<u32>(), any::<Option<u64>>(), 0u64..100), 2..50)
        ) {
            let (mut timeline, mut now, mut last) = (Timeline::default(), 0, None);
            for (raw, stamp, wait) in frames {
                now += wait;
                let place = timeline.place(raw, stamp.map(ms), ms(now));
                if let Some((sequence, timestamp)) = last {
                    prop_assert!(place.0 > sequence && place.1 > timestamp);
                }
                last = Some(place);
            }
        }
    }
}
