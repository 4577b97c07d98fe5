//! The log on disk: what the organisation knows, in the order in which it came to know it.
//!
//! ```text
//! log/00000001.seg    sealed: never written again
//! log/00000002.seg    the tail: frames are appended here
//! log/synced          how far the log is known to be durable
//! log/reserve         room set aside for what cannot wait
//! ```
//!
//! `codec` has the frames, `segment` the files, `mark` the note of what is durable, `open`
//! recovery and `judge` its rule, `table` reading. Here is writing: `Log` gathers frames in memory and
//! brings a group to disk with one write and one sync.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) mod codec;
pub(crate) mod cursor;
pub(crate) mod judge;
pub(crate) mod mark;
pub(crate) mod open;
pub(crate) mod segment;
pub(crate) mod table;
#[cfg(test)]
mod tests;

pub use open::OpenError;
pub use segment::SEGMENT_BYTES;

use self::mark::{Mark, MarkFile};
use self::segment::{PlaceError, SEGMENT_HEADER_BYTES, SegmentHead};
use self::table::{LAST_FRAMES, Segment, Shared, Table};
use super::contract::{AppendError, Appended, End, HashAt, SyncError};
use super::disk::{Disk, DiskFile};
use super::frame::{FRAME_BYTES_MAX, Frame, LogId, PAYLOAD_BYTES_MAX};
use super::group::GROUP_BYTES_MAX;
use super::room::Room;
use crate::crash::{crash_within, fails_at};
use sync_core::seeded::{Bug, seeded};

/// The writer's side of the log.
pub(crate) struct Log {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    shared: Arc<Shared>,
    mark: MarkFile,
    tail: Tail,
    group: Group,
    segment_bytes: u64,
}

/// The segment that is written.
struct Tail {
    file: Arc<dyn DiskFile>,
    number: u32,
    first_seq: u64,
    len: u64,
}

/// The frames appended since the last sync.
struct Group {
    bytes: Vec<u8>,
    /// What each frame stands for, and its offset in `bytes`.
    frames: Vec<(HashAt, usize)>,
    /// Where the log would end with them.
    end: End,
}

impl Group {
    fn empty(end: End) -> Self {
        Group { bytes: Vec::new(), frames: Vec::new(), end }
    }
}

impl Log {
    /// Begins a log in a folder that holds none.
    pub fn create(disk: Arc<dyn Disk>, dir: &Path, log_id: LogId) -> Result<(), OpenError> {
        disk.create_dir(dir)?;
        if disk.list(dir)?.iter().any(|name| segment::segment_number(name).is_some()) {
            return Err(OpenError::Exists { dir: dir.to_owned() });
        }
        let head = SegmentHead { number: 1, log_id, first_seq: 1, hash_before: super::frame::GENESIS_HASH };
        segment::place(&*disk, &segment::segment_path(dir, 1), &head.encode())
            .map_err(PlaceError::into_io)?;
        Ok(())
    }

    /// Puts a recovered log to work.
    fn over(
        disk: Arc<dyn Disk>,
        dir: &Path,
        table: Table,
        tail: Tail,
        mark: MarkFile,
        room: Room,
        segment_bytes: u64,
    ) -> Self {
        let end = table.end;
        let shared = Arc::new(Shared::new(table, room));
        Log { disk, dir: dir.to_owned(), shared, mark, tail, group: Group::empty(end), segment_bytes }
    }

    /// What readers share.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The number that the next record gets.
    pub fn next_seq(&self) -> u64 {
        self.group.end.seq + 1
    }

    /// Takes a frame into the group, in memory.
    pub fn append(&mut self, frame: &Frame) -> Result<Appended, AppendError> {
        if self.shared.is_poisoned() {
            return Err(AppendError::Poisoned);
        }
        let frame_bytes = checked_bytes(frame)?;
        if !self.group.bytes.is_empty() && self.group.bytes.len() + frame_bytes > GROUP_BYTES_MAX {
            return Err(AppendError::GroupFull);
        }
        let first = self.next_seq();
        let unsynced_before = (self.group.end.seq - self.shared.table().end.seq) as u32;
        let (head, body) = codec::prepare(frame, first, unsynced_before, &self.group.end.hash);
        let at = HashAt { hash: head.hash, first, last: head.last_seq() };
        self.group.frames.push((at, self.group.bytes.len()));
        codec::write_frame(&head, &body, &mut self.group.bytes);
        self.group.end = End { seq: head.last_seq(), hash: head.hash };
        Ok(Appended { first, last: head.last_seq() })
    }

    /// Brings the group to disk. `before_shown` runs when it is durable and no reader sees it yet.
    pub fn sync(&mut self, before_shown: impl FnOnce(LogId, End)) -> Result<End, SyncError> {
        if self.shared.is_poisoned() {
            return Err(SyncError::Poisoned);
        }
        let durable = self.shared.table().end;
        if self.group.frames.is_empty() {
            return Ok(durable);
        }
        let group = std::mem::replace(&mut self.group, Group::empty(durable));
        let log_id = self.shared.table().log_id;
        if self.tail.len + group.bytes.len() as u64 > self.segment_bytes && self.tail.first_seq <= durable.seq
        {
            self.roll(durable, log_id)?;
        }
        crash_within("mid_append", || {
            let (half, file) = (group.bytes.len() / 2, &self.tail.file);
            // Whatever comes of it, the process ends here.
            drop(file.write_at(&group.bytes[..half], self.tail.len).and_then(|()| file.sync()));
        });
        while let Err(error) = self.tail.file.write_at(&group.bytes, self.tail.len) {
            if self.tail.file.truncate(self.tail.len).is_err() {
                // Part of a frame stands where the next one would: nothing may be written behind it.
                return Err(self.poison());
            }
            self.makes_way(error)?;
        }
        if !seeded(Bug::NoSync) && (fails_at("log_sync") || self.tail.file.sync().is_err()) {
            return Err(self.poison());
        }
        before_shown(log_id, group.end);
        self.publish(&group);
        self.mark.note(Mark { log_id, end: group.end });
        self.group.end = group.end;
        Ok(group.end)
    }

    /// Seals the tail and goes on under another id: what a server restored from backup does.
    pub fn begin_log_id(&mut self, log_id: LogId) -> Result<(), SyncError> {
        let durable = self.sync(|_, _| ())?;
        self.roll(durable, log_id)?;
        self.shared.table_mut().log_id = log_id;
        self.mark.note(Mark { log_id, end: durable });
        Ok(())
    }

    fn roll(&mut self, durable: End, log_id: LogId) -> Result<(), SyncError> {
        let number = self.tail.number + 1;
        let path = segment::segment_path(&self.dir, number);
        let head = SegmentHead { number, log_id, first_seq: durable.seq + 1, hash_before: durable.hash };
        let file = loop {
            match segment::place(&*self.disk, &path, &head.encode()) {
                Ok(file) => break file,
                Err(PlaceError::NotPlaced(error)) => self.makes_way(error)?,
                Err(PlaceError::Unknown(_)) => return Err(self.poison()),
            }
        };
        let len = SEGMENT_HEADER_BYTES as u64;
        self.tail = Tail { file: Arc::clone(&file), number, first_seq: head.first_seq, len };
        self.shared.table_mut().segments.push(Segment {
            path,
            file,
            first_seq: head.first_seq,
            frames: Vec::new(),
            len,
        });
        Ok(())
    }

    /// Gives up the reserve for what a full disk refused, so that it can be written again; once, and never for another failure.
    fn makes_way(&self, error: io::Error) -> Result<(), SyncError> {
        if is_disk_full(&error) && self.shared.make_way() {
            return Ok(());
        }
        Err(SyncError::NotWritten(error))
    }

    /// Shows the group to readers.
    fn publish(&mut self, group: &Group) {
        let mut table = self.shared.table_mut();
        if let Some(segment) = table.segments.last_mut() {
            let frames = group.frames.iter().map(|(at, offset)| {
                ((at.first - segment.first_seq) as u32, (self.tail.len + *offset as u64) as u32)
            });
            segment.frames.extend(frames);
            segment.len += group.bytes.len() as u64;
            self.tail.len = segment.len;
        }
        table.end = group.end;
        table.last.extend(group.frames.iter().map(|(at, _)| *at));
        let too_many = table.last.len().saturating_sub(LAST_FRAMES);
        table.last.drain(..too_many);
    }

    fn poison(&mut self) -> SyncError {
        self.shared.poison();
        SyncError::Poisoned
    }
}

/// Checks a frame against the limits and returns its encoded size.
pub(crate) fn checked_bytes(frame: &Frame) -> Result<usize, AppendError> {
    if frame.records.is_empty() {
        return Err(AppendError::Empty);
    }
    if let Some(large) = frame.records.iter().find(|record| record.payload.len() > PAYLOAD_BYTES_MAX) {
        return Err(AppendError::PayloadTooLarge { bytes: large.payload.len() });
    }
    let bytes = codec::encoded_bytes(frame);
    if bytes > FRAME_BYTES_MAX {
        return Err(AppendError::FrameTooLarge { bytes });
    }
    Ok(bytes)
}

/// True for errors that mean "no more room" rather than "the disk is ill".
pub fn is_disk_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
