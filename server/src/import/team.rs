//! `team.csv`: who is on whose team, as what, from when to when.

use jiff::civil::Date;
use sync_core::roster::role::Role;
use sync_core::sensitive::Sensitive;

use super::cell::{Cells, Column, Reported};
use super::error::Code;
use super::file::Row;
use super::value::{ExternalId, Fault, Line, date, sensitive_text, word};

/// A grant's reason has at most this many characters.
const REASON_CHARS_MAX: usize = 300;

pub(super) const STUDENT: Column = Column::filled("student");
pub(super) const PERSON: Column = Column::filled("person");
const ROLE: Column = Column::filled("role");
pub(super) const FROM: Column = Column::filled("from");
const TO: Column = Column::may_be_empty("to");
pub(super) const SUPERVISOR: Column = Column::may_be_empty("supervisor");
const REASON: Column = Column::may_be_empty("reason").up_to(REASON_CHARS_MAX);

/// One row of `team.csv`: a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TeamRow {
    /// The student.
    pub student: ExternalId,
    /// The member of the student's team.
    pub person: ExternalId,
    /// What the member is on this team.
    pub role: Role,
    /// The first day.
    pub from: Date,
    /// The last day, included; none means until it is ended.
    pub to: Option<Date>,
    /// The clinician who signs for this member: always there for an assistant or paraprofessional.
    pub supervisor: Option<ExternalId>,
    /// Why the grant is made.
    pub reason: Option<Sensitive<String>>,
    /// Where the row begins.
    pub line: Line,
}

impl Row for TeamRow {
    const FILE: &'static str = "team.csv";
    const COLUMNS: &'static [Column] = &[STUDENT, PERSON, ROLE, FROM, TO, SUPERVISOR, REASON];
    const ID: Option<Column> = None;

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let student = cells.required(&STUDENT, ExternalId::parse);
        let person = cells.required(&PERSON, ExternalId::parse);
        let role = cells.required(&ROLE, word::<Role>);
        let from = cells.required(&FROM, date);
        let to = cells.optional(&TO, date);
        let supervisor = cells.optional(&SUPERVISOR, ExternalId::parse);
        let reason = cells.optional(&REASON, sensitive_text);
        let supervised = match (&role, &person, &supervisor) {
            (Ok(role), _, Ok(None)) if role.is_supervised() => Some(Code::SupervisorMissing),
            (_, Ok(person), Ok(Some(supervisor))) if person == supervisor => Some(Code::OwnSupervisor),
            _ => None,
        };
        let supervised = supervised.map_or(Ok(()), |code| Err(cells.refuse(&SUPERVISOR, Fault::new(code))));
        let (from, to) = (from?, to?);
        cells.in_order(&TO, from, to)?;
        supervised?;
        Ok(Self {
            student: student?,
            person: person?,
            role: role?,
            from,
            to,
            supervisor: supervisor?,
            reason: reason?,
            line: cells.line,
        })
    }
}
