//! The fold: one student's effective record out of the slots of their documents.
//!
//! ```text
//! plan, log, own, tally ...        slots, as they came
//!        | gather                  each once, by document
//!        | register                what stands in each field, what differs
//!        | signature               what is signed, and still holds
//!        v
//!     Record                       views, conflicts, flags
//!        | minutes                 and with a calendar: what was promised, delivered and is owed
//! ```
//!
//! > The same slots give the same record: in any order of arrival, however often each came and in whatever batches, on
//! > every machine.
//!
//! It is a function of the slots alone. No clock decides anything, and nothing is ever settled: values that differ are kept
//! as a [`Conflict`] until an edit replaces them all, one of them counting meanwhile by the rule of its field. What cannot be
//! right is counted as none and shown with a [`Flag`]; what a newer version said is kept, listed, and makes the figures of the
//! records that it touches unknown here.
//!
//! Statements (edits, signatures) speak of records of their own document only. So do observations of the session that they
//! name: what a signature covers must not depend on which other documents its signer could read. Goals, services and misses
//! are named across documents.
//!
//! How a slot came in stands beside it under `issued/` and the *same key*: that is where lateness is found.

mod assemble;
mod conflict;
mod entry;
mod flag;
mod gather;
mod goal;
pub mod minutes;
mod missed;
mod observation;
mod observers;
mod odd;
mod overlap;
mod plan;
mod prefer;
mod register;
mod service;
mod session;
mod shown;
mod signature;
mod statement;
mod tally;
mod view;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};

pub use conflict::{Alternative, Conflict};
pub use entry::{Entry, RecordRef};
pub use flag::Flag;
pub use gather::Source;
pub use goal::{AssignmentView, GoalView};
pub use missed::MissedView;
pub use observation::{Figures, ObservationView};
pub use plan::PlanVersionView;
pub use register::{Register, Said};
pub use service::ServiceView;
pub use session::{BLENDED, GroupView, SegmentView, SessionView, State};
pub use shown::{Shown, ShownRecord};
pub use signature::{SignatureKind, SignatureView};
pub use tally::TallyView;
pub use view::Head;
pub use waiting::{Waiting, main_of, waiting};

use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::ids::{ConflictId, DocumentId, StudentId};
use crate::time::Zone;

/// A record of a kind that only a newer version knows. It is kept where it stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NewerRecord {
    /// The document.
    pub document: DocumentId,
    /// The container.
    pub container: String,
    /// Its key.
    pub key: SlotKey,
}

/// One student's record as it stands in the documents that a reader has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// The student.
    pub student: StudentId,
    /// The zone that school days go by.
    pub zone: Zone,
    /// Versions of the plan, by id.
    pub plan_versions: Vec<PlanVersionView>,
    /// Service lines, by id.
    pub services: Vec<ServiceView>,
    /// Goals, by id.
    pub goals: Vec<GoalView>,
    /// Who was given which goal, by id.
    pub assignments: Vec<AssignmentView>,
    /// Sessions, by start.
    pub sessions: Vec<SessionView>,
    /// Missed sessions, by day.
    pub missed: Vec<MissedView>,
    /// Observations, by start.
    pub observations: Vec<ObservationView>,
    /// Tallies, by start.
    pub tallies: Vec<TallyView>,
    /// Fields on which standing values differ, in the order of the records.
    pub conflicts: Vec<Conflict>,
    /// What a person should look at.
    pub flags: BTreeSet<Flag>,
    /// Records of kinds that only a newer version knows.
    pub newer: Vec<NewerRecord>,
    entries: BTreeMap<RecordRef, Entry<'a>>,
}

/// Returns the record of a student out of the documents that the reader has. Documents of other students are passed over.
///
/// The reader's own acts that are on their way are given as a source of their document, too; what is held for review is not,
/// see [`waiting()`].
pub fn fold<'a, I: IntoIterator<Item = &'a Slot>>(
    student: StudentId,
    zone: &Zone,
    sources: impl IntoIterator<Item = Source<'a, I>>,
) -> Record<'a> {
    let own = sources.into_iter().filter(|source| source.name.subject == student);
    assemble::assemble(student, zone, gather::gather(own))
}

impl<'a> Record<'a> {
    /// Returns one record with all that was said of it.
    pub fn entry(&self, id: &RecordRef) -> Option<&Entry<'a>> {
        self.entries.get(id)
    }

    /// Returns all records, by kind and id.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.entries.values()
    }

    /// Returns the record of a kind with this key: where several documents have one, always the same one.
    pub fn resolve(&self, kind: RecordKind, key: SlotKey) -> Option<&Entry<'a>> {
        let from = RecordRef { kind, key, document: DocumentId([0; 16]) };
        let to = RecordRef { kind, key, document: DocumentId([u8::MAX; 16]) };
        self.entries.range(from..=to).next().map(|(_, entry)| entry)
    }

    /// Returns the record with this key, of whatever kind.
    pub fn find(&self, key: SlotKey) -> Option<&Entry<'a>> {
        RecordKind::ALL.into_iter().find_map(|kind| self.resolve(kind, key))
    }

    /// Returns the record with this key in one document, which is how edits and signatures name it.
    pub fn stands_in(&self, document: DocumentId, key: SlotKey) -> Option<&Entry<'a>> {
        RecordKind::ALL.into_iter().find_map(|kind| self.entries.get(&RecordRef { kind, key, document }))
    }

    /// Returns the conflict with this id.
    pub fn conflict(&self, id: ConflictId) -> Option<&Conflict> {
        self.conflicts.iter().find(|conflict| conflict.id == id)
    }

    /// Returns the hash of what a signature of the record covers now: what stands in it and in the observations that name it.
    pub fn covers(&self, id: &RecordRef) -> Option<ContentHash> {
        let entry = self.entries.get(id)?;
        let observations = entry.observations.iter().filter_map(|id| self.entries.get(id));
        Some(signature::covers(entry, observations))
    }
}

#[cfg(test)]
mod tests;
