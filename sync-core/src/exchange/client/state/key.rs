//! The keys of a tablet's store: a letter for the table, then what the row is of. Ids sort by their bytes, and places by their numbers.

use crate::document::slot::SlotKey;
use crate::ids::{ActId, DocumentId};

pub(crate) const META: u8 = b'm';
pub(crate) const COPIES: u8 = b'C';
pub(crate) const CHANGES: u8 = b'c';
pub(crate) const WAITING: u8 = b'w';
pub(crate) const SLOTS: u8 = b's';
pub(crate) const ACTS: u8 = b'A';
pub(crate) const ACT_NUMBERS: u8 = b'a';
pub(crate) const KEPT: u8 = b'k';
pub(crate) const SEALED: u8 = b'K';
pub(crate) const OFFERS: u8 = b'O';
pub(crate) const STALE_HOLDS: u8 = b'1';
pub(crate) const STALE_FACTS: u8 = b'2';
pub(crate) const HOLDS: u8 = b'h';
pub(crate) const FACTS: u8 = b'f';
pub(crate) const PURGES: u8 = b'p';
pub(crate) const WITHDRAWALS: u8 = b'W';
pub(crate) const SEEN: u8 = b'S';

fn of(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![table];
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

pub(crate) fn meta(name: &str) -> Vec<u8> {
    of(META, &[name.as_bytes()])
}

pub(crate) fn copy(id: &[u8]) -> Vec<u8> {
    of(COPIES, &[id])
}

/// Document, place in the log: a change of the copy; at place 0 its snapshot.
pub(crate) fn change(document: DocumentId, seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(u64::to_be_bytes);
    of(CHANGES, &[&document.0, seq.as_ref().map_or(&[], |seq| seq)])
}

/// Document, place in the log: a change that waits for the snapshot.
pub(crate) fn waiting(document: DocumentId, seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(u64::to_be_bytes);
    of(WAITING, &[&document.0, seq.as_ref().map_or(&[], |seq| seq)])
}

/// Document, slot's key, container.
pub(crate) fn slot(document: DocumentId, slot: Option<(&SlotKey, &str)>) -> Vec<u8> {
    let mut key = of(SLOTS, &[&document.0]);
    if let Some((slot, container)) = slot {
        key.extend(slot.member.0);
        key.extend(slot.record.to_bytes());
        key.extend(slot.twin.map_or([0; 16], |twin| twin.0));
        key.extend(container.as_bytes());
    }
    key
}

/// Document, slot's key: in whatever container.
pub(crate) fn slots_of(document: DocumentId, slot: &SlotKey) -> Vec<u8> {
    self::slot(document, Some((slot, "")))
}

pub(crate) fn act(number: Option<u64>) -> Vec<u8> {
    let number = number.map(u64::to_be_bytes);
    of(ACTS, &[number.as_ref().map_or(&[], |number| number)])
}

/// Document, act.
pub(crate) fn act_number(document: DocumentId, act: ActId) -> Vec<u8> {
    of(ACT_NUMBERS, &[&document.0, &act.0])
}

/// Document, act: what is known of its sealed copy.
pub(crate) fn kept(parts: &[&[u8]]) -> Vec<u8> {
    of(KEPT, parts)
}

/// Document, act: its sealed copy.
pub(crate) fn sealed(parts: &[&[u8]]) -> Vec<u8> {
    of(SEALED, parts)
}

/// Document of which a restored server is yet to be offered something.
pub(crate) fn offer(id: &[u8]) -> Vec<u8> {
    of(OFFERS, &[id])
}

/// Hold that has not been told anew.
pub(crate) fn stale_hold(id: &[u8]) -> Vec<u8> {
    of(STALE_HOLDS, &[id])
}

/// Fact that has not been told anew.
pub(crate) fn stale_fact(name: &[u8]) -> Vec<u8> {
    of(STALE_FACTS, &[name])
}

pub(crate) fn hold(id: &[u8]) -> Vec<u8> {
    of(HOLDS, &[id])
}

pub(crate) fn fact(name: &str) -> Vec<u8> {
    fact_bytes(name.as_bytes())
}

pub(crate) fn fact_bytes(name: &[u8]) -> Vec<u8> {
    of(FACTS, &[name])
}

pub(crate) fn purge(id: &[u8]) -> Vec<u8> {
    of(PURGES, &[id])
}

pub(crate) fn withdrawal(id: &[u8]) -> Vec<u8> {
    of(WITHDRAWALS, &[id])
}

/// Hold: a decided one that the person was shown.
pub(crate) fn seen(id: &[u8]) -> Vec<u8> {
    of(SEEN, &[id])
}
