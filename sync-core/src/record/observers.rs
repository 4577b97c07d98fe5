//! Two people who watched the same goal at the same time, both as primary observer.
//!
//! Perhaps they saw the same events; then adding their figures would count each twice. Until somebody says, one of them counts:
//! the one whom the goal is given to, else the one with the lower record id. All records stay as they are.

use std::collections::BTreeMap;

use super::entry::RecordRef;
use super::flag::Flag;
use crate::document::slot::SlotKey;
use crate::ids::PersonId;

/// A primary observation that could count.
pub(super) struct Watched {
    pub(super) goal: SlotKey,
    /// Whether the goal is not given to its author: those who have it come first.
    pub(super) unassigned: bool,
    pub(super) record: RecordRef,
    /// First millisecond, and the first one after.
    pub(super) window_ms: (i64, i64),
}

/// Returns a flag for each observation that does not count because of another one's.
pub(super) fn set_aside(mut watched: Vec<Watched>) -> Vec<Flag> {
    watched.sort_by_key(|one| (one.goal, one.unassigned, one.record));
    let mut flags = Vec::new();
    let mut claimed = Claimed::default();
    let mut goal = None;
    for one in &watched {
        if goal.replace(one.goal) != Some(one.goal) {
            claimed = Claimed::default();
        }
        if let Some(counted) = claimed.claim(one) {
            flags.push(Flag::SameEventsOrShared { counted, set_aside: one.record });
        }
    }
    flags
}

/// Time that somebody's observations have taken: disjoint stretches by their starts.
#[derive(Default)]
struct Claimed(BTreeMap<i64, Stretch>);

struct Stretch {
    end: i64,
    author: PersonId,
    /// The observation that took it first.
    record: RecordRef,
}

impl Claimed {
    /// Takes the window for its author, or returns the observation of somebody else that has part of it.
    fn claim(&mut self, one: &Watched) -> Option<RecordRef> {
        let (start, end) = one.window_ms;
        let author = one.record.key.member;
        let touching = || self.0.range(..end).rev().take_while(|(_, stretch)| stretch.end > start);
        if let Some((_, other)) = touching().find(|(_, stretch)| stretch.author != author) {
            return Some(other.record);
        }
        // One's own stretches melt into one, so that they stay disjoint.
        let own: Vec<i64> = touching().map(|(from, _)| *from).collect();
        let melted: Vec<(i64, Stretch)> =
            own.into_iter().filter_map(|from| self.0.remove(&from).map(|stretch| (from, stretch))).collect();
        let first = melted.iter().map(|(from, _)| *from).fold(start, i64::min);
        let last = melted.iter().map(|(_, stretch)| stretch.end).fold(end, i64::max);
        self.0.insert(first, Stretch { end: last, author, record: one.record });
        None
    }
}
