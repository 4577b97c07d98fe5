//! Guardians of students.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::exchange::server::index::Index;
use sync_core::kv::KvError;
use sync_core::roster::Guardian;
use sync_core::sensitive::Sensitive;

use crate::admin::guardians::{GuardianRefused, Invited, end as end_guardian, restrict as restrict_guardian};
use crate::admin::student_named;
use crate::engine::{Engine, Ruling};
use crate::family::{invite_guardian, sign_in_path};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    student: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteRequest {
    student: String,
    name: Sensitive<String>,
    language: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RestrictRequest {
    #[serde(default)]
    lift: bool,
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
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
    let rows = asked.map(|guardian| row(&index, guardian)).collect::<Result<Vec<Value>, KvError>>()?;
    Ok(Json(json!({ "guardians": rows })))
}

pub(super) async fn invite(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: InviteRequest = object(&body)?;
    let asked = Invited { student: asked.student, name: asked.name, language: asked.language };
    let invited = invite_guardian(&engine, by, asked).await??;
    let zone = engine.index().organisation()?.ok_or(Code::NotReady)?.zone;
    Ok(Json(json!({
        "guardian": invited.guardian,
        "sign_in_path": sign_in_path(invited.guardian),
        "invitation": invited.code.to_string(),
        "expires": zone.rfc3339(invited.expires),
    })))
}

pub(super) async fn restrict(
    State(engine): State<Arc<Engine>>,
    Path(guardian): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: RestrictRequest = if body.is_empty() { RestrictRequest::default() } else { object(&body)? };
    let done = engine.decide_from_reserve(move |desk| {
        restrict_guardian(desk, by, &guardian, !asked.lift).map(Ruling::Stands)
    });
    Ok(Json(json!({ "guardian": done.await?? })))
}

pub(super) async fn end(
    State(engine): State<Arc<Engine>>,
    Path(guardian): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let done = engine.decide_from_reserve(move |desk| end_guardian(desk, by, &guardian).map(Ruling::Stands));
    Ok(Json(json!({ "guardian": done.await?? })))
}

fn row(index: &Index<'_>, guardian: Guardian) -> Result<Value, KvError> {
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
    Ok(json!({
        "id": guardian.id,
        "external_id": guardian.external_id,
        "student": guardian.student,
        // Rows go to an administrator, who keeps the roster.
        "name": guardian.name.into_inner(),
        "language": guardian.language,
        "state": state,
    }))
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
