//! One slot between two threads: the newest value wins, and what it pushed out is counted.
//!
//! Values are swapped with a buffer of the caller's, so nothing is allocated or copied here. A
//! slow reader therefore never delays the writer, and never sees anything old.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A one-value slot.
pub struct Latest<T> {
    slot: Mutex<Slot<T>>,
    ready: Condvar,
}

struct Slot<T> {
    value: T,
    fresh: bool,
    closed: bool,
    dropped: u64,
}

/// What a reader found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// A value not seen before has been swapped in.
    Fresh,
    /// Nothing new came in time.
    TimedOut,
    /// The writer is done, and its last value has been taken.
    Closed,
}

impl<T> Latest<T> {
    /// A slot whose spare buffer is `value`.
    pub fn new(value: T) -> Latest<T> {
        let slot = Slot { value, fresh: false, closed: false, dropped: 0 };
        Latest { slot: Mutex::new(slot), ready: Condvar::new() }
    }

    /// Offers `value` and takes back a used buffer in its place.
    pub fn publish(&self, value: &mut T) {
        let mut slot = self.lock();
        std::mem::swap(&mut slot.value, value);
        if slot.fresh {
            slot.dropped += 1;
        }
        slot.fresh = true;
        drop(slot);
        self.ready.notify_all();
    }

    /// Waits up to `patience` until the value offered last has been taken; says whether it has.
    pub fn taken(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut slot = self.lock();
        while slot.fresh && !slot.closed {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.ready.wait_timeout(slot, left);
            slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Waits up to `patience` for a value not seen before and swaps it with `value`.
    pub fn take(&self, value: &mut T, patience: Duration) -> Taken {
        let deadline = Instant::now() + patience;
        let mut slot = self.lock();
        loop {
            if slot.fresh {
                slot.fresh = false;
                std::mem::swap(&mut slot.value, value);
                drop(slot);
                self.ready.notify_all();
                return Taken::Fresh;
            }
            if slot.closed {
                return Taken::Closed;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Taken::TimedOut;
            }
            let waited = self.ready.wait_timeout(slot, left);
            slot = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Says that no more values will come.
    pub fn close(&self) {
        self.lock().closed = true;
        self.ready.notify_all();
    }

    /// Values that were never taken.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// A thread that panicked while it held the lock left a whole value behind: swaps cannot tear.
    fn lock(&self) -> MutexGuard<'_, Slot<T>> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(5);

    #[test]
    fn the_newest_wins_and_drops_are_counted() {
        let slot = Latest::new(0);
        for mut v in 1..=3 {
            slot.publish(&mut v);
        }
        let mut got = 0;
        assert_eq!((slot.take(&mut got, SOON), got), (Taken::Fresh, 3));
        assert_eq!(slot.take(&mut got, SOON), Taken::TimedOut);
        assert_eq!(slot.dropped(), 2);
    }

    #[test]
    fn the_last_value_is_delivered_before_the_end() {
        let slot = Latest::new(0);
        slot.publish(&mut 7);
        slot.close();
        let mut got = 0;
        assert_eq!((slot.take(&mut got, SOON), got), (Taken::Fresh, 7));
        assert_eq!(slot.take(&mut got, SOON), Taken::Closed);
    }

    #[test]
    fn a_patient_writer_loses_nothing() {
        let slot = Latest::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for mut v in 1..=100 {
                    while !slot.taken(SOON) {}
                    slot.publish(&mut v);
                }
                slot.close();
            });
            let mut got = 0;
            for expected in 1..=100 {
                assert_eq!(
                    (slot.take(&mut got, Duration::from_secs(10)), got),
                    (Taken::Fresh, expected)
                );
            }
        });
        assert_eq!(slot.dropped(), 0);
    }

    #[test]
    fn a_waiting_reader_is_woken() {
        let slot = Latest::new(0);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut got = 0;
                (slot.take(&mut got, Duration::from_secs(10)), got)
            });
            slot.publish(&mut 5);
            assert_eq!(reader.join().unwrap(), (Taken::Fresh, 5));
        });
    }
}
