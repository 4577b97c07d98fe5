//! Where what stands comes from: a change in its document, and a life of the log.

use serde::{Deserialize, Serialize};

use crate::document::slot::ContentHash;
use crate::envelope::{Envelope, Evidence};
use crate::exchange::message::Receipt;
use crate::ids::HoldId;

/// How a change came to be in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// As its device wrote it.
    Verbatim {
        /// What the device signed, without the change, which stands beside it.
        envelope: ContentHash,
        /// The device's signature over the envelope.
        #[serde(with = "serde_bytes")]
        signature: [u8; 64],
        /// What the device had seen.
        evidence: Evidence,
        /// The policy by which it was let through.
        policy: u32,
    },
    /// Made by the server, out of slots that were allowed or admitted.
    Issued {
        /// The envelopes that brought them; none for the organisation's own imports.
        envelopes: Vec<Envelope>,
        /// The holds that are admitted by it.
        admitted: Vec<HoldId>,
        /// The policy by which they were let through.
        policy: u32,
    },
    /// Made by the server, out of what a receipt proves to have stood in a life of the log that is lost.
    Again {
        /// The envelope that was sealed when it was made.
        envelope: Envelope,
        /// The receipt.
        receipt: Receipt,
    },
    /// Made by the server, out of what stood in an earlier life of the document.
    Renewed,
}

/// Why a log began a new life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RestoredBy {
    /// Somebody restored a backup.
    Backup,
    /// The folder was set back and nobody said so: a tablet had seen more.
    RollBack,
}
