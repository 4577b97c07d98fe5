//! What the reference speaks of: acts as they were made, and what came of them.

use std::collections::BTreeSet;

use sync_core::ids::{ActId, DeviceId, DocumentId, HoldId, PersonId, StudentId};

use super::rights::{Deed, Kind, Place};

/// A record as its author made it, for the model no more than bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Said {
    /// Where it stands.
    pub container: String,
    /// Under which key.
    pub key: String,
    /// What it says; neither the act nor the clock is part of it.
    pub content: Vec<u8>,
}

/// What an edit says of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Of which record.
    pub target: String,
    /// Of which leaf.
    pub field: String,
    /// The new value, written out.
    pub value: String,
    /// The values that it takes the place of.
    pub replaces: BTreeSet<String>,
}

/// One act that somebody made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Which act.
    pub id: ActId,
    /// Whose.
    pub author: PersonId,
    /// On which device.
    pub device: DeviceId,
    /// In which document.
    pub document: DocumentId,
    /// What it does, in words of the rights.
    pub deed: Deed,
    /// As what the author says that it was done.
    pub claims: Option<Place>,
    /// Whether a value of it cannot be.
    pub bad: bool,
    /// What it makes.
    pub slots: Vec<Said>,
    /// The records of the document that it builds on.
    pub bases: Vec<String>,
    /// If it is an edit, what it says.
    pub edit: Option<Edit>,
    /// If it makes a goal, the goal's discipline.
    pub discipline: Option<&'static str>,
    /// Whether a tablet keeps it; what an attacker sends is kept by nobody.
    pub kept: bool,
}

/// What the server said of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It stands.
    Stored,
    /// It waits, or was decided.
    Held {
        /// Why, by the stable name.
        reason: String,
        /// Whether nobody has decided yet.
        waiting: bool,
    },
    /// It cannot be.
    Refused,
}

/// How slots came to stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// They were allowed on arrival.
    Straight,
    /// A hold was closed by it: by a person, or because what it built on came to stand.
    Admitted(HoldId),
    /// It had stood in a life of the log that is lost.
    Again,
    /// It stood in an earlier life of the document.
    Renewed,
}

/// What has become of a hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nobody has decided.
    Waiting,
    /// It was let in.
    Admitted(Option<PersonId>),
    /// It was not, or it was taken back.
    Closed(Option<PersonId>),
}

/// A document, as far as rights go by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is for.
    pub kind: Kind,
    /// Of whom it speaks.
    pub student: StudentId,
    /// For `own`, whose it is.
    pub member: Option<PersonId>,
}

/// A place on a team by days, both included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// Whose.
    pub person: PersonId,
    /// On whose team.
    pub student: StudentId,
    /// As what.
    pub place: Place,
    /// From which day.
    pub from: i64,
    /// Until which day.
    pub to: Option<i64>,
}

/// What stands under one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) content: Vec<u8>,
    pub(super) seq: u64,
    pub(super) late: bool,
}

/// A hold, as the model remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Which hold.
    pub id: HoldId,
    /// In which document.
    pub document: DocumentId,
    /// Whose act.
    pub author: PersonId,
    /// What it would make.
    pub slots: Vec<Said>,
    /// Whether it was found in a colleague's copy.
    pub recovered: bool,
    /// What has become of it.
    pub verdict: Verdict,
}
