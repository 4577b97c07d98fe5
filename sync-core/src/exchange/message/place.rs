//! Places in the organisation's log, and its lives.

use serde::{Deserialize, Serialize};

use crate::ids::LogId;

/// Up to where a tablet has looked through the organisation's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Which log.
    #[serde(rename = "l")]
    pub log: LogId,
    /// The last sequence number that was looked at.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The log's running hash there.
    #[serde(rename = "r", with = "serde_bytes")]
    pub running: [u8; 8],
    /// The server's keyed hash over the three above: it was this server that said so.
    #[serde(rename = "k", with = "serde_bytes")]
    pub keyed: [u8; 16],
}

/// A place in the log and the log's running hash there: whoever shows one that is the log's has seen what lies before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The sequence number.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The running hash there.
    #[serde(rename = "r", with = "serde_bytes")]
    pub running: [u8; 8],
}

/// What a server says of its log to a tablet that has not heard of the life that it is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// The present log.
    #[serde(rename = "l")]
    pub log: LogId,
    /// The last place up to which what the tablet was told is in the present log; none where its trail is needed to say so.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub shared: Option<u64>,
    /// Whether the server waits for an administrator to confirm it: until then it takes nothing new.
    #[serde(rename = "w")]
    pub waiting: bool,
}
