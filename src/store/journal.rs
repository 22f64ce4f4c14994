//! Who did what, and when: a file to which lines are only ever added, each chained to the one before.
//!
//! A line is a JSON object and, as its last field, the SHA-256 of the chain so far and of the line up
//! to that field. Whoever changes, removes or inserts a line breaks the chain at that place. Lines
//! taken off the end are noticed by the index, which keeps the last chain value it has seen. There is
//! no patient data in it.

use std::fmt::Write as _;
use std::io;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::files::{File, Files};
use super::id::ExamId;

pub const NAME: &str = "journal.jsonl";
/// Between a line's fields and its chain value.
const SEAM: &str = ",\"chain\":\"";

/// A value of the chain.
pub type Chain = [u8; 32];

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Counts from 1.
    pub number: u64,
    pub when: When,
    /// "operator", "box", "command line", or an operator's own name.
    pub who: String,
    pub what: What,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exam: Option<ExamId>,
    /// The digests of the exam's files, where it was sent, or what was mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
}

impl Line {
    /// The exam that it says the digests of, and these.
    pub fn digests(&self) -> Option<(ExamId, &str)> {
        let says = matches!(self.what, What::Kept | What::Amended);
        self.exam.filter(|_| says).zip(self.about.as_deref())
    }
}

/// An instant, as well as the box knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct When {
    /// Seconds since 1970, UTC, by the box's clock.
    pub time: u64,
    /// Whether that clock had been set.
    pub clock_set: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// The store was opened by a program.
    Opened,
    /// An exam is safe.
    Kept,
    /// What is known of an exam has changed.
    Amended,
    Exported,
    /// It is to be sent to a PACS.
    Queued,
    /// Taken out of the outbox unsent.
    Withdrawn,
    /// It may have arrived at the PACS, or a part of it.
    Unclear,
    Sent,
    Erased,
    /// Left over from a cut: unfinished, never shown, removed.
    Discarded,
    /// Something was damaged and has been set right or put aside.
    Mended,
    Unlocked,
    Locked,
}

/// The journal, open for more.
#[derive(Debug)]
pub struct Journal {
    file: Box<dyn File>,
    length: u64,
    number: u64,
    chain: Chain,
}

/// What was found on opening.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Bytes of a line that a cut left unfinished, taken off.
    pub torn: usize,
    /// The number of the first line that does not hold, and the name the file was put aside under, if
    /// there was one.
    pub broken: Option<(u64, Option<String>)>,
}

impl Journal {
    /// Opens it or starts it; it once had `known` lines, up to this chain. The last line is taken off
    /// where a cut tore it; whatever else does not hold puts the whole file aside, as it is, and
    /// starts anew.
    pub fn open(files: &dyn Files, known: (u64, Chain)) -> io::Result<(Journal, Found)> {
        let mut found = Found::default();
        let (bytes, there) = match files.read(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), false),
            bytes => (bytes?, true),
        };
        let mut checked = check(&bytes, known);
        if let Some(number) = checked.broken {
            let mut aside = None;
            if there {
                let name = free_name(files)?;
                files.rename(NAME, &name)?;
                files.sync_names()?;
                aside = Some(name);
            }
            found.broken = Some((number, aside));
            checked = Checked::default();
        } else {
            found.torn = bytes.len() - checked.length;
        }
        let file = files.open_or_create(NAME)?;
        if checked.number != known.0 || found.torn > 0 {
            // What lies beyond may never have reached the disk.
            let last = checked.last..checked.length;
            file.write_at(&bytes[last.clone()], last.start as u64)?;
            file.set_len(last.end as u64)?;
            file.sync()?;
            files.sync_names()?;
        }
        let Checked { length, number, chain, .. } = checked;
        Ok((Journal { file, length: length as u64, number, chain }, found))
    }

    /// Adds a line; it is safe once this returns.
    pub fn add(
        &mut self,
        when: When,
        who: &str,
        what: What,
        exam: Option<ExamId>,
        about: Option<String>,
    ) -> io::Result<()> {
        let line = Line { number: self.number + 1, when, who: who.to_owned(), what, exam, about };
        let json = serde_json::to_string(&line)?;
        let open = json.strip_suffix('}').unwrap_or(&json);
        let chain = link(&self.chain, open);
        let text = format!("{open}{SEAM}{}\"}}\n", hex(&chain));
        self.file.write_at(text.as_bytes(), self.length)?;
        self.file.sync()?;
        (self.length, self.number, self.chain) =
            (self.length + text.len() as u64, line.number, chain);
        Ok(())
    }

    /// How many lines there are, and the chain at the last.
    pub fn head(&self) -> (u64, Chain) {
        (self.number, self.chain)
    }
}

fn free_name(files: &dyn Files) -> io::Result<String> {
    let names = files.names()?;
    let name = |n| format!("journal-broken-{n}.jsonl");
    Ok((1..).map(name).find(|name| !names.contains(name)).unwrap_or_default())
}

fn link(before: &Chain, open: &str) -> Chain {
    Sha256::new().chain_update(before).chain_update(open).finalize().into()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `None` where it is no such text.
pub fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |digit: u8| char::from(digit).to_digit(16);
    let pairs = text.as_bytes().chunks(2).map(|pair| match *pair {
        [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
        _ => None,
    });
    pairs.collect()
}

/// The lines of a journal, as far as each can be read.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = Line> {
    bytes.split(|&b| b == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

/// The lines of a journal that hold.
#[derive(Debug, Default)]
pub struct Checked {
    /// Where they end, and where the last begins.
    pub length: usize,
    pub last: usize,
    pub number: u64,
    pub chain: Chain,
    /// The number of the first line that does not hold, or is not there, and should.
    pub broken: Option<u64>,
}

/// Goes along the chain of a journal that once had `known` lines, up to this chain.
pub fn check(bytes: &[u8], (known, expected): (u64, Chain)) -> Checked {
    let mut checked = Checked::default();
    while checked.length < bytes.len() {
        let rest = &bytes[checked.length..];
        let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let Some(chain) = chained(&rest[..end], &checked).filter(|_| end < rest.len()) else {
            // A cut can tear the last line, and leave zeros behind it.
            let more = rest[end..].iter().any(|&b| b != 0 && b != b'\n');
            if more || checked.number < known {
                checked.broken = Some(checked.number + 1);
            }
            return checked;
        };
        checked.last = checked.length;
        checked.length += end + 1;
        checked.number += 1;
        checked.chain = chain;
        if checked.number == known && chain != expected {
            checked.broken = Some(known);
            return checked;
        }
    }
    checked.broken = (checked.number < known).then_some(checked.number + 1);
    checked
}

/// The chain after a line, if the line holds.
fn chained(line: &[u8], before: &Checked) -> Option<Chain> {
    let text = std::str::from_utf8(line).ok()?;
    let (open, value) = text.rsplit_once(SEAM)?;
    let chain = link(&before.chain, open);
    let parsed: Line = serde_json::from_str(&format!("{open}}}")).ok()?;
    let holds = value.strip_suffix("\"}")? == hex(&chain) && parsed.number == before.number + 1;
    holds.then_some(chain)
}
