//! Versions of the learner plan.

use jiff::civil::Date;

use super::entry::Entry;
use super::view::Head;

/// A version of the plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanVersionView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The kind of plan.
    pub kind: Option<&'static str>,
    /// The first day in force.
    pub from: Option<Date>,
    /// The last day in force, included; none while it goes on.
    pub to: Option<Date>,
}

impl PlanVersionView {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        Self { head: Head::of(entry), kind: entry.word("kind"), from: entry.day("from"), to: entry.day("to") }
    }
}
