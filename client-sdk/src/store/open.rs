//! Opening: the folder, the file, and how safely SQLite is to keep it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::{Store, StoreError, Table};

/// The version of the store's layout that this build writes.
pub const STORE_VERSION: i64 = 1;
/// How long a writer waits for another program's transaction, in milliseconds.
pub const BUSY_WAIT_MS_MAX: u64 = 10_000;

/// The file in the folder.
const FILE: &str = "tablet.db";

impl Store {
    /// Opens the store in a folder, and makes it where there is none. Folder and files are for their owner alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::Folder)?;
        keep_private(folder, 0o700).map_err(StoreError::Folder)?;
        let file = folder.join(FILE);
        if !file.exists() {
            drop(fs::File::options().create(true).append(true).open(&file).map_err(StoreError::Folder)?);
        }
        // SQLite gives its log and index files the mode of the file that they belong to.
        keep_private(&file, 0o600).map_err(StoreError::Folder)?;
        let connection = Connection::open(&file)?;
        connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "secure_delete", "ON")?;
        connection.pragma_update(None, "trusted_schema", "OFF")?;
        let store = Self { connection, folder: folder.to_owned() };
        store.prepare()?;
        // The folder's entry for a new file must be as durable as the file.
        fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(StoreError::Folder)?;
        Ok(store)
    }

    fn prepare(&self) -> Result<(), StoreError> {
        let version: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > STORE_VERSION {
            return Err(StoreError::Newer(version));
        }
        if version == STORE_VERSION {
            return Ok(());
        }
        let tables: String = Table::ALL
            .map(|table| {
                let name = table.name();
                format!(
                    "CREATE TABLE IF NOT EXISTS {name} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
                )
            })
            .concat();
        let version = format!("PRAGMA user_version = {STORE_VERSION};");
        self.connection.execute_batch(&format!("BEGIN IMMEDIATE; {tables} {version} COMMIT;"))?;
        Ok(())
    }
}

#[cfg(unix)]
fn keep_private(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

/// Elsewhere the person's own folder is what keeps others out.
#[cfg(not(unix))]
fn keep_private(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}
