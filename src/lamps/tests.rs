//! Lamps on lines that can be watched after the lamps are gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use embedded_hal::digital::ErrorType;

use super::*;
use crate::screening::Verdict;

/// A line; the `fuse`th time it is set high, if not 0, it panics as a broken driver would.
#[derive(Clone, Default)]
struct Line {
    high: Arc<AtomicBool>,
    fuse: Arc<AtomicU32>,
}

impl ErrorType for Line {
    type Error = Error;
}

impl OutputPin for Line {
    fn set_low(&mut self) -> Result<(), Error> {
        self.high.store(false, Ordering::SeqCst);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Error> {
        self.high.store(true, Ordering::SeqCst);
        let left = self.fuse.load(Ordering::SeqCst);
        self.fuse.store(left.saturating_sub(1), Ordering::SeqCst);
        assert_ne!(left, 1, "the fuse blows");
        Ok(())
    }
}

fn lines() -> [Line; 5] {
    std::array::from_fn(|_| Line::default())
}

fn lamps(lines: &[Line; 5], active_low: bool) -> Lamps {
    let pins = lines.iter().map(|line| Box::new(line.clone()) as Pin);
    Lamps::new(pins.collect(), active_low).unwrap()
}

fn levels(lines: &[Line; 5]) -> [bool; 5] {
    std::array::from_fn(|i| lines[i].high.load(Ordering::SeqCst))
}

/// Refer, clear and attention of fresh lamps that show `lights`, at two instants of a blink.
pub(crate) fn shown(lights: Lights) -> [[bool; 3]; 2] {
    let watched = lines();
    let mut lamps = lamps(&watched, false);
    [50, 300].map(|ms| {
        lamps.show(lights, false, false, after(ms)).unwrap();
        let levels = levels(&watched);
        [levels[0], levels[1], levels[2]]
    })
}

fn after(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn lines_follow_the_lights_and_blink() {
    let watched = lines();
    let mut lamps = lamps(&watched, false);
    let refer = Lights { refer: Light::On, ..Lights::default() };
    lamps.show(refer, true, true, after(50)).unwrap();
    assert_eq!(levels(&watched), [true, false, false, true, true]);
    lamps.show(Lights::FAULT, false, false, after(50)).unwrap();
    assert_eq!(levels(&watched), [false, false, true, false, false]);
    lamps.show(Lights::FAULT, false, false, after(300)).unwrap();
    assert_eq!(levels(&watched), [false; 5]);
}

#[test]
fn dark_is_high_for_active_low_lamps_and_after_the_end() {
    let watched = lines();
    let mut lamps = lamps(&watched, true);
    assert_eq!(levels(&watched), [true; 5]);
    let clear = Lights { clear: Light::On, ..Lights::default() };
    lamps.show(clear, true, false, after(500)).unwrap();
    assert_eq!(levels(&watched), [true, false, true, true, true]);
    drop(lamps);
    assert_eq!(levels(&watched), [true; 5]);
}

fn eventually(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "never happened: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Runs lamps on `watched` in a thread beside `test`; `true` when that thread panicked.
fn with_running(
    watched: &[Line; 5],
    stale: Duration,
    test: impl FnOnce(&Latest<Snapshot>, &Board),
) -> bool {
    let (board, shutdown) = (Board::default(), Shutdown::default());
    let slot = Latest::new(Snapshot::new(Arc::default()));
    let panicked = std::thread::scope(|scope| {
        let (board, slot, shutdown) = (&board, &slot, &shutdown);
        let lamps = lamps(watched, false);
        let buffer = Snapshot::new(Arc::default());
        let thread = scope.spawn(move || run(lamps, board, slot, buffer, stale, shutdown));
        eventually("the self-test lights every lamp in turn", || levels(watched)[3]);
        let mut snapshot = Snapshot::new(Arc::default());
        snapshot.verdict = Some(Verdict::Clear);
        slot.publish(&mut snapshot);
        test(slot, board);
        shutdown.request();
        thread.join().is_err()
    });
    assert_eq!(levels(watched), [false; 5], "every end is dark");
    panicked
}

#[test]
fn silence_becomes_a_fault_and_the_end_is_dark() {
    let watched = lines();
    let panicked = with_running(&watched, after(300), |_, _| {
        eventually("clear is lit", || levels(&watched)[1]);
        let fault = |on| levels(&watched)[..4] == [false, false, on, false];
        eventually("silence blinks attention on, without a heartbeat", || fault(true));
        eventually("and off", || fault(false));
        eventually("and on again", || fault(true));
    });
    assert!(!panicked);
}

#[test]
fn a_hasty_end_darkens_from_another_thread() {
    let watched = lines();
    let panicked = with_running(&watched, Duration::from_secs(60), |_, board| {
        eventually("clear is lit", || levels(&watched)[1]);
        board.release();
        assert_eq!(levels(&watched), [false; 5]);
    });
    assert!(!panicked);
}

#[test]
fn a_panic_of_the_thread_leaves_all_dark() {
    let watched = lines();
    // The heartbeat: once in the self-test, then with every flash.
    watched[3].fuse.store(3, Ordering::SeqCst);
    let panicked = with_running(&watched, Duration::from_secs(60), |_, _| {
        eventually("clear is lit", || levels(&watched)[1]);
        eventually("the fuse has blown", || watched[3].fuse.load(Ordering::SeqCst) == 0);
    });
    assert!(panicked);
}
