//! What the log itself knows of an entry, which it does not decode: the document that it is about, and its kind.

use super::LogEntry;
use crate::ids::DocumentId;

impl LogEntry {
    /// Returns the document that the entry is about, for the log's own bookkeeping and its keys per student.
    pub fn document(&self) -> Option<DocumentId> {
        match self {
            Self::Founded { name, .. } => Some(name.id()),
            Self::Held { hold, .. } => Some(hold.document()),
            Self::Changed { document, .. }
            | Self::Refused { document, .. }
            | Self::Begin { document, .. }
            | Self::Review { document, .. }
            | Self::End { document, .. }
            | Self::Replaced { document, .. }
            | Self::Gone { document } => Some(*document),
            Self::Organisation(_)
            | Self::Calendar(_)
            | Self::School(_)
            | Self::Person(_)
            | Self::Student(_)
            | Self::Guardian(_)
            | Self::Grant(_)
            | Self::Day(_)
            | Self::Code { .. }
            | Self::Device { .. }
            | Self::DeviceState { .. }
            | Self::HoldState { .. }
            | Self::Fact { .. }
            | Self::Delivered { .. }
            | Self::Imported { .. }
            | Self::Family(_)
            | Self::Restored { .. }
            | Self::Confirmed { .. }
            | Self::Certified { .. }
            | Self::Policy { .. }
            | Self::Audit { .. }
            | Self::Horizon { .. } => None,
        }
    }

    /// Returns the number by which the log tells kinds of entries apart without decoding them. It never changes.
    pub fn kind(&self) -> u16 {
        match self {
            Self::Organisation(_) => 1,
            Self::Calendar(_) => 2,
            Self::School(_) => 3,
            Self::Person(_) => 4,
            Self::Student(_) => 5,
            Self::Guardian(_) => 6,
            Self::Grant(_) => 7,
            Self::Day(_) => 8,
            Self::Code { .. } => 9,
            Self::Device { .. } => 10,
            Self::DeviceState { .. } => 11,
            Self::Founded { .. } => 12,
            Self::Changed { .. } => 13,
            Self::Held { .. } => 14,
            Self::HoldState { .. } => 15,
            Self::Refused { .. } => 16,
            Self::Begin { .. } => 17,
            Self::Review { .. } => 18,
            Self::End { .. } => 19,
            Self::Fact { .. } => 20,
            Self::Delivered { .. } => 21,
            Self::Audit { .. } => 22,
            Self::Imported { .. } => 23,
            Self::Family(entry) => entry.kind(),
            Self::Restored { .. } => 24,
            Self::Confirmed { .. } => 25,
            Self::Certified { .. } => 26,
            Self::Replaced { .. } => 27,
            Self::Gone { .. } => 28,
            Self::Policy { .. } => 29,
            Self::Horizon { .. } => 30,
        }
    }
}
