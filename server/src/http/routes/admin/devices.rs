//! Devices, and codes to pair them with.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use sync_core::exchange::server::desk::Desk;
use sync_core::ids::{DeviceId, PersonId};
use sync_core::roster::DeviceState;
use utoipa::{IntoParams, ToSchema};

use crate::admin::devices::{CODE_LIFE_MS, revoke as revoke_device};
use crate::engine::{Engine, Ruling};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    /// Only of this person, by either id.
    person: Option<String>,
}

#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokeRequest {
    /// It is lost, and every profile on the same tablet goes with it.
    #[serde(default)]
    lost: bool,
}

/// A pairing code.
#[derive(Serialize, ToSchema)]
pub(super) struct CodeGiven {
    /// The code, to be shown once.
    code: String,
    expires: String,
    #[schema(value_type = String)]
    person: PersonId,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Devices {
    devices: Vec<DeviceRow>,
}

/// A device.
#[derive(Serialize, ToSchema)]
struct DeviceRow {
    #[schema(value_type = String)]
    id: DeviceId,
    #[schema(value_type = String)]
    person: PersonId,
    #[schema(value_type = String)]
    state: DeviceState,
    /// When it last spoke since the server started.
    last_contact: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Revoked {
    #[schema(value_type = String)]
    device: DeviceId,
}

/// Gives a person a code to pair a tablet with.
#[utoipa::path(
    post,
    path = "/v1/people/{person}/code",
    tag = "administration",
    operation_id = "new_code",
    params(("person" = String, Path, description = "The person, by either id.", example = "slp-1")),
    security(("token" = [])),
    responses((status = 200, description = "A code for one use.", body = CodeGiven)),
    extensions(("x-refusals" = json!(["not_found", "storage_full"]))),
)]
pub(super) async fn code(
    State(engine): State<Arc<Engine>>,
    Path(person): Path<String>,
    headers: HeaderMap,
) -> Result<Json<CodeGiven>, ApiError> {
    administrator(&engine, &headers)?;
    let person = super::person(&engine, &person)?;
    let new = engine.new_code(person, CODE_LIFE_MS).await?.ok_or(Code::Overloaded)?;
    let organisation = engine.index().organisation()?.ok_or(Code::NotReady)?;
    let expires = organisation.zone.rfc3339(new.expires);
    Ok(Json(CodeGiven { code: new.code.to_string(), expires, person }))
}

/// Lists devices.
#[utoipa::path(
    get,
    path = "/v1/devices",
    tag = "administration",
    operation_id = "list_devices",
    params(Of),
    security(("token" = [])),
    responses((status = 200, description = "The devices.", body = Devices)),
    extensions(("x-refusals" = json!(["bad_request", "not_found"]))),
)]
pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Devices>, ApiError> {
    administrator(&engine, &headers)?;
    let person = of.person.map(|named| super::person(&engine, &named)).transpose()?;
    let zone = engine.index().organisation()?.ok_or(Code::NotReady)?.zone;
    let devices = engine.index().devices()?.into_iter();
    let asked = devices.filter(|device| person.is_none_or(|person| device.person == person));
    let rows = asked.map(|device| DeviceRow {
        id: device.id,
        person: device.person,
        state: device.state,
        last_contact: engine.last_contact(device.id).map(|at| zone.rfc3339(at)),
    });
    Ok(Json(Devices { devices: rows.collect() }))
}

/// Ends a device's access. What was made on it can still be handed in.
#[utoipa::path(
    post,
    path = "/v1/devices/{device}/revoke",
    tag = "administration",
    operation_id = "revoke_device",
    params(("device" = String, Path, description = "The device's id.", example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")),
    request_body(content = Option<RevokeRequest>, example = json!({"lost": true})),
    security(("token" = [])),
    responses((status = 200, description = "Its access has ended.", body = Revoked)),
    extensions(("x-refusals" = json!(["bad_json", "not_found"]))),
)]
pub(super) async fn revoke(
    State(engine): State<Arc<Engine>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Revoked>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: RevokeRequest = if body.is_empty() { RevokeRequest::default() } else { object(&body)? };
    let unknown = || ApiError::new(Code::NotFound).message("there is no such device");
    let id: DeviceId = device.parse().map_err(|_| unknown())?;
    let revoke = move |desk: &mut Desk<'_>| revoke_device(desk, by, id, asked.lost).map(Ruling::Stands);
    let revoked = engine.decide_from_reserve(revoke).await?;
    // Asked again after the note had failed, there is nothing to decide any more, and still something to note.
    engine.note_rest().await?;
    Ok(Json(Revoked { device: revoked.ok_or_else(unknown)?.id }))
}
