//! Snapshots: whole documents for tablets that begin with one, built from the log and kept as files.
//!
//! A kept file is only ever a shortcut. It carries the hash of its bytes and the place in the log up to which it is complete; one that
//! is damaged, or too old for what is asked, is built again from the founding and the document's changes in the log. So the folder may be
//! removed at any time.
//!
//! ```text
//! file = SHA-256 of the rest [32] | incarnation u32 | complete up to u64 | the saved document
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use sha2::{Digest as _, Sha256};
use sync_core::document::copy::{CopyError, snapshot};
use sync_core::document::founding::founding;
use sync_core::document::schema;
use sync_core::exchange::message::Cursor;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::index::DocumentState;
use sync_core::exchange::server::reply::{LogRead as _, cursor_at};
use sync_core::ids::{DeviceId, DocumentId, PersonId};
use sync_core::kv::KvError;
use sync_core::seeded::{Bug, seeded};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};
use crate::crash::crash_point;
use crate::whole_file::write_whole;

/// Files that are kept.
pub const SNAPSHOTS_MAX: usize = 20_000;
/// Bytes that are kept.
pub const SNAPSHOTS_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Snapshots that are built at once: building is the one thing here that loads a document.
pub const BUILDS_MAX: usize = 2;
/// Changes of a document that are looked up at a time.
const CHANGES_ROWS: usize = 4_096;

/// The folder of the kept files, in the data folder.
pub(super) const FOLDER: &str = "snapshots";
const HASH_BYTES: usize = 32;
const HEAD_BYTES: usize = HASH_BYTES + 4 + 8;

/// A document as a tablet gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The saved document.
    pub bytes: Arc<[u8]>,
    /// The SHA-256 of the bytes and what they are.
    pub hash: [u8; 32],
    /// Which life of the document it is.
    pub incarnation: u32,
    /// The place in the log up to which it is complete.
    pub seq: u64,
}

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// There is no such document for this person.
    #[error("no such document")]
    Unknown,
    /// The log does not reach as far as the snapshot is to.
    #[error("the log ends before what was asked for")]
    Ahead,
    /// The document cannot be opened, and that is no change's fault.
    #[error("the document cannot be built")]
    Broken(#[from] CopyError),
    /// See there.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<KvError> for SnapshotError {
    fn from(error: KvError) -> Self {
        Self::Engine(error.into())
    }
}

/// The kept files.
pub(super) struct Snapshots {
    folder: PathBuf,
    kept: Mutex<Kept>,
    builds: Semaphore,
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

impl Snapshots {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
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

    fn read(&self, document: DocumentId) -> Option<Snapshot> {
        let found = fs::read(self.path(document)).ok().and_then(|file| decode(&file));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(snapshot) => kept.used(document, (snapshot.bytes.len() + HEAD_BYTES) as u64),
            None => kept.forget(document),
        }
        found
    }

    /// Waits for a turn to build.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed; were it, building without a turn would be no harm.
        self.builds.acquire().await.ok()
    }

    /// Removes what is kept of a document: it is built again when it is asked for.
    pub(super) fn remove(&self, document: DocumentId) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).forget(document);
        if let Err(error) = fs::remove_file(self.path(document))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %document, "a kept snapshot could not be removed");
        }
    }

    fn keep(&self, document: DocumentId, snapshot: &Snapshot) -> io::Result<()> {
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

pub(crate) fn encode(snapshot: &Snapshot) -> Vec<u8> {
    let rest = rest_of(snapshot.incarnation, snapshot.seq, &snapshot.bytes);
    [Sha256::digest(&rest).as_slice(), &rest].concat()
}

fn rest_of(incarnation: u32, seq: u64, bytes: &[u8]) -> Vec<u8> {
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

impl Engine {
    /// Returns a document that this person reads now, complete up to `at_least` or later, and puts the delivery into the audit where
    /// `delivers` says that anything of it is sent.
    pub async fn snapshot(
        self: &Arc<Self>,
        person: PersonId,
        device: DeviceId,
        document: DocumentId,
        at_least: u64,
        delivers: impl FnOnce(&Snapshot) -> bool,
    ) -> Result<Snapshot, SnapshotError> {
        let reading = self.index().reading(person, document)?;
        if reading.is_none_or(|reading| reading.ended.is_some()) && !seeded(Bug::DoorWithoutPolicy) {
            return Err(SnapshotError::Unknown);
        }
        if at_least > self.reader().end().seq {
            return Err(SnapshotError::Ahead);
        }
        let engine = Arc::clone(self);
        let kept = self.aside(move || Ok(engine.kept_snapshot(document, at_least)?)).await?;
        let snapshot = match kept {
            Some(snapshot) => snapshot,
            None => self.built_snapshot(document, at_least).await?,
        };
        let delivered = delivers(&snapshot);
        // The right may have ended while the document was built.
        self.decide_from_reserve(move |desk| {
            let reading = desk.index().reading(person, document)?;
            if reading.is_none_or(|reading| reading.ended.is_some()) && !seeded(Bug::DoorWithoutPolicy) {
                return Ok(Ruling::Void(Err(SnapshotError::Unknown)));
            }
            if !delivered {
                return Ok(Ruling::Void(Ok(snapshot)));
            }
            let time = desk.conditions().now;
            desk.emit(LogEntry::Delivered { person, device: Some(device), documents: vec![document], time })?;
            Ok(Ruling::Stands(Ok(snapshot)))
        })
        .await?
    }

    /// Returns the cursor that stands for a place in the log: who shows it has seen what lies before.
    pub fn mark_at(&self, seq: u64) -> Result<Cursor, EngineError> {
        let conditions = self.conditions();
        let log = DurableLog::of(self.reader().as_ref());
        Ok(cursor_at(&log, conditions.log, &conditions.secret, seq)?)
    }

    async fn built_snapshot(
        self: &Arc<Self>,
        document: DocumentId,
        at_least: u64,
    ) -> Result<Snapshot, SnapshotError> {
        let _turn = self.snapshots.turn().await;
        match self.try_to_build(document, at_least).await {
            Err(SnapshotError::Broken(error)) => {
                self.set_aside(document, &error).await?;
                self.try_to_build(document, at_least).await
            }
            built => built,
        }
    }

    pub(super) async fn try_to_build(
        self: &Arc<Self>,
        document: DocumentId,
        at_least: u64,
    ) -> Result<Snapshot, SnapshotError> {
        let engine = Arc::clone(self);
        self.aside(move || {
            // Whoever had the turn before may have built the same one.
            if let Some(snapshot) = engine.kept_snapshot(document, at_least)? {
                return Ok(Ok(snapshot));
            }
            Ok(engine.build_snapshot(document))
        })
        .await?
    }

    pub(super) fn kept_snapshot(
        &self,
        document: DocumentId,
        at_least: u64,
    ) -> Result<Option<Snapshot>, KvError> {
        let end = self.reader().end().seq;
        let Some(state) = self.index().document(document)? else { return Ok(None) };
        let Some(kept) = self.snapshots.read(document) else { return Ok(None) };
        if kept.incarnation != state.incarnation || kept.seq > end {
            return Ok(None);
        }
        // Nothing came since: it is complete up to the log's end.
        let seq = if state.last <= kept.seq { end } else { kept.seq };
        Ok((seq >= at_least).then_some(Snapshot { seq, ..kept }))
    }

    fn build_snapshot(&self, document: DocumentId) -> Result<Snapshot, SnapshotError> {
        loop {
            let seq = self.reader().end().seq;
            let state = self.index().document(document)?.ok_or(SnapshotError::Unknown)?;
            let built = self.build_of(&state, seq);
            // Where a new life has begun meanwhile, some of what was read was of the one and some of the other.
            if self.index().incarnation(document)? == state.incarnation {
                return built;
            }
        }
    }

    fn build_of(&self, state: &DocumentState, seq: u64) -> Result<Snapshot, SnapshotError> {
        let document = state.name.id();
        let changes = self.changes_of(state, seq)?;
        let bytes = snapshot(changes.iter().map(Vec::as_slice))?;
        let hash = Sha256::digest(rest_of(state.incarnation, seq, &bytes)).into();
        let built = Snapshot { bytes: bytes.into(), hash, incarnation: state.incarnation, seq };
        // Without room it is served all the same, and built again the next time.
        if self.reader().has_room()
            && let Err(error) = self.snapshots.keep(document, &built)
        {
            tracing::warn!(%error, %document, "a snapshot could not be kept");
        }
        Ok(built)
    }

    /// Returns a document's founding and its changes up to a place in the log, each after those that it builds on.
    fn changes_of(&self, state: &DocumentState, until: u64) -> Result<Vec<Vec<u8>>, KvError> {
        // The founding chain depends on nothing but itself, whenever its steps were taken.
        let steps = schema::steps(state.name.kind);
        let steps = &steps[..steps.len().min(state.steps as usize)];
        let founding = founding(state.name.id(), steps).into_iter().map(|step| step.bytes);
        Ok(founding.chain(self.written_in(state, until)?).collect())
    }

    /// Returns what was written in a document since its founding, up to a place in the log.
    pub(super) fn written_in(&self, state: &DocumentState, until: u64) -> Result<Vec<Vec<u8>>, KvError> {
        let id = state.name.id();
        let log = DurableLog::with_tail(self.reader().as_ref(), &self.tail);
        // In a later life it was founded again, at a place of its own.
        let (mut changes, mut after) = (Vec::new(), state.renewed);
        loop {
            let rows = self.index().changes(id, after, until, CHANGES_ROWS)?;
            for seq in &rows {
                // None where a new life has begun since the state was read: what is said again in it follows.
                changes.extend(log.change(*seq)?);
            }
            match rows.last() {
                Some(last) if rows.len() == CHANGES_ROWS => after = *last,
                Some(_) | None => return Ok(changes),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(bytes: &[u8]) -> Snapshot {
        let hash = Sha256::digest(rest_of(3, 9, bytes)).into();
        Snapshot { bytes: bytes.into(), hash, incarnation: 3, seq: 9 }
    }

    #[test]
    fn a_kept_file_reads_back_whole_and_with_no_bit_flipped() {
        let snapshot = made(b"saved");
        let file = encode(&snapshot);
        assert_eq!(decode(&file), Some(snapshot));
        for bit in 0..file.len() * 8 {
            let mut bent = file.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode(&bent), None, "bit {bit}");
        }
        for end in 0..file.len() {
            assert_eq!(decode(&file[..end]), None, "first {end}");
        }
    }

    #[test]
    fn what_was_used_longest_ago_goes_first() {
        let id = |n| DocumentId([n; 16]);
        let mut kept = Kept::default();
        (1..=3).for_each(|n| kept.used(id(n), 10));
        kept.used(id(1), 15);
        assert_eq!((kept.bytes, kept.surplus(3, 35)), (35, None));
        assert_eq!((kept.surplus(2, 35), kept.surplus(3, 34)), (Some(id(2)), Some(id(2))));
        kept.forget(id(2));
        kept.forget(id(3));
        assert_eq!(kept.surplus(0, 0), None, "the one just built stays");
    }

    #[test]
    fn unfinished_files_are_removed_at_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = Snapshots::open(folder.path()).unwrap();
        snapshots.keep(DocumentId([1; 16]), &made(b"saved")).unwrap();
        fs::write(folder.path().join("half.new"), b"x").unwrap();
        let again = Snapshots::open(folder.path()).unwrap();
        assert_eq!(again.read(DocumentId([1; 16])), Some(made(b"saved")));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
