//! Threads that share every layer of a frame, each the same part of it every time.
//!
//! Between frames they sleep. During a frame they wait for each other after every layer: some
//! microseconds awake, and then, when others have taken a processor away, asleep.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::{Arena, Part, Scratch, Step};

/// Looks at a barrier before a thread goes to sleep there, some 50 microseconds.
const LOOKS: usize = 2000;

/// The frame that all are at.
struct Frame {
    number: u64,
    base: *mut u8,
    len: usize,
    over: bool,
}

// SAFETY: `base` is only used between the start of a frame and its last barrier, while
// `Team::run` holds the arena.
unsafe impl Send for Frame {}

struct Shared {
    steps: Arc<[Step]>,
    parts: usize,
    frame: Mutex<Frame>,
    begin: Condvar,
    /// Those at the barrier, and how often it was passed.
    waiting: AtomicUsize,
    passed: AtomicUsize,
    /// Those that sleep at the barrier.
    asleep: Mutex<usize>,
    any_asleep: AtomicBool,
    awake: Condvar,
    failed: AtomicBool,
}

impl Shared {
    fn frame(&self) -> MutexGuard<'_, Frame> {
        self.frame.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Part `index` of every layer.
    fn run(&self, index: usize, arena: Arena, scratch: &mut Scratch) {
        let part = Part { index, of: self.parts };
        for step in &*self.steps {
            // Whoever fails must still be at every barrier, or the others would wait for ever.
            let run = AssertUnwindSafe(|| step.run(arena, scratch, part));
            if catch_unwind(run).is_err() {
                self.failed.store(true, Ordering::Relaxed);
            }
            self.wait();
        }
    }

    /// Returns when all parts are here. What they wrote before is seen by all after it.
    fn wait(&self) {
        let passed = self.passed.load(Ordering::Acquire);
        if self.waiting.fetch_add(1, Ordering::AcqRel) + 1 == self.parts {
            self.waiting.store(0, Ordering::Relaxed);
            self.passed.store(passed.wrapping_add(1), Ordering::Release);
            // Either this thread sees that one is about to sleep, or that one sees that all have
            // passed: both write, then read what the other wrote. Fences, since emulators let a
            // load overtake a store even where both are sequentially consistent.
            fence(Ordering::SeqCst);
            if self.any_asleep.load(Ordering::Relaxed) {
                drop(self.asleep.lock().unwrap_or_else(PoisonError::into_inner));
                self.awake.notify_all();
            }
            return;
        }
        for _ in 0..LOOKS {
            if self.passed.load(Ordering::Acquire) != passed {
                return;
            }
            std::hint::spin_loop();
        }
        let mut asleep = self.asleep.lock().unwrap_or_else(PoisonError::into_inner);
        *asleep += 1;
        self.any_asleep.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        while self.passed.load(Ordering::Acquire) == passed {
            asleep = self.awake.wait(asleep).unwrap_or_else(PoisonError::into_inner);
        }
        *asleep -= 1;
        self.any_asleep.store(*asleep > 0, Ordering::Relaxed);
    }

    /// A helper's life: sleeps until a frame begins.
    fn help(&self, index: usize, mut scratch: Scratch) {
        let mut done = 0;
        loop {
            let (base, len) = {
                let mut frame = self.frame();
                while frame.number == done && !frame.over {
                    frame = self.begin.wait(frame).unwrap_or_else(PoisonError::into_inner);
                }
                if frame.over {
                    return;
                }
                done = frame.number;
                (frame.base, frame.len)
            };
            // SAFETY: the arena is borrowed by `Team::run` until the last barrier.
            self.run(index, unsafe { Arena::again(base, len) }, &mut scratch);
        }
    }
}

/// Helpers for one engine, and the engine's own thread as part 0.
pub struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
}

impl Team {
    /// `threads` in all; each helper gets memory like `scratch`.
    pub fn new(steps: Arc<[Step]>, threads: usize, scratch: &Scratch) -> std::io::Result<Team> {
        let frame = Frame { number: 0, base: std::ptr::null_mut(), len: 0, over: false };
        let shared = Arc::new(Shared {
            steps,
            parts: threads,
            frame: Mutex::new(frame),
            begin: Condvar::new(),
            waiting: AtomicUsize::new(0),
            passed: AtomicUsize::new(0),
            asleep: Mutex::new(0),
            any_asleep: AtomicBool::new(false),
            awake: Condvar::new(),
            failed: AtomicBool::new(false),
        });
        let mut team = Team { shared, helpers: Vec::new() };
        for index in 1..threads {
            let (shared, scratch) = (Arc::clone(&team.shared), scratch.clone());
            let name = format!("inference {index}");
            let builder = std::thread::Builder::new().name(name);
            team.helpers.push(builder.spawn(move || shared.help(index, scratch))?);
        }
        Ok(team)
    }

    /// Another one like this.
    pub fn again(&self, scratch: &Scratch) -> std::io::Result<Team> {
        Team::new(Arc::clone(&self.shared.steps), self.shared.parts, scratch)
    }

    /// Runs all layers.
    pub fn run(&mut self, bytes: &mut [u8], scratch: &mut Scratch) {
        let arena = Arena::new(bytes);
        {
            let mut frame = self.shared.frame();
            frame.number += 1;
            (frame.base, frame.len) = (arena.base(), arena.size());
        }
        self.shared.begin.notify_all();
        self.shared.run(0, arena, scratch);
        assert!(!self.shared.failed.load(Ordering::Relaxed), "a part of a layer failed");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.frame().over = true;
        self.shared.begin.notify_all();
        for helper in self.helpers.drain(..) {
            // It contains its panics; there is nothing left to hear.
            let _ = helper.join();
        }
    }
}
