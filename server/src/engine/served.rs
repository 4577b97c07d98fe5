//! The note, beside the keys, of how far the log had come when it was served last: a folder that ends before it was set back.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sync_core::ids::LogId;

use super::open::OpenEngineError;
use crate::store::StoreReader;
use crate::whole_file::{CheckedError, hex, read_checked, write_checked};

/// The note, beside the keys, of the life that was served last and how far it had come.
pub(super) const SERVED: &str = "served";

/// How far a life of the log is known to have come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Served {
    pub(super) log: LogId,
    pub(super) seq: u64,
    /// The running hash there, in hexadecimal.
    running: String,
}

impl Served {
    fn now(reader: &dyn StoreReader) -> Self {
        let end = reader.end();
        Self { log: LogId(reader.log_id()), seq: end.seq, running: hex(&end.hash) }
    }

    /// Returns whether a log holds what was noted.
    pub(super) fn is_in(&self, reader: &dyn StoreReader) -> Result<bool, OpenEngineError> {
        let at = reader.running_hash_at(self.seq)?;
        Ok(at.is_some_and(|at| at.last == self.seq && hex(&at.hash) == self.running))
    }
}

/// Returns how far which life had come when it was served last; none where none was.
pub(super) fn served(keys: &Path) -> Result<Option<Served>, CheckedError> {
    read_checked(&keys.join(SERVED))
}

/// Notes beside the keys how far the log has come.
pub(super) fn note_served(reader: &dyn StoreReader, keys: &Path) -> std::io::Result<()> {
    write_checked(&keys.join(SERVED), &Served::now(reader))
}
