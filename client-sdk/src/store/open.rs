//! Opening: the folder, the file, how safely SQLite is to keep it, and whether everything in it is as it was written.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use sync_core::seeded::{Bug, seeded};

use super::crash::keep_its_size;
use super::first_version::{self, FIRST_VERSION};
use super::ledger::{Commits, LEDGER, Ledger};
use super::mend::{Shared, is_under_way, mend};
use super::{Store, StoreError, Table};

/// The version of the store's layout that this build writes.
pub const STORE_VERSION: i64 = 2;
/// How long a writer waits for another program's transaction, in milliseconds.
pub const BUSY_WAIT_MS_MAX: u64 = 10_000;

/// The file in the folder.
pub(super) const FILE: &str = "tablet.db";

impl Store {
    /// Opens the store in a folder, and makes it where there is none. Folder and files are for their owner alone.
    ///
    /// A store with damage in it is mended first; [`Store::damage`] says what was lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder)?;
        keep_private(folder, 0o700)?;
        let shared = Shared::take(folder)?;
        let (connection, mended) = match open_sound(folder) {
            Err(StoreError::Damaged(what)) => {
                mend(folder, &shared, what)?;
                (open_sound(folder)?, true)
            }
            opened => (opened?, false),
        };
        let commits = Commits::open(folder)?;
        // The folder's entry for a new file must be as durable as the file.
        fs::File::open(folder).and_then(|folder| folder.sync_all())?;
        Ok(Self { connection, commits, folder: folder.to_owned(), mended, _shared: shared })
    }
}

/// Opens the store's file, if every row in it is there and as it was written; makes it where nothing was ever stored.
pub(super) fn open_sound(folder: &Path) -> Result<Connection, StoreError> {
    if is_under_way(folder) {
        return Err(StoreError::Damaged("it was being mended".into()));
    }
    let file = folder.join(FILE);
    // Read before what it counts: another program may be writing.
    let noted = Commits::open(folder)?.read();
    match fs::metadata(&file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
        // SQLite would take it for new, and throw away what stands in its log.
        Ok(found) if found.len() == 0 && noted > 0 => {
            return Err(StoreError::Damaged("the file is empty".into()));
        }
        Err(_) if noted > 0 => return Err(StoreError::Damaged("the file is gone".into())),
        Ok(_) | Err(_) => {}
    }
    let opened = connect(&file).and_then(|connection| {
        prepare(&connection, noted)?;
        check(&connection, noted)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        Ok(connection)
    });
    // Whatever else SQLite says of a file that it had opened before comes of what is in it.
    opened.map_err(|error| {
        if let StoreError::Failed(error) = error { StoreError::Damaged(error.to_string()) } else { error }
    })
}

/// Makes a store's file that is not in use yet.
pub(super) fn create(file: &Path) -> Result<Connection, StoreError> {
    make(file)?;
    let connection = Connection::open(file)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    lay_out(&connection)?;
    Ok(connection)
}

fn make(file: &Path) -> Result<(), StoreError> {
    if !file.exists() {
        drop(fs::File::options().create(true).append(true).open(file)?);
    }
    // SQLite gives its log and index files the mode of the file that they belong to.
    keep_private(file, 0o600).map_err(StoreError::from)
}

pub(super) fn connect(file: &Path) -> Result<Connection, StoreError> {
    make(file)?;
    let connection = Connection::open(file)?;
    // Until it is known to be sound, closing it must not throw away what stands in its log behind damage.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    keep_its_size(&connection)?;
    Ok(connection)
}

fn prepare(connection: &Connection, noted: u64) -> Result<(), StoreError> {
    let version = version(connection)?;
    if version == STORE_VERSION {
        return Ok(());
    }
    let is_new: bool =
        connection.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))?;
    match version {
        // A first transaction would be written over what still stands in the log.
        0 if is_new && noted > 0 => Err(StoreError::Damaged("everything that was saved is gone".into())),
        0 if is_new => lay_out(connection),
        FIRST_VERSION => first_version::bring_up(connection),
        // A ledger of this version says that it is the number that is wrong.
        _ if Ledger::read(connection).is_ok() => Err(StoreError::Damaged("its version".into())),
        version if version > STORE_VERSION => Err(StoreError::Newer(version)),
        _ => Err(StoreError::Damaged("its version".into())),
    }
}

pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Lays out an empty store, unless another program was faster.
fn lay_out(connection: &Connection) -> Result<(), StoreError> {
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, rusqlite::TransactionBehavior::Immediate)?;
    if version(&transaction)? == 0 {
        for name in Table::ALL.map(Table::name).into_iter().chain([LEDGER]) {
            transaction.execute_batch(&table(name))?;
        }
        Ledger::default().write(&transaction)?;
        transaction.pragma_update(None, "user_version", STORE_VERSION)?;
    }
    Ok(transaction.commit()?)
}

/// Returns what makes a table of this name.
pub(super) fn table(name: &str) -> String {
    format!("CREATE TABLE {name} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;")
}

/// Checks that SQLite's own structures hold together, and that the rows are those that were written, all of them.
fn check(connection: &Connection, noted: u64) -> Result<(), StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let verdict: String = transaction.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Damaged(verdict));
    }
    let ledger = Ledger::read(&transaction)?;
    if ledger.commits < noted {
        return Err(StoreError::Damaged("the last things that were saved are gone".into()));
    }
    match Ledger::count(&transaction)?.has_rows_of(&ledger) || seeded(Bug::RowsUncounted) {
        true => Ok(()),
        false => Err(StoreError::Damaged("rows are gone".into())),
    }
}

#[cfg(unix)]
pub(super) fn keep_private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Elsewhere the person's own folder is what keeps others out.
#[cfg(not(unix))]
pub(super) fn keep_private(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
