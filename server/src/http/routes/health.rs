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

/// The index can be read, and the store takes work: new work only while the disk has room.
pub(super) async fn ready(State(engine): State<Arc<Engine>>) -> Result<Json<Value>, ApiError> {
    if *engine.failed().borrow() {
        return Err(Code::StorageFailed.into());
    }
    match engine.index().organisation() {
        // A restored server serves: it takes what is sent again, and an administrator's word.
        Ok(Some(_)) => Ok(Json(json!({
            "ready": true,
            "room": engine.reader().has_room(),
            "waiting_for_confirmation": engine.restored()?.waiting,
        }))),
        Ok(None) | Err(_) => Err(Code::NotReady.into()),
    }
}
