//! Who is here.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::http::ApiError;
use crate::http::routes::caller::administrator;

pub(super) async fn people(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(json!({ "people": engine.people()? })))
}

pub(super) async fn students(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(json!({ "students": engine.students().await? })))
}
