//! Ordered bytes under ordered bytes: all that the pure parts ask of a store.
//!
//! The server's index, the tablet's store and the simulation keep their state behind the same two traits. What is read is one consistent
//! state; what is written is a list that its keeper applies whole or not at all.

use std::collections::BTreeMap;
use std::ops::Bound;

/// Rows that one scan fetches at a time.
const SCAN_ROWS: usize = 1_024;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The keeper could not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// The medium failed; what is stored may be whole. Stop serving and open again.
    #[error("the store could not be read: {0}")]
    Unreadable(String),
    /// A value does not decode or fails its checksum. On the server the index is rebuilt from the log; a tablet asks the server again.
    #[error("a stored value is damaged: {0}")]
    Damaged(&'static str),
    /// An earlier sync failed, so nothing that memory shows is certain any more. End the process and open again.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// A consistent state that can be read.
pub trait KvRead {
    /// Returns the value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError>;

    /// Returns the pairs with `start <= key < end` in the order of their keys, at most `limit`.
    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError>;

    /// Returns the last pair with `start <= key < end`.
    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError>;
}

/// One write of a list that is applied whole or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Sets the value under a key.
    Put(Vec<u8>, Vec<u8>),
    /// Removes a key, if it is there.
    Delete(Vec<u8>),
}

impl Write {
    /// Returns the key that this write is about.
    pub fn key(&self) -> &[u8] {
        match self {
            Self::Put(key, _) | Self::Delete(key) => key,
        }
    }
}

/// Returns the first key behind all keys that begin with `prefix`.
pub fn prefix_end(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            return end;
        }
    }
    vec![0xff; prefix.len() + 1]
}

/// Returns all pairs whose keys begin with `prefix`, in the order of their keys, which are given without it. The store is asked for a few
/// at a time.
///
/// # Errors
/// [`KvError`]: the store could not be read.
pub fn scan(store: &dyn KvRead, prefix: &[u8]) -> Result<Vec<Pair>, KvError> {
    let (end, mut start, mut all) = (prefix_end(prefix), prefix.to_vec(), Vec::new());
    loop {
        let rows = store.range(&start, &end, SCAN_ROWS)?;
        let full = rows.len() == SCAN_ROWS;
        if let Some((last, _)) = rows.last() {
            start = [last.as_slice(), &[0]].concat();
        }
        all.extend(rows.into_iter().map(|(key, value)| (key[prefix.len()..].to_vec(), value)));
        if !full {
            return Ok(all);
        }
    }
}

/// A store in memory, for tests, simulations and small states.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<Vec<u8>, Vec<u8>>);

impl Memory {
    /// Applies a list of writes.
    pub fn apply(&mut self, writes: impl IntoIterator<Item = Write>) {
        for write in writes {
            match write {
                Write::Put(key, value) => drop(self.0.insert(key, value)),
                Write::Delete(key) => drop(self.0.remove(&key)),
            }
        }
    }

    /// Returns all pairs in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&Vec<u8>, &Vec<u8>)> {
        self.0.iter()
    }
}

impl KvRead for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        Ok(self.0.get(key).cloned())
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        Ok(self.0.range::<[u8], _>(bounds).take(limit).map(|(k, v)| (k.clone(), v.clone())).collect())
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        if start >= end {
            return Ok(None);
        }
        let bounds = (Bound::Included(start), Bound::Excluded(end));
        Ok(self.0.range::<[u8], _>(bounds).next_back().map(|(k, v)| (k.clone(), v.clone())))
    }
}

/// A state with writes on top that nobody else sees yet: what one batch has done so far.
pub struct Overlay<'a> {
    base: &'a dyn KvRead,
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Overlay<'a> {
    /// Lays an empty sheet over `base`.
    pub fn new(base: &'a dyn KvRead) -> Self {
        Self { base, writes: BTreeMap::new() }
    }

    /// Sets the value under a key, for this sheet.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.insert(key, Some(value));
    }

    /// Removes a key, for this sheet.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.writes.insert(key, None);
    }

    /// Returns what was written, in the order of the keys, each key once.
    pub fn into_writes(self) -> Vec<Write> {
        let write = |(key, value)| match value {
            Some(value) => Write::Put(key, value),
            None => Write::Delete(key),
        };
        self.writes.into_iter().map(write).collect()
    }
}

impl KvRead for Overlay<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        match self.writes.get(key) {
            Some(written) => Ok(written.clone()),
            None => self.base.get(key),
        }
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        if start >= end {
            return Ok(Vec::new());
        }
        let sheet: Vec<_> =
            self.writes.range::<[u8], _>((Bound::Included(start), Bound::Excluded(end))).collect();
        if sheet.is_empty() {
            return self.base.range(start, end, limit);
        }
        // Each deleted key can hide one pair of the base: ask for as many more.
        let hidden = sheet.iter().filter(|(_, value)| value.is_none()).count();
        let mut all: BTreeMap<Vec<u8>, Option<Vec<u8>>> = self
            .base
            .range(start, end, limit.saturating_add(hidden))?
            .into_iter()
            .map(|(k, v)| (k, Some(v)))
            .collect();
        all.extend(sheet.into_iter().map(|(k, v)| (k.clone(), v.clone())));
        Ok(all.into_iter().filter_map(|(k, v)| v.map(|v| (k, v))).take(limit).collect())
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        let mut end = end.to_vec();
        while start < end.as_slice() {
            let below = self.base.last(start, &end)?;
            let above = self
                .writes
                .range::<[u8], _>((Bound::Included(start), Bound::Excluded(end.as_slice())))
                .next_back();
            match (below, above) {
                (below, None) => return Ok(below),
                (Some(below), Some((key, _))) if below.0 > *key => return Ok(Some(below)),
                (_, Some((key, Some(value)))) => return Ok(Some((key.clone(), value.clone()))),
                // Deleted here: look on below it.
                (_, Some((key, None))) => end = key.clone(),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0u8..4, 0..3)
    }

    proptest! {
        #[test]
        fn an_overlay_reads_like_the_state_it_would_make(
            base in proptest::collection::btree_map(key(), key(), 0..12),
            writes in proptest::collection::vec((key(), proptest::option::of(key())), 0..12),
            start in key(), end in key(), limit in 0usize..6,
        ) {
            let mut memory = Memory(base);
            let before = memory.clone();
            let mut overlay = Overlay::new(&before);
            for (key, value) in writes {
                match value {
                    Some(value) => overlay.put(key, value),
                    None => overlay.delete(key),
                }
            }
            let range = overlay.range(&start, &end, limit);
            let last = overlay.last(&start, &end);
            let got = overlay.get(&start);
            memory.apply(overlay.into_writes());
            prop_assert_eq!(range, memory.range(&start, &end, limit));
            prop_assert_eq!(last, memory.last(&start, &end));
            prop_assert_eq!(got, memory.get(&start));
        }

        #[test]
        fn the_end_of_a_prefix_is_behind_all_its_keys(prefix in proptest::collection::vec(250u8.., 0..3), rest in key()) {
            let whole = [prefix.clone(), rest].concat();
            prop_assert!(whole < prefix_end(&prefix));
        }
    }
}
