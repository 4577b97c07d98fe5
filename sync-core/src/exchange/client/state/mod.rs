//! What a tablet has stored for one person: the tables and how they are read.

pub(crate) mod key;
mod rows;

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use rows::{ActRow, ActState, CopyState, KeptRow, KeptState, Phase, Profile, Server};

use crate::document::name::DocumentName;
use crate::document::slot::{Slot, SlotKey};
use crate::exchange::client::trail::{Ancestry, Trail};
use crate::exchange::codec;
use crate::exchange::message::{Cursor, EndReason, HoldView, Listed};
use crate::ids::{ActId, DocumentId, HoldId, PersonId, StudentId};
use crate::kv::{self, KvError, KvRead, Overlay, Pair};
use crate::roster::version::PolicyVersion;

/// Reads a tablet's store.
#[derive(Clone, Copy)]
pub struct Tablet<'a>(pub &'a dyn KvRead);

impl Tablet<'_> {
    fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, KvError> {
        self.0.get(key)?.map(|bytes| decode(&bytes)).transpose()
    }

    /// Returns all rows of a table part, without the prefix.
    pub(crate) fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, KvError> {
        kv::scan(self.0, prefix)
    }

    fn values<T: DeserializeOwned>(&self, prefix: &[u8]) -> Result<Vec<T>, KvError> {
        self.scan(prefix)?.iter().map(|(_, value)| decode(value)).collect()
    }

    /// Returns whose tablet this is; none before pairing.
    pub fn profile(&self) -> Result<Option<Profile>, KvError> {
        self.read(&key::meta("profile"))
    }

    /// Returns whose work is here; none before there is any. Damage may have taken the profile alone.
    pub fn owner(&self) -> Result<Option<PersonId>, KvError> {
        if let Some(profile) = self.profile()? {
            return Ok(Some(profile.person));
        }
        Ok(self.acts()?.iter().flat_map(|act| &act.slots).map(|slot| slot.key.member).next())
    }

    /// Returns up to where the log was looked through.
    pub fn cursor(&self) -> Result<Option<Cursor>, KvError> {
        self.read(&key::meta("cursor"))
    }

    /// Returns the last place of the log that a fate was given at, where that is not behind the cursor.
    pub fn mark(&self) -> Result<Option<Cursor>, KvError> {
        self.read(&key::meta("mark"))
    }

    /// Returns what the last reply said of the server.
    pub fn server(&self) -> Result<Option<Server>, KvError> {
        self.read(&key::meta("server"))
    }

    /// Returns which places of the log this tablet was shown; none where it was told nothing yet.
    pub fn trail(&self) -> Result<Option<Trail>, KvError> {
        self.read(&key::meta("trail"))
    }

    /// Returns whether the server asked for the trail: it is in another life than this tablet knows, and what the two share is not proven yet.
    pub(crate) fn trail_wanted(&self) -> Result<bool, KvError> {
        Ok(self.0.get(&key::meta("trail wanted"))?.is_some())
    }

    /// Returns what is known of the lives of the server's log; none where there was one only.
    pub fn ancestry(&self) -> Result<Option<Ancestry>, KvError> {
        self.read(&key::meta("ancestry"))
    }

    /// Returns whether the server that this tablet met last has lost what it had of the log up to the cursor.
    pub fn is_catching_up(&self) -> Result<bool, KvError> {
        let (ancestry, cursor) = (self.ancestry()?, self.cursor()?);
        Ok(ancestry.is_some_and(|ancestry| cursor.is_some_and(|cursor| cursor.log != ancestry.log)))
    }

    /// Returns an act's sealed copy: bytes that only the server can open.
    pub fn sealed(&self, document: DocumentId, act: ActId) -> Result<Vec<u8>, KvError> {
        self.0.get(&key::sealed(&[&document.0, &act.0]))?.ok_or(KvError::Damaged("sealed copy"))
    }

    /// Returns of which acts sealed copies are kept, in the order in which the acts were made.
    pub fn kept(&self) -> Result<Vec<KeptRow>, KvError> {
        let mut kept: Vec<KeptRow> = self.values(&key::kept(&[]))?;
        kept.sort_by_key(|kept| kept.number);
        Ok(kept)
    }

    /// Returns an act's sealed copy.
    pub fn kept_act(&self, document: DocumentId, act: ActId) -> Result<Option<KeptRow>, KvError> {
        self.read(&key::kept(&[&document.0, &act.0]))
    }

    /// Returns the acts without a receipt of which only the sealed copy is left: damage took the others.
    pub fn only_sealed(&self) -> Result<Vec<KeptRow>, KvError> {
        let mut only = Vec::new();
        for kept in self.kept()?.into_iter().filter(|kept| kept.state == KeptState::Unsent) {
            if self.act_number(kept.document, kept.act)?.is_none() {
                only.push(kept);
            }
        }
        Ok(only)
    }

    /// Returns the sealed copies that a server may lack which was restored: those of which it has not what the receipt says.
    pub fn lost(&self) -> Result<Vec<KeptRow>, KvError> {
        let Some(ancestry) = self.ancestry()? else { return Ok(Vec::new()) };
        let lost = |kept: &KeptRow| kept.receipt.is_some_and(|receipt| !ancestry.has(&receipt));
        Ok(self.kept()?.into_iter().filter(lost).collect())
    }

    /// Returns whether a restored server has yet to be given something back: what it has lost is here, or may be in a copy.
    pub fn is_giving_back(&self) -> Result<bool, KvError> {
        let lost = self.lost()?.iter().any(|kept| kept.state == KeptState::Stored);
        Ok(lost || !self.offers()?.is_empty() || self.trail_wanted()?)
    }

    /// Returns how many acts can be handed in without their person: those that have no receipt, or whose receipts the server has lost. As
    /// long as what it has is not proven, those are all.
    pub fn to_hand_in(&self) -> Result<usize, KvError> {
        let kept = self.kept()?;
        if self.trail_wanted()? {
            return Ok(kept.len());
        }
        let unsent = kept.iter().filter(|kept| kept.receipt.is_none()).count();
        Ok(unsent + self.lost()?.len())
    }

    /// Returns the documents of which a restored server is yet to be offered something, and how many records of each it was offered.
    pub(crate) fn offers(&self) -> Result<Vec<(DocumentId, u64)>, KvError> {
        let rows = self.scan(&key::offer(&[]))?;
        rows.iter().map(|(id, done)| Ok((DocumentId(id_of(id)?), decode(done)?))).collect()
    }

    /// Returns the day on which the listing was last compared, as days since 1970.
    pub(crate) fn listed_on(&self) -> Result<Option<i64>, KvError> {
        self.read(&key::meta("listed on"))
    }

    /// Returns the policy by which acts are expected to be judged: the one that the server named last, or the nearest that is known here.
    pub fn policy(&self) -> Result<PolicyVersion, KvError> {
        Ok(self.server()?.map(|server| PolicyVersion::nearest(server.policy)).unwrap_or_default())
    }

    /// Returns whether the server has asked for the listing.
    pub(crate) fn listing_wanted(&self) -> Result<bool, KvError> {
        Ok(self.0.get(&key::meta("listing wanted"))?.is_some())
    }

    /// Returns what this tablet says of its copies.
    pub fn listing(&self) -> Result<Vec<Listed>, KvError> {
        let cursor = self.cursor()?.map_or(0, |cursor| cursor.seq);
        let listed = |copy: CopyState| Listed {
            document: copy.name.id(),
            incarnation: copy.incarnation,
            changes: (copy.phase == Phase::Whole && copy.last <= cursor).then_some(copy.changes),
        };
        Ok(self.copies()?.into_iter().map(listed).collect())
    }

    /// Returns a copy's state.
    pub fn copy(&self, document: DocumentId) -> Result<Option<CopyState>, KvError> {
        self.read(&key::copy(&document.0))
    }

    /// Returns the states of all copies.
    pub fn copies(&self) -> Result<Vec<CopyState>, KvError> {
        self.values(&key::copy(&[]))
    }

    /// Returns the changes that came for a copy with their places in the log: those that it has, at place 0 its snapshot, or those alone
    /// that wait for one.
    pub(crate) fn changes_of(
        &self,
        document: DocumentId,
        in_copy: bool,
    ) -> Result<Vec<(u64, Vec<u8>)>, KvError> {
        let prefix = if in_copy { key::change(document, None) } else { key::waiting(document, None) };
        let place =
            |rest: Vec<u8>| rest.try_into().map(u64::from_be_bytes).map_err(|_| KvError::Damaged("key"));
        self.scan(&prefix)?.into_iter().map(|(rest, change)| Ok((place(rest)?, change))).collect()
    }

    /// Returns the slots of a copy, in the order of their keys.
    pub fn slots(&self, document: DocumentId) -> Result<Vec<Slot>, KvError> {
        self.values(&key::slot(document, None))
    }

    /// Returns the record under a key of a copy, in whatever container but the server's own notes.
    pub fn record(&self, document: DocumentId, slot: &SlotKey) -> Result<Option<Slot>, KvError> {
        let slots: Vec<Slot> = self.values(&key::slots_of(document, slot))?;
        Ok(slots
            .into_iter()
            .find(|slot| slot.container != crate::document::schema::RecordKind::Issued.container()))
    }

    /// Returns all of the person's own acts that this tablet still keeps, in the order in which they were made.
    pub fn acts(&self) -> Result<Vec<ActRow>, KvError> {
        self.values(&key::act(None))
    }

    /// Returns an act by its number.
    pub fn act(&self, number: u64) -> Result<Option<ActRow>, KvError> {
        self.read(&key::act(Some(number)))
    }

    /// Returns the number of an act.
    pub fn act_number(&self, document: DocumentId, act: ActId) -> Result<Option<u64>, KvError> {
        self.read(&key::act_number(document, act))
    }

    /// Returns the number that the next act gets.
    pub fn next_act(&self) -> Result<u64, KvError> {
        Ok(self.read(&key::meta("next act"))?.unwrap_or(1))
    }

    /// Returns how many acts have no receipt yet.
    pub fn unsent(&self) -> Result<usize, KvError> {
        let acts = self.acts()?.iter().filter(|act| act.state == ActState::Unsent).count();
        Ok(acts + self.only_sealed()?.len())
    }

    /// Returns all holds that this tablet knows: the person's own, and those that she may review.
    pub fn holds(&self) -> Result<Vec<HoldView>, KvError> {
        self.values(&key::hold(&[]))
    }

    /// Returns a hold.
    pub fn hold(&self, id: HoldId) -> Result<Option<HoldView>, KvError> {
        self.read(&key::hold(&id.0))
    }

    /// Returns a fact's bytes.
    pub fn fact(&self, name: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.0.get(&key::fact(name))
    }

    /// Returns the facts whose names begin with `prefix`, by the rest of the name.
    pub fn facts(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, KvError> {
        let rows = self.scan(&key::fact(prefix))?;
        rows.into_iter().map(|(rest, value)| Ok((text(rest)?, value))).collect()
    }

    /// Returns the documents that are to be purged when everything in them has a receipt, and why.
    pub fn to_purge(&self) -> Result<Vec<(DocumentId, EndReason)>, KvError> {
        let rows = self.scan(&key::purge(&[]))?;
        rows.iter().map(|(id, why)| Ok((DocumentId(id_of(id)?), decode(why)?))).collect()
    }

    /// Returns the documents of which a snapshot is to be fetched, and the place in the log that it must have reached.
    pub fn to_fetch(&self) -> Result<Vec<(DocumentName, u64)>, KvError> {
        let fetching = |copy: CopyState| match copy.phase {
            Phase::Fetching { at_least } => Some((copy.name, at_least)),
            Phase::Whole => None,
        };
        Ok(self.copies()?.into_iter().filter_map(fetching).collect())
    }

    /// Returns the holds that the person takes back, as long as the server has not answered.
    pub fn withdrawals(&self) -> Result<Vec<HoldId>, KvError> {
        self.scan(&key::withdrawal(&[]))?.iter().map(|(id, _)| Ok(HoldId(id_of(id)?))).collect()
    }

    /// Returns the decided holds that the person was shown since the last reply.
    pub(crate) fn seen(&self) -> Result<Vec<HoldId>, KvError> {
        self.scan(&key::seen(&[]))?.iter().map(|(id, _)| Ok(HoldId(id_of(id)?))).collect()
    }

    /// Returns the students of whom this tablet has documents.
    pub fn students(&self) -> Result<BTreeSet<StudentId>, KvError> {
        Ok(self.copies()?.into_iter().map(|copy| copy.name.subject).collect())
    }
}

/// Writes a value onto a sheet.
pub(crate) fn put<T: Serialize>(sheet: &mut Overlay<'_>, key: Vec<u8>, value: &T) {
    sheet.put(key, codec::to_bytes(value));
}

/// Removes every row of a table part.
pub(crate) fn delete_all(sheet: &mut Overlay<'_>, prefix: &[u8]) -> Result<(), KvError> {
    for (rest, _) in Tablet(sheet).scan(prefix)? {
        sheet.delete([prefix, &rest].concat());
    }
    Ok(())
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, KvError> {
    codec::from_bytes(bytes).map_err(|_| KvError::Damaged(std::any::type_name::<T>()))
}

pub(crate) fn id_of(bytes: &[u8]) -> Result<[u8; 16], KvError> {
    bytes.try_into().map_err(|_| KvError::Damaged("key"))
}

fn text(bytes: Vec<u8>) -> Result<String, KvError> {
    String::from_utf8(bytes).map_err(|_| KvError::Damaged("key"))
}
