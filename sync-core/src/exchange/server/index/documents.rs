//! Reading documents: what they are, what stands in them, who has them, and the lives of the log that they are in.

use super::state::{ActorState, ChangeState, DocumentState, Reading, Restored, Standing};
use super::{Index, id_at, key, seq_at_end};
use crate::document::change::ChangeHash;
use crate::document::name::DocumentName;
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::register::Life;
use crate::exchange::server::row::decode;
use crate::ids::{DocumentId, PersonId, StudentId};
use crate::kv::{KvError, prefix_end};

impl Index<'_> {
    /// Returns the last restore; none where there never was one.
    pub fn restored(&self) -> Result<Option<Restored>, KvError> {
        self.read(&key::restored())
    }

    /// Returns every life of the log that a restore has told of; none before the first.
    pub fn lives(&self) -> Result<Vec<Life>, KvError> {
        self.values(key::life(&[]))
    }

    /// Returns the horizon: up to this place in the log documents are told whole and not change by change; 0 where there is none.
    pub fn horizon(&self) -> Result<u64, KvError> {
        Ok(self.read(&key::horizon())?.unwrap_or_default())
    }

    /// Returns the documents that are parked: nobody has named the student whose they are.
    pub fn parked(&self) -> Result<Vec<DocumentName>, KvError> {
        let mut parked = Vec::new();
        for document in self.all_documents()? {
            if self.student(document.name.subject)?.is_none() {
                parked.push(document.name);
            }
        }
        Ok(parked)
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

    /// Returns a document.
    pub fn document(&self, id: DocumentId) -> Result<Option<DocumentState>, KvError> {
        self.read(&key::document(&id.0))
    }

    /// Returns every document.
    pub fn all_documents(&self) -> Result<Vec<DocumentState>, KvError> {
        self.values(key::document(&[]))
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

    /// Returns the places in the log of what is for one person alone, after `after` and up to `until`, at most `limit`.
    pub fn mail(&self, person: PersonId, after: u64, until: u64, limit: usize) -> Result<Vec<u64>, KvError> {
        // Most people have got all of theirs: one answer wherever they are.
        let all = key::mail(person, None);
        let last = self.0.last(&all, &prefix_end(&all))?;
        if last.map(|(key, _)| seq_at_end(&key)).transpose()?.is_none_or(|last| last <= after) {
            return Ok(Vec::new());
        }
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
