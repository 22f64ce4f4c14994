//! The list, a page at a time: what is drawn never needs more than that read.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Archive;
use crate::error::Error;
use crate::store::{ExamId, Listed};

/// Rows of a page.
pub const ROWS: usize = 100;

/// A row. What cannot be opened has its number alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub id: ExamId,
    /// In the order of keeping.
    pub number: u64,
    pub exported: bool,
    pub sent: bool,
    /// It waits to be sent.
    pub waits: bool,
    pub listed: Option<Listed>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Newest first.
    pub entries: Vec<Entry>,
    pub search: String,
    /// Pages before it, of newer exams.
    pub before: usize,
    /// There are older exams.
    pub more: bool,
}

/// Which page: before which rows each begins, and what is searched for.
#[derive(Debug, Default)]
pub struct Place {
    starts: Vec<u64>,
    search: String,
}

impl Place {
    pub fn of(search: &str) -> Place {
        Place { search: search.trim().to_lowercase(), ..Place::default() }
    }

    pub fn turn(&mut self, older: bool, page: &Page) {
        match page.entries.last() {
            Some(last) if older && page.more => self.starts.push(last.number),
            _ if !older => drop(self.starts.pop()),
            _ => {}
        }
    }

    pub fn is_newest(&self) -> bool {
        self.starts.is_empty()
    }
}

impl Archive {
    /// Shows the page that is asked for.
    pub(super) fn list(&mut self) -> Result<(), Error> {
        let Some(keys) = &mut self.keys else { return Ok(()) };
        self.shelf.refresh(&mut keys.unlocked)?;
        let mut page = Page {
            search: self.place.search.clone(),
            before: self.place.starts.len(),
            ..Page::default()
        };
        let mut before = self.place.starts.last().copied();
        let wanted = |listed: &Option<Listed>| {
            let holds = |listed: &Listed| listed.patient.matches(&page.search);
            page.search.is_empty() || listed.as_ref().is_some_and(holds)
        };
        'all: loop {
            let rows = self.shelf.list(&keys.unlocked, before, ROWS + 1)?;
            let over = rows.len() <= ROWS;
            for (number, row, listed) in rows {
                before = Some(number);
                if row.erasing || !wanted(&listed) {
                    continue;
                }
                if page.entries.len() == ROWS {
                    page.more = true;
                    break 'all;
                }
                let (id, exported, sent) = (row.id, row.exported, row.sent);
                let waits = self.outgoing.is_some() && self.shelf.waits(id);
                page.entries.push(Entry { id, number, exported, sent, waits, listed });
            }
            if over || self.shared.stop.load(Ordering::SeqCst) {
                break;
            }
        }
        self.shared.view().page = Arc::new(page);
        Ok(())
    }
}
