//! The only place that names what stands in documents: containers, fields, types, limits.
//!
//! The gate checks by these tables what arrives, the tablet what is typed, and the fold what it reads. A value that does not fit is kept
//! and shown, and counts as none.

mod check;
mod fields;
mod limits;
mod words;

pub use check::{Fault, check_record, check_value};
pub use fields::{COMMON, Field, Type, VOID, editable_leaf, figures_of, in_thousandths};
pub use limits::*;
pub use words::*;

use crate::document::name::DocumentKind;

/// The schema version that this build writes and founds: the number of founding steps.
pub const SCHEMA: u32 = 1;

/// A kind of record, each with a container of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A version of the learner plan.
    PlanVersion,
    /// A promised service.
    Service,
    /// A goal and how it is measured.
    Goal,
    /// A goal given to a person to work on.
    Assignment,
    /// A delivered session.
    Session,
    /// A session that did not take place.
    Missed,
    /// A measurement of a goal.
    Observation,
    /// A shared tally of a goal, opened for several people's taps.
    Tally,
    /// One member's taps on a tally since that device's last ones.
    Tap,
    /// A change of mind about one leaf of another record.
    Edit,
    /// A certification or co-signature.
    Signature,
    /// How a slot came in that the server issued after review.
    Issued,
}

impl RecordKind {
    /// All kinds.
    pub const ALL: [Self; 12] = [
        Self::PlanVersion,
        Self::Service,
        Self::Goal,
        Self::Assignment,
        Self::Session,
        Self::Missed,
        Self::Observation,
        Self::Tally,
        Self::Tap,
        Self::Edit,
        Self::Signature,
        Self::Issued,
    ];

    /// Returns the founded map in which records of this kind stand.
    pub fn container(self) -> &'static str {
        match self {
            Self::PlanVersion => "plan_versions",
            Self::Service => "services",
            Self::Goal => "goals",
            Self::Assignment => "assignments",
            Self::Session => "sessions",
            Self::Missed => "missed",
            Self::Observation => "observations",
            Self::Tally => "tallies",
            Self::Tap => "taps",
            Self::Edit => "edits",
            Self::Signature => "signatures",
            Self::Issued => "issued",
        }
    }

    /// Returns the kind of record that stands in `container`; none for a container of a newer version.
    pub fn of_container(container: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.container() == container)
    }

    /// Returns whether edits may name records of this kind: never an edit, a signature or the server's own notes.
    pub fn can_be_edited(self) -> bool {
        !matches!(self, Self::Edit | Self::Signature | Self::Issued)
    }
}

/// Returns the containers of a kind of document, a list for each founding step.
pub fn steps(kind: DocumentKind) -> &'static [&'static [&'static str]] {
    match kind {
        DocumentKind::Plan => &[&["assignments", "edits", "goals", "issued", "plan_versions", "services"]],
        DocumentKind::Log | DocumentKind::Own => {
            &[&["edits", "issued", "missed", "observations", "sessions", "signatures"]]
        }
        DocumentKind::Tally => &[&["edits", "issued", "tallies", "taps"]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_container_of_every_step_has_a_kind_of_record_and_every_kind_a_document() {
        let founded: std::collections::BTreeSet<&str> =
            DocumentKind::ALL.into_iter().flat_map(|kind| steps(kind).concat()).collect();
        let known = RecordKind::ALL.into_iter().map(RecordKind::container).collect();
        assert_eq!(founded, known);
        assert!(DocumentKind::ALL.into_iter().all(|kind| steps(kind).len() == SCHEMA as usize));
    }
}
