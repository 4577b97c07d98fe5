//! What a person should look at.

use super::*;

#[test]
fn a_goal_that_is_not_given_to_the_observer_or_not_known_is_flagged() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let assignment = desk.assign(goal, SLP);
    let observation = desk.observation(SLP, goal, TEN, 5);
    let nowhere = SlotKey::new(PSY, Ulid::from(99_u128));
    let lost = desk.observation(SLP, nowhere, TEN, 5);
    let record = desk.fold();
    assert_eq!(record.flags, BTreeSet::from([Flag::UnknownGoal(record.id(lost))]));
    desk.edit(SLP, assignment, "void", true, &[assignment]);
    let record = desk.fold();
    assert!(record.flags.contains(&Flag::UnassignedGoal(record.id(observation))));
    desk.documents.remove(&name(DocumentKind::Plan));
    assert!(desk.fold().flags.is_empty(), "who does not read the plan cannot know");
}

#[test]
fn a_part_in_another_mode_than_promised_is_flagged() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    desk.session(SLP, Some(service), &[("push-in", TEN, 20)]);
    assert!(desk.fold().flags.is_empty());
    let blended = desk.session(
        SLP,
        Some(service),
        &[("push-in", TEN + 60 * MINUTE, 20), ("pull-out", TEN + 80 * MINUTE, 15)],
    );
    let record = desk.fold();
    assert_eq!(record.flags, BTreeSet::from([Flag::ModeMismatch(record.id(blended))]));
}

#[test]
fn back_to_back_sessions_do_not_overlap() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    desk.session(SLP, Some(service), &[("push-in", TEN + 30 * MINUTE, 30)]);
    assert!(desk.fold().flags.is_empty());
}

#[test]
fn every_overlap_is_found_past_the_next_neighbour() {
    let mut desk = Desk::default();
    let long = desk.session(SLP, None, &[("push-in", TEN, 120)]);
    let short: Vec<SlotKey> =
        (1..4).map(|n| desk.session(SLP, None, &[("push-in", TEN + n * 20 * MINUTE, 5)])).collect();
    let record = desk.fold();
    let pairs = short.iter().map(|key| Flag::SessionsOverlap(record.id(long), record.id(*key)));
    assert_eq!(record.flags, pairs.collect());
}
