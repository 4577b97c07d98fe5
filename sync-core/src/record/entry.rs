//! One record with everything that was said of it: its own slot, the edits of each field, the signatures.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::civil::Date;

use super::register::{Register, Said};
use crate::document::name::DocumentName;
use crate::document::schema::{COMMON, Fault, Field, RecordKind, Type, VOID, check_record, check_value};
use crate::document::slot::{Fields, Slot, SlotKey, Value};
use crate::ids::{DocumentId, PersonId};
use crate::sensitive::Sensitive;
use crate::time::{Moment, day_from_text};

/// Which record: a key alone may stand in two containers or documents, and then is two records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RecordRef {
    /// What kind of record it is.
    pub kind: RecordKind,
    /// Its key.
    pub key: SlotKey,
    /// The document that it stands in.
    pub document: DocumentId,
}

/// A record as it stands: what its author made, with the value that counts in each edited field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry<'a> {
    pub(super) name: &'a DocumentName,
    pub(super) id: RecordRef,
    pub(super) made: Cow<'a, Slot>,
    /// With edits applied and values that do not fit taken out; none where that changes nothing.
    pub(super) stands: Option<Slot>,
    pub(super) registers: BTreeMap<String, Register>,
    /// Fields with a value of the wrong type or range.
    pub(super) unfit: BTreeMap<String, Fault>,
    /// What else is wrong with the record as it stands.
    pub(super) fault: Option<Fault>,
    pub(super) newer: bool,
    pub(super) late: bool,
    pub(super) signatures: Vec<super::signature::SignatureView>,
    /// Observations of the same document that name this session, in the order of their keys.
    pub(super) observations: Vec<RecordRef>,
}

impl<'a> Entry<'a> {
    /// Puts a record and the registers of its edited fields together.
    pub(super) fn new(
        name: &'a DocumentName,
        id: RecordRef,
        made: Cow<'a, Slot>,
        registers: BTreeMap<String, Register>,
    ) -> Self {
        let mut entry = Self {
            name,
            id,
            made,
            stands: None,
            registers,
            unfit: BTreeMap::new(),
            fault: None,
            newer: false,
            late: false,
            signatures: Vec::new(),
            observations: Vec::new(),
        };
        // Nearly all records are as they were made: those are not copied.
        if !entry.registers.is_empty() || check_record(id.kind, &entry.made).is_err() {
            entry.settle();
        }
        entry
    }

    fn settle(&mut self) {
        let mut stands = Slot { fields: Fields::new(), ..(*self.made).clone() };
        let made = leaves(&self.made.fields);
        for (path, value) in &made {
            if self.registers.contains_key(path) {
                continue;
            }
            match type_of(self.id.kind, path).map(|ty| check_value(path, ty, value)) {
                Some(Ok(())) => put(&mut stands.fields, path, (*value).clone()),
                Some(Err(fault)) => drop(self.unfit.insert(path.clone(), fault)),
                None => self.newer = true,
            }
        }
        for (path, register) in &self.registers {
            self.newer |= type_of(self.id.kind, path).is_none();
            if let Some(value) = register.effective() {
                put(&mut stands.fields, path, value.clone());
            }
            if let Some(said) = register.standing().iter().find(|said| !said.fits)
                && let (Some(ty), Some(value)) = (type_of(self.id.kind, path), &said.value)
                && let Err(fault) = check_value(path, ty, value)
            {
                self.unfit.insert(path.clone(), fault);
            }
        }
        let void = stands.fields.remove(VOID);
        self.fault = check_record(self.id.kind, &stands).err();
        stands.fields.extend(void.map(|void| (VOID.to_owned(), void)));
        self.stands = Some(stands);
    }

    /// Returns which record it is.
    pub fn id(&self) -> RecordRef {
        self.id
    }

    /// Returns the document that it stands in.
    pub fn document(&self) -> &'a DocumentName {
        self.name
    }

    /// Returns who made it.
    pub fn author(&self) -> PersonId {
        self.id.key.member
    }

    /// Returns the slot as its author made it, whatever was edited since.
    pub fn made(&self) -> &Slot {
        &self.made
    }

    /// Returns the value that counts at a path, such as `segments.1.minutes`; none where there is none that fits.
    pub fn leaf(&self, path: &str) -> Option<&Value> {
        self.stands.as_ref().unwrap_or(&self.made).leaf(path)
    }

    /// Returns the fields of which something was said since the record was made.
    pub fn edited(&self) -> impl Iterator<Item = &str> {
        self.registers.keys().map(String::as_str)
    }

    /// Returns the standing values of a field. An edit of that field made now replaces the ids of them all.
    pub fn standing(&self, field: &str) -> Cow<'_, [Said]> {
        match self.registers.get(field) {
            Some(register) => Cow::Borrowed(register.standing()),
            None => Cow::Owned(vec![self.first(field)]),
        }
    }

    pub(super) fn first(&self, field: &str) -> Said {
        first_of(&self.made, self.late, self.id.kind, field)
    }

    /// Returns whether the record is void: true counts while it stands.
    pub fn is_void(&self) -> bool {
        self.leaf(VOID).and_then(Value::as_flag) == Some(true)
    }

    /// Returns the fields in which standing values differ.
    pub(super) fn conflicts(&self) -> impl Iterator<Item = (&str, &Register)> {
        self.registers
            .iter()
            .filter(|(_, register)| register.differs())
            .map(|(field, register)| (field.as_str(), register))
    }

    pub(super) fn word(&self, path: &str) -> Option<&'static str> {
        let Some(Type::Choice(words)) = type_of(self.id.kind, path) else { return None };
        let text = self.leaf(path)?.as_text()?;
        words.iter().find(|word| **word == text).copied()
    }

    pub(super) fn int(&self, path: &str) -> Option<i64> {
        self.leaf(path)?.as_int()
    }

    pub(super) fn moment(&self, path: &str) -> Option<Moment> {
        self.int(path).map(Moment)
    }

    pub(super) fn day(&self, path: &str) -> Option<Date> {
        day_from_text(self.leaf(path)?.as_text()?)
    }

    pub(super) fn key(&self, path: &str) -> Option<SlotKey> {
        self.leaf(path)?.as_text()?.parse().ok()
    }

    pub(super) fn text(&self, path: &str) -> Option<Sensitive<String>> {
        self.leaf(path)?.as_text().map(|text| Sensitive::new(text.to_owned()))
    }
}

/// Returns what a record itself says of a field.
pub(super) fn first_of(made: &Slot, late: bool, kind: RecordKind, field: &str) -> Said {
    // A record without the field is not void; of all other fields it says nothing.
    let absent = if field == VOID { Some(Value::Flag(false)) } else { None };
    said(made, made.leaf(field).cloned().or(absent), late, kind, field)
}

/// Returns a value with who said it, and whether it is one that the field can have.
pub(super) fn said(slot: &Slot, value: Option<Value>, late: bool, kind: RecordKind, field: &str) -> Said {
    let fits = match (&value, type_of(kind, field)) {
        (Some(value), Some(ty)) => check_value(field, ty, value).is_ok(),
        // Nothing to fit, or a field of a newer version.
        (None, _) | (_, None) => true,
    };
    Said { id: slot.key, value, claimed_at: slot.claimed_at(), at: slot.corrected_at(), late, fits }
}

/// Returns what the value at a path must be, editable or not; none for what only a newer version knows.
pub(super) fn type_of(kind: RecordKind, path: &str) -> Option<Type> {
    if path == VOID && kind.can_be_edited() {
        return Some(Type::Flag);
    }
    let mut steps = path.split('.');
    let first = steps.next()?;
    let find =
        |fields: &'static [Field], name: &str| fields.iter().find(|field| field.name == name).map(|f| f.ty);
    let mut ty = find(kind.fields(), first).or_else(|| find(COMMON, first))?;
    for step in steps {
        ty = if let Type::Map(fields) = ty {
            find(fields, step)?
        } else if let Type::Numbered(most, fields) = ty {
            let number: usize = step.parse().ok()?;
            ((1..=most).contains(&number) && number.to_string() == step).then_some(Type::Map(fields))?
        } else {
            return None;
        };
    }
    Some(ty)
}

/// Returns the leaves of nested values by their paths. An empty map is a leaf, too.
pub(super) fn leaves(fields: &Fields) -> Vec<(String, &Value)> {
    let mut found = Vec::new();
    let mut open: Vec<(String, &Fields)> = vec![(String::new(), fields)];
    while let Some((path, fields)) = open.pop() {
        for (name, value) in fields {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match value {
                Value::Map(inner) if !inner.is_empty() => open.push((path, inner)),
                Value::Map(_) | Value::Flag(_) | Value::Int(_) | Value::Text(_) => found.push((path, value)),
            }
        }
    }
    found
}

fn put(fields: &mut Fields, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(fields.insert(path.to_owned(), value)),
        Some((first, rest)) => {
            let place = fields.entry(first.to_owned()).or_insert_with(|| Fields::new().into());
            // A scalar where there should be a map does not fit, and gives way.
            if place.as_map().is_none() {
                *place = Fields::new().into();
            }
            if let Value::Map(inner) = place {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_put_back_make_the_same_fields() {
        let segment = Fields::from([("minutes".into(), 20.into()), ("mode".into(), "push-in".into())]);
        let segments = Fields::from([("1".into(), segment.clone().into()), ("2".into(), segment.into())]);
        let fields = Fields::from([("segments".into(), segments.into()), ("note".into(), "x".into())]);
        let mut again = Fields::new();
        for (path, value) in leaves(&fields) {
            put(&mut again, &path, value.clone());
        }
        assert_eq!(again, fields);
    }

    #[test]
    fn every_leaf_that_can_be_edited_has_a_type_here() {
        for (kind, path) in [
            (RecordKind::Session, "segments.8.minutes"),
            (RecordKind::Session, "group.id"),
            (RecordKind::Goal, "void"),
            (RecordKind::Goal, "discipline"),
            (RecordKind::Observation, "value.count"),
            (RecordKind::Observation, "at"),
        ] {
            assert!(type_of(kind, path).is_some(), "{kind:?} {path}");
        }
        for path in ["segments.9.minutes", "segments.01.minutes", "note.x", "mood", ""] {
            assert!(type_of(RecordKind::Session, path).is_none(), "{path}");
        }
    }
}
