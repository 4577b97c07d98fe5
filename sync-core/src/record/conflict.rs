//! Fields on which standing values differ: values to show, never errors, and never settled by a machine.

use std::collections::BTreeMap;

use super::entry::{Entry, RecordRef};
use super::register::{Register, Said};
use crate::document::schema::REPLACES_MAX;
use crate::document::slot::{SlotKey, Value};
use crate::ids::{ConflictId, derive};

/// One of the values that differ, with everyone who said it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The value. None: the record was made without this field.
    pub value: Option<Value>,
    /// Who said it, at least one.
    pub said: Vec<Said>,
}

/// A field of a record in which several values stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The same for this record and field on every machine, as long as the conflict lasts and when it comes again.
    pub id: ConflictId,
    /// The record.
    pub record: RecordRef,
    /// The path of the field.
    pub field: String,
    /// At least two values, in the order of their ids' hashes.
    pub values: Vec<Alternative>,
    /// The value that counts until somebody decides.
    pub effective: Option<Value>,
}

impl Conflict {
    /// Returns the conflict of one field of a record.
    pub(super) fn new(entry: &Entry<'_>, field: &str, register: &Register) -> Self {
        let mut values: Vec<Alternative> = Vec::new();
        let mut places: BTreeMap<&Option<Value>, usize> = BTreeMap::new();
        for said in register.standing() {
            let place = *places.entry(&said.value).or_insert(values.len());
            match values.get_mut(place) {
                Some(alternative) => alternative.said.push(said.clone()),
                None => values.push(Alternative { value: said.value.clone(), said: vec![said.clone()] }),
            }
        }
        let record = entry.id();
        let key = record.key.to_string();
        let place =
            [&record.document.0[..], record.kind.container().as_bytes(), key.as_bytes(), field.as_bytes()];
        let id = ConflictId(derive("conflict", &place));
        Self { id, record, field: field.to_owned(), values, effective: register.effective().cloned() }
    }

    /// Returns what an edit that decides names in `replaces`: the ids of every standing value.
    ///
    /// One edit can name [`REPLACES_MAX`]. Where more stand, as only a flood of edits can bring about, an edit that replaces
    /// these leaves the rest, and the next one decides.
    pub fn replaces(&self) -> Vec<SlotKey> {
        self.values.iter().flat_map(|value| &value.said).map(|said| said.id).take(REPLACES_MAX).collect()
    }
}
