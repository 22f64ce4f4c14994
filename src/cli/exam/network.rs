//! `sonolamp exam echo`, `worklist` and `outbox`: what there is to ask and to see beside sending.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::statfs;
use time::{Date, OffsetDateTime, UtcOffset};

use super::{Place, WHO, date, now};
use crate::cli::stored;
use crate::config::Config;
use crate::config::pacs::Pacs;
use crate::error::{Error, ErrorKind};
use crate::pacs::Scheduled;
use crate::store::ExamId;

/// File systems that are gone when the power is (linux/magic.h).
const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];

#[derive(clap::Args)]
pub struct Echo {
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Worklist {
    /// Write a JSON array into this file, for the dashboard to offer. It holds names in clear, so the
    /// file must lie in memory, as everything below /run does
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The day, as 2026-05-01 (default: today)
    #[arg(long, value_name = "DATE")]
    day: Option<String>,
    /// Configuration file (default: /etc/sonolamp/sonolamp.toml if it exists)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct Outbox {
    #[command(flatten)]
    place: Place,
    /// Take this exam out, unsent: its number, all digits
    #[arg(long, value_name = "EXAM")]
    drop: Option<ExamId>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// The PACS that the configuration names.
pub fn pacs(config: Option<&Path>) -> Result<Pacs, Error> {
    Config::load(config)?.pacs.ok_or_else(|| {
        let remedy = "set `pacs.host` and what goes with it; `sonolamp config print` explains";
        Error::new(ErrorKind::Usage, "the PACS", "is not configured: the box is offline", remedy)
    })
}

pub fn echo(arguments: &Echo, out: &mut impl Write) -> anyhow::Result<()> {
    let Pacs { peer, worklist, .. } = pacs(arguments.config.as_deref())?;
    let way = if peer.tls.is_some() { "over TLS" } else { "in clear" };
    for peer in [Some(&peer), Some(&worklist).filter(|w| **w != peer)].into_iter().flatten() {
        let took = peer.echo()?;
        writeln!(out, "PACS {} answers {way}, in {} ms", peer.name(), took.as_millis())?;
    }
    Ok(())
}

pub fn worklist(arguments: &Worklist, out: &mut impl Write) -> anyhow::Result<()> {
    // Before anything is asked: an answer that may not be written helps nobody.
    if let Some(file) = &arguments.out {
        check_in_memory(file)?;
    }
    let pacs = pacs(arguments.config.as_deref())?;
    let day = arguments.day.clone().map_or_else(today, Ok)?;
    let expected = pacs.worklist.worklist(&digits(&day)?)?;
    let Some(file) = &arguments.out else {
        for who in &expected {
            writeln!(out, "{}", row(who))?;
        }
        eprintln!("sonolamp: {} expected on {day}", expected.len());
        return Ok(());
    };
    let draft = file.with_extension("part");
    let written = (|| {
        // A link that lies there must not be followed.
        let _ = std::fs::remove_file(&draft);
        let mut options = std::fs::OpenOptions::new();
        let mut draft_file = options.write(true).create_new(true).mode(0o600).open(&draft)?;
        draft_file.write_all(&serde_json::to_vec_pretty(&expected)?)?;
        std::fs::rename(&draft, file)
    })();
    stored(file, written)?;
    eprintln!("sonolamp: {} expected on {day}", expected.len());
    Ok(())
}

fn row(who: &Scheduled) -> String {
    let Scheduled { name, number, born, sex, accession, time, .. } = who;
    let name = name.split('=').next().unwrap_or_default().replace('^', " ");
    format!("{time:<5}  {:<30} {number:<16} {born:<10} {sex:<1}  {accession}", name.trim())
        .trim_end()
        .to_owned()
}

/// Names in clear must not reach a disk.
fn check_in_memory(file: &Path) -> Result<(), Error> {
    let folder = file.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let kind = stored(folder, statfs(folder).map_err(Into::into))?.f_type as u32;
    if IN_MEMORY.contains(&kind) {
        return Ok(());
    }
    let remedy = "give a path below /run, such as /run/sonolamp/worklist.json";
    let problem = "lies on a disk, and names must not lie there in clear";
    Err(Error::new(ErrorKind::Usage, file.display(), problem, remedy))
}

/// The day here, as far as the box's clock and time zone can be trusted.
fn today() -> Result<String, Error> {
    let now = now();
    let time = OffsetDateTime::from_unix_timestamp(now.time as i64).ok().filter(|_| now.clock_set);
    let time = time.ok_or_else(|| {
        let remedy = "set it, or give the day: --day 2026-05-01";
        Error::new(ErrorKind::Usage, "the clock", "is not set, so today is not known", remedy)
    })?;
    let zone = UtcOffset::current_local_offset().unwrap_or(UtcOffset::UTC);
    Ok(time.to_offset(zone).date().to_string())
}

/// A date as DICOM writes it.
fn digits(day: &str) -> Result<String, Error> {
    let digits: String = day.chars().filter(char::is_ascii_digit).collect();
    let part = |range: std::ops::Range<usize>| digits.get(range)?.parse::<u16>().ok();
    let date = || {
        let (year, month, day) = (part(0..4)?, part(4..6)?, part(6..8)?);
        let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
        Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok()
    };
    match date().filter(|date| date.to_string() == day) {
        Some(_) => Ok(digits),
        None => {
            let remedy = "give year, month and day, such as 2026-05-01";
            Err(Error::new(ErrorKind::Usage, format!("--day {day}"), "is no date", remedy))
        }
    }
}

pub fn outbox(arguments: &Outbox, out: &mut impl Write) -> anyhow::Result<()> {
    let mut store = arguments.place.open()?;
    if let Some(id) = arguments.drop {
        store.withdraw(id, now(), WHO)?;
        writeln!(out, "exam {id} is out of the outbox")?;
        return Ok(());
    }
    for entry in store.outbox()? {
        if arguments.json {
            writeln!(out, "{}", serde_json::to_string(&entry)?)?;
            continue;
        }
        let tries = match entry.tries {
            0 => "not tried yet".to_owned(),
            1 => "tried once".to_owned(),
            n => format!("tried {n} times"),
        };
        let (id, queued, to) = (entry.exam, date(entry.queued), &entry.destination);
        write!(out, "{id}  {queued}  to {to}, {tries}")?;
        if entry.taken > 0 {
            write!(out, ", {} of {} objects arrived", entry.taken, entry.objects)?;
        }
        match &entry.trouble {
            Some(trouble) => writeln!(out, ": {trouble}")?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_real_and_names_stay_off_the_disk() {
        assert_eq!(digits("2026-05-01").unwrap(), "20260501");
        for wrong in ["2026-02-30", "20260501", "1.5.2026", "", "2026-05-01x"] {
            assert_eq!(digits(wrong).unwrap_err().kind, ErrorKind::Usage, "{wrong}");
        }
        assert!(check_in_memory(Path::new("/proc/worklist.json")).is_err());
        assert!(check_in_memory(Path::new("/no/such/folder/worklist.json")).is_err());
    }

    #[test]
    fn a_row_shows_a_name_as_people_write_it() {
        let who = Scheduled {
            name: "Wang^XiaoDong=王^小東".into(),
            number: "17".into(),
            born: "1961-04-30".into(),
            sex: "F".into(),
            accession: String::new(),
            study: "1.2".into(),
            time: "09:30".into(),
        };
        let shown = row(&who);
        assert!(shown.starts_with("09:30  Wang XiaoDong    ") && shown.ends_with("1961-04-30 F"));
    }
}
