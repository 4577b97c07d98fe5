//! The store: an organisation's log, the index derived from it, and the one who writes them.
//!
//! **The log is the truth.** Every change of state is first a record of the log: appended, synced, and only
//! then acknowledged. The index is a map for looking things up, wholly derived from the log; whatever
//! is wrong with it is mended by building it again.
//!
//! - [`Store`] and [`StoreReader`] are the promises, whatever is behind them; [`EmbeddedStore`] keeps them
//!   on a disk, `MemoryStore` strictly and in memory for tests, and `conformance` holds both to them.
//! - [`Frame`]s of [`Record`]s go in; what belongs together is one frame, kept or lost as a whole.
//! - [`KvRead`](sync_core::kv::KvRead) is how decisions read the index, [`Write`](sync_core::kv::Write) what follows from a frame.
//! - [`Committer`] runs the writer: it gathers what waits, commits it with one sync, and answers all.
//! - [`room`] says when the disk is too full for new work, and keeps a reserve for what cannot wait.
//! - [`verify()`] reads everything and says what is wrong, beside a running server, too.
//!
//! ```text
//!   requests -> Committer -> Store::append .. Store::sync -> answers
//!                               |                 |
//!                            the group      log, then index   <- StoreReader
//! ```
//!
//! Absent on purpose: no compaction, no cluster, no second writer, and nothing here knows what a payload means.

#[cfg(any(test, feature = "testing"))]
pub mod conformance;
mod contract;
pub(crate) mod copy;
pub mod disk;
mod embedded;
pub mod frame;
pub mod group;
pub mod index;
pub mod lock;
pub mod log;
#[cfg(any(test, feature = "testing"))]
mod memory;
pub mod room;
pub mod verify;

pub use contract::{
    AppendError, Appended, CatchUpError, End, HashAt, ReadError, Store, StoreReader, SyncError,
};
pub use embedded::EmbeddedStore;
pub(crate) use embedded::log_path;
pub use frame::{Frame, LogId, Record, RunningHash, StoredRecord};
pub use group::{CommitError, Committed, Committer, Decision, QUEUE_WORK_MAX, Ticket, Turn, Urgency};
pub use lock::{FolderLock, LockError};
pub use log::OpenError;
#[cfg(any(test, feature = "testing"))]
pub use memory::{MemoryDisk, MemoryStore};
pub use verify::{Fault, Report, verify};
