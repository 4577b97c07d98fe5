//! The index: a map derived from the log, which can always be built again.
//!
//! ```text
//!   writer's frames, not synced        seen by the writer alone
//!          | sync of the log
//!   waiting  -> being applied          seen by all, in memory
//!          | one batch, with its mark: whole, also after a kill
//!   sled                               may lag, never leads
//! ```
//!
//! Whoever reads looks through these layers from the top. A thread of its own moves what is durable in the
//! log into sled, so that committing never waits for it, unless it has fallen behind by
//! [`WAITING_BYTES_MAX`].

use std::collections::BTreeMap;

mod cache;
mod condition;
mod layered;
mod redo;
pub(crate) mod sled_index;

pub(crate) use layered::{Index, merge_last, merge_range};
pub use sled_index::SLED_CACHE_BYTES;

use super::frame::{LogId, RunningHash};
use super::log::codec::{array_at, u32_at, u64_at};
use sync_core::kv::{KvError, KvRead, Write};

/// Longest key, in bytes.
pub const INDEX_KEY_BYTES_MAX: usize = 512;
/// Largest value, in bytes.
///
/// sled writes whatever is above 128 KiB into files of its own that it never syncs, and it writes leaves whole:
/// up to 16 pairs, a few more while it merges two. So it is the leaf that must stay below, not the value.
pub const INDEX_VALUE_BYTES_MAX: usize = 4 * 1024;
/// How much may wait in memory for sled before committing waits, too, in bytes of keys and values.
pub const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Keys with their new values; `None` removes.
pub(crate) type Overlay = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// What the index is up to, kept in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct IndexMark {
    /// The log it was derived from.
    pub log_id: LogId,
    /// The last record whose writes it holds.
    pub seq: u64,
    /// The log's running hash there.
    pub hash: RunningHash,
    /// How many keys there are.
    pub rows: u64,
    /// The wrapping sum of a digest of each key and value: finds rows that went missing without a trace.
    pub digest: u64,
}

pub(crate) const MARK_BYTES: usize = 48;

impl IndexMark {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MARK_BYTES);
        out.extend_from_slice(&self.log_id);
        out.extend_from_slice(&self.seq.to_le_bytes());
        out.extend_from_slice(&self.hash);
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.digest.to_le_bytes());
        out
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        Some(IndexMark {
            log_id: array_at(bytes, 0)?,
            seq: u64_at(bytes, 16)?,
            hash: array_at(bytes, 24)?,
            rows: u64_at(bytes, 32)?,
            digest: u64_at(bytes, 40)?,
        })
    }
}

/// Where the index is kept: sled, or a map in memory where only the log is under test.
pub(crate) trait IndexBackend: KvRead + Send + Sync {
    /// Returns the mark.
    fn mark(&self) -> IndexMark;
    /// Applies writes and moves the mark to (`seq`, `hash`) in one step.
    fn apply(&self, writes: &Overlay, log_id: LogId, seq: u64, hash: RunningHash) -> Result<(), KvError>;
    /// Lets go of it in good order: what was applied is there when it is opened again.
    fn close(&self);
}

/// Puts a checksum of key and value in front of a value.
pub(crate) fn seal(key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + value.len());
    out.extend_from_slice(&crc32c::crc32c_append(crc32c::crc32c(key), value).to_le_bytes());
    out.extend_from_slice(value);
    out
}

/// Takes the checksum off; `None` if it does not match.
pub(crate) fn unseal<'a>(key: &[u8], stored: &'a [u8]) -> Option<&'a [u8]> {
    let (_, value) = stored.split_at_checked(4)?;
    (u32_at(stored, 0)? == crc32c::crc32c_append(crc32c::crc32c(key), value)).then_some(value)
}

/// Returns the sizes of the first write that is above the limits.
pub(crate) fn too_large(writes: &[Write]) -> Option<(usize, usize)> {
    let sizes = writes.iter().map(|write| match write {
        Write::Put(key, value) => (key.len(), value.len()),
        Write::Delete(key) => (key.len(), 0),
    });
    sizes.into_iter().find(|(key, value)| *key > INDEX_KEY_BYTES_MAX || *value > INDEX_VALUE_BYTES_MAX)
}

/// Adds writes to an overlay; the later one wins.
pub(crate) fn add_to(overlay: &mut Overlay, writes: Vec<Write>) {
    for write in writes {
        match write {
            Write::Put(key, value) => overlay.insert(key, Some(value)),
            Write::Delete(key) => overlay.insert(key, None),
        };
    }
}

/// A map in memory as index: empty whenever it is opened.
#[cfg(any(test, feature = "testing"))]
#[derive(Default)]
pub(crate) struct MapIndex(std::sync::RwLock<(Rows, IndexMark)>);

#[cfg(any(test, feature = "testing"))]
type Rows = BTreeMap<Vec<u8>, Vec<u8>>;

#[cfg(any(test, feature = "testing"))]
mod map {
    use super::layered::pairs_within;
    use super::{IndexBackend, IndexMark, KvError, KvRead, LogId, MapIndex, Overlay, Rows, RunningHash};
    use std::sync::PoisonError;
    use sync_core::kv::Pair;

    impl MapIndex {
        fn rows<T>(&self, read: impl FnOnce(&Rows) -> T) -> T {
            read(&self.0.read().unwrap_or_else(PoisonError::into_inner).0)
        }
    }

    impl KvRead for MapIndex {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
            Ok(self.rows(|rows| rows.get(key).cloned()))
        }

        fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
            let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
            Ok(self.rows(|rows| pairs_within(rows, start, end).map(owned).take(limit).collect()))
        }

        fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
            let owned = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
            Ok(self.rows(|rows| pairs_within(rows, start, end).next_back().map(owned)))
        }
    }

    impl IndexBackend for MapIndex {
        fn mark(&self) -> IndexMark {
            self.0.read().unwrap_or_else(PoisonError::into_inner).1
        }

        fn apply(&self, writes: &Overlay, log_id: LogId, seq: u64, hash: RunningHash) -> Result<(), KvError> {
            let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for (key, value) in writes {
                match value {
                    Some(value) => inner.0.insert(key.clone(), value.clone()),
                    None => inner.0.remove(key),
                };
            }
            inner.1 = IndexMark { log_id, seq, hash, rows: inner.0.len() as u64, digest: 0 };
            Ok(())
        }

        fn close(&self) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_value_comes_back_only_under_its_key_and_unchanged() {
        let sealed = seal(b"key", b"value");
        assert_eq!(unseal(b"key", &sealed), Some(&b"value"[..]));
        assert_eq!(unseal(b"kez", &sealed), None);
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(unseal(b"key", &bad), None);
        }
    }

    #[test]
    fn writes_at_the_limit_pass_and_one_byte_more_does_not() {
        let put = |key: usize, value: usize| [Write::Put(vec![0; key], vec![0; value])];
        assert_eq!(too_large(&put(INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX)), None);
        assert!(too_large(&put(INDEX_KEY_BYTES_MAX + 1, 0)).is_some());
        assert!(too_large(&put(1, INDEX_VALUE_BYTES_MAX + 1)).is_some());
        assert!(too_large(&[Write::Delete(vec![0; INDEX_KEY_BYTES_MAX + 1])]).is_some());
    }
}
