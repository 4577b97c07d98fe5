//! The *synced* file: how far the log is known to be durable.
//!
//! A log alone cannot tell a durable frame that was damaged from one that never became durable. So after
//! each sync the writer notes the log's end in a small file beside the segments, in place and without
//! syncing that. The note is therefore never ahead of what is durable. It can be old, but only after a power
//! cut; a killed process leaves it exact. On opening, whatever is missing or wrong at or before the note is
//! damage, whatever it looks like.
//!
//! A note that cannot be read says nothing, and recovery goes by the frames alone. Who copies a log beside
//! a running server copies this file first, else the note could be ahead of the copy.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codec::{array_at, u32_at, u64_at};
use super::segment::{self, PlaceError};
use crate::store::contract::End;
use crate::store::disk::{Disk, DiskFile};
use crate::store::frame::LogId;

const MAGIC: [u8; 8] = *b"carrymrk";
const MARK_BYTES: usize = 44;

/// The log's end, as last noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub log_id: LogId,
    pub end: End,
}

impl Mark {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(MARK_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&self.log_id);
        out.extend_from_slice(&self.end.seq.to_le_bytes());
        out.extend_from_slice(&self.end.hash);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (covered, crc) = bytes.split_at_checked(MARK_BYTES - 4)?;
        if !covered.starts_with(&MAGIC) || crc.len() != 4 || crc32c::crc32c(covered) != u32_at(crc, 0)? {
            return None;
        }
        let end = End { seq: u64_at(covered, 24)?, hash: array_at(covered, 32)? };
        Some(Mark { log_id: array_at(covered, 8)?, end })
    }
}

/// Returns the note's path.
pub(crate) fn mark_path(dir: &Path) -> PathBuf {
    dir.join("synced")
}

/// What stands in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MarkRead {
    Missing,
    Unreadable,
    Stands(Mark),
}

/// Reads the note.
pub(crate) fn read(disk: &dyn Disk, dir: &Path) -> io::Result<MarkRead> {
    let file = match disk.open(&mark_path(dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(MarkRead::Missing),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; MARK_BYTES + 1];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Mark::decode(&bytes).map_or(MarkRead::Unreadable, MarkRead::Stands))
}

/// The note, open to be written in place.
pub(crate) struct MarkFile(Arc<dyn DiskFile>);

impl MarkFile {
    /// Puts a synced note in place of any other.
    pub fn place(disk: &dyn Disk, dir: &Path, mark: Mark) -> Result<Self, PlaceError> {
        segment::place(disk, &mark_path(dir), &mark.encode()).map(MarkFile)
    }

    /// Notes the log's end; not synced.
    pub fn note(&self, mark: Mark) {
        // A note that cannot be written only makes recovery more careful: it never fails a commit.
        let _ = self.0.write_at(&mark.encode(), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_reads_back_and_no_flipped_bit_passes() {
        let mark = Mark { log_id: [3; 16], end: End { seq: 9, hash: [4; 8] } };
        let bytes = mark.encode();
        assert_eq!((bytes.len(), Mark::decode(&bytes)), (MARK_BYTES, Some(mark)));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Mark::decode(&bad), None, "bit {bit}");
        }
    }
}
