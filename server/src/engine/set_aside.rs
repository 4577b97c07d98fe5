//! A document that cannot be opened any more: the change at fault is looked for beside the writer's turn, and set aside in it.
//!
//! Only what loads documents finds that out, so it happens where a snapshot is built. Whoever asked for it waits until the document is
//! whole again, in its next life; nobody else notices, and the rest of the server goes on.

use std::collections::BTreeSet;
use std::sync::Arc;

use sync_core::document::copy::CopyError;
use sync_core::exchange::server::renew::{changes_of, culprits};
use sync_core::exchange::server::reply::LogRead as _;
use sync_core::ids::DocumentId;

use super::log::DurableLog;
use super::{Engine, EngineError, Ruling};

/// How often the writer's turn is asked for in vain, because more of the document was being written, before whoever waits is sent away.
const TURNS_MAX: usize = 50;

/// What a turn came to.
enum Came {
    /// The document has begun its next life.
    Renewed,
    /// Somebody else was faster: it is in another life already.
    Meanwhile,
    /// Something of the document is not durable yet, and must be said again, too.
    NotYet,
}

impl Engine {
    /// Sets aside the changes with which a document cannot be opened, if they are still in it; `error` is what happened when somebody tried.
    pub(super) async fn set_aside(
        self: &Arc<Self>,
        document: DocumentId,
        error: &CopyError,
    ) -> Result<(), EngineError> {
        tracing::error!(%document, %error, "a document cannot be opened: looking for the change at fault");
        let engine = Arc::clone(self);
        let (life, bad) = self
            .aside(move || {
                let (index, log) = (engine.index(), DurableLog::of(engine.reader().as_ref()));
                let Some(state) = index.document(document)? else { return Ok((0, BTreeSet::new())) };
                let changes = changes_of(&index, &log, document)?;
                Ok((state.incarnation, culprits(document, state.name.kind, &changes)))
            })
            .await?;
        if bad.is_empty() {
            return Ok(());
        }
        for _ in 0..TURNS_MAX {
            match self.set_aside_in_turn(document, life, bad.clone()).await? {
                Came::Renewed => {
                    tracing::error!(
                        %document,
                        places = ?bad,
                        "changes with which a document cannot be opened were set aside: it goes on without them in a new life, and what they \
                         said waits for review as their authors'. Please report this: a change that was let in must open"
                    );
                    return Ok(());
                }
                Came::Meanwhile => return Ok(()),
                Came::NotYet => {}
            }
        }
        Err(EngineError::Busy)
    }

    async fn set_aside_in_turn(
        &self,
        document: DocumentId,
        life: u32,
        bad: BTreeSet<u64>,
    ) -> Result<Came, EngineError> {
        let reader = Arc::clone(self.reader());
        self.decide_from_reserve(move |desk| {
            let log = DurableLog::of(reader.as_ref());
            let state = desk.index().document(document)?;
            if state.is_none_or(|state| state.incarnation != life) {
                return Ok(Ruling::Void(Came::Meanwhile));
            }
            if !desk.index().changes(document, log.end(), u64::MAX, 1)?.is_empty() {
                return Ok(Ruling::Void(Came::NotYet));
            }
            desk.set_aside(&log, document, &bad)?;
            Ok(Ruling::Stands(Came::Renewed))
        })
        .await
    }
}
