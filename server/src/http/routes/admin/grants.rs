//! Places on teams.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sync_core::exchange::server::desk::Desk;
use sync_core::ids::{GrantId, PersonId, StudentId};
use sync_core::roster::role::Role;
use sync_core::roster::{Grant, GrantState};
use sync_core::sensitive::Sensitive;
use utoipa::{IntoParams, ToSchema};

use crate::admin::grants::{GrantRefused, NewGrant, add as add_grant, end as end_grant};
use crate::admin::student_named;
use crate::engine::{Engine, Ruling};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// Only of this student, by either id.
    student: Option<String>,
    /// Only of this person, by either id.
    person: Option<String>,
}

/// A place on a team.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AddRequest {
    /// The student, by either id.
    student: String,
    /// The person, by either id.
    person: String,
    /// As what: `slp ot pt psy set cm para asst get sub ext`.
    #[schema(value_type = String)]
    role: Role,
    /// The first day.
    #[schema(value_type = String, format = Date)]
    from: Date,
    /// The last day, included.
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    /// The supervisor of an assistant, by either id.
    supervisor: Option<String>,
    /// Why, for the audit.
    #[schema(value_type = String)]
    reason: Sensitive<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EndRequest {
    /// The last day, included.
    #[schema(value_type = String, format = Date)]
    on: Date,
    /// Why, for the audit.
    #[schema(value_type = String)]
    reason: Sensitive<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Grants {
    grants: Vec<GrantRow>,
}

/// A place on a team.
#[derive(Serialize, ToSchema)]
struct GrantRow {
    #[schema(value_type = String)]
    id: GrantId,
    #[schema(value_type = String)]
    student: StudentId,
    #[schema(value_type = String)]
    person: PersonId,
    #[schema(value_type = String)]
    role: Role,
    #[schema(value_type = String, format = Date)]
    from: Date,
    #[schema(value_type = Option<String>, format = Date)]
    to: Option<Date>,
    #[schema(value_type = Option<String>)]
    supervisor: Option<PersonId>,
    /// `coming`, `current` or `ended`.
    #[schema(value_type = String)]
    state: GrantState,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Granted {
    #[schema(value_type = String)]
    grant: GrantId,
}

/// Lists places on teams.
#[utoipa::path(
    get,
    path = "/v1/grants",
    tag = "administration",
    operation_id = "list_grants",
    params(Of),
    security(("token" = [])),
    responses((status = 200, description = "The places.", body = Grants)),
    extensions(("x-refusals" = json!(["bad_request", "not_found"]))),
)]
pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Grants>, ApiError> {
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
    Ok(Json(Grants { grants: asked.map(|grant| row(&grant, today)).collect() }))
}

/// Gives a person a place on a student's team.
///
/// The same place given again, from the same day, is the same grant with these terms.
#[utoipa::path(
    post,
    path = "/v1/grants",
    tag = "administration",
    operation_id = "add_grant",
    request_body(content = AddRequest, example = json!({"student": "s02", "person": "ot-1", "role": "ot", "from": "2026-11-02", "to": null, "supervisor": null, "reason": "joined the team"})),
    security(("token" = [])),
    responses((status = 200, description = "The grant.", body = Granted)),
    extensions(("x-refusals" = json!(["bad_json", "not_found", "invalid_value", "storage_full"]))),
)]
pub(super) async fn add(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Granted>, ApiError> {
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
    Ok(Json(Granted { grant: added.await??.id }))
}

/// Ends a place on a team. The last day may be past.
#[utoipa::path(
    post,
    path = "/v1/grants/{grant}/end",
    tag = "administration",
    operation_id = "end_grant",
    params(("grant" = String, Path, description = "The grant's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    request_body(content = EndRequest, example = json!({"on": "2026-11-20", "reason": "moved to another school"})),
    security(("token" = [])),
    responses((status = 200, description = "The grant.", body = Granted)),
    extensions(("x-refusals" = json!(["bad_json", "not_found", "invalid_value"]))),
)]
pub(super) async fn end(
    State(engine): State<Arc<Engine>>,
    Path(grant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Granted>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: EndRequest = object(&body)?;
    let id: GrantId = grant.parse().map_err(|_| GrantRefused::UnknownGrant)?;
    let end = move |desk: &mut Desk<'_>| Ok(ruling(end_grant(desk, by, id, asked.on, &asked.reason)?));
    let ended = engine.decide_from_reserve(end);
    Ok(Json(Granted { grant: ended.await??.id }))
}

fn ruling<T, E>(decided: Result<T, E>) -> Ruling<Result<T, E>> {
    match decided {
        Ok(_) => Ruling::Stands(decided),
        Err(_) => Ruling::Void(decided),
    }
}

fn row(grant: &Grant, today: Date) -> GrantRow {
    GrantRow {
        id: grant.id,
        student: grant.student,
        person: grant.person,
        role: grant.role,
        from: grant.from,
        to: grant.to,
        supervisor: grant.supervisor,
        state: grant.state(today),
    }
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
