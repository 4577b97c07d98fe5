//! What a tablet shows: the copies, and the person's own acts that the copies do not have yet.

use std::collections::BTreeMap;

use crate::document::name::DocumentName;
use crate::document::slot::{Slot, SlotKey};
use crate::exchange::client::state::{ActState, Tablet};
use crate::gate::policy::{self, Known};
use crate::ids::{DocumentId, StudentId};
use crate::kv::KvError;

/// One document as this tablet shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The document.
    pub name: DocumentName,
    /// Its slots, the person's own that are on their way among them.
    pub slots: Vec<Slot>,
}

impl Tablet<'_> {
    /// Returns the documents of a student as this tablet shows them.
    ///
    /// Held and refused acts are not among the slots: they stand beside the record, as waiting for review.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn shown(&self, student: StudentId) -> Result<Vec<Shown>, KvError> {
        let mut shown: BTreeMap<DocumentId, Shown> = BTreeMap::new();
        for copy in self.copies()?.into_iter().filter(|copy| copy.name.subject == student) {
            let id = copy.name.id();
            shown.insert(id, Shown { slots: self.slots(id)?, name: copy.name });
        }
        for act in self.acts()?.into_iter().filter(|act| act.name.subject == student) {
            if matches!(act.state, ActState::Unsent | ActState::Stored) {
                let document =
                    shown.entry(act.name.id()).or_insert_with(|| Shown { name: act.name, slots: Vec::new() });
                document.slots.extend(act.slots);
            }
        }
        Ok(shown.into_values().collect())
    }

    /// Returns what this tablet knows of a record of a document: in its copy, or in an own act that is on its way.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn known(&self, document: DocumentId, slot: &SlotKey) -> Result<Option<Known>, KvError> {
        let goal = |key: &SlotKey| {
            self.find(document, key).ok().flatten().and_then(|goal| policy::known_of(&goal, &|_| None))
        };
        Ok(self.find(document, slot)?.and_then(|slot| policy::known_of(&slot, &goal)))
    }

    /// Returns a record of a document: in its copy, or in an own act that is on its way.
    ///
    /// # Errors
    /// [`KvError`].
    pub fn find(&self, document: DocumentId, slot: &SlotKey) -> Result<Option<Slot>, KvError> {
        if let Some(found) = self.record(document, slot)? {
            return Ok(Some(found));
        }
        let mut own = self.acts()?.into_iter().filter(|act| act.name.id() == document);
        Ok(own.find_map(|act| act.slots.into_iter().find(|made| made.key == *slot)))
    }
}

/// The writes that make a tablet someone's: what pairing said.
pub fn paired(profile: &crate::exchange::client::state::Profile) -> Vec<crate::kv::Write> {
    vec![crate::kv::Write::Put(
        crate::exchange::client::state::key::meta("profile"),
        crate::exchange::codec::to_bytes(profile),
    )]
}
