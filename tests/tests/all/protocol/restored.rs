//! A server that comes back from a copy of the past, with or without a word.

use std::collections::BTreeSet;

use sync_core::document::schema::RecordKind;
use sync_core::exchange::client::purge::everything;
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::server::review::Review;
use sync_core::ids::{DeviceId, HoldId, TabletId};
use sync_core::roster::role::Role;
use sync_core::roster::{Device, DeviceState};
use tests::model::rights::Deed;
use tests::world::deeds;
use tests::world::people::{NEWCOMER, STUDENTS, document, person};
use tests::world::tablet::Tablet;

use super::{DEVICES, Made, Story, log, own, plan, waits};

fn everybody(story: &mut Story) {
    for device in DEVICES {
        story.sync(device);
    }
}

fn confirm(story: &mut Story) {
    story.world.confirm().unwrap();
}

/// Lets a coordinator admit everything that was recovered.
fn admit_recovered(story: &mut Story) -> usize {
    let waiting = story.world.server.index().all_waiting().unwrap();
    let ids: Vec<HoldId> =
        waiting.iter().filter(|hold| hold.reason == HoldReason::Recovered).map(|hold| hold.id).collect();
    if !ids.is_empty() {
        let now = story.world.clock.now();
        let review = story.world.server.decide(now, |desk| desk.admit(person("coord"), &ids).unwrap());
        assert!(matches!(review, Review::Decided(_)), "{review:?}");
        story.world.observe(u64::MAX).unwrap();
    }
    ids.len()
}

fn recovered(story: &Story, made: &Made) -> Vec<HoldState> {
    let holds = story.world.server.index().holds().unwrap();
    let of = holds.into_iter().filter(|hold| hold.act == made.act && hold.reason == HoldReason::Recovered);
    of.map(|hold| hold.state).collect()
}

#[test]
fn restored_server() {
    let mut story = Story::school();
    let before = story.session("slp");
    story.sync("slp");
    story.world.back_up().unwrap();
    let after: Vec<Made> = (0..3).map(|_| story.session("slp")).collect();
    let (goal, held) = (story.goal("slp", "slp", 80), story.goal("ot", "slp", 70));
    story.sync("slp");
    story.sync("ot");
    everybody(&mut story);
    let edit = story.edit("cm", &goal, "target", 85, &[&goal]);
    everybody(&mut story);
    assert!(story.stands(&edit) && story.world.tablets[0].acts().is_empty(), "let go, all of it");

    story.world.restore().unwrap();
    assert!(!after.iter().any(|made| story.stands(made)));
    // The case manager's edit comes first: what it is about is not here yet.
    story.sync("cm");
    assert_eq!(waits(&story, &edit), Some(HoldReason::OnTop));
    everybody(&mut story);
    for made in after.iter().chain([&before, &goal, &edit]) {
        assert!(story.stands(made), "all receipted work comes back, confirmed or not");
    }
    assert_eq!(story.hold(&held), None, "what is to be judged waits for the confirmation");
    let cursors = story.world.tablets.iter().map(|tablet| tablet.store().cursor().unwrap().unwrap());
    assert!(cursors.into_iter().all(|cursor| !story.world.server.knows(&cursor)), "not a byte goes down");

    confirm(&mut story);
    everybody(&mut story);
    assert_eq!(waits(&story, &held), Some(HoldReason::Proposal), "held there, held again");
    let sessions = story.slots(&log()).iter().filter(|slot| slot.container == "sessions").count();
    assert_eq!(sessions, 4, "each once");
    assert_eq!(story.values(&goal, "target"), [85].into());
    let restored = story.world.server.index().restored().unwrap().unwrap();
    assert_eq!((restored.waiting, restored.resent), (false, 5));
    story.ends();
}

#[test]
fn restored_twice() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let monday = story.session("slp");
    everybody(&mut story);
    story.world.restore().unwrap();
    confirm(&mut story);
    let tuesday = story.session("slp");
    everybody(&mut story);
    assert!(story.stands(&monday) && story.stands(&tuesday));
    story.world.restore().unwrap();
    everybody(&mut story);
    assert!(story.stands(&monday) && story.stands(&tuesday), "both days' receipts count");
    confirm(&mut story);
    story.ends();
}

#[test]
fn server_actor_again() {
    let mut story = Story::school();
    let issue = |story: &mut Story| {
        story.world.server.verbatim = false;
        let made = story.session("slp");
        story.sync("slp");
        story.sync("cm");
        story.world.server.verbatim = true;
        made
    };
    let before = issue(&mut story);
    story.world.back_up().unwrap();
    // Tablets hold a change of the server's that the copy does not know: the next number of the same actor.
    let after = issue(&mut story);
    story.world.restore().unwrap();
    confirm(&mut story);
    let other = issue(&mut story);
    everybody(&mut story);
    for tablet in 0..DEVICES.len() {
        story.world.copies_are_the_servers(tablet).unwrap();
    }
    for made in [&before, &after, &other] {
        assert!(story.stands(made));
    }
    story.ends();
}

#[test]
fn founded_twice() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let name = document(own().kind, STUDENTS[1], Some(person("para")));
    story.world.grant("para", 1, Role::Para, -30, None).unwrap();
    story.sync("para");
    let heads = story.world.tablets[5].store().copy(name.id()).unwrap().unwrap().heads;
    let note = deeds::canary(name.id());
    let made = story.make("para", &name, Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("para", 30, note));
    });
    story.sync("para");
    story.world.restore().unwrap();
    story.sync("para");
    assert!(story.stands(&made), "founded again for what was receipted in it");
    confirm(&mut story);
    everybody(&mut story);
    let state = story.world.server.index().document(name.id()).unwrap().unwrap();
    let founding = story.world.server.changes(name.id()).len() - usize::try_from(state.changes).unwrap();
    assert_eq!((founding, state.changes), (heads.len(), 1), "the same founding, once");
    story.ends();
}

#[test]
fn rolled_back_folder() {
    let mut story = Story::school();
    let before = story.session("slp");
    everybody(&mut story);
    story.world.take_image().unwrap();
    let lost = story.session("slp");
    everybody(&mut story);
    story.world.set_back().unwrap();
    assert!(!story.stands(&lost) && !story.world.server.waits(), "nobody says so");
    // The server goes on, past the place that tablets have seen.
    let fresh = story.world.tablets.len();
    story.world.tablets.push(story.world.tablets[3].clone());
    story.world.tablets[fresh].memory = sync_core::kv::Memory::default();
    let tablet = &mut story.world.tablets[fresh];
    tablet.memory.apply(sync_core::exchange::client::view::paired(
        &sync_core::exchange::client::state::Profile {
            org: tests::world::people::ORG,
            person: tablet.person,
            device: tablet.device,
        },
    ));
    for _ in 0..3 {
        story.world.exchange(fresh).unwrap();
    }
    assert!(!story.world.server.waits(), "whoever has seen nothing finds nothing out");
    story.sync("ot");
    assert!(story.world.server.waits(), "found out by the first that has seen more");
    everybody(&mut story);
    assert!(story.stands(&lost) && story.stands(&before));
    confirm(&mut story);
    everybody(&mut story);
    story.ends();
}

/// Lets the SLP log after the backup, the case manager see it, and the server be restored; returns the SLP's tablets as they were before.
fn seen_by_a_colleague(story: &mut Story) -> (Made, Made, [Tablet; 2]) {
    let old = [story.world.tablets[0].clone(), story.world.tablets[1].clone()];
    story.world.back_up().unwrap();
    let session = story.session("slp");
    let edit = story.edit("slp", &session, "note", deeds::canary(log().id()), &[&session]);
    everybody(story);
    story.world.restore().unwrap();
    (session, edit, old)
}

#[test]
fn authors_tablet_died() {
    let mut story = Story::school();
    let (session, edit, old) = seen_by_a_colleague(&mut story);
    for (at, tablet) in old.into_iter().enumerate() {
        story.world.tablets[at] = tablet;
    }
    everybody(&mut story);
    assert_eq!(
        recovered(&story, &session),
        [HoldState::Waiting],
        "three colleagues have it, it is held once"
    );
    confirm(&mut story);
    everybody(&mut story);
    assert!(matches!(story.decide("cm", true, &[&session]), Review::Unknown(_)), "coordinators' to admit");
    assert_eq!(admit_recovered(&mut story), 2, "in bulk");
    assert!(story.stands(&session) && story.stands(&edit));
    story.ends();
}

#[test]
fn recovered_closes_by_itself_where_the_authors_own_arrives() {
    let mut story = Story::school();
    let (session, edit, _) = seen_by_a_colleague(&mut story);
    story.sync("cm");
    assert_eq!(recovered(&story, &session), [HoldState::Waiting]);
    story.sync("slp");
    assert!(story.stands(&session) && story.stands(&edit));
    for made in [&session, &edit] {
        assert_eq!(recovered(&story, made), [HoldState::Admitted { by: None }]);
    }
    confirm(&mut story);
    everybody(&mut story);
    assert_eq!(admit_recovered(&mut story), 0);
    story.ends();
}

#[test]
fn paired_in_the_lost_tail() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    // A student, a place on her team and a device, all of them new.
    story.world.move_in(NEWCOMER);
    story.world.grant_to("set", NEWCOMER, Role::Set, -30, None).unwrap();
    let at = story.world.pair("set");
    story.world.exchange(at).unwrap();
    let name = document(log().kind, NEWCOMER, None);
    let now = story.world.clock.now();
    let mut make = deeds::Maker::begin(&mut story.world.random, &story.world.tablets[at], name.clone(), now);
    let key = make.record(RecordKind::Session, deeds::session("set", 30, deeds::canary(name.id())));
    let draft = make.draft(Deed::Log);
    story.world.keep(at, draft);
    story.world.exchange(at).unwrap();
    let stands = |story: &Story| story.world.server.index().slot(name.id(), &key).unwrap().is_some();
    assert!(stands(&story));

    story.world.restore().unwrap();
    let device = story.world.tablets[at].device;
    assert!(story.world.server.index().device(device).unwrap().is_none());
    story.world.exchange(at).unwrap();
    assert!(stands(&story), "the certificate suffices to send");
    assert_eq!(
        story.world.server.index().parked().unwrap(),
        std::slice::from_ref(&name),
        "nobody has named the student"
    );
    let readers = story.world.server.index().readers(name.id()).unwrap();
    assert!(readers.is_empty(), "read by nobody");
    confirm(&mut story);
    assert_eq!(story.world.server.index().device(device).unwrap().unwrap().state, DeviceState::Active);

    story.world.move_in(NEWCOMER);
    assert_eq!(story.world.server.index().parked().unwrap(), []);
    story.world.exchange(at).unwrap();
    assert!(story.world.tablets[at].store().record(name.id(), &key).unwrap().is_some());
    story.ends();
}

#[test]
fn new_work_in_the_window() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let old = story.session("slp");
    story.sync("slp");
    story.world.restore().unwrap();
    let new = story.session("slp");
    story.sync("slp");
    assert!(story.stands(&old) && !story.stands(&new));
    story.sync("slp");
    assert!(story.row("slp", &new).is_some(), "it stays on the tablet");
    assert!(story.world.counts["waits to be confirmed"] > 0);
    confirm(&mut story);
    story.sync("slp");
    assert!(story.stands(&new));
    // Resending goes on for good.
    let late = story.world.tablets[5].store().cursor().unwrap().unwrap();
    assert!(!story.world.server.knows(&late));
    story.ends();
}

#[test]
fn revoked_after_backup() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let made = story.session("slp");
    story.sync("slp");
    story.world.revoke(0, true);
    let later = story.session("slp");
    story.sync("slp");
    assert_eq!(waits(&story, &later), Some(HoldReason::DeviceLost));
    // All that it could read is gone from it.
    let gone = everything(&story.world.tablets[0].memory).unwrap();
    story.world.tablets[0].memory.apply(gone);
    story.world.restore().unwrap();
    story.sync("slp");
    assert!(story.stands(&made), "stored by its receipts");
    let device = story.world.server.index().device(story.world.tablets[0].device).unwrap().unwrap();
    assert_eq!(device.state, DeviceState::Lost, "the revocation still stands");
    confirm(&mut story);
    story.sync("slp");
    assert_eq!(waits(&story, &later), Some(HoldReason::DeviceLost));
    story.ends();
}

#[test]
fn admitted_in_the_lost_tail() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    story.world.back_up().unwrap();
    story.admit("cm", &[&goal]);
    everybody(&mut story);
    story.world.restore().unwrap();
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal), "it waits again");
    everybody(&mut story);
    assert!(recovered(&story, &goal).is_empty(), "copies of it join it");
    confirm(&mut story);
    everybody(&mut story);
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal));
    story.admit("cm", &[&goal]);
    story.ends();
}

#[test]
fn withdrawn_in_the_window() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    let id = story.id(&goal);
    story.world.back_up().unwrap();
    story.session("slp");
    everybody(&mut story);
    story.world.restore().unwrap();
    story.world.tablets[2].withdraw(id);
    story.sync("ot");
    story.sync("ot");
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal), "a server that waits decides nothing");
    assert_eq!(story.world.tablets[2].store().withdrawals(), Ok(vec![id]), "and the tablet asks again");
    confirm(&mut story);
    story.sync("ot");
    assert_eq!(story.hold(&goal).unwrap().2, HoldState::Withdrawn);
    assert_eq!(story.world.tablets[2].store().withdrawals(), Ok(Vec::new()), "it ends");
    story.ends();
}

#[test]
fn withdrawn_while_the_server_has_lost_it() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let goal = story.goal("ot", "slp", 80);
    everybody(&mut story);
    let id = story.id(&goal);
    story.world.restore().unwrap();
    confirm(&mut story);
    assert_eq!(story.hold(&goal), None);
    story.world.tablets[2].withdraw(id);
    story.sync("ot");
    assert_eq!(story.hold(&goal).unwrap().2, HoldState::Withdrawn, "held again, and taken back");
    assert_eq!(story.world.tablets[2].store().withdrawals(), Ok(Vec::new()));
    story.ends();
}

#[test]
fn withdrawn_by_a_device_that_was_revoked() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    story.world.revoke(2, true);
    let id = story.id(&goal);
    story.world.tablets[2].withdraw(id);
    story.sync("ot");
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal), "whoever has it now takes nothing back");
}

#[test]
fn a_receipt_is_believed_for_what_it_was_given_alone() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let stored = story.goal("slp", "slp", 80);
    let held = story.goal("ot", "slp", 70);
    story.sync("slp");
    story.sync("ot");
    story.world.restore().unwrap();
    story.sync("slp");
    story.sync("ot");
    // The OT shows for the proposal the receipt that it was held, then one of a colleague's, then one with a bit flipped.
    let tablet = story.world.tablets[2].clone();
    let kept = tablet.store().kept_act(plan().id(), held.act).unwrap().unwrap();
    let others = story.world.tablets[0].store().kept_act(plan().id(), stored.act).unwrap().unwrap();
    let mut bent = others.receipt.unwrap();
    bent.keyed[3] ^= 1;
    for receipt in [kept.receipt.unwrap(), others.receipt.unwrap(), bent] {
        let now = story.world.clock.now();
        let mut request = story.world.tablets[2].ask(900, now, &|_| false).request;
        let sealed = tablet.store().sealed(plan().id(), held.act).unwrap();
        request.envelopes.clear();
        request.sealed = vec![sync_core::exchange::message::Sealed {
            document: plan().id(),
            act: held.act,
            sealed,
            receipt: Some(receipt),
        }];
        story.world.request(None, request).unwrap();
        story.world.commit(false).unwrap();
        assert!(!story.stands(&held));
    }
    confirm(&mut story);
    story.ends();
}

#[test]
fn a_purged_tablet_keeps_nothing_it_could_read() {
    let mut story = Story::school();
    let made = story.session("slp");
    story.sync("slp");
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    story.sync("slp");
    assert!(story.world.tablets[0].purge() > 0);
    assert_eq!(story.world.tablets[0].store().kept().unwrap().len(), 1, "its sealed copy stays");
    let canary = format!("canary {}", log().id());
    let readable = |story: &Story| {
        let mut rows = story.world.tablets[0].memory.iter();
        rows.any(|(_, value)| value.windows(canary.len()).any(|window| window == canary.as_bytes()))
    };
    assert!(!readable(&story));
    story.world.back_up().unwrap();
    story.sync("slp");
    assert!(story.world.tablets[0].store().kept().unwrap().is_empty(), "a backup covers it");
    assert!(story.stands(&made));
    story.ends();
}

#[test]
fn handed_in_without_its_person() {
    let mut story = Story::school();
    let made = story.session("slp");
    story.world.revoke(0, true);
    let now = story.world.clock.now();
    // No key signs anything here: it was signed and sealed when it was made.
    let handed = sync_core::exchange::client::outbox::compose_hand_in(&story.world.tablets[0].memory, now);
    let outgoing = handed.unwrap();
    assert!(outgoing.request.envelopes.is_empty() && outgoing.request.sealed.len() == 1);
    let reply = story.world.ask_server(outgoing.request.clone()).unwrap();
    assert!(reply.entries.is_empty() && reply.cursor.is_none());
    story.world.tablets[0].asked.push((900, outgoing));
    story.world.tablets[0].answered(900, &reply, now, false).unwrap().unwrap();
    assert_eq!(waits(&story, &made), Some(HoldReason::DeviceLost));
    assert_eq!(story.world.tablets[0].store().to_hand_in().unwrap(), 0);
    story.ends();
}

#[test]
fn what_cannot_be_opened_is_refused_and_kept() {
    let mut story = Story::school();
    let made = story.session("slp");
    let document = log().id();
    let mut request = story.world.bare_request(0, Vec::new());
    request.sealed = vec![sync_core::exchange::message::Sealed {
        document,
        act: made.act,
        sealed: b"sealed to somebody else".to_vec(),
        receipt: None,
    }];
    let reply = story.world.server_says(request);
    let codes: BTreeSet<String> = reply.into_iter().collect();
    assert_eq!(codes, ["sealed_unreadable".to_owned()].into());
    story.sync("slp");
    assert!(story.stands(&made));
}

#[test]
fn a_device_that_shows_a_certificate_is_what_the_register_says() {
    let mut story = Story::school();
    let key = tests::world::people::key_of("somebody new").verifying_key().to_bytes();
    let device = Device {
        id: DeviceId::of_key(&key),
        key,
        person: person("set"),
        tablet: TabletId([9; 16]),
        state: DeviceState::Active,
    };
    let now = story.world.clock.now();
    let state = DeviceState::Revoked;
    let (id, shown) = (device.id, device.clone());
    story.world.back_up().unwrap();
    story.world.server.decide(now, |desk| {
        let code = sync_core::document::slot::ContentHash([7; 16]);
        desk.emit(sync_core::exchange::server::entry::LogEntry::Device { device, code }).unwrap();
        desk.emit(sync_core::exchange::server::entry::LogEntry::DeviceState { device: id, state }).unwrap();
    });
    story.world.restore().unwrap();
    let certified = story.world.server.decide(now, |desk| desk.certify(shown).unwrap());
    assert_eq!(certified.state, DeviceState::Revoked);
    confirm(&mut story);
    let device = story.world.server.index().device(id).unwrap().unwrap();
    assert_eq!(device.state, DeviceState::Revoked, "confirming does not let it in");
}
