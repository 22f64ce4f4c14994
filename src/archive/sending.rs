//! Exams on their way to the clinic's PACS, beside the screening and while the box is unlocked.
//!
//! The archive's thread opens an exam and hands it over to a sender, with the exam's own key and no other;
//! the sender reads it and sends it. What is in the outbox is tried in its order, and what has not
//! arrived again later and later. Once it is locked nothing more begins.
//!
//! An exam is under way on the disk before the first byte leaves, and what came of it is there before
//! anyone is told; both wait for the end of an exam that is recorded. A program that ends in the middle
//! leaves it under way: the next start says that it may have arrived.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use super::material::assemble;
use super::{Archive, Door, Said, Shared, TICK};
use crate::error::{Error, ErrorKind, plain_words};
use crate::handover::{self, Parcel, Privacy};
use crate::pacs::{Item, Peer, Pixels, Undelivered};
use crate::pipeline::Model;
use crate::pipeline::shutdown::Shutdown;
use crate::store::{Errand, Errands, Exam, ExamId, Failed, Shelf, Version, When};

/// Between tries; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// The pauses between tries.
pub fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST_PAUSE), |pause| Some((*pause * 2).min(LONGEST_PAUSE)))
}

/// Whom exams are sent to, and whether with the patient's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    pub peer: Peer,
    pub identified: bool,
}

impl Destination {
    pub fn privacy(&self) -> Privacy {
        if self.identified { Privacy::Identified } else { Privacy::Deidentified }
    }
}

/// How it stands with sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sending {
    /// An exam is put together.
    Reading,
    /// So many of its objects have arrived.
    Going { taken: usize, objects: usize },
    /// So many exams have arrived, and nothing waits.
    Sent(usize),
    /// So many exams wait for the next try.
    Waiting { exams: usize, why: Arc<str> },
}

/// One try to send an exam, in the version that the parcels hold. What comes of it is on the disk before
/// anyone is told: how many objects have arrived, or why not all. `None`: it was given up, and the disk
/// holds what is known of it.
///
/// `carry_out` says whether an errand was done, and `deliver` whether there was time to.
pub fn attempt(
    (id, version): (ExamId, Version),
    parcels: Result<Vec<Parcel>, Error>,
    mut carry_out: impl FnMut(Errand) -> Result<bool, Error>,
    deliver: impl FnOnce(Vec<Parcel>) -> Option<Result<(), Undelivered>>,
) -> Result<Option<Result<usize, Undelivered>>, Error> {
    let sent = match parcels {
        Ok(parcels) => {
            let count = parcels.len();
            if !carry_out(Errand::BeginSending(id, count))? {
                return Ok(None);
            }
            let Some(outcome) = deliver(parcels) else { return Ok(None) };
            outcome.map(|()| count)
        }
        Err(error) => Err(Undelivered { error, taken: 0, unclear: false, peer: false }),
    };
    let told = match &sent {
        Ok(_) => Errand::Sent(id, version),
        Err(Undelivered { error, taken, unclear, .. }) => {
            let (trouble, taken, unclear) = (error.to_string(), *taken, *unclear);
            Errand::NotSent(id, Failed { trouble, taken, unclear })
        }
    };
    Ok(carry_out(told)?.then_some(sent))
}

/// Sends what an exam is handed over as, the clip's pixels as they are read; `told` hears how many objects
/// have arrived.
pub fn hand_over(
    peer: &Peer,
    parcels: &[Parcel],
    told: &mut dyn FnMut(usize),
) -> Result<(), Undelivered> {
    fn item(parcel: &Parcel) -> Item<'_> {
        let pixels = parcel
            .clip
            .as_ref()
            .map(|clip| Pixels { length: clip.length(), read: Box::new(|sink| clip.pixels(sink)) });
        Item { object: &parcel.object, pixels }
    }
    peer.deliver(&parcels.iter().map(item).collect::<Vec<_>>(), told)
}

/// An exam that is to be sent, opened: the key in it opens nothing else.
pub(super) struct Job {
    exam: Exam,
    visit_started: When,
}

/// What came of a job.
pub(super) enum Done {
    Sent,
    /// Whether another exam would fare no better now.
    Failed {
        why: Arc<str>,
        peer: bool,
    },
    GivenUp,
}

/// The archive's end: what is tried, and when.
pub(super) struct Outgoing {
    jobs: SyncSender<Job>,
    done: Receiver<Done>,
    busy: bool,
    /// When the outbox is gone through next; never, where nothing waits.
    due: Option<Instant>,
    pauses: Box<dyn Iterator<Item = Duration> + Send>,
    /// In this turn.
    tried: BTreeSet<ExamId>,
    sent: usize,
    why: Option<Arc<str>>,
}

impl Outgoing {
    /// What waits is tried now, whatever came of it before.
    pub fn hurry(&mut self) {
        (self.due, self.pauses) = (Some(Instant::now()), Box::new(pauses()));
        self.tried.clear();
    }

    /// Tries nothing more.
    pub fn rest(&mut self) {
        self.due = None;
    }
}

/// The thread that sends.
pub struct Sender {
    shelf: Shelf,
    errands: Errands,
    model: Model,
    to: Destination,
    now: fn() -> When,
    jobs: Receiver<Job>,
    done: SyncSender<Done>,
    shared: Arc<Shared>,
}

/// Both ends.
pub(super) fn sender(
    (shelf, errands): (Shelf, Errands),
    model: Model,
    to: Destination,
    now: fn() -> When,
    shared: Arc<Shared>,
) -> (Outgoing, Sender) {
    let ((ask, jobs), (tell, done)) = (sync_channel(1), sync_channel(1));
    let outgoing = Outgoing {
        jobs: ask,
        done,
        busy: false,
        due: None,
        pauses: Box::new(pauses()),
        tried: BTreeSet::new(),
        sent: 0,
        why: None,
    };
    (outgoing, Sender { shelf, errands, model, to, now, jobs, done: tell, shared })
}

impl Sender {
    /// Sends what it is given until shutdown.
    pub fn run(self, shutdown: &Shutdown) {
        while !shutdown.requested() {
            match self.jobs.recv_timeout(TICK) {
                Ok(job) => {
                    let done = self.send(job, shutdown);
                    // The archive asks for one at a time.
                    let _ = self.done.try_send(done);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, job: Job, shutdown: &Shutdown) -> Done {
        let exam = (job.exam.record.id, job.exam.version);
        let on = || !shutdown.requested();
        let open = || on() && self.shared.view().door == Door::Open;
        let parcels = self.parcels(job);
        if !open() {
            return Done::GivenUp;
        }
        let carry_out = |errand: Errand| match errand {
            Errand::BeginSending(..) => self.errands.wait(errand, (self.now)(), open),
            // What is known now is written down even if nobody waits for it.
            errand => self.errands.settle(errand, (self.now)(), on),
        };
        match attempt(exam, parcels, carry_out, |parcels| self.deliver(parcels, shutdown)) {
            Ok(None) => Done::GivenUp,
            Ok(Some(Ok(_))) => Done::Sent,
            Ok(Some(Err(Undelivered { error, peer, .. }))) => {
                Done::Failed { why: error.to_string().into(), peer }
            }
            Err(error) => Done::Failed { why: error.to_string().into(), peer: true },
        }
    }

    /// An exam as a PACS takes it.
    fn parcels(&self, job: Job) -> Result<Vec<Parcel>, Error> {
        let Job { exam, visit_started } = job;
        let material = assemble(&self.shelf, exam, visit_started, Some(&self.model))?;
        handover::dicom(material, self.to.privacy())
    }

    /// Sends them on a thread of its own, which a program that ends need not wait for: a peer may hold
    /// it for minutes. `None`: it ends.
    fn deliver(
        &self,
        parcels: Vec<Parcel>,
        shutdown: &Shutdown,
    ) -> Option<Result<(), Undelivered>> {
        enum Told {
            Taken(usize),
            Over(Result<(), Undelivered>),
        }
        let count = parcels.len();
        let show = |taken| {
            self.shared.view().sending = Some(Sending::Going { taken, objects: count });
        };
        show(0);
        let (tell, told) = sync_channel(8);
        let peer = self.to.peer.clone();
        let work = move || {
            let outcome = hand_over(&peer, &parcels, &mut |taken| {
                let _ = tell.send(Told::Taken(taken));
            });
            let _ = tell.send(Told::Over(outcome));
        };
        let started = std::thread::Builder::new().name("sending".to_owned()).spawn(work);
        if let Err(error) = started {
            let problem = format!("cannot be started ({})", plain_words(&error));
            let remedy = "free memory and try again";
            return Some(Err(Error::new(ErrorKind::Device, "sending", problem, remedy).into()));
        }
        let mut arrived = 0;
        loop {
            match told.recv_timeout(TICK) {
                Ok(Told::Over(outcome)) => return Some(outcome),
                Ok(Told::Taken(taken)) => {
                    arrived = taken;
                    show(taken);
                }
                Err(RecvTimeoutError::Timeout) if shutdown.requested() => return None,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let (problem, remedy) = ("broke off", "report this as an error");
                    let error = Error::new(ErrorKind::Device, "sending", problem, remedy);
                    let (unclear, peer) = (arrived < count, true);
                    return Some(Err(Undelivered { error, taken: arrived, unclear, peer }));
                }
            }
        }
    }
}

impl Archive {
    /// Puts an exam into the outbox, and has all of it tried.
    pub(super) fn queue(&mut self, id: ExamId) -> Result<(), Error> {
        let (Some(outgoing), Some(to)) = (&mut self.outgoing, &self.settings.pacs) else {
            return Ok(());
        };
        let errand = Errand::Queue(id, to.peer.name());
        self.errands.run(errand, (self.now)())?;
        outgoing.hurry();
        self.list()?;
        self.say(Some(Said::Queued));
        Ok(())
    }

    /// Goes on with the outbox, if it is time.
    pub(super) fn go_on_sending(&mut self) {
        let Some(outgoing) = &mut self.outgoing else { return };
        if let Ok(done) = outgoing.done.try_recv() {
            outgoing.busy = false;
            let mut over = false;
            match done {
                Done::Sent => outgoing.sent += 1,
                Done::Failed { why, peer } => (outgoing.why, over) = (Some(why), peer),
                Done::GivenUp => {}
            }
            let open = self.keys.as_ref().is_some_and(|keys| !keys.shut);
            if open {
                // The next look will tell.
                let _ = self.list();
            }
            if over {
                self.pause();
            }
            if !open {
                self.shared.view().sending = None;
            }
        }
        let Some(outgoing) = &mut self.outgoing else { return };
        let open = self.keys.as_ref().is_some_and(|keys| !keys.shut);
        let due = outgoing.due.is_some_and(|due| due <= Instant::now());
        if !open || !due || outgoing.busy || self.shared.lock.load(Ordering::SeqCst) {
            return;
        }
        match self.next_job() {
            Ok(Some(job)) => {
                let Some(outgoing) = &mut self.outgoing else { return };
                outgoing.busy = outgoing.jobs.try_send(job).is_ok();
                self.shared.view().sending = Some(Sending::Reading);
            }
            Ok(None) => self.pause(),
            Err(error) => {
                if let Some(outgoing) = &mut self.outgoing {
                    outgoing.why = Some(error.to_string().into());
                }
                self.pause();
            }
        }
    }

    /// The next exam of the outbox that was not tried in this turn, opened.
    fn next_job(&mut self) -> Result<Option<Job>, Error> {
        let (Some(outgoing), Some(to)) = (&mut self.outgoing, &self.settings.pacs) else {
            return Ok(None);
        };
        let Some(keys) = &self.keys else { return Ok(None) };
        for entry in self.shelf.outbox()? {
            let id = entry.exam;
            if !outgoing.tried.insert(id) {
                continue;
            }
            if entry.destination != to.peer.name() {
                let subject = format!("exam {id}");
                let problem =
                    format!("is meant for {}, which is not configured", entry.destination);
                let remedy = "take it out with `sonolamp exam outbox --drop`, then send it anew";
                let error = Error::new(ErrorKind::Usage, subject, problem, remedy);
                outgoing.why = Some(error.to_string().into());
                continue;
            }
            let exam = match self.shelf.exam(&keys.unlocked, id) {
                Ok(exam) => exam,
                Err(error) => {
                    let trouble = error.to_string();
                    outgoing.why = Some(trouble.as_str().into());
                    let failed = Failed { trouble, taken: 0, unclear: false };
                    self.errands.leave(Errand::NotSent(id, failed), (self.now)());
                    continue;
                }
            };
            let first = self.shelf.exam(&keys.unlocked, exam.record.visit);
            let visit_started = first.map_or(exam.record.started, |first| first.record.started);
            return Ok(Some(Job { exam, visit_started }));
        }
        Ok(None)
    }

    /// A turn is over: what waits is tried again after a while.
    fn pause(&mut self) {
        let Some(outgoing) = &mut self.outgoing else { return };
        outgoing.tried.clear();
        let (sent, why) = (std::mem::take(&mut outgoing.sent), outgoing.why.take());
        // What is damaged waits as well.
        let waiting = self.shelf.outbox().map_or(1, |entries| entries.len());
        let sending = match (waiting, sent) {
            (0, 0) => None,
            (0, sent) => Some(Sending::Sent(sent)),
            (exams, _) => Some(Sending::Waiting { exams, why: why.unwrap_or_default() }),
        };
        if sent > 0 {
            outgoing.pauses = Box::new(pauses());
        }
        let pause = outgoing.pauses.next().unwrap_or(LONGEST_PAUSE);
        outgoing.due = (waiting > 0).then(|| Instant::now() + pause);
        let mut view = self.shared.view();
        // Unlocking looks into an outbox that is mostly empty: what was said last stays.
        if sending.is_some() || !matches!(view.sending, Some(Sending::Sent(_))) {
            view.sending = sending;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_a_quarter_of_an_hour() {
        let seconds: Vec<u64> = pauses().map(|pause| pause.as_secs()).take(10).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
    }
}
