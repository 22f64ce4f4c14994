//! `sonolamp exam`: what the store holds, for whoever has the clinic's secret key.

mod export;
mod network;
mod send;
mod support;
mod verify;

use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use time::OffsetDateTime;

use super::stored;
use crate::config::Config;
use crate::device;
use crate::error::{Error, ErrorKind, plain_words};
use crate::handover::Privacy;
use crate::store::{
    ExamId, Listed, LockedKey, Recipients, Record, SecretKey, Store, Unlocked, When, passphrase,
};

/// Who is named in the journal.
const WHO: &str = "command line";

/// Look at kept exams, check them, hand them over, or erase them.
///
/// Exams are encrypted to the clinic's public key; reading and handing them over needs its secret
/// key.
#[derive(clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Args)]
struct Place {
    /// Folder of the store (default: the configuration's)
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Opened {
    #[command(flatten)]
    place: Place,
    /// File with the clinic's secret key, such as one on a USB stick; one under a passphrase asks for
    /// it
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Make a key pair: the secret key into a new file, the public one to stdout
    Keys {
        /// File to make
        file: PathBuf,
    },
    /// Put a secret key under a passphrase, so that it may lie on the box
    ///
    /// Makes the passphrase, seven words at random, and prints it: write it down. With --own it is
    /// asked for instead.
    Lock {
        /// File with the secret key
        key: PathBuf,
        /// File to make
        file: PathBuf,
        /// Ask for a passphrase of at least six words
        #[arg(long)]
        own: bool,
    },
    /// List exams, newest first
    List {
        #[command(flatten)]
        opened: Opened,
        /// Only those whose patient's name or number holds this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50)]
        most: usize,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Show everything that is known of an exam, as JSON
    Show {
        /// Its number, or the first digits of it
        exam: String,
        #[command(flatten)]
        opened: Opened,
    },
    /// Compute verdicts again from the kept frames, and compare bit for bit
    Verify {
        /// Numbers of exams, or their first digits (default: all)
        exams: Vec<String>,
        #[command(flatten)]
        opened: Opened,
        /// The bundle that the exams were screened with, if it is not the built-in one
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
    },
    /// Write what a builder needs to help, as JSON: counts and events, nothing of any patient
    ///
    /// With the key also how verdicts, probabilities and picture quality were spread each month.
    Support {
        #[command(flatten)]
        place: Place,
        /// File with the clinic's secret key
        #[arg(long, value_name = "FILE")]
        key: Option<PathBuf>,
    },
    /// Write exams as DICOM, FHIR and a page for a person, each into a folder of its own
    ///
    /// Patient, operator and dates are left out unless --identified is given.
    Export {
        /// Numbers of exams, or their first digits
        #[arg(required = true)]
        exams: Vec<String>,
        #[command(flatten)]
        opened: Opened,
        /// Folder to write into, such as that of a USB stick
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// Name patient, operator and dates: for the clinic's own archive
        #[arg(long)]
        identified: bool,
        /// The bundle that the exams were screened with, if it is not the built-in one
        #[arg(long, value_name = "DIR")]
        bundle: Option<PathBuf>,
    },
    /// Send exams to the PACS that the configuration names
    Send(send::Arguments),
    /// See whether the PACS is there
    Echo(network::Echo),
    /// Ask the PACS who is expected today for an ultrasound examination
    Worklist(network::Worklist),
    /// Show what waits to be sent, how often it was tried, and why that failed; needs no key
    Outbox(network::Outbox),
    /// Check journal and files for damage; needs no key
    Check {
        #[command(flatten)]
        place: Place,
    },
    /// Erase an exam for good: its key first, then its frames
    Erase {
        /// Its number, all digits
        exam: ExamId,
        #[command(flatten)]
        place: Place,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let mut out = std::io::stdout().lock();
    match &arguments.action {
        Action::Keys { file } => keys(file, &mut out)?,
        Action::Lock { key, file, own } => lock(key, file, *own, &mut out)?,
        Action::List { opened, search, most, json } => {
            let (store, unlocked) = opened.open()?;
            list(&store, &unlocked, search.as_deref(), *most, *json, &mut out)?;
        }
        Action::Show { exam, opened } => {
            let (store, unlocked) = opened.open()?;
            let id = find(&store, &unlocked, exam)?;
            let record = store.exam(&unlocked, id)?.record;
            writeln!(out, "{}", serde_json::to_string_pretty(&record)?)?;
        }
        Action::Verify { exams, opened, bundle } => {
            let (store, unlocked) = opened.open()?;
            let mut ids = Vec::new();
            for exam in exams {
                ids.push(find(&store, &unlocked, exam)?);
            }
            if exams.is_empty() {
                let all = store.list(&unlocked, None, usize::MAX)?;
                ids.extend(all.into_iter().map(|(_, row, _)| row.id));
            }
            drop(out);
            return verify::run(&store, &unlocked, &ids, bundle.as_deref());
        }
        Action::Support { place, key } => support::run(place, key.as_deref(), &mut out)?,
        Action::Export { exams, opened, to, identified, bundle } => {
            let (mut store, unlocked) = opened.open()?;
            let ids = exams.iter().map(|exam| find(&store, &unlocked, exam));
            let ids = ids.collect::<Result<Vec<_>, _>>()?;
            drop(out);
            let privacy = if *identified { Privacy::Identified } else { Privacy::Deidentified };
            return export::run(&mut store, &unlocked, &ids, to, privacy, bundle.as_deref());
        }
        Action::Send(arguments) => return send::run(arguments, &mut out),
        Action::Echo(arguments) => network::echo(arguments, &mut out)?,
        Action::Worklist(arguments) => network::worklist(arguments, &mut out)?,
        Action::Outbox(arguments) => network::outbox(arguments, &mut out)?,
        Action::Check { place } => {
            let store = place.open()?;
            let damage = store.check()?;
            for words in &damage {
                writeln!(out, "{words}")?;
            }
            writeln!(out, "{} exams, {} damaged", store.count()?, damage.len())?;
            return Ok(ExitCode::from(u8::from(!damage.is_empty())));
        }
        Action::Erase { exam, place, yes } => {
            if !yes {
                let remedy = "add --yes if it has been exported and may go for good";
                let subject = format!("exam {exam}");
                let error = Error::new(ErrorKind::Usage, subject, "is not erased", remedy);
                return Err(error.into());
            }
            place.open()?.erase(*exam, now(), WHO)?;
            writeln!(out, "exam {exam} is erased")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The box's clock, as far as it can be trusted.
pub fn now() -> When {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    When { time, clock_set: device::plausible(time) }
}

/// Opens the store that the configuration names, and says what had to be mended.
pub fn open_store(folder: &Path, keys: &Path, reserve: u64) -> Result<(Store, Vec<String>), Error> {
    Store::open_folder(folder, recipients(keys)?, reserve, now())
}

/// The clinic's public key, or keys.
pub fn recipients(keys: &Path) -> Result<Recipients, Error> {
    let text = std::fs::read_to_string(keys).map_err(|e| {
        let problem = format!("cannot be read ({})", plain_words(&e));
        let remedy = "`store.keys` names the file with the clinic's public key; `sonolamp exam keys` \
                      makes a pair";
        Error::new(ErrorKind::Usage, keys.display(), problem, remedy)
    })?;
    Recipients::parse(&text, &keys.display().to_string())
}

impl Place {
    fn folder(&self) -> Result<PathBuf, Error> {
        if let Some(folder) = &self.store {
            return Ok(folder.clone());
        }
        self.config()?.store.map(|store| store.folder).ok_or_else(|| {
            let remedy = "set store.folder in the configuration, or give --store DIR";
            Error::new(ErrorKind::Usage, "the exam store", "is not configured", remedy)
        })
    }

    fn config(&self) -> Result<Config, Error> {
        Config::load(self.config.as_deref())
    }

    fn unlock(&self, key: &Path) -> Result<(Store, Unlocked), Error> {
        let key = secret_key(key)?;
        let store = self.open_for(&key)?;
        let unlocked = store.unlock(key)?;
        Ok((store, unlocked))
    }

    /// Opens it for what needs no reading, and no new exams.
    fn open(&self) -> Result<Store, Error> {
        self.open_for(&SecretKey::generate())
    }

    fn open_for(&self, key: &SecretKey) -> Result<Store, Error> {
        let folder = self.folder()?;
        if !folder.is_dir() {
            let remedy = "give the folder that `store.folder` names";
            return Err(Error::new(ErrorKind::Usage, folder.display(), "is no folder", remedy));
        }
        let (store, mended) = Store::open_folder(&folder, key.recipients(), 0, now())?;
        mended.iter().for_each(|words| eprintln!("sonolamp: {words}"));
        Ok(store)
    }
}

impl Opened {
    fn open(&self) -> Result<(Store, Unlocked), Error> {
        self.place.unlock(&self.key)
    }
}

/// Reads a secret key, and asks for the passphrase of a locked one.
fn secret_key(file: &Path) -> Result<SecretKey, Error> {
    let name = file.display().to_string();
    let text = std::fs::read_to_string(file).map_err(|e| {
        let problem = format!("cannot be read ({})", plain_words(&e));
        Error::new(ErrorKind::Usage, &name, problem, "plug in the stick with the secret key")
    })?;
    if LockedKey::is_one(&text) {
        return LockedKey::parse(&text, &name)?.open(&asked("Passphrase: ")?);
    }
    SecretKey::parse(&text, &name)
}

/// A passphrase: typed unseen at a terminal, else the next line of stdin.
fn asked(prompt: &str) -> Result<String, Error> {
    let typed = if std::io::stdin().is_terminal() {
        rpassword::prompt_password(prompt)
    } else {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|_| line)
    };
    typed.map_err(|e| {
        let problem = format!("cannot be asked for ({})", plain_words(&e));
        Error::new(ErrorKind::Usage, "the passphrase", problem, "run it in a terminal")
    })
}

fn lock(key: &Path, file: &Path, own: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let key = secret_key(key)?;
    let words = if own { asked("New passphrase: ")? } else { passphrase() };
    let locked = LockedKey::lock(&key, &words)?;
    new_secret(file, &format!("# public key: {}\n{}", key.public(), locked.text()))?;
    if !own {
        writeln!(out, "{words}")?;
        eprintln!("These words open {}. Write them down, and keep them away from", file.display());
        eprintln!("the box; the secret key without a passphrase stays in the clinic's safe.");
    }
    Ok(())
}

/// Writes a new file that its owner alone can read.
fn new_secret(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    let made = options.write(true).create_new(true).mode(0o600).open(file);
    stored(file, made.and_then(|mut f| f.write_all(text.as_bytes()).and_then(|()| f.sync_all())))?;
    Ok(())
}

fn keys(file: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let key = SecretKey::generate();
    new_secret(file, &format!("# public key: {}\n{}\n", key.public(), key.expose()))?;
    writeln!(out, "{}", key.public())?;
    eprintln!("The secret key is in {}. Whoever has it can read every exam;", file.display());
    eprintln!("without it nobody can. Keep two copies away from the box, and put the line above");
    eprintln!("into the file that `store.keys` names.");
    Ok(())
}

/// The exam whose number begins like this.
fn find(store: &Store, unlocked: &Unlocked, text: &str) -> Result<ExamId, Error> {
    let all = store.list(unlocked, None, usize::MAX)?;
    let mut found =
        all.iter().map(|(_, row, _)| row.id).filter(|id| id.to_string().starts_with(text));
    let wrong = |problem: &str| {
        let remedy = "`sonolamp exam list` shows the numbers";
        Error::new(ErrorKind::Input, format!("exam {text}"), problem, remedy)
    };
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id),
        (None, _) => Err(wrong("is not in the store")),
        _ => Err(wrong("can be several")),
    }
}

fn list(
    store: &Store,
    unlocked: &Unlocked,
    search: Option<&str>,
    most: usize,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let wanted = search.map(str::to_lowercase);
    let matches = |listed: &Option<Listed>| {
        let Some(text) = &wanted else { return true };
        let holds = |field: &str| field.to_lowercase().contains(text);
        listed.as_ref().is_some_and(|l| holds(&l.patient.name) || holds(&l.patient.number))
    };
    let rows = store.list(unlocked, None, if search.is_some() { usize::MAX } else { most })?;
    for (_, row, listed) in rows.iter().filter(|(_, _, listed)| matches(listed)).take(most) {
        if json {
            let shown = json!({
                "exam": row.id, "exported": row.exported, "sent": row.sent, "listed": listed,
            });
            writeln!(out, "{shown}")?;
            continue;
        }
        let Some(listed) = listed else {
            writeln!(out, "{}  cannot be opened with this key, or is damaged", row.id)?;
            continue;
        };
        let patient = [&listed.patient.name[..], &listed.patient.number].join(" ");
        writeln!(
            out,
            "{}  {}  {:<10} {:.2}  {:<12} {}{}",
            row.id,
            date(listed.started),
            listed.verdict.word(),
            listed.probability,
            listed.zone,
            patient.trim(),
            if listed.demonstration { " DEMO" } else { "" },
        )?;
    }
    Ok(())
}

/// Date and time in UTC, in sixteen columns.
fn date(when: When) -> String {
    let time =
        OffsetDateTime::from_unix_timestamp(when.time as i64).ok().filter(|_| when.clock_set);
    time.map_or("clock not set   ".to_owned(), |t| {
        let (hour, minute) = (t.hour(), t.minute());
        format!("{} {hour:02}:{minute:02}", t.date())
    })
}

/// An exam in words, for messages.
fn title(record: &Record) -> String {
    format!("{}  {}", record.id, date(record.started))
}
