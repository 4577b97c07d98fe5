//! Applies a checked roster to a desk: all of it, or nothing.
//!
//! > An import changes what the roster changed since it was last imported, and nothing else.
//!
//! The log remembers of every row what it said last, field by field. What a row says again is passed over, even where people have
//! changed it since: a grant that was ended by hand stays ended, and a target that a therapist moved stays hers. Only what is *new* in the
//! roster is applied, so importing again changes nothing.
//!
//! ```text
//!   row ── cells ── compared with what the row said last ── nothing new: unchanged
//!                                  │
//!                 ┌────────────────┴──────────────────┐
//!            the server's facts                 the student's plan
//!   schools, terms, people, students,      service lines, goals, assignments:
//!   guardians, grants: the new fields      slots of the organisation; a new value
//!   replace the old ones                   replaces the organisation's own last one
//! ```
//!
//! In a plan the organisation is a member like any other: a value that a person gave meanwhile is not replaced, and stands beside the
//! new one as a conflict until somebody decides.
//!
//! Nothing is ever deleted. A row that is missing changes nothing, and in a plan an empty cell says nothing; a grant ends by its `to`.

mod facts;
mod heard;
mod known;
mod plan;
#[cfg(test)]
mod tests;

use serde::Serialize;
use sync_core::exchange::codec;
use sync_core::exchange::server::desk::{Desk, DeskError};
use sync_core::ids::OrgId;
use utoipa::ToSchema;

pub use known::KnownHere;

use crate::import::{Code, ImportError, Roster};

/// The most that one import may add to the log, in bytes: half of what one frame holds, since everybody's facts follow in the same frame.
pub const IMPORT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Rows that are named one by one in a report; more are only counted.
pub const ROWS_LISTED_MAX: usize = 1_000;

/// What became of one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It is about something new.
    Created,
    /// Something that was there is different now.
    Changed,
    /// It says nothing new.
    Unchanged,
}

/// A row that made a difference, without its values: those are names and what is said of children.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowChange {
    /// The file.
    pub file: &'static str,
    /// The line on which the row begins.
    pub line: u64,
    /// What became of it.
    #[schema(value_type = String)]
    pub outcome: Outcome,
    /// The columns that say something new.
    pub fields: Vec<String>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Report {
    /// Rows about something new.
    pub created: u64,
    /// Rows that changed something.
    pub changed: u64,
    /// Rows that say nothing new.
    pub unchanged: u64,
    /// The first [`ROWS_LISTED_MAX`] rows that made a difference.
    pub rows: Vec<RowChange>,
}

/// Why an import was not applied. The desk is to be thrown away.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Rows do not go with what is there already.
    #[error("the import has {} errors", .0.len())]
    Rows(Vec<ImportError>),
    /// The desk could not decide.
    #[error(transparent)]
    Desk(#[from] DeskError),
}

/// Applies a roster to a desk. For a dry run, throw the desk away afterwards.
///
/// # Errors
/// [`ApplyError`]; what is on the desk then must not go to the log.
pub fn apply(desk: &mut Desk<'_>, roster: &Roster) -> Result<Report, ApplyError> {
    apply_within(desk, roster, IMPORT_BYTES_MAX)
}

fn apply_within(desk: &mut Desk<'_>, roster: &Roster, bytes_max: usize) -> Result<Report, ApplyError> {
    let before = desk.entries().len();
    let org = desk.organisation().id;
    let mut import = Import { desk, org, report: Report::default(), errors: Vec::new() };
    import.facts(roster)?;
    import.plans(roster)?;
    let Import { desk, report, errors, .. } = import;
    if !errors.is_empty() {
        return Err(ApplyError::Rows(errors));
    }
    let bytes: usize = desk.entries().iter().skip(before).map(|entry| codec::to_bytes(entry).len()).sum();
    if bytes > bytes_max {
        return Err(ApplyError::Rows(vec![ImportError::of_all(Code::ImportTooLarge)]));
    }
    Ok(report)
}

/// One import under way.
struct Import<'d, 'a> {
    desk: &'d mut Desk<'a>,
    org: OrgId,
    report: Report,
    errors: Vec<ImportError>,
}
