//! The horizon: a place in the log below which documents are told whole.
//!
//! A tablet that was away for long would be told everything that its person's students had written about them meanwhile, change by change.
//! Below the horizon it is told each document once, and fetches its snapshot. Nothing is taken out of the log for that: it stays the truth
//! and the audit, and a snapshot that is gone is made from it again.
//!
//! > The horizon is raised over a document's changes only after a snapshot that holds all of them was written, read back and opened.
//!
//! Where it lies is an entry of the log, so a restart, a rebuild of the index and a restored backup know it as well.

use crate::document::copy::Opened;
use crate::exchange::server::desk::{Desk, DeskError};
use crate::exchange::server::entry::LogEntry;
use crate::exchange::server::index::{DocumentState, Index};
use crate::kv::KvError;

/// Returns the place to which the horizon is to be raised, so that `kept` entries are left above it; none while fewer than twice as many
/// are. So it moves seldom, and what it rests on is looked through once.
///
/// # Errors
/// [`KvError`] where the index cannot be read.
pub fn due(index: &Index<'_>, end: u64, kept: u64) -> Result<Option<u64>, KvError> {
    let above = end.saturating_sub(index.horizon()?);
    Ok((above > kept.saturating_mul(2)).then(|| end.saturating_sub(kept)))
}

/// Returns the documents with changes behind the present horizon, and at `at` or before it. Those with older ones alone were looked at when
/// it was raised over them.
///
/// # Errors
/// [`KvError`] where the index cannot be read.
pub fn passed_over(index: &Index<'_>, at: u64) -> Result<Vec<DocumentState>, KvError> {
    let horizon = index.horizon()?;
    if at <= horizon {
        return Ok(Vec::new());
    }
    let mut passed_over = Vec::new();
    for state in index.all_documents()? {
        if !index.changes(state.name.id(), horizon, at, 1)?.is_empty() {
            passed_over.push(state);
        }
    }
    Ok(passed_over)
}

/// Returns whether a snapshot that is complete up to `until` holds exactly what the log has of the document up to there, in its present
/// life: every head of it stands in the log, and it has as many changes.
///
/// # Errors
/// [`KvError`] where the index cannot be read.
pub fn holds_all(
    index: &Index<'_>,
    state: &DocumentState,
    opened: &Opened,
    until: u64,
) -> Result<bool, KvError> {
    let document = state.name.id();
    for head in &opened.heads {
        if index.change(document, head)?.is_none_or(|change| change.seq > until) {
            return Ok(false);
        }
    }
    let written = index.changes(document, state.renewed, until, usize::MAX)?;
    Ok(opened.changes() == written.len() as u64)
}

impl Desk<'_> {
    /// Raises the horizon; returns false where it lies there already, or the log does not reach as far.
    ///
    /// # Errors
    /// [`DeskError::Index`].
    pub fn raise_horizon(&mut self, at: u64) -> Result<bool, DeskError> {
        let rises = at > self.index().horizon()? && at < self.next();
        if rises {
            self.emit(LogEntry::Horizon { at })?;
        }
        Ok(rises)
    }
}
