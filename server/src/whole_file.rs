//! Small files that are there whole or not at all, and say themselves whether they are still as they were written.
//!
//! ```text
//! checked file = a value as JSON, for whoever has to look | "sha256 " and the hash of all before it, as the last line
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use crate::auth::keys::FILE_MODE;
use crate::store::disk::small::room_for;

/// What begins the last line of a checked file.
const HASH_LINE: &str = "sha256 ";

/// Why a checked file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CheckedError {
    /// It does not match its hash, or is none of ours.
    #[error("{} is not as it was written", .0.display())]
    Damaged(PathBuf),
    /// The disk refused.
    #[error("{} cannot be read", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl CheckedError {
    /// Returns the file that it is about.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Damaged(path) | Self::Io { path, .. } => path,
        }
    }
}

/// Writes a file for its owner alone, so that it is there whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".new");
    let unfinished = PathBuf::from(unfinished);
    let mut options = OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(FILE_MODE).open(&unfinished)?;
    if room_for(path, bytes.len() as u64) < bytes.len() as u64 {
        return Err(io::ErrorKind::StorageFull.into());
    }
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    sync_folder_of(path)
}

/// Makes a name durable: syncs the folder that it stands in.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

/// Writes a checked file.
pub(crate) fn write_checked<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut text = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
    text.push('\n');
    let hash = hex(&Sha256::digest(&text));
    write_whole(path, format!("{text}{HASH_LINE}{hash}\n").as_bytes())
}

/// Reads a checked file; none where there is none.
pub(crate) fn read_checked<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, CheckedError> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(CheckedError::Io { path: path.to_owned(), source }),
    };
    value_of(&bytes).map(Some).ok_or_else(|| CheckedError::Damaged(path.to_owned()))
}

fn value_of<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    let text = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?;
    let line = text.rfind('\n')? + 1;
    let (value, hash) = text.split_at(line);
    (hash.strip_prefix(HASH_LINE)? == hex(&Sha256::digest(value)))
        .then(|| serde_json::from_str(value).ok())?
}

/// Returns bytes as people write them: two lower-case digits each.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn a_checked_file_reads_back_and_with_no_bit_flipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(read_checked::<BTreeMap<String, u64>>(&path).unwrap().is_none());
        let value = BTreeMap::from([("seq".to_owned(), 7)]);
        write_checked(&path, &value).unwrap();
        assert_eq!(read_checked(&path).unwrap(), Some(value));
        let bytes = std::fs::read(&path).unwrap();
        for bit in 0..bytes.len() * 8 {
            let mut bent = bytes.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(value_of::<BTreeMap<String, u64>>(&bent), None, "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert_eq!(value_of::<BTreeMap<String, u64>>(&bytes[..end]), None, "first {end}");
        }
    }
}
