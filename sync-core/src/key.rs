//! Devices' public keys, looked at once and used many times.

use ed25519_dalek::{Signature, Verifier as _, VerifyingKey};

/// A device's public key of which a signature proves something: a point on the curve, and none of the few of small order.
///
/// To find that out takes a fifth of what checking a signature takes, so whoever meets a key often keeps this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceKey(VerifyingKey);

/// What makes a [`DeviceKey`] of a key's bytes, or finds one that was made before; none where they are no key.
pub type Keys<'a> = &'a dyn Fn(&[u8; 32]) -> Option<DeviceKey>;

impl DeviceKey {
    /// Looks at a key's bytes.
    pub fn of(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(Self)
    }

    /// Returns whether this key's owner signed `message`.
    ///
    /// What fits here is what fits a strict check, to the last bit: `S` is below the group's order, `R` is byte for byte the point that comes
    /// out, and neither `R` nor the key is of small order. A strict check solves the curve's equation for `R` to find that out; but a point
    /// that came out is written in the one canonical way, and of small order there are eight.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = Signature::from_bytes(signature);
        !SMALL_ORDER.contains(signature.r_bytes()) && self.0.verify(message, &signature).is_ok()
    }
}

/// The points whose order divides eight, as they are written: of order 1, 2, 4, 4, and four times 8.
const SMALL_ORDER: [[u8; 32]; 8] = [
    [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f,
    ],
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
    ],
    [
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
        0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
    ],
    [
        0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5,
        0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x85,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
    ],
    [
        0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a,
        0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0xfa,
    ],
];

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn bytes<const N: usize>(hex: &str) -> [u8; N] {
        let byte = |at: usize| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// RFC 8032, 7.1: secret key, public key, message, signature.
    const VECTORS: [[&str; 4]; 3] = [
        [
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ],
        [
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ],
        [
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ],
    ];

    #[test]
    fn the_standards_own_signatures_fit_whatever_the_processor_checks_them_with() {
        for [secret, public, message, signature] in VECTORS {
            let key = DeviceKey::of(&bytes(public)).unwrap();
            let message = match message.len() {
                0 => vec![],
                2 => bytes::<1>(message).to_vec(),
                _ => bytes::<2>(message).to_vec(),
            };
            assert!(key.signed(&message, &bytes(signature)));
            assert_eq!(SigningKey::from_bytes(&bytes(secret)).sign(&message).to_bytes(), bytes(signature));
            assert!(!key.signed(&[&message[..], b"."].concat(), &bytes(signature)));
        }
    }

    #[test]
    fn a_second_spelling_of_a_signature_does_not_fit() {
        let [_, public, message, signature] = VECTORS[1];
        let (key, signed) = (DeviceKey::of(&bytes(public)).unwrap(), bytes::<64>(signature));
        // The same number, once around: S and the group's order.
        let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
        let (mut other, mut carry) = (signed, 0u16);
        for at in 0..32 {
            let sum = u16::from(signed[32 + at]) + u16::from(order[at]) + carry;
            other[32 + at] = sum as u8;
            carry = sum >> 8;
        }
        assert!(carry == 0 && key.signed(&bytes::<1>(message), &signed));
        assert!(!key.signed(&bytes::<1>(message), &other));
    }

    /// All points of small order, in every spelling that decoders take.
    #[test]
    fn a_key_under_which_a_signature_says_nothing_is_none() {
        let weak = [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ];
        for key in weak {
            assert_eq!(DeviceKey::of(&bytes(key)), None, "{key}");
        }
    }

    #[test]
    fn what_a_strict_check_refuses_is_refused() {
        // Of the second vector's owner, over its message, with R the neutral point: S is the hash times the secret key.
        let forged = bytes(
            "0100000000000000000000000000000000000000000000000000000000000000675d054595fa17cb6a44e3ada6ca385e55667e41a63fdab0ac22d10000354002",
        );
        let [_, public, message, signature] = VECTORS[1];
        let (key, strict) =
            (DeviceKey::of(&bytes(public)).unwrap(), VerifyingKey::from_bytes(&bytes(public)).unwrap());
        let message = bytes::<1>(message);
        assert!(strict.verify(&message, &Signature::from_bytes(&forged)).is_ok(), "it fits, but for its R");
        assert!(strict.verify_strict(&message, &Signature::from_bytes(&forged)).is_err());
        assert!(!key.signed(&message, &forged));
        for point in SMALL_ORDER {
            assert!(VerifyingKey::from_bytes(&point).unwrap().is_weak());
        }
        for bit in 0..512 {
            let mut bent: [u8; 64] = bytes(signature);
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.signed(&message, &bent), "bit {bit}");
        }
    }
}
