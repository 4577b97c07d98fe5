//! The kept files: how one is written and read back, and which go when there are too many.
//!
//! ```text
//! file = SHA-256 of the rest [32] | incarnation u32 | complete up to u64 | the saved document
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use sync_core::ids::DocumentId;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Snapshot;
use crate::crash::crash_point;
use crate::whole_file::write_whole;

/// Files that are kept.
pub const SNAPSHOTS_MAX: usize = 20_000;
/// Bytes that are kept.
pub const SNAPSHOTS_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Snapshots that are built at once: building is the one thing here that loads a document.
pub const BUILDS_MAX: usize = 2;

/// The folder of the kept files, in the data folder.
pub(in crate::engine) const FOLDER: &str = "snapshots";
const HASH_BYTES: usize = 32;
const HEAD_BYTES: usize = HASH_BYTES + 4 + 8;

/// The kept files.
pub(in crate::engine) struct Snapshots {
    folder: PathBuf,
    kept: Mutex<Kept>,
    builds: Semaphore,
}

impl Snapshots {
    pub(in crate::engine) fn open(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let mut kept = Kept::default();
        for file in fs::read_dir(folder)? {
            let file = file?;
            match file.file_name().to_str().and_then(|name| name.parse().ok()) {
                Some(document) => kept.used(document, file.metadata()?.len()),
                // What a start that was cut off left behind.
                None => fs::remove_file(file.path())?,
            }
        }
        Ok(Self { folder: folder.to_owned(), kept: Mutex::new(kept), builds: Semaphore::new(BUILDS_MAX) })
    }

    fn path(&self, document: DocumentId) -> PathBuf {
        self.folder.join(document.to_string())
    }

    pub(super) fn read(&self, document: DocumentId) -> Option<Snapshot> {
        let found = fs::read(self.path(document)).ok().and_then(|file| decode(&file));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(snapshot) => kept.used(document, (snapshot.bytes.len() + HEAD_BYTES) as u64),
            None => kept.forget(document),
        }
        found
    }

    /// Waits for a turn to build.
    pub(in crate::engine) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; were it, building without a turn would be no harm.
        self.builds.acquire().await.ok()
    }

    /// Removes what is kept of a document: it is built again when it is asked for.
    pub(in crate::engine) fn remove(&self, document: DocumentId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).forget(document);
        if let Err(error) = fs::remove_file(self.path(document))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %document, "a kept snapshot could not be removed");
        }
    }

    pub(super) fn keep(&self, document: DocumentId, snapshot: &Snapshot) -> io::Result<()> {
        let file = encode(snapshot);
        crash_point("mid_snapshot");
        write_whole(&self.path(document), &file)?;
        // The document that was saved has been opened again; now the file has been read again, too.
        if self.read(document).as_ref() != Some(snapshot) {
            return Err(io::Error::other("the file does not read back as it was written"));
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.used(document, file.len() as u64);
        while let Some(surplus) = kept.surplus(SNAPSHOTS_MAX, SNAPSHOTS_BYTES_MAX) {
            kept.forget(surplus);
            match fs::remove_file(self.path(surplus)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}

/// What is kept, and in which order it was last used.
#[derive(Default)]
struct Kept {
    files: BTreeMap<DocumentId, (u64, u64)>,
    by_use: BTreeMap<u64, DocumentId>,
    uses: u64,
    bytes: u64,
}

impl Kept {
    fn used(&mut self, document: DocumentId, bytes: u64) {
        self.forget(document);
        self.uses += 1;
        self.files.insert(document, (self.uses, bytes));
        self.by_use.insert(self.uses, document);
        self.bytes += bytes;
    }

    fn forget(&mut self, document: DocumentId) {
        if let Some((used, bytes)) = self.files.remove(&document) {
            self.by_use.remove(&used);
            self.bytes -= bytes;
        }
    }

    /// Returns what was used longest ago, where there is more than may be.
    fn surplus(&self, files_max: usize, bytes_max: u64) -> Option<DocumentId> {
        let over = self.files.len() > files_max || self.bytes > bytes_max;
        self.by_use.first_key_value().filter(|_| over && self.files.len() > 1).map(|(_, document)| *document)
    }
}

pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let rest = rest_of(snapshot.incarnation, snapshot.seq, &snapshot.bytes);
    [Sha256::digest(&rest).as_slice(), &rest].concat()
}

pub(super) fn rest_of(incarnation: u32, seq: u64, bytes: &[u8]) -> Vec<u8> {
    [incarnation.to_be_bytes().as_slice(), &seq.to_be_bytes(), bytes].concat()
}

/// Reads a kept file; `None` if it is not as it was written.
pub(crate) fn decode(file: &[u8]) -> Option<Snapshot> {
    let (hash, rest) = file.split_first_chunk::<HASH_BYTES>()?;
    if Sha256::digest(rest).as_slice() != hash {
        return None;
    }
    let (incarnation, rest) = rest.split_first_chunk::<4>()?;
    let (seq, bytes) = rest.split_first_chunk::<8>()?;
    Some(Snapshot {
        bytes: bytes.into(),
        hash: *hash,
        incarnation: u32::from_be_bytes(*incarnation),
        seq: u64::from_be_bytes(*seq),
    })
}

#[cfg(test)]
mod tests;
