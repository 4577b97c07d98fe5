//! Terms and school years: in which document a day's work stands.

use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};

/// A term as the roster gives it. Terms tile the calendar: each runs to the day before the next.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Term {
    /// The first day.
    pub first: Date,
    /// What the roster calls it; part of the names of its documents.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The last day of instruction.
    pub last: Date,
}

/// The organisation's terms. Where it has none, a school year is one term.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Calendar {
    terms: Vec<Term>,
}

/// The month in which a school year begins: from August on, work belongs to the new year's plan.
const YEAR_BEGINS_MONTH: i8 = 8;

impl Calendar {
    /// Makes a calendar of terms in any order.
    pub fn new(mut terms: Vec<Term>) -> Self {
        terms.sort();
        terms.dedup_by(|later, earlier| later.first == earlier.first);
        Self { terms }
    }

    /// Returns the terms in the order of their days.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Returns the id of the school year of a day, such as `2026-27`.
    pub fn year_of(&self, day: Date) -> String {
        let first = if day.month() >= YEAR_BEGINS_MONTH { day.year() } else { day.year() - 1 };
        format!("{first}-{:02}", (first + 1).rem_euclid(100))
    }

    /// Returns the id of the term of a day: the last one that began by then.
    ///
    /// A day before the first known term belongs to its school year's own term, so nothing is ever without a document.
    pub fn term_of(&self, day: Date) -> String {
        let term = self.terms.iter().rev().find(|term| term.first <= day);
        term.map_or_else(|| self.year_of(day), |term| term.id.clone())
    }

    /// Returns the id of the term after the one of `day`, so that its documents can be founded before it begins.
    pub fn next_term_of(&self, day: Date) -> String {
        match self.terms.iter().find(|term| term.first > day) {
            Some(term) => term.id.clone(),
            None if self.terms.is_empty() => self.year_of(day.checked_add(1.year()).unwrap_or(day)),
            None => self.term_of(day),
        }
    }

    /// Returns the first day of a term or school year, by its id; none where the roster has forgotten it.
    pub fn first_day_of(&self, period: &str) -> Option<Date> {
        let term = self.terms.iter().find(|term| term.id == period).map(|term| term.first);
        let year: Option<i16> = period.get(..4).and_then(|digits| digits.parse().ok());
        term.or_else(|| Date::new(year?, YEAR_BEGINS_MONTH, 1).ok())
    }

    /// Returns whether a period, by its id, is one of the terms or of their school years, or lies around today.
    pub fn has(&self, period: &str, today: Date) -> bool {
        let mut terms = self.terms.iter();
        let around = [self.year_of(today), self.term_of(today), self.next_term_of(today)];
        around.iter().any(|known| known == period)
            || terms.any(|term| {
                term.id == period || self.year_of(term.first) == period || self.year_of(term.last) == period
            })
    }

    /// Returns whether a school year, by its id, was over before `today`: its plan takes no more edits unreviewed.
    pub fn year_is_closed(&self, year: &str, today: Date) -> bool {
        let first: Option<i16> = year.get(..4).and_then(|digits| digits.parse().ok());
        first.is_some_and(|first| first < i16::MAX && date(first + 1, YEAR_BEGINS_MONTH, 1) <= today)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    fn calendar() -> Calendar {
        let term = |id: &str, first, last| Term {
            first: day(first),
            id: id.into(),
            name: id.into(),
            last: day(last),
        };
        Calendar::new(vec![
            term("spring", "2027-01-05", "2027-05-28"),
            term("fall", "2026-08-17", "2026-12-18"),
        ])
    }

    #[test]
    fn terms_tile_the_calendar() {
        for (on, term, next) in [
            ("2026-08-17", "fall", "spring"),
            ("2026-12-25", "fall", "spring"),
            ("2027-01-05", "spring", "spring"),
            ("2027-07-31", "spring", "spring"),
            ("2026-08-16", "2026-27", "fall"),
        ] {
            assert_eq!(
                (calendar().term_of(day(on)).as_str(), calendar().next_term_of(day(on)).as_str()),
                (term, next),
                "{on}"
            );
        }
    }

    #[test]
    fn without_terms_the_year_is_the_term() {
        let none = Calendar::default();
        assert_eq!(none.term_of(day("2027-07-31")), "2026-27");
        assert_eq!(none.next_term_of(day("2027-07-31")), "2027-28");
        assert_eq!(none.year_of(day("2099-12-31")), "2099-00");
    }

    #[test]
    fn a_year_closes_when_the_next_begins() {
        assert!(!calendar().year_is_closed("2026-27", day("2027-07-31")));
        assert!(calendar().year_is_closed("2026-27", day("2027-08-01")));
        assert!(!calendar().year_is_closed("nonsense", day("2027-08-01")));
    }
}
