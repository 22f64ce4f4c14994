//! `sonolamp exam send`: exams go to the clinic's PACS by way of the outbox.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use super::{Opened, WHO, find, network, now};
use crate::archive::{Destination, LONGEST_PAUSE, attempt, gather, hand_over, pauses};
use crate::error::{Error, ErrorKind};
use crate::handover::{self, Parcel};
use crate::pacs::Undelivered;
use crate::pipeline::Model;
use crate::store::{ExamId, Store, Unlocked};

#[derive(clap::Args)]
pub struct Arguments {
    /// Numbers of exams, or their first digits (default: what waits in the outbox)
    exams: Vec<String>,
    /// All that were not sent yet, demonstrations left out
    #[arg(long, conflicts_with = "exams")]
    all: bool,
    /// Send them even if they were sent before
    #[arg(long, requires = "exams")]
    again: bool,
    /// Try again, less and less often, until nothing waits; the store stays open for it alone
    #[arg(long)]
    watch: bool,
    #[command(flatten)]
    opened: Opened,
    /// The bundle that the exams were screened with, if it is not the built-in one
    #[arg(long, value_name = "DIR")]
    bundle: Option<PathBuf>,
}

/// What takes an exam out of the store and to the PACS.
struct Sender {
    unlocked: Unlocked,
    to: Destination,
    /// For the heat map: what is sent is what `exam export` writes, to the last byte.
    model: Model,
}

/// How a walk through the outbox ended.
#[derive(Default)]
struct Pass {
    sent: usize,
    waiting: usize,
}

pub fn run(arguments: &Arguments, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let pacs = network::pacs(arguments.opened.place.config.as_deref())?;
    let model = Model::load(arguments.bundle.as_deref())?;
    let (mut store, unlocked) = arguments.opened.open()?;
    for id in wanted(arguments, &store, &unlocked)? {
        store.queue(id, &pacs.peer.name(), now(), WHO)?;
    }
    let to = Destination { peer: pacs.peer, identified: pacs.identified };
    let sender = Sender { unlocked, to, model };
    let (mut sent, mut waits) = (0, pauses());
    loop {
        let pass = sender.pass(&mut store, out)?;
        sent += pass.sent;
        if pass.waiting == 0 || !arguments.watch {
            writeln!(out, "{sent} sent, {} waiting", pass.waiting)?;
            let code = if pass.waiting > 0 { ErrorKind::Device.exit_code() } else { 0 };
            return Ok(ExitCode::from(code));
        }
        if pass.sent > 0 {
            waits = pauses();
        }
        let pause = waits.next().unwrap_or(LONGEST_PAUSE);
        eprintln!("sonolamp: {} waiting; the next try is in {} s", pass.waiting, pause.as_secs());
        thread::sleep(pause);
    }
}

/// What is to be put into the outbox.
fn wanted(arguments: &Arguments, store: &Store, unlocked: &Unlocked) -> Result<Vec<ExamId>, Error> {
    let all = store.list(unlocked, None, usize::MAX)?;
    if arguments.all {
        let fresh = all.iter().rev().filter(|(_, row, listed)| {
            !row.sent && listed.as_ref().is_some_and(|listed| !listed.demonstration)
        });
        return Ok(fresh.map(|(_, row, _)| row.id).collect());
    }
    let sent: BTreeSet<ExamId> =
        all.iter().filter(|(_, row, _)| row.sent).map(|(_, row, _)| row.id).collect();
    let mut ids = Vec::new();
    for text in &arguments.exams {
        let id = find(store, unlocked, text)?;
        if sent.contains(&id) && !arguments.again {
            let remedy = "add --again if it is to be sent once more";
            let problem = "has been sent already";
            return Err(Error::new(ErrorKind::Usage, format!("exam {id}"), problem, remedy));
        }
        ids.push(id);
    }
    Ok(ids)
}

impl Sender {
    /// Tries everything that waits, once; stops early where the PACS is the trouble.
    fn pass(&self, store: &mut Store, out: &mut impl Write) -> anyhow::Result<Pass> {
        let (entries, mut pass) = (store.outbox()?, Pass::default());
        for (at, entry) in entries.iter().enumerate() {
            let id = entry.exam;
            if entry.destination != self.to.peer.name() {
                let to = &entry.destination;
                eprintln!(
                    "sonolamp: exam {id} waits: it is meant for {to}, which is not configured; take it \
                     out with `sonolamp exam outbox --drop`, then send it anew"
                );
                pass.waiting += 1;
                continue;
            }
            match self.send(store, id)? {
                Ok(objects) => {
                    pass.sent += 1;
                    writeln!(out, "exam {id}: sent, {objects} objects")?;
                    out.flush()?;
                }
                Err(Undelivered { error, peer, .. }) => {
                    eprintln!("sonolamp: exam {id} waits: {error}");
                    if peer {
                        pass.waiting += entries.len() - at;
                        break;
                    }
                    pass.waiting += 1;
                }
            }
        }
        Ok(pass)
    }

    /// One try; what comes of it is in the outbox before anyone is told.
    fn send(&self, store: &mut Store, id: ExamId) -> Result<Result<usize, Undelivered>, Error> {
        // One that cannot be read is not sent either.
        let version = store.version(id).unwrap_or_default();
        let parcels = self.parcels(store, id);
        let carry_out = |errand| store.carry_out(errand, now(), WHO).map(|()| true);
        let deliver = |parcels: Vec<Parcel>| Some(hand_over(&self.to.peer, &parcels, &mut |_| ()));
        let given_up = || Error::new(ErrorKind::Device, "sending", "was given up", "send it again");
        attempt((id, version), parcels, carry_out, deliver)?.ok_or_else(given_up)
    }

    /// An exam as a PACS takes it.
    fn parcels(&self, store: &Store, id: ExamId) -> Result<Vec<Parcel>, Error> {
        let material = gather(store, &self.unlocked, id, Some(&self.model))?;
        handover::dicom(material, self.to.privacy())
    }
}
