//! Building: a document from its founding and its changes in the log, where no kept file will do.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sync_core::document::copy::snapshot;
use sync_core::document::founding::founding;
use sync_core::document::schema;
use sync_core::exchange::server::index::DocumentState;
use sync_core::exchange::server::reply::LogRead as _;
use sync_core::ids::DocumentId;
use sync_core::kv::KvError;

use super::kept::rest_of;
use super::{Snapshot, SnapshotError};
use crate::engine::Engine;
use crate::engine::log::DurableLog;

/// Changes of a document that are looked up at a time.
const CHANGES_ROWS: usize = 4_096;

impl Engine {
    pub(super) async fn built_snapshot(
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

    pub(in crate::engine) async fn try_to_build(
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

    pub(in crate::engine) fn kept_snapshot(
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
    pub(in crate::engine) fn written_in(
        &self,
        state: &DocumentState,
        until: u64,
    ) -> Result<Vec<Vec<u8>>, KvError> {
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
