//! The core's log entries as records of the store, and back.

use sync_core::exchange::codec;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::DocumentId;
use sync_core::kv::KvError;
use sync_core::seeded::{Bug, seeded};

use super::tail::Tail;
use crate::store::{Frame, ReadError, Record, StoreReader, StoredRecord};

/// The key id of payloads in the clear.
const IN_THE_CLEAR: u32 = 0;

/// Makes one frame of the entries of one desk: they stand or fall together.
pub(super) fn frame_of(entries: &[LogEntry]) -> Frame {
    let kept = if seeded(Bug::HalfAFrame) { entries.len().div_ceil(2) } else { entries.len() };
    Frame { records: entries.iter().take(kept).map(record_of).collect() }
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
pub(super) struct DurableLog<'a> {
    reader: &'a dyn StoreReader,
    /// The end of it in memory, where that is kept.
    tail: Option<&'a Tail>,
}

impl<'a> DurableLog<'a> {
    /// Reads everything from the store.
    pub(super) fn of(reader: &'a dyn StoreReader) -> Self {
        Self { reader, tail: None }
    }

    /// Asks the end in memory first.
    pub(super) fn with_tail(reader: &'a dyn StoreReader, tail: &'a Tail) -> Self {
        Self { reader, tail: Some(tail) }
    }
}

impl LogRead for DurableLog<'_> {
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError> {
        let stored = self.reader.read(seq).map_err(|error| unreadable(&error))?;
        entry_of(&stored.ok_or(KvError::Damaged("log entry"))?)
    }

    fn recent_change(&self, seq: u64) -> Option<Vec<u8>> {
        self.tail.and_then(|tail| tail.change(seq))
    }

    fn is_unchanged(&self, document: DocumentId, after: u64, end: u64) -> bool {
        self.tail.is_some_and(|tail| tail.is_unchanged(document, after, end))
    }

    fn recent_changes(&self, document: DocumentId, after: u64, end: u64) -> Option<Vec<u64>> {
        self.tail?.changes(document, after, end)
    }

    fn end(&self) -> u64 {
        self.reader.end().seq
    }

    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
        let at = self.reader.running_hash_at(seq).map_err(|error| unreadable(&error))?;
        Ok(at.map(|at| at.hash))
    }
}
