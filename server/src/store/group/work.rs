//! A piece of work: what it sees, what it decides, how its asker waits, and why there may be no answer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::store::contract::{AppendError, Appended, Store, SyncError};
use crate::store::frame::{Frame, LogId};
use crate::store::log::is_disk_full;
use sync_core::kv::{KvRead, Write};

/// What a piece of work sees when its turn comes.
pub struct Turn<'a> {
    pub(super) store: &'a dyn Store,
}

impl Turn<'_> {
    /// Returns the index with everything before this turn, synced or not.
    pub fn index(&self) -> &dyn KvRead {
        self.store.index()
    }

    /// Returns the id that the log goes by in this turn.
    pub fn log_id(&self) -> LogId {
        self.store.reader().log_id()
    }

    /// Returns the number that the first record appended in this turn will get.
    pub fn next_seq(&self) -> u64 {
        self.store.next_seq()
    }
}

/// What a piece of work decided.
pub enum Decision<R> {
    /// Append this, and answer when it is durable.
    Append {
        /// The records.
        frame: Frame,
        /// What follows from them for the index.
        writes: Vec<Write>,
        /// The answer.
        reply: R,
    },
    /// Append nothing, and answer when all that was seen is durable.
    Nothing(R),
}

/// An answer that may leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Committed<R> {
    /// What the work answered.
    pub reply: R,
    /// The numbers of its records; `None` if it appended nothing.
    pub appended: Option<Appended>,
}

/// Why there is no answer. In every case but `Poisoned` and `Abandoned` nothing of the work stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Too much work waits already: try again later.
    #[error("too much work waits")]
    Busy,
    /// The committer was closed.
    #[error("the committer is closed")]
    Closed,
    /// The disk is full, or nearly so; the work was not begun, or its group was taken back.
    #[error("the disk is full")]
    DiskFull,
    /// The group could not be written and was taken back.
    #[error("the group could not be written: {what}")]
    NotWritten {
        /// What the disk said.
        what: String,
    },
    /// The store did not take the frame.
    #[error("the frame was not taken: {what}")]
    NotTaken {
        /// Why.
        what: String,
    },
    /// The work panicked, or its thread ended.
    #[error("the work was abandoned")]
    Abandoned,
    /// A sync failed: the process must end and open the store anew.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// An answer to come; await it or [`wait`](Ticket::wait) for it.
pub struct Ticket<R>(pub(super) oneshot::Receiver<Result<Committed<R>, CommitError>>);

impl<R> Ticket<R> {
    /// Blocks until the answer is durable. Not to be called on an async worker.
    pub fn wait(self) -> Result<Committed<R>, CommitError> {
        self.0.blocking_recv().unwrap_or(Err(CommitError::Abandoned))
    }
}

impl<R> Future for Ticket<R> {
    type Output = Result<Committed<R>, CommitError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|answer| answer.unwrap_or(Err(CommitError::Abandoned)))
    }
}

/// Tells the asker how it went.
pub(super) type Answer = Box<dyn FnOnce(Result<Option<Appended>, CommitError>) + Send>;
/// Work whose answer's type is forgotten: it gets its turn, or is told why it gets none.
pub(super) type Deciding = Box<dyn FnOnce(Result<&Turn<'_>, CommitError>) -> Option<Decided> + Send>;
/// What is to be appended, and who waits for it.
pub(super) type Decided = (Option<(Frame, Vec<Write>)>, Answer);

/// Work that waits for its turn.
pub(super) struct Work {
    pub urgency: Urgency,
    /// The id under which the log goes on with this turn, where it is another one.
    pub begins: Option<LogId>,
    pub decide: Deciding,
}

/// Whether work may wait until there is room for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Near a full disk it is refused with [`CommitError::DiskFull`].
    Waits,
    /// What takes rights away, and the audit of what is read: it may use the [reserve](crate::store::room).
    CannotWait,
}

pub(super) fn not_synced(error: SyncError) -> CommitError {
    match error {
        SyncError::NotWritten(error) if is_disk_full(&error) => CommitError::DiskFull,
        SyncError::NotWritten(error) => CommitError::NotWritten { what: error.to_string() },
        SyncError::Poisoned => CommitError::Poisoned,
    }
}

pub(super) fn not_taken(error: &AppendError) -> CommitError {
    match error {
        AppendError::Poisoned => CommitError::Poisoned,
        AppendError::Empty
        | AppendError::PayloadTooLarge { .. }
        | AppendError::FrameTooLarge { .. }
        | AppendError::GroupFull
        | AppendError::IndexEntryTooLarge { .. }
        | AppendError::IndexBehind { .. }
        | AppendError::Index(_) => CommitError::NotTaken { what: error.to_string() },
    }
}
