//! Guardians of students.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sync_core::exchange::server::index::Index;
use sync_core::ids::{GuardianId, StudentId};
use sync_core::kv::KvError;
use sync_core::roster::Guardian;
use sync_core::sensitive::Sensitive;
use utoipa::{IntoParams, ToSchema};

use crate::admin::guardians::{GuardianRefused, Invited, end as end_guardian, restrict as restrict_guardian};
use crate::admin::student_named;
use crate::engine::{Engine, Ruling};
use crate::family::{invite_guardian, sign_in_path};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// Only of this student, by either id.
    student: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct InviteRequest {
    /// The student, by either id.
    student: String,
    #[schema(value_type = String)]
    name: Sensitive<String>,
    /// The language of the page; the student's home language where it is left out.
    language: Option<String>,
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RestrictRequest {
    /// Lifts what was decided so by hand; what the roster says stays.
    #[serde(default)]
    lift: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Guardians {
    guardians: Vec<GuardianRow>,
}

/// A guardian. Rows go to an administrator, who keeps the roster.
#[derive(Serialize, ToSchema)]
struct GuardianRow {
    #[schema(value_type = String)]
    id: GuardianId,
    external_id: String,
    #[schema(value_type = String)]
    student: StudentId,
    name: String,
    language: String,
    /// `not_enrolled`, `enrolled`, `restricted` or `ended`.
    state: &'static str,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Invitation {
    #[schema(value_type = String)]
    guardian: GuardianId,
    /// The path of the page where the guardian signs in.
    sign_in_path: String,
    /// The code, to be shown once.
    invitation: String,
    expires: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Decided {
    #[schema(value_type = String)]
    guardian: GuardianId,
}

/// Lists guardians.
#[utoipa::path(
    get,
    path = "/v1/guardians",
    tag = "administration",
    operation_id = "list_guardians",
    params(Of),
    security(("token" = [])),
    responses((status = 200, description = "The guardians.", body = Guardians)),
    extensions(("x-refusals" = json!(["bad_request", "not_found"]))),
)]
pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Guardians>, ApiError> {
    administrator(&engine, &headers)?;
    let index = engine.index();
    let student = match of.student {
        Some(named) => {
            let student = student_named(&index, engine.organisation(), &named)?;
            Some(student.ok_or_else(|| ApiError::from(GuardianRefused::UnknownStudent))?.id)
        }
        None => None,
    };
    let guardians = index.guardians()?.into_iter();
    let asked = guardians.filter(|guardian| student.is_none_or(|student| guardian.student == student));
    let guardians = asked.map(|guardian| row(&index, guardian)).collect::<Result<_, KvError>>()?;
    Ok(Json(Guardians { guardians }))
}

/// Invites a guardian to a student's page.
#[utoipa::path(
    post,
    path = "/v1/guardians",
    tag = "administration",
    operation_id = "invite_guardian",
    request_body(content = InviteRequest, example = json!({"student": "s02", "name": "Sam Example", "language": "es"})),
    security(("token" = [])),
    responses((status = 200, description = "The invitation.", body = Invitation)),
    extensions(("x-refusals" = json!(["bad_json", "not_found", "invalid_value", "forbidden", "storage_full"]))),
)]
pub(super) async fn invite(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Invitation>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: InviteRequest = object(&body)?;
    let asked = Invited { student: asked.student, name: asked.name, language: asked.language };
    let invited = invite_guardian(&engine, by, asked).await??;
    let zone = engine.index().organisation()?.ok_or(Code::NotReady)?.zone;
    Ok(Json(Invitation {
        guardian: invited.guardian,
        sign_in_path: sign_in_path(invited.guardian),
        invitation: invited.code.to_string(),
        expires: zone.rfc3339(invited.expires),
    }))
}

/// Keeps everything from a guardian, from the next request on, or lifts that again.
#[utoipa::path(
    post,
    path = "/v1/guardians/{guardian}/restrict",
    tag = "administration",
    operation_id = "restrict_guardian",
    params(("guardian" = String, Path, description = "The guardian, by either id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    request_body(content = Option<RestrictRequest>, example = json!({"lift": false})),
    security(("token" = [])),
    responses((status = 200, description = "It is so.", body = Decided)),
    extensions(("x-refusals" = json!(["bad_json", "not_found"]))),
)]
pub(super) async fn restrict(
    State(engine): State<Arc<Engine>>,
    Path(guardian): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Decided>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: RestrictRequest = if body.is_empty() { RestrictRequest::default() } else { object(&body)? };
    let done = engine.decide_from_reserve(move |desk| {
        restrict_guardian(desk, by, &guardian, !asked.lift).map(Ruling::Stands)
    });
    decided(&engine, done.await?).await
}

/// Ends a guardian's access for good.
#[utoipa::path(
    post,
    path = "/v1/guardians/{guardian}/end",
    tag = "administration",
    operation_id = "end_guardian",
    params(("guardian" = String, Path, description = "The guardian, by either id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    security(("token" = [])),
    responses((status = 200, description = "It is so.", body = Decided)),
    extensions(("x-refusals" = json!(["not_found"]))),
)]
pub(super) async fn end(
    State(engine): State<Arc<Engine>>,
    Path(guardian): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Decided>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let done = engine.decide_from_reserve(move |desk| end_guardian(desk, by, &guardian).map(Ruling::Stands));
    decided(&engine, done.await?).await
}

/// Answers when what was decided is noted beside the keys: asked again after the note had failed, there is nothing to decide any more, and
/// still something to note.
async fn decided(
    engine: &Engine,
    done: Result<GuardianId, GuardianRefused>,
) -> Result<Json<Decided>, ApiError> {
    engine.note_rest().await?;
    Ok(Json(Decided { guardian: done? }))
}

fn row(index: &Index<'_>, guardian: Guardian) -> Result<GuardianRow, KvError> {
    let access = index.access_by_hand(guardian.id)?;
    let state = if access.ended {
        "ended"
    } else if guardian.restricted || access.restricted {
        "restricted"
    } else if index.account(guardian.id)?.is_some() {
        "enrolled"
    } else {
        "not_enrolled"
    };
    Ok(GuardianRow {
        id: guardian.id,
        external_id: guardian.external_id,
        student: guardian.student,
        // Rows go to an administrator, who keeps the roster.
        name: guardian.name.into_inner(),
        language: guardian.language,
        state,
    })
}

impl From<GuardianRefused> for ApiError {
    fn from(refused: GuardianRefused) -> Self {
        let code = match refused {
            GuardianRefused::UnknownStudent | GuardianRefused::UnknownGuardian => Code::NotFound,
            GuardianRefused::Name | GuardianRefused::Language => Code::InvalidValue,
            GuardianRefused::Restricted => Code::Forbidden,
        };
        Self::new(code).message(refused.to_string())
    }
}
