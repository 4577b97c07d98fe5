//! What a person should look at. A flag never refuses anything and never changes a figure by itself.

use super::entry::RecordRef;
use crate::document::slot::SlotKey;
use crate::ids::DocumentId;

/// Something odd about a record, or about two.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flag {
    /// A field has a value of the wrong type or range. It is shown, and counts as none.
    Unfit {
        /// The record.
        record: RecordRef,
        /// The field's path.
        field: String,
    },
    /// Something that the record needs is missing, or its values contradict one another.
    Faulty(RecordRef),
    /// The record shares its key with another one: the same deed, finished twice and differently.
    Twin {
        /// The twin.
        record: RecordRef,
        /// The key that both were made under.
        of: SlotKey,
    },
    /// An edit or signature names a record that does not stand in its document.
    TargetMissing {
        /// The document.
        document: DocumentId,
        /// The edit or signature.
        statement: SlotKey,
        /// What it names.
        target: SlotKey,
    },
    /// An edit or signature cannot be understood, or is one that its author cannot give, such as a certification of
    /// somebody else's work: it is kept, and says nothing.
    Unreadable {
        /// The document.
        document: DocumentId,
        /// The edit or signature.
        statement: SlotKey,
    },
    /// An edit names a field that cannot be edited, and changes nothing.
    NotEditable {
        /// The record.
        record: RecordRef,
        /// The edit.
        edit: SlotKey,
    },
    /// What had been signed was changed or removed without a reason.
    NoReason {
        /// The record.
        record: RecordRef,
        /// The edit.
        edit: SlotKey,
    },
    /// The record was removed, and amended: keep it void, or reinstate it as amended. Removing it again, with both in sight, keeps
    /// it void and is the end of this flag.
    VoidBesideAmendment(RecordRef),
    /// The tablet's clock was off by more than a day: dates that it gave need a look.
    ClockOff(RecordRef),
    /// Something was said that only a newer version understands. It is kept, and figures that it may touch are not computed here.
    Newer {
        /// The document.
        document: DocumentId,
        /// The record that was made, or of which it was said.
        record: SlotKey,
    },
    /// An observation of a goal that is not given to its author.
    UnassignedGoal(RecordRef),
    /// An observation or tally of a goal that stands in no plan which the reader has.
    UnknownGoal(RecordRef),
    /// Two segments of a session share time.
    SegmentsOverlap(RecordRef),
    /// Two sessions of one person share time.
    SessionsOverlap(RecordRef, RecordRef),
    /// Two sessions of one service line share time: perhaps the same one, logged twice.
    Duplicate(RecordRef, RecordRef),
    /// A part of the session was in another mode than its service line promises.
    ModeMismatch(RecordRef),
    /// A missed session of a line and day on which one was delivered, too.
    MissedBesideDelivered {
        /// The missed one.
        missed: RecordRef,
        /// A delivered one.
        session: RecordRef,
    },
    /// The session makes up for a miss that an earlier one has made up for, and counts as extra service.
    MadeUpAlready {
        /// The session.
        session: RecordRef,
        /// The miss.
        missed: SlotKey,
    },
    /// Two people recorded the same goal at the same time, both as the one who counts: the same events, or a count to share?
    SameEventsOrShared {
        /// The record that counts until somebody answers.
        counted: RecordRef,
        /// The record that does not. The two are never added up.
        set_aside: RecordRef,
    },
}

impl Flag {
    /// Returns the flag's word in output.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Unfit { .. } => "unfit",
            Self::Faulty(_) => "faulty",
            Self::Twin { .. } => "twin",
            Self::TargetMissing { .. } => "target_missing",
            Self::Unreadable { .. } => "unreadable",
            Self::NotEditable { .. } => "not_editable",
            Self::NoReason { .. } => "no_reason",
            Self::VoidBesideAmendment(_) => "void_beside_amendment",
            Self::ClockOff(_) => "clock_off",
            Self::Newer { .. } => "newer",
            Self::UnassignedGoal(_) => "unassigned_goal",
            Self::UnknownGoal(_) => "unknown_goal",
            Self::SegmentsOverlap(_) => "segments_overlap",
            Self::SessionsOverlap(_, _) => "sessions_overlap",
            Self::Duplicate(_, _) => "duplicate",
            Self::ModeMismatch(_) => "mode_mismatch",
            Self::MissedBesideDelivered { .. } => "missed_beside_delivered",
            Self::MadeUpAlready { .. } => "made_up_already",
            Self::SameEventsOrShared { .. } => "same_events_or_shared",
        }
    }

    /// Returns the record or statement that the flag is about and, where it is about two, the other one: in the order of the fields
    /// above, with what was said of a record behind the record.
    pub fn about(&self) -> (SlotKey, Option<SlotKey>) {
        match self {
            Self::Unfit { record, .. }
            | Self::Faulty(record)
            | Self::VoidBesideAmendment(record)
            | Self::ClockOff(record)
            | Self::UnassignedGoal(record)
            | Self::UnknownGoal(record)
            | Self::SegmentsOverlap(record)
            | Self::ModeMismatch(record) => (record.key, None),
            Self::Newer { record, .. } => (*record, None),
            Self::Twin { record, of } => (record.key, Some(*of)),
            Self::TargetMissing { statement, target, .. } => (*target, Some(*statement)),
            Self::Unreadable { statement, .. } => (*statement, None),
            Self::NotEditable { record, edit } | Self::NoReason { record, edit } => (record.key, Some(*edit)),
            Self::SessionsOverlap(one, other) | Self::Duplicate(one, other) => (one.key, Some(other.key)),
            Self::MissedBesideDelivered { missed, session } => (missed.key, Some(session.key)),
            Self::MadeUpAlready { session, missed } => (session.key, Some(*missed)),
            Self::SameEventsOrShared { counted, set_aside } => (counted.key, Some(set_aside.key)),
        }
    }

    /// Returns whether a person is to decide what shall stand: the class `resolve` of the table of concurrent edits. Of all others
    /// people are told, and that is all.
    pub fn asks(&self) -> bool {
        match self {
            Self::Twin { .. }
            | Self::VoidBesideAmendment(_)
            | Self::SegmentsOverlap(_)
            | Self::Duplicate(_, _)
            | Self::MissedBesideDelivered { .. }
            | Self::MadeUpAlready { .. }
            | Self::SameEventsOrShared { .. } => true,
            Self::Unfit { .. }
            | Self::Faulty(_)
            | Self::TargetMissing { .. }
            | Self::Unreadable { .. }
            | Self::NotEditable { .. }
            | Self::NoReason { .. }
            | Self::ClockOff(_)
            | Self::Newer { .. }
            | Self::UnassignedGoal(_)
            | Self::UnknownGoal(_)
            | Self::SessionsOverlap(_, _)
            | Self::ModeMismatch(_) => false,
        }
    }
}
