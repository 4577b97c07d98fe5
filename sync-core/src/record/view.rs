//! What every view of a record has.

use super::entry::{Entry, RecordRef};
use crate::document::slot::{AT, SlotKey};
use crate::ids::PersonId;
use crate::time::Moment;

/// What can be said of any record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Which record it is.
    pub id: RecordRef,
    /// Whose record it is: the member in its key.
    pub author: PersonId,
    /// When its author's tablet made it, corrected by what its clock was off: for showing, never for judging.
    pub at: Option<Moment>,
    /// Whether it came in after the end of its author's grant, and for ever says so.
    pub late: bool,
    /// Whether it was removed. It is kept and shown, and counts for nothing.
    pub void: bool,
    /// Whether a newer version said something of it that this one does not know. Its figures are then not computed here.
    pub newer: bool,
    /// For an admitted twin, the record whose key it shares. Both are records of their own.
    pub twin_of: Option<SlotKey>,
}

impl Head {
    /// Returns the head of a record.
    pub(super) fn of(entry: &Entry<'_>) -> Self {
        let key = entry.id.key;
        Self {
            id: entry.id,
            author: key.member,
            at: entry.leaf(AT).and_then(|_| entry.made.corrected_at()),
            late: entry.late,
            void: entry.is_void(),
            newer: entry.newer,
            twin_of: key.twin.map(|_| SlotKey { twin: None, ..key }),
        }
    }

    /// Returns the record's key, by which other records name it.
    pub fn key(&self) -> SlotKey {
        self.id.key
    }

    /// Returns whether the record's figures count: it stands, and this version knows all that was said of it.
    pub fn counts(&self) -> bool {
        !self.void && !self.newer
    }
}
