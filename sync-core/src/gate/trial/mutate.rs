//! Changes that no honest tablet sends: bytes turned over, and operations that automerge would never write.

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};
use sha2::{Digest, Sha256};

use crate::random::Random;

/// Where a mutation's choices come from: a fuzzer's bytes first, then numbers that follow from the seed.
#[derive(Debug, Clone)]
pub struct Dice<'a> {
    bytes: &'a [u8],
    then: Random,
}

impl<'a> Dice<'a> {
    /// Returns dice that fall as the seed says.
    pub fn seeded(seed: u64) -> Self {
        Self { bytes: &[], then: Random::of(seed) }
    }

    /// Returns dice that fall as the bytes say, for as long as there are any.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self { bytes, then: Random::of(0) }
    }

    /// Returns any 64 bits.
    pub fn any(&mut self) -> u64 {
        if let Some((byte, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return u64::from(*byte);
        }
        self.then.number()
    }

    /// Returns a number below `limit`; 0 if there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
        // One byte of a fuzzer's cannot reach farther.
        let high = if limit > 256 { self.any() << 8 } else { 0 };
        usize::try_from((high | self.any()) % limit).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.any() & 0xff).unwrap_or(0)
    }
}

/// Returns an unsigned LEB128 number in its shortest form.
pub fn leb(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(0x80 | u8::try_from(value & 0x7f).unwrap_or(0));
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
    out
}

/// Returns a signed LEB128 number in its shortest form.
pub fn signed_leb(mut value: i64) -> Vec<u8> {
    let mut out = Vec::new();
    while !(-0x40..0x40).contains(&value) {
        out.push(0x80 | u8::try_from(value & 0x7f).unwrap_or(0));
        value >>= 7;
    }
    out.push(u8::try_from(value & 0x7f).unwrap_or(0));
    out
}

/// Writes a length and a checksum that fit onto the data of a change.
pub fn seal(data: &[u8]) -> Vec<u8> {
    let hashed = [&[1], leb(data.len() as u64).as_slice(), data].concat();
    let mut chunk = vec![0x85, 0x6f, 0x4a, 0x83];
    chunk.extend(Sha256::digest(&hashed).iter().take(4));
    chunk.extend(hashed);
    chunk
}

/// Returns the data of a chunk: what stands behind magic, checksum, type and length.
pub fn data_of(chunk: &[u8]) -> &[u8] {
    let behind_type = chunk.get(9..).unwrap_or_default();
    let length = behind_type.iter().take_while(|byte| **byte >= 0x80).count() + 1;
    behind_type.get(length..).unwrap_or_default()
}

/// Turns over a few bytes of a change; length and checksum are made right again, mostly.
pub fn mutate_bytes(chunk: &[u8], dice: &mut Dice<'_>) -> Vec<u8> {
    let sealed = dice.below(16) != 0;
    let mut bytes = if sealed { data_of(chunk).to_vec() } else { chunk.to_vec() };
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len());
        match dice.below(6) {
            0 => bytes.insert(at, dice.byte()),
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.truncate(at.max(1)),
            choice => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = match choice {
                        3 => *byte ^ (1 << dice.below(8)),
                        4 => byte.wrapping_add(1),
                        _ => dice.byte(),
                    };
                }
            }
        }
    }
    if sealed { seal(&bytes) } else { bytes }
}

/// Changes a few operations of a change, or where it stands, into something that may be anything.
///
/// Returns the bytes as automerge encodes them; none if the chunk is not a change.
pub fn mutate_operations(chunk: &[u8], dice: &mut Dice<'_>) -> Option<Vec<u8>> {
    let mut change = Change::try_from(chunk).ok()?.decode();
    for _ in 0..=dice.below(3) {
        if dice.below(3) == 0 {
            mutate_position(&mut change, dice)
        } else {
            mutate_operation(&mut change, dice)
        }
    }
    Some(Change::from(change).raw_bytes().to_vec())
}

fn mutate_position(change: &mut ExpandedChange, dice: &mut Dice<'_>) {
    match dice.below(10) {
        0 => change.seq = [0, 1, 2, 3, u64::MAX][dice.below(5)],
        1 => {
            let start = change.start_op.get();
            jump(change, [1, 7, start + 1, (1 << 32) - 100, (1 << 32) - 2][dice.below(5)]);
        }
        2 => change.time = [0, -1, i64::MIN, i64::MAX, 1 << 53][dice.below(5)],
        3 => change.message = Some(["", "hello"][dice.below(2)].to_owned()),
        // The second is an author footer, whose first byte is a 1 and the next its length.
        4 => change.extra_bytes = vec![vec![dice.byte(), 2, 3, 4], vec![1, 2, 3, 4]][dice.below(2)].clone(),
        5 => drop(change.deps.pop()),
        6 => change.deps.push(automerge::ChangeHash([dice.byte(); 32])),
        7 => change.deps.extend(change.deps.first().copied()),
        8 => change.actor_id = any_actor(dice),
        _ => change.deps.reverse(),
    }
}

/// Moves a change to another first counter, and with it the ids by which its operations name one another.
fn jump(change: &mut ExpandedChange, to: u64) {
    let (from, actor) = (change.start_op.get(), &change.actor_id);
    for op in &mut change.operations {
        if let ObjectId::Id(id) = &mut op.obj
            && id.1 == *actor
            && id.0 >= from
        {
            id.0 = id.0 - from + to;
        }
    }
    change.start_op = to.try_into().unwrap_or(change.start_op);
}

fn mutate_operation(change: &mut ExpandedChange, dice: &mut Dice<'_>) {
    let (start, actor, count) = (change.start_op.get(), change.actor_id.clone(), change.operations.len());
    let at = dice.below(count);
    let other = change.operations.get(dice.below(count)).cloned();
    let Some(op) = change.operations.get_mut(at) else { return };
    match dice.below(12) {
        0 => op.action = OpType::Put(any_scalar(dice)),
        1 => {
            op.action =
                OpType::Make([ObjType::Map, ObjType::List, ObjType::Text, ObjType::Table][dice.below(4)])
        }
        2 => op.action = any_touch(dice),
        3 => op.obj = any_object(dice, start, &actor, count),
        4 => op.key = any_key(dice, start, &actor),
        5 => op.pred = SortedVec::from(vec![OpId(any_counter(dice, start), any_actor(dice))]),
        6 => op.insert = !op.insert,
        7 => drop(change.operations.remove(at)),
        8 => change.operations.extend(other),
        9 => change.operations.swap(at, dice.below(count)),
        10 => op.key = other.map_or(Key::head(), |other| other.key),
        _ => op.obj = other.map_or(ObjectId::Root, |other: Op| other.obj),
    }
}

fn any_scalar(dice: &mut Dice<'_>) -> ScalarValue {
    match dice.below(10) {
        0 => ScalarValue::Null,
        1 => ScalarValue::F64(0.5),
        2 => ScalarValue::Uint(7),
        3 => ScalarValue::Timestamp(7),
        4 => ScalarValue::counter(7),
        5 => ScalarValue::Bytes(vec![dice.byte()]),
        6 => ScalarValue::Unknown { type_code: 12, bytes: vec![dice.byte()] },
        7 => ScalarValue::Int([0, 5, i64::MIN, i64::MAX][dice.below(4)]),
        8 => ScalarValue::Boolean(false),
        _ => ScalarValue::Str(["", "x", "\u{0}", "é"][dice.below(4)].into()),
    }
}

fn any_touch(dice: &mut Dice<'_>) -> OpType {
    match dice.below(4) {
        0 => OpType::Delete,
        1 => OpType::Increment(2),
        2 => OpType::MarkEnd(true),
        _ => OpType::MarkBegin(MarkData {
            name: "bold".into(),
            value: ScalarValue::Boolean(true),
            expand: true,
        }),
    }
}

fn any_object(dice: &mut Dice<'_>, start: u64, actor: &ActorId, count: usize) -> ObjectId {
    match dice.below(4) {
        0 => ObjectId::Root,
        1 => ObjectId::Id(OpId(start + u64::try_from(dice.below(count + 2)).unwrap_or(0), actor.clone())),
        2 => ObjectId::Id(OpId(any_counter(dice, start), any_actor(dice))),
        _ => {
            let containers = super::Containers::of(super::DOCUMENT, super::STEPS);
            let counter = u64::try_from(dice.below(9)).unwrap_or(0);
            ObjectId::Id(OpId(counter, ActorId::from(containers.founder)))
        }
    }
}

fn any_key(dice: &mut Dice<'_>, start: u64, actor: &ActorId) -> Key {
    let own = super::slot("edits", dice.byte()).key.to_string();
    match dice.below(7) {
        0 => Key::head(),
        1 => Key::Seq(ElementId::Id(OpId(start, actor.clone()))),
        2 => Key::Map("".into()),
        3 => Key::Map("x".repeat(dice.below(200)).into()),
        4 => Key::Map(own.to_lowercase().into()),
        5 => Key::Map(own.replace('1', "2").into()),
        _ => Key::Map(own.into()),
    }
}

fn any_counter(dice: &mut Dice<'_>, start: u64) -> u64 {
    [0, 1, 7, 8, start, start + 1, (1 << 32) - 1][dice.below(7)]
}

fn any_actor(dice: &mut Dice<'_>) -> ActorId {
    let [first, second, _] = super::DEVICES;
    [ActorId::from(first.0), ActorId::from(second.0), ActorId::from([0xee; 16]), ActorId::from([1, 2])]
        [dice.below(4)]
    .clone()
}
