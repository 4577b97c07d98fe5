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
//! Every value carries a checksum over its table, its key and itself, and the rows are counted, so that a damaged or missing one
//! is never taken for the truth: a store with damage in it is mended when it is opened, and says what it has lost. Nothing
//! removed stays behind: freed pages are overwritten, and [`Store::scrub`] empties the write-ahead log and packs the file.
//!
//! Several programs may have the same folder open. Writers wait for one another for [`BUSY_WAIT_MS_MAX`]; what is read in one
//! transaction is one state.

mod carve;
mod crash;
mod damage;
mod error;
mod first_version;
mod ledger;
mod mend;
mod open;
mod state;
mod turn;
mod wal;

pub use crash::crash_point;
pub use damage::{Damage, damage_of};
pub use error::StoreError;
pub use ledger::Kind;
pub use mend::SET_ASIDE_MAX;
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
    commits: ledger::Commits,
    folder: PathBuf,
    mended: bool,
    /// Held so that nobody mends the store under its users' hands.
    _shared: mend::Shared,
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

    /// Returns whether there was damage in it when it was opened: then whoever opened it is told at once.
    pub fn was_mended(&self) -> bool {
        self.mended
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
        let mut ledger = ledger::Ledger::read(&transaction)?;
        for (table, write) in &writes.0 {
            state::write(&transaction, *table, write, &mut ledger)?;
        }
        ledger.commits += 1;
        ledger.write(&transaction)?;
        crash_point("before_commit");
        transaction.commit().map_err(StoreError::from)?;
        crash_point("after_commit");
        self.commits.note(ledger.commits);
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

    /// Leaves nothing behind of what was removed: packs the file, empties the write-ahead log, and removes what was put aside.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while another program reads; ask again later.
    pub fn scrub(&self) -> Result<(), StoreError> {
        mend::forget_set_aside(&self.folder)?;
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
