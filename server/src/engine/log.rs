//! The core's log entries as records of the store, and back.

use sync_core::exchange::codec;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::LogRead;
use sync_core::kv::KvError;

use crate::store::{Frame, ReadError, Record, StoreReader, StoredRecord};

/// The key id of payloads in the clear.
const IN_THE_CLEAR: u32 = 0;

/// Makes one frame of the entries of one desk: they stand or fall together.
pub(super) fn frame_of(entries: &[LogEntry]) -> Frame {
    Frame { records: entries.iter().map(record_of).collect() }
}

fn record_of(entry: &LogEntry) -> Record {
    Record {
        kind: entry.kind(),
        document: entry.document().map_or([0; 16], |document| document.0),
        key_id: IN_THE_CLEAR,
        payload: codec::to_bytes(entry),
    }
}

/// Reads what a record says.
pub(crate) fn entry_of(stored: &StoredRecord) -> Result<LogEntry, KvError> {
    codec::from_bytes(&stored.record.payload).map_err(|_| KvError::Damaged("log entry"))
}

pub(super) fn unreadable(error: &ReadError) -> KvError {
    tracing::error!(%error, "the log cannot be read");
    match error {
        ReadError::Poisoned => KvError::Poisoned,
        ReadError::Damaged { .. } | ReadError::Io(_) => KvError::Unreadable(error.to_string()),
    }
}

/// The durable log, as replies read it.
pub(super) struct DurableLog<'a>(pub(super) &'a dyn StoreReader);

impl LogRead for DurableLog<'_> {
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
        let stored = self.0.read(seq).map_err(|error| unreadable(&error))?;
        entry_of(&stored.ok_or(KvError::Damaged("log entry"))?)
    }

    fn end(&self) -> u64 {
        self.0.end().seq
    }

    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
        let at = self.0.running_hash_at(seq).map_err(|error| unreadable(&error))?;
        Ok(at.map(|at| at.hash))
    }
}
