//! What the index keeps of guardians and of what is published, and how it follows from the log.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::entry::FamilyEntry;
use super::value::{Field, Shown};
use crate::document::slot::{ContentHash, SlotKey};
use crate::exchange::server::index::{Index, pieces};
use crate::exchange::server::row::{decode, encode};
use crate::ids::{GuardianId, StudentId};
use crate::kv::{KvError, Overlay};
use crate::sensitive::Sensitive;
use crate::time::Moment;

/// Sessions that a guardian may have open at once; beyond it the one that ends first is closed.
pub const SESSIONS_MAX: usize = 10;

/// An open invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Until when it can be redeemed.
    pub expires: Moment,
}

/// A guardian who has a passphrase.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The passphrase's hash, in the PHC string format.
    pub passphrase: Sensitive<String>,
}

/// An open session of a guardian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FamilySession {
    /// When it ends by itself.
    pub expires: Moment,
}

/// What was decided by hand about a guardian's access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccessByHand {
    /// A court order keeps the record from this guardian.
    pub restricted: bool,
    /// The access has ended for good.
    pub ended: bool,
}

/// What a family is shown in one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// The place.
    pub field: Field,
    /// What is shown there.
    pub shown: Shown,
    /// The hash of what it was made of.
    pub basis: ContentHash,
    /// Where in the log it was published.
    pub at: u64,
    /// The day of the correction, where another value had been shown before; of a visit, another day, length or kind of help.
    pub corrected: Option<Date>,
    /// Of a visit: the goals of which other figures had been shown before, with the day of the correction.
    pub figures_corrected: BTreeMap<SlotKey, Date>,
}

/// The keys: one table, in it a table for each second byte.
mod key {
    use super::{ContentHash, Field, GuardianId, StudentId};
    use crate::exchange::server::index::key::of;

    const FAMILY: u8 = b'F';

    pub(super) fn invitation(guardian: GuardianId, hash: Option<&ContentHash>) -> Vec<u8> {
        of(FAMILY, &[b"i", &guardian.0, hash.map_or(&[], |hash| &hash.0)])
    }
    pub(super) fn account(guardian: GuardianId) -> Vec<u8> {
        of(FAMILY, &[b"a", &guardian.0])
    }
    pub(super) fn session(guardian: GuardianId, hash: Option<&ContentHash>) -> Vec<u8> {
        of(FAMILY, &[b"s", &guardian.0, hash.map_or(&[], |hash| &hash.0)])
    }
    pub(super) fn access(guardian: GuardianId) -> Vec<u8> {
        of(FAMILY, &[b"x", &guardian.0])
    }
    /// Student, place, number of the piece.
    pub(super) fn published(student: StudentId, field: &Field) -> Vec<u8> {
        of(FAMILY, &[b"p", &student.0, field.name().as_bytes()])
    }
    /// Student, place: the places themselves, since one value may take several rows.
    pub(super) fn place(student: StudentId, name: &[u8]) -> Vec<u8> {
        of(FAMILY, &[b"f", &student.0, name])
    }
    /// Student: where in the log the last of all was published.
    pub(super) fn last(student: StudentId) -> Vec<u8> {
        of(FAMILY, &[b"l", &student.0])
    }
    pub(super) fn viewed(student: StudentId) -> Vec<u8> {
        of(FAMILY, &[b"v", &student.0])
    }
}

/// Writes into the index what an entry means.
pub(crate) fn apply(sheet: &mut Overlay<'_>, seq: u64, entry: &FamilyEntry) -> Result<(), KvError> {
    match entry {
        FamilyEntry::Invited { hash, guardian, expires } => {
            sheet.put(key::invitation(*guardian, Some(hash)), encode(&Invitation { expires: *expires }));
        }
        FamilyEntry::InvitationsBurnt { guardian } => clear(sheet, &key::invitation(*guardian, None))?,
        FamilyEntry::Enrolled { guardian, passphrase } => {
            close(sheet, *guardian)?;
            let account = Account { passphrase: passphrase.clone() };
            sheet.put(key::account(*guardian), encode(&account));
        }
        FamilyEntry::SignedIn { guardian, session, time, expires } => {
            make_room(sheet, *guardian, *time)?;
            let state = FamilySession { expires: *expires };
            sheet.put(key::session(*guardian, Some(session)), encode(&state));
        }
        FamilyEntry::SignedOut { guardian, session } => sheet.delete(key::session(*guardian, Some(session))),
        FamilyEntry::Access { guardian, restricted, ended } => {
            let access = AccessByHand { restricted: *restricted, ended: *ended };
            sheet.put(key::access(*guardian), encode(&access));
            if access != AccessByHand::default() {
                close(sheet, *guardian)?;
            }
        }
        FamilyEntry::Published { student, field, shown, basis, corrected, figures_corrected, .. } => {
            let published = Published {
                field: *field,
                shown: (**shown).clone(),
                basis: *basis,
                at: seq,
                corrected: *corrected,
                figures_corrected: figures_corrected.clone(),
            };
            pieces(&key::published(*student, field), &published)
                .into_iter()
                .for_each(|(key, piece)| sheet.put(key, piece));
            sheet.put(key::place(*student, field.name().as_bytes()), encode(field));
            sheet.put(key::last(*student), encode(&seq));
        }
        FamilyEntry::Viewed { student, .. } => sheet.put(key::viewed(*student), encode(&seq)),
    }
    Ok(())
}

/// Ends all that is open for a guardian: what was closed does not open again by itself.
pub(crate) fn close(sheet: &mut Overlay<'_>, guardian: GuardianId) -> Result<(), KvError> {
    clear(sheet, &key::invitation(guardian, None))?;
    clear(sheet, &key::session(guardian, None))
}

fn clear(sheet: &mut Overlay<'_>, prefix: &[u8]) -> Result<(), KvError> {
    for (rest, _) in Index(sheet).scan(prefix.to_vec())? {
        sheet.delete([prefix, &rest].concat());
    }
    Ok(())
}

/// Closes sessions that are over, and the one that ends first where there would be too many.
fn make_room(sheet: &mut Overlay<'_>, guardian: GuardianId, now: Moment) -> Result<(), KvError> {
    let prefix = key::session(guardian, None);
    let mut open: Vec<(Moment, Vec<u8>)> = Vec::new();
    for (rest, value) in Index(sheet).scan(prefix.clone())? {
        let session: FamilySession = decode(&value)?;
        open.push((session.expires, [prefix.as_slice(), &rest].concat()));
    }
    open.sort();
    let surplus = (open.len() + 1).saturating_sub(SESSIONS_MAX);
    for (nth, (expires, key)) in open.into_iter().enumerate() {
        if expires <= now || nth < surplus {
            sheet.delete(key);
        }
    }
    Ok(())
}

impl Index<'_> {
    /// Returns a guardian's open invitation by its keyed hash, over or not.
    pub fn invitation(
        &self,
        guardian: GuardianId,
        hash: &ContentHash,
    ) -> Result<Option<Invitation>, KvError> {
        self.read(&key::invitation(guardian, Some(hash)))
    }

    /// Returns whether a guardian has an invitation that can still be redeemed.
    pub fn is_invited(&self, guardian: GuardianId, now: Moment) -> Result<bool, KvError> {
        for (_, value) in self.scan(key::invitation(guardian, None))? {
            let invitation: Invitation = decode(&value)?;
            if now < invitation.expires {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns a guardian's account; none before an invitation was redeemed.
    pub fn account(&self, guardian: GuardianId) -> Result<Option<Account>, KvError> {
        self.read(&key::account(guardian))
    }

    /// Returns a guardian's open session by its token's keyed hash, over or not.
    pub fn family_session(
        &self,
        guardian: GuardianId,
        session: &ContentHash,
    ) -> Result<Option<FamilySession>, KvError> {
        self.read(&key::session(guardian, Some(session)))
    }

    /// Returns what was decided by hand about a guardian's access.
    pub fn access_by_hand(&self, guardian: GuardianId) -> Result<AccessByHand, KvError> {
        Ok(self.read(&key::access(guardian))?.unwrap_or_default())
    }

    /// Returns whether a guardian may see anything at all: known, restricted neither by the roster nor by hand, and not ended.
    pub fn may_see(&self, guardian: GuardianId) -> Result<bool, KvError> {
        let known = self.guardian(guardian)?;
        let access = self.access_by_hand(guardian)?;
        Ok(known.is_some_and(|known| !known.restricted) && !access.restricted && !access.ended)
    }

    /// Returns all that was published of a student, withdrawn places too.
    pub fn published(&self, student: StudentId) -> Result<Vec<Published>, KvError> {
        let places = self.scan(key::place(student, &[]))?;
        let fields = places.iter().map(|(_, field)| decode::<Field>(field));
        fields
            .filter_map(|field| field.and_then(|field| self.published_at(student, &field)).transpose())
            .collect()
    }

    /// Returns what was published of a student in one place.
    pub fn published_at(&self, student: StudentId, field: &Field) -> Result<Option<Published>, KvError> {
        self.read_pieces(key::published(student, field))
    }

    /// Returns where in the log something of a student was last published; 0 where nothing was.
    pub fn last_published(&self, student: StudentId) -> Result<u64, KvError> {
        Ok(self.read(&key::last(student))?.unwrap_or_default())
    }

    /// Returns where in the log somebody was last shown a student's page; 0 where nobody was.
    pub fn last_viewed(&self, student: StudentId) -> Result<u64, KvError> {
        Ok(self.read(&key::viewed(student))?.unwrap_or_default())
    }
}
