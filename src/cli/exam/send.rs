//! `sonolamp exam send`: exams go to the clinic's PACS by way of the outbox.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use super::{Opened, WHO, find, network, now};
use crate::archive::gather;
use crate::config::pacs::Pacs;
use crate::error::{Error, ErrorKind};
use crate::handover::{self, Privacy};
use crate::pacs::{Object, Undelivered};
use crate::pipeline::Model;
use crate::store::{ExamId, Failed, Store, Unlocked};

/// Between tries; each pause is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

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
    pacs: Pacs,
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
    let sender = Sender { unlocked, pacs, model };
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

fn pauses() -> impl Iterator<Item = Duration> {
    std::iter::successors(Some(FIRST_PAUSE), |pause| Some((*pause * 2).min(LONGEST_PAUSE)))
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
            if entry.destination != self.pacs.peer.name() {
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
        let sent = match self.objects(store, id) {
            Ok(objects) => {
                store.begin_sending(id, objects.len())?;
                self.pacs.peer.store(&objects).map(|()| objects.len())
            }
            Err(error) => Err(Undelivered { error, taken: 0, unclear: false, peer: false }),
        };
        match &sent {
            Ok(_) => store.sent(id, now(), WHO)?,
            Err(Undelivered { error, taken, unclear, .. }) => {
                let (trouble, taken, unclear) = (error.to_string(), *taken, *unclear);
                store.not_sent(id, &Failed { trouble, taken, unclear }, now(), WHO)?;
            }
        }
        Ok(sent)
    }

    /// An exam as a PACS takes it.
    fn objects(&self, store: &Store, id: ExamId) -> Result<Vec<Object>, Error> {
        let identified = self.pacs.identified;
        let privacy = if identified { Privacy::Identified } else { Privacy::Deidentified };
        handover::dicom(gather(store, &self.unlocked, id, Some(&self.model))?, privacy)
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
