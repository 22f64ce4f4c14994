//! The token that ends everything, and interruptible waiting.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Set once, seen by every thread.
#[derive(Default)]
pub struct Shutdown {
    requested: Mutex<bool>,
    bell: Condvar,
}

impl Shutdown {
    /// Ends everything; asking twice does no harm.
    pub fn request(&self) {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.bell.notify_all();
    }

    /// Whether somebody has asked.
    pub fn requested(&self) -> bool {
        *self.requested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps until `deadline`; returns at once, with `true`, when shutdown is requested.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        let mut requested = self.requested.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if *requested || left.is_zero() {
                return *requested;
            }
            let waited = self.bell.wait_timeout(requested, left);
            requested = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Sleeps for `time`; returns at once, with `true`, when shutdown is requested.
    pub fn wait(&self, time: Duration) -> bool {
        self.wait_until(Instant::now() + time)
    }
}

/// Requests shutdown when a thread panics that has it, and not when it ends.
pub struct PanicEndsAll<'a>(pub &'a Shutdown);

impl Drop for PanicEndsAll<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.request();
        }
    }
}

/// Requests shutdown when dropped, so that a thread that ends for any reason ends the others.
pub struct EndsAll<'a>(pub &'a Shutdown);

impl Drop for EndsAll<'_> {
    fn drop(&mut self) {
        self.0.request();
    }
}
