//! What a record offers a family: for each place what is settled, or that it is not.
//!
//! The list is closed. A new field of a record is shown to no family until somebody gives it a place here.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::value::{Aim, Field, GoalPart, Missed, Promise, Start, Value, Visit};
use crate::document::name::{DocumentKind, DocumentName};
use crate::document::schema::RecordKind;
use crate::document::slot::{ContentHash, SlotKey};
use crate::ids::DocumentId;
use crate::record::{
    GoalView, MissedView, ObservationView, Record, RecordRef, ServiceView, SessionView, SignatureKind, State,
};
use crate::roster::calendar::Calendar;
use crate::roster::role::Role;

/// What a place can have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Offer {
    /// A value that stands without contradiction, certified and co-signed where that is due.
    Settled(Value, ContentHash),
    /// Nothing settled: the last published value stands, without what was seen by these observations, which are void.
    Unsettled(Vec<SlotKey>),
    /// Nothing: it is void, or not there any more.
    Gone,
}

/// The school year of a page: its plan, and its days.
pub(super) struct Year<'a> {
    calendar: &'a Calendar,
    id: String,
    plan: Option<DocumentId>,
}

impl<'a> Year<'a> {
    /// Returns the year of a day: of plans that have a goal, the latest one up to then.
    pub(super) fn of(
        record: &Record<'_>,
        names: &[DocumentName],
        calendar: &'a Calendar,
        today: Date,
    ) -> Self {
        let id = calendar.year_of(today);
        let has_goal =
            |name: &&DocumentName| record.goals.iter().any(|goal| goal.head.id.document == name.id());
        let plans = names.iter().filter(|name| name.kind == DocumentKind::Plan && name.period <= id);
        let plan = plans.filter(has_goal).max_by(|one, other| one.period.cmp(&other.period));
        Self { calendar, id, plan: plan.map(DocumentName::id) }
    }

    fn has(&self, day: Date) -> bool {
        self.calendar.year_of(day) == self.id
    }

    fn has_plan(&self, id: &RecordRef) -> bool {
        self.plan == Some(id.document)
    }
}

/// Returns what the record offers in this year.
pub(super) fn offers(record: &Record<'_>, year: &Year<'_>) -> BTreeMap<Field, Offer> {
    let mut offers = BTreeMap::new();
    for goal in record.goals.iter().filter(|goal| year.has_plan(&goal.head.id)) {
        offers.extend(
            GoalPart::ALL.map(|part| (Field::Goal(goal.head.key(), part), of_goal(record, goal, part))),
        );
    }
    for service in record.services.iter().filter(|service| year.has_plan(&service.head.id)) {
        offers.insert(Field::Service(service.head.key()), of_service(record, service));
    }
    for session in &record.sessions {
        let day = session.start().map(|start| record.zone.day_of(start));
        if day.is_none_or(|day| year.has(day)) {
            offers.insert(Field::Visit(session.head.key()), of_session(record, session, day));
        }
    }
    for missed in record.missed.iter().filter(|missed| missed.date.is_none_or(|day| year.has(day))) {
        offers.insert(Field::Missed(missed.head.key()), of_missed(record, missed));
    }
    offers
}

fn differs(record: &Record<'_>, id: &RecordRef, fields: &[&str]) -> bool {
    let mut conflicts = record.conflicts.iter().filter(|conflict| conflict.record == *id);
    conflicts.any(|conflict| fields.is_empty() || fields.contains(&conflict.field.as_str()))
}

fn settled(record: &Record<'_>, id: &RecordRef, value: Option<Value>) -> Offer {
    match value.zip(record.covers(id)) {
        Some((value, basis)) => Offer::Settled(value, basis),
        None => Offer::Gone,
    }
}

fn of_goal(record: &Record<'_>, goal: &GoalView, part: GoalPart) -> Offer {
    let id = &goal.head.id;
    let fields: &[&str] = match part {
        GoalPart::Statement if goal.plain_statement.is_some() => &["plain_statement"],
        GoalPart::Statement => &["plain_statement", "statement"],
        GoalPart::Aim => &["direction"],
        GoalPart::Target => &["target"],
        GoalPart::By => &["target_date"],
        GoalPart::Start => &["baseline", "baseline_date"],
    };
    if goal.head.void {
        return Offer::Gone;
    }
    if goal.head.newer || differs(record, id, fields) {
        return Offer::Unsettled(Vec::new());
    }
    let value = match part {
        GoalPart::Statement => {
            goal.plain_statement.clone().or_else(|| goal.statement.clone()).map(Value::Statement)
        }
        GoalPart::Aim => aim(goal).map(Value::Aim),
        GoalPart::Target => goal.target.map(Value::Target),
        GoalPart::By => goal.target_date.map(Value::By),
        GoalPart::Start => {
            goal.baseline.map(|figure| Value::Start(Start { figure, day: goal.baseline_date }))
        }
    };
    settled(record, id, value)
}

fn aim(goal: &GoalView) -> Option<Aim> {
    Some(Aim {
        discipline: goal.discipline?.to_owned(),
        kind: goal.kind?.to_owned(),
        direction: goal.direction?.to_owned(),
    })
}

fn of_service(record: &Record<'_>, service: &ServiceView) -> Offer {
    let id = &service.head.id;
    if service.head.void {
        return Offer::Gone;
    }
    if service.head.newer || differs(record, id, &[]) {
        return Offer::Unsettled(Vec::new());
    }
    let promise = || {
        Some(Promise {
            discipline: service.discipline?.to_owned(),
            sessions: service.sessions?,
            period: service.period?.to_owned(),
            minutes: service.minutes?,
            from: service.from?,
            to: service.to,
        })
    };
    settled(record, id, promise().map(Value::Promise))
}

fn of_session(record: &Record<'_>, session: &SessionView, day: Option<Date>) -> Offer {
    if session.head.void {
        return Offer::Gone;
    }
    let own = |observation: &&ObservationView| {
        observation.session == Some(session.head.key())
            && observation.head.id.document == session.head.id.document
    };
    let observations: Vec<&ObservationView> = record.observations.iter().filter(own).collect();
    let void = observations.iter().filter(|observation| observation.head.void);
    let unsettled = Offer::Unsettled(void.map(|observation| observation.head.key()).collect());
    let certified = matches!(session.state, State::Certified | State::Cosigned);
    let known = !session.head.newer && observations.iter().all(|observation| !observation.head.newer);
    let disputed = differs(record, &session.head.id, &[])
        || observations.iter().any(|observation| differs(record, &observation.head.id, &[]));
    if !certified || !known || disputed {
        return unsettled;
    }
    let (Some(day), Some(minutes)) = (day, session.minutes()) else { return unsettled };
    let counted = observations.into_iter().filter(|observation| observation.counts);
    let seen = counted
        .filter_map(|observation| Some((observation.head.key(), (observation.goal?, observation.figures?))));
    let visit = Visit {
        day,
        service: session.service,
        discipline: discipline_of(record, session.service, session.role),
        mode: session.mode().map(str::to_owned),
        minutes,
        seen: seen.collect(),
    };
    settled(record, &session.head.id, Some(Value::Visit(visit)))
}

fn of_missed(record: &Record<'_>, missed: &MissedView) -> Offer {
    let id = &missed.head.id;
    if missed.head.void {
        return Offer::Gone;
    }
    let role = record.entry(id).and_then(|entry| entry.leaf("role")?.as_text()?.parse::<Role>().ok());
    let due =
        if role.is_none_or(Role::is_supervised) { SignatureKind::Cosign } else { SignatureKind::Certify };
    // A supervisor's signature is as good as the author's own.
    let certified = missed.signatures.iter().any(|signature| {
        signature.fresh && (signature.kind == due || signature.kind == SignatureKind::Cosign)
    });
    if !certified || missed.head.newer || differs(record, id, &[]) {
        return Offer::Unsettled(Vec::new());
    }
    let (Some(day), Some(service), Some(reason)) = (missed.date, missed.service, missed.reason) else {
        return Offer::Unsettled(Vec::new());
    };
    let discipline = discipline_of(record, Some(service), None);
    let value = Missed { day, service, discipline, reason: reason.code().to_owned() };
    settled(record, id, Some(Value::Missed(value)))
}

/// Returns whose visit it was: by the service, else by the role of who came.
fn discipline_of(record: &Record<'_>, service: Option<SlotKey>, role: Option<&str>) -> Option<String> {
    let service = service.and_then(|key| record.resolve(RecordKind::Service, key));
    let by_service = service.and_then(|entry| Some(entry.leaf("discipline")?.as_text()?.to_owned()));
    let by_role = || role?.parse::<Role>().ok()?.discipline().map(str::to_owned);
    by_service.or_else(by_role)
}
