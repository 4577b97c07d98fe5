//! What the index keeps, row by row.

use serde::{Deserialize, Serialize};

use crate::document::change::{ActorTip, ChangeHash};
use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::message::EndReason;
use crate::exchange::server::entry::RestoredBy;
use crate::ids::{DeviceId, DocumentId, LogId, PersonId};
use crate::roster::reading::Roles;
use crate::time::Moment;

/// What the index keeps of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentState {
    /// Its full name.
    pub name: DocumentName,
    /// The founding steps that it has.
    pub steps: u32,
    /// Which life of it this is.
    pub incarnation: u32,
    /// Its heads, sorted: nearly every change stands on them alone.
    pub heads: Vec<Head>,
    /// The highest operation counter in it.
    pub max_op: u64,
    /// Where in the log its last change stands.
    pub last: u64,
    /// How many changes it has beside its founding.
    pub changes: u64,
    /// Where in the log its present life began; 0 in its first.
    pub renewed: u64,
    /// Where in the log the first of those changes stands whose places share the last row of them; 0 before its first change.
    pub row: u64,
    /// The highest id of a record that stands in it, as a number, or 0: ids begin with the time, so that nearly every new record's is above.
    pub newest: u128,
}

impl DocumentState {
    /// Returns whether a record may stand in it. One above all that stand does not, and is not worth looking for.
    pub fn may_have(&self, slot: &SlotKey) -> bool {
        slot.record.0 <= self.newest
    }

    /// Returns the hashes of its heads, sorted.
    pub fn head_hashes(&self) -> Vec<ChangeHash> {
        self.heads.iter().map(|head| head.hash).collect()
    }

    /// Returns one of its heads; none if this change is not one of them.
    pub fn head(&self, hash: &ChangeHash) -> Option<Head> {
        self.heads.iter().find(|head| head.hash == *hash).copied()
    }
}

/// A change on which none stands yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Head {
    /// Its hash.
    pub hash: ChangeHash,
    /// Its highest operation counter.
    pub max_op: u64,
    /// The highest founding step among it and its ancestors.
    pub step: u32,
}

/// What the index keeps of a stored change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeState {
    /// Its highest operation counter.
    pub max_op: u64,
    /// The highest founding step among it and its ancestors.
    pub step: u32,
    /// Its place in the log.
    pub seq: u64,
}

/// The last change of an actor in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorState {
    /// Its number among the actor's changes.
    pub seq: u64,
    /// Its hash.
    pub hash: ChangeHash,
}

impl From<ActorState> for ActorTip {
    fn from(state: ActorState) -> Self {
        Self { seq: state.seq, hash: state.hash }
    }
}

/// What the index keeps of a slot that stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Where in the log it came to stand.
    pub seq: u64,
    /// What it says.
    pub hash: ContentHash,
    /// In which container.
    pub container: String,
    /// For a goal, or an assignment of one, the discipline.
    pub discipline: Option<String>,
    /// For an edit, which leaf of which record it is about.
    pub edits: Option<(SlotKey, String)>,
}

/// What a person has of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Where in the log it last began.
    pub begun: u64,
    /// As what the person stands, while it lasts.
    pub roles: Roles,
    /// Where it ended, and why, if it did.
    pub ended: Option<(u64, EndReason)>,
}

/// A pairing code that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeState {
    /// For whom.
    pub person: PersonId,
    /// Until when.
    pub expires: Moment,
    /// Whether a device was paired with it.
    pub used: bool,
}

/// What a device has waiting and refused, against its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Holds that wait.
    pub waiting: u64,
    /// Bytes of refused envelopes.
    pub refused_bytes: u64,
    /// Recovered holds that wait, of what it brought.
    pub recovered: u64,
}

/// What the index keeps of a refused envelope; the envelope itself is evidence in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusalState {
    /// For which document it was, known here or not.
    pub document: DocumentId,
    /// Who sent it.
    pub device: DeviceId,
    /// Why, as a stable code.
    pub code: String,
}

/// What the index keeps of the last restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The life of the log that began with it.
    pub log: LogId,
    /// Why.
    pub by: RestoredBy,
    /// Where in the log it stands.
    pub seq: u64,
    /// Whether an administrator has yet to confirm it: nothing goes down, and nothing new is taken.
    pub waiting: bool,
    /// Acts that stand again by their receipts.
    pub resent: u64,
    /// Holds of what only copies still had.
    pub recovered: u64,
}
