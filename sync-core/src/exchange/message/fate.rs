//! What became of an act, with the receipt for it.

use serde::{Deserialize, Serialize};

use super::{HoldReason, HoldState};
use crate::document::slot::ContentHash;
use crate::ids::{ActId, DocumentId, HoldId, LogId};

/// The server's keyed hash over log, sequence number, document, act, outcome, and what the act says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The log in which the fate stands.
    #[serde(rename = "l")]
    pub log: LogId,
    /// Where in it.
    #[serde(rename = "s")]
    pub seq: u64,
    /// The keyed hash.
    #[serde(rename = "k", with = "serde_bytes")]
    pub keyed: [u8; 16],
}

/// What became of an act. Each one is durable before it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It stands in the document and goes to everyone who reads it.
    #[serde(rename = "s")]
    Stored,
    /// It waits for review, or was decided.
    #[serde(rename = "h")]
    Held {
        /// Under which hold.
        #[serde(rename = "h")]
        hold: HoldId,
        /// Why.
        #[serde(rename = "r")]
        reason: HoldReason,
        /// Where the hold stands now.
        #[serde(rename = "s")]
        state: HoldState,
    },
    /// It cannot be in the document; the bytes are kept as evidence, and the coordinator is told.
    #[serde(rename = "r")]
    Refused {
        /// A stable code.
        #[serde(rename = "c")]
        code: String,
    },
}

/// The fate of one act, or of an envelope that was refused whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fate {
    /// The document.
    #[serde(rename = "d")]
    pub document: DocumentId,
    /// The act; none where the envelope was refused whole.
    #[serde(rename = "a")]
    pub act: Option<ActId>,
    /// The envelope that brought it.
    #[serde(rename = "e")]
    pub envelope: ContentHash,
    /// What became of it.
    #[serde(rename = "o")]
    pub outcome: Outcome,
    /// The receipt.
    #[serde(rename = "r")]
    pub receipt: Receipt,
}
