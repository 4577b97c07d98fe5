//! Sealing to the server's key: what only the server can open, by whoever lost it and whoever found it.
//!
//! ```text
//! sealed = encapsulated key [32] | ciphertext and tag
//! ```
//!
//! HPKE (RFC 9180) in its base mode, one shot for each message: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20Poly1305. It says nothing of
//! who sealed: what is inside is signed. Randomness comes in as an argument; the same 32 bytes must never seal twice.

use std::convert::Infallible;

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _};
use rand_core::{TryCryptoRng, TryRng};
use serde::{Deserialize, Serialize};

/// Bytes that sealing adds to a message.
pub const SEALING_BYTES: usize = KEY_BYTES + TAG_BYTES;
/// Bytes of a key of either half, and of the randomness of one sealing.
pub const KEY_BYTES: usize = 32;
const TAG_BYTES: usize = 16;
/// Ties what is sealed to its purpose: sealed for another one, it does not open.
const INFO: &[u8] = b"carryover sealed act v1";

type Private = <X25519HkdfSha256 as Kem>::PrivateKey;
type Public = <X25519HkdfSha256 as Kem>::PublicKey;
type Encapsulated = <X25519HkdfSha256 as Kem>::EncappedKey;

/// The half of the server's key that everybody may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealingKey(#[serde(with = "serde_bytes")] pub [u8; KEY_BYTES]);

/// The half that opens.
pub struct OpeningKey(Private);

/// A key that nothing can be sealed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key that anything can be sealed to")]
pub struct NotASealingKey;

/// Bytes that were not sealed to this key, or are not as they were sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not sealed to this key")]
pub struct NotSealed;

impl SealingKey {
    /// Seals a message with randomness that is used for nothing else.
    ///
    /// # Errors
    /// [`NotASealingKey`].
    pub fn seal(&self, drawn: [u8; KEY_BYTES], message: &[u8]) -> Result<Vec<u8>, NotASealingKey> {
        let key = Public::from_bytes(&self.0).map_err(|_| NotASealingKey)?;
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
                &OpModeS::Base,
                &key,
                INFO,
                message,
                &[],
                &mut Drawn(drawn.to_vec()),
            )
            .map_err(|_| NotASealingKey)?;
        Ok([encapsulated.to_bytes().as_slice(), &ciphertext].concat())
    }
}

impl OpeningKey {
    /// Makes the key of 32 secret bytes: always the same of the same.
    pub fn of_secret(secret: &[u8; KEY_BYTES]) -> Self {
        Self(X25519HkdfSha256::derive_keypair(secret).0)
    }

    /// Returns the half to seal with.
    pub fn sealing(&self) -> SealingKey {
        let mut bytes = [0; KEY_BYTES];
        let public = X25519HkdfSha256::sk_to_pk(&self.0).to_bytes();
        bytes.iter_mut().zip(public.iter()).for_each(|(to, from)| *to = *from);
        SealingKey(bytes)
    }

    /// Opens what was sealed to this key.
    ///
    /// # Errors
    /// [`NotSealed`].
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>, NotSealed> {
        let (encapsulated, ciphertext) = sealed.split_at_checked(KEY_BYTES).ok_or(NotSealed)?;
        let encapsulated = Encapsulated::from_bytes(encapsulated).map_err(|_| NotSealed)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Base,
            &self.0,
            &encapsulated,
            INFO,
            ciphertext,
            &[],
        )
        .map_err(|_| NotSealed)
    }
}

/// Gives out what was drawn, once: beyond it there is nothing but zeros, and nobody asks.
struct Drawn(Vec<u8>);

impl TryRng for Drawn {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, to: &mut [u8]) -> Result<(), Infallible> {
        let rest = self.0.split_off(to.len().min(self.0.len()));
        to.fill(0);
        to.iter_mut().zip(&self.0).for_each(|(to, from)| *to = *from);
        self.0 = rest;
        Ok(())
    }
}

impl TryCryptoRng for Drawn {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_opens_it_and_no_flipped_bit_passes() {
        let key = OpeningKey::of_secret(&[7; 32]);
        let sealed = key.sealing().seal([1; 32], b"an act").unwrap();
        assert_eq!(sealed.len(), b"an act".len() + SEALING_BYTES);
        assert_eq!(key.open(&sealed), Ok(b"an act".to_vec()));
        assert_eq!(OpeningKey::of_secret(&[8; 32]).open(&sealed), Err(NotSealed));
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            // The highest bit of an X25519 key is not part of it (RFC 7748, 5), but it is part of what the message is bound to.
            assert_eq!(key.open(&bent), Err(NotSealed), "bit {bit}");
        }
        for end in 0..sealed.len() {
            assert_eq!(key.open(&sealed[..end]), Err(NotSealed), "first {end}");
        }
    }

    #[test]
    fn the_same_randomness_seals_the_same_and_another_does_not() {
        let key = OpeningKey::of_secret(&[7; 32]).sealing();
        assert_eq!(key.seal([1; 32], b"an act"), key.seal([1; 32], b"an act"));
        assert_ne!(key.seal([1; 32], b"an act"), key.seal([2; 32], b"an act"));
    }

    #[test]
    fn a_key_that_is_none_seals_nothing() {
        assert_eq!(SealingKey([0; 32]).seal([1; 32], b"an act"), Err(NotASealingKey));
    }
}
