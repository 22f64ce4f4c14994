//! Opening: what a cut left unfinished is completed or cleared away, what is damaged is put aside under
//! another name and never overwritten. Every step is written into the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use sha2::{Digest, Sha256};

use super::files::{DRAFT, Files};
use super::id::ExamId;
use super::index::{self, Index, Row};
use super::journal::{self, Journal, What, When, hex};
use super::{BOX, CLIP, ENVELOPE, outbox};

pub struct Opened {
    pub index: Index,
    pub journal: Journal,
    /// What was set right, in words.
    pub mended: Vec<String>,
}

pub fn open(files: &dyn Files, when: When) -> io::Result<Opened> {
    let mut mended = Vec::new();
    let (index, rebuilt) = match Index::open(files) {
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            let aside = free_name(files, "index-broken", "redb")?;
            files.rename(index::NAME, &aside)?;
            files.sync_names()?;
            mended.push(format!(
                "the index was damaged ({error}) and is made anew; the old one is {aside}"
            ));
            (Index::open(files)?, true)
        }
        opened => (opened?, false),
    };
    let (mut journal, found) = Journal::open(files, index.head()?)?;
    if found.torn > 0 {
        mended.push("a cut tore the journal's last line, which said nothing that counts".into());
    }
    if let Some((number, aside)) = found.broken {
        mended.push(match aside {
            None => "the journal is gone, and a new one begins".to_owned(),
            Some(aside) => format!(
                "the journal does not hold from line {number} on; it is kept as {aside} and a new one \
                 begins"
            ),
        });
    }
    for words in &mended {
        journal.add(when, BOX, What::Mended, None, Some(words.clone()))?;
    }
    let mut mending = Mending { files, index, journal, when, mended };
    mending.clear()?;
    mending.adopt(rebuilt)?;
    mending.settle()?;
    let Mending { index, mut journal, mut mended, .. } = mending;
    mended.extend(outbox::settle(files, &index, &mut journal, when)?);
    journal.add(when, BOX, What::Opened, None, None)?;
    let head = journal.head();
    index.write(|change| change.set_head(head))?;
    Ok(Opened { index, journal, mended })
}

fn free_name(files: &dyn Files, stem: &str, end: &str) -> io::Result<String> {
    let names = files.names()?;
    let name = |n| format!("{stem}-{n}.{end}");
    Ok((1..).map(name).find(|name| !names.contains(name)).unwrap_or_default())
}

/// Removes an exam's files, the key first, and its place in the outbox.
pub fn erase(files: &dyn Files, id: ExamId) -> io::Result<()> {
    let envelope = format!("{id}{ENVELOPE}");
    // Where the disk writes in place, the key is gone even if its sectors are read.
    if let Ok(file) = files.open(&envelope) {
        file.write_at(&vec![0; usize::try_from(file.length()?).unwrap_or(0)], 0)?;
        file.sync()?;
    }
    for name in [envelope, format!("{id}{CLIP}"), format!("{id}{}", outbox::ENTRY)] {
        match files.remove(&name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            removed => removed?,
        }
        files.sync_names()?;
    }
    Ok(())
}

struct Mending<'a> {
    files: &'a dyn Files,
    index: Index,
    journal: Journal,
    when: When,
    mended: Vec<String>,
}

impl Mending<'_> {
    fn say(&mut self, what: What, id: ExamId, words: String) -> io::Result<()> {
        self.journal.add(self.when, BOX, what, Some(id), Some(words.clone()))?;
        self.mended.push(format!("exam {id}: {words}"));
        Ok(())
    }

    fn ids(&self, end: &str) -> io::Result<BTreeSet<ExamId>> {
        let names = self.files.names()?;
        Ok(names.iter().filter_map(|name| name.strip_suffix(end)?.parse().ok()).collect())
    }

    /// Takes away what belongs to no exam, and completes what was being erased.
    fn clear(&mut self) -> io::Result<()> {
        let mut erasing = Vec::new();
        self.index.newest(None, |_, row| {
            erasing.extend(row.erasing.then_some(row.id));
            true
        })?;
        for id in erasing {
            erase(self.files, id)?;
            self.index.write(|change| change.remove(id))?;
            self.say(What::Erased, id, "its erasing was cut off and is completed".into())?;
        }
        for end in [CLIP, ENVELOPE] {
            for id in self.ids(&format!("{end}{DRAFT}"))? {
                self.files.remove(&format!("{id}{end}{DRAFT}"))?;
                let unknown = self.index.find(id)?.is_none();
                if end == CLIP && unknown {
                    self.say(What::Discarded, id, "it was cut off before its end".into())?;
                }
            }
        }
        let envelopes = self.ids(ENVELOPE)?;
        for id in self.ids(CLIP)? {
            if !envelopes.contains(&id) && self.index.find(id)?.is_none() {
                self.files.remove(&format!("{id}{CLIP}"))?;
                self.say(What::Discarded, id, "it was cut off before its record".into())?;
            }
        }
        self.files.sync_names()
    }

    /// Takes exams into the index that it does not know: those whose keeping was cut off at the very
    /// end, or all of them where it had to be made anew.
    fn adopt(&mut self, rebuilt: bool) -> io::Result<()> {
        let clips = self.ids(CLIP)?;
        let mut strays: Vec<ExamId> = Vec::new();
        for id in self.ids(ENVELOPE)? {
            if self.index.find(id)?.is_none() {
                if clips.contains(&id) {
                    strays.push(id);
                } else {
                    self.files.remove(&format!("{id}{ENVELOPE}"))?;
                    self.files.sync_names()?;
                    self.say(What::Discarded, id, "its frames are not there".into())?;
                }
            }
        }
        if strays.is_empty() {
            return Ok(());
        }
        let said = self.said()?;
        strays.sort_by_key(|id| said.get(id).map_or(u64::MAX, |(order, _)| *order));
        let mut number = self.index.next()?;
        self.index.write(|change| {
            for &id in &strays {
                let row = said.get(&id).map_or(Row::new(id), |(_, row)| row.clone());
                change.put(number, &row)?;
                number += 1;
            }
            Ok(())
        })?;
        if rebuilt {
            self.mended.push(format!("{} exams are back in the index", strays.len()));
            return Ok(());
        }
        for id in strays {
            self.say(What::Mended, id, "its keeping was cut off at the end; it is whole".into())?;
        }
        Ok(())
    }

    /// An amendment that was cut off has happened or it has not: the envelope tells, and the index
    /// follows it.
    fn settle(&mut self) -> io::Result<()> {
        let bytes = self.files.read(journal::NAME)?;
        let mut of_exams = journal::lines(&bytes).filter(|line| line.digests().is_some());
        let Some(last) = of_exams.by_ref().last().filter(|line| line.what == What::Amended) else {
            return Ok(());
        };
        let Some((id, digests)) = last.digests() else { return Ok(()) };
        let Some((number, row)) = self.index.find(id)? else { return Ok(()) };
        let known = self.index.head()?.0;
        let Ok(sealed) = self.files.read(&format!("{id}{ENVELOPE}")) else { return Ok(()) };
        let envelope = hex(&Sha256::digest(&sealed));
        if digests.starts_with(&envelope) && last.number <= known {
            return Ok(());
        }
        // As new: whether what was handed over is what stands now is not known.
        self.index.write(|change| change.put(number, &Row::new(row.id)))?;
        let before = journal::lines(&bytes).filter_map(|line| {
            line.digests().filter(|(of, _)| *of == id).map(|(_, digests)| digests.to_owned())
        });
        let before = before.filter(|digests| digests.starts_with(&envelope)).last();
        if !digests.starts_with(&envelope) && before.is_some() {
            self.journal.add(self.when, BOX, What::Amended, Some(id), before)?;
            self.mended.push(format!("exam {id}: an amendment was cut off; what was known stands"));
        }
        Ok(())
    }

    /// What the journal says of exams: their order, and what became of them.
    fn said(&self) -> io::Result<BTreeMap<ExamId, (u64, Row)>> {
        let mut said = BTreeMap::new();
        for line in journal::lines(&self.files.read(journal::NAME)?) {
            let Some(id) = line.exam else { continue };
            let (_, row) = said.entry(id).or_insert((line.number, Row::new(id)));
            row.follow(line.what, line.when);
        }
        Ok(said)
    }
}
