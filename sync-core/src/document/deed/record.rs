//! What each deed says in its records, field by field, by the names of the schema.

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::{Deed, NewGroup, NewObservation, NewSegment};
use crate::document::schema::{RecordKind, VOID};
use crate::document::slot::{Fields, SlotKey, Value};
use crate::roster::role::Role;
use crate::sensitive::Sensitive;

/// The values of a record that is being made; a value that is not given is not there.
#[derive(Default)]
pub(super) struct Record(Fields);

impl Record {
    pub(super) fn into_fields(self) -> Fields {
        self.0
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn maybe(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Texts about a child are exposed to stand in the record, which is where they belong.
    fn text(self, name: &str, text: Option<&Sensitive<String>>) -> Self {
        self.maybe(name, text.map(|text| text.expose().as_str()))
    }

    fn key(self, name: &str, key: Option<&SlotKey>) -> Self {
        self.maybe(name, key.map(SlotKey::to_string))
    }

    fn day(self, name: &str, day: Option<Date>) -> Self {
        self.maybe(name, day.map(|day| day.to_string()))
    }
}

impl From<Record> for Value {
    fn from(record: Record) -> Self {
        Self::Map(record.0)
    }
}

/// Returns which leaf of what kind of record a deed changes, and to what: the schema of the target decides whether it can.
pub(super) fn edited(deed: &Deed) -> Option<(RecordKind, &str, &Value)> {
    match deed {
        Deed::Edit { kind, field, value, .. } => Some((*kind, field, value)),
        Deed::Void { kind, .. } => Some((*kind, VOID, &Value::Flag(true))),
        Deed::Reinstate { kind, .. } => Some((*kind, VOID, &Value::Flag(false))),
        Deed::LogSession { .. }
        | Deed::LogMissed { .. }
        | Deed::Observe { .. }
        | Deed::Certify { .. }
        | Deed::AddPlanVersion { .. }
        | Deed::AddService { .. }
        | Deed::AddGoal { .. }
        | Deed::Assign { .. }
        | Deed::OpenTally { .. }
        | Deed::Tap { .. } => None,
    }
}

/// Returns the only record that a deed makes, or the session that its observations name.
pub(super) fn first_record(deed: &Deed, role: Role) -> (RecordKind, Record) {
    let record = Record::default();
    let as_role = || Record::default().with("role", role.code());
    match deed {
        Deed::LogSession { service, segments, group, make_up_for, note, state, observations: _ } => {
            let record = as_role()
                .key("service", service.as_ref())
                .with("segments", numbered(segments))
                .maybe("group", group.as_ref().map(grouped))
                .key("make_up_for", make_up_for.as_ref())
                .text("note", note.as_ref())
                .with("state", state.code());
            (RecordKind::Session, record)
        }
        Deed::LogMissed { service, date, reason, note } => {
            let record = as_role()
                .key("service", Some(service))
                .day("date", Some(*date))
                .with("reason", reason.code())
                .text("note", note.as_ref());
            (RecordKind::Missed, record)
        }
        Deed::Observe { session, observation } => {
            (RecordKind::Observation, observed(observation, *session, role))
        }
        Deed::Edit { target, kind: _, field, value, replaces, reason } => {
            statement(target, field, value, replaces, reason.as_ref())
        }
        Deed::Void { target, kind: _, replaces, reason } => {
            statement(target, VOID, &Value::Flag(true), replaces, reason.as_ref())
        }
        Deed::Reinstate { target, kind: _, replaces, reason } => {
            statement(target, VOID, &Value::Flag(false), replaces, reason.as_ref())
        }
        Deed::Certify { target, covers } => {
            let record = record.key("target", Some(target)).with("kind", "certify");
            (RecordKind::Signature, record.with("covers", covers.to_string()))
        }
        Deed::AddPlanVersion { kind, from, to } => {
            let record = record.with("kind", kind.code()).day("from", Some(*from)).day("to", *to);
            (RecordKind::PlanVersion, record)
        }
        Deed::AddService { discipline, mode, place, sessions, period, minutes, from, to } => {
            let record = record
                .with("discipline", discipline.code())
                .with("mode", mode.code())
                .maybe("place", place.map(|place| place.code()))
                .with("sessions", *sessions)
                .with("period", period.code())
                .with("minutes", *minutes)
                .day("from", Some(*from))
                .day("to", *to);
            (RecordKind::Service, record)
        }
        Deed::AddGoal {
            discipline,
            measure,
            direction,
            statement,
            plain_statement,
            target_thousandths,
            target_date,
            baseline_thousandths,
            baseline_date,
            criterion,
        } => {
            let record = record
                .with("discipline", discipline.code())
                .with("kind", measure.code())
                .with("direction", direction.code())
                .text("statement", Some(statement))
                .text("plain_statement", plain_statement.as_ref())
                .with("target", *target_thousandths)
                .day("target_date", *target_date)
                .maybe("baseline", *baseline_thousandths)
                .day("baseline_date", *baseline_date)
                .text("criterion", criterion.as_ref());
            (RecordKind::Goal, record)
        }
        Deed::Assign { goal, person } => {
            (RecordKind::Assignment, record.key("goal", Some(goal)).with("person", person.to_string()))
        }
        Deed::OpenTally { goal, start } => {
            (RecordKind::Tally, as_role().key("goal", Some(goal)).with("start", start.0))
        }
        Deed::Tap { tally, n } => (RecordKind::Tap, record.key("tally", Some(tally)).with("n", *n)),
    }
}

fn statement(
    target: &SlotKey,
    field: &str,
    value: &Value,
    replaces: &BTreeSet<SlotKey>,
    reason: Option<&Sensitive<String>>,
) -> (RecordKind, Record) {
    let replaces: Fields = replaces.iter().map(|key| (key.to_string(), Value::Flag(true))).collect();
    let record = Record::default()
        .key("target", Some(target))
        .with("field", field)
        .with("value", value.clone())
        .with("replaces", replaces)
        .text("reason", reason);
    (RecordKind::Edit, record)
}

/// Segments stand under "1", "2" and so on, in the order in which they were.
fn numbered(segments: &[NewSegment]) -> Record {
    (1_usize..).zip(segments).fold(Record::default(), |all, (number, segment)| {
        let one = Record::default()
            .with("mode", segment.mode.code())
            .with("place", segment.place.code())
            .maybe("routine", segment.routine.map(|routine| routine.code()))
            .with("start", segment.start.0)
            .with("minutes", segment.minutes);
        all.with(&number.to_string(), one)
    })
}

fn grouped(group: &NewGroup) -> Record {
    Record::default().with("id", group.id.as_str()).with("size", group.size)
}

/// Returns an observation, as part of a session or by itself.
pub(super) fn observed(observation: &NewObservation, session: Option<SlotKey>, role: Role) -> Record {
    let value = observation.value.figures().into_iter().fold(Record::default(), |value, (name, figure)| {
        // A figure too large to be written is far out of range, and is refused as that.
        value.with(name, i64::try_from(figure).unwrap_or(i64::MAX))
    });
    Record::default()
        .with("role", role.code())
        .key("goal", Some(&observation.goal))
        .key("session", session.as_ref())
        .with("kind", observation.value.measure().code())
        .with("observer", observation.observer.code())
        .with("start", observation.start.0)
        .with("value", value)
        .text("note", observation.note.as_ref())
}
