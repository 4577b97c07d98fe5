//! Bytes on the wire and in the stores: CBOR, and for messages a version in front.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The version of the messages that this build writes and reads.
pub const WIRE_VERSION: u16 = 1;
/// How deep a value may nest; a slot is at most three maps deep, a message a few more.
pub const DEPTH_MAX: usize = 24;
/// Bytes of one request or reply, unpacked.
pub const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why bytes are not what they should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not CBOR of the expected form, or with bytes behind it.
    #[error("not well-formed")]
    Malformed,
    /// A version that this build does not know: the other side is newer or older.
    #[error("wire version {0} is not known here")]
    Version(u16),
    /// More bytes than a message may have.
    #[error("larger than {MESSAGE_BYTES_MAX} bytes")]
    TooLarge,
}

impl DecodeError {
    /// Returns the stable code of this refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "bad_cbor",
            Self::Version(_) => "unsupported_version",
            Self::TooLarge => "too_large",
        }
    }
}

/// Encodes a value of ours as CBOR. The same value always gives the same bytes.
pub fn to_bytes<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(256);
    // Writing to memory cannot fail, and none of our types refuses to be serialised.
    drop(ciborium::into_writer(value, &mut bytes));
    bytes
}

/// Decodes exactly one CBOR value.
///
/// # Errors
/// [`DecodeError::Malformed`], also where bytes follow the value or it nests too deep.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut rest = bytes;
    let value = ciborium::de::from_reader_with_recursion_limit(&mut rest, DEPTH_MAX)
        .map_err(|_| DecodeError::Malformed)?;
    if rest.is_empty() { Ok(value) } else { Err(DecodeError::Malformed) }
}

/// Decodes exactly one CBOR value, and takes it only in the form in which [`to_bytes`] writes it: what is signed or named by its hash has
/// one form.
///
/// # Errors
/// [`DecodeError::Malformed`], also for another form of the same value.
pub fn from_canonical_bytes<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let value = from_bytes(bytes)?;
    if to_bytes(&value) == bytes { Ok(value) } else { Err(DecodeError::Malformed) }
}

/// Encodes a message with the wire version in front.
pub fn encode<T: Serialize>(message: &T) -> Vec<u8> {
    [WIRE_VERSION.to_be_bytes().as_slice(), &to_bytes(message)].concat()
}

/// Decodes a message.
///
/// # Errors
/// [`DecodeError`]: nothing of it has been believed.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    if bytes.len() > MESSAGE_BYTES_MAX {
        return Err(DecodeError::TooLarge);
    }
    let (version, rest) = bytes.split_first_chunk::<2>().ok_or(DecodeError::Malformed)?;
    match u16::from_be_bytes(*version) {
        WIRE_VERSION => from_bytes(rest),
        other => Err(DecodeError::Version(other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::exchange::message::{Reply, Request};

    proptest! {
        #[test]
        fn bytes_from_outside_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let framed = [WIRE_VERSION.to_be_bytes().as_slice(), &bytes].concat();
            let _ = decode::<Request>(&framed);
            let _ = decode::<Reply>(&framed);
        }
    }

    #[test]
    fn other_versions_and_sizes_are_named() {
        assert_eq!(decode::<Vec<u8>>(&[0, 9, 0x80]), Err(DecodeError::Version(9)));
        assert_eq!(decode::<Vec<u8>>(&[0]), Err(DecodeError::Malformed));
        assert_eq!(
            decode::<Vec<u8>>(&[0, 1, 0x80, 0]),
            Err(DecodeError::Malformed),
            "bytes behind the value"
        );
        assert_eq!(decode::<Vec<u8>>(&vec![0; MESSAGE_BYTES_MAX + 1]), Err(DecodeError::TooLarge));
    }

    #[test]
    fn a_looser_form_of_a_value_is_not_canonical() {
        let pair = to_bytes(&(1u8, 2u8));
        assert_eq!(from_canonical_bytes::<(u8, u8)>(&pair), Ok((1, 2)));
        // An array that claims three items and has two; a number in more bytes than it needs.
        for loose in [[&[0x83], &pair[1..]].concat(), vec![0x82, 0x18, 1, 2]] {
            assert_eq!(from_canonical_bytes::<(u8, u8)>(&loose), Err(DecodeError::Malformed));
        }
    }

    #[test]
    fn deep_nesting_is_refused_without_a_deep_stack() {
        let deep = [vec![0, 1], vec![0x81; 100_000]].concat();
        assert_eq!(decode::<ciborium::Value>(&deep), Err(DecodeError::Malformed));
    }
}
