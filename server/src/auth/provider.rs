//! The cryptography beneath the token library: ed25519 and nothing else.
//!
//! `jsonwebtoken` ships two providers, and each brings RSA, P-256 and HMAC along. Most of the
//! famous holes in JWT libraries are confusions between algorithms (`none`, or an HMAC keyed with
//! the public key). A program in which only one algorithm exists cannot be confused: here every
//! other one is an error before a key is looked at.
//!
//! Verification is the strict one, which refuses weak keys and signatures that only some
//! implementations accept, so that every verifier agrees on what is a signature.

use std::sync::OnceLock;

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory,
    verifier_factory,
    // Only reached by functions for JSON web keys, which nothing here calls: keys come from a fixed map.
    key_utils: KeyUtils::new_unimplemented(),
};

static INSTALLED: OnceLock<bool> = OnceLock::new();

/// Installs the provider once per process, and returns whether it is the one in force. It is not
/// only where other code of the same process was first with a provider of its own.
pub(super) fn install() -> bool {
    *INSTALLED.get_or_init(|| PROVIDER.install_default().is_ok())
}

/// Wraps a signing key for the token library. The content is the 32 bytes of the seed, which only
/// this provider reads.
pub(super) fn encoding_key(key: &SigningKey) -> EncodingKey {
    EncodingKey::from_ed_der(key.as_bytes())
}

/// Wraps a public key for the token library.
pub(super) fn decoding_key(key: &VerifyingKey) -> DecodingKey {
    DecodingKey::from_ed_der(key.as_bytes())
}

fn signer_factory(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    only_eddsa(*algorithm, key.family())?;
    let seed = key.as_bytes().try_into().map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?;
    Ok(Box::new(EddsaSigner(SigningKey::from_bytes(seed))))
}

fn verifier_factory(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    only_eddsa(*algorithm, key.family())?;
    let bytes = key.try_get_as_bytes()?.try_into().map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?;
    let key = VerifyingKey::from_bytes(bytes).map_err(|_| new_error(ErrorKind::InvalidEddsaKey))?;
    Ok(Box::new(EddsaVerifier(key)))
}

fn only_eddsa(algorithm: Algorithm, family: AlgorithmFamily) -> Result<()> {
    if algorithm == Algorithm::EdDSA && family == AlgorithmFamily::Ed {
        Ok(())
    } else {
        Err(new_error(ErrorKind::UnsupportedAlgorithm))
    }
}

struct EddsaSigner(SigningKey);

impl signature::Signer<Vec<u8>> for EddsaSigner {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, signature::Error> {
        Ok(self.0.sign(message).to_bytes().to_vec())
    }
}

impl JwtSigner for EddsaSigner {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

struct EddsaVerifier(VerifyingKey);

impl signature::Verifier<Vec<u8>> for EddsaVerifier {
    fn verify(&self, message: &[u8], given: &Vec<u8>) -> std::result::Result<(), signature::Error> {
        let given = Signature::from_slice(given).map_err(|_| signature::Error::new())?;
        self.0.verify_strict(message, &given).map_err(|_| signature::Error::new())
    }
}

impl JwtVerifier for EddsaVerifier {
    fn algorithm(&self) -> Algorithm {
        Algorithm::EdDSA
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[7; 32])
    }

    #[test]
    fn every_other_algorithm_is_an_error() {
        use Algorithm::{ES256, ES384, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512};
        for algorithm in [ES256, ES384, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512] {
            assert!(signer_factory(&algorithm, &encoding_key(&key())).is_err(), "{algorithm:?}");
            assert!(
                verifier_factory(&algorithm, &decoding_key(&key().verifying_key())).is_err(),
                "{algorithm:?}"
            );
        }
    }

    #[test]
    fn a_secret_is_no_eddsa_key() {
        assert!(signer_factory(&Algorithm::EdDSA, &EncodingKey::from_secret(&[7; 32])).is_err());
        assert!(verifier_factory(&Algorithm::EdDSA, &DecodingKey::from_secret(&[7; 32])).is_err());
    }

    #[test]
    fn keys_of_the_wrong_length_are_errors() {
        for length in [0, 31, 33, 64] {
            let bytes = vec![7; length];
            assert!(
                signer_factory(&Algorithm::EdDSA, &EncodingKey::from_ed_der(&bytes)).is_err(),
                "{length}"
            );
            assert!(
                verifier_factory(&Algorithm::EdDSA, &DecodingKey::from_ed_der(&bytes)).is_err(),
                "{length}"
            );
        }
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else_does() {
        let signer = signer_factory(&Algorithm::EdDSA, &encoding_key(&key())).unwrap();
        let verifier = verifier_factory(&Algorithm::EdDSA, &decoding_key(&key().verifying_key())).unwrap();
        let signed = signer.try_sign(b"message").unwrap();
        assert!(verifier.verify(b"message", &signed).is_ok());
        assert!(verifier.verify(b"massage", &signed).is_err());
        assert!(verifier.verify(b"message", &signed[..63].to_vec()).is_err());
        assert!(verifier.verify(b"message", &Vec::new()).is_err());
    }

    #[test]
    fn installing_twice_is_installing_once() {
        assert!(install());
        assert!(install());
    }
}
