//! One school day on one tablet: who was there, what was practised, and how it went.

use jiff::civil::Date;
use sync_core::document::deed::home::{Home, Standpoint, document_for};
use sync_core::document::deed::{Deed, NewGroup, NewObservation, NewSegment};
use sync_core::document::name::{DocumentKind, DocumentName};
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::document::word::{Observer, SessionState};
use sync_core::ids::{OrgId, PersonId, StudentId};
use sync_core::measure::value::{Count, Measure, Percent, Probe, Value as Figures, ValueError};
use sync_core::roster::calendar::Calendar;
use sync_core::roster::reading::Roles;
use sync_core::roster::version::PolicyVersion;
use sync_core::sensitive::Sensitive;
use sync_core::service::missed::Reason;
use sync_core::time::{Moment, Zone};

use super::calendar::{FIRST_SESSION_MS, MINUTE_MS, SchoolDays};
use super::caseload::{Appointment, Line, week};
use super::district::Pupil;
use super::tablet::DemoTablet;
use super::{DemoError, Size, at, story};

/// How often a student is absent, in a hundred sessions.
const ABSENT_PERCENT: u32 = 4;
/// How often a provider is in a meeting instead.
const MEETING_PERCENT: u32 = 2;
/// How often something is noted.
const NOTE_PERCENT: u32 = 15;
/// What is noted.
const NOTES: [&str; 4] =
    ["worked with a partner", "needed one reminder to begin", "asked to go on", "tired after recess"];

/// A school day.
#[derive(Clone, Copy)]
pub(super) struct Day<'a> {
    pub(super) org: OrgId,
    pub(super) zone: &'a Zone,
    pub(super) calendar: &'a Calendar,
    pub(super) days: &'a SchoolDays,
    pub(super) size: Size,
    pub(super) date: Date,
    /// Its number, counted from 0.
    pub(super) number: usize,
}

impl Day<'_> {
    /// Returns how many school days lie between this one and the last.
    pub(super) fn before_last(&self) -> usize {
        self.days.len().saturating_sub(self.number + 1)
    }

    /// Holds the day's sessions.
    pub(super) fn sessions(&self, tablet: &mut DemoTablet, lines: &[Line]) -> Result<(), DemoError> {
        let weekday = usize::try_from(self.date.weekday().to_monday_zero_offset()).unwrap_or_default();
        for appointment in week(lines, tablet.who.id).into_iter().filter(|one| one.weekday == weekday) {
            self.session(tablet, &appointment)?;
        }
        if let Some(leaving) = lines.iter().find(|line| line.who == tablet.who.id && story::is_leaving(line))
            && story::last_day_of(leaving, self.days) == Some(self.date)
        {
            let start = at(self.zone, self.date, FIRST_SESSION_MS);
            self.work(tablet, leaving, start, None)?;
        }
        Ok(())
    }

    fn session(&self, tablet: &mut DemoTablet, appointment: &Appointment<'_>) -> Result<(), DemoError> {
        let start = at(self.zone, self.date, FIRST_SESSION_MS + (appointment.after_minutes + 20) * MINUTE_MS);
        let in_meeting = tablet.chance.percent(MEETING_PERCENT);
        let mut present = Vec::new();
        for line in &appointment.lines {
            let over = story::last_day_of(line, self.days).is_some_and(|last| self.date >= last);
            let absent = tablet.chance.percent(ABSENT_PERCENT);
            if over {
                continue;
            }
            match line.service() {
                Some(service) if in_meeting || absent => {
                    let reason = if in_meeting { Reason::ProviderMeeting } else { Reason::StudentAbsent };
                    let service = SlotKey::imported(self.org, RecordKind::Service.container(), &service);
                    let deed = Deed::LogMissed { service, date: self.date, reason, note: None };
                    self.log(tablet, line, &deed, start)?;
                }
                None if in_meeting || absent => {}
                Some(_) | None => present.push(*line),
            }
        }
        let group = if present.len() > 1 {
            let id = ulid::Ulid::from(tablet.chance.id()).to_string();
            Some(NewGroup { id, size: i64::try_from(present.len()).unwrap_or(i64::MAX) })
        } else {
            None
        };
        present.into_iter().try_for_each(|line| self.work(tablet, line, start, group.clone()))
    }

    /// Logs a session in which the line's goal was practised.
    fn work(
        &self,
        tablet: &mut DemoTablet,
        line: &Line,
        start: Moment,
        group: Option<NewGroup>,
    ) -> Result<(), DemoError> {
        let value = self.figures(tablet, line).map_err(|_| DemoError::Figures)?;
        let note = if tablet.chance.percent(NOTE_PERCENT) { tablet.chance.one_of(&NOTES) } else { None };
        let service = line
            .service()
            .map(|service| SlotKey::imported(self.org, RecordKind::Service.container(), &service));
        let deed = Deed::LogSession {
            service,
            segments: vec![NewSegment {
                mode: line.mode(),
                place: line.place(),
                routine: line.routine(),
                start,
                minutes: line.minutes,
            }],
            group,
            make_up_for: None,
            note: note.map(|note| Sensitive::new((*note).to_owned())),
            state: SessionState::Complete,
            observations: vec![NewObservation {
                goal: SlotKey::imported(self.org, RecordKind::Goal.container(), &line.goal()),
                value,
                observer: Observer::Primary,
                start,
                note: None,
            }],
        };
        self.log(tablet, line, &deed, start.plus_ms(line.minutes * MINUTE_MS))
    }

    /// Draws how it went: on the way from the baseline to the target, with good days and bad ones.
    fn figures(&self, tablet: &mut DemoTablet, line: &Line) -> Result<Figures, ValueError> {
        let aim = line.aim();
        let way = i64::try_from(self.number + 1).unwrap_or(i64::MAX);
        let whole = i64::try_from(self.days.len() + 10).unwrap_or(i64::MAX);
        // Ten times the figure, so that small ones move, too.
        let level = 10 * aim.baseline + 10 * (aim.target - aim.baseline) * way / whole;
        let luck = &mut tablet.chance;
        Ok(match aim.measure {
            Measure::Percent => {
                let correct = (level + 50) / 100 + luck.below(3) - 1;
                Figures::Percent(Percent::new(correct.clamp(0, 10), 10)?)
            }
            Measure::Probe => Figures::Probe(Probe::new(level / 10 + 2 + luck.below(5), luck.below(5), 60)?),
            Measure::Count => Figures::Count(Count::new(level + luck.below(4), 600)?),
        })
    }

    /// Does something that is logged, in the document in which it belongs.
    fn log(&self, tablet: &mut DemoTablet, line: &Line, deed: &Deed, done: Moment) -> Result<(), DemoError> {
        let roles = Roles::from([line.role]);
        let from = Standpoint {
            org: self.org,
            student: student(self.org, line.pupil),
            member: PersonId::imported(self.org, line.who),
            policy: PolicyVersion::default(),
            roles: &roles,
            calendar: self.calendar,
            zone: self.zone,
            today: self.date,
            given: &[],
        };
        match document_for(deed, &from) {
            Home::Document(name) => tablet.does(&name, line.role, deed, done),
            Home::Beside(_) | Home::Nowhere => Err(DemoError::Nowhere),
        }
    }

    /// Makes the day's changes of goals.
    pub(super) fn edits(&self, tablet: &mut DemoTablet) -> Result<(), DemoError> {
        let who = tablet.who.id;
        let edits = story::edits(self.size, self.before_last()).into_iter();
        for edit in edits.filter(|edit| edit.who == who) {
            let plan = DocumentName {
                org: self.org,
                kind: DocumentKind::Plan,
                subject: student(self.org, edit.pupil),
                period: self.calendar.year_of(self.date),
                member: None,
            };
            let target = SlotKey::imported(self.org, RecordKind::Goal.container(), &edit.goal);
            let deed = Deed::Edit {
                target,
                kind: RecordKind::Goal,
                field: edit.field.to_owned(),
                value: edit.value,
                replaces: [target].into(),
                reason: None,
            };
            tablet.does(&plan, edit.role, &deed, at(self.zone, self.date, FIRST_SESSION_MS))?;
        }
        Ok(())
    }
}

fn student(org: OrgId, pupil: Pupil) -> StudentId {
    StudentId::imported(org, &pupil.id())
}
