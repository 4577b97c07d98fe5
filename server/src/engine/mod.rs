//! The engine: what a server does with requests, apart from how they arrive.
//!
//! ```text
//!  check       many at once, on the reader's index            exchange, pairing
//!    |
//!  decide      one at a time, in the writer's turn: a desk     decide
//!    |         over the index, one frame for each request
//!  commit      one sync for all that waited                    store::Committer
//!    |
//!  answer      many at once, from the durable log              exchange, snapshot, publish
//! ```
//!
//! Every decision is a pure function of `sync_core`; what is here gives it an index, a clock and a log, and lets nothing leave that is not
//! durable. [`Engine::decide`] is the one way to change anything: it runs a closure on a [`Desk`](sync_core::exchange::server::desk::Desk)
//! in the writer's turn, and returns when what was decided is on disk.
//!
//! Absent on purpose: no document is loaded to answer an exchange, and no rule about people or records is written here.

mod affected;
mod backed_up;
mod cards;
mod decide;
mod exchange;
#[cfg(test)]
pub(crate) mod founded;
pub mod holds;
mod horizon;
mod life;
mod limit;
mod listing;
mod log;
mod noted;
mod open;
mod pairing;
mod past;
mod presence;
mod publish;
pub mod refusals;
mod restored;
mod served;
mod set_aside;
mod snapshot;
mod tail;
mod verify;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use sync_core::exchange::server::desk::{Conditions, Secret, ServerRun};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{LogId, OrgId};
use sync_core::sealing::OpeningKey;
use sync_core::time::Moment;
use tokio::sync::{Semaphore, watch};

pub use decide::{EngineError, Ruling};
pub use exchange::Answered;
pub use horizon::{Horizon, above_horizon};
pub(crate) use life::begin_life_in;
pub use limit::{Limiter, Taken};
pub use listing::{GoalRow, PersonRow, ServiceRow, StudentRow, TeamRow};
pub(crate) use log::entry_of;
pub(crate) use open::draw;
pub use open::{FoundError, Founding, OpenEngineError, Settings, rebuild};
pub(crate) use pairing::WrongTries;
pub use pairing::{NewCode, Paired, PairingRefused, PairingRequest};
pub(crate) use past::Past;
pub use presence::{
    DEVICE_BYTES_MAX, DEVICE_REQUESTS_MAX, DEVICE_SPAN_MS, HAND_IN_MAX, HAND_IN_SPAN_MS, PAIRING_SPAN_MS,
    PAIRING_WRONG_MAX, TOKEN_GOOD_S, TokenRefused,
};
pub use publish::Publishing;
pub use restored::RestoredStatus;
pub use snapshot::{Snapshot, SnapshotError};
#[cfg(test)]
pub(crate) use snapshot::{decode as decode_snapshot, encode as encode_snapshot};
pub use verify::verify;

use crate::auth::keys::ServerKeys;
use crate::auth::token::Tokens;
use crate::clock::Clock;
use crate::store::{Committer, StoreReader};

/// A running engine. Handlers share one.
pub struct Engine {
    committer: Committer,
    standing: Standing,
    organisation: OrgId,
    keys: ServerKeys,
    opening: OpeningKey,
    tokens: Tokens,
    presence: presence::Presence,
    snapshots: snapshot::Snapshots,
    cards: Arc<cards::Cards>,
    backed_up: backed_up::BackedUp,
    publisher: Arc<publish::Publisher>,
    unnoted: Arc<noted::Unnoted>,
    /// Held while a new life of the log begins.
    life_turn: tokio::sync::Mutex<()>,
    /// Shared with the writing thread.
    tail: Arc<tail::Tail>,
    /// A permit for each processor: what computes for longer takes one.
    processors: Semaphore,
    data: PathBuf,
    keys_folder: PathBuf,
    failed: watch::Sender<bool>,
}

/// What decisions go by that stays the same for one start of the server.
#[derive(Debug, Clone, Copy)]
struct Standing {
    clock: Clock,
    secret: Secret,
    run: ServerRun,
    verbatim: bool,
}

impl Standing {
    fn conditions(&self, log: LogId) -> Conditions {
        Conditions { now: self.clock.now(), log, secret: self.secret, run: self.run, verbatim: self.verbatim }
    }
}

impl Engine {
    /// Returns the server's clock.
    pub fn now(&self) -> Moment {
        self.standing.clock.now()
    }

    /// Returns the server's clock in seconds since 1970, as tokens have it.
    pub fn now_s(&self) -> u64 {
        self.standing.clock.now_s()
    }

    /// Returns the organisation that is served.
    pub fn organisation(&self) -> OrgId {
        self.organisation
    }

    /// Returns the id of this life of the log.
    pub fn log_id(&self) -> LogId {
        LogId(self.reader().log_id())
    }

    /// Returns what decisions and answers go by just now.
    fn conditions(&self) -> Conditions {
        self.standing.conditions(self.log_id())
    }

    /// Returns the server's keys.
    pub fn keys(&self) -> &ServerKeys {
        &self.keys
    }

    /// Returns what makes and checks tokens.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Returns the data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Returns the readers' side of the store.
    pub fn reader(&self) -> &Arc<dyn StoreReader> {
        self.committer.reader()
    }

    /// Returns the index as of the last durable frame.
    pub fn index(&self) -> Index<'_> {
        Index(self.reader().index())
    }

    /// Returns what turns true when the store stopped and the process must end.
    pub fn failed(&self) -> watch::Receiver<bool> {
        self.failed.subscribe()
    }

    /// Commits what waits and closes the store in good order. Nothing can be decided any more.
    pub fn close(&self) {
        if self.committer.close().is_some()
            && let Err(error) = served::note_served(self.reader().as_ref(), &self.keys_folder)
        {
            tracing::warn!(%error, "how far the log has come could not be noted beside the keys");
        }
    }
}
