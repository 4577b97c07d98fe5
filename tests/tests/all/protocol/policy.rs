//! Another policy is in force: who reads what from then on, on a server that came back, too. The case that gave it its entries is
//! `policy_narrowed`, among those of reading.

use sync_core::document::schema::RecordKind;
use sync_core::exchange::client::state::ActState;
use sync_core::exchange::message::{EndReason, HoldReason};
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::reply::LogRead;
use sync_core::ids::DocumentId;
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use tests::model::rights::Deed;
use tests::world::deeds;
use tests::world::people::{STUDENTS, document, person};

use super::{Made, Story, own, plan, tally, waits};

const PARA: usize = 5;

/// Returns whether the tablet of the fifth device has a copy.
fn has(story: &Story, document: DocumentId) -> bool {
    story.world.tablets[PARA].store().copy(document).unwrap().is_some()
}

/// Returns what begins and ends for a person behind a place in the log, in its order.
fn told(story: &Story, name: &str, after: u64) -> Vec<(DocumentId, Option<EndReason>)> {
    let behind = story.world.server.log.iter().filter(|(seq, _)| *seq > after);
    let of = behind.filter_map(|(_, entry)| match entry {
        LogEntry::Begin { person: who, document, .. } if *who == person(name) => Some((*document, None)),
        LogEntry::End { person: who, document, why } if *who == person(name) => Some((*document, Some(*why))),
        _ => None,
    });
    of.collect()
}

#[test]
fn policy_narrowed_for_an_assistant() {
    let mut story = Story::school();
    // The para of these stories is an assistant from today.
    story.world.grant("para", 0, Role::Para, -30, Some(-1)).unwrap();
    story.world.grant("para", 0, Role::Asst, 0, None).unwrap();
    story.goal("slp", "slp", 80);
    story.sync("slp");
    story.sync("para");
    assert!(has(&story, plan().id()) && has(&story, tally().id()));
    let proposal = story.goal("para", "slp", 90);
    story.world.set_policy(PolicyVersion::V2).unwrap();
    story.sync("para");
    assert_eq!(waits(&story, &proposal), Some(HoldReason::AccessEnded));
    assert_eq!(story.world.tablets[PARA].purge(), 1);
    assert!(!has(&story, plan().id()), "the plan is gone");
    assert!(has(&story, tally().id()) && has(&story, own().id()), "and nothing else");
    assert!(matches!(story.state("para", &proposal), Some(ActState::Held(_))), "her own work stays with her");
    story.ends();
}

#[test]
fn policy_set_again() {
    let mut story = Story::school();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    let end = story.world.server.log.end();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    assert_eq!(story.world.server.log.end(), end, "what is in force already changes nothing");
    // Back and forth between two exchanges of hers: the last entry holds.
    let before = story.world.server.log.end();
    story.world.set_policy(PolicyVersion::V1).unwrap();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    let id = tally().id();
    let told_of_it: Vec<_> = told(&story, "para", before).into_iter().filter(|(of, _)| *of == id).collect();
    assert_eq!(told_of_it, [(id, None), (id, Some(EndReason::PolicyChanged))]);
    assert!(told(&story, "slp", before).is_empty(), "whoever reads as before is told nothing");
    story.sync("para");
    story.world.tablets[PARA].purge();
    assert!(!has(&story, id));
    story.ends();
}

#[test]
fn policy_narrowed_and_the_place_changed() {
    let mut story = Story::school();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    let before = story.world.server.log.end();
    story.world.grant("para", 0, Role::Psy, 0, None).unwrap();
    let id = tally().id();
    assert!(told(&story, "para", before).contains(&(id, None)), "two places are a union");
    let before = story.world.server.log.end();
    story.world.grant("para", 0, Role::Psy, 0, Some(-1)).unwrap();
    assert!(told(&story, "para", before).contains(&(id, Some(EndReason::PlaceChanged))));
    story.ends();
}

#[test]
fn policy_narrowed_after_the_backup() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    story.world.restore().unwrap();
    let index = story.world.server.index();
    assert_eq!(index.policy().unwrap(), PolicyVersion::V2, "a copy from before does not widen it again");
    assert!(!story.world.server.reads(person("para"), tally().id()));
    story.world.confirm().unwrap();
    story.sync("para");
    story.world.tablets[PARA].purge();
    assert!(!has(&story, tally().id()));
    story.ends();
}

/// Lets the para open a tally of the second student.
fn open_tally_of_the_second(story: &mut Story) -> Made {
    let name = document(tally().kind, STUDENTS[1], None);
    let fields = deeds::fields([
        ("role", "para".into()),
        ("goal", format!("{}/{}", person("para"), ulid::Ulid::from(7_u128)).into()),
        ("start", 1_760_000_000_000.into()),
    ]);
    story.make("para", &name, Deed::Tap, |make| {
        make.record(RecordKind::Tally, fields);
    })
}

#[test]
fn policy_narrowed_behind_a_grant_that_was_lost() {
    let mut story = Story::school();
    story.world.grant("para", 0, Role::Para, -30, Some(-1)).unwrap();
    story.world.back_up().unwrap();
    // In what will be lost, the second student's tallies were given, and taken by the policy before anything was sent.
    story.world.grant("para", 1, Role::Para, 0, None).unwrap();
    story.sync("para");
    let unsent = open_tally_of_the_second(&mut story);
    story.world.set_policy(PolicyVersion::V2).unwrap();
    story.world.restore().unwrap();
    story.world.confirm().unwrap();
    story.sync("para");
    assert_eq!(waits(&story, &unsent), Some(HoldReason::AccessEnded), "an honest act is never refused");
    story.ends();
}

#[test]
fn policy_narrowed_in_the_lost_tail() {
    let mut story = Story::school();
    story.world.set_policy(PolicyVersion::V2).unwrap();
    story.world.grant("para", 1, Role::Para, -30, None).unwrap();
    story.world.grant("cm", 1, Role::Cm, -30, None).unwrap();
    story.world.back_up().unwrap();
    // In what will be lost the policy was wider for a day: the place has been hers all along, and the tallies were for that day.
    story.world.set_policy(PolicyVersion::V1).unwrap();
    story.sync("para");
    let unsent = open_tally_of_the_second(&mut story);
    story.world.set_policy(PolicyVersion::V2).unwrap();
    story.world.restore().unwrap();
    story.sync("para");
    assert_eq!(
        story.state("para", &unsent),
        Some(ActState::Unsent),
        "what is new waits for the confirmation"
    );
    story.world.confirm().unwrap();
    story.sync("para");
    assert_eq!(waits(&story, &unsent), Some(HoldReason::AccessEnded), "an honest act is never refused");
    story.world.tablets[PARA].purge();
    assert!(
        !has(&story, unsent.name.id()) && matches!(story.state("para", &unsent), Some(ActState::Held(_)))
    );
    story.admit("cm", &[&unsent]);
    assert!(story.stands(&unsent), "and a person decides");
    story.ends();
}
