//! The index's keys: the first byte is the table, the rest fixed-width parts, so that keys sort by their parts.

use crate::document::change::ChangeHash;
use crate::document::slot::{ContentHash, SlotKey};
use crate::ids::{DeviceId, DocumentId, HoldId, PersonId};

pub(crate) fn of(table: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = Vec::with_capacity(1 + parts.iter().map(|part| part.len()).sum::<usize>());
    key.push(table);
    parts.iter().for_each(|part| key.extend_from_slice(part));
    key
}

/// The tables of what a document says.
pub(crate) const TABLE_CHANGE: u8 = b'c';
pub(crate) const TABLE_ACTOR: u8 = b'a';
pub(crate) const TABLE_SLOT: u8 = b's';
pub(crate) const TABLE_CHANGES: u8 = b'e';

fn slot_bytes(slot: &SlotKey) -> Vec<u8> {
    let mut bytes = [slot.member.0, slot.record.to_bytes()].concat();
    bytes.extend(slot.twin.iter().flat_map(|hash| hash.0));
    bytes
}

pub(crate) fn organisation() -> Vec<u8> {
    of(b'o', &[b"organisation"])
}
/// Number of the piece.
pub(crate) fn calendar() -> Vec<u8> {
    of(b'y', &[])
}
pub(crate) fn day() -> Vec<u8> {
    of(b'o', &[b"day"])
}
pub(crate) fn policy() -> Vec<u8> {
    of(b'o', &[b"policy"])
}
pub(crate) fn restored() -> Vec<u8> {
    of(b'o', &[b"restored"])
}
pub(crate) fn horizon() -> Vec<u8> {
    of(b'o', &[b"horizon"])
}
/// Life of the log.
pub(crate) fn life(log: &[u8]) -> Vec<u8> {
    of(b'l', &[log])
}
/// Device: what the register says of it, known here or not.
pub(crate) fn banned(device: &[u8]) -> Vec<u8> {
    of(b'x', &[device])
}
/// Document that was destroyed.
pub(crate) fn gone(document: &[u8]) -> Vec<u8> {
    of(b'X', &[document])
}
/// Document, known here or not: the life that it is in.
pub(crate) fn incarnation(document: &[u8]) -> Vec<u8> {
    of(b'j', &[document])
}
/// Document, slot, hash of what it said: a record that was taken out.
pub(crate) fn taken_out(document: DocumentId, slot: &SlotKey, content: &ContentHash) -> Vec<u8> {
    of(b'z', &[&document.0, &slot_bytes(slot), &content.0])
}
pub(crate) fn school(id: &[u8]) -> Vec<u8> {
    of(b'L', &[id])
}
pub(crate) fn person(id: &[u8]) -> Vec<u8> {
    of(b'P', &[id])
}
pub(crate) fn student(id: &[u8]) -> Vec<u8> {
    of(b'S', &[id])
}
pub(crate) fn guardian(id: &[u8]) -> Vec<u8> {
    of(b'U', &[id])
}
/// Roster row, number of the piece.
pub(crate) fn roster(row: &[u8]) -> Vec<u8> {
    of(b'i', &[row])
}
pub(crate) fn grant(id: &[u8]) -> Vec<u8> {
    of(b'G', &[id])
}
/// Student, person, grant.
pub(crate) fn team(parts: &[&[u8]]) -> Vec<u8> {
    of(b'T', parts)
}
/// Person, student, grant.
pub(crate) fn places(parts: &[&[u8]]) -> Vec<u8> {
    of(b'Q', parts)
}
/// Day as `YYYY-MM-DD`, grant.
pub(crate) fn due(parts: &[&[u8]]) -> Vec<u8> {
    of(b'Z', parts)
}
pub(crate) fn device(id: &[u8]) -> Vec<u8> {
    of(b'D', &[id])
}
pub(crate) fn code(hash: &ContentHash) -> Vec<u8> {
    of(b'K', &[&hash.0])
}
pub(crate) fn document(id: &[u8]) -> Vec<u8> {
    of(b'C', &[id])
}
/// Student, document.
pub(crate) fn documents(parts: &[&[u8]]) -> Vec<u8> {
    of(b'd', parts)
}
pub(crate) fn change(document: DocumentId, hash: &ChangeHash) -> Vec<u8> {
    of(TABLE_CHANGE, &[&document.0, &hash.0])
}
pub(crate) fn actor(document: DocumentId, actor: &[u8; 16]) -> Vec<u8> {
    of(TABLE_ACTOR, &[&document.0, actor])
}
pub(crate) fn slot(document: DocumentId, slot: &SlotKey) -> Vec<u8> {
    of(TABLE_SLOT, &[&document.0, &slot_bytes(slot)])
}
/// Document, place in the log of the first of them: some of its changes.
pub(crate) fn changes(document: DocumentId, seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(u64::to_be_bytes);
    of(TABLE_CHANGES, &[&document.0, seq.as_ref().map_or(&[], |seq| seq)])
}
/// Person, place in the log: what is for that person alone.
pub(crate) fn mail(person: PersonId, seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(u64::to_be_bytes);
    of(b'p', &[&person.0, seq.as_ref().map_or(&[], |seq| seq)])
}
/// Person, document.
pub(crate) fn reading(parts: &[&[u8]]) -> Vec<u8> {
    of(b'b', parts)
}
/// Document, person.
pub(crate) fn readers(parts: &[&[u8]]) -> Vec<u8> {
    of(b'r', parts)
}
/// Hold, number of the piece.
pub(crate) fn hold(id: &[u8]) -> Vec<u8> {
    of(b'h', &[id])
}
/// Document, hold: those that wait.
pub(crate) fn waiting(parts: &[&[u8]]) -> Vec<u8> {
    of(b'w', parts)
}
/// Author, hold: all of them.
pub(crate) fn authored(parts: &[&[u8]]) -> Vec<u8> {
    of(b'A', parts)
}
/// Document, slot, hold: which holds would make this slot.
pub(crate) fn held(document: DocumentId, slot: &SlotKey, hold: Option<HoldId>) -> Vec<u8> {
    let twinless = SlotKey { twin: None, ..*slot };
    let hold = hold.map(|hold| hold.0);
    of(b'H', &[&document.0, &slot_bytes(&twinless), hold.as_ref().map_or(&[], |hold| hold)])
}
/// All of them in a document.
pub(crate) fn held_in(document: DocumentId) -> Vec<u8> {
    of(b'H', &[&document.0])
}
/// Document, slot that is built on, hold: which waiting holds build on this slot.
pub(crate) fn on_top(document: DocumentId, slot: &SlotKey, hold: Option<HoldId>) -> Vec<u8> {
    let hold = hold.map(|hold| hold.0);
    // Padded, so that no row of a twin begins like the row of the record beside which it stands.
    let mut slot = slot_bytes(slot);
    slot.resize(48, 0);
    of(b't', &[&document.0, &slot, hold.as_ref().map_or(&[], |hold| hold)])
}
/// All of them in a document.
pub(crate) fn on_top_in(document: DocumentId) -> Vec<u8> {
    of(b't', &[&document.0])
}
/// Place in the log, counted down, so that the newest stands first: what was refused there.
pub(crate) fn refusal(seq: Option<u64>) -> Vec<u8> {
    let seq = seq.map(|seq| (u64::MAX - seq).to_be_bytes());
    of(b'R', &[seq.as_ref().map_or(&[], |seq| seq)])
}
pub(crate) fn quota(device: DeviceId) -> Vec<u8> {
    of(b'q', &[&device.0])
}
/// Person, fact's name.
pub(crate) fn fact(person: PersonId, name: &str) -> Vec<u8> {
    of(b'f', &[&person.0, name.as_bytes()])
}
