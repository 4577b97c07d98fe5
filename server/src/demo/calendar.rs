//! The school days of the past weeks, and the terms around them, wherever in the year the clock stands.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};

/// When the office opens, in milliseconds after midnight: 6:00.
pub(super) const OFFICE_OPENS_MS: i64 = 6 * HOUR_MS;
/// When the first session begins: 8:30.
pub(super) const FIRST_SESSION_MS: i64 = 8 * HOUR_MS + HOUR_MS / 2;
/// When tablets come back to the network: 15:30.
pub(super) const DISMISSAL_MS: i64 = 15 * HOUR_MS + HOUR_MS / 2;
/// A minute in milliseconds.
pub(super) const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// The month in which school years begin: August.
const YEAR_BEGINS_MONTH: i8 = 8;
/// School days of a week.
pub(super) const DAYS_PER_WEEK: usize = 5;

/// Mondays to Fridays, in order, the last of them before today.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SchoolDays(Vec<Date>);

impl SchoolDays {
    /// Returns the school days of so many weeks before `today`; none where the calendar does not reach so far back.
    pub(super) fn before(today: Date, weeks: usize) -> Option<Self> {
        let (mut days, mut day) = (Vec::new(), today);
        while days.len() < weeks.max(2) * DAYS_PER_WEEK {
            day = day.checked_sub(1.day()).ok()?;
            if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
                days.push(day);
            }
        }
        days.reverse();
        Some(Self(days))
    }

    /// Returns them with their numbers, counted from 0.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, Date)> {
        self.0.iter().copied().enumerate()
    }

    /// Returns the first.
    pub(super) fn first(&self) -> Date {
        self.before_last(self.0.len().saturating_sub(1))
    }

    /// Returns the one so many before the last; the first where there are not so many.
    pub(super) fn before_last(&self, count: usize) -> Date {
        let at = self.0.len().saturating_sub(1).saturating_sub(count);
        self.0.get(at).copied().unwrap_or_default()
    }

    /// Returns how many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Returns `terms.csv` for the school years from the first day to `today`.
pub(super) fn terms(first: Date, today: Date) -> String {
    let year_of = |day: Date| if day.month() >= YEAR_BEGINS_MONTH { day.year() } else { day.year() - 1 };
    let years: BTreeSet<i16> = (year_of(first)..=year_of(today)).collect();
    let mut csv = String::from("external_id,school,name,first_day,last_day\n");
    for year in years {
        let next = year + 1;
        for (id, name, first, last) in [
            ("fall", "Fall", date(year, 8, 1), date(year, 12, 31)),
            ("spring", "Spring", date(next, 1, 1), date(next, 5, 31)),
            ("summer", "Summer", date(next, 6, 1), date(next, 7, 31)),
        ] {
            csv.push_str(&format!("{id}-{year},,{name} {},{first},{last}\n", first.year()));
        }
    }
    csv
}
