//! Who is here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::{Engine, PersonRow, StudentRow};
use crate::http::ApiError;
use crate::http::routes::caller::administrator;

#[derive(Serialize, ToSchema)]
pub(super) struct People {
    people: Vec<PersonRow>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Students {
    students: Vec<StudentRow>,
}

/// Lists everybody who is here.
#[utoipa::path(
    get,
    path = "/v1/people",
    tag = "administration",
    operation_id = "list_people",
    security(("token" = [])),
    responses((status = 200, description = "All people.", body = People)),
)]
pub(super) async fn people(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<People>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(People { people: engine.people()? }))
}

/// Lists all students, with teams, goals and service lines.
#[utoipa::path(
    get,
    path = "/v1/students",
    tag = "administration",
    operation_id = "list_students",
    security(("token" = [])),
    responses((status = 200, description = "All students.", body = Students)),
)]
pub(super) async fn students(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Students>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(Students { students: engine.students().await? }))
}
