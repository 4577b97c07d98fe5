//! Snapshots: whole documents for tablets that begin with one, built from the log and kept as files.
//!
//! A kept file is only ever a shortcut. It carries the hash of its bytes and the place in the log up to which it is complete; one that
//! is damaged, or too old for what is asked, is built again from the founding and the document's changes in the log. So the folder may be
//! removed at any time.
//!
//! `kept` has the files, and `build` what is done where none of them will do. Here is who gets one.

mod build;
mod kept;

use std::sync::Arc;

use sync_core::document::copy::CopyError;
use sync_core::exchange::message::Cursor;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::cursor_at;
use sync_core::ids::{DeviceId, DocumentId, PersonId};
use sync_core::kv::KvError;
use sync_core::seeded::{Bug, seeded};

pub(crate) use kept::decode;
#[cfg(test)]
pub(crate) use kept::encode;
pub(super) use kept::{FOLDER, Snapshots};

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};

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
}
