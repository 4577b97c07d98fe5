//! How many minutes a week was promised.
//!
//! Delivered minutes are reported by the week; a promise may be for a day, a week, a month or a year. The rule is
//! one for all of them:
//!
//! > The whole promise of a period stands in the week of the period's first instructional day on which a version
//! > promising by that period is in force, and that version says how much it is.
//!
//! - For a week it says: the week belongs to the version in force on its first instructional day, and a line that
//!   begins on a Wednesday promises that week in full unless policy prorates it.
//! - A week without instruction promises nothing: there is no such day.
//! - For a month it puts the promise where the month's service begins and nothing in the weeks after. Spreading it
//!   would make up a weekly promise that the plan does not hold, and round it; like this the weeks of a period add
//!   up to exactly what the plan says, and the running balance shows what is left to deliver.
//! - Where the school has not said when its terms or cycles are, the promise of a week is unknown: none, not zero.

use jiff::civil::Date;

use super::calendar::{Calendar, Days, is_weekday, week_of};
use super::line::{LineVersion, Lines, Period};
use crate::measure::number::divide_rounded;

/// What a period promises in which school or the line itself is there for a part only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PartialPeriod {
    /// The full promise: nothing is taken off. The federal default.
    #[default]
    None,
    /// The promise times instructional days in force over the period's Mondays to Fridays, rounded half up, and
    /// never more than the full promise.
    ProrateDays,
}

/// Promises of a student's lines under one calendar and policy.
#[derive(Debug, Clone, Copy)]
pub struct Promises<'a, Id> {
    /// The lines.
    pub lines: &'a Lines<'a, Id>,
    /// The days of instruction and the periods set.
    pub calendar: &'a Calendar,
    /// The policy for partial periods.
    pub partial: PartialPeriod,
}

impl<'a, Id: Ord> Promises<'a, Id> {
    /// Returns the minutes promised by the line in the week of the date, or none where a period of the promise is
    /// unknown.
    #[must_use]
    pub fn mandated(&self, line: &Id, week: Date) -> Option<u32> {
        let mut minutes: u32 = 0;
        for day in week_of(week).iter().filter(|day| self.calendar.is_school_day(*day)) {
            let Some(version) = self.lines.in_force(line, day) else { continue };
            let days = self.calendar.period_of(version.period, day)?;
            if self.deciding_day(line, version.period, days) == Some(day) {
                minutes = minutes.saturating_add(self.promise_of(version, days));
            }
        }
        Some(minutes)
    }

    /// Returns the version that decides what a session planned on the date was worth: the one that decided the
    /// promise of its period. None: no version was in force on the date.
    #[must_use]
    pub fn deciding_version(&self, line: &Id, date: Date) -> Option<&'a LineVersion<Id>> {
        let on_the_day = self.lines.in_force(line, date)?;
        let decided = self.calendar.period_of(on_the_day.period, date).and_then(|days| {
            let day = self.deciding_day(line, on_the_day.period, days)?;
            self.lines.in_force(line, day)
        });
        Some(decided.unwrap_or(on_the_day))
    }

    fn deciding_day(&self, line: &Id, period: Period, days: Days) -> Option<Date> {
        days.iter().find(|day| self.counts(line, period, *day))
    }

    fn counts(&self, line: &Id, period: Period, day: Date) -> bool {
        self.calendar.is_school_day(day)
            && self.lines.in_force(line, day).is_some_and(|version| version.period == period)
    }

    fn promise_of(&self, version: &LineVersion<Id>, days: Days) -> u32 {
        let full = version.promise();
        match self.partial {
            PartialPeriod::None => full,
            PartialPeriod::ProrateDays => {
                let there =
                    days.iter().filter(|day| self.counts(&version.line, version.period, *day)).count();
                let normal = days.iter().filter(|day| is_weekday(*day)).count();
                // A single Saturday of instruction has no normal day to be measured by and promises in full.
                divide_rounded(u128::from(full) * there.min(normal) as u128, normal as u128)
                    .and_then(|minutes| u32::try_from(minutes).ok())
                    .unwrap_or(full)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::ToSpan;
    use jiff::civil::date;

    use super::super::calendar::SetPeriod;
    use super::super::line::Mode;
    use super::*;

    const MONDAY: Date = date(2025, 9, 29);

    fn version(from: Date, to: Option<Date>, sessions: u16, minutes: u16, period: Period) -> LineVersion<u8> {
        LineVersion { line: 1, from, to, sessions, minutes, period, mode: Mode::PushIn }
    }

    fn mandated(
        versions: &[LineVersion<u8>],
        calendar: &Calendar,
        partial: PartialPeriod,
        week: Date,
    ) -> Option<u32> {
        Promises { lines: &Lines::new(versions), calendar, partial }.mandated(&1, week)
    }

    fn by_default(versions: &[LineVersion<u8>], week: Date) -> Option<u32> {
        mandated(versions, &Calendar::default(), PartialPeriod::None, week)
    }

    #[test]
    fn a_line_that_begins_on_wednesday_promises_the_week_in_full_unless_prorated() {
        let line = [version(date(2025, 10, 1), None, 2, 30, Period::Week)];
        let calendar = Calendar::default();
        assert_eq!(mandated(&line, &calendar, PartialPeriod::None, MONDAY), Some(60));
        assert_eq!(mandated(&line, &calendar, PartialPeriod::ProrateDays, MONDAY), Some(36));
        assert_eq!(mandated(&line, &calendar, PartialPeriod::None, date(2025, 9, 26)), Some(0));
    }

    #[test]
    fn a_week_without_instruction_promises_nothing() {
        let line = [version(date(2025, 9, 1), None, 2, 30, Period::Week)];
        let closed = Calendar { school_days: Some(BTreeSet::new()), ..Calendar::default() };
        assert_eq!(mandated(&line, &closed, PartialPeriod::None, MONDAY), Some(0));
    }

    #[test]
    fn prorating_rounds_half_up_and_never_passes_the_promise() {
        let line = [version(MONDAY, None, 1, 17, Period::Week)];
        let weekend_too: BTreeSet<Date> = week_of(MONDAY).iter().collect();
        let two_days: BTreeSet<Date> = weekend_too.iter().copied().take(2).collect();
        for (days, minutes) in [(two_days, 7), (weekend_too, 17)] {
            let calendar = Calendar { school_days: Some(days), ..Calendar::default() };
            assert_eq!(mandated(&line, &calendar, PartialPeriod::ProrateDays, MONDAY), Some(minutes));
        }
    }

    #[test]
    fn a_daily_promise_adds_up_over_the_days_in_force() {
        let line = [version(date(2025, 10, 1), None, 1, 20, Period::Day)];
        assert_eq!(by_default(&line, MONDAY), Some(60));
        assert_eq!(by_default(&line, date(2025, 10, 6)), Some(100));
    }

    #[test]
    fn a_monthly_promise_stands_whole_in_the_week_of_its_first_instructional_day() {
        let line = [version(date(2025, 9, 1), None, 4, 30, Period::Month)];
        // October begins on the Wednesday of the first of these weeks, November on a Saturday.
        let weeks = (0..7).map(|n| by_default(&line, MONDAY.saturating_add(n.weeks())));
        let stands = [Some(120), Some(0), Some(0), Some(0), Some(0), Some(120), Some(0)];
        assert_eq!(weeks.collect::<Vec<_>>(), stands);
    }

    #[test]
    fn a_term_promise_stands_once_and_is_unknown_without_terms() {
        let line = [version(date(2025, 8, 1), None, 10, 30, Period::Term)];
        assert_eq!(by_default(&line, MONDAY), None);
        let days = Days { first: date(2025, 9, 27), last: date(2025, 12, 19) };
        let set_periods = vec![SetPeriod { period: Period::Term, days }];
        let calendar = Calendar { set_periods, ..Calendar::default() };
        assert_eq!(mandated(&line, &calendar, PartialPeriod::None, MONDAY), Some(300));
        assert_eq!(mandated(&line, &calendar, PartialPeriod::None, date(2025, 10, 6)), Some(0));
    }

    #[test]
    fn a_line_that_changes_its_period_promises_by_the_new_one_from_then_on() {
        let line = [
            version(date(2025, 9, 1), None, 4, 30, Period::Month),
            version(date(2025, 10, 6), None, 1, 30, Period::Week),
        ];
        let weeks = (0..3).map(|n| by_default(&line, MONDAY.saturating_add(n.weeks())));
        assert_eq!(weeks.collect::<Vec<_>>(), [Some(120), Some(30), Some(30)]);
    }

    #[test]
    fn a_session_is_worth_what_the_version_of_its_week_says() {
        let line = [
            version(date(2025, 9, 1), Some(date(2025, 10, 9)), 2, 30, Period::Week),
            version(date(2025, 10, 1), Some(date(2025, 10, 9)), 3, 20, Period::Week),
        ];
        let lines = Lines::new(&line);
        let calendar = Calendar::default();
        let promises = Promises { lines: &lines, calendar: &calendar, partial: PartialPeriod::None };
        let worth = |day| promises.deciding_version(&1, day).map(|version| version.minutes);
        assert_eq!(
            worth(date(2025, 10, 2)),
            Some(30),
            "Thursday of the week that began under the old version"
        );
        assert_eq!(worth(date(2025, 10, 7)), Some(20));
        assert_eq!(worth(date(2025, 10, 10)), None);
    }
}
