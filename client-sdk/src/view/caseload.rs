//! The person's students: with goals and services, as far as this member may see them.

use serde_json::{Value as Json, json};
use sync_core::projection::facts::StudentFact;
use sync_core::record::Record;

use super::name_of;
use crate::deeds::Desk;
use crate::fields::from_thousandths;
use crate::trouble::Trouble;

/// Returns `{"students":[…]}`.
///
/// # Errors
/// The store's.
pub fn caseload(desk: &Desk<'_>) -> Result<Json, Trouble> {
    let today = desk.roster.day_of(desk.now);
    let mut students = Vec::new();
    for fact in desk.roster.students.values() {
        let roles = desk.roster.roles_on(fact.id, today);
        if !roles.is_empty() {
            let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            students.push(desk.with_record(fact.id, |record| Ok(student(fact, &roles, record)))?);
        }
    }
    Ok(json!({ "students": students }))
}

fn student(fact: &StudentFact, roles: &[&str], record: &Record<'_>) -> Json {
    json!({
        "id": fact.id,
        "external_id": fact.external_id,
        "display_name": name_of(fact),
        "roles": roles,
        "goals": goals(record),
        "services": services(record),
    })
}

/// Returns the standing goals.
pub(super) fn goals(record: &Record<'_>) -> Vec<Json> {
    let standing = record.goals.iter().filter(|goal| !goal.head.void);
    let goal = |goal: &sync_core::record::GoalView| {
        json!({
            "id": goal.head.key().to_string(),
            // It goes to somebody who reads the plan.
            "statement": goal.statement.as_ref().map(|text| text.expose()),
            "discipline": goal.discipline,
            "kind": goal.kind,
            "target": goal.target.map(from_thousandths),
            "target_by": goal.target_by,
            "target_at": goal.target_at.map(|at| record.zone.rfc3339(at)),
        })
    };
    standing.map(goal).collect()
}

fn services(record: &Record<'_>) -> Vec<Json> {
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
    standing.map(service).collect()
}
