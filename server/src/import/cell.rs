//! One row's cells, asked for by column.
//!
//! A row reads *all* of its cells before it gives up on any, so that one look at the list shows
//! everything that is wrong with it.

use csv::StringRecord;
use jiff::civil::Date;

use super::error::{Code, Errors, ImportError};
use super::file::{FIELD_CHARS_MAX, Header};
use super::value::{Fault, Line};

/// A column that a file may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    /// Whether the header must name it, and each of its cells must hold something.
    pub(super) filled: bool,
    chars_max: usize,
}

impl Column {
    /// A column that must be there, with something in every cell.
    pub(super) const fn filled(name: &'static str) -> Self {
        Self { name, filled: true, chars_max: FIELD_CHARS_MAX }
    }

    /// A column that may be empty, and so may also be left out.
    pub(super) const fn may_be_empty(name: &'static str) -> Self {
        Self { name, filled: false, chars_max: FIELD_CHARS_MAX }
    }

    /// The same column with at most `chars_max` characters in a cell.
    pub(super) const fn up_to(self, chars_max: usize) -> Self {
        assert!(chars_max <= FIELD_CHARS_MAX, "no field may be longer than the longest");
        Self { chars_max, ..self }
    }
}

/// Stands for an error that is in the list already: whoever gets it has nothing to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reported;

/// The cells of one row, and where to say what is wrong with them.
pub(super) struct Cells<'a> {
    pub(super) file: &'static str,
    pub(super) header: &'a Header,
    pub(super) record: &'a StringRecord,
    pub(super) line: Line,
    pub(super) errors: &'a mut Errors,
}

impl<'a> Cells<'a> {
    /// Returns a cell's text without the space around it; empty where the file has no such column.
    pub(super) fn text(&self, column: &Column) -> &'a str {
        let cell = self.header.index(column).and_then(|index| self.record.get(index));
        cell.unwrap_or_default().trim()
    }

    /// Reads a cell that must not be empty.
    pub(super) fn required<T>(
        &mut self,
        column: &Column,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<T, Reported> {
        match self.optional(column, read)? {
            Some(value) => Ok(value),
            None => Err(self.refuse(column, Fault::new(Code::Required))),
        }
    }

    /// Reads a cell that may be empty.
    pub(super) fn optional<T>(
        &mut self,
        column: &Column,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<Option<T>, Reported> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let value = if text.chars().nth(column.chars_max).is_some() {
            Err(Fault::with(Code::TooLong, column.chars_max))
        } else if text.contains('\r') {
            Err(Fault::new(Code::CarriageReturn))
        } else {
            read(text)
        };
        value.map(Some).map_err(|fault| self.refuse(column, fault))
    }

    /// Reports that `last`, the date in `column`, lies before `first`.
    pub(super) fn in_order(
        &mut self,
        column: &Column,
        first: Date,
        last: Option<Date>,
    ) -> Result<(), Reported> {
        match last {
            Some(last) if last < first => Err(self.refuse(column, Fault::with(Code::EndsBeforeStart, first))),
            Some(_) | None => Ok(()),
        }
    }

    /// Puts a fault of one cell on the list.
    pub(super) fn refuse(&mut self, column: &Column, fault: Fault) -> Reported {
        let number = self.header.number(column);
        let error = ImportError::at(self.file, self.line, number, fault.code).in_column(column.name);
        self.errors.report(match fault.detail {
            Some(detail) => error.with(detail),
            None => error,
        })
    }
}
