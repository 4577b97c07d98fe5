//! The time in a story: it begins on a Friday afternoon in term and runs on, whatever the calendar of the machine says.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

/// When every story begins: a Friday at 15:30 in the school's zone.
pub const TODAY: &str = "2026-10-16T15:30:00-05:00";

/// Returns the machine's own time, for bounds and figures.
#[expect(
    clippy::disallowed_methods,
    reason = "real programs take real time, and every wait for them has a bound"
)]
pub fn now() -> Instant {
    Instant::now()
}

/// A clock that all programs of one world share.
#[derive(Debug, Clone, Copy)]
pub struct SchoolClock {
    start: Timestamp,
    began: Instant,
}

impl SchoolClock {
    /// Starts a clock at an instant in RFC 3339.
    pub fn starting(at: &str) -> Self {
        Self { start: at.parse().unwrap(), began: now() }
    }

    /// Returns the same clock, set forward.
    #[must_use]
    pub fn later(self, hours: i64) -> Self {
        Self { start: self.start + SignedDuration::from_hours(hours), ..self }
    }

    /// Returns what it shows, as `--clock` takes it.
    pub fn text(&self) -> String {
        (self.start + SignedDuration::try_from(self.began.elapsed()).unwrap()).to_string()
    }
}
