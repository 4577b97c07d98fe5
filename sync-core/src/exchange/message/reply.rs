//! The server's half of an exchange.

use serde::{Deserialize, Serialize};

use super::{Cursor, Fate, HoldView, Life};
use crate::document::change::ChangeHash;
use crate::document::name::DocumentName;
use crate::ids::DocumentId;
use crate::time::Moment;

/// Why a document ends on a tablet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The last day of the place on the team is over, or it was ended.
    GrantEnded,
    /// The place is another one now, which does not read this document.
    PlaceChanged,
    /// The policy is another one now, by which the place does not read this document.
    PolicyChanged,
    /// The tablet has a copy that it should not have, such as one of a life that is over.
    NotYours,
}

/// The bytes of a change, or their hash where the tablet sent them in this very request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeBytes {
    /// The change.
    #[serde(rename = "b")]
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The hash of the change that the request brought.
    #[serde(rename = "h")]
    Yours(ChangeHash),
}

/// One thing that a tablet is told, in the order of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Entry {
    /// A change of a document that the person reads.
    #[serde(rename = "c")]
    Change {
        /// Of which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Its place in the log.
        #[serde(rename = "s")]
        seq: u64,
        /// The change.
        #[serde(rename = "b")]
        change: ChangeBytes,
    },
    /// The person reads a document from here on.
    #[serde(rename = "b")]
    Begin {
        /// The document, by its full name.
        #[serde(rename = "n")]
        name: DocumentName,
        /// Which life of it.
        #[serde(rename = "i")]
        incarnation: u32,
        /// Fetch a snapshot at or after this place in the log; none where founding it is enough.
        #[serde(rename = "f")]
        fetch: Option<u64>,
        /// The open holds of it that this person may review.
        #[serde(rename = "h")]
        holds: Vec<HoldView>,
    },
    /// What this person may review in a document changed: these are the open holds now.
    #[serde(rename = "v")]
    Review {
        /// Of which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// The open holds.
        #[serde(rename = "h")]
        holds: Vec<HoldView>,
    },
    /// The person reads a document no more: hand in, then purge.
    #[serde(rename = "e")]
    End {
        /// Which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Why.
        #[serde(rename = "w")]
        why: EndReason,
    },
    /// The document has a new life: the copy is to be fetched again.
    #[serde(rename = "r")]
    Replace {
        /// Which document.
        #[serde(rename = "d")]
        document: DocumentId,
        /// Which life.
        #[serde(rename = "i")]
        incarnation: u32,
        /// Fetch a snapshot at or after this place in the log.
        #[serde(rename = "f")]
        fetch: u64,
    },
    /// A hold was made or changed its state.
    #[serde(rename = "h")]
    Hold(HoldView),
    /// Something that the server owns and the tablet needs offline.
    #[serde(rename = "f")]
    Fact {
        /// What it is about.
        #[serde(rename = "k")]
        key: String,
        /// The value; none where it is gone.
        #[serde(rename = "v")]
        value: Option<serde_bytes::ByteBuf>,
    },
}

/// The server's half of an exchange.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// What became of the acts that the request brought.
    #[serde(rename = "f", default, skip_serializing_if = "Vec::is_empty")]
    pub fates: Vec<Fate>,
    /// What the log has for this person after the cursor.
    #[serde(rename = "e", default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// The new cursor, if it moved.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<Cursor>,
    /// The schema that documents are founded to.
    #[serde(rename = "m")]
    pub schema: u32,
    /// The policy that acts are judged by.
    #[serde(rename = "p")]
    pub policy: u32,
    /// Up to which place in the log a backup exists.
    #[serde(rename = "u")]
    pub backed_up: u64,
    /// The present life of the log, where the tablet has not heard of it.
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    pub life: Option<Life>,
    /// The last place of the log that a fate of this reply was given at, where the cursor does not cover it.
    #[serde(rename = "b", default, skip_serializing_if = "Option::is_none")]
    pub mark: Option<Cursor>,
    /// Whether all holds and facts are told anew, from this reply on until there is no more.
    #[serde(rename = "n", default, skip_serializing_if = "std::ops::Not::not")]
    pub afresh: bool,
    /// Whether the server asks for the listing itself.
    #[serde(rename = "l", default, skip_serializing_if = "std::ops::Not::not")]
    pub listing_wanted: bool,
    /// Whether there is more after this reply.
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
    /// The server's clock.
    #[serde(rename = "t")]
    pub clock: Moment,
}
