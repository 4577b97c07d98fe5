//! The index: what the server must know at once, all of it derivable from the log.
//!
//! One ordered space of keys, a table for each first byte. Reading goes through [`Index`]; writing only through
//! [`apply`](super::apply), which a rebuild uses as well.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::document::change::ChangeHash;
use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::codec;
use crate::exchange::message::EndReason;
use crate::exchange::register::Life;
use crate::exchange::server::entry::{Hold, Organisation, RestoredBy, RosterSaid, Standing};
use crate::exchange::server::row::decode;
use crate::ids::{
    DeviceId, DocumentId, GrantId, GuardianId, HoldId, LogId, PersonId, RosterRowId, SchoolId, StudentId,
};
use crate::kv::{KvError, KvRead, Pair, prefix_end};
use crate::roster::calendar::Calendar;
use crate::roster::reading::Roles;
use crate::roster::{Device, DeviceState, Grant, Guardian, Person, School, Student};
use crate::time::Moment;

/// Bytes of one row's value: what every keeper of an index takes without writing it to a file of its own.
pub const ROW_BYTES_MAX: usize = 3_072;

/// Takes a value apart into rows of at most [`ROW_BYTES_MAX`] bytes. The length comes first, so that rows left over from a longer value
/// do not matter.
pub(crate) fn pieces<T: Serialize>(prefix: &[u8], value: &T) -> Vec<Pair> {
    let value = codec::to_bytes(value);
    let whole = [(value.len() as u32).to_be_bytes().as_slice(), &value].concat();
    let rows = (0u16..).zip(whole.chunks(ROW_BYTES_MAX));
    rows.map(|(number, piece)| ([prefix, &number.to_be_bytes()].concat(), piece.to_vec())).collect()
}

/// Rows that one scan of the index fetches at a time.
const SCAN_ROWS: usize = 1_024;

/// What the index keeps of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentState {
    /// Its full name.
    pub name: DocumentName,
    /// The founding steps that it has.
    pub steps: u32,
    /// Which life of it this is.
    pub incarnation: u32,
    /// Its heads, sorted.
    pub heads: Vec<ChangeHash>,
    /// The highest operation counter in it.
    pub max_op: u64,
    /// Where in the log its last change stands.
    pub last: u64,
    /// How many changes it has beside its founding.
    pub changes: u64,
    /// Where in the log its present life began; 0 in its first.
    #[serde(default)]
    pub renewed: u64,
}

/// What the index keeps of a stored change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeState {
    /// Its highest operation counter.
    pub max_op: u64,
    /// The highest founding step among it and its ancestors.
    pub step: u32,
    /// Its place in the log.
    pub seq: u64,
}

/// The last change of an actor in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorState {
    /// Its number among the actor's changes.
    pub seq: u64,
    /// Its hash.
    pub hash: ChangeHash,
}

/// What a person has of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// Where in the log it last began.
    pub begun: u64,
    /// As what the person stands, while it lasts.
    pub roles: Roles,
    /// Where it ended, and why, if it did.
    pub ended: Option<(u64, EndReason)>,
}

/// A pairing code that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeState {
    /// For whom.
    pub person: PersonId,
    /// Until when.
    pub expires: Moment,
    /// Whether a device was paired with it.
    pub used: bool,
}

/// What a device has waiting and refused, against its quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Quota {
    /// Holds that wait.
    pub waiting: u64,
    /// Bytes of refused envelopes.
    pub refused_bytes: u64,
}

/// What the index keeps of the last restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// The life of the log that began with it.
    pub log: LogId,
    /// Why.
    pub by: RestoredBy,
    /// Where in the log it stands.
    pub seq: u64,
    /// Whether an administrator has yet to confirm it: nothing goes down, and nothing new is taken.
    pub waiting: bool,
    /// Acts that stand again by their receipts.
    pub resent: u64,
    /// Holds of what only copies still had.
    pub recovered: u64,
}

/// The index's keys: the first byte is the table, the rest fixed-width parts, so that keys sort by their parts.
pub(crate) mod key {
    use super::*;

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
    pub(crate) fn restored() -> Vec<u8> {
        of(b'o', &[b"restored"])
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
    /// Document, place in the log: its changes.
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
    /// Document, slot that is built on, hold: which waiting holds build on this slot.
    pub(crate) fn on_top(document: DocumentId, slot: &SlotKey, hold: Option<HoldId>) -> Vec<u8> {
        let hold = hold.map(|hold| hold.0);
        // Padded, so that no row of a twin begins like the row of the record beside which it stands.
        let mut slot = slot_bytes(slot);
        slot.resize(48, 0);
        of(b't', &[&document.0, &slot, hold.as_ref().map_or(&[], |hold| hold)])
    }
    pub(crate) fn quota(device: DeviceId) -> Vec<u8> {
        of(b'q', &[&device.0])
    }
    /// Person, fact's name.
    pub(crate) fn fact(person: PersonId, name: &str) -> Vec<u8> {
        of(b'f', &[&person.0, name.as_bytes()])
    }
}

/// Reads the index.
#[derive(Clone, Copy)]
pub struct Index<'a>(pub &'a dyn KvRead);

impl<'a> Index<'a> {
    pub(crate) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, KvError> {
        self.0.get(key)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Reads a value that may be larger than one row: see [`pieces`].
    pub(crate) fn read_pieces<T: DeserializeOwned>(&self, prefix: Vec<u8>) -> Result<Option<T>, KvError> {
        let whole: Vec<u8> = self.scan(prefix)?.into_iter().flat_map(|(_, piece)| piece).collect();
        let Some((length, rest)) = whole.split_first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        let value = rest.get(..length).ok_or(KvError::Damaged("pieces"))?;
        // These travel and stand in the log, too, and are encoded in the one way for all of that.
        codec::from_bytes(value).map(Some).map_err(|_| KvError::Damaged("pieces"))
    }

    /// Returns all keys of a table part, without the prefix, with their values.
    pub(crate) fn scan(&self, prefix: Vec<u8>) -> Result<Vec<Pair>, KvError> {
        let (end, mut start, mut all) = (prefix_end(&prefix), prefix.clone(), Vec::new());
        loop {
            let rows = self.0.range(&start, &end, SCAN_ROWS)?;
            let full = rows.len() == SCAN_ROWS;
            if let Some((last, _)) = rows.last() {
                start = [last.as_slice(), &[0]].concat();
            }
            all.extend(rows.into_iter().map(|(key, value)| (key[prefix.len()..].to_vec(), value)));
            if !full {
                return Ok(all);
            }
        }
    }

    fn values<T: DeserializeOwned>(&self, prefix: Vec<u8>) -> Result<Vec<T>, KvError> {
        self.scan(prefix)?.iter().map(|(_, value)| decode(value)).collect()
    }

    /// Returns the organisation; none before its first entry.
    pub fn organisation(&self) -> Result<Option<Organisation>, KvError> {
        self.read(&key::organisation())
    }

    /// Returns the terms.
    pub fn calendar(&self) -> Result<Calendar, KvError> {
        Ok(self.read_pieces(key::calendar())?.unwrap_or_default())
    }

    /// Returns the last restore; none where there never was one.
    pub fn restored(&self) -> Result<Option<Restored>, KvError> {
        self.read(&key::restored())
    }

    /// Returns every life of the log that a restore has told of; none before the first.
    pub fn lives(&self) -> Result<Vec<Life>, KvError> {
        self.values(key::life(&[]))
    }

    /// Returns the devices that are known by their certificates alone.
    pub fn unconfirmed(&self) -> Result<Vec<Device>, KvError> {
        Ok(self.devices()?.into_iter().filter(|device| device.state == DeviceState::Unconfirmed).collect())
    }

    /// Returns the documents that are parked: nobody has named the student whose they are.
    pub fn parked(&self) -> Result<Vec<DocumentName>, KvError> {
        let mut parked = Vec::new();
        for document in self.values::<DocumentState>(key::document(&[]))? {
            if self.student(document.name.subject)?.is_none() {
                parked.push(document.name);
            }
        }
        Ok(parked)
    }

    /// Returns what the register says of a device, known here or not; none where it may speak.
    pub fn banned(&self, device: DeviceId) -> Result<Option<DeviceState>, KvError> {
        self.read(&key::banned(&device.0))
    }

    /// Returns whether a document was destroyed.
    pub fn is_gone(&self, document: DocumentId) -> Result<bool, KvError> {
        Ok(self.0.get(&key::gone(&document.0))?.is_some())
    }

    /// Returns which life a document is in, or will be founded in.
    pub fn incarnation(&self, document: DocumentId) -> Result<u32, KvError> {
        Ok(self.read(&key::incarnation(&document.0))?.unwrap_or_default())
    }

    /// Returns whether a record that says this was taken out of a document.
    pub fn is_taken_out(
        &self,
        document: DocumentId,
        slot: &SlotKey,
        content: &ContentHash,
    ) -> Result<bool, KvError> {
        Ok(self.0.get(&key::taken_out(document, slot, content))?.is_some())
    }

    /// Returns the school day up to which grants have begun and ended.
    pub fn day(&self) -> Result<Option<jiff::civil::Date>, KvError> {
        self.read(&key::day())
    }

    /// Returns a school.
    pub fn school(&self, id: SchoolId) -> Result<Option<School>, KvError> {
        self.read(&key::school(&id.0))
    }

    /// Returns all schools.
    pub fn schools(&self) -> Result<Vec<School>, KvError> {
        self.values(key::school(&[]))
    }

    /// Returns a person.
    pub fn person(&self, id: PersonId) -> Result<Option<Person>, KvError> {
        self.read(&key::person(&id.0))
    }

    /// Returns all people.
    pub fn people(&self) -> Result<Vec<Person>, KvError> {
        self.values(key::person(&[]))
    }

    /// Returns a student.
    pub fn student(&self, id: StudentId) -> Result<Option<Student>, KvError> {
        self.read(&key::student(&id.0))
    }

    /// Returns all students.
    pub fn students(&self) -> Result<Vec<Student>, KvError> {
        self.values(key::student(&[]))
    }

    /// Returns a guardian.
    pub fn guardian(&self, id: GuardianId) -> Result<Option<Guardian>, KvError> {
        self.read(&key::guardian(&id.0))
    }

    /// Returns all guardians.
    pub fn guardians(&self) -> Result<Vec<Guardian>, KvError> {
        self.values(key::guardian(&[]))
    }

    /// Returns what the roster said last of a row, by field; nothing before the row was first imported.
    pub fn roster_said(&self, row: RosterRowId) -> Result<BTreeMap<String, RosterSaid>, KvError> {
        Ok(self.read_pieces(key::roster(&row.0))?.unwrap_or_default())
    }

    /// Returns a grant.
    pub fn grant(&self, id: GrantId) -> Result<Option<Grant>, KvError> {
        self.read(&key::grant(&id.0))
    }

    /// Returns all grants on a student's team, past and coming ones too.
    pub fn team(&self, student: StudentId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::team(&[&student.0]), 16)
    }

    /// Returns a person's grants on a student's team, past and coming ones too.
    pub fn grants_of(&self, student: StudentId, person: PersonId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::team(&[&student.0, &person.0]), 0)
    }

    /// Returns all places of a person, past and coming ones too.
    pub fn places(&self, person: PersonId) -> Result<Vec<Grant>, KvError> {
        self.grants(key::places(&[&person.0]), 16)
    }

    /// Returns all grants of the organisation.
    pub fn all_grants(&self) -> Result<Vec<Grant>, KvError> {
        self.values(key::grant(&[]))
    }

    fn grants(&self, prefix: Vec<u8>, skip: usize) -> Result<Vec<Grant>, KvError> {
        let rows = self.scan(prefix)?;
        let ids = rows.iter().map(|(rest, _)| id_at(rest, skip).map(GrantId));
        ids.filter_map(|id| id.and_then(|id| self.grant(id)).transpose()).collect()
    }

    /// Returns a device.
    pub fn device(&self, id: DeviceId) -> Result<Option<Device>, KvError> {
        self.read(&key::device(&id.0))
    }

    /// Returns all devices.
    pub fn devices(&self) -> Result<Vec<Device>, KvError> {
        self.values(key::device(&[]))
    }

    /// Returns the pairing codes whose keyed hash begins with `locator`.
    pub fn codes_behind(&self, locator: [u8; 8]) -> Result<Vec<(ContentHash, CodeState)>, KvError> {
        let rows = self.scan(key::of(b'K', &[&locator]))?;
        let code = |(rest, value): &Pair| {
            let hash: [u8; 16] =
                [locator.as_slice(), rest].concat().try_into().map_err(|_| KvError::Damaged("code"))?;
            Ok((ContentHash(hash), decode(value)?))
        };
        rows.iter().map(code).collect()
    }

    /// Returns a pairing code by its keyed hash.
    pub fn code(&self, hash: &ContentHash) -> Result<Option<CodeState>, KvError> {
        self.read(&key::code(hash))
    }

    /// Returns a document.
    pub fn document(&self, id: DocumentId) -> Result<Option<DocumentState>, KvError> {
        self.read(&key::document(&id.0))
    }

    /// Returns a student's documents.
    pub fn documents(&self, student: StudentId) -> Result<Vec<DocumentState>, KvError> {
        let rows = self.scan(key::documents(&[&student.0]))?;
        let ids = rows.iter().map(|(rest, _)| id_at(rest, 0).map(DocumentId));
        ids.filter_map(|id| id.and_then(|id| self.document(id)).transpose()).collect()
    }

    /// Returns a stored change of a document.
    pub fn change(&self, document: DocumentId, hash: &ChangeHash) -> Result<Option<ChangeState>, KvError> {
        self.read(&key::change(document, hash))
    }

    /// Returns an actor's last change in a document.
    pub fn actor(&self, document: DocumentId, actor: &[u8; 16]) -> Result<Option<ActorState>, KvError> {
        self.read(&key::actor(document, actor))
    }

    /// Returns a slot that stands.
    pub fn slot(&self, document: DocumentId, slot: &SlotKey) -> Result<Option<Standing>, KvError> {
        self.read(&key::slot(document, slot))
    }

    /// Returns the places in the log of a document's changes after `after` and up to `until`, at most `limit`.
    pub fn changes(
        &self,
        document: DocumentId,
        after: u64,
        until: u64,
        limit: usize,
    ) -> Result<Vec<u64>, KvError> {
        let start = key::changes(document, Some(after.saturating_add(1)));
        let end = key::changes(document, Some(until.saturating_add(1)));
        self.0.range(&start, &end, limit)?.iter().map(|(key, _)| seq_at_end(key)).collect()
    }

    /// Returns the places in the log of what is for one person alone, after `after` and up to `until`, at most `limit`.
    pub fn mail(&self, person: PersonId, after: u64, until: u64, limit: usize) -> Result<Vec<u64>, KvError> {
        let start = key::mail(person, Some(after.saturating_add(1)));
        let end = key::mail(person, Some(until.saturating_add(1)));
        self.0.range(&start, &end, limit)?.iter().map(|(key, _)| seq_at_end(key)).collect()
    }

    /// Returns what a person has, or had, of a document; none if it was never given.
    pub fn reading(&self, person: PersonId, document: DocumentId) -> Result<Option<Reading>, KvError> {
        self.read(&key::reading(&[&person.0, &document.0]))
    }

    /// Returns whether a person has a document, or ever had it.
    pub fn was_given(&self, person: PersonId, document: DocumentId) -> Result<bool, KvError> {
        Ok(self.0.get(&key::reading(&[&person.0, &document.0]))?.is_some())
    }

    /// Returns all documents that a person has or had.
    pub fn readings(&self, person: PersonId) -> Result<Vec<(DocumentId, Reading)>, KvError> {
        let rows = self.scan(key::reading(&[&person.0]))?;
        rows.iter().map(|(rest, value)| Ok((DocumentId(id_at(rest, 0)?), decode(value)?))).collect()
    }

    /// Returns who reads a document now.
    pub fn readers(&self, document: DocumentId) -> Result<Vec<(PersonId, Reading)>, KvError> {
        let rows = self.scan(key::readers(&[&document.0]))?;
        let mut readers = Vec::new();
        for (rest, _) in &rows {
            let person = PersonId(id_at(rest, 0)?);
            readers.extend(self.reading(person, document)?.map(|reading| (person, reading)));
        }
        Ok(readers)
    }

    /// Returns a hold.
    pub fn hold(&self, id: HoldId) -> Result<Option<Hold>, KvError> {
        self.read_pieces(key::hold(&id.0))
    }

    /// Returns all holds of the organisation, decided ones too.
    pub fn holds(&self) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::authored(&[]), 16)
    }

    /// Returns the waiting holds of a document.
    pub fn waiting(&self, document: DocumentId) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::waiting(&[&document.0]), 0)
    }

    /// Returns the waiting holds of all documents.
    pub fn all_waiting(&self) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::waiting(&[]), 16)
    }

    /// Returns all holds of an author.
    pub fn authored(&self, author: PersonId) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::authored(&[&author.0]), 0)
    }

    /// Returns all holds that would make a slot of this key, or did.
    pub fn held(&self, document: DocumentId, slot: &SlotKey) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::held(document, slot, None), 0)
    }

    /// Returns the waiting holds that build on a slot.
    pub fn on_top(&self, document: DocumentId, slot: &SlotKey) -> Result<Vec<Hold>, KvError> {
        self.holds_at(key::on_top(document, slot, None), 0)
    }

    fn holds_at(&self, prefix: Vec<u8>, skip: usize) -> Result<Vec<Hold>, KvError> {
        let rows = self.scan(prefix)?;
        let ids = rows.iter().map(|(rest, _)| id_at(rest, skip).map(HoldId));
        ids.filter_map(|id| id.and_then(|id| self.hold(id)).transpose()).collect()
    }

    /// Returns what a device has waiting and refused.
    pub fn quota(&self, device: DeviceId) -> Result<Quota, KvError> {
        Ok(self.read(&key::quota(device))?.unwrap_or_default())
    }

    /// Returns the hash of a fact as it was last said to a person; none if it never was or is gone.
    pub fn fact(&self, person: PersonId, name: &str) -> Result<Option<ContentHash>, KvError> {
        self.read(&key::fact(person, name))
    }

    /// Returns the names of all facts that a person has.
    pub fn facts(&self, person: PersonId) -> Result<Vec<String>, KvError> {
        let rows = self.scan(key::fact(person, ""))?;
        rows.into_iter()
            .map(|(rest, _)| String::from_utf8(rest).map_err(|_| KvError::Damaged("fact")))
            .collect()
    }
}

fn id_at(bytes: &[u8], at: usize) -> Result<[u8; 16], KvError> {
    bytes.get(at..at + 16).and_then(|part| part.try_into().ok()).ok_or(KvError::Damaged("key"))
}

fn seq_at_end(key: &[u8]) -> Result<u64, KvError> {
    key.last_chunk::<8>().map(|seq| u64::from_be_bytes(*seq)).ok_or(KvError::Damaged("key"))
}
