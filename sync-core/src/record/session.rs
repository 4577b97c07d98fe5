//! Delivered sessions.

use super::entry::Entry;
use super::signature::{SignatureKind, SignatureView};
use super::view::Head;
use crate::document::schema::{MINUTES_MAX, SEGMENTS_MAX};
use crate::document::slot::SlotKey;
use crate::sensitive::Sensitive;
use crate::time::Moment;

/// What [`SessionView::mode`] says of a session whose segments differ in mode.
pub const BLENDED: &str = "blended";

const MINUTE_MS: i64 = 60_000;
/// Whose sessions need a supervisor's signature.
const SUPERVISED_ROLES: [&str; 2] = ["para", "asst"];

/// How far a session is. Only draft and complete are stored, the others follow from what was said of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Not finished.
    Draft,
    /// Finished, and not certified yet.
    Complete,
    /// Its author says that it is true as it stands.
    Certified,
    /// Made by an assistant or paraprofessional, and no supervisor has signed what stands.
    PendingCosign,
    /// A supervisor has signed what stands.
    Cosigned,
    /// Certified once, and changed since: to be certified again.
    Amended,
    /// Removed.
    Void,
}

impl State {
    /// Returns the state's word in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Complete => "complete",
            Self::Certified => "certified",
            Self::PendingCosign => "pending_cosign",
            Self::Cosigned => "cosigned",
            Self::Amended => "amended",
            Self::Void => "void",
        }
    }
}

/// A stretch of a session in one mode and place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentView {
    /// Its number in the record, by which an edit names it.
    pub number: usize,
    /// One of the schema's modes.
    pub mode: Option<&'static str>,
    /// One of the schema's places.
    pub place: Option<&'static str>,
    /// One of the schema's routines.
    pub routine: Option<&'static str>,
    /// When it began.
    pub start: Option<Moment>,
    /// How long it was, in minutes.
    pub minutes: Option<u16>,
}

impl SegmentView {
    /// Returns its first millisecond and the first one after it, where both are known.
    pub fn span_ms(&self) -> Option<(i64, i64)> {
        let start = self.start?.0;
        Some((start, start.saturating_add(i64::from(self.minutes?) * MINUTE_MS)))
    }
}

/// The group that a session was held in. Its members share the id and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupView {
    /// What the members' sessions share.
    pub id: String,
    /// How many students there were.
    pub size: Option<i64>,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionView {
    /// Who, when, and whether it counts.
    pub head: Head,
    /// The role in which its author held it.
    pub role: Option<&'static str>,
    /// The service line that it was for.
    pub service: Option<SlotKey>,
    /// Its segments in the order of their starts.
    pub segments: Vec<SegmentView>,
    /// The group, if it was held in one.
    pub group: Option<GroupView>,
    /// The missed session that it makes up for.
    pub make_up_for: Option<SlotKey>,
    /// Its note.
    pub note: Option<Sensitive<String>>,
    /// How far it is.
    pub state: State,
    /// Whether a signature vouches for what stands: its author's or a supervisor's.
    pub certified: bool,
    /// All signatures, stale ones among them.
    pub signatures: Vec<SignatureView>,
    /// The observations made in it, in the order of their keys.
    pub observations: Vec<SlotKey>,
}

impl SessionView {
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let role = entry.word("role");
        Self {
            head: Head::of(entry),
            role,
            service: entry.key("service"),
            segments: segments(entry),
            group: group(entry),
            make_up_for: entry.key("make_up_for"),
            note: entry.text("note"),
            state: state(entry, role),
            certified: entry.signatures.iter().any(|signature| signature.fresh),
            signatures: entry.signatures.clone(),
            observations: entry.observations.iter().map(|observation| observation.key).collect(),
        }
    }

    /// Returns when the session began.
    pub fn start(&self) -> Option<Moment> {
        self.segments.iter().filter_map(|segment| segment.start).min()
    }

    /// Returns the minutes of all segments whose minutes are known; none where that is more than a session can have.
    pub fn minutes(&self) -> Option<u32> {
        let total = self.segments.iter().filter_map(|segment| segment.minutes).map(u32::from).sum();
        (1..=MINUTES_MAX).contains(&i64::from(total)).then_some(total)
    }

    /// Returns the mode of all segments, or [`BLENDED`].
    pub fn mode(&self) -> Option<&'static str> {
        self.common(|segment| segment.mode).unwrap_or(Some(BLENDED))
    }

    /// Returns the place of all segments; none where they differ.
    pub fn place(&self) -> Option<&'static str> {
        self.common(|segment| segment.place).unwrap_or(None)
    }

    /// Returns whether it was delivered: finished and not void.
    pub fn is_delivered(&self) -> bool {
        !matches!(self.state, State::Draft | State::Void)
    }

    /// Returns the spans of its segments, in milliseconds.
    pub(super) fn spans(&self) -> impl Iterator<Item = (i64, i64)> {
        self.segments.iter().filter_map(SegmentView::span_ms)
    }

    fn common<T: PartialEq>(&self, of: impl Fn(&SegmentView) -> Option<T>) -> Option<Option<T>> {
        let mut values = self.segments.iter().map(of);
        let first = values.next().unwrap_or(None);
        values.all(|value| value == first).then_some(first)
    }
}

fn segments(entry: &Entry<'_>) -> Vec<SegmentView> {
    let segment = |number: usize| {
        let path = |field: &str| format!("segments.{number}.{field}");
        entry.leaf(&format!("segments.{number}"))?;
        Some(SegmentView {
            number,
            mode: entry.word(&path("mode")),
            place: entry.word(&path("place")),
            routine: entry.word(&path("routine")),
            start: entry.moment(&path("start")),
            minutes: entry.int(&path("minutes")).and_then(|minutes| u16::try_from(minutes).ok()),
        })
    };
    let mut segments: Vec<SegmentView> = (1..=SEGMENTS_MAX).filter_map(segment).collect();
    segments.sort_by_key(|segment| (segment.start, segment.number));
    segments
}

fn group(entry: &Entry<'_>) -> Option<GroupView> {
    let id = entry.leaf("group.id")?.as_text()?.to_owned();
    Some(GroupView { id, size: entry.int("group.size") })
}

fn state(entry: &Entry<'_>, role: Option<&str>) -> State {
    let fresh = |kind| entry.signatures.iter().any(|signature| signature.kind == kind && signature.fresh);
    if entry.is_void() {
        State::Void
    } else if entry.word("state") != Some("complete") {
        State::Draft
    } else if fresh(SignatureKind::Cosign) {
        State::Cosigned
    } else if role.is_some_and(|role| SUPERVISED_ROLES.contains(&role)) {
        State::PendingCosign
    } else if fresh(SignatureKind::Certify) {
        State::Certified
    } else if entry.signatures.is_empty() {
        State::Complete
    } else {
        State::Amended
    }
}
