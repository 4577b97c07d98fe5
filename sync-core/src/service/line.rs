//! Service lines: what the plan promises, in the versions that it had over time.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::word::words;

words! {
    /// Where a service happens: in the student's class, out of it, or with the adults around the student.
    pub enum Mode {
        /// In the classroom.
        PushIn = "push-in",
        /// Out of the classroom.
        PullOut = "pull-out",
        /// With teachers or family, without the student.
        Consult = "consult",
    }
}

words! {
    /// What a number of sessions is promised for.
    pub enum Period {
        /// Each instructional day.
        Day = "day",
        /// Monday to Sunday.
        Week = "week",
        /// One turn of a school's rotating timetable.
        Cycle = "cycle",
        /// A calendar month.
        Month = "month",
        /// A quarter of the school year.
        Quarter = "quarter",
        /// A term.
        Term = "term",
        /// A school year.
        Year = "year",
    }
}

/// A service line as it reads from one day to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineVersion<Id> {
    /// The line. Its versions share it.
    pub line: Id,
    /// The first day in force.
    pub from: Date,
    /// The last day in force, included. None: until another version takes over.
    pub to: Option<Date>,
    /// Sessions promised in each period.
    pub sessions: u16,
    /// Minutes promised for each session.
    pub minutes: u16,
    /// The period of the promise.
    pub period: Period,
    /// The mode promised.
    pub mode: Mode,
}

impl<Id> LineVersion<Id> {
    /// Returns the minutes promised for one full period.
    #[must_use]
    pub fn promise(&self) -> u32 {
        u32::from(self.sessions) * u32::from(self.minutes)
    }

    fn in_force_on(&self, date: Date) -> bool {
        self.from <= date && self.to.is_none_or(|to| date <= to)
    }
}

/// The versions of every line of one student.
#[derive(Debug, Clone)]
pub struct Lines<'a, Id> {
    versions: BTreeMap<&'a Id, Vec<&'a LineVersion<Id>>>,
}

impl<'a, Id: Ord> Lines<'a, Id> {
    /// Returns the versions sorted by line, given in any order.
    #[must_use]
    pub fn new(versions: &'a [LineVersion<Id>]) -> Self {
        let mut by_line: BTreeMap<&Id, Vec<&LineVersion<Id>>> = BTreeMap::new();
        for version in versions {
            by_line.entry(&version.line).or_default().push(version);
        }
        Self { versions: by_line }
    }

    /// Returns the lines' ids in order.
    pub fn ids(&self) -> impl Iterator<Item = &'a Id> {
        self.versions.keys().copied()
    }

    /// Returns the version in force on the date: of several the one that came last, and of two that came
    /// together the one that promises more minutes, which protects the child until people have settled it.
    #[must_use]
    pub fn in_force(&self, line: &Id, date: Date) -> Option<&'a LineVersion<Id>> {
        let versions = self.versions.get(line)?;
        versions
            .iter()
            .copied()
            .filter(|version| version.in_force_on(date))
            .max_by_key(|v| (v.from, v.promise(), v.minutes, v.period, v.mode))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn version(from: Date, to: Option<Date>, sessions: u16, minutes: u16) -> LineVersion<u8> {
        LineVersion { line: 1, from, to, sessions, minutes, period: Period::Week, mode: Mode::PushIn }
    }

    #[test]
    fn both_ends_of_a_version_are_in_force() {
        let versions = [version(date(2025, 9, 1), Some(date(2025, 9, 30)), 2, 30)];
        let lines = Lines::new(&versions);
        for (day, in_force) in
            [(date(2025, 8, 31), false), (date(2025, 9, 1), true), (date(2025, 9, 30), true)]
        {
            assert_eq!(lines.in_force(&1, day).is_some(), in_force, "{day}");
        }
        assert_eq!(lines.in_force(&1, date(2025, 10, 1)), None);
        assert_eq!(lines.in_force(&2, date(2025, 9, 1)), None);
    }

    #[test]
    fn the_later_version_takes_over_and_of_two_equals_the_higher_promise() {
        let old = version(date(2025, 9, 1), None, 5, 60);
        let (less, more) = (version(date(2025, 10, 1), None, 2, 30), version(date(2025, 10, 1), None, 3, 30));
        for versions in [[old.clone(), less.clone(), more.clone()], [more, less, old]] {
            let lines = Lines::new(&versions);
            assert_eq!(lines.in_force(&1, date(2025, 9, 30)).map(LineVersion::promise), Some(300));
            assert_eq!(lines.in_force(&1, date(2025, 10, 1)).map(LineVersion::promise), Some(90));
        }
    }

    #[test]
    fn the_largest_promise_fits() {
        let most = version(date(2025, 9, 1), None, u16::MAX, u16::MAX);
        assert_eq!(most.promise(), 4_294_836_225);
    }
}
