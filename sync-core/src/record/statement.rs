//! Edits and signatures as they are read: what speaks of another record.

use std::collections::{BTreeMap, BTreeSet};

use super::entry::{RecordRef, first_of, said, type_of};
use super::flag::Flag;
use super::prefer;
use super::register::{Register, Replacing};
use super::signature::SignatureKind;
use crate::document::schema::editable_leaf;
use crate::document::slot::{ContentHash, Slot, SlotKey, Value};
use crate::seeded::{Bug, seeded};

/// An edit that can be understood.
pub(super) struct Edit<'s> {
    pub(super) slot: &'s Slot,
    pub(super) target: SlotKey,
    pub(super) field: &'s str,
    value: &'s Value,
    replaces: BTreeSet<SlotKey>,
    pub(super) has_reason: bool,
}

impl<'s> Edit<'s> {
    /// Reads an edit; none where it lacks a target, a field or a value. Ids that are none are passed over in what it replaces.
    pub(super) fn read(slot: &'s Slot) -> Option<Self> {
        let replaces = slot.leaf("replaces").and_then(Value::as_map);
        let reason = slot.leaf("reason").and_then(Value::as_text).unwrap_or_default();
        Some(Self {
            slot,
            target: named(slot)?,
            field: slot.leaf("field")?.as_text()?,
            value: slot.leaf("value")?,
            replaces: replaces
                .into_iter()
                .flat_map(|map| map.keys())
                .filter_map(|id| id.parse().ok())
                .collect(),
            has_reason: !reason.trim().is_empty(),
        })
    }
}

/// A signature that can be understood.
pub(super) struct Signature<'s> {
    pub(super) slot: &'s Slot,
    pub(super) target: SlotKey,
    pub(super) kind: SignatureKind,
    pub(super) covers: ContentHash,
}

impl<'s> Signature<'s> {
    pub(super) fn read(slot: &'s Slot) -> Option<Self> {
        Some(Self {
            slot,
            target: named(slot)?,
            kind: SignatureKind::from_word(slot.leaf("kind")?.as_text()?)?,
            covers: slot.leaf("covers")?.as_text()?.parse().ok()?,
        })
    }
}

fn named(slot: &Slot) -> Option<SlotKey> {
    slot.leaf("target")?.as_text()?.parse().ok()
}

/// Makes the registers of a record's edited fields. Edits of what cannot be edited are flagged and say nothing.
pub(super) fn registers(
    made: &Slot,
    record: RecordRef,
    edits: &[Edit<'_>],
    is_late: impl Fn(&SlotKey) -> bool,
    flags: &mut BTreeSet<Flag>,
) -> BTreeMap<String, Register> {
    let kind = record.kind;
    let mut fields: BTreeMap<&str, Vec<Replacing>> = BTreeMap::new();
    let elsewhere: BTreeSet<SlotKey> = match seeded(Bug::OtherFieldReplaced) {
        true => edits.iter().flat_map(|edit| edit.replaces.iter().copied()).collect(),
        false => BTreeSet::new(),
    };
    for edit in edits {
        // A field that this version does not know may be one that a newer one can edit.
        if editable_leaf(kind, edit.field).is_some() || type_of(kind, edit.field).is_none() {
            let late = is_late(&edit.slot.key);
            let said = said(edit.slot, Some(edit.value.clone()), late, kind, edit.field);
            let replaces = edit.replaces.union(&elsewhere).copied().collect();
            fields.entry(edit.field).or_default().push(Replacing { said, replaces });
        } else {
            flags.insert(Flag::NotEditable { record, edit: edit.slot.key });
        }
    }
    let register = |(field, edits): (&str, Vec<Replacing>)| {
        let first = first_of(made, is_late(&record.key), kind, field);
        (field.to_owned(), Register::new(first, edits, |standing| prefer::effective(kind, field, standing)))
    };
    fields.into_iter().map(register).collect()
}
