//! Slots to bytes: the one kind of change that this system writes.
//!
//! A change makes new slots and does nothing else. It is encoded from the [`Containers`] table and its [`Position`] in the history alone,
//! so the server can issue, and a tablet can send, without loading a document. The bytes are those that automerge itself would have
//! written for the same transaction; `slots_of_change` reads them back.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};

use automerge::legacy::{Key, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};
use serde::{Deserialize, Serialize};

pub use crate::document::collect::slots_of_change;
pub use crate::document::container::{ContainerAt, Containers};
use crate::document::slot::{Fields, Slot, Value};
use crate::time::{MOMENT_MAX, Moment};

/// The largest counter of an operation: automerge holds counters in 32 bits, and refuses to write when it would pass them.
pub const OP_MAX: u64 = u32::MAX as u64;

/// The SHA-256 of a change: its name in the history of its document.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeHash(#[serde(with = "serde_bytes")] pub [u8; 32]);

impl fmt::Display for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ChangeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<automerge::ChangeHash> for ChangeHash {
    fn from(hash: automerge::ChangeHash) -> Self {
        Self(hash.0)
    }
}

impl From<ChangeHash> for automerge::ChangeHash {
    fn from(hash: ChangeHash) -> Self {
        Self(hash.0)
    }
}

/// Where a change stands in the history of its document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Who writes: a device, a server actor, or the founder.
    pub actor: [u8; 16],
    /// The number of this change among the actor's, from 1.
    pub seq: u64,
    /// The counter of its first operation: 1 + the largest among all its ancestors.
    pub start_op: u64,
    /// When it was written, by the writer's clock.
    pub time: Moment,
    /// The heads that it is written on, in any order, and the actor's previous change.
    pub deps: Vec<ChangeHash>,
}

impl Position {
    /// Returns the position of an actor's next change on these heads, as automerge would choose it.
    ///
    /// `max_op` is the largest counter among all ancestors of the heads.
    pub fn next(
        actor: [u8; 16],
        tip: Option<ActorTip>,
        heads: &[ChangeHash],
        max_op: u64,
        time: Moment,
    ) -> Self {
        // The actor's previous change is named even where others have built on it since, so that its changes form a chain of their own.
        let mut deps: Vec<ChangeHash> = heads.iter().copied().chain(tip.map(|tip| tip.hash)).collect();
        deps.sort_unstable();
        deps.dedup();
        let seq = tip.map_or(0, |tip| tip.seq).saturating_add(1);
        Self { actor, seq, start_op: max_op.saturating_add(1), time, deps }
    }
}

/// An actor's last change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActorTip {
    /// Its number among the actor's, from 1.
    pub seq: u64,
    /// Its hash.
    pub hash: ChangeHash,
}

/// A change as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The plain chunk, never deflated.
    pub bytes: Vec<u8>,
    /// Its hash.
    pub hash: ChangeHash,
    /// The counter of its last operation.
    pub max_op: u64,
    /// Where it stands, with its deps sorted.
    position: Position,
}

impl Encoded {
    /// Returns what [`outline`] would read back from the bytes.
    pub fn outline(&self) -> Outline {
        let Position { actor, seq, start_op, time, deps } = self.position.clone();
        Outline { hash: self.hash, actor, seq, start_op, max_op: self.max_op, deps, time }
    }
}

/// These slots cannot be written at this position: a mistake of the caller, never of whoever typed the content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// A change without operations must not exist: automerge would count it, but nobody could name what it did.
    #[error("a change without slots")]
    Empty,
    /// A slot stands in a container that the document's founding did not make.
    #[error("no founded container has this name")]
    UnknownContainer,
    /// Two slots have the same container and key.
    #[error("a key twice")]
    KeyTwice,
    /// A sequence number or operation counter is zero or beyond what automerge can hold.
    #[error("a position that no history has")]
    NoSuchPosition,
}

/// Encodes the change that makes exactly these slots, each with its maps and values in the order of their names.
///
/// The same input gives the same bytes everywhere.
///
/// # Errors
/// [`EncodeError`], see there. Nothing that a person typed can cause one once it has passed the shape stage of the gate.
pub fn encode(containers: &Containers, position: &Position, slots: &[Slot]) -> Result<Encoded, EncodeError> {
    let founder = ActorId::from(containers.founder);
    let mut keys = BTreeSet::new();
    let mut writer = Writer::new(position);
    for slot in slots {
        let at = containers.get(&slot.container).ok_or(EncodeError::UnknownContainer)?;
        if !keys.insert((at.counter, slot.key)) {
            return Err(EncodeError::KeyTwice);
        }
        let container = ObjectId::Id(OpId(at.counter, founder.clone()));
        let made = writer.make_map(container, &slot.key.to_string());
        writer.fill(&made, &slot.fields);
    }
    writer.finish(position)
}

/// Encodes the change that makes these maps in the root: a founding step.
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_root_maps(position: &Position, names: &[&str]) -> Result<Encoded, EncodeError> {
    let mut writer = Writer::new(position);
    for name in names {
        writer.make_map(ObjectId::Root, name);
    }
    writer.finish(position)
}

/// Gathers operations; each gets the next counter.
struct Writer {
    actor: ActorId,
    next_op: u64,
    ops: Vec<Op>,
}

impl Writer {
    fn new(position: &Position) -> Self {
        Self { actor: ActorId::from(position.actor), next_op: position.start_op, ops: Vec::new() }
    }

    fn push(&mut self, obj: ObjectId, key: &str, action: OpType) -> ObjectId {
        let id = OpId(self.next_op, self.actor.clone());
        self.ops.push(Op { action, obj, key: Key::Map(key.into()), pred: SortedVec::new(), insert: false });
        self.next_op = self.next_op.saturating_add(1);
        ObjectId::Id(id)
    }

    fn make_map(&mut self, parent: ObjectId, key: &str) -> ObjectId {
        self.push(parent, key, OpType::Make(ObjType::Map))
    }

    fn fill(&mut self, map: &ObjectId, fields: &Fields) {
        for (name, value) in fields {
            let scalar = match value {
                Value::Flag(flag) => ScalarValue::Boolean(*flag),
                Value::Int(int) => ScalarValue::Int(*int),
                Value::Text(text) => ScalarValue::Str(text.as_str().into()),
                Value::Map(inner) => {
                    let made = self.make_map(map.clone(), name);
                    self.fill(&made, inner);
                    continue;
                }
            };
            self.push(map.clone(), name, OpType::Put(scalar));
        }
    }

    fn finish(self, position: &Position) -> Result<Encoded, EncodeError> {
        if self.ops.is_empty() {
            return Err(EncodeError::Empty);
        }
        let start_op = NonZeroU64::new(position.start_op).ok_or(EncodeError::NoSuchPosition)?;
        let max_op = self.next_op - 1;
        if max_op > OP_MAX || position.seq == 0 || !(0..=MOMENT_MAX).contains(&position.time.0) {
            return Err(EncodeError::NoSuchPosition);
        }
        // A set both sorts and drops repetitions, as automerge's own deps are.
        let deps: BTreeSet<ChangeHash> = position.deps.iter().copied().collect();
        let change = Change::from(ExpandedChange {
            operations: self.ops,
            actor_id: self.actor,
            hash: None,
            seq: position.seq,
            start_op,
            time: position.time.0,
            message: None,
            deps: deps.iter().copied().map(Into::into).collect(),
            extra_bytes: Vec::new(),
            author: None,
        });
        let position = Position { deps: deps.into_iter().collect(), ..position.clone() };
        Ok(Encoded { hash: change.hash().into(), bytes: change.raw_bytes().to_vec(), max_op, position })
    }
}

/// Where a stored change stands and what it is called, without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// Its hash.
    pub hash: ChangeHash,
    /// Who wrote it.
    pub actor: [u8; 16],
    /// Its number among the actor's.
    pub seq: u64,
    /// The counter of its first operation.
    pub start_op: u64,
    /// The counter of its last operation.
    pub max_op: u64,
    /// The heads that it was written on, sorted.
    pub deps: Vec<ChangeHash>,
    /// When it was written, by the writer's clock.
    pub time: Moment,
}

/// Bytes that are no change of ours: damaged, or never admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a plain change that can be read")]
pub struct Unreadable;

/// Returns the outline of a change that was admitted before.
///
/// Only for bytes out of a log or from the server: what a client sends goes through the gate.
///
/// # Errors
/// [`Unreadable`] if the bytes are not one whole, plain change of a 16-byte actor.
pub fn outline(bytes: &[u8]) -> Result<Outline, Unreadable> {
    outline_of(&read(bytes)?)
}

pub(crate) fn outline_of(change: &Change) -> Result<Outline, Unreadable> {
    let actor = change.actor_id().to_bytes().try_into().map_err(|_| Unreadable)?;
    let start_op = change.start_op().get();
    let count = u64::try_from(change.len()).map_err(|_| Unreadable)?;
    Ok(Outline {
        hash: change.hash().into(),
        actor,
        seq: change.seq(),
        start_op,
        max_op: start_op.checked_add(count).and_then(|end| end.checked_sub(1)).ok_or(Unreadable)?,
        deps: change.deps().iter().copied().map(Into::into).collect(),
        time: Moment(change.timestamp()),
    })
}

/// What every chunk begins with.
pub(crate) const MAGIC: [u8; 4] = [0x85, 0x6f, 0x4a, 0x83];
/// The chunk type of a plain change, and where it stands in a chunk: behind four bytes of magic and four of checksum.
pub(crate) const PLAIN_CHANGE: (usize, u8) = (8, 1);

/// Reads a plain change whose checksum holds. Automerge reads deflated ones as well, and never looks at the checksum.
pub(crate) fn read(bytes: &[u8]) -> Result<Change, Unreadable> {
    if bytes.get(PLAIN_CHANGE.0) != Some(&PLAIN_CHANGE.1) {
        return Err(Unreadable);
    }
    // Automerge's decoder panics on some damaged bytes. It keeps no state, so nothing half done is left behind.
    let change = catch_unwind(AssertUnwindSafe(|| Change::try_from(bytes))).map_err(|_| Unreadable)?;
    let change = change.map_err(|_| Unreadable)?;
    if bytes.get(4..8) == change.hash().0.get(..4) { Ok(change) } else { Err(Unreadable) }
}

/// Decodes a change into its operations.
pub(crate) fn expand(change: &Change) -> Result<ExpandedChange, Unreadable> {
    catch_unwind(AssertUnwindSafe(|| change.decode())).map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use automerge::Automerge;
    use automerge::transaction::{CommitOptions, Transactable};
    use proptest::prelude::*;
    use ulid::Ulid;

    use super::*;
    use crate::document::arbitrary::slots_in;
    use crate::document::collect::SlotsError;
    use crate::document::founding::founding;
    use crate::document::slot::SlotKey;
    use crate::ids::{DocumentId, PersonId};

    const DOCUMENT: DocumentId = DocumentId([7; 16]);
    const STEPS: &[&[&str]] = &[&["goals", "sessions"], &["unheard_of"]];
    const CONTAINERS: &[&str] = &["goals", "sessions", "unheard_of"];

    fn founded() -> (Automerge, Position) {
        let chain = founding(DOCUMENT, STEPS);
        let mut doc = Automerge::new();
        doc.apply_changes(chain.iter().map(|c| Change::try_from(c.bytes.as_slice()).unwrap())).unwrap();
        let last = chain.last().unwrap();
        let deps = vec![last.hash];
        (doc, Position { actor: [9; 16], seq: 1, start_op: last.max_op + 1, time: Moment(1_000), deps })
    }

    fn fill(tx: &mut impl Transactable, map: &automerge::ObjId, fields: &Fields) {
        for (name, value) in fields {
            match value {
                Value::Flag(flag) => tx.put(map, name, *flag).unwrap(),
                Value::Int(int) => tx.put(map, name, *int).unwrap(),
                Value::Text(text) => tx.put(map, name, text.as_str()).unwrap(),
                Value::Map(inner) => {
                    let made = tx.put_object(map, name, ObjType::Map).unwrap();
                    fill(tx, &made, inner);
                }
            }
        }
    }

    proptest! {
        #[test]
        fn bytes_are_those_that_automerge_would_write(slots in slots_in(CONTAINERS)) {
            use automerge::ReadDoc;
            let (mut doc, position) = founded();
            let ours = encode(&Containers::of(DOCUMENT, STEPS), &position, &slots).unwrap();

            doc.set_actor(position.actor.into());
            let mut tx = doc.transaction();
            for slot in &slots {
                let (_, container) = tx.get(automerge::ROOT, &slot.container).unwrap().unwrap();
                let made = tx.put_object(&container, slot.key.to_string(), ObjType::Map).unwrap();
                fill(&mut tx, &made, &slot.fields);
            }
            tx.commit_with(CommitOptions::default().with_time(position.time.0));
            let theirs = doc.get_last_local_change().unwrap();

            prop_assert_eq!(&ours.bytes, theirs.raw_bytes());
            prop_assert_eq!(ours.hash, theirs.hash().into());
            prop_assert_eq!(ours.max_op, theirs.max_op());
        }

        #[test]
        fn slots_come_back_from_their_bytes(slots in slots_in(CONTAINERS)) {
            let containers = Containers::of(DOCUMENT, STEPS);
            let (_, position) = founded();
            let change = encode(&containers, &position, &slots).unwrap();
            prop_assert_eq!(slots_of_change(&containers, &change.bytes), Ok(slots));
            let outline = outline(&change.bytes).unwrap();
            prop_assert_eq!(&change.outline(), &outline);
            prop_assert_eq!((outline.hash, outline.max_op), (change.hash, change.max_op));
            let Outline { actor, seq, start_op, time, deps, .. } = outline;
            prop_assert_eq!(Position { actor, seq, start_op, time, deps }, position);
        }
    }

    fn one_slot() -> Slot {
        let key = SlotKey::new(PersonId([1; 16]), Ulid::from_bytes([2; 16]));
        Slot { container: "goals".into(), key, fields: Fields::from([("n".into(), 1.into())]) }
    }

    #[test]
    fn what_no_history_has_is_not_written() {
        let containers = Containers::of(DOCUMENT, STEPS);
        let (_, good) = founded();
        let check = |position: &Position, slots: &[Slot]| encode(&containers, position, slots).map(|_| ());
        assert_eq!(check(&good, &[one_slot()]), Ok(()));
        assert_eq!(check(&good, &[]), Err(EncodeError::Empty));
        assert_eq!(check(&good, &[one_slot(), one_slot()]), Err(EncodeError::KeyTwice));
        let elsewhere = Slot { container: "taps".into(), ..one_slot() };
        assert_eq!(check(&good, &[elsewhere]), Err(EncodeError::UnknownContainer));
        for position in [
            Position { seq: 0, ..good.clone() },
            Position { start_op: 0, ..good.clone() },
            Position { start_op: OP_MAX, ..good.clone() },
            Position { start_op: u64::MAX, ..good.clone() },
            Position { time: Moment(-1), ..good.clone() },
            Position { time: Moment(MOMENT_MAX + 1), ..good.clone() },
        ] {
            assert_eq!(check(&position, &[one_slot()]), Err(EncodeError::NoSuchPosition), "{position:?}");
        }
    }

    #[test]
    fn heads_are_written_sorted_and_once() {
        let containers = Containers::of(DOCUMENT, STEPS);
        let (_, position) = founded();
        let with = |deps| encode(&containers, &Position { deps, ..position.clone() }, &[one_slot()]).unwrap();
        let (low, high) = (ChangeHash([1; 32]), ChangeHash([2; 32]));
        assert_eq!(with(vec![high, low, high]), with(vec![low, high]));
    }

    #[test]
    fn damaged_bytes_are_noticed() {
        let containers = Containers::of(DOCUMENT, STEPS);
        let (_, position) = founded();
        let whole = encode(&containers, &position, &[one_slot()]).unwrap().bytes;
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x11;
            let read = slots_of_change(&containers, &bytes);
            assert_eq!(read, Err(SlotsError::Unreadable(Unreadable)), "byte {at}");
            assert_eq!(outline(&whole[..at]), Err(Unreadable), "first {at}");
        }
    }
}
