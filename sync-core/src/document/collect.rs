//! Operations to slots: what a change makes, if it makes nothing but new slots.
//!
//! This is the structure that every change of ours has, whoever wrote it and whatever version: maps and scalars, each key once, each slot
//! whole. Sizes, and who may write what, are the gate's to judge.

use std::collections::BTreeSet;

use automerge::legacy::{Key, ObjectId, Op, OpType};
use automerge::{ExpandedChange, ObjType, ScalarValue};

use crate::document::change::{Unreadable, expand, read};
use crate::document::container::Containers;
use crate::document::plain::read_plain;
use crate::document::slot::{Fields, Slot, SlotKey, Value};
use crate::seeded::{Bug, seeded};

/// How deep a slot's maps may stand in one another, the slot itself counted.
pub const DEPTH_MAX: usize = 3;

/// Why operations are no list of new slots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSlots {
    /// There is no operation.
    #[error("a change without operations")]
    Empty,
    /// An operation names what it replaces, deletes, inserts, counts up or marks.
    #[error("an operation that touches what stands")]
    TouchesOther,
    /// An operation makes a list, a table or a text.
    #[error("an object that is not a map")]
    NotAMap,
    /// A value is not text, a whole number or a flag.
    #[error("a value of a foreign type")]
    ForeignScalar,
    /// An operation writes into the root, into a slot that stood before, or into an object that nobody made.
    #[error("an object that is neither a founded container nor made here")]
    UnknownContainer,
    /// Something else than a map, under something else than a slot's key, stands in a container.
    #[error("not a slot")]
    NotASlot,
    /// A key stands twice in one map, or a slot twice in one container.
    #[error("a key twice")]
    KeyTwice,
    /// Maps stand in maps deeper than [`DEPTH_MAX`].
    #[error("too deep")]
    TooDeep,
}

/// The slots of a change, and the highest founding step of the containers that they stand in.
pub(crate) struct Collected {
    pub(crate) slots: Vec<Slot>,
    pub(crate) step: u32,
}

/// Where an operation writes.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Object {
    /// Into the map that an operation of the same change made, counted from 0.
    Own(u64),
    /// Into the map that the founder's operation with this counter made.
    Founded(u64),
}

/// What the operations so far have made.
#[derive(Default)]
pub(crate) struct Gathered {
    made: Vec<Made>,
    /// For each operation, which map it made.
    made_by: Vec<Option<usize>>,
    keys: BTreeSet<(u64, SlotKey)>,
    step: u32,
}

/// A map made by the change: a slot, or a map in one.
struct Made {
    place: Place,
    depth: usize,
    fields: Fields,
}

enum Place {
    Slot { container: String, key: SlotKey },
    Inside { parent: usize, name: String },
}

impl Gathered {
    /// Adds the next operation: it sets the value, or makes a map where that is an empty one.
    pub(crate) fn add(
        &mut self,
        containers: &Containers,
        object: Object,
        name: &str,
        value: Value,
    ) -> Result<(), NotSlots> {
        let is_map = value.as_map().is_some();
        let (place, depth) = match object {
            Object::Own(operation) => {
                let made = usize::try_from(operation).ok().and_then(|operation| self.made_by.get(operation));
                let parent = made.copied().flatten().ok_or(NotSlots::UnknownContainer)?;
                let map = self.made.get_mut(parent).ok_or(NotSlots::UnknownContainer)?;
                let depth = map.depth + 1;
                if map.fields.insert(name.to_owned(), value).is_some() {
                    return Err(NotSlots::KeyTwice);
                }
                if !is_map {
                    self.made_by.push(None);
                    return Ok(());
                }
                if depth > DEPTH_MAX {
                    return Err(NotSlots::TooDeep);
                }
                (Place::Inside { parent, name: name.to_owned() }, depth)
            }
            Object::Founded(counter) => {
                let (container, at) = containers.made_by(counter).ok_or(NotSlots::UnknownContainer)?;
                let key: SlotKey = name.parse().map_err(|_| NotSlots::NotASlot)?;
                if !is_map {
                    return Err(NotSlots::NotASlot);
                }
                if !self.keys.insert((counter, key)) {
                    return Err(NotSlots::KeyTwice);
                }
                self.step = self.step.max(at.step);
                (Place::Slot { container: container.to_owned(), key }, 1)
            }
        };
        self.made_by.push(Some(self.made.len()));
        self.made.push(Made { place, depth, fields: Fields::new() });
        Ok(())
    }

    /// Returns the slots in the order in which they were made.
    pub(crate) fn finish(mut self) -> Collected {
        let mut slots = Vec::new();
        // A map is made after its parent, so going backwards every map is whole when it is moved.
        while let Some(Made { place, fields, .. }) = self.made.pop() {
            match place {
                Place::Slot { container, key } => slots.push(Slot { container, key, fields }),
                Place::Inside { parent, name } => {
                    if let Some(parent) = self.made.get_mut(parent) {
                        parent.fields.insert(name, Value::Map(fields));
                    }
                }
            }
        }
        slots.reverse();
        Collected { slots, step: self.step }
    }
}

/// Turns the operations of a change into slots, in the order in which they were made.
pub(crate) fn collect(containers: &Containers, change: &ExpandedChange) -> Result<Collected, NotSlots> {
    if change.operations.is_empty() {
        return Err(NotSlots::Empty);
    }
    let mut gathered = Gathered::default();
    for op in &change.operations {
        let (value, name) = put_or_make(op)?;
        let object = object(containers, change, &op.obj).ok_or(NotSlots::UnknownContainer)?;
        gathered.add(containers, object, name, value)?;
    }
    Ok(gathered.finish())
}

/// Returns what an operation sets and under which name; an empty map where it makes one.
fn put_or_make(op: &Op) -> Result<(Value, &str), NotSlots> {
    let touches = !op.pred.is_empty() && !seeded(Bug::Predecessor);
    if touches || op.insert {
        return Err(NotSlots::TouchesOther);
    }
    let Key::Map(name) = &op.key else { return Err(NotSlots::TouchesOther) };
    let value = match &op.action {
        OpType::Make(ObjType::Map) => Value::Map(Fields::new()),
        OpType::Make(ObjType::List | ObjType::Text | ObjType::Table) => return Err(NotSlots::NotAMap),
        OpType::Put(ScalarValue::Str(text)) => Value::Text(text.to_string()),
        OpType::Put(ScalarValue::Int(int)) => Value::Int(*int),
        OpType::Put(ScalarValue::Boolean(flag)) => Value::Flag(*flag),
        OpType::Put(_) => return Err(NotSlots::ForeignScalar),
        OpType::Delete | OpType::Increment(_) | OpType::MarkBegin(_) | OpType::MarkEnd(_) => {
            return Err(NotSlots::TouchesOther);
        }
    };
    Ok((value, name))
}

/// Returns where an operation writes; none for the root, and for what somebody else made.
fn object(containers: &Containers, change: &ExpandedChange, object: &ObjectId) -> Option<Object> {
    let ObjectId::Id(id) = object else { return None };
    if *id.actor() == change.actor_id {
        return id.counter().checked_sub(change.start_op.get()).map(Object::Own);
    }
    (id.actor().to_bytes() == containers.founder).then(|| Object::Founded(id.counter()))
}

/// Why the slots of an admitted change could not be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SlotsError {
    /// The bytes are damaged.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The change does other things than making slots in containers that the table knows.
    #[error(transparent)]
    NotSlots(#[from] NotSlots),
}

/// Returns the slots of a change that was admitted before, in the order in which they were made; none for a founding change.
///
/// Works for containers and fields of newer versions, too, as long as `containers` knows the former.
///
/// # Errors
/// [`SlotsError`]: the stored bytes are damaged, or were never admitted to this document.
pub fn slots_of_change(containers: &Containers, bytes: &[u8]) -> Result<Vec<Slot>, SlotsError> {
    if let Ok(plain) = read_plain(containers, bytes) {
        return Ok(plain.collected.slots);
    }
    let change = read(bytes)?;
    if change.actor_id().to_bytes() == containers.founder {
        return Ok(Vec::new());
    }
    Ok(collect(containers, &expand(&change)?)?.slots)
}
