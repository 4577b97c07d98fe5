//! Pairing a device with a one-time code.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sync_core::ids::{DeviceId, LogId, OrgId, PersonId, TabletId};
use sync_core::key::DeviceKey;
use utoipa::ToSchema;

use crate::auth::pairing::PairingCode;
use crate::engine::{Engine, PairingRequest};
use crate::http::address::Address;
use crate::http::body::JsonBody;
use crate::http::{ApiError, Code};

#[derive(Deserialize, ToSchema)]
pub(super) struct PairRequest {
    /// The one-time code, as it was typed.
    #[schema(example = "7KD4M-QWH3R")]
    code: String,
    /// The device's ed25519 key, in base64url without padding.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    public_key: String,
    /// The id of the tablet as a thing.
    #[schema(value_type = String, example = "01ARZ3NDEKTSV4RRFFQ69G5FAV")]
    tablet: TabletId,
    /// The app's name and version, for the log line.
    #[serde(default)]
    #[schema(example = "my tablet 1.0")]
    app: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct PairResponse {
    #[schema(value_type = String)]
    device: DeviceId,
    #[schema(value_type = String)]
    person: PersonId,
    /// What the district's roster calls the person.
    person_external_id: String,
    #[schema(value_type = String)]
    organisation: OrgId,
    organisation_name: String,
    /// The name of the organisation's time zone.
    zone: String,
    /// The life of the log.
    #[schema(value_type = String)]
    log: LogId,
    /// The server's word that the device was paired, in base64url.
    certificate: String,
    /// The key to which the tablet seals its acts, in base64url.
    sealing_key: String,
}

/// Pairs a device with a one-time code.
///
/// A request whose answer was lost can be sent again.
#[utoipa::path(
    post,
    path = "/v1/pair",
    tag = "tablet",
    operation_id = "pair",
    request_body = PairRequest,
    responses((status = 200, description = "The device is paired.", body = PairResponse)),
    extensions(("x-refusals" = json!(["bad_json", "pairing_code_invalid", "pairing_code_used", "pairing_code_expired", "conflict", "invalid_value", "storage_full"]))),
)]
pub(super) async fn pair(
    State(engine): State<Arc<Engine>>,
    address: Option<Extension<Address>>,
    JsonBody(request): JsonBody<PairRequest>,
) -> Result<Json<PairResponse>, ApiError> {
    let address = address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |Extension(Address(from))| from);
    let code = PairingCode::parse(&request.code).map_err(|_| Code::PairingCodeInvalid)?;
    let key = public_key(&request.public_key).ok_or_else(|| {
        ApiError::new(Code::InvalidValue).message("public_key is not an ed25519 key in base64url")
    })?;
    let paired = engine.pair(address, PairingRequest { code, key, tablet: request.tablet }).await??;
    tracing::info!(device = %paired.device.id, app_bytes = request.app.len(), "device paired");
    Ok(Json(PairResponse {
        device: paired.device.id,
        person: paired.person.id,
        person_external_id: paired.person.external_id,
        organisation: paired.organisation,
        organisation_name: paired.organisation_name,
        zone: paired.zone,
        log: paired.log,
        certificate: URL_SAFE_NO_PAD.encode(paired.certificate),
        sealing_key: URL_SAFE_NO_PAD.encode(paired.sealing.0),
    }))
}

/// A weak key would verify for almost anything that is signed.
fn public_key(text: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
    DeviceKey::of(&bytes).map(|_| bytes)
}
