//! A segment's name and header.
//!
//! ```text
//! magic [8] | version u32 | number u32 | log id [16] | first sequence u64 | running hash before [8]
//! | zero [12] | CRC32C of the 60 bytes so far u32
//! ```
//!
//! Segments are numbered from 1 without gaps. One is made under the name `NNNNNNNN.new`, with its header
//! synced, and renamed: what ends in `.seg` always has a whole header, and a `.new` was never in use. The
//! last segment is the unsealed *tail*; all others are sealed and never written again.
//!
//! The log's id is that of its last segment. A server restored from backup goes on in a new segment with
//! a new id, and the older ones tell where they came from.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::codec::{array_at, u32_at, u64_at};
use crate::store::disk::{Disk, DiskFile};
use crate::store::frame::{LogId, RunningHash};

/// When the tail has reached this size, the next group begins a new segment.
pub const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a segment before its first frame.
pub(crate) const SEGMENT_HEADER_BYTES: usize = 64;

const MAGIC: [u8; 8] = *b"carrylog";
const VERSION: u32 = 1;

/// A segment's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHead {
    pub number: u32,
    pub log_id: LogId,
    pub first_seq: u64,
    pub hash_before: RunningHash,
}

impl SegmentHead {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(SEGMENT_HEADER_BYTES);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.number.to_le_bytes());
        out.extend_from_slice(&self.log_id);
        out.extend_from_slice(&self.first_seq.to_le_bytes());
        out.extend_from_slice(&self.hash_before);
        out.extend_from_slice(&[0; 12]);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    /// Reads a header; the error says in a few words what is wrong with it.
    pub fn decode(bytes: &[u8]) -> Result<Self, &'static str> {
        const CUT: &str = "the segment's header is cut short";
        let (covered, crc) =
            bytes.get(..SEGMENT_HEADER_BYTES).and_then(|head| head.split_at_checked(60)).ok_or(CUT)?;
        if !covered.starts_with(&MAGIC) || Some(crc32c::crc32c(covered)) != u32_at(crc, 0) {
            return Err("the segment's header does not match its checksum");
        }
        if u32_at(covered, 8) != Some(VERSION) {
            return Err("the segment is of a newer version");
        }
        Ok(SegmentHead {
            number: u32_at(covered, 12).ok_or(CUT)?,
            log_id: array_at(covered, 16).ok_or(CUT)?,
            first_seq: u64_at(covered, 32).ok_or(CUT)?,
            hash_before: array_at(covered, 40).ok_or(CUT)?,
        })
    }
}

/// Returns the path of a segment.
pub(crate) fn segment_path(dir: &Path, number: u32) -> PathBuf {
    dir.join(format!("{number:08}.seg"))
}

/// Returns the number in a segment's name; `None` for other files.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    name.strip_suffix(".seg")?.parse().ok()
}

/// Why a file could not be put in place.
pub(crate) enum PlaceError {
    /// Nothing changed.
    NotPlaced(io::Error),
    /// A sync failed: what the disk holds is unknown.
    Unknown(io::Error),
}

impl PlaceError {
    pub fn into_io(self) -> io::Error {
        match self {
            PlaceError::NotPlaced(error) | PlaceError::Unknown(error) => error,
        }
    }
}

/// Writes a file under another name, syncs it, renames it into place and syncs the folder.
pub(crate) fn place(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<Arc<dyn DiskFile>, PlaceError> {
    let new = path.with_extension("new");
    let written = disk.create(&new).and_then(|file| file.write_at(bytes, 0).map(|()| file));
    let file = match written {
        Ok(file) => file,
        Err(error) => {
            // Best effort: a `.new` that stays is overwritten next time, or removed on opening.
            let _ = disk.remove(&new);
            return Err(PlaceError::NotPlaced(error));
        }
    };
    file.sync().map_err(PlaceError::Unknown)?;
    disk.rename(&new, path).map_err(PlaceError::NotPlaced)?;
    match path.parent() {
        Some(dir) => disk.sync_dir(dir).map_err(PlaceError::Unknown)?,
        None => return Err(PlaceError::Unknown(io::ErrorKind::InvalidInput.into())),
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_reads_back_and_no_flipped_bit_passes() {
        let head = SegmentHead { number: 3, log_id: [5; 16], first_seq: 77, hash_before: [6; 8] };
        let bytes = head.encode();
        assert_eq!((bytes.len(), SegmentHead::decode(&bytes)), (SEGMENT_HEADER_BYTES, Ok(head)));
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHead::decode(&bad).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn names_are_read_back() {
        let path = segment_path(Path::new("log"), 12);
        assert_eq!(path, Path::new("log/00000012.seg"));
        assert_eq!(segment_number("00000012.seg"), Some(12));
        assert_eq!((segment_number("00000012.new"), segment_number("synced")), (None, None));
    }
}
