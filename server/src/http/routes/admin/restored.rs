//! What a restored server waits for, and the administrator's word that it may go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};
use sync_core::exchange::server::entry::RestoredBy;

use crate::engine::{Engine, RestoredStatus};
use crate::http::ApiError;
use crate::http::routes::caller::administrator;

pub(super) async fn status(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(view(&engine.restored()?)))
}

pub(super) async fn confirm(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    engine.confirm_restored(by).await?;
    tracing::info!("the restored server is confirmed");
    Ok(Json(view(&engine.restored()?)))
}

fn view(status: &RestoredStatus) -> Value {
    let by = status.by.map(|by| match by {
        RestoredBy::Backup => "backup",
        RestoredBy::RollBack => "roll_back",
    });
    let unconfirmed: Vec<Value> = status
        .unconfirmed
        .iter()
        .map(|device| json!({"id": device.id, "person": device.person, "state": device.state}))
        .collect();
    json!({
        "waiting_for_confirmation": status.waiting,
        "resent": status.resent,
        "recovered": status.recovered,
        "by": by,
        "unconfirmed_devices": unconfirmed,
        "parked_documents": status.parked,
    })
}
