//! What a row says that it did not say before.

use std::collections::{BTreeMap, BTreeSet};

use sync_core::document::slot::ContentHash;
use sync_core::exchange::server::desk::DeskError;
use sync_core::exchange::server::entry::{LogEntry, RosterSaid};
use sync_core::ids::{RosterRowId, derive};

use super::{Import, Outcome, ROWS_LISTED_MAX, RowChange};
use crate::import::Line;

/// A row compared with what it said last.
pub(super) struct Heard {
    row: RosterRowId,
    file: &'static str,
    line: Line,
    /// What it said last; nothing for a row that was never imported.
    pub(super) before: BTreeMap<String, RosterSaid>,
    /// What it says now.
    pub(super) said: BTreeMap<String, RosterSaid>,
    news: BTreeSet<String>,
}

impl Heard {
    /// Returns whether the row says something new of this field.
    pub(super) fn has(&self, field: &str) -> bool {
        self.news.contains(field)
    }

    /// Returns whether the row says nothing new at all.
    pub(super) fn is_silent(&self) -> bool {
        self.news.is_empty()
    }

    /// Notes that the row says this of a field now; returns whether that is new.
    pub(super) fn say(&mut self, field: &str, value: &str) -> bool {
        let value = hash_of_cell(value);
        let last = self.before.get(field);
        let new = last.is_none_or(|last| last.value != value);
        let edit = last.and_then(|last| last.edit);
        self.said.insert(field.to_owned(), RosterSaid { value, edit });
        if new {
            self.news.insert(field.to_owned());
        }
        new
    }
}

/// Returns the hash by which the log remembers a cell.
pub(super) fn hash_of_cell(text: &str) -> ContentHash {
    ContentHash(derive("roster cell", &[text.as_bytes()]))
}

impl Import<'_, '_> {
    /// Compares a row with what it said last. `subject` is what the row is about, as bytes.
    pub(super) fn hear(
        &self,
        file: &'static str,
        line: Line,
        subject: &[u8],
        cells: &[(&'static str, String)],
    ) -> Result<Heard, DeskError> {
        let row = RosterRowId::of(self.org, file, subject);
        let before = self.desk.index().roster_said(row)?;
        let mut heard = Heard { row, file, line, said: before.clone(), before, news: BTreeSet::new() };
        for (field, value) in cells {
            heard.say(field, value);
        }
        Ok(heard)
    }

    /// Remembers what the row says now, and counts what became of it.
    pub(super) fn done(&mut self, heard: Heard, outcome: Outcome) -> Result<(), DeskError> {
        if heard.said != heard.before {
            self.desk.emit(LogEntry::Imported { row: heard.row, said: heard.said })?;
        }
        let count = match outcome {
            Outcome::Created => &mut self.report.created,
            Outcome::Changed => &mut self.report.changed,
            Outcome::Unchanged => &mut self.report.unchanged,
        };
        *count += 1;
        if outcome != Outcome::Unchanged && self.report.rows.len() < ROWS_LISTED_MAX {
            let fields = heard.news.into_iter().collect();
            self.report.rows.push(RowChange { file: heard.file, line: heard.line.get(), outcome, fields });
        }
        Ok(())
    }
}
