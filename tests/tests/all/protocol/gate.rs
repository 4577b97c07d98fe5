//! The gate's cases that need a server behind it; those of bytes alone are sent through it in `bytes`, and stand beside the gate itself.

use sync_core::document::schema::RecordKind;
use sync_core::document::slot::{Fields, SlotKey};
use sync_core::envelope::Content;
use sync_core::exchange::message::{HoldReason, HoldState, Outcome};
use sync_core::exchange::server::due::UNKNOWN_DAYS_MAX;
use sync_core::exchange::server::receive::WAITING_MAX;
use sync_core::exchange::server::review::Review;
use sync_core::gate::verbatim::HEADS_MAX;
use sync_core::roster::role::Role;
use tests::model::rights::Deed;
use tests::world::deeds::{self, Draft, edit_of};
use tests::world::hostile::{change_of, signed};

use super::{Made, Story, log, plan, waits};

/// Lets a device send what no app would, and returns the fates.
pub(super) fn send(story: &mut Story, device: &str, drafts: Vec<Draft>, content: Content) -> Vec<Outcome> {
    let at = story.at(device);
    let name = drafts.first().map_or_else(log, |draft| draft.name.clone());
    let envelope = signed(&story.world.tablets[at], &name, content);
    for draft in drafts {
        story.world.model.made(tests::model::Act { kept: false, ..draft.act });
    }
    let request = story.world.bare_request(at, vec![envelope]);
    let reply = story.world.ask_server(request).unwrap();
    reply.fates.into_iter().map(|fate| fate.outcome).collect()
}

fn session(story: &mut Story, device: &str) -> Draft {
    let note = deeds::canary(log().id());
    story.draft(device, &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("slp", 30, note));
    })
}

#[test]
fn wrong_history_costs_nobody_anything() {
    let mut story = Story::school();
    for what in 0..4 {
        let draft = session(&mut story, "slp");
        let change = change_of(&story.world.tablets[0], &draft, |position| match what {
            0 => position.seq += 3,
            1 => position.start_op += 100,
            2 => position.deps = vec![sync_core::document::change::ChangeHash([9; 32])],
            _ => position.actor = [7; 16],
        });
        let fates = send(&mut story, "slp", vec![draft], Content::Change(change.unwrap()));
        assert_eq!(fates, [Outcome::Stored], "{what}");
    }
    assert_eq!(story.world.counts.get("issued"), Some(&4));
    story.ends();
}

#[test]
fn many_heads_of_one_device_after_another() {
    let mut story = Story::school();
    for _ in 0..2 * HEADS_MAX {
        // Each on the founding alone: every one that is stored as it came would be one more head.
        let draft = session(&mut story, "slp");
        let change = change_of(&story.world.tablets[0], &draft, |_| ()).unwrap();
        send(&mut story, "slp", vec![draft], Content::Change(change));
        let heads = story.world.server.index().document(log().id()).unwrap().unwrap().heads.len();
        assert!(heads <= HEADS_MAX, "{heads}");
    }
    story.ends();
}

#[test]
fn replaces_elsewhere() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    let other = story.goal("slp", "slp", 60);
    story.sync("slp");
    let target = goal.key();
    let replaces = [other.key()].into();
    let reason = Some(deeds::canary(plan().id()));
    let mut draft = story.draft("slp", &plan(), Deed::Edit { target: target.clone() }, |make| {
        make.record(RecordKind::Edit, deeds::edit(&target, "target", 5.into(), &replaces, reason));
    });
    draft.act.bad = true;
    let made = Made { act: draft.act.id, name: plan(), keys: vec![draft.slots[0].key] };
    let slots = draft.slots.clone();
    let fates = send(&mut story, "slp", vec![draft], Content::Slots(slots));
    assert!(matches!(fates[..], [Outcome::Held { reason: HoldReason::NeedsCorrection, .. }]), "{fates:?}");
    assert_eq!(story.values(&other, "target"), [60].into());
    assert!(!story.stands(&made));
    story.ends();
}

/// Returns two edits of a goal's target, each of which says that its author saw the other: in one act, or in two.
fn cycle(story: &mut Story, of: &Made, in_one_act: bool) -> Vec<Draft> {
    let edit = |value: i64| deeds::edit(&of.key(), "target", value.into(), &[].into(), None);
    let mut draft = |values: &[i64]| {
        story.draft("slp", &plan(), Deed::Edit { target: of.key() }, |make| {
            for value in values {
                make.record(RecordKind::Edit, edit(*value));
            }
        })
    };
    let mut drafts = if in_one_act { vec![draft(&[5, 6])] } else { vec![draft(&[5]), draft(&[6])] };
    let keys: Vec<_> = drafts.iter().flat_map(|draft| &draft.slots).map(|slot| slot.key).collect();
    let mut seen = keys.iter().rev();
    for draft in &mut drafts {
        for slot in &mut draft.slots {
            let seen = seen.next().unwrap().to_string();
            slot.fields.insert("replaces".into(), Fields::from([(seen, true.into())]).into());
        }
        draft.act.slots = draft.slots.iter().map(deeds::said).collect();
        draft.act.edit = draft.slots.first().and_then(edit_of);
        draft.act.bad = in_one_act;
        let own = |key: &&SlotKey| draft.slots.iter().all(|slot| slot.key != **key);
        draft.act.bases = keys.iter().filter(own).map(ToString::to_string).collect();
    }
    drafts
}

#[test]
fn replaces_elsewhere_in_a_cycle() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    let drafts = cycle(&mut story, &goal, true);
    let slots = drafts[0].slots.clone();
    let fates = send(&mut story, "slp", drafts, Content::Slots(slots));
    assert!(matches!(fates[..], [Outcome::Held { reason: HoldReason::NeedsCorrection, .. }]), "{fates:?}");
    assert_eq!(story.values(&goal, "target"), [80].into());

    // One after the other: neither stands before the other does, so neither ever stands by itself.
    let drafts = cycle(&mut story, &goal, false);
    let made: Vec<Made> = drafts
        .iter()
        .map(|draft| Made { act: draft.act.id, name: plan(), keys: vec![draft.slots[0].key] })
        .collect();
    let slots = drafts.iter().flat_map(|draft| draft.slots.clone()).collect();
    let fates = send(&mut story, "slp", drafts, Content::Slots(slots));
    for fate in &fates {
        assert!(matches!(fate, Outcome::Held { reason: HoldReason::OnTop, .. }), "{fates:?}");
    }
    assert_eq!(story.values(&goal, "target"), [80].into());
    story.sync("cm");
    let both = story.decide("cm", true, &[&made[0], &made[1]]);
    assert!(matches!(both, Review::BuildsOn { .. }), "nor do they together: {both:?}");
    story.decide("cm", false, &[&made[0]]);
    for made in &made {
        let (_, _, state) = story.hold(made).unwrap();
        assert!(matches!(state, HoldState::Declined { .. }), "one takes the other along: {state:?}");
    }
    assert_eq!(story.values(&goal, "target"), [80].into());
    story.ends();
}

#[test]
fn a_key_twice_in_one_act_is_refused() {
    let mut story = Story::school();
    let mut draft = session(&mut story, "slp");
    let mut second = draft.slots[0].clone();
    second.container = RecordKind::Missed.container().into();
    draft.slots.push(second);
    let slots = draft.slots.clone();
    let change = change_of(&story.world.tablets[0], &draft, |_| ()).unwrap();
    for content in [Content::Slots(slots), Content::Change(change)] {
        let fates = send(&mut story, "slp", Vec::new(), content);
        assert!(matches!(&fates[..], [Outcome::Refused { .. }]), "one key is one record: {fates:?}");
    }
    story.ends();
}

#[test]
fn verdict_then_revoked() {
    let mut story = Story::school();
    let made = story.session("slp");
    story.world.ask(0);
    for _ in 0..3 {
        story.world.deliver().unwrap();
    }
    // The server has looked at it, and found nothing wrong; before it commits, the grant ends.
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    story.world.commit(false).unwrap();
    assert_eq!(waits(&story, &made), Some(HoldReason::AccessEnded));
    story.ends();
}

#[test]
fn refused_then_given() {
    let mut story = Story::school();
    let name = tests::world::people::document(log().kind, tests::world::people::STUDENTS[1], None);
    let note = deeds::canary(name.id());
    let made = story.make("slp", &name, Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("slp", 30, note));
    });
    story.world.ask(0);
    for _ in 0..3 {
        story.world.deliver().unwrap();
    }
    // The server has looked at it, and found no such document for her; before it commits, she is given one.
    story.world.grant("slp", 1, Role::Slp, -30, None).unwrap();
    story.world.commit(false).unwrap();
    assert!(story.stands(&made), "what was looked at before is looked at again");
    story.ends();
}

#[test]
fn twin_slot() {
    let mut story = Story::school();
    let draft = session(&mut story, "slp");
    let mut twin = draft.clone();
    twin.slots[0].fields.insert("note".into(), format!("{}, twice", deeds::canary(log().id())).into());
    twin.act.slots = twin.slots.iter().map(deeds::said).collect();
    let made = Made { act: draft.act.id, name: log(), keys: vec![draft.slots[0].key] };
    let copy = story.world.tablets[0].clone();
    story.world.tablets.push(copy);
    let at = story.world.tablets.len() - 1;
    story.world.keep(0, draft);
    story.world.keep(at, twin);
    // Both are looked at before either is decided, and committed as one.
    story.world.ask(0);
    story.world.ask(at);
    for _ in 0..6 {
        story.world.deliver().unwrap();
    }
    story.world.commit(false).unwrap();
    assert!(story.stands(&made));
    assert_eq!(waits(&story, &made), Some(HoldReason::Twin));
    story.admit("cm", &[&made]);
    let sessions = story.slots(&log()).iter().filter(|slot| slot.container == "sessions").count();
    assert_eq!(sessions, 2, "both are shown");
    story.ends();
}

/// An edit of a session that nobody here knows; outside, the session.
fn edit_of_nothing(story: &mut Story) -> (Draft, Draft) {
    let session = session(story, "slp");
    let target = session.slots[0].key.to_string();
    let replaces = [target.clone()].into();
    let edit = story.draft("slp", &log(), Deed::Edit { target: target.clone() }, |make| {
        let note = deeds::canary(log().id());
        make.record(RecordKind::Edit, deeds::edit(&target, "note", note.into(), &replaces, None));
    });
    (session, edit)
}

fn made(draft: &Draft) -> Made {
    Made { act: draft.act.id, name: draft.name.clone(), keys: vec![draft.slots[0].key] }
}

#[test]
fn unknown_target() {
    let mut story = Story::school();
    let (session, edit) = edit_of_nothing(&mut story);
    let (held, base) = (made(&edit), made(&session));
    story.world.keep(0, edit);
    story.sync("slp");
    assert_eq!(waits(&story, &held), Some(HoldReason::OnTop));
    // Whoever begins to read the document now is not shown it either.
    story.world.grant("psy", 0, Role::Cm, 0, None).unwrap();
    story.sync("psy");
    story.sync("cm");
    let id = story.id(&held);
    for at in [3, 4] {
        assert!(story.world.tablets[at].store().hold(id).unwrap().is_none(), "for the author alone");
    }
    story.world.keep(1, session);
    story.sync("slp 2");
    assert!(story.stands(&base) && story.stands(&held), "judged when the record comes");

    let (_, edit) = edit_of_nothing(&mut story);
    let given_up = made(&edit);
    story.world.keep(0, edit);
    story.sync("slp");
    for _ in 0..=UNKNOWN_DAYS_MAX {
        story.world.clock.pass_midnight();
    }
    story.sync("cm");
    assert!(matches!(story.hold(&given_up).unwrap().2, HoldState::Declined { by: None, .. }));
    story.ends();
}

#[test]
fn a_base_that_comes_and_is_held_goes_to_reviewers_with_what_builds_on_it() {
    let mut story = Story::school();
    let (mut session, edit) = edit_of_nothing(&mut story);
    session.slots[0].fields.insert("state".into(), "no such state".into());
    session.act.slots = session.slots.iter().map(deeds::said).collect();
    session.act.bad = true;
    let held = made(&edit);
    story.world.keep(0, edit);
    story.sync("slp");
    story.world.keep(1, session);
    story.sync("slp 2");
    story.sync("cm");
    assert!(story.world.tablets[3].store().hold(story.id(&held)).unwrap().is_some());
    story.ends();
}

#[test]
fn held_on_something_unknown_and_for_another_reason() {
    let mut story = Story::school();
    let note = deeds::canary(plan().id());
    let goal = story.draft("slp 2", &plan(), Deed::Goal("slp"), |make| {
        make.record(RecordKind::Goal, deeds::goal("slp", 80, note));
    });
    let base = made(&goal);
    let held = story.edit("slp", &base, "target", 85, &[&base]);
    story.world.revoke(0, false);
    story.sync("slp");
    assert_eq!(waits(&story, &held), Some(HoldReason::DeviceRevoked));
    let id = story.id(&held);
    let knows = |story: &Story, at: usize| story.world.tablets[at].store().hold(id).unwrap().is_some();
    for device in ["ot", "cm"] {
        story.sync(device);
        assert!(!knows(&story, story.at(device)), "who may decide cannot be said before the record is here");
    }
    story.world.keep(1, goal);
    story.sync("slp 2");
    for device in ["ot", "cm"] {
        story.sync(device);
    }
    assert_eq!([2, 3].map(|at| knows(&story, at)), [false, true], "the case manager may, the OT may not");
    story.ends();
}

#[test]
fn flood_of_them() {
    let mut story = Story::school();
    let nowhere =
        |n: u64| SlotKey::new(tests::world::people::person("cm"), ulid::Ulid::from(u128::from(n) + 1));
    let mut sent = 0;
    let refused = loop {
        let slots: Vec<_> = (0..500)
            .flat_map(|n| {
                let target = nowhere(sent + n).to_string();
                let replaces = [target.clone()].into();
                let draft = story.draft("slp", &log(), Deed::Edit { target: target.clone() }, |make| {
                    make.record(RecordKind::Edit, deeds::edit(&target, "void", true.into(), &replaces, None));
                });
                let slots = draft.slots.clone();
                story.world.model.made(tests::model::Act { kept: false, ..draft.act });
                slots
            })
            .collect();
        let envelope = signed(&story.world.tablets[0], &log(), Content::Slots(slots));
        let request = story.world.bare_request(0, vec![envelope]);
        let checked = story.world.server.check(request);
        let Ok(checked) = checked else { break checked.err().map(|refused| refused.code()) };
        let now = story.world.clock.now();
        story.world.server.take(now, vec![checked], false).unwrap();
        sent += 500;
        assert!(sent <= WAITING_MAX, "the quota ends it");
    };
    assert_eq!((refused, sent), (Some("over_quota"), WAITING_MAX));
    let others =
        story.world.server.index().mail(tests::world::people::person("cm"), 0, u64::MAX, 10_000).unwrap();
    assert!(others.len() < 100, "held for their author alone");
    let honest = story.session("slp 2");
    story.sync("slp 2");
    assert!(story.stands(&honest), "the person's other device is not held up by it");
}
