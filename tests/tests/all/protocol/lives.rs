//! New lives of a document, and copies that are put right.

use sync_core::document::change::ChangeHash;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::ContentHash;
use sync_core::envelope::Evidence;
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::kv::{KvRead, Write};
use sync_core::roster::role::Role;
use tests::model::rights::Deed;
use tests::world::deeds;
use tests::world::hostile::change_of;

use super::{DEVICES, Made, Story, log, waits};

const CM: usize = 3;

/// Puts a change into the log with which it cannot be opened, as a fault of ours might: it builds on something that nobody has.
fn poison(story: &mut Story) -> Made {
    let note = deeds::canary(log().id());
    let draft = story.draft("slp", &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("slp", 30, note));
    });
    let made = Made { act: draft.act.id, name: log(), keys: vec![draft.slots[0].key] };
    let nowhere = ChangeHash([9; 32]);
    let change = change_of(&story.world.tablets[0], &draft, |position| position.deps.push(nowhere)).unwrap();
    let origin = Origin::Verbatim {
        envelope: ContentHash([0; 16]),
        signature: [0; 64],
        evidence: Evidence { seen: None, app: "a fault".into() },
        policy: 1,
    };
    story.world.keep(0, draft);
    let now = story.world.clock.now();
    let document = log().id();
    story.world.server.decide(now, |desk| {
        desk.emit(LogEntry::Changed { document, change, origin }).unwrap();
    });
    story.world.observe(u64::MAX).unwrap();
    made
}

fn is_set_aside(story: &mut Story) {
    let now = story.world.clock.now();
    assert_eq!(story.world.server.set_aside_in(log().id(), now), 1, "one change is at fault");
    story.world.observe(u64::MAX).unwrap();
}

fn everybody(story: &mut Story) {
    for (at, device) in DEVICES.into_iter().enumerate() {
        story.sync(device);
        story.world.fetch(at, false).unwrap();
    }
}

fn incarnation(story: &Story, at: usize) -> u32 {
    story.world.tablets[at].store().copy(log().id()).unwrap().unwrap().incarnation
}

#[test]
fn set_aside() {
    let mut story = Story::school();
    let before = story.session("slp");
    story.sync("slp");
    let bad = poison(&mut story);
    for device in DEVICES {
        story.sync(device);
    }
    // Honest work lands on top of it, and would be invisible with it.
    let after: Vec<Made> = ["cm", "psy", "slp"].map(|device| story.session(device)).into();
    for device in DEVICES {
        story.sync(device);
    }
    is_set_aside(&mut story);
    assert_eq!(waits(&story, &bad), Some(HoldReason::SetAside), "its author's hold");
    assert!(story.stands(&before) && after.iter().all(|made| story.stands(made)) && !story.stands(&bad));
    everybody(&mut story);
    assert_eq!(incarnation(&story, CM), 1, "every copy is replaced");
    story.admit("cm", &[&bad]);
    assert!(story.stands(&bad), "what it says was never at fault");
    everybody(&mut story);
    story.ends();
}

#[test]
fn came_back_from_the_dead() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let bad = poison(&mut story);
    for device in DEVICES {
        story.sync(device);
    }
    let after = story.session("cm");
    story.sync("cm");
    is_set_aside(&mut story);
    story.world.restore().unwrap();
    assert_eq!(story.world.server.index().incarnation(log().id()), Ok(1), "the register is applied first");
    // The OT's tablet has the document as it was, and offers it.
    assert_eq!(incarnation(&story, 2), 0);
    story.sync("ot");
    let recovered = story.world.server.index().waiting(log().id()).unwrap();
    assert!(recovered.is_empty(), "not taken");
    story.world.confirm().unwrap();
    everybody(&mut story);
    assert_eq!(waits(&story, &bad), Some(HoldReason::SetAside), "no receipt brings it back");
    assert!(story.stands(&after) && !story.stands(&bad));
    assert_eq!(incarnation(&story, 2), 1);
    story.ends();
}

#[test]
fn set_aside_behind_the_backup() {
    let mut story = Story::school();
    let bad = poison(&mut story);
    for device in DEVICES {
        story.sync(device);
    }
    let before = story.session("cm");
    story.sync("cm");
    story.world.back_up().unwrap();
    for device in DEVICES {
        story.sync(device);
    }
    let kept = story.world.tablets[0].store().kept_act(log().id(), bad.act).unwrap();
    assert!(kept.is_none(), "a backup covers it: no tablet can bring it back");
    is_set_aside(&mut story);
    story.world.restore().unwrap();
    assert_eq!(story.world.server.index().incarnation(log().id()), Ok(1), "the register is applied first");
    assert!(story.stands(&before) && !story.stands(&bad));
    assert_eq!(waits(&story, &bad), Some(HoldReason::SetAside), "its author's hold, as it was");
    story.world.confirm().unwrap();
    everybody(&mut story);
    story.admit("cm", &[&bad]);
    assert!(story.stands(&bad));
    everybody(&mut story);
    story.ends();
}

#[test]
fn set_aside_what_came_late() {
    let mut story = Story::school();
    let made = story.session("slp");
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    story.sync("slp");
    story.admit("cm", &[&made]);
    let place = story.world.server.index().slot(log().id(), &made.keys[0]).unwrap().unwrap().seq;
    let (now, as_it_was) = (story.world.clock.now(), story.world.server.log.clone());
    story.world.server.decide(now, |desk| desk.set_aside(&as_it_was, log().id(), &[place].into()).unwrap());
    assert_eq!(waits(&story, &made), Some(HoldReason::SetAside));
    let held = story.world.server.index().hold(story.id(&made)).unwrap().unwrap();
    assert!(held.late, "late for ever, whoever lets it in again");
}

#[test]
fn admitted_again_and_behind_the_backup_another_one() {
    let mut story = Story::school();
    let first = poison(&mut story);
    is_set_aside(&mut story);
    story.admit("cm", &[&first]);
    everybody(&mut story);
    story.world.back_up().unwrap();
    let second = poison(&mut story);
    is_set_aside(&mut story);
    assert!(story.stands(&first) && !story.stands(&second));
    story.world.restore().unwrap();
    assert_eq!(story.world.server.index().incarnation(log().id()), Ok(2));
    assert!(story.stands(&first), "what was let in again stays in");
    story.world.confirm().unwrap();
    everybody(&mut story);
    assert_eq!(waits(&story, &second), Some(HoldReason::SetAside));
    story.ends();
}

/// Lets the case manager's tablet lose what it has, but not how far it looked.
fn loses_a_change(story: &mut Story) {
    story.sync("cm");
    let old = story.world.tablets[CM].memory.clone();
    story.session("slp");
    story.sync("slp");
    story.sync("cm");
    let cursor = story.world.tablets[CM].memory.get(b"mcursor").unwrap().unwrap();
    story.world.tablets[CM].memory = old;
    story.world.tablets[CM].memory.apply([Write::Put(b"mcursor".to_vec(), cursor)]);
    assert!(story.world.copies_are_the_servers(CM).is_err());
}

#[test]
fn repaired_by_the_listing() {
    let mut story = Story::school();
    loses_a_change(&mut story);
    story.sync("cm");
    assert!(story.world.copies_are_the_servers(CM).is_err(), "copies are compared once a day");
    story.world.clock.pass_midnight();
    story.sync("cm");
    story.world.fetch(CM, false).unwrap();
    story.world.copies_are_the_servers(CM).unwrap();
    story.ends();
}

/// Lets the case manager fetch a snapshot that is newer than her cursor, out of a stretch that is then set back; returns what stood there.
fn phantom(story: &mut Story) -> Made {
    poison(story);
    is_set_aside(story);
    for device in DEVICES {
        story.sync(device);
    }
    for at in (0..DEVICES.len()).filter(|at| *at != CM) {
        story.world.fetch(at, false).unwrap();
    }
    story.world.take_image().unwrap();
    let lost = story.session("slp");
    story.sync("slp");
    // The case manager's cursor lies before the image.
    story.world.fetch(CM, false).unwrap();
    story.world.set_back().unwrap();
    lost
}

#[test]
fn a_snapshot_newer_than_what_is_left() {
    let mut story = Story::school();
    let lost = phantom(&mut story);
    assert!(story.world.is_set_back(), "no tablet has shown what it saw");
    // Others go on meanwhile, and the log comes to be as long as it was, and longer.
    for _ in 0..4 {
        story.session("ot");
        story.sync("ot");
    }
    story.sync("cm");
    assert!(!story.world.is_set_back(), "the snapshot's mark shows it at once, whatever the cursor says");
    story.world.come_to_rest().unwrap();
    let stands = story.world.tablets[CM].store().record(log().id(), &lost.keys[0]).unwrap();
    assert!(stands.is_some(), "its author brings it back");
    story.ends();
}

#[test]
fn fetched_from_a_stretch_that_was_set_back() {
    let mut story = Story::school();
    // Of a server that shows nothing for a snapshot's place.
    story.world.server.marks = false;
    let lost = phantom(&mut story);
    for _ in 0..4 {
        story.session("ot");
        story.sync("ot");
    }
    for _ in 0..2 {
        story.sync("cm");
    }
    story.world.fetch(CM, false).unwrap();
    assert!(story.world.is_set_back(), "no tablet has shown what it saw");
    story.world.copies_are_the_servers(CM).unwrap();
    let phantom = story.world.tablets[CM].store().record(log().id(), &lost.keys[0]).unwrap();
    assert!(phantom.is_none(), "compared at once, and not with the next day's listing");
    story.ends();
}

#[test]
fn below_the_horizon() {
    let mut story = Story::school();
    let (mine, made) = (story.session("para"), story.session("slp"));
    story.world.grant("para", 0, Role::Para, -30, Some(-1)).unwrap();
    let para = story.at("para");
    let away = story.world.tablets[para].clone();
    story.sync("para");
    story.sync("slp");
    story.decide("cm", false, &[&mine]);
    story.world.grant("psy", 0, Role::Psy, -30, Some(-1)).unwrap();
    // The para's tablet was away meanwhile, and so were those of the OT and of the psychologist.
    story.world.tablets[para] = away;
    story.below_the_horizon();
    for (at, device) in DEVICES.into_iter().enumerate() {
        story.sync(device);
        story.world.fetch(at, false).unwrap();
        story.world.tablets[at].purge();
    }
    assert!(
        story.world.tablets[2].store().record(log().id(), &made.keys[0]).unwrap().is_some(),
        "a snapshot"
    );
    assert!(story.world.tablets[4].store().copies().unwrap().is_empty(), "what ended meanwhile has ended");
    let store = story.world.tablets[para].store();
    let hold = store.hold(story.id(&mine)).unwrap().unwrap();
    assert!(matches!(hold.state, HoldState::Declined { .. }), "state and reason");
    assert!(store.slots(super::own().id()).unwrap().is_empty(), "never a present value");
    // Everything goes on from there.
    let after = story.session("cm");
    story.sync("cm");
    story.sync("ot");
    assert!(story.world.tablets[2].store().record(log().id(), &after.keys[0]).unwrap().is_some());
}

#[test]
fn a_copy_that_is_missing_begins_again() {
    let mut story = Story::school();
    let made = story.session("slp");
    story.sync("slp");
    story.sync("cm");
    let row = [b"C".as_slice(), &log().id().0].concat();
    story.world.tablets[CM].memory.apply([Write::Delete(row)]);
    story.world.clock.pass_midnight();
    story.sync("cm");
    story.world.fetch(CM, false).unwrap();
    assert!(story.world.tablets[CM].store().record(log().id(), &made.keys[0]).unwrap().is_some());
    story.ends();
}
