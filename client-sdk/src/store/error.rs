//! Why the store could not do what it was asked.

use std::io::ErrorKind;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_SHMSIZE;
use sync_core::kv::KvError;

/// Why the store could not do what it was asked. What was stored before is as it was.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made, opened or kept to its owner.
    #[error("the folder of the store cannot be used")]
    Folder(#[source] std::io::Error),
    /// Another program has been writing for longer than this one waits. Try again.
    #[error("another program is using the store")]
    Busy,
    /// The medium has no room left: free some, nothing was lost.
    #[error("there is no room left on this device")]
    Full,
    /// What is stored fails its checksum, or is no store at all.
    #[error("what is stored is damaged: {0}")]
    Damaged(String),
    /// A newer version of the app has written this store: use that one.
    #[error("the store is of version {0}, which this version of the app does not know")]
    Newer(i64),
    /// The store failed otherwise.
    #[error("the store failed")]
    Failed(#[source] rusqlite::Error),
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        let is_full = matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded);
        if is_full { Self::Full } else { Self::Folder(error) }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        // The file that programs share beside the log cannot grow, which SQLite does not call full.
        if error.sqlite_error().is_some_and(|error| error.extended_code == SQLITE_IOERR_SHMSIZE) {
            return Self::Full;
        }
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged("the file".into()),
            _ => Self::Failed(error),
        }
    }
}

impl From<KvError> for StoreError {
    fn from(error: KvError) -> Self {
        Self::Damaged(error.to_string())
    }
}
