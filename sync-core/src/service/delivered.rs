//! Sessions as the account sees them: when, in which mode, for which line.

use jiff::civil::Date;

use super::line::Mode;

const MINUTE_MS: i64 = 60_000;

/// A stretch of a session in one mode. A session in one mode has one, a blended one several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Segment {
    /// The mode that it was in.
    pub mode: Mode,
    /// Its start, in milliseconds since the epoch.
    pub start_ms: i64,
    /// Its length in minutes.
    pub minutes: u16,
}

impl Segment {
    /// Returns the minutes that it fills, half-open, since the epoch.
    ///
    /// The minute of the start counts as a whole one: starts are noted to the minute or tapped within it, lengths
    /// are whole minutes. Two sessions that are apart stay apart by this, and a few seconds are no overlap.
    pub(super) fn span(self) -> (i64, i64) {
        let start = self.start_ms.div_euclid(MINUTE_MS);
        (start, start + i64::from(self.minutes))
    }
}

/// A session that took place: complete, drafts are none yet.
///
/// In a group session each student has a record of their own with all of its minutes. The size of the group is
/// kept there and divides nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered<Id> {
    /// The session.
    pub id: Id,
    /// The line that it names. Without one it counts under no line, unless it makes up for a miss of one.
    pub line: Option<Id>,
    /// Its school-local date.
    pub date: Date,
    /// Its segments, in any order. Time between two segments is no service.
    pub segments: Vec<Segment>,
    /// Whether its provider has certified it and the certification is not stale.
    pub certified: bool,
    /// Whether it is void and counts for nothing.
    pub void: bool,
    /// The missed session that it makes up for.
    pub make_up_for: Option<Id>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(start_ms: i64, minutes: u16) -> (i64, i64) {
        Segment { mode: Mode::PushIn, start_ms, minutes }.span()
    }

    #[test]
    fn seconds_of_the_start_are_no_minutes() {
        assert_eq!(span(600_000, 30), (10, 40));
        assert_eq!(span(659_999, 30), (10, 40));
        assert_eq!(span(-1, 1), (-1, 0), "before the epoch, too, a start lies in the minute that holds it");
    }

    #[test]
    fn the_last_instant_there_is_does_not_overflow() {
        let (start, end) = span(i64::MAX, u16::MAX);
        assert_eq!(end - start, 65_535);
    }
}
