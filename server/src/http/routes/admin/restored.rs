//! What a restored server waits for, and the administrator's word that it may go on.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::Serialize;
use sync_core::exchange::server::entry::RestoredBy;
use sync_core::ids::{DeviceId, PersonId};
use sync_core::roster::DeviceState;
use utoipa::ToSchema;

use crate::engine::{Engine, RestoredStatus};
use crate::http::ApiError;
use crate::http::routes::caller::administrator;
/// Says what a restored server waits for.
#[utoipa::path(
    get,
    path = "/v1/restored",
    tag = "administration",
    operation_id = "restored_status",
    security(("token" = [])),
    responses((status = 200, description = "Where the restore stands.", body = Restored)),
)]
pub(super) async fn status(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Restored>, ApiError> {
    administrator(&engine, &headers)?;
    Ok(Json(view(&engine.restored()?)))
}

/// Confirms grants, revoked devices and destructions of a restored server, so that it goes on.
#[utoipa::path(
    post,
    path = "/v1/restored/confirm",
    tag = "administration",
    operation_id = "confirm_restored",
    security(("token" = [])),
    responses((status = 200, description = "It goes on.", body = Restored)),
    extensions(("x-refusals" = json!(["storage_full"]))),
)]
pub(super) async fn confirm(
    State(engine): State<Arc<Engine>>,
    headers: HeaderMap,
) -> Result<Json<Restored>, ApiError> {
    let by = administrator(&engine, &headers)?;
    engine.confirm_restored(by).await?;
    tracing::info!("the restored server is confirmed");
    Ok(Json(view(&engine.restored()?)))
}

/// Where a restore stands.
#[derive(Serialize, ToSchema)]
pub(super) struct Restored {
    waiting_for_confirmation: bool,
    /// Acts that stand again, by their receipts.
    resent: u64,
    /// What only copies still had, and waits for review.
    recovered: u64,
    /// `backup` or `roll_back`; none where the server was never restored.
    by: Option<&'static str>,
    unconfirmed_devices: Vec<Unconfirmed>,
    /// Documents of students whom nobody has named yet.
    parked_documents: usize,
}

/// A device that was paired in what the restore has lost.
#[derive(Serialize, ToSchema)]
struct Unconfirmed {
    #[schema(value_type = String)]
    id: DeviceId,
    #[schema(value_type = String)]
    person: PersonId,
    #[schema(value_type = String)]
    state: DeviceState,
}

fn view(status: &RestoredStatus) -> Restored {
    let by = status.by.map(|by| match by {
        RestoredBy::Backup => "backup",
        RestoredBy::RollBack => "roll_back",
    });
    let unconfirmed = status.unconfirmed.iter();
    let unconfirmed =
        unconfirmed.map(|device| Unconfirmed { id: device.id, person: device.person, state: device.state });
    Restored {
        waiting_for_confirmation: status.waiting,
        resent: status.resent,
        recovered: status.recovered,
        by,
        unconfirmed_devices: unconfirmed.collect(),
        parked_documents: status.parked,
    }
}
