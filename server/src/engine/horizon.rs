//! The horizon of the log, raised beside the writer's turn: below it tablets are told documents whole.
//!
//! ```text
//! for each document that it is raised over   a snapshot: built from the log, written, read back, opened, compared with the index
//! then, in one turn                          the entry that raises it
//! ```
//!
//! What fails on the way, or is cut off, leaves it where it was, and snapshots that nobody needs yet. What it rests on may be removed at any
//! time, as all kept files may: the log has everything, and a snapshot is made from it again when it is asked for.

use std::sync::Arc;
use std::time::Duration;

use sync_core::document::copy::{CopyError, slots_of_document};
use sync_core::exchange::server::horizon::{due, holds_all, passed_over};
use sync_core::ids::DocumentId;
use sync_core::kv::KvError;
use tokio::sync::watch;

use super::snapshot::SnapshotError;
use super::{Engine, EngineError, Ruling};
use crate::crash::crash_point;

/// Entries of the log that are left above the horizon at least. By our reckoning, not by measurement, a district of a thousand specialists writes
/// some 150,000 on a school day, deliveries and facts included: whoever was away for an ordinary week is told change by change.
const ABOVE_HORIZON: u64 = 1_000_000;
/// How often is looked whether a school day has begun.
const NIGHTLY_EVERY: Duration = Duration::from_secs(60);

/// Returns how many entries are left above the horizon: with the feature `testing`, `CARRYOVER_ABOVE_HORIZON` where that is set.
pub fn above_horizon() -> u64 {
    #[cfg(feature = "testing")]
    if let Some(asked) = std::env::var("CARRYOVER_ABOVE_HORIZON").ok().and_then(|asked| asked.parse().ok()) {
        return asked;
    }
    ABOVE_HORIZON
}

/// What has become of the horizon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Horizon {
    /// Too little has come behind it: it was not to be raised.
    Near,
    /// It lies here now.
    Raised(u64),
    /// It lies where it lay: of so many documents there is no snapshot that holds all.
    Stays {
        /// How many.
        documents: usize,
    },
}

/// What there is of a document below a place.
enum Found {
    /// A snapshot that holds all; or the document is gone.
    Whole,
    /// None that could be read back.
    NotKept,
    /// One that holds something else than the log.
    Differs,
    /// One that does not open.
    Broken(CopyError),
}

impl Engine {
    /// Raises the horizon where that is due, at the start and once a school day, until told to stop. `kept` entries are left above it.
    pub async fn keep_horizon(self: Arc<Self>, kept: u64, mut stopping: watch::Receiver<bool>) {
        let mut ticks = tokio::time::interval(NIGHTLY_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut looked = None;
        loop {
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                _ = ticks.tick() => {}
            }
            let today = self.today().ok();
            if today.is_none() || looked == today {
                continue;
            }
            // What kept it down may have to be mended first: it is looked at again with the next day.
            looked = today;
            tokio::select! {
                _ = stopping.wait_for(|stop| *stop) => return,
                raised = self.raise_horizon(kept) => if let Err(error) = raised {
                    tracing::error!(%error, "the horizon of the log could not be raised");
                }
            }
        }
    }

    /// Raises the horizon, where more than twice as many entries as are `kept` lie above it, and of every document a snapshot is there that
    /// holds all that lies below.
    ///
    /// # Errors
    /// [`EngineError`]; the horizon lies where it lay then.
    pub async fn raise_horizon(self: &Arc<Self>, kept: u64) -> Result<Horizon, EngineError> {
        let engine = Arc::clone(self);
        let due = self.aside(move || {
            let (index, end) = (engine.index(), engine.reader().end().seq);
            let Some(at) = due(&index, end, kept)? else { return Ok(None) };
            let passed_over = passed_over(&index, at)?;
            Ok(Some((at, passed_over.iter().map(|state| state.name.id()).collect::<Vec<_>>())))
        });
        let Some((at, passed_over)) = due.await? else { return Ok(Horizon::Near) };
        let mut documents = 0;
        for document in passed_over {
            documents += usize::from(!self.is_whole_below(document, at).await?);
        }
        if documents > 0 {
            tracing::error!(
                at,
                documents,
                "the horizon of the log stays where it is: of some documents there is no snapshot that holds all. Tablets are told change by \
                 change as before; it is tried again with the next school day"
            );
            return Ok(Horizon::Stays { documents });
        }
        crash_point("before_horizon");
        let raised = self.decide(move |desk| desk.raise_horizon(at).map(Ruling::Stands)).await?;
        tracing::info!(
            at,
            raised,
            "the horizon of the log was raised: below it tablets are told documents whole"
        );
        crash_point("after_horizon");
        Ok(if raised { Horizon::Raised(at) } else { Horizon::Near })
    }

    /// Returns whether a snapshot of a document is kept that holds all that lies at a place and before it; what keeps it from being so is
    /// looked for and set aside.
    async fn is_whole_below(self: &Arc<Self>, document: DocumentId, at: u64) -> Result<bool, EngineError> {
        let found = match self.snapshot_below(document, at).await {
            Err(error) if error.is_of_one_record() => {
                tracing::error!(%document, at, %error, "a document could not be read below the horizon");
                return Ok(false);
            }
            found => found?,
        };
        match found {
            Found::Whole => Ok(true),
            Found::NotKept => {
                tracing::warn!(%document, at, "no snapshot could be kept: there is no room, or the document moved on");
                Ok(false)
            }
            Found::Differs => {
                tracing::error!(%document, at, "a snapshot did not hold what the log has: it is built again");
                self.snapshots.remove(document);
                Ok(false)
            }
            Found::Broken(error) => {
                self.snapshots.remove(document);
                self.set_aside(document, &error).await?;
                Ok(false)
            }
        }
    }

    async fn snapshot_below(self: &Arc<Self>, document: DocumentId, at: u64) -> Result<Found, EngineError> {
        // One turn for each document, so that no tablet waits for more than one.
        let _turn = self.snapshots.turn().await;
        match self.try_to_build(document, at).await {
            Ok(_) => {}
            Err(SnapshotError::Unknown) => return Ok(Found::Whole),
            Err(SnapshotError::Broken(error)) => return Ok(Found::Broken(error)),
            Err(SnapshotError::Ahead) => return Ok(Found::NotKept),
            Err(SnapshotError::Engine(error)) => return Err(error),
        }
        let engine = Arc::clone(self);
        self.aside(move || Ok(engine.read_back(document, at)?)).await
    }

    /// Opens what is kept of a document, and compares it with the index.
    fn read_back(&self, document: DocumentId, at: u64) -> Result<Found, KvError> {
        let Some(kept) = self.kept_snapshot(document, at)? else { return Ok(Found::NotKept) };
        let Some(state) = self.index().document(document)? else { return Ok(Found::Whole) };
        // What was destroyed meanwhile is told to nobody; of what began anew meanwhile another snapshot is to be made.
        if self.index().is_gone(document)? {
            return Ok(Found::Whole);
        }
        if kept.incarnation != state.incarnation {
            return Ok(Found::NotKept);
        }
        Ok(match slots_of_document(document, &kept.bytes) {
            Err(error) => Found::Broken(error),
            Ok(opened) if holds_all(&self.index(), &state, &opened, kept.seq)? => Found::Whole,
            Ok(_) => Found::Differs,
        })
    }
}
