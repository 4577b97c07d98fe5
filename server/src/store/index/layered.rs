//! The index as it is read: what waits in memory over what is kept.
//!
//! ```text
//! cache      rows that were asked for, those that are missing among them, as they were written last
//! waiting    rows that are durable in the log and gather for a moment: a document's state is written with each of its changes
//! applying   rows on their way into the backend
//! backend    the rest
//! ```

use std::collections::BTreeMap;
use std::mem;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::cache::Cache;
use super::{IndexBackend, Overlay, WAITING_BYTES_MAX};
use crate::store::contract::End;
use crate::store::frame::LogId;
use sync_core::kv::{KvError, KvRead, Pair};

/// How long rows gather before they are applied, unless somebody waits for it.
const GATHER: Duration = Duration::from_millis(250);
/// So many bytes of rows wait for no more.
const GATHER_BYTES: usize = 4 * 1024 * 1024;

/// The readers' index, and the thread that moves durable writes into the backend.
pub(crate) struct Index {
    inner: Arc<Inner>,
    applier: Mutex<Option<JoinHandle<()>>>,
}

struct Inner {
    cache: Cache,
    backend: Box<dyn IndexBackend>,
    layers: Mutex<Layers>,
    /// Rung when something waits, when something was applied, and when it is time to stop.
    bell: Condvar,
    poisoned: Arc<AtomicBool>,
    /// Whether `failed` is set, for those who do not take the lock.
    has_failed: AtomicBool,
}

#[derive(Default)]
struct Layers {
    waiting: Overlay,
    waiting_bytes: usize,
    applying: Arc<Overlay>,
    /// Where the log ends with what waits; `None` when nothing does.
    target: Option<(LogId, End)>,
    busy: bool,
    /// How many wait until nothing does.
    settling: usize,
    stop: bool,
    failed: Option<KvError>,
}

impl Index {
    /// Puts a backend to work.
    pub fn start(backend: Box<dyn IndexBackend>, poisoned: Arc<AtomicBool>) -> std::io::Result<Self> {
        let (layers, bell) = (Mutex::default(), Condvar::new());
        let cache = Cache::new();
        let has_failed = AtomicBool::new(false);
        let inner = Arc::new(Inner { cache, backend, layers, bell, poisoned, has_failed });
        let worker = Arc::clone(&inner);
        let applier = thread::Builder::new().name("index".into()).spawn(move || worker.apply_all())?;
        Ok(Index { inner, applier: Mutex::new(Some(applier)) })
    }

    /// The record up to which the backend holds the log.
    pub fn kept_seq(&self) -> u64 {
        self.inner.backend.mark().seq
    }

    /// Shows a durable group's writes to readers and lets them be applied when there is time.
    pub fn publish(&self, writes: Overlay, log_id: LogId, end: End) {
        let mut layers = self.inner.layers();
        while layers.waiting_bytes > WAITING_BYTES_MAX && layers.failed.is_none() {
            layers = self.inner.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        let mut written = Vec::with_capacity(writes.len());
        for (key, value) in writes {
            written.push((key.clone(), value.clone()));
            let (key_bytes, new_bytes) = (key.len(), value.as_ref().map_or(0, Vec::len));
            match layers.waiting.insert(key, value) {
                Some(old) => layers.waiting_bytes -= old.map_or(0, |old| old.len()),
                None => layers.waiting_bytes += key_bytes,
            }
            layers.waiting_bytes += new_bytes;
        }
        let begins = layers.target.replace((log_id, end)).is_none();
        let enough = begins || layers.waiting_bytes >= GATHER_BYTES;
        drop(layers);
        // Only now: what the cache does not have is looked up in the layers.
        self.inner.cache.write(written.into_iter());
        if enough {
            self.inner.bell.notify_all();
        }
    }

    /// Waits until all that was published is applied, or the backend failed.
    pub fn settle(&self) -> Result<(), KvError> {
        let mut layers = self.inner.layers();
        layers.settling += 1;
        self.inner.bell.notify_all();
        while (layers.busy || layers.target.is_some()) && layers.failed.is_none() {
            layers = self.inner.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
        }
        layers.settling -= 1;
        layers.failed.clone().map_or(Ok(()), Err)
    }

    /// Returns the backend's failure to read or to apply, if it failed: from then on it is asked no more.
    pub fn failure(&self) -> Option<KvError> {
        self.inner.layers().failed.clone()
    }

    /// Applies what waits and lets go of the backend.
    pub fn close(&self) {
        self.inner.layers().stop = true;
        self.inner.bell.notify_all();
        let applier = self.applier.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(applier) = applier
            && applier.join().is_ok()
        {
            self.inner.backend.close();
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.close();
    }
}

impl Inner {
    fn layers(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply_all(&self) {
        let mut layers = self.layers();
        loop {
            if layers.target.is_none() {
                if layers.stop {
                    return;
                }
                layers = self.bell.wait(layers).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let gathers = |layers: &mut Layers| {
                layers.waiting_bytes < GATHER_BYTES && layers.settling == 0 && !layers.stop
            };
            (layers, _) =
                self.bell.wait_timeout_while(layers, GATHER, gathers).unwrap_or_else(PoisonError::into_inner);
            let Some((log_id, end)) = layers.target.take() else { continue };
            let batch = Arc::new(mem::take(&mut layers.waiting));
            layers.waiting_bytes = 0;
            layers.applying = Arc::clone(&batch);
            layers.busy = true;
            drop(layers);
            let applied = self.backend.apply(&batch, log_id, end.seq, end.hash);
            layers = self.layers();
            layers.busy = false;
            match applied {
                Ok(()) => layers.applying = Arc::default(),
                Err(error) => self.fails(&mut layers, &error),
            }
            self.bell.notify_all();
            if layers.failed.is_some() {
                return;
            }
            // Thousands of rows are given back while nobody waits for the lock.
            drop(layers);
            drop(batch);
            layers = self.layers();
        }
    }

    /// Lets the first failure stand: from then on nothing is read.
    fn fails(&self, layers: &mut Layers, error: &KvError) {
        layers.failed.get_or_insert_with(|| error.clone());
        self.has_failed.store(true, Ordering::Release);
    }

    /// Returns a row as the layers and the backend have it.
    fn look_up(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let layers = self.sound()?;
        if let Some(value) = layers.waiting.get(key).or_else(|| layers.applying.get(key)) {
            return Ok(value.clone());
        }
        drop(layers);
        self.noted(self.backend.get(key))
    }

    /// Checks that what is in memory may be believed, without the lock where it may.
    fn readable(&self) -> Result<(), KvError> {
        match self.poisoned.load(Ordering::Acquire) || self.has_failed.load(Ordering::Acquire) {
            true => self.sound().map(drop),
            false => Ok(()),
        }
    }

    /// Checks that reading makes sense at all.
    fn sound(&self) -> Result<MutexGuard<'_, Layers>, KvError> {
        if self.poisoned.load(Ordering::Acquire) {
            return Err(KvError::Poisoned);
        }
        let layers = self.layers();
        layers.failed.clone().map_or(Ok(layers), Err)
    }

    /// Remembers that the backend could not read.
    fn noted<T>(&self, read: Result<T, KvError>) -> Result<T, KvError> {
        if let Err(error) = &read {
            tracing::error!(%error, "the index cannot be read; the next start builds it again");
            self.fails(&mut self.layers(), error);
            self.bell.notify_all();
        }
        read
    }

    fn overlay_within(&self, start: &[u8], end: &[u8]) -> Result<Overlay, KvError> {
        let layers = self.sound()?;
        let owned = |(key, value): (&Vec<u8>, &Option<Vec<u8>>)| (key.clone(), value.clone());
        let mut overlay: Overlay = pairs_within(&layers.applying, start, end).map(owned).collect();
        overlay.extend(pairs_within(&layers.waiting, start, end).map(owned));
        Ok(overlay)
    }
}

impl KvRead for Index {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.inner.readable()?;
        self.inner.cache.row(key, || self.inner.look_up(key))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.inner.readable()?;
        self.inner.cache.range(start, end, limit, || {
            let overlay = self.inner.overlay_within(start, end)?;
            self.inner.noted(merge_range(&overlay, &*self.inner.backend, start, end, limit))
        })
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        self.inner.readable()?;
        self.inner.cache.last(start, end, || {
            let overlay = self.inner.overlay_within(start, end)?;
            self.inner.noted(merge_last(&overlay, &*self.inner.backend, start, end))
        })
    }
}

/// Returns the pairs of a map with start <= key < end; none if start is not below end.
pub(crate) fn pairs_within<'a, V>(
    map: &'a BTreeMap<Vec<u8>, V>,
    start: &[u8],
    end: &[u8],
) -> impl DoubleEndedIterator<Item = (&'a Vec<u8>, &'a V)> {
    let bounds = (Bound::Included(start), Bound::Excluded(end));
    // A map panics when asked for a range that ends before it starts.
    (start < end).then(|| map.range::<[u8], _>(bounds)).into_iter().flatten()
}

/// Reads a range through an overlay.
pub(crate) fn merge_range(
    overlay: &Overlay,
    below: &(impl KvRead + ?Sized),
    start: &[u8],
    end: &[u8],
    limit: usize,
) -> Result<Vec<Pair>, KvError> {
    let over: Vec<_> = pairs_within(overlay, start, end).collect();
    // Each overlaid key can hide at most one pair below.
    let mut merged: BTreeMap<_, _> =
        below.range(start, end, limit.saturating_add(over.len()))?.into_iter().collect();
    // A pair beyond what was read below would leave a gap before it, but only where the limit cuts anyway.
    for (key, value) in over {
        match value {
            Some(value) => merged.insert(key.clone(), value.clone()),
            None => merged.remove(key),
        };
    }
    Ok(merged.into_iter().take(limit).collect())
}

/// Reads the last pair of a range through an overlay.
pub(crate) fn merge_last(
    overlay: &Overlay,
    below: &(impl KvRead + ?Sized),
    start: &[u8],
    end: &[u8],
) -> Result<Option<Pair>, KvError> {
    let over =
        pairs_within(overlay, start, end).rev().find_map(|(key, value)| Some((key.clone(), value.clone()?)));
    let mut before = end.to_vec();
    let under = loop {
        match below.last(start, &before)? {
            Some((key, _)) if overlay.contains_key(&key) => before = key,
            other => break other,
        }
    };
    Ok(over.into_iter().chain(under).max_by(|a, b| a.0.cmp(&b.0)))
}

#[cfg(test)]
mod tests {
    use super::super::MapIndex;
    use super::*;
    use proptest::collection::btree_map;
    use proptest::prelude::*;

    fn keys() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(0u8..3, 0..3)
    }

    proptest! {
        /// Reading through an overlay is reading the map with the overlay applied.
        #[test]
        fn an_overlay_reads_as_if_applied(
            below in btree_map(keys(), proptest::collection::vec(any::<u8>(), 0..2), 0..12),
            over in btree_map(keys(), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2)), 0..12),
            start in keys(), end in keys(), limit in 0usize..8,
        ) {
            let (base, whole) = (MapIndex::default(), MapIndex::default());
            let below: Overlay = below.into_iter().map(|(key, value)| (key, Some(value))).collect();
            for map in [&base, &whole] {
                map.apply(&below, [0; 16], 1, [0; 8]).unwrap();
            }
            whole.apply(&over, [0; 16], 2, [0; 8]).unwrap();
            prop_assert_eq!(merge_range(&over, &base, &start, &end, limit), whole.range(&start, &end, limit));
            prop_assert_eq!(merge_last(&over, &base, &start, &end), whole.last(&start, &end));
        }
    }

    /// What is done to an index.
    #[derive(Debug, Clone)]
    enum Step {
        Publish(Overlay),
        Get(Vec<u8>),
        Range(Vec<u8>, Option<Vec<u8>>, usize),
        Settle,
    }

    fn step() -> impl Strategy<Value = Step> {
        let overlay =
            btree_map(keys(), proptest::option::of(proptest::collection::vec(any::<u8>(), 0..2)), 1..4);
        prop_oneof![
            3 => overlay.prop_map(Step::Publish),
            4 => keys().prop_map(Step::Get),
            4 => (keys(), proptest::option::of(keys()), 1usize..4).prop_map(|(s, e, l)| Step::Range(s, e, l)),
            1 => Just(Step::Settle),
        ]
    }

    proptest! {
        /// Whatever was asked before, and wherever a row is just now, what was published last is read.
        #[test]
        fn what_was_published_is_read_at_once_and_ever_after(steps in proptest::collection::vec(step(), 1..60)) {
            let index = Index::start(Box::<MapIndex>::default(), Arc::default()).unwrap();
            let model = MapIndex::default();
            for (seq, step) in (1..).zip(steps) {
                match step {
                    Step::Publish(writes) => {
                        model.apply(&writes, [0; 16], seq, [0; 8]).unwrap();
                        index.publish(writes, [0; 16], End { seq, hash: [0; 8] });
                    }
                    Step::Get(key) => prop_assert_eq!(index.get(&key), model.get(&key)),
                    Step::Range(start, end, limit) => {
                        // Half of them are all that lies under a prefix.
                        let end = end.unwrap_or_else(|| sync_core::kv::prefix_end(&start));
                        prop_assert_eq!(index.range(&start, &end, limit), model.range(&start, &end, limit));
                        prop_assert_eq!(index.last(&start, &end), model.last(&start, &end));
                    }
                    Step::Settle => index.settle().unwrap(),
                }
            }
        }
    }

    /// A backend that applies only while its gate is open.
    struct Gated(MapIndex, Arc<Mutex<()>>);

    impl KvRead for Gated {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
            self.0.get(key)
        }
        fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
            self.0.range(start, end, limit)
        }
        fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
            self.0.last(start, end)
        }
    }

    impl IndexBackend for Gated {
        fn mark(&self) -> super::super::IndexMark {
            self.0.mark()
        }
        fn apply(&self, writes: &Overlay, log_id: LogId, seq: u64, hash: [u8; 8]) -> Result<(), KvError> {
            let _open = self.1.lock().unwrap();
            self.0.apply(writes, log_id, seq, hash)
        }
        fn close(&self) {}
    }

    #[test]
    fn a_slow_backend_is_not_waited_for_until_too_much_waits() {
        let gate = Arc::new(Mutex::new(()));
        let index =
            Index::start(Box::new(Gated(MapIndex::default(), Arc::clone(&gate))), Arc::default()).unwrap();
        let index = Arc::new(index);
        let publish = |seq: u64| {
            let writes = Overlay::from([(seq.to_be_bytes().to_vec(), Some(vec![1; 1024 * 1024]))]);
            index.publish(writes, [0; 16], End { seq, hash: [0; 8] });
        };
        let shut = gate.lock().unwrap();
        publish(1);
        while !index.inner.layers().busy {
            thread::yield_now();
        }
        let fitting = WAITING_BYTES_MAX as u64 / (1024 * 1024 + 8) + 1;
        (2..2 + fitting).for_each(publish);
        assert!(index.inner.layers().waiting_bytes > WAITING_BYTES_MAX);
        assert_eq!(index.kept_seq(), 0);
        assert!(index.get(&2u64.to_be_bytes()).unwrap().is_some(), "what waits is read all the same");
        thread::scope(|scope| {
            let late = scope.spawn(|| publish(2 + fitting));
            thread::sleep(std::time::Duration::from_millis(50));
            assert!(!late.is_finished());
            drop(shut);
        });
        index.settle().unwrap();
        assert_eq!(index.kept_seq(), 2 + fitting);
    }
}
