//! Where each frame stands, and reading by sequence number.
//!
//! The table keeps eight bytes a frame, not a record: enough to find a frame's place by one binary search,
//! and small enough that a log of millions of records opens without an index of its own.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::codec::{self, FRAME_HEADER_BYTES, FrameHead, RECORD_HEADER_BYTES};
use super::cursor::{Cursor, Found};
use super::segment::SEGMENT_HEADER_BYTES;
use crate::store::contract::{End, HashAt, ReadError};
use crate::store::disk::DiskFile;
use crate::store::frame::{GENESIS_HASH, LogId, StoredRecord};
use crate::store::room::Room;

/// One segment as readers need it.
pub(crate) struct Segment {
    pub path: PathBuf,
    pub file: Arc<dyn DiskFile>,
    pub first_seq: u64,
    /// Its frames in order: (first sequence less the segment's first, offset in the file).
    pub frames: Vec<(u32, u32)>,
    /// Where the durable frames end.
    pub len: u64,
}

/// All segments and the durable end.
pub(crate) struct Table {
    pub log_id: LogId,
    pub segments: Vec<Segment>,
    pub end: End,
    /// The last frames that were written since the start, in order: most cursors that come back were given out a moment ago.
    pub last: VecDeque<HashAt>,
}

/// Frames of which the running hash is known without reading: 160 KiB of them.
pub(crate) const LAST_FRAMES: usize = 4_096;

impl Table {
    /// Returns the running hash of the frame with `seq`, if that is one of the last.
    fn last_at(&self, seq: u64) -> Option<HashAt> {
        let at = self.last.partition_point(|at| at.last < seq);
        self.last.get(at).copied().filter(|at| (at.first..=at.last).contains(&seq))
    }
}

/// What the writer and the readers share.
pub(crate) struct Shared {
    table: RwLock<Table>,
    poisoned: Arc<AtomicBool>,
    room: Mutex<Room>,
}

/// A frame's place, free of the table's lock.
struct Place {
    path: PathBuf,
    file: Arc<dyn DiskFile>,
    offset: u64,
    /// Where the frame ends.
    end: u64,
    /// Where the segment's durable frames end.
    segment_end: u64,
}

impl Shared {
    pub fn new(table: Table, room: Room) -> Self {
        Shared { table: RwLock::new(table), poisoned: Arc::default(), room: Mutex::new(room) }
    }

    /// The room where the log lies.
    pub fn room(&self) -> MutexGuard<'_, Room> {
        self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives up the reserve; returns whether there was any.
    pub fn make_way(&self) -> bool {
        let made = self.room().give_up_reserve();
        if made {
            tracing::warn!("the disk is full: the reserve is in use, and new work is refused");
        }
        made
    }

    pub fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The flag that ends all reading, the index's included.
    pub fn poisoned_flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.poisoned)
    }

    pub fn is_poisoned(&self) -> bool {
        self.poisoned.load(Ordering::Acquire)
    }

    pub fn poison(&self) {
        self.poisoned.store(true, Ordering::Release);
    }

    /// See [`StoreReader::read`](crate::store::StoreReader::read).
    pub fn read(&self, seq: u64) -> Result<Option<StoredRecord>, ReadError> {
        let Some((head, body)) = self.frame(seq)? else { return Ok(None) };
        Ok(codec::records(&head, &body).into_iter().find(|stored| stored.seq == seq))
    }

    /// See [`StoreReader::running_hash_at`](crate::store::StoreReader::running_hash_at).
    pub fn running_hash_at(&self, seq: u64) -> Result<Option<HashAt>, ReadError> {
        if seq == 0 {
            return Ok(Some(HashAt { hash: GENESIS_HASH, first: 0, last: 0 }));
        }
        if self.is_poisoned() {
            return Err(ReadError::Poisoned);
        }
        if let Some(at) = self.table().last_at(seq) {
            return Ok(Some(at));
        }
        let Some(place) = self.place(seq)? else { return Ok(None) };
        let mut bytes = [0; FRAME_HEADER_BYTES];
        place.file.read_at(&mut bytes, place.offset)?;
        let head = FrameHead::decode(&bytes)
            .filter(|head| (head.first_seq..=head.last_seq()).contains(&seq))
            .ok_or_else(|| damaged(&place, place.offset))?;
        Ok(Some(HashAt { hash: head.hash, first: head.first_seq, last: head.last_seq() }))
    }

    /// See [`StoreReader::read_range`](crate::store::StoreReader::read_range).
    pub fn read_range(&self, from: u64, to: u64, bytes_max: usize) -> Result<Vec<StoredRecord>, ReadError> {
        let mut found = Vec::new();
        let mut bytes = 0;
        let mut next = from.max(1);
        while next <= to
            && let Some(place) = self.place(next)?
        {
            let ahead = bytes_max.saturating_mul(2).max((place.end - place.offset) as usize);
            let mut cursor = Cursor::new(&*place.file, place.offset, place.segment_end).reading_ahead(ahead);
            loop {
                let offset = cursor.offset();
                let (head, body) = match cursor.next_frame()? {
                    Found::Whole(head, body) => (head, body),
                    Found::End => break,
                    Found::Broken(_) => return Err(damaged(&place, offset)),
                };
                if head.last_seq() < next || head.first_seq > next {
                    return Err(damaged(&place, offset));
                }
                for stored in codec::records(&head, body) {
                    if (next..=to).contains(&stored.seq) {
                        bytes += stored.record.payload.len();
                        found.push(stored);
                        if bytes >= bytes_max {
                            return Ok(found);
                        }
                    }
                }
                next = head.last_seq() + 1;
                if next > to {
                    return Ok(found);
                }
            }
        }
        Ok(found)
    }

    /// Reads and checks the frame that holds `seq`.
    fn frame(&self, seq: u64) -> Result<Option<(FrameHead, Vec<u8>)>, ReadError> {
        let Some(place) = self.place(seq)? else { return Ok(None) };
        let mut bytes = vec![0; (place.end - place.offset) as usize];
        let read = place.file.read_at(&mut bytes, place.offset)?;
        let head = FrameHead::decode(&bytes).filter(|_| read == bytes.len());
        let body = bytes.split_off(FRAME_HEADER_BYTES.min(bytes.len()));
        match head {
            Some(head) if head.covers(&body) && (head.first_seq..=head.last_seq()).contains(&seq) => {
                Ok(Some((head, body)))
            }
            Some(_) | None => Err(damaged(&place, place.offset)),
        }
    }

    fn place(&self, seq: u64) -> Result<Option<Place>, ReadError> {
        if self.is_poisoned() {
            return Err(ReadError::Poisoned);
        }
        let table = self.table();
        if seq == 0 || seq > table.end.seq {
            return Ok(None);
        }
        let after = table.segments.partition_point(|segment| segment.first_seq <= seq);
        let Some(segment) = after.checked_sub(1).and_then(|at| table.segments.get(at)) else {
            return Ok(None);
        };
        let behind =
            segment.frames.partition_point(|(delta, _)| segment.first_seq + u64::from(*delta) <= seq);
        let Some((_, offset)) = behind.checked_sub(1).and_then(|at| segment.frames.get(at)) else {
            return Ok(None);
        };
        Ok(Some(Place {
            path: segment.path.clone(),
            file: Arc::clone(&segment.file),
            offset: u64::from(*offset),
            end: segment.frames.get(behind).map_or(segment.len, |(_, offset)| u64::from(*offset)),
            segment_end: segment.len,
        }))
    }
}

fn damaged(place: &Place, offset: u64) -> ReadError {
    ReadError::Damaged { file: place.path.clone(), offset }
}

// A frame's place is kept in 32 bits each: the largest segment must fit, whatever is changed above.
const _: () = assert!(
    super::SEGMENT_BYTES
        + (crate::store::frame::FRAME_BYTES_MAX + crate::store::group::GROUP_BYTES_MAX) as u64
        + (SEGMENT_HEADER_BYTES + RECORD_HEADER_BYTES) as u64
        <= u32::MAX as u64
);
