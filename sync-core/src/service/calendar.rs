//! School days, periods and the weeks that minutes are reported by.
//!
//! Without a calendar every Monday to Friday is instructional. A day, a week (Monday to Sunday) and a month
//! follow from the date alone; cycles, quarters, terms and school years are what a school says they are, so they
//! are looked up, and unknown where nothing was said.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use thiserror::Error;

use super::line::Period;

/// The most days that a school can call one period. A longer span is a slip of the pen and is passed over.
pub const PERIOD_DAYS_MAX: i32 = 400;
/// The most weeks of one account: ten years.
pub const WEEKS_MAX: i32 = 522;

/// A run of days, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days {
    /// The first day.
    pub first: Date,
    /// The last day, included.
    pub last: Date,
}

impl Days {
    /// Returns whether the date is one of the days.
    #[must_use]
    pub fn contains(self, date: Date) -> bool {
        self.first <= date && date <= self.last
    }

    /// Returns each day in turn.
    pub fn iter(self) -> impl Iterator<Item = Date> {
        self.first.series(1.day()).take_while(move |day| *day <= self.last)
    }

    fn fits(self) -> bool {
        self.first <= self.last && (self.last - self.first).get_days() < PERIOD_DAYS_MAX
    }
}

/// A cycle, quarter, term or year as the school has set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SetPeriod {
    /// What kind of period it is.
    pub period: Period,
    /// Its days.
    pub days: Days,
}

/// When there is school. The default is Monday to Friday, with no periods set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Calendar {
    /// The instructional days; they have to reach over every period that is asked about. None: Monday to Friday.
    pub school_days: Option<BTreeSet<Date>>,
    /// Cycles, quarters, terms and years, in any order.
    pub set_periods: Vec<SetPeriod>,
}

impl Calendar {
    /// Returns whether there is instruction on the date.
    #[must_use]
    pub fn is_school_day(&self, date: Date) -> bool {
        match &self.school_days {
            Some(days) => days.contains(&date),
            None => is_weekday(date),
        }
    }

    /// Returns the period of that kind that the date lies in. None: the school has not said. Of two that overlap
    /// the earlier one.
    #[must_use]
    pub fn period_of(&self, period: Period, date: Date) -> Option<Days> {
        match period {
            Period::Day => Some(Days { first: date, last: date }),
            Period::Week => Some(week_of(date)),
            Period::Month => Some(Days { first: date.first_of_month(), last: date.last_of_month() }),
            Period::Cycle | Period::Quarter | Period::Term | Period::Year => self
                .set_periods
                .iter()
                .filter(|set| set.period == period && set.days.contains(date) && set.days.fits())
                .map(|set| set.days)
                .min(),
        }
    }
}

/// Returns whether the date is a Monday to Friday, which is what a normal week has.
#[must_use]
pub fn is_weekday(date: Date) -> bool {
    !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// Returns the Monday of the date's week, by which a week is named.
#[must_use]
pub fn monday_of(date: Date) -> Date {
    date.saturating_sub(date.weekday().to_monday_zero_offset().days())
}

/// Returns the Monday to Sunday that the date lies in.
#[must_use]
pub fn week_of(date: Date) -> Days {
    let monday = monday_of(date);
    Days { first: monday, last: monday.saturating_add(6.days()) }
}

/// Why a range of weeks cannot be accounted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WeeksError {
    /// The last day comes before the first.
    #[error("the last week is before the first")]
    Backwards,
    /// More than [`WEEKS_MAX`] weeks.
    #[error("more than {WEEKS_MAX} weeks")]
    TooMany,
}

/// Whole weeks in a row, the weeks of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weeks {
    first_monday: Date,
    last_monday: Date,
}

impl Weeks {
    /// Returns the one week that the date lies in.
    #[must_use]
    pub fn of(date: Date) -> Self {
        let monday = monday_of(date);
        Self { first_monday: monday, last_monday: monday }
    }

    /// Returns the weeks from the one of `first` to the one of `last`, both included.
    ///
    /// # Errors
    /// [`WeeksError::Backwards`] and [`WeeksError::TooMany`].
    pub fn covering(first: Date, last: Date) -> Result<Self, WeeksError> {
        let (first_monday, last_monday) = (monday_of(first), monday_of(last));
        if last_monday < first_monday {
            Err(WeeksError::Backwards)
        } else if (last_monday - first_monday).get_days() / 7 >= WEEKS_MAX {
            Err(WeeksError::TooMany)
        } else {
            Ok(Self { first_monday, last_monday })
        }
    }

    /// Returns each week's Monday in turn.
    pub fn mondays(self) -> impl Iterator<Item = Date> {
        self.first_monday.series(1.week()).take_while(move |monday| *monday <= self.last_monday)
    }

    /// Returns whether the week of this Monday is one of them.
    #[must_use]
    pub fn contains(self, monday: Date) -> bool {
        self.first_monday <= monday && monday <= self.last_monday
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_week_is_named_by_its_monday() {
        let monday = date(2025, 9, 29);
        for offset in 0..7 {
            assert_eq!(monday_of(monday.saturating_add(offset.days())), monday);
        }
        assert_eq!(week_of(date(2025, 10, 1)), Days { first: monday, last: date(2025, 10, 5) });
        assert_eq!(week_of(Date::MIN).first, monday_of(Date::MIN));
        assert_eq!(week_of(Date::MAX).last, Date::MAX);
    }

    #[test]
    fn without_a_calendar_monday_to_friday_is_instructional() {
        let week = week_of(date(2025, 9, 29));
        let taught: Vec<bool> = week.iter().map(|day| Calendar::default().is_school_day(day)).collect();
        assert_eq!(taught, [true, true, true, true, true, false, false]);
    }

    #[test]
    fn a_calendar_says_which_days_are_instructional() {
        let saturday = date(2025, 10, 4);
        let calendar = Calendar { school_days: Some([saturday].into()), ..Calendar::default() };
        assert!(calendar.is_school_day(saturday) && !calendar.is_school_day(date(2025, 10, 3)));
    }

    #[test]
    fn terms_are_what_the_school_says_and_unknown_otherwise() {
        let autumn = Days { first: date(2025, 8, 25), last: date(2025, 12, 19) };
        let set = SetPeriod { period: Period::Term, days: autumn };
        let calendar = Calendar { set_periods: vec![set], ..Calendar::default() };
        assert_eq!(calendar.period_of(Period::Term, date(2025, 12, 19)), Some(autumn));
        assert_eq!(calendar.period_of(Period::Term, date(2025, 12, 20)), None);
        assert_eq!(calendar.period_of(Period::Year, date(2025, 12, 19)), None);
    }

    #[test]
    fn a_period_longer_than_any_year_is_passed_over() {
        let first = date(2025, 1, 1);
        for (days, known) in [(PERIOD_DAYS_MAX, true), (PERIOD_DAYS_MAX + 1, false)] {
            let days = Days { first, last: first.saturating_add((days - 1).days()) };
            let set = SetPeriod { period: Period::Year, days };
            let calendar = Calendar { set_periods: vec![set], ..Calendar::default() };
            assert_eq!(calendar.period_of(Period::Year, first).is_some(), known);
        }
    }

    #[test]
    fn weeks_are_whole_in_order_and_bounded() {
        let (wednesday, next_tuesday) = (date(2025, 10, 1), date(2025, 10, 7));
        let weeks = Weeks::covering(wednesday, next_tuesday).unwrap();
        assert_eq!(weeks.mondays().collect::<Vec<_>>(), [date(2025, 9, 29), date(2025, 10, 6)]);
        assert_eq!(Weeks::covering(next_tuesday, wednesday), Err(WeeksError::Backwards));
        let most = wednesday.saturating_add((WEEKS_MAX - 1).weeks());
        assert_eq!(Weeks::covering(wednesday, most).unwrap().mondays().count(), 522);
        assert_eq!(Weeks::covering(wednesday, most.saturating_add(1.week())), Err(WeeksError::TooMany));
    }
}
