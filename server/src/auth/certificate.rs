//! The certificate of a device: the server's word that it was paired, and for whom.
//!
//! ```text
//! certificate = CBOR [statement, signature]
//! statement   = CBOR [version, device key, person, external id, organisation, log id]
//! signature   = ed25519 over "carryover certificate v1\0" and the statement's bytes
//! ```
//!
//! The tablet keeps it and never reads it. It is for the day on which a server that was restored from a backup does not know the device
//! any more: the keys lie outside the backup, so the word still stands.

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use serde_bytes::{ByteArray, ByteBuf};
use sync_core::exchange::codec;
use sync_core::ids::{LogId, OrgId, PersonId};

/// The version of the statement that is made and understood here.
pub const VERSION: u8 = 1;
/// Bytes of the longest certificate that is looked at.
pub const CERTIFICATE_BYTES_MAX: usize = 1_024;

const PREFIX: &[u8] = b"carryover certificate v1\0";

type Statement = (u8, ByteArray<32>, PersonId, String, OrgId, LogId);
type Signed = (ByteBuf, ByteArray<64>);

/// What the server says of a device that it paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The device's public key.
    pub key: [u8; 32],
    /// For whom it speaks.
    pub person: PersonId,
    /// What the district's roster calls that person, who is imported anew under that name.
    pub external_id: String,
    /// In which organisation.
    pub organisation: OrgId,
    /// Which life of the log it was paired in.
    pub log: LogId,
}

/// Bytes that are no certificate of this server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate of this server")]
pub struct NotACertificate;

impl Certificate {
    /// Signs the certificate.
    pub fn signed_by(&self, key: &SigningKey) -> Vec<u8> {
        let statement: Statement = (
            VERSION,
            ByteArray::new(self.key),
            self.person,
            self.external_id.clone(),
            self.organisation,
            self.log,
        );
        let statement = codec::to_bytes(&statement);
        let signature = key.sign(&[PREFIX, &statement].concat());
        let signed: Signed = (ByteBuf::from(statement), ByteArray::new(signature.to_bytes()));
        codec::to_bytes(&signed)
    }

    /// Reads a certificate that this key signed.
    pub fn verified(bytes: &[u8], key: &VerifyingKey) -> Result<Self, NotACertificate> {
        if bytes.len() > CERTIFICATE_BYTES_MAX {
            return Err(NotACertificate);
        }
        let (statement, signature): Signed =
            codec::from_canonical_bytes(bytes).map_err(|_| NotACertificate)?;
        let signature = Signature::from_bytes(&signature.into_array());
        key.verify_strict(&[PREFIX, &statement].concat(), &signature).map_err(|_| NotACertificate)?;
        let (version, device, person, external_id, organisation, log): Statement =
            codec::from_bytes(&statement).map_err(|_| NotACertificate)?;
        if version != VERSION {
            return Err(NotACertificate);
        }
        Ok(Self { key: device.into_array(), person, external_id, organisation, log })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_reads_back_whole_and_with_no_bit_flipped() {
        let key = SigningKey::from_bytes(&[7; 32]);
        let certificate = Certificate {
            key: [1; 32],
            person: PersonId([2; 16]),
            external_id: "S-17".into(),
            organisation: OrgId([3; 16]),
            log: LogId([4; 16]),
        };
        let signed = certificate.signed_by(&key);
        assert!(signed.len() <= CERTIFICATE_BYTES_MAX);
        assert_eq!(Certificate::verified(&signed, &key.verifying_key()), Ok(certificate));
        for bit in 0..signed.len() * 8 {
            let mut bent = signed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Certificate::verified(&bent, &key.verifying_key()), Err(NotACertificate), "bit {bit}");
        }
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(Certificate::verified(&signed, &other.verifying_key()), Err(NotACertificate));
        assert_eq!(
            Certificate::verified(&[0; CERTIFICATE_BYTES_MAX + 1], &key.verifying_key()),
            Err(NotACertificate)
        );
    }
}
