//! The tablet's own store: one SQLite file in a folder that only its person can open.
//!
//! ```text
//! kv        what the pure client keeps: copies, acts, holds, facts, cursor
//! local     what only this tablet knows: the device's key, the server's address, counters
//! journal   live sessions, event by event
//! partial   snapshots that are still on their way
//! ```
//!
//! > What [`Store::update`] has returned from is on the medium: it survives a killed program and an empty battery.
//!
//! Every value carries a checksum over its key and itself, so that a damaged one is reported and never taken for the truth. Nothing
//! removed stays behind: freed pages are overwritten, and [`Store::scrub`] empties the write-ahead log and packs the file.
//!
//! Several programs may have the same folder open. Writers wait for one another for [`BUSY_WAIT_MS_MAX`]; what is read in one
//! transaction is one state.

mod crash;
mod error;
mod open;
mod state;
mod turn;

pub use crash::crash_point;
pub use error::StoreError;
pub use open::{BUSY_WAIT_MS_MAX, STORE_VERSION};
pub use state::{State, Table};
pub use turn::Turn;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use sync_core::kv::Write;

/// An open store.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    folder: PathBuf,
}

/// Writes of one transaction, each with the table that it goes to.
#[derive(Debug, Default)]
pub struct Writes(Vec<(Table, Write)>);

impl Writes {
    /// Returns an empty list.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what the pure client wants written.
    pub fn core(&mut self, writes: Vec<Write>) {
        self.0.extend(writes.into_iter().map(|write| (Table::Kv, write)));
    }

    /// Sets a value.
    pub fn put(&mut self, table: Table, key: Vec<u8>, value: Vec<u8>) {
        self.0.push((table, Write::Put(key, value)));
    }

    /// Removes a value.
    pub fn delete(&mut self, table: Table, key: Vec<u8>) {
        self.0.push((table, Write::Delete(key)));
    }

    /// Returns whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<Write>> for Writes {
    fn from(writes: Vec<Write>) -> Self {
        let mut all = Self::new();
        all.core(writes);
        all
    }
}

impl Store {
    /// Returns the folder that the store is in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Reads one consistent state.
    ///
    /// # Errors
    /// What `read` says, or a [`StoreError`] where the store cannot be read.
    pub fn read<T, E: From<StoreError>>(
        &self,
        read: impl FnOnce(&State<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let transaction = self.connection.unchecked_transaction().map_err(StoreError::from)?;
        read(&State::new(&transaction))
    }

    /// Decides on one state what to write, and writes it, whole or not at all; nobody else writes between.
    ///
    /// # Errors
    /// What `decide` says, or a [`StoreError`]; nothing was written then.
    pub fn update<T, E: From<StoreError>>(
        &self,
        decide: impl FnOnce(&State<'_>) -> Result<(Writes, T), E>,
    ) -> Result<T, E> {
        let transaction =
            rusqlite::Transaction::new_unchecked(&self.connection, TransactionBehavior::Immediate)
                .map_err(StoreError::from)?;
        let (writes, answer) = decide(&State::new(&transaction))?;
        if writes.is_empty() {
            return Ok(answer);
        }
        for (table, write) in &writes.0 {
            state::write(&transaction, *table, write)?;
        }
        crash_point("before_commit");
        transaction.commit().map_err(StoreError::from)?;
        crash_point("after_commit");
        Ok(answer)
    }

    /// Applies writes in one transaction.
    ///
    /// # Errors
    /// [`StoreError`]; nothing was written then.
    pub fn apply(&self, writes: impl Into<Writes>) -> Result<(), StoreError> {
        let writes = writes.into();
        self.update(|_| Ok((writes, ())))
    }

    /// Leaves nothing behind of what was removed: packs the file and empties the write-ahead log.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another program reads; ask again later.
    pub fn scrub(&self) -> Result<(), StoreError> {
        self.connection.execute_batch("VACUUM")?;
        let blocked: i64 =
            self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if blocked == 0 { Ok(()) } else { Err(StoreError::Busy) }
    }

    /// Takes this folder's turn to exchange: one exchange is in flight at a time, whatever the number of programs. None while
    /// another program has it.
    ///
    /// # Errors
    /// [`StoreError`] where the lock file cannot be made.
    pub fn turn(&self) -> Result<Option<Turn>, StoreError> {
        Turn::take(&self.folder)
    }
}
