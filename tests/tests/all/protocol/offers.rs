//! What copies still have after a restore: from whom it is taken, and how much of it.

use sync_core::document::name::DocumentName;
use sync_core::document::schema::RecordKind;
use sync_core::document::slot::Slot;
use sync_core::envelope::Content;
use sync_core::exchange::message::{HoldReason, HoldState, Offer, Request};
use sync_core::exchange::server::entry::{Hold, LogEntry};
use sync_core::exchange::server::receive::{RECOVERED_MAX, WAITING_MAX};
use sync_core::exchange::server::review::Review;
use tests::model::rights::Deed;
use tests::world::deeds;
use tests::world::hostile::signed;
use tests::world::people::{STUDENTS, person};

use super::{Story, log, own};

const CM: usize = 3;

/// Returns so many sessions that nobody made.
fn invented(story: &mut Story, name: &DocumentName, count: usize) -> Vec<Slot> {
    let make = |story: &mut Story| {
        let note = deeds::canary(name.id());
        let draft = story.draft("slp", name, Deed::Log, |make| {
            make.record(RecordKind::Session, deeds::session("slp", 30, note));
        });
        draft.slots
    };
    (0..count).flat_map(|_| make(story)).collect()
}

/// Lets the case manager's tablet offer records, and returns why it was refused, if it was.
fn offer(story: &mut Story, name: &DocumentName, slots: Vec<Slot>) -> Option<&'static str> {
    let offers = vec![Offer { name: name.clone(), incarnation: 0, slots }];
    let request = Request { offers, ..story.world.bare_request(CM, Vec::new()) };
    match story.world.server.check(request) {
        Ok(checked) => {
            let now = story.world.clock.now();
            story.world.server.take(now, vec![checked], false).unwrap();
            None
        }
        Err(unanswered) => Some(unanswered.code()),
    }
}

fn recovered(story: &Story) -> Vec<Hold> {
    let mut holds = story.world.server.index().all_waiting().unwrap();
    holds.retain(|hold| hold.reason == HoldReason::Recovered);
    holds
}

/// Restores the server, so that every tablet is of a life that is over.
fn restored() -> Story {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    story.session("slp");
    story.sync("slp");
    story.world.restore().unwrap();
    story
}

#[test]
fn of_the_present_life_nothing_is_taken() {
    let mut story = Story::school();
    story.session("slp");
    story.sync("slp");
    // The case manager's cursor lies below the horizon, and in this life all the same.
    story.below_the_horizon();
    let slots = invented(&mut story, &log(), 1);
    assert_eq!(offer(&mut story, &log(), slots), None);
    assert_eq!(recovered(&story), []);
}

#[test]
fn what_brings_nothing_founds_nothing() {
    let mut story = restored();
    let elsewhere = DocumentName { member: Some(person("cm")), ..own() };
    let note = Slot {
        container: RecordKind::Issued.container().into(),
        ..invented(&mut story, &log(), 1)[0].clone()
    };
    assert_eq!(offer(&mut story, &elsewhere, vec![note]), None);
    assert_eq!(story.world.server.index().document(elsewhere.id()), Ok(None));
}

#[test]
fn for_what_was_destroyed_since() {
    let mut story = restored();
    story.world.confirm().unwrap();
    let elsewhere = DocumentName { period: "2071-72".into(), ..log() };
    let slots = invented(&mut story, &elsewhere, 1);
    assert_eq!(offer(&mut story, &elsewhere, slots), None);
    let ids = [recovered(&story)[0].id];
    let (now, coord) = (story.world.clock.now(), person("coord"));
    let server = &mut story.world.server;
    server.decide(now, |desk| desk.emit(LogEntry::Gone { document: elsewhere.id() }).unwrap());
    assert_eq!(server.decide(now, |desk| desk.admit(coord, &ids).unwrap()), Review::Gone(ids[0]));
    let declined = server.decide(now, |desk| desk.decline(coord, &ids, "it was destroyed").unwrap());
    assert!(matches!(declined, Review::Decided(_)), "{declined:?}");
    assert_eq!(recovered(&story), []);
}

#[test]
fn in_a_period_that_nobody_knows() {
    let mut story = restored();
    story.world.confirm().unwrap();
    let elsewhere = DocumentName { period: "2071-72".into(), ..log() };
    let slots = invented(&mut story, &elsewhere, 1);
    assert_eq!(offer(&mut story, &elsewhere, slots.clone()), None);
    let holds = recovered(&story);
    assert_eq!(holds.len(), 1, "it is not lost");
    let founded = |story: &Story| story.world.server.index().document(elsewhere.id()).unwrap().is_some();
    assert!(!founded(&story), "and no team reads it");
    let now = story.world.clock.now();
    let ids = [holds[0].id];
    let review = story.world.server.decide(now, |desk| desk.admit(person("coord"), &ids).unwrap());
    assert_eq!(review, Review::Decided(vec![(ids[0], HoldState::Admitted { by: Some(person("coord")) })]));
    assert!(founded(&story) && elsewhere.subject == STUDENTS[0]);
    assert!(story.world.server.index().slot(elsewhere.id(), &slots[0].key).unwrap().is_some());
}

#[test]
fn a_name_that_no_document_has() {
    let mut story = restored();
    let nobodys = DocumentName { member: Some(person("slp")), ..log() };
    let slots = invented(&mut story, &nobodys, 1);
    assert_eq!(offer(&mut story, &nobodys, slots), None);
    assert_eq!(recovered(&story), []);
    assert_eq!(story.world.server.index().document(nobodys.id()), Ok(None));
}

#[test]
fn flood_of_offers() {
    let mut story = restored();
    let mut brought = 0;
    let refused = loop {
        let slots = invented(&mut story, &log(), 1_000);
        if let Some(refused) = offer(&mut story, &log(), slots) {
            break refused;
        }
        brought += 1_000;
        assert!(brought <= RECOVERED_MAX, "the quota ends it");
    };
    assert_eq!(
        (refused, brought, recovered(&story).len() as u64),
        ("over_quota", RECOVERED_MAX, RECOVERED_MAX)
    );
    // Its person's own work does not wait for what others are to decide of that.
    let now = story.world.clock.now();
    story.world.server.decide(now, |desk| desk.confirm_restored(None).unwrap());
    let device = story.world.tablets[CM].device;
    assert!(story.world.server.index().quota(device).unwrap().waiting < WAITING_MAX);
    let honest = invented(&mut story, &log(), 1);
    let envelope = signed(&story.world.tablets[0], &log(), Content::Slots(honest));
    let request = story.world.bare_request(0, vec![envelope]);
    assert!(story.world.server.check(request).is_ok());
    let ids = [recovered(&story)[0].id];
    let now = story.world.clock.now();
    story.world.server.decide(now, |desk| desk.admit(person("coord"), &ids).unwrap());
    let slots = invented(&mut story, &log(), 1);
    assert_eq!(offer(&mut story, &log(), slots), None, "what is decided makes room");
}
