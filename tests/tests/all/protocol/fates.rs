//! What becomes of acts.

use sync_core::document::deed::act::Act;
use sync_core::document::deed::expect::{Cause, Expectation, expect};
use sync_core::document::schema::RecordKind;
use sync_core::exchange::client::state::ActState;
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::exchange::server::apply::apply;
use sync_core::exchange::server::entry::{LogEntry, Origin};
use sync_core::exchange::server::reply::LogRead;
use sync_core::exchange::server::review::Review;
use sync_core::gate::policy::Place;
use sync_core::kv::{KvError, KvRead, Overlay};
use sync_core::record::{Source, fold};
use sync_core::roster::role::Role;
use sync_core::roster::version::PolicyVersion;
use tests::model::rights::Deed;
use tests::world::clock::zone;
use tests::world::deeds::{self, fields};
use tests::world::hostile::change_of;
use tests::world::people::{STUDENTS, person};

use super::{Made, Story, log, own, plan, tally, waits};

#[test]
fn held_in_the_middle() {
    let mut story = Story::school();
    let made: Vec<Made> =
        (0..10).map(|n| story.goal("slp", if n == 3 { "ot" } else { "slp" }, 80_000)).collect();
    story.sync("slp");
    assert_eq!(made.iter().filter(|made| story.stands(made)).count(), 9);
    assert_eq!(waits(&story, &made[3]), Some(HoldReason::Proposal));
    let kept = story.world.tablets[0].acts();
    assert_eq!(kept.iter().map(|row| row.act).collect::<Vec<_>>(), [made[3].act]);
    story.ends();
}

#[test]
fn logged_meanwhile() {
    let mut story = Story::school();
    let first = story.session("slp");
    story.world.ask(0);
    let second = story.session("slp");
    story.world.deliver().unwrap();
    for _ in 0..5 {
        story.world.deliver().unwrap();
        story.world.commit(false).unwrap();
    }
    assert!(story.stands(&first) && !story.stands(&second));
    assert_eq!((story.row("slp", &first), story.state("slp", &second)), (None, Some(ActState::Unsent)));
    story.sync("slp");
    assert!(story.stands(&second));
    story.ends();
}

#[test]
fn ten_late() {
    let mut story = Story::school();
    let made: Vec<Made> = (0..10).map(|_| story.session("slp")).collect();
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    story.sync("slp");
    for made in &made {
        assert_eq!(waits(&story, made), Some(HoldReason::AccessEnded));
    }
    assert!(story.world.tablets[0].purge() > 0);
    assert_eq!(story.world.tablets[0].acts().len(), 10, "held work stays until it is decided");
    assert!(story.world.tablets[0].store().copies().unwrap().is_empty());
    story.ends();
}

#[test]
fn admit_beside_70() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    story.sync("ot");
    let held = story.edit("ot", &goal, "target", 90, &[&goal]);
    story.sync("ot");
    assert_eq!(waits(&story, &held), Some(HoldReason::Proposal));
    story.edit("slp", &goal, "target", 70, &[&goal]);
    story.sync("slp");
    assert_eq!(story.values(&goal, "target"), [70].into());
    story.admit("slp", &[&held]);
    assert_eq!(story.values(&goal, "target"), [70, 90].into());
    story.ends();
}

#[test]
fn two_held_admitted() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    for device in ["slp", "ot", "psy"] {
        story.sync(device);
    }
    let one = story.edit("ot", &goal, "target", 90, &[&goal]);
    let other = story.edit("psy", &goal, "target", 95, &[&goal]);
    story.sync("ot");
    story.sync("psy");
    story.admit("cm", &[&other, &one]);
    assert_eq!(story.values(&goal, "target"), [90, 95].into());
    story.ends();
}

#[test]
fn edit_of_a_held_record() {
    let mut story = Story::school();
    let pair = |story: &mut Story| {
        let goal = story.goal("ot", "slp", 80);
        story.sync("ot");
        let edit = story.edit("ot", &goal, "target", 85, &[&goal]);
        story.sync("ot");
        assert_eq!(waits(story, &goal), Some(HoldReason::Proposal));
        (goal, edit)
    };
    let (goal, edit) = pair(&mut story);
    assert!(matches!(story.decide("cm", true, &[&edit]), Review::BuildsOn { .. }));
    story.admit("cm", &[&edit, &goal]);
    assert_eq!(story.values(&goal, "target"), [85].into());

    let (goal, edit) = pair(&mut story);
    story.admit("cm", &[&goal]);
    assert_eq!(story.values(&goal, "target"), [80].into());
    story.admit("slp", &[&edit]);
    assert_eq!(story.values(&goal, "target"), [85].into());

    let (goal, edit) = pair(&mut story);
    story.decide("cm", false, &[&goal]);
    let (_, _, state) = story.hold(&edit).unwrap();
    assert!(matches!(state, HoldState::Declined { by: None, .. }), "{state:?}");
    story.ends();
}

#[test]
fn held_value_not_built_on() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    story.sync("ot");
    let target = story.edit("ot", &goal, "target", 90, &[&goal]);
    story.sync("ot");
    let words = story.edit("ot", &goal, "statement", deeds::canary(plan().id()), &[&goal]);
    story.sync("ot");
    assert_eq!(waits(&story, &words), Some(HoldReason::Proposal), "judged by itself");
    story.admit("cm", &[&words]);
    assert!(story.stands(&words) && !story.stands(&target));
    story.ends();
}

#[test]
fn correct_while_admitted() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    story.sync("ot");
    let wrong = story.edit("ot", &goal, "target", 21, &[&goal]);
    story.sync("ot");
    let right = story.edit("ot", &goal, "target", 12, &[&wrong]);
    story.admit("cm", &[&wrong]);
    story.sync("ot");
    assert_eq!(waits(&story, &right), Some(HoldReason::Proposal), "judged as any edit");
    assert_eq!(story.values(&goal, "target"), [21].into());
    story.admit("slp", &[&right]);
    assert_eq!(story.values(&goal, "target"), [12].into());
    story.ends();
}

/// Lets the SLP log a session of 100,000 minutes.
fn bad_session(story: &mut Story) -> Made {
    let note = deeds::canary(log().id());
    let draft = story.draft("slp", &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("slp", 100_000, note));
    });
    let made = Made { act: draft.act.id, name: log(), keys: vec![draft.slots[0].key] };
    let act = tests::model::Act { bad: true, ..draft.act.clone() };
    story.world.keep(0, deeds::Draft { act, ..draft });
    made
}

#[test]
fn bad_value_admitted() {
    let mut story = Story::school();
    let session = bad_session(&mut story);
    story.sync("slp");
    assert_eq!(waits(&story, &session), Some(HoldReason::NeedsCorrection));
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    assert!(matches!(story.decide("cm", true, &[&session]), Review::NeedsCorrection { .. }));
    story.sync("cm");
    let correction = story.edit("cm", &session, "segments.1.minutes", 30, &[&session]);
    story.sync("cm");
    assert!(!story.stands(&correction));
    story.admit("cm", &[&session, &correction]);
    assert_eq!(story.values(&session, "segments.1.minutes"), [30].into());
    story.ends();
}

#[test]
fn a_correction_that_is_wrong_itself_admits_nothing() {
    let mut story = Story::school();
    let session = bad_session(&mut story);
    story.sync("slp");
    story.sync("cm");
    let elsewhere = story.edit("cm", &session, "note", "looks odd", &[&session]);
    story.sync("cm");
    assert!(matches!(story.decide("cm", true, &[&session, &elsewhere]), Review::NeedsCorrection { .. }));
    assert!(matches!(story.decide("cm", true, &[&elsewhere]), Review::Unknown(_)), "the own act alone");
    story.ends();
}

#[test]
fn wrong_and_forbidden() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    story.sync("ot");
    // It lacks a right and is wrong besides; the right is what it is held for.
    let wrong = story.edit_badly("ot", &goal, "target", -5, &[&goal]);
    story.sync("ot");
    assert_eq!(waits(&story, &wrong), Some(HoldReason::Proposal));
    for by in ["slp", "cm"] {
        assert!(matches!(story.decide(by, true, &[&wrong]), Review::NeedsCorrection { .. }), "by the {by}");
    }
    let right = story.edit("ot", &goal, "target", 85, &[&wrong]);
    story.sync("ot");
    story.admit("slp", &[&wrong, &right]);
    assert_eq!(story.values(&goal, "target"), [85].into());
    story.ends();
}

#[test]
fn decided_then_resent() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    let old = story.world.tablets[2].clone();
    story.sync("ot");
    story.decide("cm", false, &[&goal]);
    let end = story.world.server.log.iter().count();
    story.world.tablets.push(old);
    let copy = story.world.tablets.len() - 1;
    story.world.exchange(copy).unwrap();
    let held = story.world.server.log.iter().skip(end);
    assert!(held.map(|(_, entry)| entry.kind()).all(|kind| kind == 21), "nothing but what was delivered");
    let (_, _, state) = story.hold(&goal).unwrap();
    assert!(matches!(state, HoldState::Declined { .. }));

    let second = story.goal("ot", "slp", 81);
    story.sync("ot");
    let id = story.id(&second);
    story.world.tablets[2].withdraw(id);
    story.admit("cm", &[&second]);
    story.sync("ot");
    assert!(matches!(story.hold(&second).unwrap().2, HoldState::Admitted { .. }), "decided first");
    story.ends();
}

#[test]
fn lost_reply() {
    let mut story = Story::school();
    let first = story.session("slp");
    let now = story.world.clock.now();
    let lost = story.world.tablets[0].ask(900, now, &|_| false);
    story.world.request(None, lost.request.clone()).unwrap();
    story.world.commit(false).unwrap();
    assert!(story.stands(&first));
    let changes = story.world.server.changes(log().id()).len();

    let again = story.world.tablets[0].ask(901, now, &|_| false);
    assert_eq!(again.request.envelopes, lost.request.envelopes, "the same bytes");
    let second = story.session("slp");
    story.sync("slp");
    assert!(story.stands(&second));
    assert_eq!(story.world.server.changes(log().id()).len(), changes + 1, "the first stands once");
    assert!(story.world.tablets[0].acts().is_empty());
    story.ends();
}

#[test]
fn early_carrier() {
    for first in [true, false] {
        let mut story = Story::school();
        let made = story.session("slp");
        let now = story.world.clock.now();
        let envelopes = story.world.tablets[0].clone().ask(900, now, &|_| false).request.envelopes;
        if !first {
            story.sync("slp");
        }
        let request = story.world.bare_request(3, envelopes);
        story.world.request(None, request).unwrap();
        story.world.commit(false).unwrap();
        assert!(story.stands(&made));
        story.sync("slp");
        assert_eq!(story.world.server.changes(log().id()).len(), 2, "once, beside the founding");
        story.ends();
    }
}

#[test]
fn refused_at_the_end() {
    let mut story = Story::school();
    let session = bad_session(&mut story);
    story.sync("slp");
    story.world.grant("slp", 0, Role::Slp, -30, Some(-1)).unwrap();
    story.sync("slp");
    assert!(story.world.tablets[0].purge() > 0);
    assert_eq!(waits(&story, &session), Some(HoldReason::NeedsCorrection));
    assert!(matches!(story.state("slp", &session), Some(ActState::Held(_))), "it stays with its author");
    story.ends();
}

/// Returns what a para's tablet expects to become of an act in the tallies, by the policy that it knows.
fn expects(story: &Story, device: &str, made: &Made) -> Expectation {
    let place = Place {
        policy: story.world.tablets[story.at(device)].store().policy().unwrap(),
        kind: made.name.kind,
        member: made.name.member,
        author: person("para"),
        roles: &[Role::Para].into(),
        year_closed: false,
    };
    let slots = story.row(device, made).unwrap().slots;
    expect(&place, &Act { id: made.act, document: made.name.id(), slots }, &|_| None)
}

#[test]
fn stale_policy() {
    let mut story = Story::school();
    let para = story.at("para");
    let first = story.open_tally("para");
    story.world.set_policy(PolicyVersion::V2).unwrap();
    // The tablet has not heard of it: it lets the act through, which travels as a change and not as plain slots.
    assert_eq!(expects(&story, "para", &first), Expectation::Allowed);
    let now = story.world.clock.now();
    let sent = story.world.tablets[para].ask(900, now, &|_| false);
    assert_eq!(sent.changes.len(), 1);
    let reply = story.world.ask_server(sent.request).unwrap();
    story.world.tablets[para].answered(900, &reply, now, false).unwrap().unwrap();
    assert_eq!(waits(&story, &first), Some(HoldReason::AccessEnded));
    let store = story.world.tablets[para].store();
    assert!(store.hold(story.id(&first)).unwrap().is_some(), "shown as waiting");
    assert_eq!(store.policy(), Ok(PolicyVersion::V2), "the new pack comes with the very reply");
    // From now on it says so itself, before anybody has pressed the button.
    let second = story.open_tally("para");
    assert_eq!(expects(&story, "para", &second), Expectation::Held(Cause::AccessEnded));
    let sent = story.world.tablets[para].ask(901, now, &|row| row.act == second.act);
    assert!(sent.changes.is_empty() && sent.request.envelopes.len() == 1, "as plain slots");
    story.sync("para");
    assert_eq!(waits(&story, &second), Some(HoldReason::AccessEnded));
    story.ends();
}

#[test]
fn sent_as_if_it_were_allowed() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    let now = story.world.clock.now();
    let sent = story.world.tablets[2].ask(900, now, &|_| false);
    assert_eq!(sent.changes.len(), 1);
    story.sync("ot");
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal));
    let store = story.world.tablets[2].store();
    assert!(store.hold(story.id(&goal)).unwrap().is_some(), "shown as waiting");
    story.ends();
}

#[test]
fn new_reviewer_old_reviewer() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    story.sync("cm");
    let (id, _, _) = story.hold(&goal).unwrap();
    let knows = |story: &Story, at: usize| story.world.tablets[at].store().hold(id).unwrap().is_some();
    assert!(knows(&story, 3));
    story.world.grant("cm", 0, Role::Cm, -30, Some(-1)).unwrap();
    story.world.grant("psy", 0, Role::Cm, 0, None).unwrap();
    story.sync("cm");
    story.sync("psy");
    assert!(!knows(&story, 3), "the old one's go");
    assert!(knows(&story, 4), "the new one gets them");
    assert!(matches!(story.decide("cm", true, &[&goal]), Review::Unknown(_)));
    story.admit("psy", &[&goal]);
    story.ends();
}

#[test]
fn far_reader() {
    let mut story = Story::school();
    let session = story.session("para");
    story.world.grant("para", 0, Role::Para, -30, Some(-1)).unwrap();
    story.sync("para");
    assert_eq!(waits(&story, &session), Some(HoldReason::AccessEnded));
    story.world.tablets[5].purge();
    story.decide("cm", false, &[&session]);
    story.sync("para");
    let hold = story.world.tablets[5].store().hold(story.id(&session)).unwrap().unwrap();
    assert!(matches!(hold.state, HoldState::Declined { by: Some(by), .. } if by == person("cm")));
    assert!(story.world.tablets[5].store().slots(own().id()).unwrap().is_empty(), "never a present value");
    story.ends();
}

#[test]
fn seen_and_let_go() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    let id = story.id(&goal);
    let listed = |story: &Story| story.world.tablets[2].store().hold(id).unwrap().is_some();
    story.world.tablets[2].look_at_decided();
    story.sync("ot");
    assert!(listed(&story), "it waits: seen or not, it stays");
    story.decide("cm", false, &[&goal]);
    story.sync("ot");
    story.sync("ot");
    assert!(listed(&story), "nobody has looked yet");
    story.world.tablets[2].look_at_decided();
    assert!(listed(&story), "she may look again");
    story.sync("ot");
    assert!(!listed(&story));
    story.ends();
}

#[test]
fn tally_three_devices() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    let opened = story.make("slp", &tally(), Deed::Tap, |make| {
        let goal = goal.key();
        let tally =
            fields([("role", "slp".into()), ("goal", goal.into()), ("start", 1_760_000_000_000.into())]);
        make.record(RecordKind::Tally, tally);
    });
    let tap = |story: &mut Story, device: &str, n: i64| {
        let on = opened.key();
        story.make(device, &tally(), Deed::Tap, |make| {
            make.record(RecordKind::Tap, fields([("tally", on.into()), ("n", n.into())]));
        })
    };
    story.sync("slp");
    story.sync("slp 2");
    story.sync("para");
    tap(&mut story, "slp", 3);
    // The journal was copied: the same taps are finished on two devices of one person.
    let copied = story.world.tablets[0].clone();
    story.world.tablets.push(copied);
    tap(&mut story, "slp 2", 2);
    let undone = tap(&mut story, "para", -5);
    let held = tap(&mut story, "para 2", 7);
    story.world.revoke(6, true);
    for device in ["slp", "slp 2", "para", "para 2"] {
        story.sync(device);
    }
    let copy = story.world.tablets.len() - 1;
    story.world.exchange(copy).unwrap();
    assert_eq!(waits(&story, &held), Some(HoldReason::DeviceLost));
    story.decide("cm", false, &[&held]);
    assert!(story.stands(&undone));
    let slots = story.slots(&tally());
    let name = tally();
    let record = fold(STUDENTS[0], &zone(), [Source { name: &name, slots: &slots }]);
    assert_eq!(record.tallies[0].total(), 5, "three and two of the one, at least none of the other");
    story.ends();
}

#[test]
fn long_page() {
    let mut story = Story::school();
    let words = format!("{} {}", deeds::canary(plan().id()), "long ".repeat(390));
    for _ in 0..1_900 {
        let words = words.clone();
        story.make("cm", &plan(), Deed::Goal("set"), |make| {
            let mut goal = deeds::goal("set", 80, words.clone());
            goal.insert("plain_statement".into(), words.chars().take(600).collect::<String>().into());
            make.record(RecordKind::Goal, goal);
        });
    }
    for _ in 0..3 {
        story.sync("cm");
    }
    let mine = story.goal("slp", "slp", 80);
    let now = story.world.clock.now();
    let mut pages = 0;
    loop {
        let outgoing = story.world.tablets[0].ask(900 + pages, now, &|_| false);
        let reply = story.world.ask_server(outgoing.request).unwrap();
        let brought = story.world.tablets[0].answered(900 + pages, &reply, now, false).unwrap().unwrap();
        pages += 1;
        let shown = story.world.tablets[0].shown(STUDENTS[0], plan().id());
        assert_eq!(shown.iter().filter(|slot| slot.key == mine.keys[0]).count(), 1, "page {pages}");
        assert_eq!(story.state("slp", &mine), brought.more.then_some(ActState::Stored), "page {pages}");
        if !brought.more {
            break;
        }
    }
    assert!(pages > 1, "a reply of more than one page");
}

/// An index of which one table cannot be read.
struct Unreadable<'a>(&'a dyn KvRead, u8);

impl KvRead for Unreadable<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        if key.first() == Some(&self.1) { Err(KvError::Damaged("row")) } else { self.0.get(key) }
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>, KvError> {
        self.0.range(start, end, limit)
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<(Vec<u8>, Vec<u8>)>, KvError> {
        self.0.last(start, end)
    }
}

#[test]
fn what_cannot_be_read_is_not_taken_for_nothing() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    let named = story.draft("slp", &plan(), Deed::Log, |make| {
        let para = person("para").to_string();
        make.record(RecordKind::Assignment, fields([("goal", goal.key().into()), ("person", para.into())]));
    });
    let change = change_of(&story.world.tablets[0], &named, |_| ()).unwrap();
    let origin = Origin::Issued { envelopes: Vec::new(), admitted: Vec::new(), policy: 1 };
    let entry = LogEntry::Changed { document: plan().id(), change, origin };
    let seq = story.world.server.log.end() + 1;
    // The discipline of the goal goes into the row of what names it, and stays there.
    for (table, read) in [(b's', false), (b'-', true)] {
        let index = Unreadable(&story.world.server.index, table);
        let applied = apply(&mut Overlay::new(&index), seq, &entry);
        assert_eq!(applied.is_ok(), read, "{applied:?}");
    }
}
