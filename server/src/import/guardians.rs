//! `guardians.csv`: who may see the family view of a student.

use sync_core::sensitive::Sensitive;

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::people::NAME_CHARS_MAX;
use super::schools::EXTERNAL_ID;
use super::students::LANGUAGE_CHARS_MAX;
use super::value::{ExternalId, Line, one_line, sensitive_line, yes_or_no};

pub(super) const STUDENT: Column = Column::filled("student");
const NAME: Column = Column::filled("name").up_to(NAME_CHARS_MAX);
const LANGUAGE: Column = Column::may_be_empty("language").up_to(LANGUAGE_CHARS_MAX);
const RESTRICTED: Column = Column::may_be_empty("restricted");

/// One row of `guardians.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardianRow {
    /// The district's id of this guardian of this student.
    pub external_id: ExternalId,
    /// The student.
    pub student: ExternalId,
    /// The guardian's name.
    pub name: Sensitive<String>,
    /// The language to write to them in, as the district writes it.
    pub language: Option<String>,
    /// Whether they are to see nothing. Empty is `false`: both guardians see the student unless told.
    pub restricted: bool,
    /// Where the row begins.
    pub line: Line,
}

impl Row for GuardianRow {
    const FILE: &'static str = "guardians.csv";
    const COLUMNS: &'static [Column] = &[EXTERNAL_ID, STUDENT, NAME, LANGUAGE, RESTRICTED];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let student = cells.required(&STUDENT, ExternalId::parse);
        let name = cells.required(&NAME, sensitive_line);
        let language = cells.optional(&LANGUAGE, one_line);
        let restricted = cells.optional(&RESTRICTED, yes_or_no);
        Ok(Self {
            external_id: external_id?,
            student: student?,
            name: name?,
            language: language?,
            restricted: restricted?.unwrap_or(false),
            line: cells.line,
        })
    }
}
