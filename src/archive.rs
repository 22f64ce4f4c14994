//! Kept exams beside the screening: a thread that has the clinic's key while somebody may read.
//!
//! Whoever sits at the box asks, and looks at what the thread shows. Key, names and pictures are in
//! its memory and in what it shows, nowhere else, and gone from the latter as soon as it is locked. It
//! reads the store beside the recorder and delays nobody; what changes the store is an errand of the
//! recorder's, between exams.

mod door;
mod export;
mod list;
mod map;
mod material;
mod opened;
mod sending;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use self::door::{Door, Secret};
pub use self::list::{Entry, Page};
pub use self::map::{Map, Spot};
pub use self::material::gather;
pub use self::opened::Opened;
pub use self::sending::{Destination, LONGEST_PAUSE, Sender, Sending, attempt, hand_over, pauses};
pub use crate::store::{ExamId, Listed, Record};

use self::door::Keys;
use self::list::Place;
use self::map::Seen;
use self::sending::Outgoing;
use crate::error::Error;
use crate::pipeline::Model;
use crate::pipeline::shutdown::Shutdown;
use crate::store::{Errand, Errands, Shelf, When};

/// How often locks, idleness and space are looked at.
const TICK: Duration = Duration::from_millis(100);
const SURVEY: Duration = Duration::from_secs(2);
/// Requests that may wait.
const REQUESTS: usize = 8;

/// Where keys are, and how long nobody need do anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file of a secret key, such as one on a stick; one folder of it may be `*`.
    pub token: Option<String>,
    /// A secret key under a passphrase.
    pub locked_key: Option<PathBuf>,
    pub idle: Duration,
    /// Where exams are exported to; the last part may be `*`. And whether they name the patient.
    pub export: Option<String>,
    pub identified: bool,
    /// Whom exams are sent to.
    pub pacs: Option<Destination>,
}

/// What can be asked for.
pub enum Request {
    /// Without a passphrase it is the key on the stick. An empty PIN is none.
    Unlock {
        passphrase: Secret,
        pin: Secret,
    },
    Pin(Secret),
    /// Exams whose patient's name or number holds this; all where it is empty.
    Search(String),
    /// Older exams, or newer ones.
    Turn {
        older: bool,
    },
    Open(ExamId),
    /// Another picture of what is open is looked at.
    Point,
    Close,
    Erase(ExamId),
    Export(ExamId),
    /// Whatever else waits to be sent goes with it.
    Send(ExamId),
}

/// What came of what was asked for last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// An exam is being read, in percent.
    Reading(u8),
    WrongPin {
        left: u8,
    },
    /// Too many wrong PINs, or none was chosen: the key is gone from memory.
    Forgotten,
    Erased,
    Exporting,
    /// Into this folder.
    Exported(Arc<str>),
    /// It is to be sent.
    Queued,
    Failed(Arc<str>),
}

/// All that is to be seen.
#[derive(Clone, Default)]
pub struct View {
    pub door: Door,
    /// Exams that are kept, and bytes that are free for more.
    pub count: Option<u64>,
    pub free: Option<u64>,
    pub said: Option<Said>,
    pub sending: Option<Sending>,
    pub page: Arc<Page>,
    pub opened: Option<Arc<Opened>>,
    /// Where the network looked in the picture of it that was pointed at last.
    pub map: Option<(Spot, Arc<Map>)>,
}

#[derive(Default)]
struct Shared {
    view: Mutex<View>,
    /// The picture that is looked at and whose map has not been computed.
    pointed: Mutex<Option<Spot>>,
    /// It is to be locked.
    lock: AtomicBool,
    /// Somebody is there.
    active: AtomicBool,
    /// What is being read is not wanted any more.
    stop: AtomicBool,
}

/// The end of whoever asks.
#[derive(Clone)]
pub struct Handle {
    requests: SyncSender<Request>,
    shared: Arc<Shared>,
    /// Which keys there can be.
    pub token: bool,
    pub locked_key: bool,
    /// Whether there is a place to export to.
    pub exports: bool,
    /// Whether there is somebody to send to.
    pub sends: bool,
}

impl Handle {
    pub fn look(&self) -> View {
        self.shared.view().clone()
    }

    /// Asks; a queue that is full is a stuck key.
    pub fn ask(&self, request: Request) {
        if matches!(request, Request::Open(_) | Request::Close | Request::Search(_)) {
            self.shared.stop.store(true, Ordering::SeqCst);
        }
        let _ = self.requests.try_send(request);
    }

    /// A picture of what is open is looked at; of several, the last one counts.
    pub fn point(&self, spot: Spot) {
        *self.shared.pointed() = Some(spot);
        self.ask(Request::Point);
    }

    /// Locks, whatever is being done.
    pub fn lock(&self) {
        self.shared.lock.store(true, Ordering::SeqCst);
        self.shared.stop.store(true, Ordering::SeqCst);
        // The thread may be at an export for a minute.
        let mut view = self.shared.view();
        if view.door == Door::Open {
            (view.door, view.page) = (Door::Shut, Default::default());
            (view.opened, view.map) = (None, None);
        }
    }

    /// Somebody has pressed a key.
    pub fn stay(&self) {
        self.shared.active.store(true, Ordering::SeqCst);
    }
}

#[cfg(test)]
impl Handle {
    /// One that shows this, and what is asked of it.
    pub fn showing(view: View) -> (Handle, Receiver<Request>) {
        let (requests, asked) = sync_channel(REQUESTS);
        let shared = Arc::<Shared>::default();
        *shared.view() = view;
        let (token, locked_key, exports, sends) = (true, true, true, true);
        (Handle { requests, shared, token, locked_key, exports, sends }, asked)
    }

    /// Shows this from now on.
    pub fn show(&self, view: View) {
        *self.shared.view() = view;
    }

    pub fn is_locking(&self) -> bool {
        self.shared.lock.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pointed(&self) -> MutexGuard<'_, Option<Spot>> {
        self.pointed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread's end.
pub struct Archive {
    shelf: Shelf,
    errands: Errands,
    model: Model,
    settings: Settings,
    now: fn() -> When,
    requests: Receiver<Request>,
    shared: Arc<Shared>,
    keys: Option<Keys>,
    place: Place,
    seen: Option<Seen>,
    outgoing: Option<Outgoing>,
    /// When somebody was there, and when the space was looked at.
    last: Instant,
    surveyed: Option<Instant>,
}

/// Both ends, and the thread that sends where there is somebody to send to. Exams of the model's own
/// bundle are judged again by it; `now` is the box's clock.
pub fn archive(
    (shelf, errands): (Shelf, Errands),
    model: Model,
    settings: Settings,
    now: fn() -> When,
) -> (Handle, Archive, Option<Sender>) {
    let (sender, requests) = sync_channel(REQUESTS);
    let shared = Arc::<Shared>::default();
    let handle = Handle {
        requests: sender,
        shared: Arc::clone(&shared),
        token: settings.token.is_some(),
        locked_key: settings.locked_key.is_some(),
        exports: settings.export.is_some(),
        sends: settings.pacs.is_some(),
    };
    let sender = settings.pacs.clone().map(|to| {
        let beside = (shelf.clone(), errands.clone());
        sending::sender(beside, model.clone(), to, now, Arc::clone(&shared))
    });
    let (outgoing, sender) = sender.unzip();
    let (keys, place, seen, last, surveyed) = (None, Place::default(), None, Instant::now(), None);
    let archive = Archive {
        shelf,
        errands,
        model,
        settings,
        now,
        requests,
        shared,
        keys,
        place,
        seen,
        outgoing,
        last,
        surveyed,
    };
    (handle, archive, sender)
}

impl Archive {
    /// Answers until shutdown, and locks.
    pub fn run(mut self, shutdown: &Shutdown) {
        while !shutdown.requested() {
            self.survey();
            let request = self.requests.recv_timeout(TICK);
            // First: what is shown is locked already, and a PIN may have been asked for.
            if self.shared.lock.swap(false, Ordering::SeqCst) {
                self.lock();
            }
            let active = self.shared.active.swap(false, Ordering::SeqCst);
            if active || request.is_ok() {
                self.last = Instant::now();
            } else if self.last.elapsed() >= self.settings.idle {
                self.lock();
            }
            match request {
                Ok(request) => self.obey(request),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.map();
            self.go_on_sending();
        }
        self.lock();
    }

    fn obey(&mut self, request: Request) {
        self.shared.stop.store(false, Ordering::SeqCst);
        let open = self.keys.as_ref().is_some_and(|keys| !keys.shut);
        let outcome = match request {
            Request::Unlock { passphrase, pin } if self.keys.is_none() => {
                self.unlock(&passphrase, pin)
            }
            Request::Pin(pin) if !open => self.try_pin(&pin),
            Request::Search(text) if open => {
                self.place = Place::of(&text);
                self.list()
            }
            Request::Turn { older } if open => {
                let page = Arc::clone(&self.shared.view().page);
                self.place.turn(older, &page);
                self.list()
            }
            Request::Open(id) if open => self.open(id),
            Request::Close => {
                self.leave();
                Ok(())
            }
            Request::Erase(id) if open => self.erase(id),
            Request::Export(id) if open => self.export(id),
            Request::Send(id) if open => self.queue(id),
            // What comes too late is for nobody; a picture that is pointed at is seen to anyway.
            _ => Ok(()),
        };
        if let Err(error) = outcome {
            self.say(Some(Said::Failed(error.to_string().into())));
        }
    }

    fn say(&self, said: Option<Said>) {
        self.shared.view().said = said;
    }

    fn erase(&mut self, id: ExamId) -> Result<(), Error> {
        self.errands.run(Errand::Erase(id), (self.now)())?;
        self.list()?;
        self.say(Some(Said::Erased));
        Ok(())
    }

    /// Looks at what anybody may know; a new exam comes into the list.
    fn survey(&mut self) {
        if self.surveyed.is_some_and(|at| at.elapsed() < SURVEY) {
            return;
        }
        self.surveyed = Some(Instant::now());
        let (count, free) = (self.shelf.count().ok(), self.shelf.free().ok());
        let before = {
            let mut view = self.shared.view();
            view.free = free;
            std::mem::replace(&mut view.count, count)
        };
        let open = self.keys.as_ref().is_some_and(|keys| !keys.shut);
        if open && before != count && self.place.is_newest() {
            // The next look will tell.
            let _ = self.list();
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
