//! Who asks: a device that signed the body, or whoever holds a token.
//!
//! A token and an assertion say who somebody is. What they may do is looked up each time: a revoked device is refused on its next request,
//! not when its token ends.

use axum::http::HeaderMap;
use sync_core::ids::{DeviceId, PersonId};
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState, Person};

use crate::auth::assertion::{AssertionError, Known, authenticate};
use crate::auth::token::{Audience, Subject};
use crate::engine::Engine;
use crate::http::authorization::{Credentials, credentials};
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

/// Returns the known device that signed this very body, in use or not.
pub fn signed(engine: &Engine, headers: &HeaderMap, body: &[u8]) -> Result<Device, ApiError> {
    match credentials(headers)? {
        Credentials::Device(assertion) => signed_by(engine, assertion, body),
        Credentials::Bearer(_) => Err(Code::Unauthorized.into()),
    }
}

fn signed_by(engine: &Engine, assertion: &str, body: &[u8]) -> Result<Device, ApiError> {
    let (mut device, mut failed) = (None, None);
    let signed = authenticate(assertion, engine.organisation().0, |id| {
        let id = DeviceId(*id);
        device = engine.index().device(id).unwrap_or_else(|error| {
            failed = Some(error);
            None
        });
        let key = ed25519_dalek::VerifyingKey::from_bytes(&device.as_ref()?.key).ok()?;
        Some(Known { key, seen: engine.seen(id) })
    });
    if let Some(error) = failed {
        return Err(error.into());
    }
    engine.see(&signed?.with_body(body)?)?;
    device.ok_or_else(|| AssertionError::UnknownDevice.into())
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
        DeviceState::Active => Ok(device),
        DeviceState::Revoked | DeviceState::Lost => Err(Code::DeviceRevoked.into()),
        DeviceState::Unconfirmed => Err(Code::WaitingForConfirmation.into()),
    }
}

fn held_by(engine: &Engine, token: &str, accepted: &[Audience]) -> Result<Caller, ApiError> {
    match engine.tokens().verify(token, accepted, engine.now_s())?.subject {
        Subject::Device { device, .. } => {
            let device = engine.index().device(DeviceId(device))?;
            in_use(device.ok_or(Code::TokenInvalid)?).map(Caller::Device)
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
