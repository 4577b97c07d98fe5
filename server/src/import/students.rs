//! `students.csv`: the students who have a plan.

use sync_core::sensitive::Sensitive;

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::people::NAME_CHARS_MAX;
use super::schools::EXTERNAL_ID;
use super::value::{ExternalId, Line, one_line, sensitive_line};

/// A grade has at most this many characters.
const GRADE_CHARS_MAX: usize = 20;
/// A language's tag or name has at most this many characters (RFC 5646, section 4.4.1, for tags).
pub(super) const LANGUAGE_CHARS_MAX: usize = 35;

const DISPLAY_NAME: Column = Column::filled("display_name").up_to(NAME_CHARS_MAX);
const GRADE: Column = Column::may_be_empty("grade").up_to(GRADE_CHARS_MAX);
pub(super) const SCHOOL: Column = Column::may_be_empty("school");
const HOME_LANGUAGE: Column = Column::may_be_empty("home_language").up_to(LANGUAGE_CHARS_MAX);

/// One row of `students.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudentRow {
    /// The district's id of the student.
    pub external_id: ExternalId,
    /// The name that screens show.
    pub display_name: Sensitive<String>,
    /// The grade, as the district writes it.
    pub grade: Option<String>,
    /// The student's school.
    pub school: Option<ExternalId>,
    /// The language spoken at home, as the district writes it.
    pub home_language: Option<String>,
    /// Where the row begins.
    pub line: Line,
}

impl Row for StudentRow {
    const FILE: &'static str = "students.csv";
    const COLUMNS: &'static [Column] = &[EXTERNAL_ID, DISPLAY_NAME, GRADE, SCHOOL, HOME_LANGUAGE];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let display_name = cells.required(&DISPLAY_NAME, sensitive_line);
        let grade = cells.optional(&GRADE, one_line);
        let school = cells.optional(&SCHOOL, ExternalId::parse);
        let home_language = cells.optional(&HOME_LANGUAGE, one_line);
        Ok(Self {
            external_id: external_id?,
            display_name: display_name?,
            grade: grade?,
            school: school?,
            home_language: home_language?,
            line: cells.line,
        })
    }
}
