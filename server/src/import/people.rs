//! `people.csv`: everybody who works with students or with their records.

use sync_core::roster::role::Role;
use sync_core::sensitive::Sensitive;

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::schools::EXTERNAL_ID;
use super::value::{ExternalId, Line, email, sensitive_line, word};

/// A person's name has at most this many characters, a student's and a guardian's too.
pub(super) const NAME_CHARS_MAX: usize = 200;
/// An e-mail address has at most this many characters (RFC 5321, section 4.5.3.1.3, less the brackets).
const EMAIL_CHARS_MAX: usize = 254;

const NAME: Column = Column::filled("name").up_to(NAME_CHARS_MAX);
const EMAIL: Column = Column::may_be_empty("email").up_to(EMAIL_CHARS_MAX);
pub(super) const SCHOOL: Column = Column::may_be_empty("school");
const ROLE: Column = Column::filled("role");

/// One row of `people.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonRow {
    /// The district's id of the person.
    pub external_id: ExternalId,
    /// The person's name.
    pub name: Sensitive<String>,
    /// The address that they sign in with.
    pub email: Option<Sensitive<String>>,
    /// The school that they belong to; none means the whole district.
    pub school: Option<ExternalId>,
    /// What they are employed as. What they may do for a student follows from their place on its team.
    pub role: Role,
    /// Where the row begins.
    pub line: Line,
}

impl Row for PersonRow {
    const FILE: &'static str = "people.csv";
    const COLUMNS: &'static [Column] = &[EXTERNAL_ID, NAME, EMAIL, SCHOOL, ROLE];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let name = cells.required(&NAME, sensitive_line);
        let email = cells.optional(&EMAIL, email);
        let school = cells.optional(&SCHOOL, ExternalId::parse);
        let role = cells.required(&ROLE, word);
        Ok(Self {
            external_id: external_id?,
            name: name?,
            email: email?,
            school: school?,
            role: role?,
            line: cells.line,
        })
    }
}
