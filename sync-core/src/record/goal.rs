//! Goals, and who works on them.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::entry::Entry;
use super::view::Head;
use crate::document::slot::{SlotKey, Value};
use crate::ids::PersonId;
use crate::sensitive::Sensitive;
use crate::time::Moment;

/// A goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GoalView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// Whose goal it is.
    pub discipline: Option<&'static str>,
    /// The kind of measure.
    pub kind: Option<&'static str>,
    /// Which way the figure should go.
    pub direction: Option<&'static str>,
    /// What the student is to learn.
    pub statement: Option<Sensitive<String>>,
    /// The same in plain words.
    pub plain_statement: Option<Sensitive<String>>,
    /// The figure to reach, in thousandths.
    pub target: Option<i64>,
    /// By which day.
    pub target_date: Option<Date>,
    /// Who gave the target that counts, and when: a fitting one where several people say the same.
    pub target_by: Option<PersonId>,
    /// When, by that person's tablet as corrected.
    pub target_at: Option<Moment>,
    /// The figure at the start, in thousandths.
    pub baseline: Option<i64>,
    /// On which day that was.
    pub baseline_date: Option<Date>,
    /// When the goal counts as mastered.
    pub criterion: Option<Sensitive<String>>,
    /// The people whom the goal is given to.
    pub assigned: BTreeSet<PersonId>,
}

impl GoalView {
    pub(super) fn of(entry: &Entry<'_>, assigned: BTreeSet<PersonId>) -> Self {
        let target = entry.int("target");
        let standing = entry.standing("target");
        let said = standing.iter().find(|said| said.fits && said.value == target.map(Value::Int));
        Self {
            head: Head::of(entry),
            discipline: entry.word("discipline"),
            kind: entry.word("kind"),
            direction: entry.word("direction"),
            statement: entry.text("statement"),
            plain_statement: entry.text("plain_statement"),
            target,
            target_date: entry.day("target_date"),
            target_by: said.map(|said| said.by()),
            target_at: said.and_then(|said| said.at),
            baseline: entry.int("baseline"),
            baseline_date: entry.day("baseline_date"),
            criterion: entry.text("criterion"),
            assigned,
        }
    }
}

/// A goal given to a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignmentView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The goal.
    pub goal: Option<SlotKey>,
    /// The person.
    pub person: Option<PersonId>,
}

impl AssignmentView {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let person = entry.leaf("person").and_then(Value::as_text).and_then(|text| text.parse().ok());
        Self { head: Head::of(entry), goal: entry.key("goal"), person }
    }
}
