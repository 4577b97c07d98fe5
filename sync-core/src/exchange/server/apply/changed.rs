//! What a change means for the index: the heads that it moves, and the records that stand by it.

use std::collections::BTreeMap;

use super::put;
use crate::document::change::Outline;
use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, Slot, SlotKey};
use crate::exchange::server::index::changes::add_place;
use crate::exchange::server::index::{ActorState, ChangeState, DocumentState, Head, Index, Standing, key};
use crate::exchange::server::look_up::look_up;
use crate::gate::policy::{self, Known};
use crate::ids::DocumentId;
use crate::kv::{KvError, Overlay};

/// What slots say, by their keys; each key stands once among them.
pub(crate) type Contents = BTreeMap<SlotKey, ContentHash>;

/// Returns what slots say.
pub(crate) fn contents_of(slots: &[Slot]) -> Contents {
    slots.iter().map(|slot| (slot.key, slot.content_hash())).collect()
}

/// A change, and all that the index keeps of it.
pub(crate) struct Meaning<'a> {
    pub(crate) change: &'a Outline,
    /// The highest founding step among it and its ancestors.
    pub(crate) step: u32,
    pub(crate) slots: &'a [Slot],
    /// What the slots say, where it is known already.
    pub(crate) contents: &'a Contents,
}

/// Writes into the index what a change means.
pub(crate) fn apply_changed(
    sheet: &mut Overlay<'_>,
    seq: u64,
    id: DocumentId,
    state: &DocumentState,
    meaning: &Meaning<'_>,
) -> Result<(), KvError> {
    let Meaning { change, step, slots, contents } = *meaning;
    let standing = || slots.iter().filter(|slot| slot.container != RecordKind::Issued.container());
    let mut heads: Vec<Head> =
        state.heads.iter().filter(|head| !change.deps.contains(&head.hash)).copied().collect();
    heads.push(Head { hash: change.hash, max_op: change.max_op, step });
    heads.sort();
    let next = DocumentState {
        heads,
        max_op: state.max_op.max(change.max_op),
        last: seq,
        changes: state.changes + 1,
        row: add_place(sheet, id, state.row, seq)?,
        newest: standing().map(|slot| slot.key.record.0).fold(state.newest, u128::max),
        ..state.clone()
    };
    put(sheet, key::document(&id.0), &next);
    put(sheet, key::change(id, &change.hash), &ChangeState { max_op: change.max_op, step, seq });
    put(sheet, key::actor(id, &change.actor), &ActorState { seq: change.seq, hash: change.hash });
    for slot in standing() {
        // A goal may come in the very change that assigns it, before or behind the assignment.
        let beside = |key: &SlotKey| {
            slots.iter().find(|slot| slot.key == *key).and_then(|slot| policy::known_of(slot, &|_| None))
        };
        let find = |key: &SlotKey| match beside(key) {
            Some(known) => Ok(Some(known)),
            None => known_standing(&Index(sheet), id, key),
        };
        let known = look_up(find, |find| policy::known_of(slot, find))?;
        let standing = Standing {
            seq,
            hash: contents.get(&slot.key).copied().unwrap_or_else(|| slot.content_hash()),
            container: slot.container.clone(),
            discipline: known.as_ref().and_then(|known| known.discipline.clone()),
            edits: known.and_then(|known| known.edits),
        };
        put(sheet, key::slot(id, &slot.key), &standing);
    }
    Ok(())
}

/// Returns what the index knows of a record that stands.
pub(crate) fn known_standing(
    index: &Index<'_>,
    document: DocumentId,
    key: &SlotKey,
) -> Result<Option<Known>, KvError> {
    let Some(standing) = index.slot(document, key)? else { return Ok(None) };
    let kind = RecordKind::of_container(&standing.container);
    Ok(kind.map(|kind| Known {
        kind,
        owner: key.member,
        discipline: standing.discipline,
        edits: standing.edits,
    }))
}
