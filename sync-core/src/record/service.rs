//! Service lines: what was promised.

use jiff::civil::Date;

use super::entry::Entry;
use super::view::Head;

/// A service line as it stands. Where values differ, each field has the one that promises the student more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The discipline that serves.
    pub discipline: Option<&'static str>,
    /// In class, out of it, or with the adults.
    pub mode: Option<&'static str>,
    /// Where.
    pub place: Option<&'static str>,
    /// Sessions in each period.
    pub sessions: Option<u16>,
    /// The period.
    pub period: Option<&'static str>,
    /// Minutes of each session.
    pub minutes: Option<u16>,
    /// The first day in force.
    pub from: Option<Date>,
    /// The last day in force, included; none while it goes on.
    pub to: Option<Date>,
}

impl ServiceView {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let small = |path| entry.int(path).and_then(|figure| u16::try_from(figure).ok());
        Self {
            head: Head::of(entry),
            discipline: entry.word("discipline"),
            mode: entry.word("mode"),
            place: entry.word("place"),
            sessions: small("sessions"),
            period: entry.word("period"),
            minutes: small("minutes"),
            from: entry.day("from"),
            to: entry.day("to"),
        }
    }
}
