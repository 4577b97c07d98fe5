//! What waits for review, beside what stands.

use super::Record;
use crate::document::schema::RecordKind;
use crate::document::slot::{Slot, SlotKey, Value};
use crate::ids::{DocumentId, PersonId};

/// One slot of a held act, as its author or a reviewer sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The record that it makes or changes.
    pub record: SlotKey,
    /// The kind of that record, where this reader can know it.
    pub kind: Option<RecordKind>,
    /// Who made it.
    pub author: PersonId,
    /// For an edit, the field.
    pub field: Option<String>,
    /// For an edit of a record that the reader has, the value that counts now.
    pub present: Option<Value>,
    /// For an edit, the value that it would set.
    pub proposed: Option<Value>,
}

impl Waiting {
    /// Says in a few words what a hold of so many slots would make or change.
    pub fn what(&self, slots: usize) -> String {
        let kind = self.kind.map_or("record", RecordKind::word);
        match &self.field {
            Some(field) => format!("{field} of a {kind}"),
            None if slots > 1 => format!("new {kind} with {} more", slots - 1),
            None => format!("new {kind}"),
        }
    }
}

/// Returns what a hold is about: a session that comes with its observations, else the first.
pub fn main_of(would: &[Waiting]) -> Option<&Waiting> {
    would.iter().find(|one| one.kind == Some(RecordKind::Session)).or_else(|| would.first())
}

/// Returns what the slots of a held act would make or change in a document. None of it is part of the record.
pub fn waiting(record: &Record<'_>, document: DocumentId, slots: &[Slot]) -> Vec<Waiting> {
    let of_slot = |slot: &Slot| {
        let kind = RecordKind::of_container(&slot.container);
        let author = slot.key.member;
        let made = Waiting { record: slot.key, kind, author, field: None, present: None, proposed: None };
        if kind != Some(RecordKind::Edit) {
            return made;
        }
        let text = |path: &str| slot.leaf(path).and_then(Value::as_text);
        let Some(target) = text("target").and_then(|target| target.parse().ok()) else { return made };
        let field = text("field").map(str::to_owned);
        let stands = record.stands_in(document, target);
        // What the same act makes is no more than proposed, but its kind is known.
        let beside = slots.iter().find(|other| other.key == target);
        let kind_beside = beside.and_then(|other| RecordKind::of_container(&other.container));
        let present = stands.zip(field.as_deref()).and_then(|(entry, field)| entry.leaf(field).cloned());
        let kind = stands.map(|entry| entry.id().kind).or(kind_beside);
        Waiting { record: target, kind, author, field, present, proposed: slot.leaf("value").cloned() }
    };
    slots.iter().map(of_slot).collect()
}
