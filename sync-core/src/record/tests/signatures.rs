//! Certified, co-signed, stale.

use super::*;

#[test]
fn a_session_goes_from_draft_to_certified_and_back_when_it_is_amended() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 20)]);
    desk.slot_mut(session).fields.insert("state".into(), "draft".into());
    assert_eq!(desk.fold().session(session).state, State::Draft);
    desk.edit(SLP, session, "state", "complete", &[session]);
    assert_eq!(desk.fold().session(session).state, State::Complete);
    desk.sign(SLP, "certify", session);
    assert_eq!(desk.fold().session(session).state, State::Certified);
    let edit = desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).state, State::Amended);
    assert!(!record.session(session).certified);
    assert!(record.flags.is_empty(), "the amendment has its reason");
    desk.sign(SLP, "certify", session);
    assert_eq!(desk.fold().session(session).state, State::Certified);
    desk.slot_mut(edit).fields.remove("reason");
    let record = desk.fold();
    assert!(record.flags.contains(&Flag::NoReason { record: record.id(session), edit }));
}

#[test]
fn a_signature_covers_the_observations_that_name_the_session() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let session = desk.session(SLP, None, &[("push-in", TEN, 20)]);
    let observation = desk.observation(SLP, goal, TEN, 5);
    desk.slot_mut(observation).fields.insert("session".into(), text(session));
    desk.sign(SLP, "certify", session);
    assert_eq!(desk.fold().session(session).state, State::Certified);
    let edit = desk.edit(SLP, observation, "value.count", 6, &[observation]);
    assert_eq!(desk.fold().session(session).state, State::Amended);
    desk.edit(SLP, observation, "value.count", 5, &[edit]);
    assert_eq!(desk.fold().session(session).state, State::Certified, "the same values stand again");
    let another = desk.observation(SLP, goal, TEN, 1);
    desk.slot_mut(another).fields.insert("session".into(), text(session));
    assert_eq!(desk.fold().session(session).state, State::Amended);
}

#[test]
fn a_value_that_stands_beside_makes_the_signature_stale_even_where_it_does_not_count() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 20)]);
    let first = desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    desk.sign(SLP, "certify", session);
    desk.edit(SLP, session, "segments.1.minutes", 30, &[session]);
    assert_eq!(desk.fold().session(session).state, State::Amended);
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session, first]);
    assert_eq!(values(&desk.fold(), session, "segments.1.minutes").len(), 2);
}

#[test]
fn an_assistants_session_waits_for_a_supervisor_and_waits_again_after_a_change() {
    let mut desk = Desk::default();
    let session = desk.session(PARA, None, &[("push-in", TEN, 20)]);
    assert_eq!(desk.fold().session(session).state, State::PendingCosign);
    desk.sign(PARA, "certify", session);
    assert_eq!(desk.fold().session(session).state, State::PendingCosign);
    let amended = desk.edit(PARA, session, "segments.1.minutes", 25, &[session]);
    desk.sign(SLP, "cosign", session);
    assert_eq!(desk.fold().session(session).state, State::Cosigned);
    desk.edit(PARA, session, "segments.1.minutes", 20, &[amended]);
    assert_eq!(desk.fold().session(session).state, State::PendingCosign);
}

#[test]
fn nobody_certifies_for_others_or_cosigns_for_themselves() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 20)]);
    desk.sign(PSY, "certify", session);
    desk.sign(SLP, "cosign", session);
    let record = desk.fold();
    assert_eq!(record.session(session).state, State::Complete);
    assert_eq!(record.flags.len(), 2);
}

#[test]
fn reinstating_brings_back_what_was_signed() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 20)]);
    desk.sign(SLP, "certify", session);
    let void = desk.edit(SLP, session, "void", true, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).state, State::Void);
    assert!(!record.session(session).certified, "shown stale");
    desk.edit(PSY, session, "void", false, &[void]);
    assert_eq!(desk.fold().session(session).state, State::Certified);
}
