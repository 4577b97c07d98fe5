//! Pairing a device with a one-time code.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};
use sync_core::ids::{DeviceId, LogId, OrgId, PersonId, TabletId};

use crate::auth::pairing::PairingCode;
use crate::engine::{Engine, PairingRequest};
use crate::http::address::Address;
use crate::http::body::JsonBody;
use crate::http::{ApiError, Code};

#[derive(Deserialize)]
pub(super) struct PairRequest {
    code: String,
    public_key: String,
    tablet: TabletId,
    /// The app's name and version, for the log line.
    #[serde(default)]
    app: String,
}

#[derive(Serialize)]
pub(super) struct PairResponse {
    device: DeviceId,
    person: PersonId,
    person_external_id: String,
    organisation: OrgId,
    organisation_name: String,
    zone: String,
    log: LogId,
    certificate: String,
    sealing_key: String,
}

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
    let key = VerifyingKey::from_bytes(&bytes).ok()?;
    (!key.is_weak()).then_some(bytes)
}
