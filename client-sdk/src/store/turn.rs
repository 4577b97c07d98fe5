//! Whose turn it is to exchange: one program at a time for each folder.

use std::fs::{File, TryLockError};
use std::path::Path;

use super::StoreError;

/// The file whose lock is the turn. The system lets go of it when its holder ends, however it ends.
const FILE: &str = "exchange.lock";

/// The turn to exchange; it ends when this is dropped.
#[derive(Debug)]
pub struct Turn(#[expect(dead_code, reason = "held for its lock")] File);

impl Turn {
    /// Takes the turn; none while another program has it.
    pub(super) fn take(folder: &Path) -> Result<Option<Self>, StoreError> {
        let file = File::options().create(true).truncate(false).write(true).open(folder.join(FILE))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}
