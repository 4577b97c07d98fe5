//! A document as it is founded: its maps and first heads, and the same again where a new life of it begins.

use super::put;
use crate::document::container::Containers;
use crate::document::founding::founding;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::server::index::changes::add_place;
use crate::exchange::server::index::{ActorState, ChangeState, DocumentState, Head, Index, key};
use crate::ids::DocumentId;
use crate::kv::{KvError, Overlay};

/// Returns where the founded maps of a document with so many steps are.
pub fn containers(name: &DocumentName, steps: u32) -> Containers {
    containers_in(name.id(), name.kind, steps)
}

/// Returns the same where the document's id is at hand, which a name has to be hashed for.
pub(crate) fn containers_in(document: DocumentId, kind: DocumentKind, steps: u32) -> Containers {
    let all = schema::steps(kind);
    let steps = (steps as usize).min(all.len());
    Containers::of(document, &all[..steps])
}

pub(super) fn apply_founded(
    sheet: &mut Overlay<'_>,
    seq: u64,
    name: &DocumentName,
    step: u32,
) -> Result<(), KvError> {
    let id = name.id();
    let chain = founding(id, schema::steps(name.kind));
    let made =
        (step as usize).checked_sub(1).and_then(|at| chain.get(at)).ok_or(KvError::Damaged("founding"))?;
    let known = Index(sheet).document(id)?;
    let mut heads = known.as_ref().map(|state| state.heads.clone()).unwrap_or_default();
    // A schema step depends on the founding chain alone: it stands beside what was written since.
    let before = step.checked_sub(2).and_then(|at| chain.get(at as usize)).map(|before| before.hash);
    heads.retain(|head| Some(head.hash) != before);
    heads.push(Head { hash: made.hash, max_op: made.max_op, step });
    heads.sort();
    let state = DocumentState {
        name: name.clone(),
        steps: step,
        incarnation: Index(sheet).incarnation(id)?,
        heads,
        max_op: known.as_ref().map_or(0, |state| state.max_op).max(made.max_op),
        last: seq,
        changes: known.as_ref().map_or(0, |state| state.changes),
        renewed: known.as_ref().map_or(0, |state| state.renewed),
        row: known.as_ref().map_or(0, |state| state.row),
        newest: known.map_or(0, |state| state.newest),
    };
    put(sheet, key::document(&id.0), &state);
    sheet.put(key::documents(&[&name.subject.0, &id.0]), Vec::new());
    put(sheet, key::change(id, &made.hash), &ChangeState { max_op: made.max_op, step, seq });
    let founder = crate::document::container::founder(id);
    put(sheet, key::actor(id, &founder), &ActorState { seq: u64::from(step), hash: made.hash });
    Ok(())
}

/// The document is as it was founded, in another life; the entries that follow say anew what it says.
pub(super) fn apply_replaced(
    sheet: &mut Overlay<'_>,
    seq: u64,
    document: DocumentId,
    incarnation: u32,
    without: &[(SlotKey, ContentHash)],
) -> Result<(), KvError> {
    put(sheet, key::incarnation(&document.0), &incarnation);
    for (slot, content) in without {
        sheet.put(key::taken_out(document, slot, content), Vec::new());
    }
    let Some(state) = Index(sheet).document(document)? else { return Ok(()) };
    forget_document(sheet, document)?;
    sheet.delete(key::document(&document.0));
    for step in 1..=state.steps {
        apply_founded(sheet, seq, &state.name, step)?;
    }
    if let Some(state) = Index(sheet).document(document)? {
        // Whoever follows the document is told here that it is another one now.
        let row = add_place(sheet, document, state.row, seq)?;
        put(sheet, key::document(&document.0), &DocumentState { renewed: seq, row, ..state });
    }
    Ok(())
}

/// Forgets what a document says and how it came about; its readers and holds stay.
pub(super) fn forget_document(sheet: &mut Overlay<'_>, document: DocumentId) -> Result<(), KvError> {
    for table in [key::TABLE_CHANGE, key::TABLE_ACTOR, key::TABLE_SLOT, key::TABLE_CHANGES] {
        let prefix = key::of(table, &[&document.0]);
        for (rest, _) in Index(sheet).scan(prefix.clone())? {
            sheet.delete([prefix.as_slice(), &rest].concat());
        }
    }
    Ok(())
}
