//! A small school to fold: three people, one student, and a word for each thing that can be said.

mod accounting;
mod flags;
mod order;
mod registers;
mod signatures;
mod table;

use std::collections::BTreeMap;

use ulid::Ulid;

use super::*;
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::slot::{ACT, AT, Fields, OFFSET, Value};
use crate::ids::{ActId, OrgId, PersonId};

pub(super) const STUDENT: StudentId = StudentId([7; 16]);
pub(super) const SLP: PersonId = PersonId([1; 16]);
pub(super) const PSY: PersonId = PersonId([2; 16]);
pub(super) const PARA: PersonId = PersonId([3; 16]);

/// Monday, 5 October 2026, 10:00 in Chicago.
pub(super) const TEN: i64 = 1_791_212_400_000;
pub(super) const MINUTE: i64 = 60_000;

pub(super) fn zone() -> Zone {
    Zone::named("America/Chicago").unwrap()
}

pub(super) fn name(kind: DocumentKind) -> DocumentName {
    let member = (kind == DocumentKind::Own).then_some(PARA);
    let period = "2026-27".into();
    DocumentName { org: OrgId([9; 16]), kind, subject: STUDENT, period, member }
}

pub(super) fn fields<const N: usize>(values: [(&str, Value); N]) -> Fields {
    values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

pub(super) fn text(key: SlotKey) -> Value {
    key.to_string().into()
}

/// Documents that are being written.
#[derive(Debug, Clone, Default)]
pub(super) struct Desk {
    pub(super) documents: BTreeMap<DocumentName, Vec<Slot>>,
    made: u128,
}

impl Desk {
    pub(super) fn add(
        &mut self,
        kind: DocumentKind,
        container: &str,
        by: PersonId,
        mut values: Fields,
    ) -> SlotKey {
        self.made += 1;
        let key = SlotKey::new(by, Ulid::from(self.made));
        let at = TEN + i64::try_from(self.made).unwrap();
        values.insert(ACT.into(), ActId([5; 16]).to_string().into());
        values.insert(AT.into(), at.into());
        values.entry(OFFSET.into()).or_insert(0.into());
        self.documents.entry(name(kind)).or_default().push(Slot {
            container: container.into(),
            key,
            fields: values,
        });
        key
    }

    pub(super) fn slot_mut(&mut self, key: SlotKey) -> &mut Slot {
        self.documents.values_mut().flatten().find(|slot| slot.key == key).unwrap()
    }

    pub(super) fn goal(&mut self, target: i64) -> SlotKey {
        let values = fields([
            ("discipline", "slp".into()),
            ("kind", "count".into()),
            ("direction", "increase".into()),
            ("statement", "asks for help".into()),
            ("target", target.into()),
        ]);
        self.add(DocumentKind::Plan, "goals", SLP, values)
    }

    pub(super) fn assign(&mut self, goal: SlotKey, person: PersonId) -> SlotKey {
        let values = fields([("goal", text(goal)), ("person", person.to_string().into())]);
        self.add(DocumentKind::Plan, "assignments", SLP, values)
    }

    pub(super) fn service(&mut self, sessions: i64, minutes: i64) -> SlotKey {
        let values = fields([
            ("discipline", "slp".into()),
            ("mode", "push-in".into()),
            ("sessions", sessions.into()),
            ("period", "week".into()),
            ("minutes", minutes.into()),
            ("from", "2026-09-01".into()),
        ]);
        self.add(DocumentKind::Plan, "services", SLP, values)
    }

    /// A complete session of segments `(mode, start, minutes)`; a para's stands in the para's own document.
    pub(super) fn session(
        &mut self,
        by: PersonId,
        service: Option<SlotKey>,
        segments: &[(&str, i64, i64)],
    ) -> SlotKey {
        let segment = |(number, (mode, start, minutes)): (usize, &(&str, i64, i64))| {
            let values = fields([
                ("mode", (*mode).into()),
                ("place", "hallway".into()),
                ("start", (*start).into()),
                ("minutes", (*minutes).into()),
            ]);
            ((number + 1).to_string(), Value::Map(values))
        };
        let segments: Fields = segments.iter().enumerate().map(segment).collect();
        let role = if by == PARA { "para" } else { "slp" };
        let mut values =
            fields([("role", role.into()), ("segments", segments.into()), ("state", "complete".into())]);
        values.extend(service.map(|service| ("service".to_owned(), text(service))));
        self.add(log_of(by), "sessions", by, values)
    }

    pub(super) fn missed(&mut self, service: SlotKey, date: &str, reason: &str) -> SlotKey {
        let values = fields([
            ("role", "slp".into()),
            ("service", text(service)),
            ("date", date.into()),
            ("reason", reason.into()),
        ]);
        self.add(DocumentKind::Log, "missed", SLP, values)
    }

    pub(super) fn observation(&mut self, by: PersonId, goal: SlotKey, start: i64, count: i64) -> SlotKey {
        let value = fields([("count", count.into()), ("seconds", 600.into())]);
        let values = fields([
            ("role", "slp".into()),
            ("goal", text(goal)),
            ("kind", "count".into()),
            ("observer", "primary".into()),
            ("start", start.into()),
            ("value", value.into()),
        ]);
        self.add(log_of(by), "observations", by, values)
    }

    pub(super) fn edit(
        &mut self,
        by: PersonId,
        target: SlotKey,
        field: &str,
        value: impl Into<Value>,
        replaces: &[SlotKey],
    ) -> SlotKey {
        let of_target =
            |(_, slots): &(&DocumentName, &Vec<Slot>)| slots.iter().any(|slot| slot.key == target);
        let kind = self.documents.iter().find(of_target).map_or(DocumentKind::Log, |(name, _)| name.kind);
        let replaces: Fields = replaces.iter().map(|id| (id.to_string(), true.into())).collect();
        let values = fields([
            ("target", text(target)),
            ("field", field.into()),
            ("value", value.into()),
            ("replaces", replaces.into()),
            ("reason", "because".into()),
        ]);
        self.add(kind, "edits", by, values)
    }

    pub(super) fn sign(&mut self, by: PersonId, kind: &str, target: SlotKey) -> SlotKey {
        let (document, covers) = {
            let record = self.fold();
            let entry = record.find(target).unwrap();
            (entry.document().kind, record.covers(&entry.id()).unwrap())
        };
        let values =
            fields([("target", text(target)), ("kind", kind.into()), ("covers", covers.to_string().into())]);
        self.add(document, "signatures", by, values)
    }

    pub(super) fn fold(&self) -> Record<'_> {
        fold(STUDENT, &zone(), self.documents.iter().map(|(name, slots)| Source { name, slots }))
    }
}

fn log_of(by: PersonId) -> DocumentKind {
    if by == PARA { DocumentKind::Own } else { DocumentKind::Log }
}

impl Record<'_> {
    pub(super) fn session(&self, key: SlotKey) -> &SessionView {
        self.sessions.iter().find(|session| session.head.key() == key).unwrap()
    }

    pub(super) fn goal(&self, key: SlotKey) -> &GoalView {
        self.goals.iter().find(|goal| goal.head.key() == key).unwrap()
    }

    pub(super) fn observation(&self, key: SlotKey) -> &ObservationView {
        self.observations.iter().find(|observation| observation.head.key() == key).unwrap()
    }

    pub(super) fn id(&self, key: SlotKey) -> RecordRef {
        self.find(key).unwrap().id()
    }
}

/// The values in conflict in a field of a record, sorted.
pub(super) fn values(record: &Record<'_>, target: SlotKey, field: &str) -> Vec<Option<Value>> {
    let of_field = |conflict: &&Conflict| conflict.record.key == target && conflict.field == field;
    let conflict = record.conflicts.iter().find(of_field);
    let mut values: Vec<_> =
        conflict.into_iter().flat_map(|conflict| &conflict.values).map(|one| one.value.clone()).collect();
    values.sort();
    values
}

#[test]
fn a_records_debug_output_names_no_text() {
    let mut desk = Desk::default();
    desk.goal(80_000);
    assert!(!format!("{:?}", desk.fold()).contains("asks for help"));
}

#[test]
fn documents_of_another_student_are_passed_over() {
    let mut desk = Desk::default();
    desk.goal(80_000);
    let other = StudentId([8; 16]);
    let record = fold(other, &zone(), desk.documents.iter().map(|(name, slots)| Source { name, slots }));
    assert!(record.goals.is_empty() && record.entries().next().is_none());
}

#[test]
fn what_waits_is_told_beside_what_stands_and_is_no_part_of_it() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let before = desk.clone();
    let edit = desk.edit(PSY, goal, "target", 90_000, &[goal]);
    let held = vec![desk.slot_mut(edit).clone()];
    let record = before.fold();
    let told = waiting(&record, name(DocumentKind::Plan).id(), &held);
    let expected = Waiting {
        record: goal,
        kind: Some(RecordKind::Goal),
        author: PSY,
        field: Some("target".into()),
        present: Some(80_000.into()),
        proposed: Some(90_000.into()),
    };
    assert_eq!(told, [expected]);
    assert_eq!(record.goal(goal).target, Some(80_000));
}
