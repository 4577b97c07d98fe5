//! A batch on its way into sled, as a file beside it.
//!
//! sled takes a batch whole under a lock that keeps every reader out, and a batch of a morning is long: the writer, who looks up whether a slot
//! stands already, would wait for all of it. So a long batch goes in row by row, and what makes it whole again after a kill lies here:
//!
//! ```text
//! index.redo = the mark before | the mark after | rows, each: key's length u32, value's length u32 (all ones: removed), key, value | CRC32C
//! ```
//!
//! It is written before the first row, and removed when sled has written all rows and the mark. Opened with the mark before, an index gets all rows again: each says what its
//! key holds and not what changes, so it does not matter which of them are there already. The file is not synced: after a stop of the
//! machine the index is not believed anyway.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::{IndexMark, MARK_BYTES};
use crate::auth::keys::FILE_MODE;
use crate::store::log::codec::u32_at;

/// Stands for the length of a value where there is none.
const REMOVED: u32 = u32::MAX;

/// A row as sled keeps it; without a value it is removed.
pub(super) type Row = (Vec<u8>, Option<Vec<u8>>);

/// A batch with the marks between which it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Redo {
    pub before: IndexMark,
    pub after: IndexMark,
    pub rows: Vec<Row>,
}

impl Redo {
    /// Writes the file, or leaves none: on a full disk half of it would only take room.
    pub fn write(&self, data: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true).mode(FILE_MODE);
        let mut out = BufWriter::new(options.open(path(data))?);
        self.write_to(&mut out).and_then(|()| out.flush()).inspect_err(|_| drop(Self::forget(data)))
    }

    /// Reads what an ended process left; none where there is nothing, or not all of it: then no row had gone in.
    pub fn read(data: &Path) -> Option<Self> {
        Self::decode(&fs::read(path(data)).ok()?)
    }

    /// Removes the file.
    pub fn forget(data: &Path) -> io::Result<()> {
        match fs::remove_file(path(data)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Writes it piece by piece: a batch may be large, and is in memory already.
    fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(REMOVED).to_le_bytes();
        let mut sum = 0;
        let mut put = |bytes: &[u8]| {
            sum = crc32c::crc32c_append(sum, bytes);
            out.write_all(bytes)
        };
        put(&self.before.encode())?;
        put(&self.after.encode())?;
        for (key, value) in &self.rows {
            put(&length(key))?;
            put(&value.as_deref().map_or(REMOVED.to_le_bytes(), length))?;
            put(key)?;
            put(value.as_deref().unwrap_or_default())?;
        }
        out.write_all(&sum.to_le_bytes())
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        if *sum != crc32c::crc32c(body).to_le_bytes() {
            return None;
        }
        let (before, rest) = body.split_at_checked(MARK_BYTES)?;
        let (after, mut rest) = rest.split_at_checked(MARK_BYTES)?;
        let mut rows = Vec::new();
        while !rest.is_empty() {
            let (key_bytes, value_bytes) = (u32_at(rest, 0)?, u32_at(rest, 4)?);
            let (key, behind) = rest.get(8..)?.split_at_checked(usize::try_from(key_bytes).ok()?)?;
            let removed = value_bytes == REMOVED;
            let value_bytes = if removed { 0 } else { usize::try_from(value_bytes).ok()? };
            let (value, behind) = behind.split_at_checked(value_bytes)?;
            rows.push((key.to_vec(), (!removed).then(|| value.to_vec())));
            rest = behind;
        }
        Some(Self { before: IndexMark::decode(before)?, after: IndexMark::decode(after)?, rows })
    }
}

fn path(data: &Path) -> PathBuf {
    data.join("index.redo")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redo() -> Redo {
        let mark = |seq| IndexMark { log_id: [1; 16], seq, hash: [2; 8], rows: seq + 1, digest: seq * 3 };
        let rows = vec![(vec![1, 2], Some(vec![3; 9])), (vec![4], None), (vec![5], Some(Vec::new()))];
        Redo { before: mark(4), after: mark(9), rows }
    }

    #[test]
    fn it_reads_back_until_it_is_forgotten() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Redo::read(data.path()), None);
        redo().write(data.path()).unwrap();
        assert_eq!(Redo::read(data.path()), Some(redo()));
        Redo::forget(data.path()).unwrap();
        Redo::forget(data.path()).unwrap();
        assert_eq!(Redo::read(data.path()), None);
    }

    #[test]
    fn what_was_cut_or_changed_is_none() {
        let mut bytes = Vec::new();
        redo().write_to(&mut bytes).unwrap();
        assert_eq!(Redo::decode(&bytes), Some(redo()));
        for end in 0..bytes.len() {
            assert_eq!(Redo::decode(&bytes[..end]), None, "cut at {end}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Redo::decode(&bad), None, "bit {bit}");
        }
    }
}
