//! `terms.csv`: the terms of one school, or of all of them.

use jiff::civil::Date;

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::schools::EXTERNAL_ID;
use super::value::{ExternalId, Line, date, one_line};

/// A term's name has at most this many characters.
const NAME_CHARS_MAX: usize = 100;

pub(super) const SCHOOL: Column = Column::may_be_empty("school");
const NAME: Column = Column::filled("name").up_to(NAME_CHARS_MAX);
pub(super) const FIRST_DAY: Column = Column::filled("first_day");
const LAST_DAY: Column = Column::filled("last_day");

/// One row of `terms.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TermRow {
    /// The district's id of the term.
    pub external_id: ExternalId,
    /// The school; none means all schools.
    pub school: Option<ExternalId>,
    /// The term's name.
    pub name: String,
    /// Its first day.
    pub first_day: Date,
    /// Its last day, included.
    pub last_day: Date,
    /// Where the row begins.
    pub line: Line,
}

impl Row for TermRow {
    const FILE: &'static str = "terms.csv";
    const COLUMNS: &'static [Column] = &[EXTERNAL_ID, SCHOOL, NAME, FIRST_DAY, LAST_DAY];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let school = cells.optional(&SCHOOL, ExternalId::parse);
        let name = cells.required(&NAME, one_line);
        let first_day = cells.required(&FIRST_DAY, date);
        let last_day = cells.required(&LAST_DAY, date);
        let (first_day, last_day) = (first_day?, last_day?);
        cells.in_order(&LAST_DAY, first_day, Some(last_day))?;
        Ok(Self {
            external_id: external_id?,
            school: school?,
            name: name?,
            first_day,
            last_day,
            line: cells.line,
        })
    }
}
