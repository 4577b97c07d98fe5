//! What concurrent offline edits must yield, row by row.

use super::*;

#[test]
fn different_observations_and_sessions_are_all_kept() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    for by in [SLP, PSY, PARA] {
        desk.observation(by, goal, TEN, 5);
        desk.session(by, None, &[("push-in", TEN, 5)]);
    }
    let record = desk.fold();
    assert_eq!((record.observations.len(), record.sessions.len()), (3, 3));
}

fn tally(desk: &mut Desk, goal: SlotKey) -> SlotKey {
    let values = fields([("role", "slp".into()), ("goal", text(goal)), ("start", TEN.into())]);
    desk.add(DocumentKind::Tally, "tallies", SLP, values)
}

fn tap(desk: &mut Desk, by: PersonId, tally: SlotKey, n: i64) -> SlotKey {
    desk.add(DocumentKind::Tally, "taps", by, fields([("tally", text(tally)), ("n", n.into())]))
}

#[test]
fn a_shared_tally_adds_up_with_its_breakdown_and_undo_is_ones_own() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let tally = tally(&mut desk, goal);
    tap(&mut desk, SLP, tally, 5);
    let more = tap(&mut desk, PARA, tally, 4);
    tap(&mut desk, PARA, tally, -1);
    assert_eq!(desk.fold().tallies[0].total(), 8);
    assert_eq!(desk.fold().tallies[0].by, BTreeMap::from([(SLP, 5), (PARA, 3)]));
    tap(&mut desk, PARA, tally, -9);
    assert_eq!(desk.fold().tallies[0].by, BTreeMap::from([(SLP, 5), (PARA, 0)]), "never below zero");
    desk.edit(SLP, more, "void", true, &[more]);
    assert_eq!(desk.fold().tallies[0].total(), 5);
}

#[test]
fn two_primary_observers_of_the_same_time_are_never_added_and_the_assigned_one_counts() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let slp = desk.observation(SLP, goal, TEN, 5);
    let psy = desk.observation(PSY, goal, TEN + 5 * MINUTE, 5);
    let record = desk.fold();
    assert!(record.observation(slp).counts && !record.observation(psy).counts, "the lower id");
    desk.assign(goal, PSY);
    let record = desk.fold();
    assert!(!record.observation(slp).counts && record.observation(psy).counts, "the one assigned");
    let (counted, set_aside) = (record.id(psy), record.id(slp));
    assert!(record.flags.contains(&Flag::SameEventsOrShared { counted, set_aside }));
    let aside =
        |desk: &Desk| desk.fold().flags.iter().any(|flag| matches!(flag, Flag::SameEventsOrShared { .. }));
    let void = desk.edit(SLP, slp, "void", true, &[slp]);
    assert!(!aside(&desk), "answered by taking one of them out");
    desk.edit(SLP, slp, "void", false, &[void]);
    assert!(aside(&desk));
    desk.slot_mut(slp).fields.insert("observer".into(), "reliability".into());
    assert!(!aside(&desk), "a check of agreement is no second count");
    assert!(!desk.fold().observation(slp).counts);
}

#[test]
fn observers_of_different_times_or_goals_and_one_observers_own_all_count() {
    let mut desk = Desk::default();
    let (goal, other) = (desk.goal(80_000), desk.goal(80_000));
    desk.observation(SLP, goal, TEN, 5);
    desk.observation(SLP, goal, TEN + MINUTE, 5);
    desk.observation(PSY, goal, TEN + 11 * MINUTE, 5);
    desk.observation(PSY, other, TEN, 5);
    let record = desk.fold();
    assert!(record.observations.iter().all(|observation| observation.counts));
}

#[test]
fn the_same_session_logged_twice_is_kept_and_flagged() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let one = desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    let two = desk.session(SLP, Some(service), &[("push-in", TEN + 20 * MINUTE, 30)]);
    let record = desk.fold();
    let (one, two) = (record.id(one), record.id(two));
    assert!(record.flags.contains(&Flag::Duplicate(one, two)));
    assert!(record.flags.contains(&Flag::SessionsOverlap(one, two)));
}

#[test]
fn each_field_of_each_segment_is_edited_by_itself_and_an_overlap_is_flagged() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 20), ("pull-out", TEN + 20 * MINUTE, 15)]);
    assert!(desk.fold().flags.is_empty());
    assert_eq!(desk.fold().session(session).mode(), Some(BLENDED));
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    desk.edit(SLP, session, "segments.2.mode", "push-in", &[session]);
    let record = desk.fold();
    assert!(record.conflicts.is_empty());
    assert_eq!(
        (record.session(session).minutes(), record.session(session).mode()),
        (Some(40), Some("push-in"))
    );
    assert!(record.flags.contains(&Flag::SegmentsOverlap(record.id(session))));
}

#[test]
fn segments_that_together_are_more_than_a_session_can_be_count_as_none() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 240), ("push-in", TEN + 300 * MINUTE, 240)]);
    assert_eq!(desk.fold().session(session).minutes(), Some(480));
    desk.edit(SLP, session, "segments.1.minutes", 241, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).minutes(), None);
    assert!(record.flags.contains(&Flag::Faulty(record.id(session))));
}

#[test]
fn a_miss_beside_a_delivered_session_is_kept_and_flagged() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let session = desk.session(SLP, Some(service), &[("push-in", TEN, 30)]);
    let missed = desk.missed(service, "2026-10-05", "provider_absent");
    let record = desk.fold();
    let (missed, session) = (record.id(missed), record.id(session));
    assert!(record.flags.contains(&Flag::MissedBesideDelivered { missed, session }));
}

#[test]
fn notes_goals_and_their_figures_keep_both_versions() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    for (target, field, one, two) in [
        (goal, "statement", Value::from("A"), Value::from("B")),
        (goal, "plain_statement", "A".into(), "B".into()),
        (goal, "target", 70_000.into(), 90_000.into()),
        (goal, "baseline", 10_000.into(), 20_000.into()),
        (goal, "criterion", "3 of 5".into(), "4 of 5".into()),
        (goal, "target_date", "2027-05-01".into(), "2027-06-01".into()),
        (session, "note", "A".into(), "B".into()),
    ] {
        desk.edit(SLP, target, field, one.clone(), &[target]);
        desk.edit(PSY, target, field, two.clone(), &[target]);
        let record = desk.fold();
        assert_eq!(values(&record, target, field), [Some(one), Some(two)], "{field}");
        let conflict = record.conflicts.iter().find(|conflict| conflict.field == field).unwrap();
        let lowest =
            conflict.values.iter().flat_map(|one| &one.said).min_by_key(|said| prefer::hash_of(&said.id));
        assert_eq!(conflict.effective, lowest.unwrap().value, "the lower hash of the id counts");
        assert_eq!(record.find(target).unwrap().leaf(field), conflict.effective.as_ref());
    }
}

#[test]
fn a_goal_added_twice_is_kept_twice() {
    let mut desk = Desk::default();
    desk.goal(80_000);
    desk.goal(80_000);
    assert_eq!(desk.fold().goals.len(), 2);
}

#[test]
fn a_service_counts_with_the_higher_promise_until_it_is_resolved() {
    for (field, one, two, counts) in [
        ("minutes", Value::from(20), Value::from(45), Some(Value::from(45))),
        ("sessions", 3.into(), 1.into(), Some(3.into())),
        ("period", "month".into(), "day".into(), Some("day".into())),
        ("from", "2026-08-20".into(), "2026-09-10".into(), Some("2026-08-20".into())),
        ("to", "2027-01-31".into(), "2027-05-31".into(), Some("2027-05-31".into())),
    ] {
        for (first, second) in [(&one, &two), (&two, &one)] {
            let mut desk = Desk::default();
            let service = desk.service(2, 30);
            desk.edit(SLP, service, field, first.clone(), &[service]);
            desk.edit(PSY, service, field, second.clone(), &[service]);
            let record = desk.fold();
            assert_eq!(record.conflicts[0].effective, counts, "{field}");
        }
    }
}

#[test]
fn of_two_reasons_for_a_miss_the_one_that_is_owed_counts() {
    for reasons in [["student_absent", "provider_absent"], ["provider_absent", "student_absent"]] {
        let mut desk = Desk::default();
        let service = desk.service(2, 30);
        let missed = desk.missed(service, "2026-10-05", "not_logged");
        for reason in reasons {
            desk.edit(SLP, missed, "reason", reason, &[missed]);
        }
        let reason = desk.fold().missed[0].reason.map(|reason| reason.code());
        assert_eq!(reason, Some("provider_absent"));
    }
}

#[test]
fn amendments_of_different_fields_both_apply() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    desk.edit(SLP, session, "segments.1.place", "gym", &[session]);
    let record = desk.fold();
    assert_eq!((record.session(session).minutes(), record.session(session).place()), (Some(25), Some("gym")));
    assert!(record.conflicts.is_empty());
}

#[test]
fn two_amendments_of_a_certified_field_are_kept_and_the_signature_is_stale() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    desk.sign(SLP, "certify", session);
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    desk.edit(SLP, session, "segments.1.minutes", 20, &[session]);
    let record = desk.fold();
    assert_eq!(values(&record, session, "segments.1.minutes"), [Some(20.into()), Some(25.into())]);
    assert_eq!(record.session(session).state, State::Amended);
}

#[test]
fn a_void_counts_beside_an_amendment_and_reinstating_restores_the_amended_value() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    let observation = desk.observation(SLP, goal, TEN, 5);
    desk.slot_mut(observation).fields.insert("session".into(), text(session));
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    let void = desk.edit(PSY, session, "void", true, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).state, State::Void);
    assert!(!record.observation(observation).counts, "its data are excluded, too");
    assert_eq!(record.session(session).minutes(), Some(25), "the amendment is shown");
    assert!(record.flags.contains(&Flag::VoidBesideAmendment(record.id(session))));
    desk.edit(PSY, session, "void", false, &[void]);
    let record = desk.fold();
    assert_eq!(
        (record.session(session).state, record.session(session).minutes()),
        (State::Complete, Some(25))
    );
    assert!(record.observation(observation).counts);
}

#[test]
fn removing_again_what_was_removed_beside_an_amendment_is_a_decision() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    desk.edit(SLP, session, "segments.1.minutes", 25, &[session]);
    let void = desk.edit(PSY, session, "void", true, &[session]);
    let other = desk.edit(SLP, session, "void", true, &[session]);
    let flag = |desk: &Desk| {
        let record = desk.fold();
        record.flags.contains(&Flag::VoidBesideAmendment(record.id(session)))
    };
    assert!(flag(&desk), "two who removed it without hearing of each other decided nothing");
    desk.edit(PSY, session, "void", true, &[void, other]);
    assert!(!flag(&desk));
    let record = desk.fold();
    assert_eq!((record.session(session).state, record.session(session).minutes()), (State::Void, Some(25)));
}

#[test]
fn two_voids_are_one_and_a_void_counts_beside_a_reinstatement_that_did_not_see_it() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 30)]);
    let one = desk.edit(SLP, session, "void", true, &[session]);
    desk.edit(PSY, session, "void", true, &[session]);
    let record = desk.fold();
    assert!(record.session(session).head.void && record.conflicts.is_empty());
    desk.edit(PSY, session, "void", false, &[one]);
    let record = desk.fold();
    assert!(record.session(session).head.void, "true counts while it stands");
    assert_eq!(values(&record, session, "void"), [Some(false.into()), Some(true.into())]);
}

#[test]
fn a_void_beside_a_cosignature_is_void_and_the_signature_stale() {
    let mut desk = Desk::default();
    let session = desk.session(PARA, None, &[("push-in", TEN, 30)]);
    desk.sign(SLP, "cosign", session);
    desk.edit(PARA, session, "void", true, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).state, State::Void);
    assert!(record.session(session).signatures.iter().all(|signature| !signature.fresh));
}

#[test]
fn a_miss_made_up_for_twice_has_its_first_session_by_date() {
    let mut desk = Desk::default();
    let service = desk.service(2, 30);
    let missed = desk.missed(service, "2026-10-05", "provider_absent");
    let later = desk.session(SLP, Some(service), &[("push-in", TEN + 3 * 1440 * MINUTE, 30)]);
    let earlier = desk.session(PSY, Some(service), &[("push-in", TEN + 2 * 1440 * MINUTE, 30)]);
    for session in [later, earlier] {
        desk.slot_mut(session).fields.insert("make_up_for".into(), text(missed));
    }
    let record = desk.fold();
    assert!(record.flags.contains(&Flag::MadeUpAlready { session: record.id(later), missed }));
    assert!(!record.flags.contains(&Flag::MadeUpAlready { session: record.id(earlier), missed }));
}

#[test]
fn a_wrong_clock_is_corrected_for_showing_and_flagged() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let observation = desk.observation(SLP, goal, TEN, 5);
    let offset = -3 * 1440 * MINUTE;
    desk.slot_mut(observation).fields.insert(OFFSET.into(), offset.into());
    let record = desk.fold();
    let claimed = record.find(observation).unwrap().made().claimed_at().unwrap();
    assert_eq!(record.observation(observation).head.at, Some(claimed.plus_ms(offset)));
    assert!(record.flags.contains(&Flag::ClockOff(record.id(observation))));
}
