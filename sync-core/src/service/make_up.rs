//! Which line and week a session counts in: its own, or those of the miss that it makes up for.
//!
//! A make-up counts in the week that was missed, never in its own, whose promise it leaves untouched. Where two
//! sessions claim one miss, the first by date, then by id, makes up for it; the other is extra service in its own
//! week, as is a session whose miss is void, unknown, or of another line than the session names.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::calendar::monday_of;
use super::delivered::Delivered;
use super::missed::Missed;

/// In what role a session counts. Where two overlap, the earlier of these has the minutes.
///
/// Its own week comes first, so that a doubtful make-up never takes a debt away with minutes that were another
/// session's; a claim that lost comes last, so that it never takes them from the one that won.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    /// As delivered in its own week.
    Own,
    /// As the make-up of a miss in the miss's week.
    MakeUp,
    /// As delivered in its own week, though it was meant to make up for a miss.
    Extra,
}

/// A session and where it counts.
#[derive(Debug)]
pub(super) struct Counted<'a, Id> {
    pub(super) session: &'a Delivered<Id>,
    pub(super) line: &'a Id,
    pub(super) role: Role,
    /// The miss that is made up for, in the role of a make-up.
    pub(super) miss: Option<&'a Missed<Id>>,
}

impl<Id> Counted<'_, Id> {
    /// Returns the day of the promise that it redeems.
    pub(super) fn day(&self) -> Date {
        self.miss.map_or(self.session.date, |miss| miss.date)
    }

    /// Returns the Monday of the week that it counts in.
    pub(super) fn monday(&self) -> Date {
        monday_of(self.day())
    }
}

/// Returns every standing session that counts under some line, given the standing misses.
pub(super) fn attribute<'a, Id: Ord>(
    sessions: &'a [Delivered<Id>],
    misses: &BTreeMap<&'a Id, &'a Missed<Id>>,
) -> Vec<Counted<'a, Id>> {
    let claimed_by = winners(sessions, misses);
    let counted = |session: &'a Delivered<Id>| {
        let Some(claimed) = &session.make_up_for else {
            return Some(Counted { session, line: session.line.as_ref()?, role: Role::Own, miss: None });
        };
        let miss = misses.get(claimed).copied();
        let line = session.line.as_ref().or(miss.map(|miss| &miss.line))?;
        if claimed_by.get(claimed).is_some_and(|winner| winner.id == session.id) {
            Some(Counted { session, line, role: Role::MakeUp, miss })
        } else {
            Some(Counted { session, line, role: Role::Extra, miss: None })
        }
    };
    standing(sessions).filter_map(counted).collect()
}

/// Returns the session that makes up for each miss.
fn winners<'a, Id: Ord>(
    sessions: &'a [Delivered<Id>],
    misses: &BTreeMap<&'a Id, &'a Missed<Id>>,
) -> BTreeMap<&'a Id, &'a Delivered<Id>> {
    let mut first: BTreeMap<&Id, &Delivered<Id>> = BTreeMap::new();
    for session in standing(sessions) {
        let Some(miss) = session.make_up_for.as_ref().and_then(|claimed| misses.get(claimed)) else {
            continue;
        };
        if session.line.as_ref().is_some_and(|line| *line != miss.line) {
            continue;
        }
        let winner = first.entry(&miss.id).or_insert(session);
        if (session.date, &session.id) < (winner.date, &winner.id) {
            *winner = session;
        }
    }
    first
}

fn standing<Id>(sessions: &[Delivered<Id>]) -> impl Iterator<Item = &Delivered<Id>> {
    sessions.iter().filter(|session| !session.void)
}
