//! Reading what waits for review, what has been decided, and what was refused.

use super::state::{Quota, RefusalState};
use super::{Index, decode, id_at, key};
use crate::document::slot::SlotKey;
use crate::exchange::server::entry::Hold;
use crate::ids::{DeviceId, DocumentId, HoldId, PersonId};
use crate::kv::{KvError, prefix_end};

impl Index<'_> {
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
        self.holds_on(key::held_in(document), key::held(document, slot, None))
    }

    /// Returns the waiting holds that build on a slot.
    pub fn on_top(&self, document: DocumentId, slot: &SlotKey) -> Result<Vec<Hold>, KvError> {
        self.holds_on(key::on_top_in(document), key::on_top(document, slot, None))
    }

    /// Returns the holds at a slot. Most documents have none at all, which is one answer for all of their slots.
    fn holds_on(&self, document: Vec<u8>, slot: Vec<u8>) -> Result<Vec<Hold>, KvError> {
        match self.0.range(&document, &prefix_end(&document), 1)?.is_empty() {
            true => Ok(Vec::new()),
            false => self.holds_at(slot, 0),
        }
    }

    fn holds_at(&self, prefix: Vec<u8>, skip: usize) -> Result<Vec<Hold>, KvError> {
        let rows = self.scan(prefix)?;
        let ids = rows.iter().map(|(rest, _)| id_at(rest, skip).map(HoldId));
        ids.filter_map(|id| id.and_then(|id| self.hold(id)).transpose()).collect()
    }

    /// Returns the newest refusals with their places in the log, the newest first, at most `limit`.
    pub fn refusals(&self, limit: usize) -> Result<Vec<(u64, RefusalState)>, KvError> {
        let prefix = key::refusal(None);
        let rows = self.0.range(&prefix, &prefix_end(&prefix), limit)?;
        let read = rows.iter().map(|(key, value)| {
            let seq = key.last_chunk().map(|seq| u64::MAX - u64::from_be_bytes(*seq));
            Ok((seq.ok_or(KvError::Damaged("refusal"))?, decode(value)?))
        });
        read.collect()
    }

    /// Returns what a device has waiting and refused.
    pub fn quota(&self, device: DeviceId) -> Result<Quota, KvError> {
        Ok(self.read(&key::quota(device))?.unwrap_or_default())
    }
}
