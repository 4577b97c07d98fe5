//! What is wrong with an import: stable codes for scripts, and plain words for the person at the desk.
//!
//! A message says what to change. It may hold external ids, column names, dates and numbers that this
//! module itself made out, never the text of a cell: that could be a child's name.

use serde::{Serialize, Serializer};

use super::FILE_NAMES;
use super::cell::Reported;
use super::value::Line;

/// At most this many errors are listed; one more then says how many are not.
pub const ERRORS_MAX: usize = 200;

/// An unknown file's name is shown up to this many characters.
const FILE_NAME_CHARS_MAX: usize = 100;

/// One thing that has to be changed before the import can be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{file}, line {line}, column {column}: {message}")]
pub struct ImportError {
    /// The file's name.
    pub file: String,
    /// The line on which the row begins (faults of encoding and quoting: on which they stand), counted
    /// from 1 with the header; 0 where the file as a whole is meant.
    pub line: u64,
    /// The field of that row, counted from 1; 0 where no single one is meant.
    pub column: u64,
    /// What is wrong, for scripts.
    pub code: Code,
    /// What is wrong and what to change, for people.
    pub message: String,
}

impl ImportError {
    /// Returns an error about a file as a whole.
    pub(super) fn of_file(file: &str, code: Code) -> Self {
        let file = file.chars().take(FILE_NAME_CHARS_MAX).collect();
        Self { file, line: 0, column: 0, code, message: code.text().to_owned() }
    }

    /// Returns an error about a row, or about the field with that number, counted from 1.
    pub(super) fn at(file: &str, line: Line, column: u64, code: Code) -> Self {
        Self { line: line.get(), column, ..Self::of_file(file, code) }
    }

    /// Returns an error about a row that only shows beside what the organisation has.
    pub(crate) fn of_row(file: &str, line: Line, code: Code) -> Self {
        Self::at(file, line, 0, code)
    }

    /// Returns an error about the import as a whole.
    pub(crate) fn of_all(code: Code) -> Self {
        Self::of_file("", code)
    }

    /// Puts the column's name before the message.
    pub(super) fn in_column(mut self, name: &str) -> Self {
        self.message = format!("{name}: {}", self.message);
        self
    }

    /// Ends the message with what is special to this case. Never a cell's text.
    pub(super) fn with(mut self, detail: impl AsRef<str>) -> Self {
        self.message = format!("{}: {}", self.message, detail.as_ref());
        self
    }
}

/// Declares the codes once: variant, stable name, and the words that a message is built on.
macro_rules! codes {
    ($($variant:ident = $code:literal, $text:literal;)+) => {
        /// What is wrong, as a name that does not change. Each variant's text is its message's core.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`: ", $text, ".")] $variant,)+
        }

        impl Code {
            /// All codes, in the order of their declaration.
            pub const ALL: &[Code] = &[$(Code::$variant,)+];

            /// Returns the name that scripts see.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $code,)+ }
            }

            /// Returns what it means, in words.
            pub fn text(self) -> &'static str {
                match self { $(Code::$variant => $text,)+ }
            }
        }
    };
}

codes! {
    UnknownFile = "unknown_file", "no file of an import has this name; rename it or take it out; the names are";
    FileTooLarge = "file_too_large", "the file is too large; split the import; the most is, in bytes";
    TooManyRows = "too_many_rows", "the file has too many rows; split the import; the most is";
    NotUtf8 = "not_utf8", "this is not UTF-8 text; save the file as \"CSV UTF-8\"";
    StrayQuote = "stray_quote", "a quote mark stands where none may; put the whole field in quote marks and double those within it";
    UnclosedQuote = "unclosed_quote", "the quote mark that opens this field is never closed; close it, or double it if it is part of the text";
    CarriageReturn = "carriage_return", "a carriage return stands within a field, or alone at the end of a line; end lines with LF or CRLF and use LF alone within fields";
    MissingHeader = "missing_header", "the first line has to name the columns; they are";
    WrongSeparator = "wrong_separator", "fields have to be separated by commas; save the file as CSV with commas";
    UnknownColumn = "unknown_column", "this file has no column of this name; rename it or take it out; the columns are";
    DuplicateColumn = "duplicate_column", "this column is there twice; take one out";
    MissingColumn = "missing_column", "this column is missing; add it";
    RaggedRow = "ragged_row", "the row has not as many fields as the header; a comma within a text needs quote marks around the text";
    Required = "required", "this must not be empty";
    TooLong = "too_long", "this is too long; shorten it; the most is, in characters";
    ControlCharacter = "control_character", "this holds a line break or an invisible control character; take it out";
    BadExternalId = "bad_external_id", "an external id has no space, semicolon or control character";
    UnknownWord = "unknown_word", "this is not one of the words that may stand here; they are";
    NotADate = "not_a_date", "write the date as year-month-day, such as 2026-09-01";
    DateOutOfRange = "date_out_of_range", "the year cannot be right; it has to be within";
    NotANumber = "not_a_number", "write a plain number";
    NumberOutOfRange = "number_out_of_range", "the number has to be within";
    NotTrueOrFalse = "not_true_or_false", "write true or false, or leave it empty";
    BadEmail = "bad_email", "this is not an e-mail address";
    TooManyIds = "too_many_ids", "too many external ids; the most is";
    DuplicateId = "duplicate_id", "this external id is there twice; give each row its own, or take one out; the first is on line";
    DuplicateGrant = "duplicate_grant", "the same student, person, role and first day are there twice; take one out; the first is on line";
    UnknownSchool = "unknown_school", "no school has this external id; correct it, or add the school to schools.csv";
    UnknownStudent = "unknown_student", "no student has this external id; correct it, or add the student to students.csv";
    UnknownPerson = "unknown_person", "no person has this external id; correct it, or add the person to people.csv";
    SupervisorMissing = "supervisor_missing", "an assistant or paraprofessional needs a supervisor; name the clinician who supervises";
    SupervisorNotClinician = "supervisor_not_clinician", "the supervisor has to be a clinician, in people.csv one of";
    OwnSupervisor = "own_supervisor", "nobody supervises themselves; name another clinician";
    EndsBeforeStart = "ends_before_start", "the last day lies before the first; the first is";
    TermsOverlap = "terms_overlap", "two terms of one school overlap; change the days; the other term is";
    TargetNotBeyondBaseline = "target_not_beyond_baseline", "the target has to differ from the baseline in the goal's direction; change target, baseline or direction";
    TargetDateNotLater = "target_date_not_later", "the target's date has to lie after the baseline's, which is";
    GoalFixed = "goal_fixed", "a goal keeps its student, discipline and kind; give the new goal an external id of its own";
    ServiceFixed = "service_fixed", "a service line keeps its student and discipline; give the new line an external id of its own";
    ImportTooLarge = "import_too_large", "the import is too large to be made at once; split it, such as by school, with each student's rows together";
    AndMore = "and_more", "there are more errors; correct these and try again; not listed are";
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The errors found so far, bounded in number.
#[derive(Debug, Default)]
pub(super) struct Errors {
    listed: Vec<ImportError>,
    unlisted: u64,
    unlisted_first_file: String,
}

impl Errors {
    /// Adds an error, or only counts it where [`ERRORS_MAX`] are listed.
    pub(super) fn push(&mut self, error: ImportError) {
        if self.listed.len() < ERRORS_MAX {
            self.listed.push(error);
            return;
        }
        if self.unlisted == 0 {
            self.unlisted_first_file = error.file;
        }
        self.unlisted += 1;
    }

    /// Adds an error and returns the sign that this was done.
    pub(super) fn report(&mut self, error: ImportError) -> Reported {
        self.push(error);
        Reported
    }

    /// Returns the ordered errors, if there are any.
    pub(super) fn into_result(mut self) -> Result<(), Vec<ImportError>> {
        if self.listed.is_empty() {
            return Ok(());
        }
        // Names that are none of ours come last, among themselves by name (the sort is stable).
        let rank = |file: &str| FILE_NAMES.iter().position(|name| *name == file).unwrap_or(FILE_NAMES.len());
        self.listed.sort_by_key(|error| (rank(&error.file), error.line, error.column));
        if self.unlisted > 0 {
            let more = ImportError::of_file(&self.unlisted_first_file, Code::AndMore);
            self.listed.push(more.with(self.unlisted.to_string()));
        }
        Err(self.listed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_are_distinct_snake_case_and_texts_are_lowercase_without_full_stop() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            assert!(
                code.as_str().chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '8'),
                "{code:?}"
            );
            let (first, last) = (code.text().chars().next(), code.text().chars().last());
            assert!(first.is_some_and(char::is_lowercase) && last != Some('.'), "{code:?}");
        }
    }

    #[test]
    fn an_error_is_printed_as_the_contract_says() {
        let error = ImportError::at("people.csv", Line::new(3), 2, Code::Required).in_column("name");
        assert_eq!(
            serde_json::to_value(&error).unwrap(),
            serde_json::json!({"file": "people.csv", "line": 3, "column": 2, "code": "required",
                "message": "name: this must not be empty"})
        );
        assert_eq!(error.to_string(), "people.csv, line 3, column 2: name: this must not be empty");
    }

    #[test]
    fn errors_are_ordered_by_file_line_and_column() {
        let mut errors = Errors::default();
        for (file, line, column) in
            [("x.csv", 0, 0), ("team.csv", 2, 1), ("schools.csv", 3, 1), ("schools.csv", 2, 2)]
        {
            errors.push(ImportError::at(file, Line::new(line), column, Code::Required));
        }
        let listed = errors.into_result().unwrap_err();
        let places: Vec<_> = listed.iter().map(|e| (e.file.as_str(), e.line, e.column)).collect();
        assert_eq!(
            places,
            [("schools.csv", 2, 2), ("schools.csv", 3, 1), ("team.csv", 2, 1), ("x.csv", 0, 0)]
        );
    }

    #[test]
    fn beyond_the_most_one_error_counts_the_rest() {
        let fill = |count: usize| {
            let mut errors = Errors::default();
            for _ in 0..count {
                errors.push(ImportError::of_file("goals.csv", Code::Required));
            }
            errors.into_result().unwrap_err()
        };
        assert!(fill(ERRORS_MAX).iter().all(|error| error.code == Code::Required));
        let listed = fill(ERRORS_MAX + 7);
        assert_eq!(listed.len(), ERRORS_MAX + 1);
        assert_eq!((listed[ERRORS_MAX].code, listed[ERRORS_MAX].file.as_str()), (Code::AndMore, "goals.csv"));
        assert!(listed[ERRORS_MAX].message.ends_with(": 7"));
    }

    #[test]
    fn a_long_file_name_is_cut() {
        let error = ImportError::of_file(&"é".repeat(500), Code::UnknownFile);
        assert_eq!(error.file.chars().count(), FILE_NAME_CHARS_MAX);
    }
}
