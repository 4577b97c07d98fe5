//! The strict store in memory: a stand-in that forgives less than the real one.
//!
//! It keeps every promise of [`Store`] and panics where the real store would merely answer nothing: at a
//! reader that asks for records that were appended but not synced, at number 0, and at a range that ends
//! before it starts. Code that passes with it does not lean on luck.

#![allow(clippy::panic, reason = "a test double: its panics are its findings")]

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::contract::{
    AppendError, Appended, CatchUpError, End, HashAt, ReadError, Store, StoreReader, SyncError,
};
use super::frame::{Frame, GENESIS_HASH, LogId, StoredRecord};
use super::group::GROUP_BYTES_MAX;
use super::index::{IndexBackend, MapIndex, Overlay, add_to, merge_last, merge_range, too_large};
use super::log::{checked_bytes, codec};
use sync_core::kv::{KvError, KvRead, Pair, Write};

/// What survives a [`MemoryStore`], and the levers that make it fail. Clones are the same disk.
#[derive(Clone)]
pub struct MemoryDisk(Arc<Kept>);

struct Kept {
    log_id: Mutex<LogId>,
    frames: Mutex<Vec<KeptFrame>>,
    fail_write: AtomicBool,
    fail_sync: AtomicBool,
    almost_full: AtomicBool,
}

/// A durable frame.
#[derive(Clone)]
struct KeptFrame {
    at: HashAt,
    records: Vec<StoredRecord>,
}

impl MemoryDisk {
    /// Begins an empty log.
    pub fn new(log_id: LogId) -> Self {
        MemoryDisk(Arc::new(Kept {
            log_id: Mutex::new(log_id),
            frames: Mutex::default(),
            fail_write: AtomicBool::default(),
            fail_sync: AtomicBool::default(),
            almost_full: AtomicBool::default(),
        }))
    }

    /// Lets the next write fail for want of room.
    pub fn fail_next_write(&self) {
        self.0.fail_write.store(true, Ordering::SeqCst);
    }

    /// Lets the next sync fail.
    pub fn fail_next_sync(&self) {
        self.0.fail_sync.store(true, Ordering::SeqCst);
    }

    /// Says whether the disk has room for no more than the reserve.
    pub fn set_almost_full(&self, almost_full: bool) {
        self.0.almost_full.store(almost_full, Ordering::SeqCst);
    }

    fn log_id(&self) -> LogId {
        *self.0.log_id.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn frames(&self) -> MutexGuard<'_, Vec<KeptFrame>> {
        self.0.frames.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> End {
        self.frames().last().map_or(End { seq: 0, hash: GENESIS_HASH }, |frame| End {
            seq: frame.at.last,
            hash: frame.at.hash,
        })
    }
}

/// The strict store in memory. Its index is empty at each opening.
pub struct MemoryStore {
    group: Vec<KeptFrame>,
    group_bytes: usize,
    writes: Overlay,
    index_seq: u64,
    shared: Arc<MemoryReader>,
}

struct MemoryReader {
    disk: MemoryDisk,
    index: MapIndex,
    /// The last number given to an appended frame: what lies between the end and it may not be asked for.
    appended: AtomicU64,
    poisoned: AtomicBool,
}

impl MemoryStore {
    /// Opens what the disk holds.
    pub fn open(disk: &MemoryDisk) -> Self {
        let shared = Arc::new(MemoryReader {
            disk: disk.clone(),
            index: MapIndex::default(),
            appended: AtomicU64::new(disk.end().seq),
            poisoned: AtomicBool::new(false),
        });
        MemoryStore { group: Vec::new(), group_bytes: 0, writes: Overlay::new(), index_seq: 0, shared }
    }

    fn last(&self) -> End {
        let last = self.group.last().map(|frame| End { seq: frame.at.last, hash: frame.at.hash });
        last.unwrap_or_else(|| self.shared.disk.end())
    }

    fn forget_group(&mut self) -> (Vec<KeptFrame>, Overlay) {
        self.group_bytes = 0;
        (std::mem::take(&mut self.group), std::mem::take(&mut self.writes))
    }
}

impl Store for MemoryStore {
    fn append(&mut self, frame: &Frame, writes: Vec<Write>) -> Result<Appended, AppendError> {
        if self.shared.is_poisoned() {
            return Err(AppendError::Poisoned);
        }
        if let Some((key_bytes, value_bytes)) = too_large(&writes) {
            return Err(AppendError::IndexEntryTooLarge { key_bytes, value_bytes });
        }
        let end = self.shared.disk.end().seq;
        if self.index_seq != end {
            return Err(AppendError::IndexBehind { mark: self.index_seq, end });
        }
        let bytes = checked_bytes(frame)?;
        if self.group_bytes > 0 && self.group_bytes + bytes > GROUP_BYTES_MAX {
            return Err(AppendError::GroupFull);
        }
        let last = self.last();
        let (head, body) = codec::prepare(frame, last.seq + 1, 0, &last.hash);
        let at = HashAt { hash: head.hash, first: head.first_seq, last: head.last_seq() };
        self.group.push(KeptFrame { at, records: codec::records(&head, &body) });
        self.group_bytes += bytes;
        self.shared.appended.store(at.last, Ordering::SeqCst);
        add_to(&mut self.writes, writes);
        Ok(Appended { first: at.first, last: at.last })
    }

    fn sync(&mut self) -> Result<End, SyncError> {
        if self.shared.is_poisoned() {
            return Err(SyncError::Poisoned);
        }
        if self.group.is_empty() {
            return Ok(self.shared.disk.end());
        }
        let (group, writes) = self.forget_group();
        let kept = &self.shared.disk.0;
        if kept.fail_write.swap(false, Ordering::SeqCst) {
            self.shared.appended.store(self.shared.disk.end().seq, Ordering::SeqCst);
            return Err(SyncError::NotWritten(io::ErrorKind::StorageFull.into()));
        }
        if kept.fail_sync.swap(false, Ordering::SeqCst) {
            self.shared.poisoned.store(true, Ordering::SeqCst);
            return Err(SyncError::Poisoned);
        }
        let end = group
            .last()
            .map_or(End { seq: 0, hash: GENESIS_HASH }, |last| End { seq: last.at.last, hash: last.at.hash });
        if self.shared.index.apply(&writes, self.shared.disk.log_id(), end.seq, end.hash).is_err() {
            panic!("a map cannot fail");
        }
        self.shared.disk.frames().extend(group);
        self.index_seq = end.seq;
        Ok(end)
    }

    fn next_seq(&self) -> u64 {
        self.last().seq + 1
    }

    fn index(&self) -> &dyn KvRead {
        self
    }

    fn index_mark(&self) -> u64 {
        self.index_seq
    }

    fn catch_up(&mut self, through: u64, writes: Vec<Write>) -> Result<(), CatchUpError> {
        if let Some((key_bytes, value_bytes)) = too_large(&writes) {
            return Err(CatchUpError::IndexEntryTooLarge { key_bytes, value_bytes });
        }
        let at = self.shared.disk.frames().iter().map(|frame| frame.at).find(|at| at.last == through);
        let Some(at) = at.filter(|_| through > self.index_seq) else {
            return Err(CatchUpError::NotAFrameEnd { through });
        };
        let mut overlay = Overlay::new();
        add_to(&mut overlay, writes);
        let log_id = self.shared.disk.log_id();
        self.shared.index.apply(&overlay, log_id, through, at.hash).map_err(CatchUpError::Index)?;
        self.index_seq = through;
        Ok(())
    }

    fn begin_log_id(&mut self, log_id: LogId) -> Result<(), SyncError> {
        self.sync()?;
        *self.shared.disk.0.log_id.lock().unwrap_or_else(PoisonError::into_inner) = log_id;
        Ok(())
    }

    fn reader(&self) -> Arc<dyn StoreReader> {
        Arc::clone(&self.shared) as Arc<dyn StoreReader>
    }
}

impl KvRead for MemoryStore {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let below = KvRead::get(&*self.shared, key)?;
        Ok(self.writes.get(key).map_or(below, Clone::clone))
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        merge_range(&self.writes, &*self.shared, start, end, limit)
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        merge_last(&self.writes, &*self.shared, start, end)
    }
}

impl MemoryReader {
    fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::SeqCst)
    }

    fn sound(&self) -> Result<(), KvError> {
        if self.is_poisoned() { Err(KvError::Poisoned) } else { Ok(()) }
    }

    fn check(&self, seq: u64) -> Result<(), ReadError> {
        if self.is_poisoned() {
            return Err(ReadError::Poisoned);
        }
        let (end, appended) = (self.disk.end().seq, self.appended.load(Ordering::SeqCst));
        assert!(seq <= end || seq > appended, "record {seq} was appended, but only {end} is synced");
        Ok(())
    }
}

impl KvRead for MemoryReader {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.sound()?;
        self.index.get(key)
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        self.sound()?;
        self.index.range(start, end, limit)
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        self.sound()?;
        self.index.last(start, end)
    }
}

impl StoreReader for MemoryReader {
    fn log_id(&self) -> LogId {
        self.disk.log_id()
    }

    fn end(&self) -> End {
        self.disk.end()
    }

    fn read(&self, seq: u64) -> Result<Option<StoredRecord>, ReadError> {
        assert!(seq > 0, "records are numbered from 1");
        self.check(seq)?;
        Ok(self.read_range(seq, seq, 1)?.pop())
    }

    fn read_range(&self, from: u64, to: u64, bytes_max: usize) -> Result<Vec<StoredRecord>, ReadError> {
        assert!(from > 0 && from <= to.saturating_add(1), "no range: {from} to {to}");
        self.check(from)?;
        let mut found = Vec::new();
        let mut bytes = 0;
        for stored in self.disk.frames().iter().flat_map(|frame| &frame.records) {
            if (from..=to).contains(&stored.seq) {
                bytes += stored.record.payload.len();
                found.push(stored.clone());
                if bytes >= bytes_max {
                    break;
                }
            }
        }
        Ok(found)
    }

    fn running_hash_at(&self, seq: u64) -> Result<Option<HashAt>, ReadError> {
        self.check(seq)?;
        if seq == 0 {
            return Ok(Some(HashAt { hash: GENESIS_HASH, first: 0, last: 0 }));
        }
        let frames = self.disk.frames();
        Ok(frames.iter().map(|frame| frame.at).find(|at| (at.first..=at.last).contains(&seq)))
    }

    fn index(&self) -> &dyn KvRead {
        self
    }

    fn failure(&self) -> Option<KvError> {
        self.sound().err()
    }

    fn has_room(&self) -> bool {
        !self.disk.0.almost_full.load(Ordering::SeqCst)
    }

    fn make_way(&self) -> bool {
        false
    }
}
