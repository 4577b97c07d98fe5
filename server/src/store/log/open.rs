//! Opening a log: everything durable is found whole, or opening says which file is wrong and where.
//!
//! 1. Every segment is read from front to end and each frame held against its checksums; sequence numbers
//!    and running hashes must join. Of sealed segments the stored hashes are compared where segments meet
//!    ([`verify`](crate::store::verify) works all of them out again); of the tail each is worked out.
//! 2. A broken place in a sealed segment is damage. One in the tail is [judged](super::judge): torn is
//!    cut, damage stops the opening. What the note says was durable must be there.
//! 3. The tail is written anew into another file, synced, renamed into place, and the folder synced.
//!    Syncing the old file would not do: after an earlier failed sync the kernel may hold pages as clean
//!    that never reached the disk.
//! 4. A new note is put in place. Only then is the log served.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cursor::{Broken, Cursor, Found};
use super::judge::{Verdict, judge};
use super::mark::{self, Mark, MarkFile, MarkRead};
use super::segment::{self, PlaceError, SEGMENT_HEADER_BYTES, SegmentHead};
use super::table::{Segment, Table};
use super::{Log, Tail};
use crate::store::contract::End;
use crate::store::disk::{Disk, DiskFile};
use crate::store::frame::GENESIS_HASH;
use crate::store::room::Room;

/// Why a store cannot be opened or created.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder holds no log.
    #[error("there is no log in {}", dir.display())]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// The folder holds a log already.
    #[error("there is a log in {} already", dir.display())]
    Exists {
        /// The folder.
        dir: PathBuf,
    },
    /// Something durable is not as it was written. Nothing was changed.
    #[error("{} is damaged at byte {offset}: {what}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where in it.
        offset: u64,
        /// What was found there.
        what: &'static str,
    },
    /// The disk refused.
    #[error("the store cannot be opened")]
    Io(#[from] io::Error),
    /// Another process serves this folder.
    #[error(transparent)]
    Locked(#[from] crate::store::lock::LockError),
    /// The index could not be set up, even empty.
    #[error("the index cannot be opened: {what}")]
    Index {
        /// What was seen.
        what: String,
    },
}

/// What walking over a segment found, in the order of the file.
struct Walked {
    frames: Vec<(u32, u32)>,
    /// The log's end with this segment's whole frames.
    end: End,
    /// Where they end in the file.
    len: u64,
    /// What is wrong behind them.
    fault: Option<Broken>,
}

impl Log {
    /// Opens the log in a folder and recovers it.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path, segment_bytes: u64) -> Result<Self, OpenError> {
        let names = list(&*disk, dir)?;
        let numbers: Vec<u32> = names.iter().filter_map(|name| segment::segment_number(name)).collect();
        let Some(last) = numbers.last().copied() else {
            return Err(OpenError::Missing { dir: dir.to_owned() });
        };
        let note = match mark::read(&*disk, dir)? {
            MarkRead::Stands(mark) => Some(mark),
            MarkRead::Missing | MarkRead::Unreadable => None,
        };
        let mut end = End { seq: 0, hash: GENESIS_HASH };
        let mut segments = Vec::new();
        let mut ids = Vec::new();
        for number in 1..=last {
            let path = segment::segment_path(dir, number);
            let (head, file) = open_segment(&*disk, &path, number, end)?;
            ids.push(head.log_id);
            let walked = walk(&path, &*file, end, number == last)?;
            end = walked.end;
            if let Some(broken) = walked.fault {
                let file_bytes = file.size()?;
                let mut cursor = Cursor::new(&*file, walked.len, file_bytes);
                let synced = note.filter(|note| ids.contains(&note.log_id)).map_or(0, |note| note.end.seq);
                let verdict = match number == last {
                    true => judge(&mut cursor, broken, end.seq + 1, synced)?,
                    false => Verdict::Damaged,
                };
                if verdict == Verdict::Damaged {
                    return Err(damaged(&path, walked.len, broken.what()));
                }
            }
            let first_seq = head.first_seq;
            segments.push(Segment { path, file, first_seq, frames: walked.frames, len: walked.len });
        }
        let log_id = ids.last().copied().unwrap_or_default();
        let note = note.filter(|note| ids.contains(&note.log_id));
        let table = Table { log_id, segments, end, last: VecDeque::new() };
        check_note(dir, note, &table)?;
        for name in names.iter().filter(|name| name.ends_with(".new")) {
            disk.remove(&dir.join(name))?;
        }
        let tail_bytes = table.segments.last().map_or(0, |tail| tail.len);
        let mut room = Room::open(Arc::clone(&disk), dir, tail_bytes)?;
        let (table, tail) = rewrite_tail(&*disk, table, last)?;
        let mark = MarkFile::place(&*disk, dir, Mark { log_id, end }).map_err(PlaceError::into_io)?;
        room.is_plenty();
        Ok(Log::over(disk, dir, table, tail, mark, room, segment_bytes))
    }
}

fn list(disk: &dyn Disk, dir: &Path) -> Result<Vec<String>, OpenError> {
    disk.list(dir).map_err(|error| match error.kind() == io::ErrorKind::NotFound {
        true => OpenError::Missing { dir: dir.to_owned() },
        false => OpenError::Io(error),
    })
}

fn damaged(file: &Path, offset: u64, what: &'static str) -> OpenError {
    OpenError::Damaged { file: file.to_owned(), offset, what }
}

/// Opens a segment and checks that it joins what is before it.
fn open_segment(
    disk: &dyn Disk,
    path: &Path,
    number: u32,
    before: End,
) -> Result<(SegmentHead, Arc<dyn DiskFile>), OpenError> {
    let file = disk.open(path).map_err(|error| match error.kind() == io::ErrorKind::NotFound {
        true => damaged(path, 0, "the segment is missing"),
        false => OpenError::Io(error),
    })?;
    let head = read_head(&*file)?.map_err(|what| damaged(path, 0, what))?;
    match joins(&head, number, before) {
        Ok(()) => Ok((head, file)),
        Err(what) => Err(damaged(path, 0, what)),
    }
}

/// Reads a segment's header.
pub(crate) fn read_head(file: &dyn DiskFile) -> io::Result<Result<SegmentHead, &'static str>> {
    let mut bytes = vec![0; SEGMENT_HEADER_BYTES];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(SegmentHead::decode(&bytes))
}

/// Checks a segment's header against the end of the log before it.
pub(crate) fn joins(head: &SegmentHead, number: u32, before: End) -> Result<(), &'static str> {
    if head.number != number {
        return Err("the segment carries another number than its name");
    }
    if head.first_seq != before.seq + 1 || head.hash_before != before.hash {
        return Err("the segment does not join the one before it");
    }
    Ok(())
}

/// Walks over a segment's frames up to the first broken place.
fn walk(path: &Path, file: &dyn DiskFile, before: End, work_out_hashes: bool) -> Result<Walked, OpenError> {
    let start = SEGMENT_HEADER_BYTES as u64;
    let first_seq = before.seq + 1;
    let mut cursor = Cursor::new(file, start, file.size()?);
    let mut walked = Walked { frames: Vec::new(), end: before, len: start, fault: None };
    loop {
        let offset = cursor.offset();
        match cursor.next_frame()? {
            Found::End => return Ok(walked),
            Found::Broken(broken) => {
                walked.fault = Some(broken);
                return Ok(walked);
            }
            Found::Whole(head, body) => {
                if head.first_seq != walked.end.seq + 1 {
                    return Err(damaged(
                        path,
                        offset,
                        "a frame does not go on where the one before it ended",
                    ));
                }
                if work_out_hashes && head.hash_after(&walked.end.hash, body) != head.hash {
                    return Err(damaged(path, offset, "a frame's running hash is not that of the log"));
                }
                walked.frames.push(((head.first_seq - first_seq) as u32, offset as u32));
                walked.end = End { seq: head.last_seq(), hash: head.hash };
                walked.len = offset + head.frame_bytes();
            }
        }
    }
}

/// Checks that all that was noted as durable is there.
fn check_note(dir: &Path, note: Option<Mark>, table: &Table) -> Result<(), OpenError> {
    let Some(note) = note else { return Ok(()) };
    let (path, len) = match table.segments.last() {
        Some(segment) => (segment.path.clone(), segment.len),
        None => (dir.to_owned(), 0),
    };
    if note.end.seq > table.end.seq {
        return Err(damaged(&path, len, "the log ends before what is known to be durable"));
    }
    if note.end.seq == table.end.seq && note.end.hash != table.end.hash {
        return Err(damaged(&path, len, "the log holds something else than what is known to be durable"));
    }
    Ok(())
}

/// Writes the tail's whole frames into a new file in its place.
fn rewrite_tail(disk: &dyn Disk, mut table: Table, number: u32) -> Result<(Table, Tail), OpenError> {
    let Some(segment) = table.segments.last_mut() else {
        return Err(OpenError::Io(io::ErrorKind::NotFound.into()));
    };
    let mut bytes = vec![0; segment.len as usize];
    if segment.file.read_at(&mut bytes, 0)? != bytes.len() {
        return Err(damaged(&segment.path, 0, "the file became shorter while it was read"));
    }
    let file = segment::place(disk, &segment.path, &bytes).map_err(PlaceError::into_io)?;
    segment.file = Arc::clone(&file);
    let tail = Tail { file, number, first_seq: segment.first_seq, len: segment.len };
    Ok((table, tail))
}
