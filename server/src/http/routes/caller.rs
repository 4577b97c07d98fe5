//! Who asks: a device that signed the body, or whoever holds a token.
//!
//! A token and an assertion say who somebody is. What they may do is looked up each time: a revoked device is refused on its next request,
//! not when its token ends.

use std::sync::Arc;

use axum::http::HeaderMap;
use sync_core::exchange::codec;
use sync_core::exchange::message::Request;
use sync_core::exchange::server::answer::Unanswered;
use sync_core::ids::{DeviceId, PersonId};
use sync_core::kv::KvError;
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState, Person};
use sync_core::time::Moment;

use crate::auth::assertion::{AssertionError, Known, authenticate};
use crate::auth::token::{Audience, Subject};
use crate::engine::Engine;
use crate::http::authorization::{Credentials, credentials};
use crate::http::door::Porter;
use crate::http::{ApiError, Code};

/// Who asks, where a token or an assertion is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// An administrator: of the installation, or a person of that role. Sees accounts, devices and grants, never content.
    Administrator(Option<PersonId>),
    /// Somebody else, by a token made for a script.
    Person(Person),
    /// A person's device in use.
    Device(Device),
}

impl Caller {
    /// Returns in whose name the caller acts.
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Self::Administrator(person) => *person,
            Self::Person(person) => Some(person.id),
            Self::Device(device) => Some(device.person),
        }
    }
}

/// Returns the device that signed this very body. One that was paired in what a restore has lost is not known any more and shows, in the
/// request that the body is, the certificate that it was given then.
pub async fn signed_or_certified(
    engine: &Arc<Engine>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Device, ApiError> {
    let Credentials::Device(assertion) = credentials(headers)? else { return Err(Code::Unauthorized.into()) };
    let mut shown = false;
    let device = signed_with(engine, assertion, body, |id| {
        let known = engine.index().device(id)?;
        // A server that was never restored has lost no device, and looks at no certificate.
        shown = known.is_none() && engine.index().restored()?.is_some();
        if !shown {
            return Ok(known);
        }
        let request = codec::decode::<Request>(body).ok();
        let device = request.and_then(|request| engine.by_certificate(&request.certificate?));
        Ok(device.filter(|device| device.id == id))
    })?;
    if shown { Ok(engine.certify(device).await?) } else { Ok(device) }
}

/// Returns the device whose certificate a request shows. That proves whose it was, and no more: neither that it is in somebody's hands nor
/// that it may still be served.
pub async fn certified(engine: &Arc<Engine>, request: &Request) -> Result<Device, ApiError> {
    let shown = request.certificate.as_ref().and_then(|shown| engine.by_certificate(shown));
    let device = shown.filter(|device| device.id == request.device).ok_or(Code::Unauthorized)?;
    if let Some(known) = engine.index().device(device.id)? {
        return Ok(known);
    }
    if engine.index().restored()?.is_none() {
        return Err(Code::Unauthorized.into());
    }
    Ok(engine.certify(device).await?)
}

fn signed_by(engine: &Engine, assertion: &str, body: &[u8]) -> Result<Device, ApiError> {
    signed_with(engine, assertion, body, |id| engine.index().device(id))
}

fn signed_with(
    engine: &Engine,
    assertion: &str,
    body: &[u8],
    look_up: impl FnOnce(DeviceId) -> Result<Option<Device>, KvError>,
) -> Result<Device, ApiError> {
    let (mut device, mut failed) = (None, None);
    let signed = authenticate(assertion, engine.organisation().0, |id| {
        let id = DeviceId(*id);
        device = look_up(id).unwrap_or_else(|error| {
            failed = Some(error);
            None
        });
        let key = engine.device_key(&device.as_ref()?.key)?;
        Some(Known { key, seen: engine.seen(id) })
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    let signed = signed?;
    engine.spend(DeviceId(signed.device()), body.len()).map_err(too_often)?;
    engine.see(&signed.with_body(body)?)?;
    device.ok_or_else(|| AssertionError::UnknownDevice.into())
}

/// Refuses a caller who came too often, for so many seconds.
pub fn too_often(wait_s: u64) -> ApiError {
    ApiError::new(Code::RateLimited).retry_after_s(wait_s)
}

/// Returns who holds the token.
pub fn bearer(engine: &Engine, headers: &HeaderMap) -> Result<Caller, ApiError> {
    match credentials(headers)? {
        Credentials::Bearer(token) => held_by(engine, token, &[Audience::Device, Audience::Admin]),
        Credentials::Device(_) => Err(Code::Unauthorized.into()),
    }
}

/// Returns who holds the token, or whose device signed this very body.
pub fn anyone(engine: &Engine, headers: &HeaderMap, body: &[u8]) -> Result<Caller, ApiError> {
    match credentials(headers)? {
        Credentials::Bearer(token) => held_by(engine, token, &[Audience::Device, Audience::Admin]),
        Credentials::Device(assertion) => in_use(signed_by(engine, assertion, body)?).map(Caller::Device),
    }
}

/// Returns an administrator; anybody else is refused.
pub fn administrator(engine: &Engine, headers: &HeaderMap) -> Result<Option<PersonId>, ApiError> {
    match bearer(engine, headers)? {
        Caller::Administrator(person) => Ok(person),
        Caller::Person(_) | Caller::Device(_) => Err(Code::Forbidden.into()),
    }
}

/// Returns the device if it may still be served.
pub fn in_use(device: Device) -> Result<Device, ApiError> {
    match device.state {
        // What an unconfirmed device may is little, and the engine's to say.
        DeviceState::Active | DeviceState::Unconfirmed => Ok(device),
        DeviceState::Revoked | DeviceState::Lost => Err(Code::DeviceRevoked.into()),
    }
}

/// Refuses a device to which nothing may be sent: the server was restored and waits to be confirmed, or this device does.
pub fn not_waiting(engine: &Engine, device: &Device) -> Result<(), ApiError> {
    if engine.waits_for_confirmation(device)? {
        return Err(Unanswered::Waiting.into());
    }
    Ok(())
}

/// Refuses a script while a restored server waits to be confirmed: whose places were ended since has yet to be looked at.
pub fn not_restored(engine: &Engine) -> Result<(), ApiError> {
    if engine.index().restored()?.is_some_and(|restored| restored.waiting) {
        return Err(Unanswered::Waiting.into());
    }
    Ok(())
}

fn held_by(engine: &Engine, token: &str, accepted: &[Audience]) -> Result<Caller, ApiError> {
    match engine.tokens().verify(token, accepted, engine.now_s())?.subject {
        Subject::Device { device, .. } => {
            let device = engine.index().device(DeviceId(device))?;
            let device = in_use(device.ok_or(Code::TokenInvalid)?)?;
            engine.spend(device.id, 0).map_err(too_often)?;
            Ok(Caller::Device(device))
        }
        Subject::Admin { person: None } => Ok(Caller::Administrator(None)),
        Subject::Admin { person: Some(person) } => {
            let id = person.parse().map_err(|_| Code::TokenInvalid)?;
            let person = engine.index().person(id)?.ok_or(Code::TokenInvalid)?;
            let administers = person.role == Role::Admin;
            Ok(if administers { Caller::Administrator(Some(id)) } else { Caller::Person(person) })
        }
    }
}

/// Knows callers by what the `Authorization` header proves. Of an assertion that is its signature: the body has yet to come.
impl Porter for Engine {
    fn now(&self) -> Moment {
        Self::now(self)
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        match credentials(headers) {
            Ok(Credentials::Bearer(token)) => {
                self.tokens().verify(token, &[Audience::Device, Audience::Admin], self.now_s()).is_ok()
            }
            Ok(Credentials::Device(assertion)) => authenticate(assertion, self.organisation().0, |id| {
                let id = DeviceId(*id);
                let device = self.index().device(id).ok().flatten()?;
                let key = self.device_key(&device.key)?;
                Some(Known { key, seen: self.seen(id) })
            })
            .is_ok(),
            Err(_) => false,
        }
    }
}
