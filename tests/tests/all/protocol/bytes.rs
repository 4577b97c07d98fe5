//! The gate's cases of bytes alone, sent by a hostile device through the whole exchange.
//!
//! What is refused has its code, stands nowhere, and keeps nothing of the device's good work from being stored; what is only wrapped oddly
//! is issued, and everybody has it.

use automerge::legacy::{ElementId, Key, MarkData, ObjectId, Op, OpId, OpType, SortedVec};
use automerge::{ActorId, Change, ExpandedChange, ObjType, ScalarValue};
use sync_core::document::founding::containers_of;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::SlotKey;
use sync_core::envelope::Content;
use sync_core::exchange::message::Outcome;
use sync_core::gate::preparse::{KEY_BYTES_MAX, ROWS_MAX};
use sync_core::gate::trial::mutate::{data_of, leb, seal, signed_leb};
use sync_core::time::MOMENT_MAX;
use tests::model::rights::Deed;
use tests::world::deeds::{self, Draft};
use tests::world::hostile::change_of;
use tests::world::people::person;

use super::gate::send;
use super::{DEVICES, Made, Story, log};

/// Whose device means harm.
const WHO: &str = "slp";

fn session(story: &mut Story) -> Draft {
    let note = deeds::canary(log().id());
    story.draft(WHO, &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session(WHO, 30, note));
    })
}

/// The change in which an honest tablet would send a session, decoded, and the session.
fn honest(story: &mut Story) -> (Draft, ExpandedChange) {
    let draft = session(story);
    let bytes = change_of(&story.world.tablets[story.at(WHO)], &draft, |_| ()).unwrap();
    let change = Change::try_from(bytes.as_slice()).unwrap().decode();
    (draft, change)
}

fn encoded(change: ExpandedChange) -> Vec<u8> {
    Change::from(change).raw_bytes().to_vec()
}

/// The document's founder, who made its containers.
fn founder() -> ActorId {
    ActorId::from(containers_of(log().kind, log().id()).founder)
}

fn container(name: &str) -> ObjectId {
    let at = containers_of(log().kind, log().id()).get(name).unwrap();
    ObjectId::Id(OpId(at.counter, founder()))
}

fn own(change: &ExpandedChange, index: u64) -> OpId {
    OpId(change.start_op.get() + index, change.actor_id.clone())
}

/// The place of the first plain value among the operations.
fn value(change: &ExpandedChange) -> usize {
    change.operations.iter().position(|op| matches!(op.action, OpType::Put(_))).unwrap()
}

fn put(obj: ObjectId, key: &str) -> Op {
    let action = OpType::Put(ScalarValue::Int(1));
    Op { action, obj, key: Key::Map(key.into()), pred: SortedVec::new(), insert: false }
}

/// Lets the device go on with good work, which is returned, and everybody hear of it.
fn goes_on(story: &mut Story, what: &str) -> Made {
    let good = story.session(WHO);
    for device in [WHO].iter().chain(&DEVICES) {
        story.sync(device);
    }
    assert!(story.stands(&good), "{what}: what the device did afterwards is stored");
    good
}

/// Lets the device send these bytes, which are refused with this code, and then go on with good work.
fn refuses(story: &mut Story, what: &str, code: &str, key: Option<SlotKey>, bytes: Vec<u8>) {
    let before = story.world.server.changes(log().id());
    let fates = send(story, WHO, Vec::new(), Content::Change(bytes));
    assert_eq!(fates, [Outcome::Refused { code: code.into() }], "{what}");
    assert_eq!(story.world.server.changes(log().id()), before, "{what}: nothing of it is in the document");
    let good = goes_on(story, what);
    for (at, tablet) in story.world.tablets.iter().enumerate() {
        let shown = tablet.shown(tests::world::people::STUDENTS[0], log().id());
        assert!(shown.iter().all(|slot| Some(slot.key) != key), "{what}: tablet {at} has it");
        let reads = !DEVICES[at].starts_with("para");
        assert_eq!(shown.iter().any(|slot| slot.key == good.keys[0]), reads, "{what}: tablet {at}");
    }
    // Whatever was refused is evidence, and the coordinator is told.
    let refusals = story.world.server.index().refusals(usize::MAX).unwrap();
    assert_eq!(refusals.first().map(|(_, refusal)| refusal.code.as_str()), Some(code), "{what}");
}

/// Alters an honest session, and lets it be refused.
fn refuses_altered(story: &mut Story, what: &str, code: &str, alter: impl FnOnce(&mut ExpandedChange)) {
    let (draft, mut change) = honest(story);
    alter(&mut change);
    refuses(story, what, code, Some(draft.slots[0].key), encoded(change));
}

#[test]
fn any_predecessor() {
    let mut school = Story::school();
    let story = &mut school;
    let mark = MarkData { name: "bold".into(), value: ScalarValue::Null, expand: false };
    refuses_altered(story, "of its own", "predecessor", |c| {
        let at = value(c);
        c.operations[at].pred = vec![own(c, 0)].into();
    });
    refuses_altered(story, "of the founder's", "predecessor", |c| {
        let at = value(c);
        c.operations[at].pred = vec![OpId(4, founder())].into();
    });
    for (what, action) in [
        ("deletes", OpType::Delete),
        ("increments", OpType::Increment(1)),
        ("begins a mark", OpType::MarkBegin(mark)),
        ("ends a mark", OpType::MarkEnd(false)),
    ] {
        refuses_altered(story, what, "predecessor", |c| {
            let at = value(c);
            c.operations[at].action = action;
        });
    }
    refuses_altered(story, "inserts", "predecessor", |c| {
        let at = value(c);
        c.operations[at].insert = true;
    });
    refuses_altered(story, "at an element", "predecessor", |c| {
        let at = value(c);
        c.operations[at].key = Key::Seq(ElementId::Id(own(c, 0)));
    });
    for kind in [ObjType::List, ObjType::Text, ObjType::Table] {
        refuses_altered(story, "no map", "not_a_map", |c| c.operations[0].action = OpType::Make(kind));
    }
    school.ends();
}

#[test]
fn half_a_slot() {
    let mut school = Story::school();
    let story = &mut school;
    // A slot of the device's own that stands already.
    story.session(WHO);
    story.sync(WHO);
    let (_, stood) = story.world.server.changes(log().id()).pop().unwrap();
    let stood = own(&Change::try_from(stood.as_slice()).unwrap().decode(), 0);
    refuses_altered(story, "into a slot that stood", "unknown_container", |c| {
        c.operations.push(put(ObjectId::Id(stood), "late"));
    });
    refuses_altered(story, "into the root", "unknown_container", |c| {
        c.operations.push(put(ObjectId::Root, "late"));
    });
    refuses_altered(story, "into what comes later", "unknown_container", |c| {
        c.operations[0].obj = ObjectId::Id(own(c, 3));
    });
    refuses_altered(story, "a field twice", "key_twice", |c| {
        let at = value(c);
        c.operations.push(c.operations[at].clone());
    });
    refuses_altered(story, "a slot twice", "key_twice", |c| c.operations.push(c.operations[0].clone()));
    refuses_altered(story, "empty", "empty", |c| c.operations.clear());
    let slot = session(story).slots[0].key;
    refuses_altered(story, "a slot that is a number", "not_a_slot", |c| {
        c.operations.push(put(container("edits"), &slot.to_string()));
    });
    let others = SlotKey::new(person("cm"), slot.record);
    let twin = SlotKey { twin: Some(session(story).slots[0].content_hash()), ..slot };
    for (name, code) in [
        (others.to_string(), "other_member"),
        (twin.to_string(), "server_only"),
        (slot.to_string().to_lowercase(), "not_a_slot"),
        ("anything".to_owned(), "not_a_slot"),
        (String::new(), "not_a_slot"),
    ] {
        refuses_altered(story, &format!("named {name:?}"), code, |c| {
            c.operations[0].key = Key::Map(name.as_str().into());
        });
    }
    refuses_altered(story, "the server's notes", "server_only", |c| {
        c.operations[0].obj = container("issued")
    });
    school.ends();
}

/// The data of a change with these columns, written by this device, which names the founder.
fn columns(story: &mut Story, columns: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let (_, change) = honest(story);
    let mut data = front(&change, &[founder().to_bytes()]);
    data.extend(leb(columns.len() as u64));
    for (spec, column) in columns {
        data.extend([leb(u64::from(*spec)), leb(column.len() as u64)].concat());
    }
    data.extend(columns.iter().flat_map(|(_, column)| column.clone()));
    seal(&data)
}

/// The bytes of a change up to its columns.
fn front(change: &ExpandedChange, others: &[&[u8]]) -> Vec<u8> {
    let mut data = leb(change.deps.len() as u64);
    data.extend(change.deps.iter().flat_map(|dep| dep.0));
    data.push(16);
    data.extend(change.actor_id.to_bytes());
    data.extend([leb(change.seq), leb(change.start_op.get()), signed_leb(change.time)].concat());
    data.push(0);
    data.extend(leb(others.len() as u64));
    for other in others {
        data.push(16);
        data.extend_from_slice(other);
    }
    data
}

/// A run of `count` times the value with these bytes.
fn run(count: i64, value: &[u8]) -> Vec<u8> {
    [signed_leb(count), value.to_vec()].concat()
}

const KEY: u32 = 0x15;
const INSERT: u32 = 0x34;
const ACTION: u32 = 0x42;
const VALUE_META: u32 = 0x56;

#[test]
fn run_length_bomb() {
    let mut school = Story::school();
    let story = &mut school;
    let most = i64::try_from(ROWS_MAX).unwrap();
    for (what, spec, column) in [
        ("a million actions", ACTION, run(1_000_000, &[0])),
        ("one too many", ACTION, run(most + 1, &[0])),
        ("a trillion values", VALUE_META, run(1 << 40, &[0])),
        ("as many as there are numbers", VALUE_META, run(i64::MAX, &[0])),
        ("fewer than none", VALUE_META, run(i64::MIN, &[0])),
        ("nulls", KEY, [vec![0], leb(1 << 40)].concat()),
        ("two runs", ACTION, [run(most, &[0]), run(1, &[0])].concat()),
        ("flags", INSERT, [leb(u64::MAX), leb(u64::MAX)].concat()),
        ("a column that nobody knows", 0x1f2, run(1 << 40, &[0])),
    ] {
        let bytes = columns(story, &[(spec, column)]);
        assert!(bytes.len() < 200, "a few bytes");
        refuses(story, what, "too_many_rows", None, bytes);
    }
    school.ends();
}

#[test]
fn long_key() {
    let mut school = Story::school();
    let story = &mut school;
    let name = |length: usize| [leb(length as u64), vec![b'x'; length]].concat();
    for (what, key) in [
        ("twenty thousand times sixty thousand letters", run(20_000, &name(60_000))),
        ("one too many", run(1, &name(KEY_BYTES_MAX + 1))),
        ("longer than there are bytes", run(1, &leb(u64::MAX))),
    ] {
        let bytes = columns(story, &[(KEY, key)]);
        refuses(story, what, "key_too_long", None, bytes);
    }
    refuses_altered(story, "in an honest change", "key_too_long", |c| {
        let at = value(c);
        c.operations[at].key = Key::Map("x".repeat(KEY_BYTES_MAX + 1).as_str().into());
    });
    school.ends();
}

#[test]
fn deep_map() {
    let mut school = Story::school();
    let story = &mut school;
    for levels in [3, 100, 10_000] {
        refuses_altered(story, &format!("{levels} deep"), "too_deep", |c| {
            c.operations.truncate(1);
            for level in 0..levels {
                let mut op = put(ObjectId::Id(own(c, level)), "deeper");
                op.action = OpType::Make(ObjType::Map);
                c.operations.push(op);
            }
        });
    }
    school.ends();
}

/// Lets the device send a good session in these bytes: it is issued, and everybody who reads the document has it.
fn issues(story: &mut Story, what: &str, draft: Draft, bytes: Vec<u8>) {
    let issued = |story: &Story| story.world.counts.get("issued").copied().unwrap_or_default();
    let before = issued(story);
    let made = Made { act: draft.act.id, name: log(), keys: vec![draft.slots[0].key] };
    let slots = draft.slots.clone();
    let fates = send(story, WHO, vec![draft], Content::Change(bytes.clone()));
    assert_eq!(fates, [Outcome::Stored], "{what}: the content counts");
    assert_eq!(issued(story), before + 1, "{what}");
    assert!(story.stands(&made), "{what}");
    let stored = story.world.server.changes(log().id());
    assert!(stored.iter().all(|(_, change)| *change != bytes), "{what}: and not as it came");
    goes_on(story, what);
    for (at, tablet) in story.world.tablets.iter().enumerate() {
        let shown = tablet.shown(tests::world::people::STUDENTS[0], log().id());
        let has = shown.iter().find(|slot| slot.key == made.keys[0]);
        let wanted = Some(&slots[0]).filter(|_| !DEVICES[at].starts_with("para"));
        assert_eq!(has.map(deeds::said), wanted.map(deeds::said), "{what}: tablet {at}");
    }
}

#[test]
fn odd_wrapping() {
    type Alter = fn(&mut ExpandedChange);
    let mut school = Story::school();
    let story = &mut school;
    let alterations: [(&str, Alter); 8] = [
        ("an author's footer", |c| c.extra_bytes = vec![1, 1, 7]),
        ("a message", |c| c.message = Some("hello".into())),
        ("the earliest time", |c| c.time = i64::MIN),
        ("a time before 1970", |c| c.time = -1),
        ("a time too late", |c| c.time = MOMENT_MAX + 1),
        ("the latest time", |c| c.time = i64::MAX),
        ("a dep twice", |c| c.deps.push(c.deps[0])),
        ("many deps", |c| c.deps = (0..18).map(|n| automerge::ChangeHash([n; 32])).collect()),
    ];
    for (what, alter) in alterations {
        let (draft, mut change) = honest(story);
        alter(&mut change);
        issues(story, what, draft, encoded(change));
    }
    // Names an actor that no operation needs: automerge reads it, and would write the change without it.
    let (draft, change) = honest(story);
    let plain = encoded(change.clone());
    let founder = founder();
    let data = data_of(&plain);
    let columns = data.strip_prefix(front(&change, &[founder.to_bytes()]).as_slice()).unwrap();
    let odd = seal(&[&front(&change, &[founder.to_bytes(), &[0xff; 16]]), columns].concat());
    issues(story, "not canonical", draft, odd);
    school.ends();
}

#[test]
fn container_from_nowhere() {
    let mut school = Story::school();
    let story = &mut school;
    // Its deps do not reach what made the container: forked there, automerge would panic.
    let draft = session(story);
    let bytes = change_of(&story.world.tablets[0], &draft, |position| {
        position.deps.clear();
        position.start_op = 1;
    });
    let bytes = bytes.unwrap();
    issues(story, "before the founding", draft, bytes);
    // And a container that no step of this document has made.
    refuses_altered(story, "of a later step", "unknown_container", |c| {
        c.operations[0].obj = ObjectId::Id(OpId(99, founder()));
    });
    refuses_altered(story, "of another founder", "unknown_container", |c| {
        c.operations[0].obj = ObjectId::Id(OpId(4, ActorId::from([0xee; 16])));
    });
    school.ends();
}
