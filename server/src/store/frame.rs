//! What goes into the log: records, gathered into frames that stand or fall together.

/// Largest payload of one record, in bytes. A document's change and its envelope are far below.
pub const PAYLOAD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest encoded frame, in bytes, its header included. Bounds what a reader must hold in memory.
pub const FRAME_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Ties a log to the history it belongs to; a server restored from backup has a new one.
pub type LogId = [u8; 16];

/// Stands for everything up to a frame: the first 8 bytes of
/// SHA-256(running hash before || frame's length, first sequence, record count || records).
///
/// Two logs with the same running hash at a sequence number hold the same records up to it.
pub type RunningHash = [u8; 8];

/// The running hash of the empty log.
pub const GENESIS_HASH: RunningHash = [0; 8];

/// One statement of the log. What the payload means is the business of whoever owns the kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Says how to read the payload. The store gives no kind a meaning.
    pub kind: u16,
    /// The document that this is about; zero when it is about none.
    pub document: [u8; 16],
    /// The key that the payload is encrypted with; zero when it is in the clear.
    pub key_id: u32,
    /// The content.
    pub payload: Vec<u8>,
}

/// Records that become durable together or not at all. Never empty in a log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// In order; each gets the next sequence number.
    pub records: Vec<Record>,
}

impl From<Record> for Frame {
    fn from(record: Record) -> Self {
        Frame { records: vec![record] }
    }
}

/// A record with its place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Its sequence number: from 1, without gaps, in the order in which frames were appended.
    pub seq: u64,
    /// True for the last record of its frame: only there may the log be said to end.
    pub last_of_frame: bool,
    /// The record as it was appended.
    pub record: Record,
}
