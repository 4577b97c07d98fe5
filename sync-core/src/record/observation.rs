//! Measurements of goals.

use serde::{Deserialize, Serialize};

use super::entry::Entry;
use super::view::Head;
use crate::document::slot::SlotKey;
use crate::measure::value::{Count, Percent, Probe, Value};
use crate::sensitive::Sensitive;
use crate::time::Moment;

/// The figures of an observation as they stand, by the kind of measure. Each alone can be; what they say together is checked
/// by [`measured`](Figures::measured).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Figures {
    /// How often something was seen.
    Count {
        /// Times seen.
        count: i64,
        /// Seconds watched.
        seconds: i64,
    },
    /// A timed sample of a skill.
    Probe {
        /// Items tried.
        attempted: i64,
        /// Of these, wrong ones.
        errors: i64,
        /// Seconds given.
        seconds: i64,
    },
    /// Correct answers.
    Percent {
        /// Correct ones.
        correct: i64,
        /// Of so many opportunities.
        of: i64,
    },
}

impl Figures {
    /// Returns the value that can be computed with; none where the figures contradict one another.
    pub fn measured(self) -> Option<Value> {
        match self {
            Self::Count { count, seconds } => Count::new(count, seconds).map(Value::Count).ok(),
            Self::Probe { attempted, errors, seconds } => {
                Probe::new(attempted, errors, seconds).map(Value::Probe).ok()
            }
            Self::Percent { correct, of } => Percent::new(correct, of).map(Value::Percent).ok(),
        }
    }

    fn of(entry: &Entry<'_>) -> Option<Self> {
        let figure = |name: &str| entry.int(&format!("value.{name}"));
        match entry.word("kind")? {
            "count" => Some(Self::Count { count: figure("count")?, seconds: figure("seconds")? }),
            "probe" => Some(Self::Probe {
                attempted: figure("attempted")?,
                errors: figure("errors")?,
                seconds: figure("seconds")?,
            }),
            "percent" => Some(Self::Percent { correct: figure("correct")?, of: figure("of")? }),
            _ => None,
        }
    }

    fn seconds(self) -> Option<i64> {
        match self {
            Self::Count { seconds, .. } | Self::Probe { seconds, .. } => Some(seconds),
            Self::Percent { .. } => None,
        }
    }
}

/// A measurement of one goal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObservationView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The role in which its author watched.
    pub role: Option<&'static str>,
    /// The goal.
    pub goal: Option<SlotKey>,
    /// The session of the same document in which it was made.
    pub session: Option<SlotKey>,
    /// The kind of measure.
    pub kind: Option<&'static str>,
    /// Whether it is one for agreement with another observer's, and never analysed by itself.
    pub reliability: bool,
    /// When the watching began.
    pub start: Option<Moment>,
    /// The figures; none where one is missing or does not fit.
    pub figures: Option<Figures>,
    /// Its note.
    pub note: Option<Sensitive<String>>,
    /// Whether progress is computed with it: it stands, so does its session, its figures can be, it is no check of agreement,
    /// and no other observer's record of perhaps the same events goes before it.
    pub counts: bool,
}

impl ObservationView {
    /// Returns the view of a record; `session` is the one that it names.
    pub(super) fn of(entry: &Entry<'_>, session: Option<&Entry<'_>>) -> Self {
        let head = Head::of(entry);
        let figures = Figures::of(entry);
        let reliability = entry.word("observer") == Some("reliability");
        let session_stands =
            session.is_none_or(|session| !session.is_void() && session.word("state") == Some("complete"));
        let counts = head.counts()
            && session_stands
            && !reliability
            && entry.moment("start").is_some()
            && figures.is_some_and(|figures| figures.measured().is_some());
        Self {
            head,
            role: entry.word("role"),
            goal: entry.key("goal"),
            session: entry.key("session"),
            kind: entry.word("kind"),
            reliability,
            start: entry.moment("start"),
            figures,
            note: entry.text("note"),
            counts,
        }
    }

    /// Returns the milliseconds that were watched: by the figures' seconds, else until the end of its session.
    pub(super) fn window_ms(&self, session_end_ms: Option<i64>) -> Option<(i64, i64)> {
        let start = self.start?.0;
        let watched =
            self.figures.and_then(Figures::seconds).map(|seconds| start.saturating_add(seconds * 1000));
        let end = watched.or(session_end_ms).unwrap_or(start);
        // An instant is watched, too.
        Some((start, end.max(start.saturating_add(1))))
    }
}
