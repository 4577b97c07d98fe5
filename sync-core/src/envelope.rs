//! What a device signs: some acts of its person in one document, with what it had seen when it sent them.
//!
//! The envelope lies outside the changes, so any tablet may carry it; the fates go to its author alone.

use ed25519_dalek::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::document::slot::{ContentHash, Slot};
use crate::exchange::codec::{self, DecodeError};
use crate::ids::{DeviceId, DocumentId, LogId, OrgId, first_16};
use crate::key::DeviceKey;

/// The version of the envelope that this build writes and reads.
pub const ENVELOPE_VERSION: u16 = 1;
/// Bytes of one envelope's body.
pub const ENVELOPE_BYTES_MAX: usize = 512 * 1024;
/// Bytes of the name of the app that made an envelope.
pub const APP_BYTES_MAX: usize = 64;

/// What goes before the body when it is signed, so that the signature can be taken for nothing else.
const DOMAIN: &[u8] = b"carryover envelope v1\0";

/// What the device wants to be in the document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    /// A plain automerge change that makes slots.
    #[serde(rename = "c")]
    Change(#[serde(with = "serde_bytes")] Vec<u8>),
    /// Slots that the tablet itself expects to be held.
    #[serde(rename = "s")]
    Slots(Vec<Slot>),
}

/// What bounds how early the work can be: the last thing of the server's that the tablet had seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The log and the sequence number up to which the tablet had looked; none before its first exchange.
    #[serde(rename = "s")]
    pub seen: Option<(LogId, u64)>,
    /// The app's name and version.
    #[serde(rename = "a")]
    pub app: String,
}

/// The signed part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Body {
    /// The version of this format.
    #[serde(rename = "v")]
    pub version: u16,
    /// The organisation that it is for.
    #[serde(rename = "o")]
    pub org: OrgId,
    /// The document that it is for.
    #[serde(rename = "d")]
    pub document: DocumentId,
    /// The device that signs.
    #[serde(rename = "k")]
    pub device: DeviceId,
    /// What it says.
    #[serde(rename = "c")]
    pub content: Content,
    /// When it can have been said at the earliest.
    #[serde(rename = "e")]
    pub evidence: Evidence,
}

/// A signed body, as it travels and as the server keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// The encoded [`Body`].
    #[serde(rename = "b", with = "serde_bytes")]
    pub body: Vec<u8>,
    /// The ed25519 signature over the domain and the body.
    #[serde(rename = "s", with = "serde_bytes")]
    pub signature: [u8; 64],
}

/// An envelope whose signature is its device's. Only [`Envelope::verify`] makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    body: Body,
    hash: ContentHash,
}

/// Why an envelope is not its device's word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Larger than [`ENVELOPE_BYTES_MAX`]: send the acts in smaller envelopes.
    #[error("the envelope is larger than {ENVELOPE_BYTES_MAX} bytes")]
    TooLarge,
    /// The body does not decode.
    #[error("the envelope cannot be read")]
    Unreadable(#[from] DecodeError),
    /// The body is of another version: update the app.
    #[error("envelope version {0} is not known here")]
    Version(u16),
    /// No device with this key is known.
    #[error("the envelope's device is not known here")]
    UnknownDevice,
    /// The signature does not fit.
    #[error("the envelope's signature does not fit")]
    Forged,
}

impl EnvelopeError {
    /// Returns the stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "envelope_too_large",
            Self::Unreadable(_) => "envelope_unreadable",
            Self::Version(_) => "unsupported_version",
            Self::UnknownDevice => "unknown_device",
            Self::Forged => "forged_envelope",
        }
    }
}

impl Envelope {
    /// Signs a body with the device's key.
    pub fn sign(body: &Body, key: &SigningKey) -> Self {
        let body = codec::to_bytes(body);
        let signature = key.sign(&signed_bytes(&body)).to_bytes();
        Self { body, signature }
    }

    /// Returns the hash by which the server and a hold name this envelope.
    pub fn hash(&self) -> ContentHash {
        let mut hash = Sha256::new();
        hash.update(&self.body);
        hash.update(self.signature);
        ContentHash(first_16(&hash.finalize()))
    }

    /// Checks that the envelope is its device's; `key_of` gives the key of a known device.
    ///
    /// # Errors
    /// [`EnvelopeError`]: nothing of the envelope has been believed.
    pub fn verify(
        &self,
        key_of: impl FnOnce(DeviceId) -> Option<DeviceKey>,
    ) -> Result<Verified, EnvelopeError> {
        if self.body.len() > ENVELOPE_BYTES_MAX {
            return Err(EnvelopeError::TooLarge);
        }
        let body: Body = codec::from_bytes(&self.body)?;
        if body.version != ENVELOPE_VERSION {
            return Err(EnvelopeError::Version(body.version));
        }
        if body.evidence.app.len() > APP_BYTES_MAX {
            return Err(EnvelopeError::Unreadable(DecodeError::Malformed));
        }
        let key = key_of(body.device).ok_or(EnvelopeError::UnknownDevice)?;
        if !key.signed(&signed_bytes(&self.body), &self.signature) {
            return Err(EnvelopeError::Forged);
        }
        Ok(Verified { hash: self.hash(), body })
    }
}

impl Verified {
    /// Returns what was signed.
    pub fn body(&self) -> &Body {
        &self.body
    }

    /// Returns the envelope's hash.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }
}

fn signed_bytes(body: &[u8]) -> Vec<u8> {
    [DOMAIN, body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> (Envelope, SigningKey) {
        let key = SigningKey::from_bytes(&[7; 32]);
        let body = Body {
            version: ENVELOPE_VERSION,
            org: OrgId([1; 16]),
            document: DocumentId([2; 16]),
            device: DeviceId::of_key(key.verifying_key().as_bytes()),
            content: Content::Change(vec![1, 2, 3]),
            evidence: Evidence { seen: Some((LogId([3; 16]), 9)), app: "test".into() },
        };
        (Envelope::sign(&body, &key), key)
    }

    #[test]
    fn any_flipped_bit_is_found() {
        let (envelope, key) = sealed();
        let known = |_| DeviceKey::of(key.verifying_key().as_bytes());
        assert!(envelope.verify(known).is_ok());
        for bit in 0..envelope.body.len() * 8 {
            let mut bent = envelope.clone();
            bent.body[bit / 8] ^= 1 << (bit % 8);
            assert!(bent.verify(known).is_err(), "bit {bit}");
        }
        for bit in 0..512 {
            let mut bent = envelope.clone();
            bent.signature[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(bent.verify(known), Err(EnvelopeError::Forged), "bit {bit}");
        }
    }

    #[test]
    fn only_known_devices_speak() {
        let (envelope, _) = sealed();
        assert_eq!(envelope.verify(|_| None), Err(EnvelopeError::UnknownDevice));
        let other = SigningKey::from_bytes(&[8; 32]).verifying_key().to_bytes();
        assert_eq!(envelope.verify(|_| DeviceKey::of(&other)), Err(EnvelopeError::Forged));
    }

    #[test]
    fn an_envelope_beyond_the_limit_is_not_even_read() {
        let (mut envelope, key) = sealed();
        envelope.body = vec![0; ENVELOPE_BYTES_MAX + 1];
        let known = |_| DeviceKey::of(key.verifying_key().as_bytes());
        assert_eq!(envelope.verify(known), Err(EnvelopeError::TooLarge));
    }
}
