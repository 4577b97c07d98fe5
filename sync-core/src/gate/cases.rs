//! The gate's cases by name. Most of them broke an earlier draft, or a program written against automerge.

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};

use crate::document::change::{ActorTip, ChangeHash, Encoded, OP_MAX, Position, encode, outline};
use crate::document::founding::founding;
use crate::gate::refusal::Refusal;
use crate::gate::shape::shape_change;
use crate::gate::trial::mutate::{data_of, seal};
use crate::gate::trial::{DEVICES, DOCUMENT, MEMBER, Outcome, STEPS, Trial, slot};
use crate::gate::verbatim::{ChangeMeta, HEADS_MAX, History, Oddity, fits};
use crate::ids::{DeviceId, PersonId};
use crate::time::{MOMENT_MAX, Moment};

/// The device that signs in these cases, its next change, and that change decoded.
fn honest(trial: &Trial) -> (DeviceId, Encoded, ExpandedChange) {
    let (device, change) = trial.samples[0].clone();
    let expanded = Change::try_from(change.bytes.as_slice()).unwrap().decode();
    (device, change, expanded)
}

fn encoded(change: ExpandedChange) -> Vec<u8> {
    Change::from(change).raw_bytes().to_vec()
}

/// Judges the honest change after something was done to it.
fn judged(alter: impl FnOnce(&mut ExpandedChange)) -> Outcome {
    let trial = Trial::new().unwrap();
    let (device, _, mut change) = honest(&trial);
    alter(&mut change);
    trial.check(device, &encoded(change)).unwrap()
}

fn put(obj: ObjectId, key: &str, value: impl Into<ScalarValue>) -> Op {
    let action = OpType::Put(value.into());
    Op { action, obj, key: Key::Map(key.into()), pred: SortedVec::new(), insert: false }
}

fn own(change: &ExpandedChange, index: u64) -> OpId {
    OpId(change.start_op.get() + index, change.actor_id.clone())
}

#[test]
fn honest_changes_are_stored_verbatim() {
    let trial = Trial::new().unwrap();
    assert_eq!(trial.samples.len(), 4);
    for (device, change) in &trial.samples {
        assert_eq!(trial.check(*device, &change.bytes).unwrap(), Outcome::Verbatim);
    }
}

#[test]
fn any_predecessor() {
    let refused = Outcome::Refused(Refusal::Predecessor);
    let founder = ActorId::from(Trial::new().unwrap().containers.founder);
    let mark = MarkData { name: "bold".into(), value: ScalarValue::Null, expand: false };
    assert_eq!(judged(|c| c.operations[3].pred = vec![own(c, 1)].into()), refused);
    assert_eq!(judged(|c| c.operations[3].pred = vec![OpId(4, founder)].into()), refused);
    for action in [OpType::Delete, OpType::Increment(1), OpType::MarkBegin(mark), OpType::MarkEnd(false)] {
        assert_eq!(judged(|c| c.operations[3].action = action), refused);
    }
    assert_eq!(judged(|c| c.operations[3].insert = true), refused);
    assert_eq!(judged(|c| c.operations[3].key = Key::head()), refused);
    assert_eq!(judged(|c| c.operations[3].key = Key::Seq(ElementId::Id(own(c, 0)))), refused);
    for kind in [ObjType::List, ObjType::Text, ObjType::Table] {
        assert_eq!(
            judged(|c| c.operations[0].action = OpType::Make(kind)),
            Outcome::Refused(Refusal::NotAMap)
        );
    }
}

#[test]
fn half_a_slot() {
    let stood = OpId(8, ActorId::from(DEVICES[0].0));
    let founder = ActorId::from(Trial::new().unwrap().containers.founder);
    let container = ObjectId::Id(OpId(4, founder));
    let refused = |alter: &dyn Fn(&mut ExpandedChange)| judged(alter);
    let late = refused(&|c| c.operations.push(put(ObjectId::Id(stood.clone()), "late", 1)));
    assert_eq!(late, Outcome::Refused(Refusal::UnknownContainer));
    let root = refused(&|c| c.operations.push(put(ObjectId::Root, "late", 1)));
    assert_eq!(root, Outcome::Refused(Refusal::UnknownContainer));
    let ahead = refused(&|c| c.operations[0].obj = ObjectId::Id(own(c, 3)));
    assert_eq!(ahead, Outcome::Refused(Refusal::UnknownContainer));
    let twice = refused(&|c| c.operations.push(c.operations[1].clone()));
    assert_eq!(twice, Outcome::Refused(Refusal::KeyTwice));
    let slot_twice = refused(&|c| c.operations.push(c.operations[0].clone()));
    assert_eq!(slot_twice, Outcome::Refused(Refusal::KeyTwice));
    let no_map =
        refused(&|c| c.operations.push(put(container.clone(), &slot("edits", 99).key.to_string(), 1)));
    assert_eq!(no_map, Outcome::Refused(Refusal::NotASlot));
    let empty = refused(&|c| c.operations.clear());
    assert_eq!(empty, Outcome::Refused(Refusal::Empty));

    let key = slot("edits", 99).key;
    let other = crate::document::slot::SlotKey::new(PersonId([2; 16]), key.record);
    let twin = crate::document::slot::SlotKey { twin: Some(slot("edits", 99).content_hash()), ..key };
    for (name, refusal) in [
        (other.to_string(), Refusal::OtherMember),
        (twin.to_string(), Refusal::ServerOnly),
        (key.to_string().to_lowercase(), Refusal::NotASlot),
        ("anything".to_owned(), Refusal::NotASlot),
        (String::new(), Refusal::NotASlot),
    ] {
        let outcome = judged(|c| c.operations[0].key = Key::Map(name.as_str().into()));
        assert_eq!(outcome, Outcome::Refused(refusal), "{name}");
    }
    let issued = Trial::new().unwrap().containers.get("issued").unwrap().counter;
    let founder = ActorId::from(Trial::new().unwrap().containers.founder);
    let notes = judged(|c| c.operations[0].obj = ObjectId::Id(OpId(issued, founder.clone())));
    assert_eq!(notes, Outcome::Refused(Refusal::ServerOnly));
}

#[test]
fn foreign_scalars() {
    for value in [
        ScalarValue::Null,
        ScalarValue::F64(1.0),
        ScalarValue::Uint(1),
        ScalarValue::Timestamp(1),
        ScalarValue::counter(1),
        ScalarValue::Bytes(vec![1]),
        ScalarValue::Unknown { type_code: 11, bytes: vec![1] },
    ] {
        let outcome = judged(|c| c.operations[1].action = OpType::Put(value.clone()));
        assert_eq!(outcome, Outcome::Refused(Refusal::ForeignScalar), "{value:?}");
    }
}

/// The bytes of a change up to its columns.
fn front(change: &ExpandedChange, others: &[&[u8]]) -> Vec<u8> {
    let mut data = vec![u8::try_from(change.deps.len()).unwrap()];
    data.extend(change.deps.iter().flat_map(|dep| dep.0));
    data.push(16);
    data.extend(change.actor_id.to_bytes());
    // One change of the trial is the actor's second, on operation counters below 128, and its time takes six bytes.
    data.extend([u8::try_from(change.seq).unwrap(), u8::try_from(change.start_op.get()).unwrap()]);
    let mut time = change.time;
    while time > 0x3f {
        data.push(0x80 | u8::try_from(time & 0x7f).unwrap());
        time >>= 7;
    }
    data.push(u8::try_from(time).unwrap());
    data.push(0);
    data.push(u8::try_from(others.len()).unwrap());
    for other in others {
        data.push(16);
        data.extend_from_slice(other);
    }
    data
}

#[test]
fn odd_wrapping() {
    let issued = |oddity| Outcome::Issued(oddity);
    assert_eq!(judged(|c| c.extra_bytes = vec![1, 1, 7]), issued(Oddity::ExtraBytes), "an author footer");
    assert_eq!(judged(|c| c.message = Some("hello".into())), issued(Oddity::Message));
    for time in [i64::MIN, -1, MOMENT_MAX + 1, i64::MAX] {
        assert_eq!(judged(|c| c.time = time), issued(Oddity::Time), "{time}");
    }
    assert_eq!(judged(|c| c.time = MOMENT_MAX), Outcome::Verbatim);
    assert_eq!(judged(|c| c.deps.push(c.deps[0])), issued(Oddity::DepsOutOfOrder), "one twice");
    let many = |c: &mut ExpandedChange| c.deps = (0..18).map(|n| automerge::ChangeHash([n; 32])).collect();
    assert_eq!(judged(many), issued(Oddity::ManyDeps));

    let trial = Trial::new().unwrap();
    let (device, change, expanded) = honest(&trial);
    let founder = trial.containers.founder;
    let whole = data_of(&change.bytes);
    let columns = whole.strip_prefix(front(&expanded, &[&founder]).as_slice()).unwrap();
    // Names an actor that no operation needs: automerge reads it, and would write the change without it.
    let odd = seal(&[&front(&expanded, &[&founder, &[0xff; 16]]), columns].concat());
    assert_eq!(trial.check(device, &odd).unwrap(), issued(Oddity::NotCanonical));
    let mut turned = expanded.clone();
    turned.deps.reverse();
    let odd = seal(&[&front(&turned, &[&founder]), columns].concat());
    assert_eq!(trial.check(device, &odd).unwrap(), issued(Oddity::DepsOutOfOrder));
}

#[test]
fn wrong_history() {
    let issued = |oddity| Outcome::Issued(oddity);
    for seq in [0, 1, 3, u64::MAX] {
        assert_eq!(judged(|c| c.seq = seq), issued(Oddity::NotNext), "{seq}");
    }
    assert_eq!(judged(|c| c.deps.push(automerge::ChangeHash([0xff; 32]))), issued(Oddity::UnknownDep));
    let lone = |c: &mut ExpandedChange| c.deps.retain(|dep| dep.0 != honest_tip().0);
    assert_eq!(judged(lone), issued(Oddity::PreviousNotNamed));
    let (_, others, _) = honest(&Trial::new().unwrap());
    let signed_by_another = Trial::new().unwrap().check(DEVICES[1], &others.bytes).unwrap();
    assert_eq!(signed_by_another, issued(Oddity::ForeignActor));

    // The operations name each other by counter, so a jump has to move them all.
    let trial = Trial::new().unwrap();
    let (device, change, _) = honest(&trial);
    let outline = outline(&change.bytes).unwrap();
    for start_op in [outline.start_op - 1, outline.start_op + 1, OP_MAX / 2, OP_MAX - 1_000] {
        let (actor, seq, time, deps) = (device.0, outline.seq, outline.time, outline.deps.clone());
        let position = Position { actor, seq, start_op, time, deps };
        let change = encode(&trial.containers, &position, &[slot("edits", 50)]).unwrap();
        assert_eq!(trial.check(device, &change.bytes).unwrap(), issued(Oddity::StartOp), "{start_op}");
    }
}

fn honest_tip() -> ChangeHash {
    Trial::new().unwrap().index.actor(&DEVICES[0].0).unwrap().unwrap().hash
}

#[test]
fn container_from_nowhere() {
    let trial = Trial::new().unwrap();
    let first = founding(DOCUMENT, STEPS).swap_remove(0);
    let position = Position::next(DEVICES[2].0, None, &[first.hash], first.max_op, Moment(0));
    for (container, outcome) in
        [("edits", Outcome::Verbatim), ("later", Outcome::Issued(Oddity::ContainerFromNowhere))]
    {
        let change = encode(&trial.containers, &position, &[slot(container, 50)]).unwrap();
        assert_eq!(trial.check(DEVICES[2], &change.bytes).unwrap(), outcome);
    }
}

#[test]
fn many_heads() {
    let trial = Trial::new().unwrap();
    let founding = founding(DOCUMENT, STEPS).pop().unwrap();
    let mut index = trial.index.clone();
    for fork in 0..2_000u16 {
        let mut actor = [0xf0; 16];
        actor[..2].copy_from_slice(&fork.to_be_bytes());
        let position = Position::next(actor, None, &[founding.hash], founding.max_op, Moment(0));
        let change = encode(&trial.containers, &position, &[slot("edits", 50)]).unwrap();
        let shaped = shape_change(&change.bytes, &trial.containers, MEMBER, DeviceId(actor)).unwrap();
        match fits(shaped.wrapping().unwrap(), &index).unwrap() {
            Ok(meta) => {
                assert_eq!(meta, ChangeMeta { max_op: change.max_op, step: 2 });
                index.add(&outline(&change.bytes).unwrap());
            }
            Err(oddity) => assert_eq!(oddity, Oddity::ManyHeads),
        }
    }
    let heads = index.heads().unwrap();
    assert_eq!(heads.len(), HEADS_MAX);
    let tip = Some(ActorTip { seq: 1, hash: honest_tip() });
    let position = Position::next(DEVICES[0].0, tip, &heads, index.max_op(), Moment(0));
    let change = encode(&trial.containers, &position, &[slot("edits", 51)]).unwrap();
    let shaped = shape_change(&change.bytes, &trial.containers, MEMBER, DEVICES[0]).unwrap();
    assert!(fits(shaped.wrapping().unwrap(), &index).unwrap().is_ok());
    assert!(change.bytes.len() < 1_200, "{}", change.bytes.len());
}

#[test]
fn deep_map() {
    let deep = |levels: u64| {
        judged(|c| {
            c.operations.truncate(1);
            for level in 0..levels {
                let mut op = put(ObjectId::Id(own(c, level)), "deeper", 0);
                op.action = OpType::Make(ObjType::Map);
                c.operations.push(op);
            }
        })
    };
    assert_eq!(deep(2), Outcome::Verbatim);
    assert_eq!(deep(3), Outcome::Refused(Refusal::TooDeep));
    assert_eq!(deep(10_000), Outcome::Refused(Refusal::TooDeep));
}

#[test]
fn a_slot_that_stands_is_left_to_the_engine() {
    let outcome =
        judged(|c| c.operations[0].key = Key::Map(slot("observations", 1).key.to_string().as_str().into()));
    assert_eq!(outcome, Outcome::Stands);
}
