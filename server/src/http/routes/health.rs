//! Whether the process runs, and whether it serves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::http::{ApiError, Code};

/// The process runs and answers.
pub(super) async fn live() -> Json<Value> {
    Json(json!({"live": true}))
}

/// The store takes work and the index can be read.
pub(super) async fn ready(State(engine): State<Arc<Engine>>) -> Result<Json<Value>, ApiError> {
    if *engine.failed().borrow() {
        return Err(Code::StorageFailed.into());
    }
    match engine.index().organisation() {
        Ok(Some(_)) => Ok(Json(json!({"ready": true}))),
        Ok(None) | Err(_) => Err(Code::NotReady.into()),
    }
}
