//! Signed assertions: how a device proves itself with each request that writes.
//!
//! ```text
//! Authorization: Carryover-Device <base64url(CBOR [statement, signature])>
//! statement = CBOR [version, organisation, device, counter, SHA-256 of the body]
//! signature = ed25519 over "carryover assertion v1\0" and the statement's bytes
//! ```
//!
//! One round trip is all there is: no challenge is fetched first, and no time is compared, because
//! a tablet's clock may be years off and must not lock its person out. Freshness comes from a
//! counter instead, which the device raises with each new body:
//!
//! > The server accepts a counter above the last that it saw of the device, or that same counter
//! > with that same body. Everything else is stale.
//!
//! The second half is a resend after a lost reply: the same bytes, which the engine answers as it
//! did before. So whoever records a request can send it again to no effect, and cannot put another
//! body under it. A tablet whose folder was restored from an older copy is told the last counter
//! ([`AssertionError::Stale`]) and goes on from there; nothing that it holds is lost.
//!
//! Checking takes two steps, each with a type of its own: [`authenticate`] judges the header before
//! a byte of the body is read ([`Signed`]), [`Signed::with_body`] binds the body ([`Verified`]).
//! Whoever stores what the request did stores [`Verified::seen`] in the same transaction, after
//! asking [`Verified::freshness`] again there, since two requests may have been checked at once.
//!
//! Every body that rides with an assertion names its own kind and version, so that one cannot be
//! carried to another route and be understood there.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer as _, SigningKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_bytes::{ByteArray, ByteBuf};
use sha2::{Digest as _, Sha256};

use crate::key::DeviceKey;

/// The id of a device, as its 16 bytes. It is not a secret and proves nothing by itself.
pub type DeviceBytes = [u8; 16];
/// The id of the organisation that a server serves, as its 16 bytes: what was made for another district is worth nothing here.
pub type OrganisationBytes = [u8; 16];

/// The scheme in front of the assertion in the `Authorization` header.
pub const SCHEME: &str = "Carryover-Device";
/// The version of the statement that is made and understood here.
pub const VERSION: u8 = 1;
/// Bytes of the longest assertion that is looked at, in base64url. A true one has 198 at most.
pub const ASSERTION_BYTES_MAX: usize = 512;

/// Keeps a signature made here from meaning anything elsewhere, and the other way round.
const PREFIX: &[u8] = b"carryover assertion v1\0";

/// What a device states with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// The organisation whose server is meant.
    pub audience: OrganisationBytes,
    /// The device that speaks.
    pub device: DeviceBytes,
    /// Raised by the device with each new body, and stored there before it is sent.
    pub counter: u64,
    /// SHA-256 of the body as the handler sees it, that is before compression.
    pub body_sha256: [u8; 32],
}

/// The statement as it crosses: a CBOR array, in this order.
type Statement = (u8, ByteArray<16>, ByteArray<16>, u64, ByteArray<32>);
/// The statement's bytes as they were signed, and the signature.
type Envelope = (ByteBuf, ByteArray<64>);

/// What the server knows of a device that asks.
#[derive(Clone, Debug)]
pub struct Known {
    /// The device's public key.
    pub key: DeviceKey,
    /// The last assertion of it that was acted on, if any.
    pub seen: Option<Seen>,
}

/// The last assertion of a device that was acted on: what the server stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its counter.
    pub counter: u64,
    /// The hash of its body.
    pub body_sha256: [u8; 32],
}

/// How an assertion stands to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// A higher counter.
    New,
    /// The last one again, body and all.
    Resend,
}

/// Why an assertion was not accepted. Callers answer all but `Version` and `Stale` alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AssertionError {
    /// Longer than [`ASSERTION_BYTES_MAX`]: not even decoded.
    #[error("assertion too long")]
    TooLong,
    /// Not base64url of CBOR of the known shape.
    #[error("not an assertion")]
    Malformed,
    /// A version of the statement that this server does not know.
    #[error("assertion of an unknown version")]
    Version,
    /// Meant for another organisation.
    #[error("assertion for another organisation")]
    Audience,
    /// A device that was never paired here.
    #[error("assertion of an unknown device")]
    UnknownDevice,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// An older counter, or the last one over another body.
    #[error("assertion was used before; the last counter is {last}")]
    Stale {
        /// The last counter: the device goes on above it.
        last: u64,
    },
    /// The body is not the one that was signed.
    #[error("body is not the one that was signed")]
    Body,
}

impl Assertion {
    /// States `body` for a request of `device`.
    pub fn of(audience: OrganisationBytes, device: DeviceBytes, counter: u64, body: &[u8]) -> Self {
        Self { audience, device, counter, body_sha256: Sha256::digest(body).into() }
    }

    /// Signs it, and returns what goes behind the [`SCHEME`] in the `Authorization` header.
    pub fn signed_by(&self, key: &SigningKey) -> String {
        sign_statement(key, self.statement(VERSION))
    }

    fn statement(&self, version: u8) -> Vec<u8> {
        let statement: Statement = (
            version,
            ByteArray::new(self.audience),
            ByteArray::new(self.device),
            self.counter,
            ByteArray::new(self.body_sha256),
        );
        encode(&statement)
    }
}

/// An assertion whose signature and counter stand; the body has not been seen yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed(Assertion);

/// An assertion that stands, body included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified(Assertion);

/// Checks what stood behind the [`SCHEME`], for the server of `audience`. `known` looks a device
/// up; it says `None` for one that was never paired, and still knows one that was revoked, since
/// its work is taken in as before.
pub fn authenticate(
    value: &str,
    audience: OrganisationBytes,
    known: impl FnOnce(&DeviceBytes) -> Option<Known>,
) -> Result<Signed, AssertionError> {
    if value.len() > ASSERTION_BYTES_MAX {
        return Err(AssertionError::TooLong);
    }
    let bytes = URL_SAFE_NO_PAD.decode(value).map_err(|_| AssertionError::Malformed)?;
    let (statement, signature): Envelope = decode(&bytes)?;
    let assertion = parse(&statement)?;
    if assertion.audience != audience {
        return Err(AssertionError::Audience);
    }
    let known = known(&assertion.device).ok_or(AssertionError::UnknownDevice)?;
    if !known.key.signed(&prefixed(&statement), &signature) {
        return Err(AssertionError::Signature);
    }
    freshness(known.seen, &assertion)?;
    Ok(Signed(assertion))
}

impl Signed {
    /// The device that signed.
    pub fn device(&self) -> DeviceBytes {
        self.0.device
    }

    /// Binds the body that came with it.
    pub fn with_body(self, body: &[u8]) -> Result<Verified, AssertionError> {
        if self.0.body_sha256 == <[u8; 32]>::from(Sha256::digest(body)) {
            Ok(Verified(self.0))
        } else {
            Err(AssertionError::Body)
        }
    }
}

impl Verified {
    /// The device that signed.
    pub fn device(&self) -> DeviceBytes {
        self.0.device
    }

    /// The counter and the hash of the body: what to store when the request has been acted on.
    pub fn seen(&self) -> Seen {
        Seen { counter: self.0.counter, body_sha256: self.0.body_sha256 }
    }

    /// Compares with what is stored at the moment of acting on it.
    pub fn freshness(&self, seen: Option<Seen>) -> Result<Freshness, AssertionError> {
        freshness(seen, &self.0)
    }
}

fn freshness(seen: Option<Seen>, assertion: &Assertion) -> Result<Freshness, AssertionError> {
    match seen {
        None => Ok(Freshness::New),
        Some(seen) if assertion.counter > seen.counter => Ok(Freshness::New),
        Some(seen) if assertion.counter == seen.counter && assertion.body_sha256 == seen.body_sha256 => {
            Ok(Freshness::Resend)
        }
        Some(seen) => Err(AssertionError::Stale { last: seen.counter }),
    }
}

fn parse(statement: &[u8]) -> Result<Assertion, AssertionError> {
    // The version is read before the rest, of which a newer version may have more.
    let items: Vec<ciborium::Value> = decode(statement)?;
    match items.first().and_then(ciborium::Value::as_integer) {
        Some(version) if version == VERSION.into() => {}
        Some(_) => return Err(AssertionError::Version),
        None => return Err(AssertionError::Malformed),
    }
    let (_, audience, device, counter, body_sha256): Statement = decode(statement)?;
    Ok(Assertion {
        audience: audience.into_array(),
        device: device.into_array(),
        counter,
        body_sha256: body_sha256.into_array(),
    })
}

fn sign_statement(key: &SigningKey, statement: Vec<u8>) -> String {
    let signature = key.sign(&prefixed(&statement));
    let envelope: Envelope = (ByteBuf::from(statement), ByteArray::new(signature.to_bytes()));
    URL_SAFE_NO_PAD.encode(encode(&envelope))
}

fn prefixed(statement: &[u8]) -> Vec<u8> {
    [PREFIX, statement].concat()
}

fn encode(value: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Writing numbers and byte strings to memory cannot fail; were it to, the far end would refuse
    // the empty assertion.
    if ciborium::into_writer(value, &mut bytes).is_err() {
        bytes.clear();
    }
    bytes
}

/// Decodes one value that is written as we write it: so that there is one spelling of an
/// assertion, and nothing unsigned to vary in it.
fn decode<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, AssertionError> {
    let value: T = ciborium::from_reader(bytes).map_err(|_| AssertionError::Malformed)?;
    if encode(&value) == bytes { Ok(value) } else { Err(AssertionError::Malformed) }
}

#[cfg(test)]
mod tests;
