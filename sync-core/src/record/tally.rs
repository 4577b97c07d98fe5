//! Shared tallies: several people's taps on one count.
//!
//! A tap slot carries the taps of one device since its last one; an undo is negative. Each member's taps are summed and never
//! fall below zero, and only then are members added: nobody can undo what somebody else has counted.

use std::collections::BTreeMap;

use super::entry::Entry;
use super::view::Head;
use crate::document::slot::SlotKey;
use crate::ids::PersonId;
use crate::time::Moment;

/// A tally and what it comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TallyView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The goal.
    pub goal: Option<SlotKey>,
    /// When it was opened.
    pub start: Option<Moment>,
    /// Taps of each member who tapped, none below zero.
    pub by: BTreeMap<PersonId, u64>,
}

impl TallyView {
    /// Returns the view of a tally from its standing taps.
    pub(super) fn of<'e, 'a: 'e>(entry: &Entry<'a>, taps: impl Iterator<Item = &'e Entry<'a>>) -> Self {
        let mut sums: BTreeMap<PersonId, i64> = BTreeMap::new();
        let mut head = Head::of(entry);
        for tap in taps.filter(|tap| !tap.is_void()) {
            head.newer |= tap.newer;
            let sum = sums.entry(tap.author()).or_default();
            *sum = sum.saturating_add(tap.int("n").unwrap_or(0));
        }
        let by = sums.into_iter().map(|(member, sum)| (member, u64::try_from(sum).unwrap_or(0))).collect();
        Self { head, goal: entry.key("goal"), start: entry.moment("start"), by }
    }

    /// Returns all members' taps together.
    pub fn total(&self) -> u64 {
        self.by.values().fold(0, |total, taps| total.saturating_add(*taps))
    }
}
