//! What stands in a field.

use super::*;

#[test]
fn an_edit_replaces_what_it_saw_and_only_that() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let first = desk.edit(SLP, goal, "target", 85_000, &[goal]);
    assert_eq!(desk.fold().goal(goal).target, Some(85_000));
    assert!(desk.fold().conflicts.is_empty());
    desk.edit(SLP, goal, "target", 90_000, &[first]);
    desk.edit(PSY, goal, "target", 70_000, &[first]);
    let record = desk.fold();
    assert_eq!(values(&record, goal, "target"), [Some(70_000.into()), Some(90_000.into())]);
}

#[test]
fn several_that_say_the_same_are_one_agreement() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    desk.edit(SLP, goal, "target", 90_000, &[goal]);
    desk.edit(PSY, goal, "target", 90_000, &[goal]);
    let record = desk.fold();
    assert_eq!(record.goal(goal).target, Some(90_000));
    assert!(record.conflicts.is_empty());
    assert_eq!(record.find(goal).unwrap().standing("target").len(), 2, "an edit made now replaces both");
}

#[test]
fn resolving_replaces_every_standing_value_and_a_value_that_came_meanwhile_stands_beside_it() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    desk.edit(SLP, goal, "target", 90_000, &[goal]);
    desk.edit(PSY, goal, "target", 70_000, &[goal]);
    let (id, ids) = {
        let record = desk.fold();
        let conflict = &record.conflicts[0];
        assert_eq!(record.conflict(conflict.id), Some(conflict));
        (conflict.id, conflict.replaces())
    };
    desk.edit(SLP, goal, "target", 75_000, &ids);
    assert!(desk.fold().conflicts.is_empty());
    assert_eq!(desk.fold().goal(goal).target, Some(75_000));
    desk.edit(PARA, goal, "target", 60_000, &[goal]);
    let record = desk.fold();
    assert_eq!(values(&record, goal, "target"), [Some(60_000.into()), Some(75_000.into())]);
    assert_eq!(record.conflicts[0].id, id, "the same conflict has the same id when it comes again");
}

#[test]
fn more_values_than_one_edit_can_name_are_resolved_in_steps() {
    use crate::document::schema::REPLACES_MAX;
    let mut desk = Desk::default();
    let goal = desk.goal(0);
    for target in 1..=70 {
        desk.edit(PSY, goal, "target", target, &[goal]);
    }
    let ids = desk.fold().conflicts[0].replaces();
    assert_eq!(ids.len(), REPLACES_MAX);
    desk.edit(SLP, goal, "target", 500, &ids);
    let ids = desk.fold().conflicts[0].replaces();
    assert_eq!(ids.len(), 70 - REPLACES_MAX + 1);
    desk.edit(SLP, goal, "target", 500, &ids);
    assert!(desk.fold().conflicts.is_empty());
}

#[test]
fn replacing_what_is_of_another_record_or_field_or_document_does_nothing() {
    let mut desk = Desk::default();
    let (goal, other) = (desk.goal(80_000), desk.goal(80_000));
    let statement = desk.edit(SLP, goal, "statement", "B", &[goal]);
    let elsewhere = desk.edit(SLP, other, "target", 1_000, &[other]);
    desk.edit(PSY, goal, "target", 90_000, &[goal, statement, elsewhere]);
    let record = desk.fold();
    assert!(record.conflicts.is_empty());
    assert_eq!(record.goal(other).target, Some(1_000));
    assert_eq!(record.goal(goal).statement.as_ref().map(|text| text.expose().as_str()), Some("B"));
}

#[test]
fn a_value_that_replaces_nothing_that_stands_here_stands_beside_the_first() {
    let mut desk = Desk::default();
    let (goal, other) = (desk.goal(80_000), desk.goal(1));
    desk.edit(PSY, goal, "target", 90_000, &[other]);
    assert_eq!(values(&desk.fold(), goal, "target"), [Some(80_000.into()), Some(90_000.into())]);
}

#[test]
fn a_cycle_replaces_nothing() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let one = desk.edit(SLP, goal, "target", 85_000, &[goal]);
    let two = desk.edit(PSY, goal, "target", 90_000, &[goal, one]);
    let cycle = fields([(&goal.to_string(), true.into()), (&two.to_string(), true.into())]);
    desk.slot_mut(one).fields.insert("replaces".into(), cycle.into());
    let all = [Some(80_000.into()), Some(85_000.into()), Some(90_000.into())];
    assert_eq!(values(&desk.fold(), goal, "target"), all);
    desk.edit(SLP, goal, "target", 70_000, &[goal, one, two]);
    assert!(desk.fold().conflicts.is_empty(), "a person can still decide");
}

#[test]
fn a_value_that_does_not_fit_is_shown_and_counts_as_none() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let bad = desk.edit(SLP, goal, "target", -5, &[goal]);
    let record = desk.fold();
    assert_eq!(record.goal(goal).target, None);
    assert!(record.flags.contains(&Flag::Unfit { record: record.id(goal), field: "target".into() }));
    assert_eq!(record.find(goal).unwrap().standing("target")[0].value, Some((-5).into()));
    desk.edit(PSY, goal, "target", "many", &[goal]);
    desk.edit(SLP, goal, "target", 60_000, &[bad]);
    let record = desk.fold();
    assert_eq!(record.goal(goal).target, Some(60_000), "of two that differ the fitting one counts");
    assert_eq!(record.conflicts.len(), 1);
}

#[test]
fn a_wrong_value_of_the_record_itself_counts_as_none_until_it_is_corrected() {
    let mut desk = Desk::default();
    let session = desk.session(SLP, None, &[("push-in", TEN, 100_000), ("push-in", TEN + 20 * MINUTE, 5)]);
    assert_eq!(desk.fold().session(session).minutes(), Some(5));
    assert!(desk.fold().flags.iter().any(|flag| matches!(flag, Flag::Unfit { .. })));
    desk.edit(PSY, session, "segments.1.minutes", 20, &[session]);
    let record = desk.fold();
    assert_eq!(record.session(session).minutes(), Some(25));
    assert!(record.flags.is_empty(), "{:?}", record.flags);
}

#[test]
fn fields_that_policy_goes_by_are_never_edited() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let edit = desk.edit(PSY, goal, "discipline", "psy", &[goal]);
    let record = desk.fold();
    assert_eq!(record.goal(goal).discipline, Some("slp"));
    assert!(record.flags.contains(&Flag::NotEditable { record: record.id(goal), edit }));
}

#[test]
fn an_edit_without_a_target_or_a_readable_one_is_flagged() {
    let mut desk = Desk::default();
    let document = name(DocumentKind::Log).id();
    let nowhere = SlotKey::new(PSY, Ulid::from(99_u128));
    let lost = desk.edit(SLP, nowhere, "note", "x", &[nowhere]);
    let odd = desk.add(DocumentKind::Log, "edits", SLP, fields([("target", 5.into())]));
    let flags = desk.fold().flags;
    assert!(flags.contains(&Flag::TargetMissing { document, statement: lost, target: nowhere }));
    assert!(flags.contains(&Flag::Unreadable { document, statement: odd }));
}

#[test]
fn nothing_goes_by_a_clock() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let one = desk.edit(SLP, goal, "target", 90_000, &[goal]);
    desk.edit(PSY, goal, "target", 70_000, &[goal]);
    let before = desk.fold().goal(goal).target;
    desk.slot_mut(one).fields.insert(AT.into(), 0.into());
    assert_eq!(desk.fold().goal(goal).target, before);
    desk.slot_mut(one).fields.insert(AT.into(), (TEN * 2).into());
    assert_eq!(desk.fold().goal(goal).target, before);
}

#[test]
fn what_a_newer_version_says_is_kept_and_takes_the_figures_away() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let plain = desk.observation(SLP, goal, TEN, 5);
    let by_field = desk.observation(SLP, goal, TEN + 60 * MINUTE, 5);
    desk.slot_mut(by_field).fields.insert("mood".into(), "calm".into());
    let by_edit = desk.observation(SLP, goal, TEN + 120 * MINUTE, 5);
    desk.edit(SLP, by_edit, "mood", "calm", &[by_edit]);
    let by_kind = desk.observation(SLP, goal, TEN + 180 * MINUTE, 5);
    let note = desk.add(DocumentKind::Log, "verdicts", PSY, fields([("about", text(by_kind))]));
    let record = desk.fold();
    assert!(record.observation(plain).counts);
    for key in [by_field, by_edit, by_kind] {
        let observation = record.observation(key);
        assert!(observation.head.newer && !observation.counts, "{key}");
        assert!(observation.figures.is_some(), "shown all the same");
    }
    let document = name(DocumentKind::Log).id();
    assert_eq!(record.newer, [NewerRecord { document, container: "verdicts".into(), key: note }]);
    for key in [by_field, by_edit, by_kind, note] {
        assert!(record.flags.contains(&Flag::Newer { document, record: key }), "{key}");
    }
}

#[test]
fn two_contents_under_one_key_are_twins_whichever_came_first() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let key = desk.observation(SLP, goal, TEN, 5);
    let mut other = desk.slot_mut(key).clone();
    other.fields.insert("note".into(), "the same, finished on the copy".into());
    let twin_hash = other.content_hash();
    desk.documents.get_mut(&name(DocumentKind::Log)).unwrap().push(other.clone());
    let record = desk.fold();
    assert_eq!(record.observations.len(), 2);
    assert_eq!(record.flags.iter().filter(|flag| matches!(flag, Flag::Twin { .. })).count(), 1);
    // Once the twin was admitted under its own key, the tablet's own act shows nothing more.
    other.key.twin = Some(twin_hash);
    desk.documents.get_mut(&name(DocumentKind::Log)).unwrap().push(other.clone());
    let record = desk.fold();
    assert_eq!(record.observations.len(), 2);
    assert_eq!(record.observation(other.key).head.twin_of, Some(key));
}

#[test]
fn lateness_stands_beside_the_slot_under_the_same_key() {
    let mut desk = Desk::default();
    let goal = desk.goal(80_000);
    let edit = desk.edit(SLP, goal, "target", 90_000, &[goal]);
    let session = desk.session(PARA, None, &[("push-in", TEN, 5)]);
    for (kind, key, late) in [
        (DocumentKind::Own, session, true),
        (DocumentKind::Plan, edit, true),
        (DocumentKind::Plan, goal, false),
    ] {
        let slot = Slot { container: "issued".into(), key, fields: fields([("late", late.into())]) };
        desk.documents.get_mut(&name(kind)).unwrap().push(slot);
    }
    let record = desk.fold();
    assert!(record.session(session).head.late);
    assert!(!record.goal(goal).head.late);
    assert!(record.find(goal).unwrap().standing("target")[0].late);
}
