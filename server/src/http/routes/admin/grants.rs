//! Places on teams.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::exchange::server::desk::Desk;
use sync_core::ids::GrantId;
use sync_core::roster::Grant;
use sync_core::roster::role::Role;
use sync_core::sensitive::Sensitive;

use crate::admin::grants::{GrantRefused, NewGrant, add as add_grant, end as end_grant};
use crate::admin::student_named;
use crate::engine::{Engine, Ruling};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    student: Option<String>,
    person: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AddRequest {
    student: String,
    person: String,
    role: Role,
    from: Date,
    to: Option<Date>,
    supervisor: Option<String>,
    reason: Sensitive<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EndRequest {
    on: Date,
    reason: Sensitive<String>,
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    let index = engine.index();
    let person = of.person.map(|named| super::person(&engine, &named)).transpose()?;
    let grants = match (of.student, person) {
        (Some(named), _) => {
            let student = student_named(&index, engine.organisation(), &named)?;
            index.team(student.ok_or_else(|| ApiError::from(GrantRefused::UnknownStudent))?.id)?
        }
        (None, Some(person)) => index.places(person)?,
        (None, None) => index.all_grants()?,
    };
    let organisation = index.organisation()?.ok_or(Code::NotReady)?;
    let today = organisation.zone.day_of(engine.now());
    let asked = grants.into_iter().filter(|grant| person.is_none_or(|person| grant.person == person));
    let rows: Vec<Value> = asked.map(|grant| row(&grant, today)).collect();
    Ok(Json(json!({ "grants": rows })))
}

pub(super) async fn add(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: AddRequest = object(&body)?;
    let new = NewGrant {
        student: asked.student,
        person: asked.person,
        role: asked.role,
        from: asked.from,
        to: asked.to,
        supervisor: asked.supervisor,
        reason: asked.reason,
    };
    let added = engine.decide(move |desk| Ok(ruling(add_grant(desk, by, new)?)));
    Ok(Json(json!({ "grant": added.await??.id })))
}

pub(super) async fn end(
    State(engine): State<Arc<Engine>>,
    Path(grant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: EndRequest = object(&body)?;
    let id: GrantId = grant.parse().map_err(|_| GrantRefused::UnknownGrant)?;
    let end = move |desk: &mut Desk<'_>| Ok(ruling(end_grant(desk, by, id, asked.on, &asked.reason)?));
    let ended = engine.decide_from_reserve(end);
    Ok(Json(json!({ "grant": ended.await??.id })))
}

fn ruling<T, E>(decided: Result<T, E>) -> Ruling<Result<T, E>> {
    match decided {
        Ok(_) => Ruling::Stands(decided),
        Err(_) => Ruling::Void(decided),
    }
}

fn row(grant: &Grant, today: Date) -> Value {
    json!({
        "id": grant.id,
        "student": grant.student,
        "person": grant.person,
        "role": grant.role,
        "from": grant.from,
        "to": grant.to,
        "supervisor": grant.supervisor,
        "state": grant.state(today),
    })
}

impl From<GrantRefused> for ApiError {
    fn from(refused: GrantRefused) -> Self {
        let code = match refused {
            GrantRefused::UnknownStudent | GrantRefused::UnknownPerson | GrantRefused::UnknownGrant => {
                Code::NotFound
            }
            GrantRefused::NotOnTeams
            | GrantRefused::Supervisor
            | GrantRefused::EndsBeforeStart
            | GrantRefused::Day
            | GrantRefused::Reason
            | GrantRefused::EndsEarlier => Code::InvalidValue,
        };
        Self::new(code).message(refused.to_string())
    }
}
