//! What a person is told: the log after the cursor, as far as this person may read it now.
//!
//! Below the horizon no change is told any more. Whoever comes back from there is told of each document that was written in meanwhile once,
//! at the place of its first change: it begins, and is fetched whole. All else (what was given and taken, facts, holds) is told at its own
//! place as ever, as it is now.

mod cursor;
mod log;
mod told;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use cursor::is_ours;
pub use cursor::{Worth, cursor_at, worth};
pub use log::LogRead;
pub use told::Told;
pub(crate) use told::open_holds;
use told::weigh;

use crate::document::change::ChangeHash;
use crate::exchange::message::{Entry, REPLY_BYTES_MAX};
use crate::exchange::server::index::{DocumentState, Index};
use crate::ids::{DocumentId, PersonId};
use crate::kv::KvError;

/// Changes of a document that are sent one by one when it begins; where it has more, a snapshot is fetched.
pub const INLINE_CHANGES_MAX: u64 = 16;
/// Rows that a reply looks at in one stream before it sees whether there is more.
const STREAM_ROWS: usize = 4_096;

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
