//! A piece of a reply, entry by entry.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use super::{LogRead, is_inlined};
use crate::document::change::ChangeHash;
use crate::exchange::message::{ChangeBytes, Entry, HoldView};
use crate::exchange::server::apply::hash_of;
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::hold::is_shown;
use crate::exchange::server::index::{DocumentState, Index, Reading};
use crate::ids::{DocumentId, HoldId, PersonId};
use crate::kv::KvError;
use crate::roster::reading::Roles;

/// A piece of a reply: its entries, and the place up to which the log was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What the person is told, in the order of the log.
    pub entries: Vec<Entry>,
    /// Up to where.
    pub until: u64,
    /// Whether there is more behind it.
    pub more: bool,
    /// The documents of which something was delivered, for the audit.
    pub delivered: BTreeSet<DocumentId>,
}

impl Told {
    pub(super) fn change(
        &mut self,
        log: &dyn LogRead,
        document: DocumentId,
        seq: u64,
        yours: &BTreeSet<ChangeHash>,
    ) -> Result<(), KvError> {
        let change = match log.recent_change(seq) {
            Some(change) => change,
            None =>
            {
                #[expect(
                    clippy::wildcard_enum_match_arm,
                    reason = "nothing else is ever among a document's changes"
                )]
                match log.entry(seq)? {
                    LogEntry::Changed { change, .. } => change,
                    LogEntry::Replaced { incarnation, .. } => {
                        self.entries.push(Entry::Replace { document, incarnation, fetch: seq });
                        return Ok(());
                    }
                    _ => return Err(KvError::Damaged("change")),
                }
            }
        };
        let change = match own(&change, yours) {
            Some(hash) => ChangeBytes::Yours(hash),
            None => {
                // What the asker brought is not delivered to the asker.
                self.delivered.insert(document);
                ChangeBytes::Bytes(change)
            }
        };
        self.entries.push(Entry::Change { document, seq, change });
        Ok(())
    }

    /// Tells of a document that a person has that it is to be fetched whole.
    pub(super) fn whole(
        &mut self,
        index: &Index<'_>,
        person: PersonId,
        document: DocumentId,
    ) -> Result<(), KvError> {
        let reading = index.reading(person, document)?.filter(|now| now.ended.is_none());
        // It ended since: that is told at its own place.
        let (Some(reading), Some(state)) = (reading, index.document(document)?) else { return Ok(()) };
        self.begins(index, person, &reading, state, true)
    }

    fn begins(
        &mut self,
        index: &Index<'_>,
        person: PersonId,
        reading: &Reading,
        state: DocumentState,
        is_fetched: bool,
    ) -> Result<(), KvError> {
        let document = state.name.id();
        let holds = open_holds(index, person, &reading.roles, document)?;
        self.delivered.insert(document);
        let fetch = is_fetched.then_some(state.last);
        self.entries.push(Entry::Begin { name: state.name, incarnation: state.incarnation, fetch, holds });
        Ok(())
    }

    /// Tells one piece of a person's own mail; returns the document that begins with it, if one does.
    pub(super) fn mail(
        &mut self,
        index: &Index<'_>,
        log: &dyn LogRead,
        person: PersonId,
        seq: u64,
        horizon: u64,
    ) -> Result<Option<DocumentId>, KvError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is ever put into a person's mail")]
        match log.entry(seq)? {
            LogEntry::Begin { document, .. } => {
                let reading =
                    index.reading(person, document)?.filter(|now| now.ended.is_none() && now.begun == seq);
                // It ended since, or began anew: that is told at its own place.
                let (Some(reading), Some(state)) = (reading, index.document(document)?) else {
                    return Ok(None);
                };
                let is_fetched = !is_inlined(index, &state, horizon)?;
                self.begins(index, person, &reading, state, is_fetched)?;
                Ok(Some(document))
            }
            LogEntry::Review { document, .. } => {
                if let Some(reading) = index.reading(person, document)?.filter(|now| now.ended.is_none()) {
                    let holds = open_holds(index, person, &reading.roles, document)?;
                    self.entries.push(Entry::Review { document, holds });
                }
                Ok(None)
            }
            LogEntry::End { document, why, .. } => {
                let ended = index.reading(person, document)?.is_none_or(|now| now.ended.is_some());
                if ended {
                    self.entries.push(Entry::End { document, why });
                }
                Ok(None)
            }
            // A document that was destroyed ends for whoever read it.
            LogEntry::Gone { document } => {
                let ended = index.reading(person, document)?.and_then(|now| now.ended);
                self.entries.extend(ended.map(|(_, why)| Entry::End { document, why }));
                Ok(None)
            }
            LogEntry::Held { hold, .. } => self.hold(index, person, hold.id),
            LogEntry::HoldState { hold, .. } => self.hold(index, person, hold),
            LogEntry::Fact { key, value, .. } => {
                // Where it was said anew since, that is told at its own place.
                let said = value.as_ref().map(|value| hash_of(value.expose()));
                if index.fact(person, &key)? != said {
                    return Ok(None);
                }
                // It goes to the person for whom it was projected.
                self.entries
                    .push(Entry::Fact { key, value: value.map(crate::sensitive::Sensitive::into_inner) });
                Ok(None)
            }
            _ => Err(KvError::Damaged("mail")),
        }
    }

    /// A hold is told as it is now, to its author always, to others while they may review it. Who was told of it once and may not any more
    /// is told what is left to review there.
    fn hold(
        &mut self,
        index: &Index<'_>,
        person: PersonId,
        id: HoldId,
    ) -> Result<Option<DocumentId>, KvError> {
        let Some(hold) = index.hold(id)? else { return Ok(None) };
        let reading = index.reading(person, hold.document())?.filter(|now| now.ended.is_none());
        let document = hold.document();
        if hold.author == person {
            self.entries.push(Entry::Hold(hold.view()));
        } else if let Some(reading) = reading {
            let entry = if is_shown(index, person, &reading.roles, &hold)? {
                Entry::Hold(hold.view())
            } else {
                Entry::Review { document, holds: open_holds(index, person, &reading.roles, document)? }
            };
            self.entries.push(entry);
        }
        Ok(None)
    }
}

/// Returns the hash of a stored change, if it is one of `yours`.
///
/// A chunk begins with a magic of four bytes and the first four of its hash, which is that of all behind them: none need be decoded, and
/// few be hashed.
fn own(change: &[u8], yours: &BTreeSet<ChangeHash>) -> Option<ChangeHash> {
    let (checksum, hashed) = change.get(4..)?.split_first_chunk::<4>()?;
    let mut least = [0; 32];
    least[..4].copy_from_slice(checksum);
    let may_be = yours.range(ChangeHash(least)..).next()?.0.starts_with(checksum);
    let hash = may_be.then(|| ChangeHash(Sha256::digest(hashed).into()))?;
    yours.contains(&hash).then_some(hash)
}

pub(crate) fn open_holds(
    index: &Index<'_>,
    person: PersonId,
    roles: &Roles,
    document: DocumentId,
) -> Result<Vec<HoldView>, KvError> {
    let mut shown = Vec::new();
    for hold in index.waiting(document)? {
        if is_shown(index, person, roles, &hold)? {
            shown.push(hold.view());
        }
    }
    Ok(shown)
}

/// Returns about how many bytes an entry takes on the wire.
pub(super) fn weigh(entry: &Entry) -> usize {
    const FRAME: usize = 64;
    let holds = |holds: &[HoldView]| holds.iter().map(|hold| 256 + 256 * hold.slots.len()).sum::<usize>();
    FRAME
        + match entry {
            Entry::Change { change: ChangeBytes::Bytes(bytes), .. } => bytes.len(),
            Entry::Change { change: ChangeBytes::Yours(_), .. } => 32,
            Entry::Begin { holds: open, .. } | Entry::Review { holds: open, .. } => holds(open),
            Entry::Hold(hold) => holds(std::slice::from_ref(hold)),
            Entry::Fact { key, value } => key.len() + value.as_ref().map_or(0, |value| value.len()),
            Entry::End { .. } | Entry::Replace { .. } => 0,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::founding::founding_of;
    use crate::document::name::DocumentKind;

    #[test]
    fn ones_own_change_is_known_by_its_bytes_alone() {
        let made = |n| founding_of(DocumentKind::Log, DocumentId([n; 16])).pop().unwrap();
        let (one, other) = (made(1), made(2));
        let yours = BTreeSet::from([one.hash, ChangeHash([0xff; 32]), ChangeHash([0; 32])]);
        assert_eq!((own(&one.bytes, &yours), own(&other.bytes, &yours)), (Some(one.hash), None));
        assert_eq!((own(&one.bytes, &BTreeSet::new()), own(&[1, 2, 3], &yours)), (None, None));
        // A checksum that was borrowed does not make a change another one.
        let mut bent = one.bytes.clone();
        bent.extend([0]);
        assert_eq!(own(&bent, &yours), None);
    }
}
