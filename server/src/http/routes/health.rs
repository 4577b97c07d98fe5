//! Whether the process runs, and whether it serves.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::engine::Engine;
use crate::http::{ApiError, Code};

#[derive(Serialize, ToSchema)]
pub(super) struct Live {
    live: bool,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Ready {
    ready: bool,
    /// Whether the disk has room for new work.
    room: bool,
    /// Whether the server was restored and waits for its administrator.
    waiting_for_confirmation: bool,
}

/// Says that the process runs.
#[utoipa::path(
    get,
    path = "/live",
    tag = "health",
    operation_id = "live",
    responses((status = 200, description = "It runs.", body = Live)),
)]
pub(super) async fn live() -> Json<Live> {
    Json(Live { live: true })
}

/// Says that the server serves.
///
/// The index can be read, and the store takes work: new work only while the disk has room.
#[utoipa::path(
    get,
    path = "/ready",
    tag = "health",
    operation_id = "ready",
    responses((status = 200, description = "It serves.", body = Ready)),
    extensions(("x-refusals" = json!(["not_ready", "storage_failed"]))),
)]
pub(super) async fn ready(State(engine): State<Arc<Engine>>) -> Result<Json<Ready>, ApiError> {
    if *engine.failed().borrow() {
        return Err(Code::StorageFailed.into());
    }
    match engine.index().organisation() {
        // A restored server serves: it takes what is sent again, and an administrator's word.
        Ok(Some(_)) => Ok(Json(Ready {
            ready: true,
            room: engine.reader().has_room(),
            waiting_for_confirmation: engine.waits()?,
        })),
        Ok(None) | Err(_) => Err(Code::NotReady.into()),
    }
}
