//! Every identifier is a type of its own, so that a student's can never stand where a person's is meant.
//!
//! All of them are 128 bits and are written as the 26 characters of a ULID (Crockford base 32). Ids that are drawn (records, acts,
//! devices' keys) come from outside as arguments; ids that must come out the same twice (imported people, documents, holds) are derived
//! from what they stand for with [`derive()`].

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// A text that is not an identifier of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: 26 characters of Crockford base 32 are expected")]
pub struct InvalidId;

/// Returns 128 bits that depend on nothing but `purpose` and `parts`.
///
/// Each part goes in with its length, so no two lists of parts can run into each other.
pub fn derive(purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    first_16(&hash.finalize())
}

/// Returns the first 16 bytes of a SHA-256 digest.
pub(crate) fn first_16(digest: &[u8]) -> [u8; 16] {
    let mut out = [0; 16];
    for (to, from) in out.iter_mut().zip(digest) {
        *to = *from;
    }
    out
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 16]);

        impl $name {
            /// Returns the id as its 16 bytes.
            pub fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&Ulid::from_bytes(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                let ulid = Ulid::from_string(text).map_err(|_| InvalidId)?;
                // Lower case and look-alikes decode, too; only the one written form is an id.
                if ulid.to_string() != text {
                    return Err(InvalidId);
                }
                Ok(Self(ulid.to_bytes()))
            }
        }

        impl From<Ulid> for $name {
            fn from(ulid: Ulid) -> Self {
                Self(ulid.to_bytes())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                if s.is_human_readable() { s.collect_str(self) } else { serde_bytes::serialize(&self.0, s) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                if d.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                    text.parse().map_err(serde::de::Error::custom)
                } else {
                    let bytes: serde_bytes::ByteArray<16> = serde_bytes::deserialize(d)?;
                    Ok(Self(bytes.into_array()))
                }
            }
        }
    };
}

id!(/// A district or other organisation. It is not a school, and never part of a student's own ids.
    OrgId);
id!(/// A member of staff: who logs, edits and reviews. It is not a device, and not a student.
    PersonId);
id!(/// A student. It stands in no slot and no log line beside a name.
    StudentId);
id!(/// A school of the organisation.
    SchoolId);
id!(/// One person's profile on one tablet: the first 16 bytes of the SHA-256 of its public key, and its automerge actor everywhere.
    DeviceId);
id!(/// A tablet as a thing: several people's profiles may live on it. It signs nothing.
    TabletId);
id!(/// A document of one student, audience and period, derived from its [`DocumentName`](crate::document::name::DocumentName).
    DocumentId);
id!(/// One life of an organisation's log; a restored server has another. It is not the organisation.
    LogId);
id!(/// A dated place of a person on a student's team. It says nothing of rights by itself.
    GrantId);
id!(/// An act that waits for review, or was decided; derived from the act, so a resend finds the same one.
    HoldId);
id!(/// What one deed of a person makes in one document. It is not a slot: an act has one or more of them.
    ActId);
id!(/// A field of one record on which standing values differ; derived from both, so it is the same on every machine.
    ConflictId);
id!(/// A live session's journal on one tablet.
    LiveId);
id!(/// A guardian of one student.
    GuardianId);
id!(/// A row of the district's roster, by what it is about. It isn't the id of the person, student or record that the row speaks of.
    RosterRowId);

impl DeviceId {
    /// Returns the id of the device with this ed25519 public key.
    pub fn of_key(public_key: &[u8; 32]) -> Self {
        Self(first_16(&Sha256::digest(public_key)))
    }
}

impl PersonId {
    /// Returns the member that imports write as: the organisation itself.
    pub fn organisation(org: OrgId) -> Self {
        Self(org.0)
    }

    /// Returns the id of the person whom the organisation's roster calls `external_id`.
    pub fn imported(org: OrgId, external_id: &str) -> Self {
        Self(derive("person", &[&org.0, external_id.as_bytes()]))
    }
}

impl StudentId {
    /// Returns the id of the student whom the organisation's roster calls `external_id`.
    pub fn imported(org: OrgId, external_id: &str) -> Self {
        Self(derive("student", &[&org.0, external_id.as_bytes()]))
    }
}

impl GuardianId {
    /// Returns the id of the guardian whom the organisation's roster calls `external_id`.
    pub fn imported(org: OrgId, external_id: &str) -> Self {
        Self(derive("guardian", &[&org.0, external_id.as_bytes()]))
    }
}

impl RosterRowId {
    /// Returns the id of the row of a file that says something of `subject`, whatever it says.
    pub fn of(org: OrgId, file: &str, subject: &[u8]) -> Self {
        Self(derive("roster row", &[&org.0, file.as_bytes(), subject]))
    }
}

impl SchoolId {
    /// Returns the id of the school that the organisation's roster calls `external_id`.
    pub fn imported(org: OrgId, external_id: &str) -> Self {
        Self(derive("school", &[&org.0, external_id.as_bytes()]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_form_reads_back_and_is_the_only_one() {
        let id = PersonId(derive("test", &[b"a"]));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().to_lowercase().parse::<PersonId>(), Err(InvalidId));
        assert_eq!("".parse::<PersonId>(), Err(InvalidId));
        assert_eq!("8ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<PersonId>(), Err(InvalidId), "more than 128 bits");
    }

    #[test]
    fn derived_ids_keep_their_parts_apart() {
        assert_ne!(derive("x", &[b"ab", b"c"]), derive("x", &[b"a", b"bc"]));
        assert_ne!(derive("x", &[b"ab"]), derive("xab", &[]));
    }
}
