//! The store on one machine's disk: the log with sled as its index.
//!
//! ```text
//! data/lock               held by the server that runs
//! data/log/               the truth, and the reserve of room for what cannot wait
//! data/index/             derived, may be removed at any time while no server runs
//! data/index.condition    whether the index may be believed
//! data/index.redo         a batch on its way into the index
//! data/index.set-aside-N  indexes that could not be
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::contract::{
    AppendError, Appended, CatchUpError, End, HashAt, ReadError, Store, StoreReader, SyncError,
};
use super::disk::{Disk, RealDisk};
use super::frame::{Frame, LogId, RunningHash, StoredRecord};
use super::index::sled_index::SledIndex;
use super::index::{Index, IndexBackend, Overlay, add_to, merge_last, merge_range, too_large};
use super::lock::FolderLock;
use super::log::table::Shared;
use super::log::{Log, OpenError, SEGMENT_BYTES};
use sync_core::kv::{KvError, KvRead, Pair, Write};
use sync_core::seeded::{Bug, seeded};

/// The embedded store. Dropping it brings the index to the log's end and closes it in good order.
pub struct EmbeddedStore {
    log: Log,
    view: WriterView,
    /// Up to where the index, waiting writes included, holds the log.
    index_seq: u64,
    reader: Arc<EmbeddedReader>,
    /// Released last, when nothing writes any more.
    _lock: Option<FolderLock>,
}

/// The index with the present group's writes over it.
struct WriterView {
    group: Overlay,
    index: Arc<Index>,
}

struct EmbeddedReader {
    shared: Arc<Shared>,
    index: Arc<Index>,
}

impl EmbeddedStore {
    /// Begins a store in a data folder that holds none; the folder is made if need be.
    pub fn create(data: &Path, log_id: LogId) -> Result<Self, OpenError> {
        RealDisk.create_dir(data)?;
        let lock = FolderLock::take(data)?;
        Log::create(Arc::new(RealDisk), &log_path(data), log_id)?;
        Self::open_locked(data, lock, SEGMENT_BYTES)
    }

    /// Opens the store in a data folder and recovers it: see [`log`](super::log) for what that means.
    ///
    /// The index may be behind: see [`Store::catch_up`].
    pub fn open(data: &Path) -> Result<Self, OpenError> {
        if !data.is_dir() {
            return Err(OpenError::Missing { dir: data.to_owned() });
        }
        let lock = FolderLock::take(data)?;
        Self::open_locked(data, lock, SEGMENT_BYTES)
    }

    /// Opens the store in a data folder, with segments of another size from now on.
    #[cfg(any(test, feature = "testing"))]
    pub fn open_rolling(data: &Path, segment_bytes: u64) -> Result<Self, OpenError> {
        Self::open_locked(data, FolderLock::take(data)?, segment_bytes)
    }

    /// Opens the store in a folder that is held already.
    pub(crate) fn open_held(data: &Path, lock: FolderLock) -> Result<Self, OpenError> {
        Self::open_locked(data, lock, SEGMENT_BYTES)
    }

    fn open_locked(data: &Path, lock: FolderLock, segment_bytes: u64) -> Result<Self, OpenError> {
        let log = Log::open(Arc::new(RealDisk), &log_path(data), segment_bytes)?;
        let shared = Arc::clone(log.shared());
        let log_id = shared.table().log_id;
        let frame_end = |seq| hash_at_frame_end(&shared, seq).ok().flatten();
        let index = SledIndex::open(data, log_id, frame_end).map_err(|what| OpenError::Index { what })?;
        Self::over(log, Box::new(index), Some(lock))
    }

    /// Begins a log on any disk, with an index that is empty at each opening.
    #[cfg(any(test, feature = "testing"))]
    pub fn create_on(disk: Arc<dyn Disk>, dir: &Path, log_id: LogId) -> Result<(), OpenError> {
        Log::create(disk, dir, log_id)
    }

    /// Opens a log on any disk, with an index that is empty at each opening.
    #[cfg(any(test, feature = "testing"))]
    pub fn open_on(disk: Arc<dyn Disk>, dir: &Path, segment_bytes: u64) -> Result<Self, OpenError> {
        Self::over(Log::open(disk, dir, segment_bytes)?, Box::<super::index::MapIndex>::default(), None)
    }

    fn over(log: Log, backend: Box<dyn IndexBackend>, lock: Option<FolderLock>) -> Result<Self, OpenError> {
        let shared = Arc::clone(log.shared());
        let index = Arc::new(Index::start(backend, shared.poisoned_flag())?);
        let index_seq = index.kept_seq();
        let reader = Arc::new(EmbeddedReader { shared, index: Arc::clone(&index) });
        Ok(EmbeddedStore {
            log,
            view: WriterView { group: Overlay::new(), index },
            index_seq,
            reader,
            _lock: lock,
        })
    }

    /// Waits until the index on disk holds all that is durable in the log.
    pub fn settle_index(&self) -> Result<(), KvError> {
        self.view.index.settle()
    }
}

/// Returns where the log of a data folder lies.
pub(crate) fn log_path(data: &Path) -> PathBuf {
    data.join("log")
}

fn hash_at_frame_end(shared: &Shared, seq: u64) -> Result<Option<RunningHash>, ReadError> {
    Ok(shared.running_hash_at(seq)?.filter(|at| at.last == seq).map(|at| at.hash))
}

impl Store for EmbeddedStore {
    fn append(&mut self, frame: &Frame, writes: Vec<Write>) -> Result<Appended, AppendError> {
        if let Some((key_bytes, value_bytes)) = too_large(&writes) {
            return Err(AppendError::IndexEntryTooLarge { key_bytes, value_bytes });
        }
        let end = self.reader.end().seq;
        if self.index_seq != end {
            return Err(AppendError::IndexBehind { mark: self.index_seq, end });
        }
        if let Some(error) = self.view.index.failure() {
            return Err(AppendError::Index(error));
        }
        let appended = self.log.append(frame)?;
        add_to(&mut self.view.group, writes);
        Ok(appended)
    }

    fn sync(&mut self) -> Result<End, SyncError> {
        let group = std::mem::take(&mut self.view.group);
        let index = Arc::clone(&self.view.index);
        if seeded(Bug::IndexAheadOfTheLog) {
            let end = End { seq: self.log.next_seq() - 1, hash: self.reader.end().hash };
            self.view.index.publish(group.clone(), self.reader.log_id(), end);
        }
        let mut shown = None;
        let end = self.log.sync(|log_id, end| {
            index.publish(group, log_id, end);
            shown = Some(end.seq);
        })?;
        self.index_seq = shown.unwrap_or(self.index_seq);
        Ok(end)
    }

    fn next_seq(&self) -> u64 {
        self.log.next_seq()
    }

    fn index(&self) -> &dyn KvRead {
        &self.view
    }

    fn index_mark(&self) -> u64 {
        self.index_seq
    }

    fn catch_up(&mut self, through: u64, writes: Vec<Write>) -> Result<(), CatchUpError> {
        if let Some((key_bytes, value_bytes)) = too_large(&writes) {
            return Err(CatchUpError::IndexEntryTooLarge { key_bytes, value_bytes });
        }
        let hash = hash_at_frame_end(&self.reader.shared, through)?.filter(|_| through > self.index_seq);
        let Some(hash) = hash else { return Err(CatchUpError::NotAFrameEnd { through }) };
        if let Some(error) = self.view.index.failure() {
            return Err(CatchUpError::Index(error));
        }
        let mut overlay = Overlay::new();
        add_to(&mut overlay, writes);
        self.view.index.publish(overlay, self.reader.log_id(), End { seq: through, hash });
        self.index_seq = through;
        Ok(())
    }

    fn begin_log_id(&mut self, log_id: LogId) -> Result<(), SyncError> {
        self.sync()?;
        self.log.begin_log_id(log_id)
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        Arc::clone(&self.reader) as Arc<dyn StoreReader>
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        // Readers may live on; the files must be closed before the folder is free for another process.
        self.view.index.close();
    }
}

impl KvRead for WriterView {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        // Asked first even for what the group holds: it fails once the store is poisoned.
        let below = self.index.get(key)?;
        Ok(self.group.get(key).map_or(below, Clone::clone))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        merge_range(&self.group, &*self.index, start, end, limit)
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        merge_last(&self.group, &*self.index, start, end)
    }
}

impl StoreReader for EmbeddedReader {
    fn log_id(&self) -> LogId {
        self.shared.table().log_id
    }

    fn end(&self) -> End {
        self.shared.table().end
    }

    fn read(&self, seq: u64) -> Result<Option<StoredRecord>, ReadError> {
        self.shared.read(seq)
    }

    fn read_range(&self, from: u64, to: u64, bytes_max: usize) -> Result<Vec<StoredRecord>, ReadError> {
        self.shared.read_range(from, to, bytes_max)
    }

    fn running_hash_at(&self, seq: u64) -> Result<Option<HashAt>, ReadError> {
        self.shared.running_hash_at(seq)
    }

    fn index(&self) -> &dyn KvRead {
        &*self.index
    }

    fn failure(&self) -> Option<KvError> {
        match self.shared.is_poisoned() {
            true => Some(KvError::Poisoned),
            false => self.index.failure(),
        }
    }

    fn has_room(&self) -> bool {
        self.shared.room().is_plenty()
    }

    fn make_way(&self) -> bool {
        self.shared.make_way()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::frame::Record;

    fn record(payload: &[u8]) -> Frame {
        Record { kind: 1, document: [0; 16], key_id: 0, payload: payload.to_vec() }.into()
    }

    fn put(key: &[u8], value: &[u8]) -> Vec<Write> {
        vec![Write::Put(key.to_vec(), value.to_vec())]
    }

    #[test]
    fn the_index_comes_back_with_the_log_and_is_built_again_when_it_is_gone() {
        let data = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        for number in 0..10u8 {
            store.append(&record(&[number]), put(&[number], b"x")).unwrap();
        }
        store.sync().unwrap();
        drop(store);
        let store = EmbeddedStore::open(data.path()).unwrap();
        assert_eq!((store.index_mark(), store.index().get(&[9]).unwrap()), (10, Some(b"x".to_vec())));
        drop(store);
        std::fs::remove_dir_all(data.path().join("index")).unwrap();
        let mut store = EmbeddedStore::open(data.path()).unwrap();
        assert_eq!((store.index_mark(), store.next_seq()), (0, 11));
        assert!(matches!(
            store.append(&record(b"z"), vec![]),
            Err(AppendError::IndexBehind { mark: 0, end: 10 })
        ));
        store.catch_up(4, put(&[3], b"y")).unwrap();
        assert!(matches!(store.catch_up(4, vec![]), Err(CatchUpError::NotAFrameEnd { through: 4 })));
        assert!(matches!(store.catch_up(11, vec![]), Err(CatchUpError::NotAFrameEnd { through: 11 })));
        store.catch_up(10, vec![]).unwrap();
        store.append(&record(b"z"), vec![]).unwrap();
        store.sync().unwrap();
        store.settle_index().unwrap();
        assert_eq!(store.reader().index().get(&[3]).unwrap(), Some(b"y".to_vec()));
    }

    #[test]
    fn a_folder_is_served_once() {
        let data = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        assert!(matches!(EmbeddedStore::open(data.path()), Err(OpenError::Locked(_))));
        assert!(matches!(EmbeddedStore::open(&data.path().join("none")), Err(OpenError::Missing { .. })));
        drop(store);
        assert!(matches!(EmbeddedStore::create(data.path(), [1; 16]), Err(OpenError::Exists { .. })));
    }

    #[test]
    fn a_new_log_id_keeps_the_numbers_and_doubts_the_index() {
        let data = tempfile::tempdir().unwrap();
        let mut store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        store.append(&record(b"before"), put(b"k", b"v")).unwrap();
        store.begin_log_id([2; 16]).unwrap();
        assert_eq!(store.append(&record(b"after"), vec![]).unwrap().first, 2);
        drop(store);
        let store = EmbeddedStore::open(data.path()).unwrap();
        assert_eq!((store.reader().log_id(), store.reader().end().seq, store.index_mark()), ([2; 16], 1, 0));
    }
}
