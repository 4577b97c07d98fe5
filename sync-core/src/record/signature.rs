//! What a certification or co-signature covers, and whether it still holds.
//!
//! A signature carries a hash over the standing values of a record and of the observations of the same document that name it.
//! Whatever changes one of them changes the hash, and the signature is stale; brought back to the same values, it holds again.
//! Values count as a set: two people who say the same change nothing, and neither does the way by which a value came to stand.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use super::entry::{Entry, leaves};
use crate::document::schema::VOID;
use crate::document::slot::{ACT, AT, ContentHash, Fields, OFFSET, SlotKey, Value, feed};
use crate::ids::{PersonId, first_16};
use crate::time::Moment;

/// What a signature says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SignatureKind {
    /// The author says that the record is true.
    Certify,
    /// A supervisor stands in for what somebody else made.
    Cosign,
}

impl SignatureKind {
    /// Returns the kind of a stored word.
    pub fn from_word(word: &str) -> Option<Self> {
        match word {
            "certify" => Some(Self::Certify),
            "cosign" => Some(Self::Cosign),
            _ => None,
        }
    }

    /// Returns whether a signature by `signer` says this of a record of `author`: one certifies what is one's own and
    /// co-signs what is not.
    pub(super) fn is_for(self, signer: PersonId, author: PersonId) -> bool {
        match self {
            Self::Certify => signer == author,
            Self::Cosign => signer != author,
        }
    }
}

/// A signature of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SignatureView {
    /// The signature's own key; its member signed.
    pub id: SlotKey,
    /// What it says.
    pub kind: SignatureKind,
    /// What it covers.
    pub covers: ContentHash,
    /// Whether that is what stands now.
    pub fresh: bool,
    /// When it was signed, by the tablet's clock as corrected.
    pub at: Option<Moment>,
}

/// Returns the hash of what stands in a record and in the observations that name it, given in the order of their keys.
pub(super) fn covers<'e, 'a: 'e>(
    record: &'e Entry<'a>,
    observations: impl Iterator<Item = &'e Entry<'a>>,
) -> ContentHash {
    let mut hash = Sha256::new();
    feed(&mut hash, &"covers".into());
    for entry in std::iter::once(record).chain(observations) {
        feed(&mut hash, &entry.id.kind.container().into());
        feed(&mut hash, &entry.id.key.to_string().into());
        feed(&mut hash, &standing_values(entry).into());
    }
    ContentHash(first_16(&hash.finalize()))
}

/// Returns a map from each path to the set of its standing values, less when and with what act they were said.
fn standing_values(entry: &Entry<'_>) -> Fields {
    let made = leaves(&entry.made.fields).into_iter();
    let unedited = made.filter(|(path, _)| !entry.registers.contains_key(path));
    let mut values: Fields = unedited.map(|(path, value)| (path, set_of([Some(value)].into()))).collect();
    for (path, register) in &entry.registers {
        values.insert(
            path.clone(),
            set_of(register.standing().iter().map(|said| said.value.as_ref()).collect()),
        );
    }
    values.retain(|path, _| ![ACT, AT, OFFSET, VOID].contains(&path.as_str()));
    // Void and reinstated is as if it had never been.
    values.insert(VOID.to_owned(), entry.is_void().into());
    values
}

fn set_of(values: BTreeSet<Option<&Value>>) -> Value {
    let numbered = values.into_iter().enumerate();
    let value = |value: Option<&Value>| value.cloned().unwrap_or_else(|| Fields::new().into());
    Value::Map(numbered.map(|(n, one)| (n.to_string(), value(one))).collect())
}
