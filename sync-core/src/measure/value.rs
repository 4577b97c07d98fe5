//! What an observer can have seen, by kind of goal, and what it comes to.
//!
//! | kind | figures | comes to |
//! | --- | --- | --- |
//! | `count` | times seen, seconds watched | count x 60 / seconds, per minute |
//! | `probe` | attempted, of these errors, seconds given | (attempted - errors) x 60 / seconds, correct per minute |
//! | `percent` | correct, of so many opportunities | 100 x correct / of, in percent |
//!
//! A value exists only where its figures can be: whoever holds a [`Value`] need not check it again. The same
//! checks run where a figure is typed and where the server takes it in.

use thiserror::Error;

use super::number::{Ratio, Tenths};
use crate::word::words;

/// The longest observation in seconds: one day. A longer one was a timer left running.
pub const SECONDS_MAX: u64 = 86_400;

words! {
    /// What kind of figures a goal is measured by.
    pub enum Measure {
        /// How often something was seen: [`Count`].
        Count = "count",
        /// A timed reading or arithmetic probe: [`Probe`].
        Probe = "probe",
        /// Correct answers of a number of opportunities: [`Percent`].
        Percent = "percent",
    }
}

/// Why figures cannot be a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ValueError {
    /// A figure counts things and is below zero.
    #[error("{0} must be 0 or more")]
    Negative(&'static str),
    /// The time watched is none at all or more than a day.
    #[error("seconds must be from 1 to {SECONDS_MAX}")]
    Seconds,
    /// More errors than attempts.
    #[error("errors must not exceed attempted")]
    ErrorsAboveAttempted,
    /// More correct answers than there were opportunities.
    #[error("correct must not exceed of")]
    CorrectAboveOf,
}

/// How often something was seen in the seconds that it was watched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    count: u64,
    seconds: u64,
}

impl Count {
    /// Returns the value.
    ///
    /// # Errors
    /// [`ValueError::Negative`] below zero, [`ValueError::Seconds`] outside 1 to [`SECONDS_MAX`].
    pub fn new(count: i64, seconds: i64) -> Result<Self, ValueError> {
        Ok(Self { count: counted("count", count)?, seconds: watched(seconds)? })
    }
}

/// A timed reading or arithmetic probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    attempted: u64,
    errors: u64,
    seconds: u64,
}

impl Probe {
    /// Returns the value.
    ///
    /// # Errors
    /// [`ValueError::Negative`] below zero, [`ValueError::ErrorsAboveAttempted`], and [`ValueError::Seconds`]
    /// outside 1 to [`SECONDS_MAX`].
    pub fn new(attempted: i64, errors: i64, seconds: i64) -> Result<Self, ValueError> {
        let (attempted, errors) = (counted("attempted", attempted)?, counted("errors", errors)?);
        if errors > attempted {
            return Err(ValueError::ErrorsAboveAttempted);
        }
        Ok(Self { attempted, errors, seconds: watched(seconds)? })
    }

    /// Returns what was correct of what was attempted, or none where nothing was attempted.
    #[must_use]
    pub fn accuracy(self) -> Option<Ratio> {
        Ratio::new(self.correct(), self.attempted)
    }

    fn correct(self) -> u64 {
        // `new` keeps errors at or below attempted; saturating says so without a way to panic.
        self.attempted.saturating_sub(self.errors)
    }
}

/// Correct answers of a number of opportunities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent {
    correct: u64,
    of: u64,
}

impl Percent {
    /// Returns the value. No opportunity at all (`0` of `0`) can be: it is kept and comes to no percentage.
    ///
    /// # Errors
    /// [`ValueError::Negative`] below zero, [`ValueError::CorrectAboveOf`].
    pub fn new(correct: i64, of: i64) -> Result<Self, ValueError> {
        let (correct, of) = (counted("correct", correct)?, counted("of", of)?);
        if correct > of { Err(ValueError::CorrectAboveOf) } else { Ok(Self { correct, of }) }
    }
}

/// A value of any kind, its figures checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// See [`Count`].
    Count(Count),
    /// See [`Probe`].
    Probe(Probe),
    /// See [`Percent`].
    Percent(Percent),
}

impl Value {
    /// Returns of which kind the value is.
    #[must_use]
    pub fn measure(self) -> Measure {
        match self {
            Self::Count(_) => Measure::Count,
            Self::Probe(_) => Measure::Probe,
            Self::Percent(_) => Measure::Percent,
        }
    }

    /// Returns the figures that the value was made of, each with the name that records give it.
    #[must_use]
    pub fn figures(self) -> Vec<(&'static str, u64)> {
        match self {
            Self::Count(Count { count, seconds }) => vec![("count", count), ("seconds", seconds)],
            Self::Probe(Probe { attempted, errors, seconds }) => {
                vec![("attempted", attempted), ("errors", errors), ("seconds", seconds)]
            }
            Self::Percent(Percent { correct, of }) => vec![("correct", correct), ("of", of)],
        }
    }

    /// Returns the exact ratio that the figures come to: of seconds for a rate, of opportunities for a percentage.
    /// None means no opportunities. Ratios of one kind may be pooled or averaged, those of two kinds never.
    #[must_use]
    pub fn ratio(self) -> Option<Ratio> {
        match self {
            Self::Count(Count { count, seconds }) => Ratio::new(count, seconds),
            Self::Probe(probe) => Ratio::new(probe.correct(), probe.seconds),
            Self::Percent(Percent { correct, of }) => Ratio::new(correct, of),
        }
    }

    /// Returns the value as it is shown.
    #[must_use]
    pub fn shown(self) -> Shown {
        let Some(ratio) = self.ratio() else { return Shown::NoOpportunities };
        match self {
            Self::Count(_) | Self::Probe(_) => Shown::PerMinute(ratio.per_minute()),
            Self::Percent(_) => Shown::Percent(ratio.percent()),
        }
    }
}

impl From<Count> for Value {
    fn from(count: Count) -> Self {
        Self::Count(count)
    }
}

impl From<Probe> for Value {
    fn from(probe: Probe) -> Self {
        Self::Probe(probe)
    }
}

impl From<Percent> for Value {
    fn from(percent: Percent) -> Self {
        Self::Percent(percent)
    }
}

/// A value rounded to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// "No opportunities", which is not 0%.
    NoOpportunities,
    /// A whole percent.
    Percent(u64),
    /// Events, or correct answers, per minute.
    PerMinute(Tenths),
}

fn counted(figure: &'static str, n: i64) -> Result<u64, ValueError> {
    u64::try_from(n).map_err(|_| ValueError::Negative(figure))
}

fn watched(seconds: i64) -> Result<u64, ValueError> {
    match u64::try_from(seconds) {
        Ok(seconds @ 1..=SECONDS_MAX) => Ok(seconds),
        Ok(_) | Err(_) => Err(ValueError::Seconds),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_minute(value: impl Into<Value>) -> String {
        match value.into().shown() {
            Shown::PerMinute(rate) => rate.to_string(),
            other @ (Shown::NoOpportunities | Shown::Percent(_)) => panic!("not a rate: {other:?}"),
        }
    }

    #[test]
    fn a_count_comes_to_events_per_minute() {
        assert_eq!(per_minute(Count::new(12, 600).unwrap()), "1.2");
        assert_eq!(per_minute(Count::new(0, 600).unwrap()), "0.0");
    }

    #[test]
    fn a_probe_comes_to_correct_per_minute() {
        assert_eq!(per_minute(Probe::new(60, 3, 60).unwrap()), "57.0");
        assert_eq!(per_minute(Probe::new(100, 6, 90).unwrap()), "62.7");
        assert_eq!(Probe::new(60, 3, 60).unwrap().accuracy().unwrap().percent(), 95);
        assert_eq!(Probe::new(0, 0, 60).unwrap().accuracy(), None);
    }

    #[test]
    fn a_percentage_is_of_the_opportunities() {
        assert_eq!(Value::from(Percent::new(1, 8).unwrap()).shown(), Shown::Percent(13));
        assert_eq!(Value::from(Percent::new(2, 3).unwrap()).shown(), Shown::Percent(67));
    }

    #[test]
    fn no_opportunity_is_said_and_is_not_zero_percent() {
        assert_eq!(Value::from(Percent::new(0, 0).unwrap()).shown(), Shown::NoOpportunities);
        assert_eq!(Value::from(Percent::new(0, 1).unwrap()).shown(), Shown::Percent(0));
    }

    #[test]
    fn counts_are_zero_or_more() {
        assert_eq!(Count::new(-1, 60), Err(ValueError::Negative("count")));
        assert_eq!(Probe::new(-1, 0, 60), Err(ValueError::Negative("attempted")));
        assert_eq!(Probe::new(1, -1, 60), Err(ValueError::Negative("errors")));
        assert_eq!(Percent::new(-1, 1), Err(ValueError::Negative("correct")));
        assert_eq!(Percent::new(0, -1), Err(ValueError::Negative("of")));
        assert!(Count::new(0, 60).is_ok());
    }

    #[test]
    fn seconds_are_from_one_to_a_day() {
        for (seconds, can_be) in
            [(i64::MIN, false), (-1, false), (0, false), (1, true), (86_400, true), (86_401, false)]
        {
            assert_eq!(Count::new(1, seconds).is_ok(), can_be, "{seconds}");
            assert_eq!(Probe::new(1, 0, seconds).is_ok(), can_be, "{seconds}");
        }
    }

    #[test]
    fn a_part_never_exceeds_its_whole() {
        assert_eq!(Probe::new(3, 4, 60), Err(ValueError::ErrorsAboveAttempted));
        assert!(Probe::new(4, 4, 60).is_ok());
        assert_eq!(Percent::new(5, 4), Err(ValueError::CorrectAboveOf));
        assert!(Percent::new(4, 4).is_ok());
    }

    #[test]
    fn figures_have_the_names_of_the_schema() {
        let values: [Value; 3] = [
            Count::new(12, 600).unwrap().into(),
            Probe::new(60, 3, 90).unwrap().into(),
            Percent::new(4, 5).unwrap().into(),
        ];
        for value in values {
            let names: Vec<&str> = value.figures().into_iter().map(|(name, _)| name).collect();
            assert_eq!(names, crate::document::schema::figures_of(value.measure().code()));
        }
        assert_eq!(values[1].figures(), [("attempted", 60), ("errors", 3), ("seconds", 90)]);
    }

    #[test]
    fn messages_name_the_figure_that_must_change() {
        assert_eq!(ValueError::Negative("count").to_string(), "count must be 0 or more");
        assert_eq!(ValueError::Seconds.to_string(), "seconds must be from 1 to 86400");
    }
}
