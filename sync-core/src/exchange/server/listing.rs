//! Repair: what a tablet says of its copies, against what it should have.

use std::collections::{BTreeMap, BTreeSet};

use crate::exchange::message::{EndReason, Entry, Listed, Listing, digest};
use crate::exchange::server::index::{DocumentState, Index, Reading};
use crate::exchange::server::reply::open_holds;
use crate::ids::{DocumentId, PersonId};
use crate::kv::KvError;

/// Where a tablet stands as it lists its copies, and where the reply takes it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Position {
    /// Whether it is told everything anew.
    pub(crate) afresh: bool,
    /// The place of its cursor.
    pub(crate) from: u64,
    /// The place of the next one.
    pub(crate) until: u64,
    /// Whether there is more behind that.
    pub(crate) more: bool,
}

/// What came of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Compared {
    /// What puts the copies right, to be told behind everything else.
    pub(crate) repairs: Vec<Entry>,
    /// Whether the listing itself is wanted.
    pub(crate) wanted: bool,
}

/// Compares what a tablet says of its copies with what its person reads.
pub(crate) fn compare(
    index: &Index<'_>,
    person: PersonId,
    listing: Option<&Listing>,
    position: Position,
) -> Result<Compared, KvError> {
    match listing {
        None => Ok(Compared::default()),
        Some(Listing::Digest(theirs)) => {
            // What has ended since is still on the tablet, and its end is told with this very reply.
            let at = position.from;
            let ours = copies(index, person, at, |reading| {
                reading.begun <= at && reading.ended.is_none_or(|(ended, _)| ended > at)
            })?;
            let same = digest(ours.into_values().map(|(listed, _, _)| listed)) == *theirs;
            Ok(Compared { wanted: !same, ..Compared::default() })
        }
        // What begins, ends or changes in later pages would be repaired twice: those first.
        Some(Listing::Full(_)) if position.more && !position.afresh => {
            Ok(Compared { wanted: true, ..Compared::default() })
        }
        Some(Listing::Full(theirs)) => {
            Ok(Compared { repairs: repairs(index, person, theirs, position)?, wanted: false })
        }
    }
}

type Wanted = BTreeMap<DocumentId, (Listed, DocumentState, Reading)>;

/// Returns the copies that somebody has who has looked through the log up to a place and missed nothing, of what is still read.
fn wanted(index: &Index<'_>, person: PersonId, at: u64) -> Result<Wanted, KvError> {
    copies(index, person, at, |reading| reading.ended.is_none() && reading.begun <= at)
}

/// Returns the copies of some readings as they are at a place.
fn copies(
    index: &Index<'_>,
    person: PersonId,
    at: u64,
    of: impl Fn(&Reading) -> bool,
) -> Result<Wanted, KvError> {
    let mut wanted = Wanted::new();
    for (document, reading) in index.readings(person)? {
        let Some(state) = index.document(document)?.filter(|_| of(&reading)) else { continue };
        // What came since lies behind the place.
        let since =
            if state.last > at { index.changes(document, at, u64::MAX - 1, usize::MAX)? } else { Vec::new() };
        let since = since.iter().filter(|seq| **seq != state.renewed).count() as u64;
        let changes = Some(state.changes.saturating_sub(since));
        let listed = Listed { document, incarnation: state.incarnation, changes };
        wanted.insert(document, (listed, state, reading));
    }
    Ok(wanted)
}

fn repairs(
    index: &Index<'_>,
    person: PersonId,
    theirs: &[Listed],
    position: Position,
) -> Result<Vec<Entry>, KvError> {
    let mut repairs = Vec::new();
    // What is told anew begins anew; of what the tablet has beside that, it is told the end.
    let ours = if position.afresh { Wanted::new() } else { wanted(index, person, position.from)? };
    let mut listed = BTreeSet::new();
    for theirs in theirs {
        let document = theirs.document;
        listed.insert(document);
        let reading = index.reading(person, document)?.filter(|reading| reading.ended.is_none());
        if reading.is_none() {
            repairs.push(Entry::End { document, why: EndReason::NotYours });
            continue;
        }
        let Some((wanted, state, _)) = ours.get(&document) else { continue };
        let other = wanted.incarnation != theirs.incarnation
            || theirs.changes.is_some_and(|changes| Some(changes) != wanted.changes);
        if other && state.renewed <= position.from {
            let (incarnation, fetch) = (wanted.incarnation, position.until);
            repairs.push(Entry::Replace { document, incarnation, fetch });
        }
    }
    for (document, (wanted, state, reading)) in ours {
        if !listed.contains(&document) {
            repairs.push(Entry::Begin {
                name: state.name,
                incarnation: wanted.incarnation,
                fetch: Some(position.until),
                holds: open_holds(index, person, &reading.roles, document)?,
            });
        }
    }
    Ok(repairs)
}
