//! Any slots, for property tests.

use proptest::prelude::*;
use ulid::Ulid;

use crate::document::slot::{Fields, Slot, SlotKey, Value};
use crate::ids::PersonId;

/// The member of all arbitrary slots.
pub(crate) const MEMBER: PersonId = PersonId([1; 16]);

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Flag),
        any::<i64>().prop_map(Value::Int),
        ".{0,20}".prop_map(Value::Text),
    ]
}

fn fields() -> impl Strategy<Value = Fields> {
    let map = |value| proptest::collection::btree_map("[a-z]{1,5}", value, 0..4);
    let inner = prop_oneof![3 => scalar(), 1 => map(scalar().boxed()).prop_map(Value::Map)];
    map(prop_oneof![3 => scalar(), 1 => map(inner.boxed()).prop_map(Value::Map)].boxed())
}

/// Returns a few slots of one member in these containers, each with another key.
pub(crate) fn slots_in(containers: &'static [&'static str]) -> impl Strategy<Value = Vec<Slot>> {
    let container = proptest::sample::select(containers);
    proptest::collection::btree_map(any::<u8>(), (container, fields()), 1..5).prop_map(|map| {
        let slot = |(record, (container, fields)): (u8, (&str, Fields))| Slot {
            container: container.to_owned(),
            key: SlotKey::new(MEMBER, Ulid::from_bytes([record; 16])),
            fields,
        };
        map.into_iter().map(slot).collect()
    })
}
