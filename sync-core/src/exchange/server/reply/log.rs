//! The log, as far as a reply needs it.

use crate::exchange::server::entry::LogEntry;
use crate::ids::DocumentId;
use crate::kv::KvError;

/// The log as a reply reads it: durable entries only.
pub trait LogRead {
    /// Returns an entry; an error if it is not there or cannot be read.
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError>;

    /// Returns the bytes of the change that stands at a place, if it is among those that are at hand without reading.
    fn recent_change(&self, seq: u64) -> Option<Vec<u8>> {
        let _ = seq;
        None
    }

    /// Returns the bytes of the change that stands at a place, one of a document's; none where a life of the document begins there, and an
    /// error where something else stands.
    fn change(&self, seq: u64) -> Result<Option<Vec<u8>>, KvError> {
        if let Some(change) = self.recent_change(seq) {
            return Ok(Some(change));
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is ever among a document's changes")]
        match self.entry(seq)? {
            LogEntry::Changed { change, .. } => Ok(Some(change)),
            LogEntry::Replaced { .. } => Ok(None),
            _ => Err(KvError::Damaged("change")),
        }
    }

    /// Returns whether it is certain, without looking it up, that nothing was written in a document, nor a life of it begun, after `after`
    /// and up to `end`.
    fn is_unchanged(&self, document: DocumentId, after: u64, end: u64) -> bool {
        let _ = (document, after, end);
        false
    }

    /// Returns the places of what was written in a document after `after` and up to `end`, if that is known without looking it up, and is
    /// nothing but changes.
    fn recent_changes(&self, document: DocumentId, after: u64, end: u64) -> Option<Vec<u64>> {
        let _ = (document, after, end);
        None
    }

    /// Returns the last durable place in the log.
    fn end(&self) -> u64;

    /// Returns the log's running hash at a place; none beyond its end.
    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError>;
}
