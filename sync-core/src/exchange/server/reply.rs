//! What a person is told: the log after the cursor, as far as this person may read it now.
//!
//! Below the horizon no change is told any more. Whoever comes back from there is told of each document that was written in meanwhile once,
//! at the place of its first change: it begins, and is fetched whole. All else (what was given and taken, facts, holds) is told at its own
//! place as ever, as it is now.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::document::change::ChangeHash;
use crate::exchange::message::{ChangeBytes, Cursor, Entry, HoldView, REPLY_BYTES_MAX};
use crate::exchange::server::apply::hash_of;
use crate::exchange::server::desk::Secret;
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::hold::is_shown;
use crate::exchange::server::index::{DocumentState, Index, Reading};
use crate::ids::{DocumentId, LogId, PersonId};
use crate::kv::KvError;
use crate::roster::reading::Roles;
use crate::seeded::{Bug, seeded};

/// Changes of a document that are sent one by one when it begins; where it has more, a snapshot is fetched.
pub const INLINE_CHANGES_MAX: u64 = 16;
/// Rows that a reply looks at in one stream before it sees whether there is more.
const STREAM_ROWS: usize = 4_096;

/// The log as a reply reads it: durable entries only.
pub trait LogRead {
    /// Returns an entry; an error if it is not there or cannot be read.
    fn entry(&self, seq: u64) -> Result<LogEntry, KvError>;

    /// Returns the bytes of the change that stands at a place, if it is among those that are at hand without reading.
    fn recent_change(&self, seq: u64) -> Option<Vec<u8>> {
        let _ = seq;
        None
    }

    /// Returns the bytes of the change that stands at a place, one of a document's; none where a life of the document begins there, and an
    /// error where something else stands.
    fn change(&self, seq: u64) -> Result<Option<Vec<u8>>, KvError> {
        if let Some(change) = self.recent_change(seq) {
            return Ok(Some(change));
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "nothing else is ever among a document's changes")]
        match self.entry(seq)? {
            LogEntry::Changed { change, .. } => Ok(Some(change)),
            LogEntry::Replaced { .. } => Ok(None),
            _ => Err(KvError::Damaged("change")),
        }
    }

    /// Returns whether it is certain, without looking it up, that nothing was written in a document, nor a life of it begun, after `after`
    /// and up to `end`.
    fn is_unchanged(&self, document: DocumentId, after: u64, end: u64) -> bool {
        let _ = (document, after, end);
        false
    }

    /// Returns the places of what was written in a document after `after` and up to `end`, if that is known without looking it up, and is
    /// nothing but changes.
    fn recent_changes(&self, document: DocumentId, after: u64, end: u64) -> Option<Vec<u64>> {
        let _ = (document, after, end);
        None
    }

    /// Returns the last durable place in the log.
    fn end(&self) -> u64;

    /// Returns the log's running hash at a place; none beyond its end.
    fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError>;
}

/// What a cursor is worth here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Worth {
    /// It is of this log: go on behind this place.
    After(u64),
    /// It is of another life of the log, or was not given out here: begin anew.
    Foreign,
    /// This server gave it out in this life of its log, and does not have what it stands for: the folder was set back, and nobody said so.
    RolledBack,
}

/// Makes the cursor that stands for a place in this log.
///
/// # Errors
/// [`KvError`] where the log cannot be read.
pub fn cursor_at(log: &dyn LogRead, id: LogId, secret: &Secret, seq: u64) -> Result<Cursor, KvError> {
    let running = log.running(seq)?.unwrap_or_default();
    Ok(Cursor { log: id, seq, running, keyed: keyed(secret, id, seq, &running) })
}

/// Judges a cursor that a tablet brings.
///
/// # Errors
/// [`KvError`] where the log cannot be read.
pub fn worth(log: &dyn LogRead, id: LogId, secret: &Secret, cursor: &Cursor) -> Result<Worth, KvError> {
    if !is_ours(secret, cursor) || cursor.log != id {
        return Ok(Worth::Foreign);
    }
    let here = cursor.seq <= log.end() && log.running(cursor.seq)? == Some(cursor.running);
    Ok(if here { Worth::After(cursor.seq) } else { Worth::RolledBack })
}

/// Returns whether a cursor was given out by this server, in whatever life of its log.
pub(crate) fn is_ours(secret: &Secret, cursor: &Cursor) -> bool {
    cursor.keyed == keyed(secret, cursor.log, cursor.seq, &cursor.running) || seeded(Bug::CursorUnsigned)
}

fn keyed(secret: &Secret, id: LogId, seq: u64, running: &[u8; 8]) -> [u8; 16] {
    secret.keyed("cursor", &[&id.0, &seq.to_be_bytes(), running])
}

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

/// Tells a person what the log has for her after `after`, until `room` bytes are full. One entry is told in any case.
///
/// Of a document that begins in this stretch nothing older is told one by one: its `Begin` names the end of the stretch, and the
/// snapshot that is fetched is at least that new.
///
/// # Errors
/// [`KvError`] where index or log cannot be read.
pub fn tell(
    index: &Index<'_>,
    log: &dyn LogRead,
    person: PersonId,
    after: u64,
    yours: &BTreeSet<ChangeHash>,
    room: usize,
) -> Result<Told, KvError> {
    let end = log.end();
    let horizon = index.horizon()?;
    let mail = index.mail(person, after, end, STREAM_ROWS)?;
    // Where a stream is cut, nothing behind the cut is told by the others either.
    let mut until = if mail.len() == STREAM_ROWS { mail.last().copied().unwrap_or(end) } else { end };
    let mut places: BTreeMap<u64, Place> = mail.into_iter().map(|seq| (seq, Place::Mail)).collect();
    let mut fresh: BTreeMap<DocumentId, u64> = BTreeMap::new();
    for (document, reading) in index.readings(person)? {
        if reading.ended.is_some() {
            continue;
        }
        let begins_here = reading.begun > after;
        if !begins_here && log.is_unchanged(document, after, end) {
            continue;
        }
        let Some(state) = index.document(document)? else { continue };
        if begins_here {
            fresh.insert(document, reading.begun);
        }
        if !begins_here
            && after < horizon
            && let Some(first) = index.changes(document, after, horizon, 1)?.first()
        {
            // The snapshot has all that came since, as it has for what begins.
            places.insert(*first, Place::Whole(document));
            continue;
        }
        let from = match begins_here {
            // Few changes are sent from the founding on, so that nothing has to be fetched.
            true if is_inlined(index, &state, horizon)? => 0,
            true => continue,
            false if state.last <= after => continue,
            false => after,
        };
        let recent = log.recent_changes(document, from, until).filter(|recent| recent.len() < STREAM_ROWS);
        let mut changes = match recent {
            Some(recent) => recent,
            None => index.changes(document, from, until, STREAM_ROWS)?,
        };
        if begins_here {
            // Its beginning names the life that it is in.
            changes.retain(|seq| *seq != state.renewed);
        }
        if changes.len() == STREAM_ROWS {
            until = until.min(changes.last().copied().unwrap_or(end));
        }
        places.extend(changes.into_iter().map(|seq| (seq, Place::Change(document))));
    }
    let room = room.min(REPLY_BYTES_MAX);
    compose(index, log, person, Stretch { after, until, end, horizon, places, fresh, room }, yours)
}

/// Returns whether a document that begins is told change by change.
fn is_inlined(index: &Index<'_>, state: &DocumentState, horizon: u64) -> Result<bool, KvError> {
    let few = state.changes <= INLINE_CHANGES_MAX;
    let document = state.name.id();
    Ok(few && (horizon == 0 || index.changes(document, 0, horizon, 1)?.is_empty()))
}

/// What is told at a place of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// What was for this person alone.
    Mail,
    /// A change of a document, or a new life of it.
    Change(DocumentId),
    /// A document as it is now, instead of its changes below the horizon.
    Whole(DocumentId),
}

impl Place {
    /// Returns the document of which a change is told.
    fn changes(self) -> Option<DocumentId> {
        match self {
            Self::Change(document) => Some(document),
            Self::Mail | Self::Whole(_) => None,
        }
    }
}

struct Stretch {
    after: u64,
    until: u64,
    end: u64,
    horizon: u64,
    places: BTreeMap<u64, Place>,
    fresh: BTreeMap<DocumentId, u64>,
    /// Bytes.
    room: usize,
}

fn compose(
    index: &Index<'_>,
    log: &dyn LogRead,
    person: PersonId,
    stretch: Stretch,
    yours: &BTreeSet<ChangeHash>,
) -> Result<Told, KvError> {
    let Stretch { after, mut until, end, horizon, places, fresh, room } = stretch;
    let mut told = Told { entries: Vec::new(), until, more: false, delivered: BTreeSet::new() };
    let mut bytes = 0;
    // Changes older than the beginning of their document are told with it.
    let mut older: BTreeMap<DocumentId, Vec<u64>> = BTreeMap::new();
    let is_older = |place: Place, seq| {
        place.changes().filter(|document| fresh.get(document).is_some_and(|begun| seq < *begun))
    };
    for (seq, place) in &places {
        if let Some(document) = is_older(*place, *seq) {
            older.entry(document).or_default().push(*seq);
        }
    }
    for (seq, place) in places.range(after.saturating_add(1)..) {
        if *seq > until {
            break;
        }
        if is_older(*place, *seq).is_some() {
            continue;
        }
        if bytes > 0 && bytes >= room {
            until = seq - 1;
            break;
        }
        let before = told.entries.len();
        match place {
            Place::Change(document) => told.change(log, *document, *seq, yours)?,
            Place::Whole(document) => told.whole(index, person, *document)?,
            Place::Mail => {
                if let Some(document) = told.mail(index, log, person, *seq, horizon)? {
                    for seq in older.remove(&document).unwrap_or_default() {
                        told.change(log, document, seq, yours)?;
                    }
                }
            }
        }
        bytes += told.entries[before..].iter().map(weigh).sum::<usize>();
    }
    told.until = until;
    told.more = until < end;
    // A snapshot must have everything up to the end of this stretch: what lies behind comes as entries.
    for entry in &mut told.entries {
        if let Entry::Begin { fetch: Some(fetch), .. } | Entry::Replace { fetch, .. } = entry {
            *fetch = until;
        }
    }
    Ok(told)
}

impl Told {
    fn change(
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
    fn whole(&mut self, index: &Index<'_>, person: PersonId, document: DocumentId) -> Result<(), KvError> {
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
    fn mail(
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
        id: crate::ids::HoldId,
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
fn weigh(entry: &Entry) -> usize {
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

    /// A log of three entries that nobody reads.
    struct Three;

    impl LogRead for Three {
        fn entry(&self, _: u64) -> Result<LogEntry, KvError> {
            Err(KvError::Damaged("no such entry"))
        }

        fn end(&self) -> u64 {
            3
        }

        fn running(&self, seq: u64) -> Result<Option<[u8; 8]>, KvError> {
            Ok((seq <= 3).then(|| seq.to_be_bytes()))
        }
    }

    #[test]
    fn a_cursor_is_believed_with_its_keyed_hash_alone() {
        let (id, secret) = (LogId([1; 16]), Secret([2; 32]));
        let cursor = cursor_at(&Three, id, &secret, 2).unwrap();
        assert_eq!(worth(&Three, id, &secret, &cursor).unwrap(), Worth::After(2));
        for forged in
            [Cursor { keyed: [0; 16], ..cursor }, Cursor { seq: 1, running: 1u64.to_be_bytes(), ..cursor }]
        {
            assert_eq!(worth(&Three, id, &secret, &forged).unwrap(), Worth::Foreign);
        }
    }
}
