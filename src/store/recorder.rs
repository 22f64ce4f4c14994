//! Keeping exams while screening: a thread of its own, fed through a queue that has an end.
//!
//! The engine hands over frames in buffers that come back to it, so nothing is allocated a frame and
//! nobody waits for the disk. Where the disk is too slow for that, the exam is not kept, and that is
//! said: half an exam is never kept for a whole one.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Draft, ExamId, Kept, KeptFrame, Ledger, Means, Patient, Place, Record, Store, When};
use crate::error::Error;
use crate::screening::{Evidence, Verdict};
use crate::snapshot::Keeping;

/// Frames that may wait for the disk.
const BUFFERS: usize = 32;
/// Orders beside frames that may.
const ORDERS: usize = 16;
/// Who is named in the journal for an exam at the box.
const WHO: &str = "operator";

/// What an exam came to.
#[derive(Debug, Clone)]
pub struct Conclusion {
    pub started: When,
    pub ended: When,
    /// It belongs to the visit of the exam before.
    pub same_visit: bool,
    pub place: Option<Place>,
    pub verdict: Verdict,
    pub evidence: Evidence,
    /// `kept` is the recorder's own count.
    pub ledger: Ledger,
}

enum Order {
    Begin,
    Frame(KeptFrame),
    Keep(Box<Conclusion>),
    Amend(Option<Place>, When),
    Discard,
}

/// The recorder's state, for everyone to see.
type State = Arc<Mutex<Keeping>>;

fn set(state: &State, keeping: Keeping) {
    *state.lock().unwrap_or_else(PoisonError::into_inner) = keeping;
}

/// The engine's end.
pub struct Recording {
    orders: SyncSender<Order>,
    spare: Receiver<KeptFrame>,
    state: State,
    /// This exam cannot be kept as a whole any more.
    lost: bool,
    /// An exam is being recorded.
    running: bool,
}

/// The disk's end.
pub struct Recorder {
    store: Store,
    means: Means,
    orders: Receiver<Order>,
    spare: SyncSender<KeptFrame>,
    state: State,
    draft: Option<(Draft, u64)>,
    kept: Option<(Kept, Record)>,
    /// Of the exam before.
    visit: Option<ExamId>,
}

/// Both ends; `means` goes into every record.
pub fn recorder(store: Store, means: Means) -> (Recording, Recorder) {
    let (orders, receiver) = sync_channel(BUFFERS + ORDERS);
    let (giver, spare) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _ = giver.try_send(KeptFrame::default());
    }
    let state = Arc::new(Mutex::new(Keeping::Ready));
    let shared = Arc::clone(&state);
    let recording = Recording { orders, spare, state: shared, lost: false, running: false };
    let (draft, kept, visit) = (None, None, None);
    (
        recording,
        Recorder { store, means, orders: receiver, spare: giver, state, draft, kept, visit },
    )
}

impl Recording {
    /// How it stands with the exam.
    pub fn state(&self) -> Keeping {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn order(&mut self, order: Order) {
        if self.orders.try_send(order).is_err() {
            self.lose();
        }
    }

    fn lose(&mut self) {
        if !std::mem::replace(&mut self.lost, true) {
            let words = "the storage is too slow: this exam is not kept";
            set(&self.state, Keeping::Failed(words.into()));
        }
    }

    /// Begins an exam; what there is of one that was not kept is dropped.
    pub fn begin(&mut self) {
        (self.lost, self.running) = (false, true);
        set(&self.state, Keeping::Recording);
        self.order(Order::Begin);
    }

    /// Adds a frame, which `fill` writes into a buffer that has been used before.
    pub fn add(&mut self, fill: impl FnOnce(&mut KeptFrame)) {
        if self.lost || !self.running {
            return;
        }
        let Ok(mut frame) = self.spare.try_recv() else { return self.lose() };
        fill(&mut frame);
        self.order(Order::Frame(frame));
    }

    /// Asks for the exam to be kept; the state tells when it is.
    pub fn keep(&mut self, conclusion: Conclusion) {
        if !std::mem::replace(&mut self.running, false) {
            return;
        }
        if self.lost || matches!(self.state(), Keeping::Failed(_)) {
            return self.order(Order::Discard);
        }
        set(&self.state, Keeping::Keeping);
        self.order(Order::Keep(Box::new(conclusion)));
    }

    /// What is known of the exam that was kept last has changed.
    pub fn amend(&mut self, place: Option<Place>, when: When) {
        self.order(Order::Amend(place, when));
    }
}

impl Recorder {
    /// Keeps what it is told to until the engine is gone.
    pub fn run(mut self) {
        while let Ok(order) = self.orders.recv() {
            if let Err(error) = self.obey(order) {
                (self.draft, self.visit) = (None, None);
                set(&self.state, Keeping::Failed(error.to_string().into()));
            }
        }
    }

    fn obey(&mut self, order: Order) -> Result<(), Error> {
        match order {
            Order::Begin => {
                (self.draft, self.kept) = (None, None);
                self.draft = Some((self.store.begin()?, 0));
            }
            Order::Frame(frame) => {
                let added = self.draft.as_mut().map_or(Ok(()), |(draft, count)| {
                    *count += 1;
                    draft.add(&frame)
                });
                // The engine may be gone.
                let _ = self.spare.try_send(frame);
                added?;
            }
            Order::Keep(conclusion) => {
                let Some((draft, count)) = self.draft.take() else { return Ok(()) };
                let record = self.record(draft.id(), *conclusion, count);
                let kept = self.store.keep(draft, &record, record.ended, WHO)?;
                self.visit = Some(record.visit);
                self.kept = Some((kept, record));
                set(&self.state, Keeping::Kept);
            }
            Order::Amend(place, when) => {
                let Some((kept, record)) = &mut self.kept else { return Ok(()) };
                record.place = place;
                self.store.amend(kept, record, when, WHO)?;
            }
            Order::Discard => self.draft = None,
        }
        Ok(())
    }

    fn record(&self, id: ExamId, conclusion: Conclusion, kept: u64) -> Record {
        let Conclusion { started, ended, same_visit, place, verdict, evidence, ledger } =
            conclusion;
        Record {
            id,
            visit: self.visit.filter(|_| same_visit).unwrap_or(id),
            started,
            ended,
            patient: Patient::default(),
            operator: String::new(),
            place,
            means: self.means.clone(),
            verdict,
            evidence,
            ledger: Ledger { kept, ..ledger },
        }
    }
}
