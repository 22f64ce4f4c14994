//! Keeping exams while screening: a thread of its own, fed through a queue that has an end.
//!
//! The engine hands over frames in buffers that come back to it, so nothing is allocated a frame and
//! nobody waits for the disk. Where the disk is too slow for that, the exam is not kept, and that is
//! said: half an exam is never kept for a whole one.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::{
    Draft, ExamId, Failed, Kept, KeptFrame, Ledger, Means, Place, Record, Shelf, Store, Version,
    What, When,
};
use crate::error::{Error, ErrorKind};
use crate::patient::Entry;
use crate::screening::{Evidence, Verdict};
use crate::snapshot::Keeping;

/// Frames that may wait for the disk.
const BUFFERS: usize = 32;
/// Orders beside frames that may.
const ORDERS: usize = 16;
/// The disk's space is looked at every so many frames.
const LOOK: u64 = 64;
/// Exams that are erased at a time, so that the next one need not wait.
const RETIRED: usize = 5;
/// Who is named in the journal for an exam at the box.
const WHO: &str = "operator";
/// How often errands are looked for, and how long somebody waits for one.
const TICK: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(10);

/// What an exam came to.
#[derive(Debug, Clone)]
pub struct Conclusion {
    pub started: When,
    pub ended: When,
    pub place: Option<Place>,
    pub verdict: Verdict,
    pub evidence: Evidence,
    /// `kept` is the recorder's own count.
    pub ledger: Ledger,
}

enum Order {
    Begin,
    Frame(KeptFrame),
    /// The number counts exams since the start.
    Keep(u32, Box<Conclusion>),
    Amend(Option<Place>, When),
    Enter(Arc<Entry>, When),
    NextPatient,
    Discard,
}

/// The exam that is seen and how it stands with it, for both ends.
#[derive(Clone)]
struct State(Arc<Mutex<(u32, Keeping)>>);

impl State {
    fn lock(&self) -> MutexGuard<'_, (u32, Keeping)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, keeping: Keeping) {
        self.lock().1 = keeping;
    }

    /// What became of an exam; a later one may be seen by now.
    fn conclude(&self, exam: u32, keeping: Keeping) {
        let mut state = self.lock();
        // The first failure says why.
        if state.0 == exam && state.1.failure().is_none() {
            state.1 = keeping;
        }
    }
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
    /// There is a frame of it.
    seen: bool,
}

/// The disk's end.
pub struct Recorder {
    store: Store,
    means: Means,
    orders: Receiver<Order>,
    asked: Receiver<Asked>,
    errands: Errands,
    spare: SyncSender<KeptFrame>,
    state: State,
    draft: Option<(Draft, u64)>,
    /// The exams of this visit, which can still be amended.
    kept: Vec<(Kept, Record)>,
    /// By its first exam.
    visit: Option<ExamId>,
    /// Seconds after its hand-over at which an exam is erased.
    retain: Option<u64>,
    /// Who is examined and by whom, and since when that is known.
    entry: Entry,
    entered: When,
}

/// What somebody at the box asks of the store. It is done between exams, and never during one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Errand {
    /// To be written into the journal.
    Note(What),
    /// Handed over, in this version.
    Mark(ExamId, What, Version),
    Erase(ExamId),
    /// To be sent to there; refused where it was sent before.
    Queue(ExamId, String),
    /// So many objects are about to leave the box.
    BeginSending(ExamId, usize),
    Sent(ExamId, Version),
    NotSent(ExamId, Failed),
}

struct Asked {
    errand: Errand,
    when: When,
    answer: SyncSender<Result<(), Error>>,
    /// Where there is one, it is not done once nobody waits for it any more.
    waits: Option<Weak<()>>,
}

/// Where errands are brought to.
#[derive(Clone)]
pub struct Errands(SyncSender<Asked>);

impl Errands {
    /// Leaves an errand to be done; there is always room for the few of a session.
    pub fn leave(&self, errand: Errand, when: When) {
        let (answer, _) = sync_channel(1);
        let _ = self.0.try_send(Asked { errand, when, answer, waits: None });
    }

    /// Has an errand done, and waits for it. One that was given up is not done later.
    pub fn run(&self, errand: Errand, when: When) -> Result<(), Error> {
        self.run_within(PATIENCE, errand, when)
    }

    pub(super) fn run_within(
        &self,
        patience: Duration,
        errand: Errand,
        when: When,
    ) -> Result<(), Error> {
        let (answer, answered) = sync_channel(1);
        let waiting = Arc::new(());
        let waits = Some(Arc::downgrade(&waiting));
        let asked = self.0.try_send(Asked { errand, when, answer, waits }).ok();
        let wait = || answered.recv_timeout(patience).ok();
        // Nobody waits any more, unless it is being done right now.
        let late = || Arc::into_inner(waiting).is_none().then(wait).flatten();
        asked.and_then(|()| wait().or_else(late)).unwrap_or_else(|| {
            let problem = "is busy with an exam";
            Err(Error::new(ErrorKind::Storage, "the exam store", problem, "hold it and try again"))
        })
    }

    /// Has an errand done and waits for it for as long as `on` says; whether it was done. One that was
    /// given up is not done later.
    pub fn wait(&self, errand: Errand, when: When, on: impl Fn() -> bool) -> Result<bool, Error> {
        let waiting = Arc::new(());
        self.ask(errand, when, Some(Arc::downgrade(&waiting)), on)
    }

    /// The same for what is done even if nobody waits for it any more.
    pub fn settle(&self, errand: Errand, when: When, on: impl Fn() -> bool) -> Result<bool, Error> {
        self.ask(errand, when, None, on)
    }

    fn ask(
        &self,
        errand: Errand,
        when: When,
        waits: Option<Weak<()>>,
        on: impl Fn() -> bool,
    ) -> Result<bool, Error> {
        let (answer, answered) = sync_channel(1);
        let mut asked = Asked { errand, when, answer, waits };
        loop {
            asked = match self.0.try_send(asked) {
                Ok(()) => break,
                Err(TrySendError::Full(asked)) if on() => asked,
                Err(_) => return Ok(false),
            };
            std::thread::sleep(TICK);
        }
        loop {
            match answered.recv_timeout(TICK) {
                Ok(outcome) => return outcome.map(|()| true),
                Err(RecvTimeoutError::Timeout) if on() => {}
                Err(_) => return Ok(false),
            }
        }
    }
}

/// Both ends; `means` goes into every record. With `retain`, exams are erased so many seconds after they
/// were handed over.
pub fn recorder(store: Store, means: Means, retain: Option<u64>) -> (Recording, Recorder) {
    let (orders, receiver) = sync_channel(BUFFERS + ORDERS);
    let (giver, spare) = sync_channel(BUFFERS);
    for _ in 0..BUFFERS {
        // There is room for all of them.
        let _ = giver.try_send(KeptFrame::default());
    }
    let state = State(Arc::new(Mutex::new((0, Keeping::Ready))));
    let shared = state.clone();
    let (lost, running, seen) = (false, false, false);
    let recording = Recording { orders, spare, state: shared, lost, running, seen };
    let (ask, asked) = sync_channel(ORDERS);
    let recorder = Recorder {
        store,
        means,
        orders: receiver,
        asked,
        errands: Errands(ask),
        spare: giver,
        state,
        draft: None,
        kept: Vec::new(),
        visit: None,
        retain,
        entry: Entry::default(),
        entered: When::default(),
    };
    (recording, recorder)
}

impl Recording {
    /// How it stands with the exam.
    pub fn state(&self) -> Keeping {
        self.state.lock().1.clone()
    }

    /// How it stands, for whoever outlives this end.
    #[cfg(test)]
    pub fn observer(&self) -> impl Fn() -> Keeping + use<> {
        let state = self.state.clone();
        move || state.lock().1.clone()
    }

    fn order(&mut self, order: Order) {
        if self.orders.try_send(order).is_err() {
            self.lose();
        }
    }

    fn lose(&mut self) {
        if !std::mem::replace(&mut self.lost, true) {
            let words = "the storage is too slow to keep this";
            self.state.set(Keeping::Failed(words.into()));
        }
    }

    /// Begins an exam; what there is of one that was not kept is dropped.
    pub fn begin(&mut self) {
        (self.lost, self.running, self.seen) = (false, true, false);
        let mut state = self.state.lock();
        *state = (state.0.wrapping_add(1), Keeping::Recording);
        drop(state);
        self.order(Order::Begin);
    }

    /// Adds a frame, which `fill` writes into a buffer that has been used before.
    pub fn add(&mut self, fill: impl FnOnce(&mut KeptFrame)) {
        if self.lost || !self.running {
            return;
        }
        let Ok(mut frame) = self.spare.try_recv() else { return self.lose() };
        fill(&mut frame);
        self.seen = true;
        self.order(Order::Frame(frame));
    }

    /// Asks for the exam to be kept; the state tells when it is. One of which nothing was seen or entered
    /// is none.
    pub fn keep(&mut self, conclusion: Conclusion) {
        if !std::mem::replace(&mut self.running, false) {
            return;
        }
        let mut state = self.state.lock();
        let failed = state.1.failure().is_some();
        if failed || !self.seen && !conclusion.place.as_ref().is_some_and(Place::is_entered) {
            if !failed {
                state.1 = Keeping::Ready;
            }
            drop(state);
            return self.order(Order::Discard);
        }
        state.1 = Keeping::Keeping;
        let exam = state.0;
        drop(state);
        self.order(Order::Keep(exam, Box::new(conclusion)));
    }

    /// What is known of the zone that was kept last has changed.
    pub fn amend(&mut self, place: Option<Place>, when: When) {
        self.order(Order::Amend(place, when));
    }

    /// Who is examined: of the exams of this visit, those to come and those that are kept.
    pub fn enter(&mut self, entry: Arc<Entry>, when: When) {
        self.order(Order::Enter(entry, when));
    }

    /// Another patient's turn has come; the operator stays.
    pub fn next_patient(&mut self) {
        self.order(Order::NextPatient);
    }
}

impl Store {
    /// Does an errand.
    pub fn carry_out(&mut self, errand: Errand, when: When, who: &str) -> Result<(), Error> {
        match errand {
            Errand::Note(what) => self.note_down(what, when, who),
            Errand::Mark(id, _, version) if self.version(id)? != version => {
                let (problem, remedy) = ("was amended while it was exported", "export it again");
                Err(Error::new(ErrorKind::Storage, format!("exam {id}"), problem, remedy))
            }
            Errand::Mark(id, what, _) => self.mark(id, what, when, who),
            Errand::Erase(id) => self.erase(id, when, who),
            Errand::Queue(id, _) if self.row(id)?.1.sent => {
                let remedy = "`sonolamp exam send --again` sends it once more";
                let problem = "has been sent already";
                Err(Error::new(ErrorKind::Usage, format!("exam {id}"), problem, remedy))
            }
            Errand::Queue(id, to) => self.queue(id, &to, when, who),
            Errand::BeginSending(id, objects) => self.begin_sending(id, objects),
            Errand::Sent(id, version) if self.version(id)? != version => {
                let (problem, remedy) = ("was amended while it was sent", "it is sent again");
                let error = Error::new(ErrorKind::Storage, format!("exam {id}"), problem, remedy);
                self.sent_before(id, &error.to_string(), when, who)?;
                Err(error)
            }
            Errand::Sent(id, _) => self.sent(id, when, who),
            Errand::NotSent(id, failed) => self.not_sent(id, &failed, when, who),
        }
    }
}

impl Recorder {
    /// What is kept, and errands, for whoever reads beside this.
    pub fn beside(&self) -> (Shelf, Errands) {
        (self.store.shelf(), self.errands.clone())
    }

    /// Keeps what it is told to until the engine is gone.
    pub fn run(mut self) {
        loop {
            let order = self.orders.recv_timeout(TICK);
            let over = matches!(order, Err(RecvTimeoutError::Disconnected));
            if let Ok(order) = order {
                self.follow(order);
            }
            while self.draft.is_none()
                && let Ok(Asked { errand, when, answer, waits }) = self.asked.try_recv()
            {
                // Held while it is done: whoever asked knows by it that it is.
                let held = waits.map(|waits| waits.upgrade());
                if !matches!(held, Some(None)) {
                    let _ = answer.try_send(self.do_errand(errand, when));
                }
            }
            if over {
                return self.drop_draft();
            }
        }
    }

    /// Does what is waiting, in a test without a thread.
    #[cfg(test)]
    pub(super) fn catch_up(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            self.follow(order);
        }
    }

    fn follow(&mut self, order: Order) {
        if let Err(error) = self.obey(order) {
            self.drop_draft();
            // A disk that fails keeps nothing of a later exam either.
            self.state.set(Keeping::Failed(error.to_string().into()));
        }
    }

    fn drop_draft(&mut self) {
        if let Some((draft, _)) = self.draft.take() {
            draft.discard();
        }
    }

    fn do_errand(&mut self, errand: Errand, when: When) -> Result<(), Error> {
        if let Errand::Erase(id) = errand {
            // What is amended would come back.
            self.kept.retain(|(kept, _)| kept.id != id);
        }
        self.store.carry_out(errand, when, WHO)
    }

    fn obey(&mut self, order: Order) -> Result<(), Error> {
        match order {
            Order::Begin => {
                self.drop_draft();
                self.draft = Some((self.store.begin()?, 0));
            }
            Order::Frame(frame) => {
                let added = self.draft.as_mut().map_or(Ok(()), |(draft, count)| {
                    *count += 1;
                    let look = count.is_multiple_of(LOOK);
                    if look { self.store.has_room() } else { Ok(()) }?;
                    draft.add(&frame)
                });
                // The engine may be gone.
                let _ = self.spare.try_send(frame);
                added?;
            }
            Order::Keep(exam, conclusion) => {
                let Some((draft, count)) = self.draft.take() else {
                    let words = "its recording broke off";
                    self.state.conclude(exam, Keeping::Failed(words.into()));
                    return Ok(());
                };
                let record = self.record(draft.id(), *conclusion, count);
                let kept = self.store.keep(draft, &record, record.ended, WHO)?;
                let ended = record.ended;
                self.visit = Some(record.visit);
                self.kept.push((kept, record));
                self.state.conclude(exam, Keeping::Kept);
                if let Some(age) = self.retain {
                    // This exam is safe whatever comes of it; a disk that failed says so at the next.
                    let _ = self.store.retire(age, RETIRED, ended);
                }
                self.settle()?;
            }
            // While the next is recorded, what changes is its own.
            Order::Amend(..) if self.draft.is_some() => {}
            Order::Amend(place, when) => {
                let zone = |place: &Option<Place>| place.as_ref().map(|place| place.zone.clone());
                let of = zone(&place);
                let amended =
                    self.kept.iter_mut().rev().find(|(_, record)| zone(&record.place) == of);
                // An exam that was not kept has nothing to amend.
                let Some((kept, record)) = amended else { return Ok(()) };
                record.place = place;
                self.store.amend(kept, record, when, WHO)?;
            }
            Order::Enter(entry, when) => {
                (self.entry, self.entered) = (Entry::clone(&entry), when);
                self.settle()?;
            }
            Order::NextPatient => {
                self.drop_draft();
                self.settle()?;
                self.kept.clear();
                self.visit = None;
                self.entry.patient = Default::default();
            }
            Order::Discard => self.drop_draft(),
        }
        Ok(())
    }

    /// Puts who is examined into what was kept of this visit before it was known; not while an exam is
    /// recorded, whose frames would wait. An operator who takes over is no other's exam's operator.
    fn settle(&mut self) -> Result<(), Error> {
        let Entry { patient, operator } = &self.entry;
        if self.draft.is_some() {
            return Ok(());
        }
        for (kept, record) in &mut self.kept {
            let nameless = record.operator.is_empty() && !operator.is_empty();
            if record.patient == *patient && !nameless {
                continue;
            }
            record.patient.clone_from(patient);
            if nameless {
                record.operator.clone_from(operator);
            }
            self.store.amend(kept, record, self.entered, WHO)?;
        }
        Ok(())
    }

    fn record(&self, id: ExamId, conclusion: Conclusion, kept: u64) -> Record {
        let Conclusion { started, ended, place, verdict, evidence, ledger } = conclusion;
        Record {
            id,
            visit: self.visit.unwrap_or(id),
            started,
            ended,
            patient: self.entry.patient.clone(),
            operator: self.entry.operator.clone(),
            place,
            means: self.means.clone(),
            verdict,
            evidence,
            ledger: Ledger { kept, ..ledger },
        }
    }
}
