//! The promises that every store keeps, whatever it is built on.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::frame::{Frame, LogId, RunningHash, StoredRecord};
use sync_core::kv::{KvError, KvRead, Write};

/// The writer's side of an organisation's log and of the index derived from it.
///
/// There is one writer. It appends frames, syncs the group, and only then lets receipts leave.
///
/// > **Nothing is acknowledged that is not durable; nothing durable is ever cut, reordered or changed.**
///
/// - **Order.** Records get the sequence numbers 1, 2, 3 ... in the order in which they were appended.
///   Readers see whole frames, in that order, and only durable ones.
/// - **Isolation.** The writer's [`index`](Store::index) shows all that was appended, synced or not.
///   Readers see the writes of durable frames only, whole frames at a time and never a frame without
///   those before it; two calls of a reader may see two different moments.
/// - **A refused append** ([`AppendError`]) leaves no trace, and the group so far stands.
/// - **A failed write** ([`SyncError::NotWritten`], say a full disk of which the reserve is used up) takes
///   back every frame appended since the last sync, with its index writes. The store goes on; the numbers
///   are given again.
/// - **A failed sync** ([`SyncError::Poisoned`]) leaves unknown what reached the disk: every later call
///   fails with `Poisoned`, except `end`, which still names the last durable frame. The process must end, and
///   opening decides what was durable. Frames of that group may turn out to stand.
/// - **A drop** is a crash without the damage: appended frames that were not synced are gone.
/// - **The index may lag, never lead.** After opening it can be behind the log: the caller reads the
///   records after [`index_mark`](Store::index_mark) and hands over what follows from them with
///   [`catch_up`](Store::catch_up); until then nothing can be appended.
pub trait Store: Send {
    /// Takes a frame and the index writes that follow from it into the present group.
    ///
    /// Nothing is durable, and no reader sees it, before [`sync`](Store::sync) returned.
    fn append(&mut self, frame: &Frame, writes: Vec<Write>) -> Result<Appended, AppendError>;

    /// Makes all appended frames durable with one write and one sync, and returns the log's new end.
    ///
    /// Without appended frames it does nothing.
    fn sync(&mut self) -> Result<End, SyncError>;

    /// Returns the sequence number that the next appended record will get.
    fn next_seq(&self) -> u64;

    /// Returns the index as of the last appended frame, synced or not.
    fn index(&self) -> &dyn KvRead;

    /// Returns the sequence number up to which the index holds what follows from the log.
    fn index_mark(&self) -> u64;

    /// Applies what follows from the records after the mark up to `through`, and moves the mark there.
    fn catch_up(&mut self, through: u64, writes: Vec<Write>) -> Result<(), CatchUpError>;

    /// Goes on under another id, as a log must that comes from a copy of the past. What was appended is synced first.
    ///
    /// All records keep their numbers. Whoever knows a place under the old id finds out by the id.
    fn begin_log_id(&mut self, log_id: LogId) -> Result<(), SyncError>;

    /// Returns a view for readers, which outlives no failed sync.
    fn reader(&self) -> Arc<dyn StoreReader>;
}

/// The readers' side: shared by any number of threads, and it never waits for the writer's disk.
pub trait StoreReader: Send + Sync {
    /// Returns the id that this log goes by now.
    fn log_id(&self) -> LogId;

    /// Returns the last durable sequence number and the running hash there.
    fn end(&self) -> End;

    /// Returns one durable record; `None` beyond the end and for 0.
    fn read(&self, seq: u64) -> Result<Option<StoredRecord>, ReadError>;

    /// Returns the durable records with from <= seq <= to, in order, until their payloads reach `bytes_max`.
    ///
    /// If there is any, at least one comes, however large: a caller always gets on.
    fn read_range(&self, from: u64, to: u64, bytes_max: usize) -> Result<Vec<StoredRecord>, ReadError>;

    /// Returns the running hash of the durable frame that contains `seq`; `None` beyond the end.
    ///
    /// For 0 it is the hash of the empty log.
    fn running_hash_at(&self, seq: u64) -> Result<Option<HashAt>, ReadError>;

    /// Returns the index as of a durable frame, at least as new as the last `end` seen.
    fn index(&self) -> &dyn KvRead;

    /// Returns why the store must be opened anew before anything can be read or written again, if it must.
    fn failure(&self) -> Option<KvError>;

    /// Returns whether the disk has room for new work; see [`room`](super::room). What cannot wait is appended all the same.
    fn has_room(&self) -> bool;

    /// Gives up what is set aside for what cannot wait, for something of that which is written elsewhere on the same disk; returns whether
    /// there was any.
    fn make_way(&self) -> bool;
}

/// The numbers that an appended frame's records got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    /// The number of its first record.
    pub first: u64,
    /// The number of its last record.
    pub last: u64,
}

/// Where the durable log ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The last durable sequence number; 0 for an empty log.
    pub seq: u64,
    /// The running hash there.
    pub hash: RunningHash,
}

/// The running hash of a frame, and which records that frame holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashAt {
    /// The running hash after the frame.
    pub hash: RunningHash,
    /// The frame's first sequence number.
    pub first: u64,
    /// The frame's last sequence number: the hash stands for the log up to here.
    pub last: u64,
}

/// Why a frame was not taken. The store is as it was.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A frame must say something.
    #[error("a frame needs at least one record")]
    Empty,
    /// One payload is above [`PAYLOAD_BYTES_MAX`](super::frame::PAYLOAD_BYTES_MAX).
    #[error("a payload of {bytes} bytes is above the limit")]
    PayloadTooLarge {
        /// Its size.
        bytes: usize,
    },
    /// The frame is above [`FRAME_BYTES_MAX`](super::frame::FRAME_BYTES_MAX).
    #[error("a frame of {bytes} bytes is above the limit")]
    FrameTooLarge {
        /// Its size, as far as it was counted.
        bytes: usize,
    },
    /// The group would grow above [`GROUP_BYTES_MAX`](super::group::GROUP_BYTES_MAX): sync first.
    #[error("the group is full and must be synced first")]
    GroupFull,
    /// An index write is above [`INDEX_KEY_BYTES_MAX`](super::index::INDEX_KEY_BYTES_MAX) or
    /// [`INDEX_VALUE_BYTES_MAX`](super::index::INDEX_VALUE_BYTES_MAX).
    #[error("an index key of {key_bytes} bytes with a value of {value_bytes} bytes is above the limit")]
    IndexEntryTooLarge {
        /// The key's size.
        key_bytes: usize,
        /// The value's size.
        value_bytes: usize,
    },
    /// The index has not caught up with the log yet.
    #[error("the index stands at {mark}, the log at {end}")]
    IndexBehind {
        /// Up to where the index holds the log.
        mark: u64,
        /// The log's end.
        end: u64,
    },
    /// The index failed; the process must start again, which rebuilds it.
    #[error("the index failed")]
    Index(#[source] KvError),
    /// An earlier sync failed.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// Why a group did not become durable.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// Writing failed and was taken back: none of the group's frames stands, and the store goes on.
    #[error("the group could not be written")]
    NotWritten(#[source] io::Error),
    /// What reached the disk is unknown. The process must end and open the store anew.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The file does not hold what was written there.
    #[error("{} is damaged at byte {offset}", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the frame begins in it.
        offset: u64,
    },
    /// The disk refused.
    #[error("the log cannot be read")]
    Io(#[from] io::Error),
    /// An earlier sync failed.
    #[error("the store stopped after a failed sync")]
    Poisoned,
}

/// Why the index did not move.
#[derive(Debug, thiserror::Error)]
pub enum CatchUpError {
    /// The index can only move forward, to the last record of a durable frame.
    #[error("the index cannot move to {through}")]
    NotAFrameEnd {
        /// What was asked for.
        through: u64,
    },
    /// An index write is too large.
    #[error("an index key of {key_bytes} bytes with a value of {value_bytes} bytes is above the limit")]
    IndexEntryTooLarge {
        /// The key's size.
        key_bytes: usize,
        /// The value's size.
        value_bytes: usize,
    },
    /// The index failed.
    #[error("the index failed")]
    Index(#[source] KvError),
    /// The frame at `through` could not be read.
    #[error("the log cannot be read")]
    Read(#[from] ReadError),
}
