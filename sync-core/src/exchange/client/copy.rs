//! Copies: founded, grown change by change, or taken whole from a snapshot.

use crate::document::change::{ChangeHash, Outline, outline};
use crate::document::collect::slots_of_change;
use crate::document::container::Containers;
use crate::document::copy::slots_of_document;
use crate::document::founding::{founding, learn};
use crate::document::name::DocumentName;
use crate::document::schema;
use crate::document::slot::Slot;
use crate::exchange::client::again::note_seen;
use crate::exchange::client::state::{CopyState, Phase, Tablet, delete_all, key, put};
use crate::exchange::message::Cursor;
use crate::ids::{DeviceId, DocumentId};
use crate::kv::{KvError, KvRead, Overlay, Write};
use crate::seeded::{Bug, seeded};

/// Why a copy could not be brought on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] KvError),
    /// What the server sent is not a change or a document that this build can read; the copy is as it was.
    #[error("what the server sent cannot be read")]
    Unreadable,
    /// The snapshot is older than the place from which the document is read; ask again.
    #[error("the snapshot is older than what was asked for")]
    TooOld,
    /// No snapshot of this document is wanted any more.
    #[error("no snapshot of this document is wanted")]
    NotWanted,
}

/// Founds a copy, as the server founded the document: the same bytes.
pub(crate) fn found(sheet: &mut Overlay<'_>, name: &DocumentName, incarnation: u32) -> Result<(), KvError> {
    let id = name.id();
    clear(sheet, id)?;
    let chain = founding(id, schema::steps(name.kind));
    let last = chain.last();
    let state = CopyState {
        name: name.clone(),
        incarnation,
        steps: chain.len() as u32,
        heads: last.map(|founding| founding.hash).into_iter().collect(),
        max_op: last.map_or(0, |founding| founding.max_op),
        own: None,
        last: 0,
        snapshot: 0,
        changes: 0,
        phase: Phase::Whole,
    };
    put(sheet, key::copy(&id.0), &state);
    Ok(())
}

/// Removes a copy's content, and keeps what waits beside it out as well.
pub(crate) fn clear(sheet: &mut Overlay<'_>, id: DocumentId) -> Result<(), KvError> {
    delete_all(sheet, &key::slot(id, None))?;
    delete_all(sheet, &key::change(id, None))?;
    delete_all(sheet, &key::waiting(id, None))
}

/// Adds a change to a copy, or lays it aside while the copy is being fetched. The same change twice is harmless.
pub(crate) fn add_change(
    sheet: &mut Overlay<'_>,
    device: DeviceId,
    document: DocumentId,
    seq: u64,
    bytes: &[u8],
) -> Result<(), CopyError> {
    let Some(copy) = Tablet(sheet).copy(document)? else { return Ok(()) };
    match copy.phase {
        Phase::Fetching { .. } => {
            sheet.put(key::waiting(document, Some(seq)), bytes.to_vec());
            Ok(())
        }
        Phase::Whole => grow(sheet, device, copy, seq, bytes),
    }
}

fn grow(
    sheet: &mut Overlay<'_>,
    device: DeviceId,
    copy: CopyState,
    seq: u64,
    bytes: &[u8],
) -> Result<(), CopyError> {
    let id = copy.name.id();
    // A snapshot may be newer than the cursor: what it has comes once more.
    if seq <= copy.last {
        return Ok(());
    }
    let change = outline(bytes).map_err(|_| CopyError::Unreadable)?;
    let mut places = Containers::of(id, schema::steps(copy.name.kind));
    let step = learn(&mut places, bytes).map_err(|_| CopyError::Unreadable)?;
    let slots =
        if step { Vec::new() } else { slots_of_change(&places, bytes).map_err(|_| CopyError::Unreadable)? };
    put_slots(sheet, id, &slots);
    sheet.put(key::change(id, Some(seq)), bytes.to_vec());
    let next = CopyState { changes: copy.changes + u64::from(!step), ..after(copy, device, &change, seq) };
    put(sheet, key::copy(&id.0), &next);
    Ok(())
}

fn after(copy: CopyState, device: DeviceId, change: &Outline, seq: u64) -> CopyState {
    let mut heads: Vec<ChangeHash> =
        copy.heads.iter().filter(|head| !change.deps.contains(head)).copied().collect();
    heads.push(change.hash);
    heads.sort();
    let own = if change.actor == device.0 { Some((change.seq, change.hash)) } else { copy.own };
    CopyState { heads, own, max_op: copy.max_op.max(change.max_op), last: seq, ..copy }
}

fn put_slots(sheet: &mut Overlay<'_>, document: DocumentId, slots: &[Slot]) {
    for slot in slots {
        put(sheet, key::slot(document, Some((&slot.key, &slot.container))), slot);
    }
}

/// A snapshot that was fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fetched<'a> {
    /// Which life of the document it is.
    pub incarnation: u32,
    /// The place in the log up to which it is complete.
    pub seq: u64,
    /// What the server shows for that place; none from one that shows nothing.
    pub mark: Option<Cursor>,
    /// The saved document.
    pub bytes: &'a [u8],
}

/// Takes a snapshot as a document's copy, and adds what came meanwhile.
///
/// # Errors
/// [`CopyError`]; nothing is to be written then.
pub fn fetched(
    store: &dyn KvRead,
    device: DeviceId,
    document: DocumentId,
    got: &Fetched<'_>,
) -> Result<Vec<Write>, CopyError> {
    let Fetched { incarnation, seq, mark, bytes: snapshot } = *got;
    let mut sheet = Overlay::new(store);
    let copy = Tablet(&sheet).copy(document)?.ok_or(CopyError::NotWanted)?;
    let Phase::Fetching { at_least } = copy.phase else { return Err(CopyError::NotWanted) };
    if (seq < at_least && !seeded(Bug::SnapshotOlderThanBegin)) || incarnation != copy.incarnation {
        return Err(CopyError::TooOld);
    }
    let opened = slots_of_document(document, snapshot).map_err(|_| CopyError::Unreadable)?;
    let waiting = Tablet(&sheet).scan(&key::waiting(document, None))?;
    clear(&mut sheet, document)?;
    put_slots(&mut sheet, document, &opened.slots);
    sheet.put(key::change(document, Some(0)), snapshot.to_vec());
    let own = opened.tip_of(&device.0).map(|tip| (tip.seq, tip.hash));
    let mut copy = CopyState {
        steps: opened.containers.steps(),
        heads: opened.heads.clone(),
        max_op: opened.max_op,
        own,
        last: seq,
        snapshot: seq,
        changes: opened.changes(),
        phase: Phase::Whole,
        ..copy
    };
    put(&mut sheet, key::copy(&document.0), &copy);
    // What lies between the cursor and the snapshot's place no cursor vouches for: a folder may be set back to between the two. So the next
    // request shows that place, too. Where there is nothing to show, the copies are compared as soon as the cursor is there, whatever was
    // compared today.
    let cursor = Tablet(&sheet).cursor()?;
    if cursor.is_none_or(|cursor| cursor.seq < seq) {
        let mark = mark.filter(|mark| mark.seq == seq && cursor.is_some_and(|cursor| cursor.log == mark.log));
        match mark {
            Some(mark) => note_seen(&mut sheet, &mark)?,
            None => sheet.delete(key::meta("listed on")),
        }
    }
    for (place, bytes) in waiting {
        let place = place.try_into().map(u64::from_be_bytes).map_err(|_| KvError::Damaged("key"))?;
        if place > seq {
            grow(&mut sheet, device, copy, place, &bytes)?;
            copy = Tablet(&sheet).copy(document)?.ok_or(CopyError::NotWanted)?;
        }
    }
    Ok(sheet.into_writes())
}
