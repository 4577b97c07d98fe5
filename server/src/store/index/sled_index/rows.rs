//! Rows as they lie in sled, the mark among them, and how a batch goes in.

use std::panic::{AssertUnwindSafe, catch_unwind};

use sha2::{Digest, Sha256};

use crate::crash::crash_point;
use crate::store::index::redo::Row;
use crate::store::index::{IndexMark, Overlay, seal, unseal};
use crate::store::log::codec::u64_at;
use sync_core::kv::KvError;

/// Where the mark lies; all other keys have the prefix below, so none can collide with it.
pub(super) const MARK_KEY: &[u8] = &[0];
pub(super) const ROW_PREFIX: u8 = 1;

pub(super) fn doubtful(what: impl ToString) -> KvError {
    KvError::Unreadable(what.to_string())
}

/// Turns sled's panics into doubt.
pub(super) fn guarded<T>(call: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(doubtful("sled panicked")))
}

/// Returns the rows that an overlay makes of those in sled, and counts them into the mark.
pub(super) fn rows_of(db: &sled::Db, writes: &Overlay, mark: &mut IndexMark) -> Result<Vec<Row>, KvError> {
    let mut rows = Vec::with_capacity(writes.len());
    for (key, value) in writes {
        let key = row_key(key);
        if let Some(old) = db.get(&key).map_err(doubtful)? {
            mark.rows = mark.rows.wrapping_sub(1);
            mark.digest = mark.digest.wrapping_sub(row_digest(&key, &old));
        }
        let stored = value.as_ref().map(|value| seal(&key, value));
        if let Some(stored) = &stored {
            mark.rows = mark.rows.wrapping_add(1);
            mark.digest = mark.digest.wrapping_add(row_digest(&key, stored));
        }
        rows.push((key, stored));
    }
    Ok(rows)
}

/// Applies rows one by one, and then the mark. Readers go on meanwhile: what is being applied, they have from memory.
pub(super) fn apply_rows(db: &sled::Db, rows: &[Row], mark: &IndexMark) -> Result<(), KvError> {
    for (at, (key, stored)) in rows.iter().enumerate() {
        if at == rows.len() / 2 {
            crash_point("mid_index_batch");
        }
        match stored {
            Some(stored) => db.insert(key, stored.as_slice()),
            None => db.remove(key),
        }
        .map_err(doubtful)?;
    }
    db.insert(MARK_KEY, seal(MARK_KEY, &mark.encode())).map(drop).map_err(doubtful)
}

/// Applies rows and the mark in one step of sled's own.
pub(super) fn apply_at_once(db: &sled::Db, rows: Vec<Row>, mark: &IndexMark) -> Result<(), KvError> {
    let mut batch = sled::Batch::default();
    for (key, stored) in rows {
        match stored {
            Some(stored) => batch.insert(key, stored),
            None => batch.remove(key),
        }
    }
    batch.insert(MARK_KEY, seal(MARK_KEY, &mark.encode()));
    db.apply_batch(batch).map_err(doubtful)
}

pub(super) fn read_mark(db: &sled::Db) -> Result<IndexMark, KvError> {
    guarded(|| {
        let Some(stored) = db.get(MARK_KEY).map_err(doubtful)? else {
            return match db.is_empty() {
                true => Ok(IndexMark::default()),
                false => Err(doubtful("rows without a mark")),
            };
        };
        unseal(MARK_KEY, &stored)
            .and_then(IndexMark::decode)
            .ok_or_else(|| doubtful("the mark does not match its checksum"))
    })
}

pub(super) fn check_rows(db: &sled::Db, mark: &IndexMark) -> Result<(), KvError> {
    let (mut rows, mut digest) = (0u64, 0u64);
    for row in db.range([ROW_PREFIX]..) {
        let (key, stored) = row.map_err(doubtful)?;
        unseal(&key, &stored)
            .ok_or_else(|| doubtful(format_args!("row {} does not match its checksum", rows + 1)))?;
        rows += 1;
        digest = digest.wrapping_add(row_digest(&key, &stored));
    }
    match rows == mark.rows && digest == mark.digest {
        true => Ok(()),
        false => Err(doubtful(format_args!("{rows} rows where {} were kept, or others", mark.rows))),
    }
}

pub(super) fn row_digest(key: &[u8], stored: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update((key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(stored);
    u64_at(&hasher.finalize(), 0).unwrap_or_default()
}

pub(super) fn row_key(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(ROW_PREFIX);
    out.extend_from_slice(key);
    out
}

pub(super) fn row_value(key: &[u8], stored: &[u8]) -> Result<Vec<u8>, KvError> {
    let value = unseal(key, stored).ok_or_else(|| doubtful("a value does not match its checksum"))?;
    Ok(value.to_vec())
}

pub(super) fn row_pair((key, stored): (sled::IVec, sled::IVec)) -> Result<(Vec<u8>, Vec<u8>), KvError> {
    Ok((key.get(1..).unwrap_or_default().to_vec(), row_value(&key, &stored)?))
}
