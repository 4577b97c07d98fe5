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
    /// The record was removed, and amended: keep it void, or reinstate it as amended.
    VoidBesideAmendment(RecordRef),
    /// The tablet's clock was off by more than a day: dates that it gave need a look.
    ClockOff(RecordRef),
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
