//! Rows that were asked for, kept in memory: as they are, or as missing.
//!
//! A request asks for some thirty rows, most of which were asked for a moment ago and have not changed: who the organisation is, whose
//! device this is, what a person reads. A row that is kept is written here, too; a range is forgotten when anything of its table is written.
//!
//! > Whoever reads after [`Cache::write`] has returned finds what was written before it was called.
//!
//! What is read beside a write may be kept only if it is not older than the write. For rows the cache sees to that: a reader holds the
//! place of the row while it looks it up, and the place is gone when the row was written meanwhile. For ranges the number of writes of
//! the table is noted before it is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::{Cache as Sharded, GuardResult};
use sync_core::kv::{KvError, Pair, prefix_end};

/// What the rows may weigh, and what the ranges may.
const BYTES_MAX: u64 = 24 * 1024 * 1024;
/// About how many that is.
const ROWS: usize = 50_000;
/// What one weighs beside its bytes, about.
const BESIDE_BYTES: usize = 80;
/// The longest range that is kept, in rows.
const RANGE_ROWS_MAX: usize = 256;

type Row = Option<Vec<u8>>;

/// A range as it was when its table had been written so often.
type Range = (u64, Arc<[Pair]>);

#[derive(Clone)]
struct Bytes;

impl Weighter<Vec<u8>, Row> for Bytes {
    fn weight(&self, key: &Vec<u8>, row: &Row) -> u64 {
        (BESIDE_BYTES + key.len() + row.as_ref().map_or(0, Vec::len)) as u64
    }
}

impl Weighter<Vec<u8>, Range> for Bytes {
    fn weight(&self, key: &Vec<u8>, (_, pairs): &Range) -> u64 {
        let pairs: usize = pairs.iter().map(|(key, value)| BESIDE_BYTES + key.len() + value.len()).sum();
        (BESIDE_BYTES + key.len() + pairs) as u64
    }
}

/// What was asked for.
pub(super) struct Cache {
    rows: Sharded<Vec<u8>, Row, Bytes>,
    ranges: Sharded<Vec<u8>, Range, Bytes>,
    /// How often each table was written; a key's first byte is its table.
    written: Box<[AtomicU64; 256]>,
}

impl Cache {
    pub fn new() -> Self {
        Self {
            rows: Sharded::with_weighter(ROWS, BYTES_MAX, Bytes),
            ranges: Sharded::with_weighter(ROWS, BYTES_MAX, Bytes),
            written: Box::new([const { AtomicU64::new(0) }; 256]),
        }
    }

    /// Returns a row; `look_up` finds what is not kept.
    pub fn row(&self, key: &[u8], look_up: impl Fn() -> Result<Row, KvError>) -> Result<Row, KvError> {
        match self.rows.get_value_or_guard(key, None) {
            GuardResult::Value(row) => Ok(row),
            GuardResult::Guard(place) => {
                let row = look_up()?;
                // There is no place any more for what was written meanwhile.
                drop(place.insert(row.clone()));
                Ok(row)
            }
            GuardResult::Timeout => look_up(),
        }
    }

    /// Returns the pairs of a range, at most `limit`; `look_up` finds what is not kept. Kept is all that lies under one prefix, such as what
    /// one person reads: a range between two places is hardly asked for twice.
    pub fn range(
        &self,
        start: &[u8],
        end: &[u8],
        limit: usize,
        look_up: impl Fn() -> Result<Vec<Pair>, KvError>,
    ) -> Result<Vec<Pair>, KvError> {
        let Some(table) = start.first().filter(|_| end == prefix_end(start)) else { return look_up() };
        self.kept(*table, &[&limit.to_be_bytes(), start].concat(), look_up)
    }

    /// Returns the last pair of a range, as [`range`](Self::range) does.
    pub fn last(
        &self,
        start: &[u8],
        end: &[u8],
        look_up: impl Fn() -> Result<Option<Pair>, KvError>,
    ) -> Result<Option<Pair>, KvError> {
        let Some(table) = start.first().filter(|_| end == prefix_end(start)) else { return look_up() };
        // No limit is so long.
        let pairs = self.kept(*table, start, || Ok(look_up()?.into_iter().collect()))?;
        Ok(pairs.into_iter().next())
    }

    fn kept(
        &self,
        table: u8,
        key: &[u8],
        look_up: impl Fn() -> Result<Vec<Pair>, KvError>,
    ) -> Result<Vec<Pair>, KvError> {
        let Some(written) = self.written.get(usize::from(table)) else { return look_up() };
        let now = written.load(Ordering::Acquire);
        if let Some((then, pairs)) = self.ranges.get(key)
            && then == now
        {
            return Ok(pairs.to_vec());
        }
        let pairs = look_up()?;
        if pairs.len() <= RANGE_ROWS_MAX {
            self.ranges.insert(key.to_vec(), (now, pairs.clone().into()));
        }
        Ok(pairs)
    }

    /// Takes rows that were written, once they can be looked up as they are now. Kept are those that were asked for: most others never are.
    pub fn write(&self, rows: impl Iterator<Item = (Vec<u8>, Row)>) {
        for (key, row) in rows {
            let written = key.first().and_then(|table| self.written.get(usize::from(*table)));
            if let Err((key, _)) = self.rows.replace(key, row, true) {
                // Somebody may be looking it up, and have seen what stood before.
                self.rows.remove(&key);
            }
            if let Some(written) = written {
                written.fetch_add(1, Ordering::Release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn unasked<T>() -> Result<T, KvError> {
        panic!("it was kept")
    }

    fn write(cache: &Cache, key: &[u8], row: Row) {
        cache.write(std::iter::once((key.to_vec(), row)));
    }

    fn pair(key: &[u8]) -> Pair {
        (key.to_vec(), vec![7])
    }

    #[test]
    fn what_was_asked_for_is_kept_as_it_was_written_last() {
        for before in [Some(vec![1]), None] {
            let cache = Cache::new();
            assert_eq!(cache.row(b"a1", || Ok(before.clone())), Ok(before.clone()));
            assert_eq!(cache.row(b"a1", unasked), Ok(before));
            for after in [Some(vec![2]), None, Some(vec![3])] {
                write(&cache, b"a1", after.clone());
                assert_eq!(cache.row(b"a1", unasked), Ok(after));
            }
        }
    }

    #[test]
    fn what_nobody_asked_for_is_not_kept_when_it_is_written() {
        let cache = Cache::new();
        write(&cache, b"a1", Some(vec![1]));
        assert_eq!(cache.row(b"a1", || Ok(Some(vec![2]))), Ok(Some(vec![2])));
    }

    #[test]
    fn what_failed_is_not_kept() {
        let cache = Cache::new();
        assert_eq!(cache.row(b"a1", || Err(KvError::Poisoned)), Err(KvError::Poisoned));
        assert_eq!(cache.row(b"a1", || Ok(None)), Ok(None));
        assert_eq!(cache.range(b"a", b"b", 9, || Err(KvError::Poisoned)), Err(KvError::Poisoned));
        assert_eq!(cache.range(b"a", b"b", 9, || Ok(vec![])), Ok(vec![]));
    }

    #[test]
    fn what_was_written_while_it_was_looked_up_is_not_kept_as_it_was() {
        let cache = Cache::new();
        let written_meanwhile = || {
            write(&cache, b"a1", Some(vec![1]));
            Ok(None)
        };
        assert_eq!(cache.row(b"a1", written_meanwhile), Ok(None));
        assert_eq!(cache.row(b"a1", || Ok(Some(vec![1]))), Ok(Some(vec![1])));
        let written_meanwhile = || {
            write(&cache, b"a1", Some(vec![1]));
            Ok(vec![])
        };
        assert_eq!(cache.range(b"a", b"b", 9, written_meanwhile), Ok(vec![]));
        assert_eq!(cache.range(b"a", b"b", 9, || Ok(vec![pair(b"a1")])), Ok(vec![pair(b"a1")]));
    }

    #[test]
    fn a_range_is_kept_until_its_table_is_written() {
        let cache = Cache::new();
        let asked = Cell::new(0);
        let ask = |limit: usize| {
            cache.range(b"a1", b"a2", limit, || {
                asked.set(asked.get() + 1);
                Ok(vec![pair(b"a11")])
            })
        };
        assert_eq!((ask(9), ask(9), asked.get()), (Ok(vec![pair(b"a11")]), Ok(vec![pair(b"a11")]), 1));
        write(&cache, b"b5", Some(vec![1]));
        assert_eq!((ask(9).is_ok(), asked.get()), (true, 1), "another table");
        write(&cache, b"a5", Some(vec![1]));
        assert_eq!((ask(9).is_ok(), asked.get()), (true, 2));
        assert_eq!((ask(1).is_ok(), asked.get()), (true, 3), "fewer rows are another question");
        let last = || cache.last(b"a1", b"a2", || Ok(Some(pair(b"a12"))));
        assert_eq!((last(), last()), (Ok(Some(pair(b"a12"))), Ok(Some(pair(b"a12")))));
        assert_eq!(cache.last(b"a1", b"a2", unasked), Ok(Some(pair(b"a12"))));
    }

    #[test]
    fn a_range_between_two_places_and_a_long_one_are_not_kept() {
        let cache = Cache::new();
        assert_eq!(cache.range(b"a1", b"a5", 9, || Ok(vec![pair(b"a11")])), Ok(vec![pair(b"a11")]));
        assert_eq!(cache.range(b"a1", b"a5", 9, || Ok(vec![])), Ok(vec![]));
        let long = vec![pair(b"a11"); RANGE_ROWS_MAX + 1];
        assert_eq!(cache.range(b"a1", b"a2", 999, || Ok(long.clone())), Ok(long));
        assert_eq!(cache.range(b"a1", b"a2", 999, || Ok(vec![])), Ok(vec![]));
    }
}
