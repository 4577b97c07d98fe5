//! Reads the district's CSV files into checked, typed rows.
//!
//! A district describes itself in up to eight files: its schools and terms, its people and students, who
//! is on whose team, and what every student's plan promises. [`read`] takes the bytes of those files and
//! gives back either a [`Roster`], in which every row is typed and every reference leads somewhere, or
//! the list of everything that has to be changed first. It is a pure function: no file is opened and no
//! state is touched, so a dry run and a real import see exactly the same thing. [`read_folder`] is the
//! one piece that reads a disk, and it stands apart.
//!
//! What holds for every file:
//!
//! - UTF-8, with or without a byte order mark; RFC 4180; lines end in LF or CRLF.
//! - The first line names the columns, in any order. An unknown or repeated name is an error, and so is the
//!   absence of a column that must be filled. A column that may be empty may also be left out.
//! - Space around a value is not part of it. A row of nothing but empty cells is no row.
//! - A cell is text, never a formula: `=1+1` is a name of four characters.
//! - Words of a closed list, `true` and `false` are read in any case, because spreadsheets change it.
//!
//! ```
//! use std::collections::BTreeMap;
//! use server::import::{NothingKnown, read};
//!
//! let files = BTreeMap::from([(
//!     "schools.csv".to_owned(),
//!     b"external_id,name\noak,Oak Elementary\n".to_vec(),
//! )]);
//! let roster = read(&files, &NothingKnown).unwrap();
//! assert_eq!(roster.schools[0].external_id.as_str(), "oak");
//!
//! let files = BTreeMap::from([("schools.csv".to_owned(), b"external_id,name\noak,\n".to_vec())]);
//! let errors = read(&files, &NothingKnown).unwrap_err();
//! assert_eq!((errors[0].line, errors[0].column, errors[0].code.as_str()), (2, 2, "required"));
//! ```
//!
//! | Module | What it knows |
//! | --- | --- |
//! | `quoting` | where quote marks and line ends may stand, and the line and column of a byte |
//! | `file` | header, rows, limits: bytes into a table of rows |
//! | `cell`, `value`, `words` | one cell: its column, its type, the closed lists |
//! | `schools` ... `guardians` | the columns and rules of one file |
//! | `check` | what only several rows or files together can tell |
//! | `error` | codes, messages, and the list of them |

mod cell;
mod check;
mod error;
mod file;
mod folder;
mod goals;
mod guardians;
mod people;
mod quoting;
mod schools;
mod services;
mod students;
mod team;
mod terms;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;

pub use check::{Known, NothingKnown};
pub use error::{Code, ERRORS_MAX, ImportError};
pub use file::{FIELD_CHARS_MAX, FILE_BYTES_MAX, ROWS_MAX};
pub use folder::{FILES_MAX, ReadFolderError, read_folder};
pub use goals::{ASSIGNED_MAX, GoalRow};
pub use guardians::GuardianRow;
pub use people::PersonRow;
pub use schools::SchoolRow;
pub use services::{MINUTES_MAX, MINUTES_MIN, SESSIONS_MAX, ServiceRow};
pub use students::StudentRow;
pub use team::TeamRow;
pub use terms::TermRow;
pub use value::{EXTERNAL_ID_CHARS_MAX, ExternalId, Line, YEAR_MAX, YEAR_MIN};

use check::check;
use error::Errors;
use file::{Row, Table, read_table};

/// The names of the import's files, in the order in which errors are listed.
pub const FILE_NAMES: [&str; 8] = [
    SchoolRow::FILE,
    TermRow::FILE,
    PersonRow::FILE,
    StudentRow::FILE,
    TeamRow::FILE,
    ServiceRow::FILE,
    GoalRow::FILE,
    GuardianRow::FILE,
];

/// Everything that one import says, each file's rows in the order of the file.
///
/// Only [`read`] makes one, so whoever holds it may rely on the checks: external ids are unique within
/// their file, references lead to a row here or to what the organisation already has, and every value is
/// within its range.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Roster {
    /// Rows of `schools.csv`.
    pub schools: Vec<SchoolRow>,
    /// Rows of `terms.csv`.
    pub terms: Vec<TermRow>,
    /// Rows of `people.csv`.
    pub people: Vec<PersonRow>,
    /// Rows of `students.csv`.
    pub students: Vec<StudentRow>,
    /// Rows of `team.csv`.
    pub team: Vec<TeamRow>,
    /// Rows of `services.csv`.
    pub services: Vec<ServiceRow>,
    /// Rows of `goals.csv`.
    pub goals: Vec<GoalRow>,
    /// Rows of `guardians.csv`.
    pub guardians: Vec<GuardianRow>,
}

/// The tables as they were read, bad rows left out, before they were compared with each other.
struct Tables {
    schools: Table<SchoolRow>,
    terms: Table<TermRow>,
    people: Table<PersonRow>,
    students: Table<StudentRow>,
    team: Table<TeamRow>,
    services: Table<ServiceRow>,
    goals: Table<GoalRow>,
    guardians: Table<GuardianRow>,
}

/// Reads the files of an import, given by name, against what the organisation already has.
///
/// A file that is missing means nothing of that kind.
///
/// # Errors
///
/// All that has to be changed before the import can be made, ordered by file, line and column: up to
/// [`ERRORS_MAX`] errors, and after them one that says how many more there are.
pub fn read(files: &BTreeMap<String, Vec<u8>>, known: &dyn Known) -> Result<Roster, Vec<ImportError>> {
    let mut errors = Errors::default();
    for name in files.keys().filter(|name| !FILE_NAMES.contains(&name.as_str())) {
        errors.push(ImportError::of_file(name, Code::UnknownFile).with(FILE_NAMES.join(", ")));
    }
    let tables = Tables {
        schools: read_table(files, &mut errors),
        terms: read_table(files, &mut errors),
        people: read_table(files, &mut errors),
        students: read_table(files, &mut errors),
        team: read_table(files, &mut errors),
        services: read_table(files, &mut errors),
        goals: read_table(files, &mut errors),
        guardians: read_table(files, &mut errors),
    };
    check(&tables, known, &mut errors);
    errors.into_result()?;
    Ok(Roster {
        schools: tables.schools.rows,
        terms: tables.terms.rows,
        people: tables.people.rows,
        students: tables.students.rows,
        team: tables.team.rows,
        services: tables.services.rows,
        goals: tables.goals.rows,
        guardians: tables.guardians.rows,
    })
}
