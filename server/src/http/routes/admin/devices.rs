//! Devices, and codes to pair them with.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};
use sync_core::exchange::server::desk::Desk;
use sync_core::ids::DeviceId;

use crate::admin::devices::{CODE_LIFE_MS, revoke as revoke_device};
use crate::engine::{Engine, Ruling};
use crate::http::body::object;
use crate::http::routes::caller::administrator;
use crate::http::{ApiError, Code};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Of {
    person: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    #[serde(default)]
    lost: bool,
}

pub(super) async fn code(
    State(engine): State<Arc<Engine>>,
    Path(person): Path<String>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    let person = super::person(&engine, &person)?;
    let new = engine.new_code(person, CODE_LIFE_MS).await?.ok_or(Code::Overloaded)?;
    let organisation = engine.index().organisation()?.ok_or(Code::NotReady)?;
    Ok(Json(json!({
        "code": new.code.to_string(),
        "expires": organisation.zone.rfc3339(new.expires),
        "person": person,
    })))
}

pub(super) async fn list(
    State(engine): State<Arc<Engine>>,
    Query(of): Query<Of>,
    headers: HeaderMap,
) -> Result<Json<Value>, ApiError> {
    administrator(&engine, &headers)?;
    let person = of.person.map(|named| super::person(&engine, &named)).transpose()?;
    let zone = engine.index().organisation()?.ok_or(Code::NotReady)?.zone;
    let devices = engine.index().devices()?.into_iter();
    let asked = devices.filter(|device| person.is_none_or(|person| device.person == person));
    let rows: Vec<Value> = asked
        .map(|device| {
            let contact = engine.last_contact(device.id).map(|at| zone.rfc3339(at));
            json!({
                "id": device.id, "person": device.person, "state": device.state, "last_contact": contact,
            })
        })
        .collect();
    Ok(Json(json!({ "devices": rows })))
}

pub(super) async fn revoke(
    State(engine): State<Arc<Engine>>,
    Path(device): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let by = administrator(&engine, &headers)?;
    let asked: RevokeRequest = if body.is_empty() { RevokeRequest::default() } else { object(&body)? };
    let unknown = || ApiError::new(Code::NotFound).message("there is no such device");
    let id: DeviceId = device.parse().map_err(|_| unknown())?;
    let revoke = move |desk: &mut Desk<'_>| revoke_device(desk, by, id, asked.lost).map(Ruling::Stands);
    let revoked = engine.decide_from_reserve(revoke);
    Ok(Json(json!({ "device": revoked.await?.ok_or_else(unknown)?.id })))
}
