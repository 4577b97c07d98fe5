//! The person's students: with goals and services, as far as this member may see them.

use serde_json::{Value as Json, json};
use sync_core::measure::thousandths::Thousandths;
use sync_core::projection::card::Card;
use sync_core::projection::facts::StudentFact;
use sync_core::record::Record;

use super::name_of;
use crate::deeds::Desk;
use crate::trouble::Trouble;

/// Returns `{"students":[…]}`.
///
/// # Errors
/// The store's.
pub fn caseload(desk: &Desk<'_>) -> Result<Json, Trouble> {
    let today = desk.roster.today(desk.now);
    let mut students = Vec::new();
    for fact in desk.roster.students.values() {
        let roles = desk.roster.roles_on(fact.id, today);
        if !roles.is_empty() {
            let roles: Vec<&str> = roles.iter().map(|role| role.code()).collect();
            students.push(desk.with_record(fact.id, |record| {
                let card = desk.roster.cards.get(&fact.id);
                Ok(student(fact, &roles, record, card))
            })?);
        }
    }
    Ok(json!({ "students": students }))
}

fn student(fact: &StudentFact, roles: &[&str], record: &Record<'_>, card: Option<&Card>) -> Json {
    json!({
        "id": fact.id,
        "external_id": fact.external_id,
        "display_name": name_of(fact),
        "roles": roles,
        "goals": goals(record, card),
        "services": services(record, card),
    })
}

/// Returns the standing goals: those of the plan, or of the card where the plan is not read.
pub(super) fn goals(record: &Record<'_>, card: Option<&Card>) -> Vec<Json> {
    let standing = record.goals.iter().filter(|goal| !goal.head.void);
    let goal = |goal: &sync_core::record::GoalView| {
        json!({
            "id": goal.head.key().to_string(),
            // It goes to somebody who reads the plan.
            "statement": goal.statement.as_ref().map(|text| text.expose()),
            "discipline": goal.discipline,
            "kind": goal.kind,
            "target": goal.target.map(Thousandths),
            "target_by": goal.target_by,
            "target_at": goal.target_at.map(|at| record.zone.rfc3339(at)),
        })
    };
    let of_card = card.map(|card| card.goals.as_slice()).unwrap_or_default().iter().map(|goal| {
        json!({
            "id": goal.id.to_string(),
            // It goes to the person whom the card is made for.
            "statement": goal.statement.expose(),
            "discipline": goal.discipline,
            "kind": goal.kind,
            "target": goal.target.map(Thousandths),
            "target_by": Json::Null,
            "target_at": Json::Null,
        })
    });
    standing.map(goal).chain(of_card).collect()
}

fn services(record: &Record<'_>, card: Option<&Card>) -> Vec<Json> {
    let standing = record.services.iter().filter(|service| !service.head.void);
    let service = |service: &sync_core::record::ServiceView| {
        json!({
            "id": service.head.key().to_string(),
            "discipline": service.discipline,
            "mode": service.mode,
            "minutes": service.minutes,
            "sessions": service.sessions,
            "period": service.period,
        })
    };
    let of_card = card.map(|card| card.services.as_slice()).unwrap_or_default().iter().map(|service| {
        json!({
            "id": service.id.to_string(),
            "discipline": service.discipline,
            "mode": service.mode,
            "minutes": service.minutes,
            "sessions": Json::Null,
            "period": Json::Null,
        })
    });
    standing.map(service).chain(of_card).collect()
}
