//! `schools.csv`: the schools of the organisation.

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::value::{ExternalId, Line, one_line};

/// A school's name has at most this many characters.
const NAME_CHARS_MAX: usize = 200;

pub(super) const EXTERNAL_ID: Column = Column::filled("external_id");
const NAME: Column = Column::filled("name").up_to(NAME_CHARS_MAX);

/// One row of `schools.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchoolRow {
    /// The district's id of the school.
    pub external_id: ExternalId,
    /// The school's name.
    pub name: String,
    /// Where the row begins.
    pub line: Line,
}

impl Row for SchoolRow {
    const FILE: &'static str = "schools.csv";
    const COLUMNS: &'static [Column] = &[EXTERNAL_ID, NAME];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let name = cells.required(&NAME, one_line);
        Ok(Self { external_id: external_id?, name: name?, line: cells.line })
    }
}
