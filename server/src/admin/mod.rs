//! What administrators do: the roster's import, grants, devices and codes.
//!
//! Everything here decides on a desk in the writer's turn: it reads the index, answers, and leaves entries, one of them for the audit. How
//! requests arrive is the business of [`http`](crate::http), and of the remote commands at the other end of the line.

pub mod devices;
pub mod grants;
pub mod guardians;
pub mod import;
mod named;

pub use named::{guardian_named, person_named, student_named};

use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::PersonId;

/// Notes who did what by hand, and to what.
pub(crate) fn audit(
    desk: &mut Desk<'_>,
    by: Option<PersonId>,
    action: &str,
    subject: impl ToString,
) -> Result<(), DeskError> {
    let time = desk.conditions().now;
    let entry = LogEntry::Audit { person: by, action: action.to_owned(), subject: subject.to_string(), time };
    desk.emit(entry).map(drop)
}
