//! `services.csv`: the service lines of the students' plans.

use jiff::civil::Date;
use sync_core::document::word::{Discipline, Place};
use sync_core::service::line::{Mode, Period};

use super::cell::{Cells, Column, Reported};
use super::file::Row;
use super::schools::EXTERNAL_ID;
use super::value::{ExternalId, Line, date, whole, word};

/// A session has at least this many minutes.
pub const MINUTES_MIN: u32 = 1;
/// A session has at most this many minutes: a school day.
pub const MINUTES_MAX: u32 = 480;
/// A period has at most this many sessions. None at all is allowed: a line on hold keeps its place.
pub const SESSIONS_MAX: u32 = 50;

pub(super) const STUDENT: Column = Column::filled("student");
const DISCIPLINE: Column = Column::filled("discipline");
const MODE: Column = Column::filled("mode");
const PLACE: Column = Column::may_be_empty("place");
const SESSIONS: Column = Column::filled("sessions");
const PERIOD: Column = Column::filled("period");
const MINUTES: Column = Column::filled("minutes");
const FROM: Column = Column::filled("from");
const TO: Column = Column::may_be_empty("to");

/// One row of `services.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRow {
    /// The district's id of the service line.
    pub external_id: ExternalId,
    /// The student.
    pub student: ExternalId,
    /// The profession that delivers it.
    pub discipline: Discipline,
    /// How it is delivered.
    pub mode: Mode,
    /// Where it is delivered, if the plan says so.
    pub place: Option<Place>,
    /// How many sessions each period, 0 to [`SESSIONS_MAX`].
    pub sessions: u32,
    /// The period.
    pub period: Period,
    /// Minutes of one session, [`MINUTES_MIN`] to [`MINUTES_MAX`].
    pub minutes: u32,
    /// The first day.
    pub from: Date,
    /// The last day, included; none means until the plan changes.
    pub to: Option<Date>,
    /// Where the row begins.
    pub line: Line,
}

impl Row for ServiceRow {
    const FILE: &'static str = "services.csv";
    const COLUMNS: &'static [Column] =
        &[EXTERNAL_ID, STUDENT, DISCIPLINE, MODE, PLACE, SESSIONS, PERIOD, MINUTES, FROM, TO];
    const ID: Option<Column> = Some(EXTERNAL_ID);

    fn read(cells: &mut Cells<'_>) -> Result<Self, Reported> {
        let external_id = cells.required(&EXTERNAL_ID, ExternalId::parse);
        let student = cells.required(&STUDENT, ExternalId::parse);
        let discipline = cells.required(&DISCIPLINE, word);
        let mode = cells.required(&MODE, word);
        let place = cells.optional(&PLACE, word);
        let sessions = cells.required(&SESSIONS, |text| whole(text, 0, SESSIONS_MAX));
        let period = cells.required(&PERIOD, word);
        let minutes = cells.required(&MINUTES, |text| whole(text, MINUTES_MIN, MINUTES_MAX));
        let from = cells.required(&FROM, date);
        let to = cells.optional(&TO, date);
        let (from, to) = (from?, to?);
        cells.in_order(&TO, from, to)?;
        Ok(Self {
            external_id: external_id?,
            student: student?,
            discipline: discipline?,
            mode: mode?,
            place: place?,
            sessions: sessions?,
            period: period?,
            minutes: minutes?,
            from,
            to,
            line: cells.line,
        })
    }
}
