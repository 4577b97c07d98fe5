//! The rows of a tablet's store.

use serde::{Deserialize, Serialize};

use crate::document::change::{ActorTip, ChangeHash};
use crate::document::name::DocumentName;
use crate::document::slot::Slot;
use crate::exchange::message::Receipt;
use crate::ids::{ActId, DeviceId, DocumentId, HoldId, OrgId, PersonId};
use crate::time::Moment;

/// Whose tablet this is, as pairing said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// The organisation.
    pub org: OrgId,
    /// The person.
    pub person: PersonId,
    /// The device: this person's profile on this tablet.
    pub device: DeviceId,
}

/// What the last reply said of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// The schema that documents are founded to; nothing of a newer one is written.
    pub schema: u32,
    /// The policy that acts are judged by.
    pub policy: u32,
    /// Up to where a backup of the log exists.
    pub backed_up: u64,
    /// How many milliseconds the server's clock was ahead of the tablet's.
    pub offset_ms: i64,
    /// When that reply came, by the tablet's clock.
    pub heard: Moment,
}

/// Whether a copy is the server's document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It is the document as it was at the cursor.
    Whole,
    /// A snapshot at or after this place in the log is to be fetched; changes that come meanwhile wait beside it.
    Fetching {
        /// The place.
        at_least: u64,
    },
}

/// A copy of a document, without its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopyState {
    /// The document's full name.
    pub name: DocumentName,
    /// Which life of it.
    pub incarnation: u32,
    /// The founding steps that it has.
    pub steps: u32,
    /// Its heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// The highest operation counter in it.
    pub max_op: u64,
    /// This device's last change in it.
    pub own: Option<(u64, ChangeHash)>,
    /// The place in the log of its last change.
    pub last: u64,
    /// The place in the log up to which the snapshot that it began with is complete; 0 where it was founded here.
    pub snapshot: u64,
    /// How many changes it has beside its founding.
    pub changes: u64,
    /// Whether it is whole.
    pub phase: Phase,
}

impl CopyState {
    /// Returns this device's last change in the document.
    pub fn own_tip(&self) -> Option<ActorTip> {
        self.own.map(|(seq, hash)| ActorTip { seq, hash })
    }
}

/// Where an act stands, as this tablet knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActState {
    /// It has no receipt yet.
    Unsent,
    /// It stands in the document.
    Stored,
    /// It waits for review, or was decided.
    Held(HoldId),
    /// It cannot be in the document.
    Refused(String),
}

/// One of the person's own acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActRow {
    /// Its place among this tablet's acts.
    pub number: u64,
    /// Which act.
    pub act: ActId,
    /// In which document; the full name, so that it can be told even when the document is gone.
    pub name: DocumentName,
    /// What it makes.
    pub slots: Vec<Slot>,
    /// Where it stands.
    pub state: ActState,
    /// The receipt of its fate.
    pub receipt: Option<Receipt>,
}

/// What has become of an act of which a sealed copy is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum KeptState {
    /// It has no receipt yet.
    Unsent,
    /// It was stored.
    Stored,
    /// It was held, whatever was decided since, or refused: it is judged again where the server has lost it.
    Judged,
}

/// What is known of an act of which a sealed copy is kept: nothing that says what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptRow {
    /// In which document.
    pub document: DocumentId,
    /// Which act.
    pub act: ActId,
    /// Its place among this tablet's acts.
    pub number: u64,
    /// What became of the act.
    pub state: KeptState,
    /// The receipt of its fate.
    pub receipt: Option<Receipt>,
}
