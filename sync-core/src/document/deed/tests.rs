//! Each deed in the hands of each role, and what it makes.

mod making;
mod places;
mod versions;

use std::collections::BTreeSet;

use ulid::Ulid;

use super::act::{Act, Author, DeedError, Stamp, act};
use super::*;
use crate::ids::{ActId, DocumentId, derive};
use crate::measure::value::{Count, Percent, Probe};
use crate::roster::role::Role;
use crate::time::moment_from_rfc3339;

const DOCUMENT: DocumentId = DocumentId([7; 16]);
const ME: PersonId = PersonId([1; 16]);
const COLLEAGUE: PersonId = PersonId([2; 16]);

/// A record of somebody's, by name.
fn key(member: PersonId, name: &str) -> SlotKey {
    SlotKey::new(member, Ulid::from_bytes(derive(name, &[])))
}

/// Ids as a live session draws them: many, all different, the same at every call.
fn ids() -> impl Iterator<Item = Ulid> {
    (0_u32..).map(|n| Ulid::from_bytes(derive("id", &[&n.to_be_bytes()])))
}

fn at(text: &str) -> Moment {
    moment_from_rfc3339(text).unwrap()
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn made_by(deed: &Deed, role: Role) -> Result<Act, DeedError> {
    let stamp = Stamp { at: at("2026-11-20T10:00:00-06:00"), offset_ms: -1_500 };
    act(deed, DOCUMENT, &Author { member: ME, role }, stamp, &mut ids(), ActId([5; 16]))
}

fn made(deed: &Deed) -> Result<Act, DeedError> {
    made_by(deed, Role::Slp)
}

/// The path of the field at which a deed is refused.
fn refused_field(deed: &Deed) -> String {
    made(deed).unwrap_err().fault().map(|fault| fault.field().to_owned()).unwrap()
}

fn segment(minutes: i64) -> NewSegment {
    NewSegment {
        mode: Mode::PushIn,
        place: Place::GeneralClass,
        routine: Some(Routine::Center),
        start: at("2026-11-20T09:30:00-06:00"),
        minutes,
    }
}

fn observation(value: impl Into<Figures>) -> NewObservation {
    NewObservation {
        goal: key(COLLEAGUE, "goal"),
        value: value.into(),
        observer: Observer::Primary,
        start: at("2026-11-20T09:35:00-06:00"),
        note: None,
    }
}

fn session(segments: Vec<NewSegment>, observations: Vec<NewObservation>) -> Deed {
    Deed::LogSession {
        service: Some(key(COLLEAGUE, "service")),
        segments,
        group: Some(NewGroup { id: "g1".into(), size: 3 }),
        make_up_for: Some(key(ME, "missed")),
        note: Some("calm today".to_owned().into()),
        state: SessionState::Complete,
        observations,
    }
}

fn full_session() -> Deed {
    let (count, probe) = (Count::new(12, 600).unwrap(), Probe::new(60, 3, 60).unwrap());
    let percent = Percent::new(4, 5).unwrap();
    let pull_out = NewSegment { mode: Mode::PullOut, place: Place::ResourceRoom, ..segment(15) };
    session(vec![segment(20), pull_out], vec![observation(count), observation(probe), observation(percent)])
}

fn missed() -> Deed {
    Deed::LogMissed {
        service: key(COLLEAGUE, "service"),
        date: day("2026-11-20"),
        reason: Reason::StudentAbsent,
        note: None,
    }
}

fn observe(observer: Observer) -> Deed {
    let observation = NewObservation { observer, ..observation(Percent::new(0, 0).unwrap()) };
    Deed::Observe { session: None, observation }
}

fn edit(target: SlotKey, kind: RecordKind, field: &str, value: impl Into<Value>) -> Deed {
    let replaces = BTreeSet::from([target]);
    Deed::Edit { target, kind, field: field.into(), value: value.into(), replaces, reason: None }
}

fn void(target: SlotKey, kind: RecordKind, reason: Option<&str>) -> Deed {
    let reason = reason.map(|reason| reason.to_owned().into());
    Deed::Void { target, kind, replaces: BTreeSet::from([target]), reason }
}

fn reinstate(target: SlotKey, kind: RecordKind) -> Deed {
    let reason = Some("removed by mistake".to_owned().into());
    Deed::Reinstate { target, kind, replaces: BTreeSet::from([target]), reason }
}

fn goal(discipline: Discipline) -> Deed {
    Deed::AddGoal {
        discipline,
        measure: Measure::Percent,
        direction: Direction::Increase,
        statement: "asks for help in two settings".to_owned().into(),
        plain_statement: Some("asks for help".to_owned().into()),
        target_thousandths: 80_000,
        target_date: Some(day("2027-05-28")),
        baseline_thousandths: Some(40_000),
        baseline_date: Some(day("2026-09-01")),
        criterion: Some("three sessions in a row".to_owned().into()),
    }
}

fn service() -> Deed {
    Deed::AddService {
        discipline: Discipline::Slp,
        mode: Mode::PushIn,
        place: Some(Place::GeneralClass),
        sessions: 2,
        period: Period::Week,
        minutes: 30,
        from: day("2026-09-01"),
        to: Some(day("2027-05-28")),
    }
}

fn plan_version() -> Deed {
    Deed::AddPlanVersion { kind: PlanKind::Iep, from: day("2026-09-01"), to: None }
}
