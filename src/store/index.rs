//! Which exams there are, newest first: a redb database beside the files, made anew from them if it is
//! lost or damaged.

use std::io;

use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use serde::{Deserialize, Serialize};

use super::files::{File, Files};
use super::id::ExamId;
use super::journal::{Chain, What, When};
use crate::error::contained;

pub const NAME: &str = "index.redb";
/// Memory that the database may take.
const CACHE: usize = 4 << 20;

/// Rows in the order of keeping, from 1.
const ROWS: TableDefinition<u64, &[u8]> = TableDefinition::new("rows");
const NUMBERS: TableDefinition<[u8; 16], u64> = TableDefinition::new("numbers");
/// The sealed keys of rows, a start each.
const KEYS: TableDefinition<u32, &[u8]> = TableDefinition::new("keys");
/// The journal's length and chain, when a row was last changed.
const HEAD: TableDefinition<(), (u64, Chain)> = TableDefinition::new("head");

/// One exam, as far as the box itself knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    pub id: ExamId,
    pub exported: bool,
    pub sent: bool,
    /// When it was handed over last, by a clock that was set; none since it was amended.
    pub handed_over: Option<u64>,
    /// It is being erased: a cut does not bring it back.
    pub erasing: bool,
    /// Which of the keys what a list shows is under; none where the envelope alone has it.
    pub key: Option<u32>,
    #[serde(with = "serde_bytes")]
    pub listed: Vec<u8>,
}

impl Row {
    /// One of which the envelope alone says more.
    pub fn new(id: ExamId) -> Row {
        let (handed_over, key, listed) = (None, None, Vec::new());
        Row { id, exported: false, sent: false, handed_over, erasing: false, key, listed }
    }

    /// Follows what the journal says of the exam.
    pub fn follow(&mut self, what: What, when: When) {
        match what {
            What::Exported => self.exported = true,
            What::Sent => self.sent = true,
            What::Kept | What::Amended => {
                (self.exported, self.sent, self.handed_over) = (false, false, None);
                return;
            }
            _ => return,
        }
        self.handed_over = Some(when.time).filter(|_| when.clock_set).or(self.handed_over);
    }
}

#[derive(Debug)]
struct Backend(Box<dyn File>);

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_at(out, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_at(data, offset)
    }
}

/// The open index.
pub struct Index {
    database: Database,
}

/// What redb says, as an error of the disk.
fn failed(error: impl Into<redb::Error>) -> io::Error {
    match error.into() {
        redb::Error::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => error,
        // The file speaks of more than there is of it, or does not hold together.
        error => io::Error::new(io::ErrorKind::InvalidData, error.to_string()),
    }
}

impl Index {
    /// Opens it or makes it. `InvalidData`: it is damaged.
    pub fn open(files: &dyn Files) -> io::Result<Index> {
        let file = files.open_or_create(NAME)?;
        let mut builder = Builder::new();
        builder.set_cache_size(CACHE).set_check_integrity_on_open(true);
        // A damaged file can make redb panic.
        let opened = contained(|| builder.create_with_backend(Backend(file)));
        let damaged = |words: String| io::Error::new(io::ErrorKind::InvalidData, words);
        let database = opened.map_err(damaged)?.map_err(failed)?;
        let index = Index { database };
        index.write(|_| Ok(()))?;
        files.sync_names()?;
        Ok(index)
    }

    /// Changes it as a whole, durably, or not at all.
    pub fn write(&self, change: impl FnOnce(&mut Change) -> io::Result<()>) -> io::Result<()> {
        let transaction = self.database.begin_write().map_err(failed)?;
        let tables = || -> Result<_, redb::TableError> {
            Ok(Change {
                rows: transaction.open_table(ROWS)?,
                numbers: transaction.open_table(NUMBERS)?,
                keys: transaction.open_table(KEYS)?,
                head: transaction.open_table(HEAD)?,
            })
        };
        change(&mut tables().map_err(failed)?)?;
        transaction.commit().map_err(failed)
    }

    /// The journal's length and chain that it knows of.
    pub fn head(&self) -> io::Result<(u64, Chain)> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let table = transaction.open_table(HEAD).map_err(failed)?;
        Ok(table.get(()).map_err(failed)?.map(|head| head.value()).unwrap_or_default())
    }

    /// The number that the next row gets.
    pub fn next(&self) -> io::Result<u64> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let rows = transaction.open_table(ROWS).map_err(failed)?;
        Ok(rows.last().map_err(failed)?.map_or(1, |(number, _)| number.value() + 1))
    }

    pub fn count(&self) -> io::Result<u64> {
        use redb::ReadableTableMetadata;
        let transaction = self.database.begin_read().map_err(failed)?;
        transaction.open_table(ROWS).map_err(failed)?.len().map_err(failed)
    }

    /// Goes through the rows before `before`, newest first, while `each` wants more.
    pub fn newest(
        &self,
        before: Option<u64>,
        mut each: impl FnMut(u64, Row) -> bool,
    ) -> io::Result<()> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let table = transaction.open_table(ROWS).map_err(failed)?;
        for entry in table.range(..before.unwrap_or(u64::MAX)).map_err(failed)?.rev() {
            let (number, bytes) = entry.map_err(failed)?;
            if !each(number.value(), row(bytes.value())?) {
                break;
            }
        }
        Ok(())
    }

    pub fn find(&self, id: ExamId) -> io::Result<Option<(u64, Row)>> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let numbers = transaction.open_table(NUMBERS).map_err(failed)?;
        let Some(number) = numbers.get(id.0).map_err(failed)? else { return Ok(None) };
        let rows = transaction.open_table(ROWS).map_err(failed)?;
        let found = rows.get(number.value()).map_err(failed)?;
        found.map(|bytes| Ok((number.value(), row(bytes.value())?))).transpose()
    }

    /// The sealed keys of rows.
    pub fn keys(&self) -> io::Result<Vec<(u32, Vec<u8>)>> {
        let transaction = self.database.begin_read().map_err(failed)?;
        let table = transaction.open_table(KEYS).map_err(failed)?;
        let entry = |entry: Result<_, _>| {
            let (number, bytes): (redb::AccessGuard<u32>, redb::AccessGuard<&[u8]>) =
                entry.map_err(failed)?;
            Ok((number.value(), bytes.value().to_vec()))
        };
        table.iter().map_err(failed)?.map(entry).collect()
    }
}

fn row(bytes: &[u8]) -> io::Result<Row> {
    let words = "a row of the index cannot be read";
    postcard::from_bytes(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, words))
}

/// The tables, open for one change.
pub struct Change<'a> {
    rows: redb::Table<'a, u64, &'static [u8]>,
    numbers: redb::Table<'a, [u8; 16], u64>,
    keys: redb::Table<'a, u32, &'static [u8]>,
    head: redb::Table<'a, (), (u64, Chain)>,
}

impl Change<'_> {
    pub fn put(&mut self, number: u64, row: &Row) -> io::Result<()> {
        let bytes = postcard::to_stdvec(row).map_err(io::Error::other)?;
        self.rows.insert(number, &bytes[..]).map_err(failed)?;
        self.numbers.insert(row.id.0, number).map_err(failed)?;
        Ok(())
    }

    pub fn remove(&mut self, id: ExamId) -> io::Result<()> {
        if let Some(number) = self.numbers.remove(id.0).map_err(failed)? {
            self.rows.remove(number.value()).map_err(failed)?;
        }
        Ok(())
    }

    pub fn set_head(&mut self, head: (u64, Chain)) -> io::Result<()> {
        self.head.insert((), head).map_err(failed)?;
        Ok(())
    }

    /// Keeps a sealed key of rows under the next number.
    pub fn add_key(&mut self, sealed: &[u8]) -> io::Result<u32> {
        let next = self.keys.last().map_err(failed)?.map_or(1, |(number, _)| number.value() + 1);
        self.keys.insert(next, sealed).map_err(failed)?;
        Ok(next)
    }
}
