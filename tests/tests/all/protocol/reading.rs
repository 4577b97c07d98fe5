//! Who is given what, when places begin and end.

use sync_core::document::schema::RecordKind;
use sync_core::exchange::client::copy::CopyError;
use sync_core::exchange::client::reply::NotTaken;
use sync_core::exchange::client::state::Phase;
use sync_core::exchange::message::{EndReason, Entry, HoldReason};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::{INLINE_CHANGES_MAX, LogRead};
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use tests::model::rights::Deed;
use tests::world::deeds;
use tests::world::people::STUDENTS;
use tests::world::server::Snapshot;

use super::{Story, log, tally, waits};

/// The para's substitute for a clinician in these stories: a place that reads the log, from today.
fn begins(story: &mut Story) {
    story.world.grant("para", 0, Role::Psy, 0, None).unwrap();
}

fn ends(story: &mut Story) {
    story.world.grant("para", 0, Role::Psy, 0, Some(-1)).unwrap();
}

const PARA: usize = 5;

/// A school in which the log has so many changes that whoever begins to read it fetches a snapshot.
fn with_history() -> Story {
    let mut story = Story::school();
    for _ in 0..=INLINE_CHANGES_MAX {
        story.session("slp");
        story.sync("slp");
    }
    story
}

fn phase(story: &Story) -> Option<Phase> {
    story.world.tablets[PARA].store().copy(log().id()).unwrap().map(|copy| copy.phase)
}

#[test]
fn policy_narrowed() {
    let mut story = Story::school();
    let opened = story.open_tally("slp");
    for device in ["slp", "para"] {
        story.sync(device);
    }
    let unsent = story.tap("para", &opened, 4);
    let grants = story.world.server.index().all_grants().unwrap();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    // What comes behind the end is nobody's any more who lost it.
    story.tap("slp", &opened, 3);
    story.sync("slp");
    let store = story.world.tablets[PARA].store();
    assert_eq!(store.policy().unwrap(), PolicyVersion::V1, "she has not heard of it");

    // The tablet's own policy would let it through: it travels as a change, and before anything of hers is purged.
    let asked = story.world.tablets[PARA].ask(900, story.world.clock.now(), &|_| false);
    assert_eq!((asked.request.policy, asked.changes.len()), (1, 1));
    let reply = story.world.ask_server(asked.request).unwrap();
    let told: Vec<&Entry> = reply.entries.iter().filter(|entry| !matches!(entry, Entry::Hold(_))).collect();
    let is_end = |entry: &&Entry| matches!(entry, Entry::End { why: EndReason::PolicyChanged, .. });
    assert_eq!(
        (told.len(), told.iter().filter(|entry| is_end(entry)).count()),
        (2, 2),
        "this year's and the next's"
    );
    let end = Entry::End { document: tally().id(), why: EndReason::PolicyChanged };
    assert!(told.contains(&&end), "not a byte of it, and all else stays: {told:?}");
    story.world.tablets[PARA].answered(900, &reply, story.world.clock.now(), false).unwrap().unwrap();
    assert_eq!(story.world.tablets[PARA].purge(), 2);
    let store = story.world.tablets[PARA].store();
    assert!(store.copy(tally().id()).unwrap().is_none() && store.copy(super::own().id()).unwrap().is_some());
    assert_eq!(store.policy().unwrap(), PolicyVersion::V2);
    let device = story.world.tablets[PARA].device;
    let now = story.world.clock.now();
    for cached in [false, true] {
        assert!(story.world.server.fetch(now, device, tally().id(), 0, cached).is_none(), "nor a snapshot");
    }

    assert_eq!(waits(&story, &unsent), Some(HoldReason::AccessEnded), "held, never dropped");
    let store = story.world.tablets[PARA].store();
    assert!(store.hold(story.id(&unsent)).unwrap().is_some(), "and shown");
    let hold = story.world.server.index().hold(story.id(&unsent)).unwrap().unwrap();
    assert_eq!(hold.policy, 2, "a verdict is kept with its version");
    assert_eq!(story.world.server.index().all_grants().unwrap(), grants, "no grant ended");

    story.world.set_policy(PolicyVersion::V1).unwrap();
    assert_eq!(waits(&story, &unsent), Some(HoldReason::AccessEnded), "nothing is judged again");
    story.sync("para");
    story.world.fetch(PARA, false).unwrap();
    let slots = story.world.tablets[PARA].store().slots(tally().id()).unwrap();
    assert_eq!(slots.len(), 2, "it begins again, and nothing is missing");
    story.admit("cm", &[&unsent]);
    assert!(story.stands(&unsent));
    story.ends();
}

#[test]
fn crash_before_purge() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    story.world.fetch(PARA, false).unwrap();
    ends(&mut story);
    story.sync("para");
    // Killed here; what was noted with the cursor is still there.
    story.world.tablets[PARA].kill();
    assert_eq!(
        story.world.tablets[PARA].store().to_purge().unwrap().len(),
        3,
        "the plan, and two years' logs"
    );
    story.world.tablets[PARA].purge();
    assert!(story.world.tablets[PARA].store().slots(log().id()).unwrap().is_empty());
    story.ends();
}

#[test]
fn logged_while_it_ends() {
    let mut story = Story::school();
    story.session("slp");
    story.sync("slp");
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    let now = story.world.clock.now();
    let asked = story.world.tablets[0].ask(900, now, &|_| false);
    // The question is on its way; the answer to it says that the place has ended.
    let made = story.session("slp");
    let reply = story.world.ask_server(asked.request).unwrap();
    story.world.tablets[0].answered(900, &reply, now, false).unwrap().unwrap();
    assert!(story.world.tablets[0].store().to_purge().unwrap().iter().any(|(of, _)| *of == log().id()));
    story.world.tablets[0].purge();
    let slots = story.world.tablets[0].store().slots(log().id()).unwrap();
    assert_eq!(slots.len(), 1, "what was not sent stays, beside what it builds on");
    story.sync("slp");
    assert_eq!(waits(&story, &made), Some(HoldReason::AccessEnded));
    assert!(story.world.tablets[0].purge() > 0);
    assert!(story.world.tablets[0].store().slots(log().id()).unwrap().is_empty());
    story.ends();
}

#[test]
fn crash_before_fetch() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    story.world.tablets[PARA].kill();
    assert!(matches!(phase(&story), Some(Phase::Fetching { .. })));
    story.world.fetch(PARA, false).unwrap();
    assert_eq!(phase(&story), Some(Phase::Whole));
    story.ends();
}

#[test]
fn purge_then_granted() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    story.world.fetch(PARA, false).unwrap();
    ends(&mut story);
    story.sync("para");
    assert!(!story.world.tablets[PARA].store().to_purge().unwrap().is_empty());
    begins(&mut story);
    story.sync("para");
    assert!(story.world.tablets[PARA].store().to_purge().unwrap().is_empty(), "`Begin` cancels it");
    assert_eq!(story.world.tablets[PARA].purge(), 0);
    story.ends();
}

#[test]
fn snapshot_older_than_begin() {
    let mut story = with_history();
    let cached = story.world.server.snapshot(log().id());
    story.session("slp");
    story.sync("slp");
    begins(&mut story);
    story.sync("para");
    let refused = story.world.tablets[PARA].fetched(log().id(), &cached);
    assert_eq!(refused, Err(CopyError::TooOld));
    story.world.fetch(PARA, false).unwrap();
    assert_eq!(story.world.tablets[PARA].store().slots(log().id()).unwrap().len(), 18);
    story.ends();
}

#[test]
fn a_snapshot_newer_than_the_cursor() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    // Two more come before the snapshot is made: it has them, and the next exchange brings them again.
    story.session("slp");
    story.sync("slp");
    story.session("slp");
    story.sync("slp");
    story.world.fetch(PARA, false).unwrap();
    story.sync("para");
    story.world.copies_are_the_servers(PARA).unwrap();
    story.ends();
}

#[test]
fn ended_while_paging() {
    let mut story = Story::school();
    begins(&mut story);
    story.sync("para");
    // As much as one page holds, and more behind it.
    let words = format!("{} {}", deeds::canary(log().id()), "long ".repeat(190));
    for _ in 0..3_600 {
        let words = words.clone();
        story.make("slp", &log(), Deed::Log, |make| {
            make.record(RecordKind::Session, deeds::session("slp", 30, words));
        });
    }
    for _ in 0..3 {
        story.sync("slp");
    }
    let now = story.world.clock.now();
    let outgoing = story.world.tablets[PARA].ask(900, now, &|_| false);
    let reply = story.world.ask_server(outgoing.request).unwrap();
    let brought = story.world.tablets[PARA].answered(900, &reply, now, false).unwrap().unwrap();
    assert!(brought.more);
    ends(&mut story);
    // The model looks into every reply: not a byte of the log is in those that follow.
    story.sync("para");
    assert_eq!(story.world.tablets[PARA].store().to_purge().unwrap().len(), 3);
}

#[test]
fn two_replies() {
    let mut story = Story::school();
    let now = story.world.clock.now();
    story.session("slp");
    story.sync("slp");
    let first = story.world.tablets[3].ask(900, now, &|_| false);
    let first = story.world.ask_server(first.request).unwrap();
    story.session("slp");
    story.sync("slp");
    let second = story.world.tablets[3].ask(901, now, &|_| false);
    let second = story.world.ask_server(second.request).unwrap();
    story.world.tablets[3].answered(901, &second, now, false).unwrap().unwrap();
    let late = story.world.tablets[3].answered(900, &first, now, false).unwrap();
    assert_eq!(late, Err(NotTaken::OtherCursor));
    story.world.copies_are_the_servers(3).unwrap();
    story.ends();
}

#[test]
fn flapping() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    story.world.fetch(PARA, false).unwrap();
    ends(&mut story);
    let hidden = story.session("slp");
    story.sync("slp");
    begins(&mut story);
    story.sync("para");
    story.world.fetch(PARA, false).unwrap();
    let slots = story.world.tablets[PARA].store().slots(log().id()).unwrap();
    assert!(slots.iter().any(|slot| slot.key == hidden.keys[0]), "nothing missing after");

    // Ended while the reply is written: it is decided, and not yet answered.
    let outgoing = story.world.tablets[PARA].ask(900, story.world.clock.now(), &|_| false);
    story.session("slp");
    story.sync("slp");
    ends(&mut story);
    let reply = story.world.ask_server(outgoing.request).unwrap();
    assert_eq!(reply.entries.iter().filter(|entry| matches!(entry, Entry::End { .. })).count(), 3);
    let changes = reply.entries.iter().filter(|entry| matches!(entry, Entry::Change { .. })).count();
    assert_eq!(changes, 0, "no byte outside a grant");
    story.ends();
}

#[test]
fn half_a_snapshot() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    let snapshot = story.world.server.snapshot(log().id());
    let half = Snapshot { bytes: snapshot.bytes[..snapshot.bytes.len() / 2].to_vec(), ..snapshot.clone() };
    assert_eq!(story.world.tablets[PARA].fetched(log().id(), &half), Err(CopyError::Unreadable));
    assert!(matches!(phase(&story), Some(Phase::Fetching { .. })), "half a snapshot is none");
    story.world.tablets[PARA].fetched(log().id(), &snapshot).unwrap();
    assert_eq!(phase(&story), Some(Phase::Whole));
    story.ends();
}

#[test]
fn what_comes_for_a_document_that_is_on_its_way() {
    let mut story = with_history();
    let note = deeds::canary(super::own().id());
    story.make("para", &super::own(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("para", 30, note));
    });
    begins(&mut story);
    story.sync("para");
    // The large one is still on its way; what is small goes on meanwhile, and what comes for the large one waits beside it.
    assert!(matches!(phase(&story), Some(Phase::Fetching { .. })));
    let small = story.goal("slp", "slp", 80);
    let beside = story.session("slp");
    story.sync("slp");
    story.sync("para");
    let store = story.world.tablets[PARA].store();
    assert!(store.record(small.name.id(), &small.keys[0]).unwrap().is_some());
    assert!(store.slots(log().id()).unwrap().is_empty());
    let at_least = store.to_fetch().unwrap()[0].1;
    let snapshot = story.world.server.snapshot(log().id());
    assert!(snapshot.seq >= at_least);
    story.world.tablets[PARA].fetched(log().id(), &snapshot).unwrap();
    let store = story.world.tablets[PARA].store();
    assert!(store.record(log().id(), &beside.keys[0]).unwrap().is_some());
    story.ends();
}

#[test]
fn logged_before_begin() {
    let mut story = with_history();
    begins(&mut story);
    story.sync("para");
    assert!(matches!(phase(&story), Some(Phase::Fetching { .. })));
    let note = deeds::canary(log().id());
    let made = story.make("para", &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("psy", 30, note));
    });
    story.sync("para");
    assert!(story.stands(&made), "logged, sent, stored");
    assert!(story.row("para", &made).is_some(), "and kept until the copy has it");
    let shown = story.world.tablets[PARA].shown(STUDENTS[0], log().id());
    assert!(shown.iter().any(|slot| slot.key == made.keys[0]));
    story.ends();
}

#[test]
fn midnight_down() {
    let mut story = Story::school();
    // One place ends with the first day, one begins on the third, one lies wholly inside the outage.
    story.world.grant("ot", 0, Role::Ot, -30, Some(0)).unwrap();
    story.world.grant("psy", 1, Role::Psy, 2, None).unwrap();
    story.world.grant("ot", 1, Role::Ot, 1, Some(1)).unwrap();
    let made = story.make("ot", &super::plan(), Deed::Goal("ot"), |make| {
        make.record(RecordKind::Goal, deeds::goal("ot", 80, deeds::canary(super::plan().id())));
    });
    let before = story.world.server.log.end();
    (0..3).for_each(|_| story.world.clock.pass_midnight());
    story.sync("ot");
    assert_eq!(waits(&story, &made), Some(HoldReason::AccessEnded));
    let ot = tests::world::people::person("ot");
    let theirs: Vec<(bool, u64)> = story
        .world
        .server
        .log
        .iter()
        .filter(|(seq, _)| *seq > before)
        .filter_map(|(seq, entry)| match entry {
            LogEntry::Begin { person, .. } if *person == ot => Some((true, seq)),
            LogEntry::End { person, .. } if *person == ot => Some((false, seq)),
            _ => None,
        })
        .collect();
    assert_eq!(theirs.iter().filter(|(begins, _)| *begins).count() * 2, theirs.len() - ended_outside(&story));
    let held = story.world.server.log.iter().find(|(_, entry)| entry.kind() == 14).map(|(seq, _)| seq);
    assert!(theirs.iter().all(|(_, seq)| Some(*seq) < held), "before anything else is judged");
    let psy = tests::world::people::person("psy");
    let log = tests::world::people::document(log().kind, STUDENTS[1], None);
    assert!(story.world.server.reads(psy, log.id()));
    story.ends();
}

/// How many documents of the first student ended for the OT: those of the place that began before the outage.
fn ended_outside(story: &Story) -> usize {
    let documents = story.world.server.index().documents(STUDENTS[0]).unwrap();
    documents.len()
}

#[test]
fn midnight_live() {
    let mut story = Story::school();
    story.world.grant("slp", 0, Role::Slp, -30, Some(0)).unwrap();
    let today = story.session("slp");
    story.sync("slp");
    assert!(story.stands(&today), "the last day is included");
    let tomorrow = story.session("slp");
    story.world.clock.pass_midnight();
    story.sync("slp");
    assert_eq!(waits(&story, &tomorrow), Some(HoldReason::AccessEnded));
    story.ends();
}

#[test]
fn half_a_frame() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    let (index, end) = (story.world.server.index.clone(), story.world.server.log.end());
    let id = story.id(&goal);
    // The power goes while an admission is written: its frame is not there, and neither is anything of it.
    let mut desk = story.world.server.desk(story.world.clock.now());
    desk.admit(tests::world::people::person("cm"), &[id]).unwrap();
    drop(desk.decide());
    story.world.server.restart([8; 16]);
    assert_eq!((&story.world.server.index, story.world.server.log.end()), (&index, end));
    assert_eq!(story.world.server.rebuilt(), index);
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal));
    story.admit("cm", &[&goal]);
    assert!(story.stands(&goal));
    story.ends();
}
