//! One consistent state of the store, and the single place where rows are read and written.

use rusqlite::{Connection, OptionalExtension as _, params};
use sync_core::kv::{KvError, KvRead, Pair, Write};

use super::StoreError;
use super::ledger::Ledger;

/// Bytes of checksum in front of each value.
const CHECKSUM_BYTES: usize = 4;

/// A table of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// What the pure client keeps.
    Kv,
    /// What only this tablet knows.
    Local,
    /// Live sessions, event by event.
    Journal,
    /// Snapshots that are still on their way.
    Partial,
}

impl Table {
    /// All tables.
    pub const ALL: [Self; 4] = [Self::Kv, Self::Local, Self::Journal, Self::Partial];

    /// Returns the table's name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kv => "kv",
            Self::Local => "local",
            Self::Journal => "journal",
            Self::Partial => "partial",
        }
    }
}

/// One consistent state. As a [`KvRead`] it shows the pure client's table.
pub struct State<'a> {
    connection: &'a Connection,
}

impl<'a> State<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// Returns a value of any table.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn get_in(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let sql = format!("SELECT value FROM {} WHERE key = ?1", table.name());
        let mut statement = self.connection.prepare_cached(&sql).map_err(unreadable)?;
        let found: Option<Vec<u8>> =
            statement.query_row(params![key], |row| row.get(0)).optional().map_err(unreadable)?;
        found.map(|stored| opened(table.name(), key, stored)).transpose()
    }

    /// Returns pairs of any table, as [`KvRead::range`] does.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn range_in(
        &self,
        table: Table,
        start: &[u8],
        end: &[u8],
        limit: usize,
    ) -> Result<Vec<Pair>, KvError> {
        let sql = format!(
            "SELECT key, value FROM {} WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
            table.name()
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let mut statement = self.connection.prepare_cached(&sql).map_err(unreadable)?;
        let rows = statement
            .query_map(params![start, end, limit], |row| Ok((row.get(0)?, row.get(1)?)))
            .map_err(unreadable)?;
        rows.map(|row| {
            let (key, stored): (Vec<u8>, Vec<u8>) = row.map_err(unreadable)?;
            let value = opened(table.name(), &key, stored)?;
            Ok((key, value))
        })
        .collect()
    }

    /// Returns the last pair of a range of any table, as [`KvRead::last`] does.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn last_in(&self, table: Table, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        let sql = format!(
            "SELECT key, value FROM {} WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT 1",
            table.name()
        );
        let mut statement = self.connection.prepare_cached(&sql).map_err(unreadable)?;
        let found: Option<Pair> = statement
            .query_row(params![start, end], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(unreadable)?;
        let opened = |(key, stored): Pair| opened(table.name(), &key, stored).map(|value| (key, value));
        found.map(opened).transpose()
    }

    /// Returns all pairs of a table whose keys begin with `prefix`.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn scan_in(&self, table: Table, prefix: &[u8]) -> Result<Vec<Pair>, KvError> {
        self.range_in(table, prefix, &sync_core::kv::prefix_end(prefix), usize::MAX)
    }
}

impl KvRead for State<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.get_in(Table::Kv, key)
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.range_in(Table::Kv, start, end, limit)
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        self.last_in(Table::Kv, start, end)
    }
}

/// Writes one row, and enters it into the ledger.
pub(super) fn write(
    connection: &Connection,
    table: Table,
    write: &Write,
    ledger: &mut Ledger,
) -> Result<(), StoreError> {
    let (name, key) = (table.name(), write.key());
    let mut before = connection.prepare_cached(&format!("SELECT value FROM {name} WHERE key = ?1"))?;
    let before: Option<Vec<u8>> = before.query_row(params![key], |row| row.get(0)).optional()?;
    if let Some(before) = before {
        ledger.remove(table, key, &before);
    }
    match write {
        Write::Put(key, value) => {
            let stored = sealed(name, key, value);
            ledger.add(table, key, &stored);
            let sql = format!(
                "INSERT INTO {name} (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2"
            );
            connection.prepare_cached(&sql)?.execute(params![key, stored])?;
        }
        Write::Delete(key) => {
            connection
                .prepare_cached(&format!("DELETE FROM {name} WHERE key = ?1"))?
                .execute(params![key])?;
        }
    }
    Ok(())
}

/// The checksum goes over table and key, too: a value that stands elsewhere is as wrong as a flipped bit.
fn checksum(table: &str, key: &[u8], value: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let length = (key.len() as u64).to_be_bytes();
    let of_key = crc32c::crc32c(&[table.as_bytes(), &length, key].concat());
    crc32c::crc32c_append(of_key, value).to_be_bytes()
}

/// Puts the checksum in front of a value.
pub(super) fn sealed(table: &str, key: &[u8], value: &[u8]) -> Vec<u8> {
    [&checksum(table, key, value), value].concat()
}

/// Takes the checksum off a value that it fits.
pub(super) fn opened(table: &str, key: &[u8], mut stored: Vec<u8>) -> Result<Vec<u8>, KvError> {
    let Some((sum, value)) = stored.split_first_chunk::<CHECKSUM_BYTES>() else {
        return Err(KvError::Damaged("checksum"));
    };
    if *sum != checksum(table, key, value) {
        return Err(KvError::Damaged("checksum"));
    }
    stored.drain(..CHECKSUM_BYTES);
    Ok(stored)
}

fn unreadable(error: rusqlite::Error) -> KvError {
    KvError::Unreadable(error.to_string())
}
