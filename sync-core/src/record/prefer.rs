//! Which of several standing values counts until a person decides. All of them are kept.
//!
//! The rule of a field protects the child: a service counts with the higher promise, a miss as owed, a void as void. Where
//! there is no such rule, the value counts whose id has the lower SHA-256. That says nothing about who is right; it is only
//! the same everywhere.

use sha2::{Digest, Sha256};

use super::register::Said;
use crate::document::schema::{PERIODS, RecordKind, VOID};
use crate::document::slot::{SlotKey, Value};

/// How to choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preference {
    /// True counts while it stands.
    True,
    /// The greater value; days sort as texts.
    Greater,
    /// The lesser value.
    Lesser,
    /// The later day, and none at all is later than any.
    LaterOrOpen,
    /// The period that comes round more often.
    Oftener,
    /// A reason for which the school owes the minutes.
    Owed,
    /// The lower hash of the id.
    LowerHash,
}

fn preference(kind: RecordKind, field: &str) -> Preference {
    match (kind, field) {
        (_, VOID) => Preference::True,
        (RecordKind::Service, "minutes" | "sessions") => Preference::Greater,
        (RecordKind::Service, "from") => Preference::Lesser,
        (RecordKind::Service, "to") => Preference::LaterOrOpen,
        (RecordKind::Service, "period") => Preference::Oftener,
        (RecordKind::Missed, "reason") => Preference::Owed,
        _ => Preference::LowerHash,
    }
}

/// Returns the value that counts, of standing values in the order of their ids' hashes. None: no value fits, or the one that
/// counts is that there is none.
pub(super) fn effective(kind: RecordKind, field: &str, standing: &[Said]) -> Option<Value> {
    let fitting = || standing.iter().filter(|said| said.fits).filter_map(|said| said.value.as_ref());
    let chosen = match preference(kind, field) {
        Preference::True | Preference::Greater => fitting().max(),
        Preference::Lesser => fitting().min(),
        Preference::LaterOrOpen if standing.iter().any(|said| said.value.is_none()) => None,
        Preference::LaterOrOpen => fitting().max(),
        Preference::Oftener => fitting().min_by_key(|value| PERIODS.iter().position(|word| is(value, word))),
        Preference::Owed => fitting().find(|value| is_owed(value)).or_else(|| fitting().next()),
        Preference::LowerHash => fitting().next(),
    };
    chosen.cloned()
}

/// Returns the SHA-256 of a key's text, by which equals are put in order.
pub(super) fn hash_of(key: &SlotKey) -> [u8; 32] {
    Sha256::digest(key.to_string()).into()
}

fn is(value: &Value, word: &str) -> bool {
    value.as_text() == Some(word)
}

fn is_owed(value: &Value) -> bool {
    use crate::service::missed::Reason;
    value.as_text().and_then(Reason::from_code).is_some_and(|reason| reason.liability().counts_as_owed())
}
