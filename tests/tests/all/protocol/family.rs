//! What a family's page shows while the record moves.

use sync_core::document::name::DocumentName;
use sync_core::document::schema::RecordKind;
use sync_core::exchange::codec;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::ids::GuardianId;
use sync_core::projection::family::{FamilyEntry, FamilyPage, Stand, VisitOnPage, family_page};
use sync_core::record::{RecordRef, Source, fold};
use tests::model::rights::Deed;
use tests::world::clock::zone;
use tests::world::deeds::{self, fields};
use tests::world::people::STUDENTS;

use super::{Made, Story, log, own, plan};

/// An hour.
const HOUR_MS: i64 = 3_600_000;

/// Opens the page as a guardian does: what is settled is published, and the view is noted.
fn open(story: &mut Story) -> FamilyPage {
    let (now, log) = (story.world.clock.now(), story.world.server.log.clone());
    story.world.server.decide(now, |desk| desk.publish_to_family(STUDENTS[0], &log).unwrap());
    let page = shown(story);
    let viewed = FamilyEntry::Viewed { guardian: GuardianId([1; 16]), student: STUDENTS[0], time: now };
    story.world.server.decide(now, |desk| desk.emit(LogEntry::Family(viewed)).unwrap());
    story.world.observe(u64::MAX).unwrap();
    page
}

fn shown(story: &Story) -> FamilyPage {
    let today = zone().day_of(story.world.clock.now());
    family_page(&story.world.server.index(), STUDENTS[0], today).unwrap().unwrap()
}

fn target(page: &FamilyPage) -> Stand<i64> {
    assert_eq!(page.goals.len(), 1);
    page.goals[0].target.clone()
}

fn visits(page: &FamilyPage) -> Vec<&VisitOnPage> {
    page.this_week.services.iter().flat_map(|service| &service.visits).collect()
}

/// A session of this morning, in which a goal was worked on.
fn visit(story: &mut Story, device: &str, goal: &Made, correct: i64) -> Made {
    let name = if device.starts_with("para") { own() } else { log() };
    let (role, note) = (device.split(' ').next().unwrap().to_owned(), deeds::canary(name.id()));
    let start = story.world.clock.now().0 - HOUR_MS;
    let goal = goal.key();
    story.make(device, &name, Deed::Log, |make| {
        let mut session = deeds::session(&role, 30, note.clone());
        let segment = fields([
            ("mode", "push-in".into()),
            ("place", "general-class".into()),
            ("start", start.into()),
            ("minutes", 30.into()),
        ]);
        session.insert("segments".into(), fields([("1", segment.into())]).into());
        let key = make.record(RecordKind::Session, session);
        let mut seen = deeds::observation(&role, Some(&key), &goal, correct, note);
        seen.insert("start".into(), start.into());
        make.record(RecordKind::Observation, seen);
    })
}

/// Lets somebody sign a session as it stands on the server.
fn sign(story: &mut Story, device: &str, kind: &str, session: &Made) -> Made {
    let covers = covers(story, &session.name, session);
    let target = session.key();
    let deed = Deed::Certify { target: target.clone() };
    let name = session.name.clone();
    let signed = story.make(device, &name, deed, |make| {
        let signature = fields([
            ("target", target.as_str().into()),
            ("kind", kind.into()),
            ("covers", covers.as_str().into()),
        ]);
        make.record(RecordKind::Signature, signature);
    });
    story.sync(device);
    signed
}

fn covers(story: &Story, name: &DocumentName, session: &Made) -> String {
    let slots = story.slots(name);
    let record = fold(STUDENTS[0], &zone(), [Source { name, slots: &slots }]);
    let id = RecordRef { kind: RecordKind::Session, key: session.keys[0], document: name.id() };
    record.covers(&id).unwrap().to_string()
}

#[test]
fn jumping_family_page() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    story.sync("slp");
    story.sync("cm");
    let ninety = story.edit("slp", &goal, "target", 90_000, &[&goal]);
    story.sync("slp");
    assert_eq!(target(&open(&mut story)), Stand::Value(90_000, None));

    // A tablet that had not heard of it comes back with another figure.
    let seventy = story.edit("cm", &goal, "target", 70_000, &[&goal]);
    story.sync("cm");
    assert_eq!(story.values(&goal, "target").len(), 2, "a conflict");
    for _ in 0..2 {
        assert_eq!(target(&open(&mut story)), Stand::Value(90_000, None), "what was shown stands");
    }

    story.world.clock.pass_midnight();
    story.edit("cm", &goal, "target", 70_000, &[&ninety, &seventy]);
    story.sync("cm");
    let today = zone().day_of(story.world.clock.now());
    for _ in 0..2 {
        assert_eq!(target(&open(&mut story)), Stand::Value(70_000, Some(today)));
    }
    story.ends();
}

#[test]
fn what_nobody_has_seen_is_corrected_without_a_word() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    story.sync("slp");
    let (now, log) = (story.world.clock.now(), story.world.server.log.clone());
    story.world.server.decide(now, |desk| desk.publish_to_family(STUDENTS[0], &log).unwrap());
    assert_eq!(target(&shown(&story)), Stand::Value(80_000, None));
    story.edit("slp", &goal, "target", 90_000, &[&goal]);
    story.sync("slp");
    assert_eq!(target(&open(&mut story)), Stand::Value(90_000, None));
    story.world.observe(u64::MAX).unwrap();
    story.ends();
}

#[test]
fn a_conflict_that_was_there_first_is_being_updated() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    story.sync("slp");
    story.sync("cm");
    story.edit("slp", &goal, "target", 90_000, &[&goal]);
    story.edit("cm", &goal, "target", 70_000, &[&goal]);
    story.sync("slp");
    story.sync("cm");
    let page = open(&mut story);
    assert_eq!(target(&page), Stand::BeingUpdated);
    assert!(matches!(page.goals[0].statement, Stand::Value(..)), "the rest of the goal is settled");
    story.ends();
}

#[test]
fn a_visit_is_shown_when_it_is_certified_and_as_it_was_certified() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    let session = visit(&mut story, "slp", &goal, 4);
    story.sync("slp");
    assert_eq!(visits(&open(&mut story)).len(), 0, "nobody has certified it");
    sign(&mut story, "slp", "certify", &session);
    let page = open(&mut story);
    assert_eq!((visits(&page)[0].visit.minutes, visits(&page)[0].corrected), (30, None));
    assert_eq!((page.goals[0].points.len(), page.goals[0].points[0].of), (1, Some((4, 5))));

    let longer = story.edit("slp", &session, "segments.1.minutes", 45, &[&session]);
    story.sync("slp");
    assert_eq!(visits(&open(&mut story))[0].visit.minutes, 30, "the certification is stale");
    sign(&mut story, "slp", "certify", &session);
    let today = zone().day_of(story.world.clock.now());
    let page = open(&mut story);
    assert_eq!((visits(&page)[0].visit.minutes, visits(&page)[0].corrected), (45, Some(today)));
    assert_eq!((page.goals[0].points[0].of, page.goals[0].points[0].corrected), (Some((4, 5)), None));

    // An edit that differs stands beside: the last one stays.
    story.edit("slp 2", &session, "segments.1.minutes", 15, &[&session]);
    story.sync("slp 2");
    assert_eq!(visits(&open(&mut story))[0].visit.minutes, 45);
    assert!(story.stands(&longer));

    story.edit("slp", &session, "void", true, &[&session]);
    story.sync("slp");
    let page = open(&mut story);
    assert_eq!((visits(&page).len(), page.goals[0].points.len()), (0, 0), "a void withdraws at once");
    story.ends();
}

#[test]
fn what_was_seen_and_removed_is_taken_back_before_anybody_certifies_again() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    let session = visit(&mut story, "slp", &goal, 4);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    assert_eq!(open(&mut story).goals[0].points.len(), 1);
    let seen = Made { keys: vec![session.keys[1]], ..session.clone() };
    story.edit("slp", &seen, "void", true, &[&seen]);
    story.sync("slp");
    let page = open(&mut story);
    assert_eq!((visits(&page).len(), page.goals[0].points.len()), (1, 0));
    story.ends();
}

#[test]
fn of_a_visit_what_was_seen_and_that_it_took_place_are_corrected_each_by_itself() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    let session = visit(&mut story, "slp", &goal, 4);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    let said = |page: &FamilyPage| {
        (visits(page)[0].corrected, page.goals[0].points[0].of, page.goals[0].points[0].corrected)
    };
    assert_eq!(said(&open(&mut story)), (None, Some((4, 5)), None));
    let seen = Made { keys: vec![session.keys[1]], ..session.clone() };
    story.edit("slp", &seen, "value.correct", 3, &[&seen]);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    let today = zone().day_of(story.world.clock.now());
    assert_eq!(said(&open(&mut story)), (None, Some((3, 5)), Some(today)));
    story.edit("slp", &session, "segments.1.minutes", 45, &[&session]);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    assert_eq!(said(&open(&mut story)), (Some(today), Some((3, 5)), Some(today)));
    story.ends();
}

#[test]
fn what_was_seen_once_is_corrected_though_nobody_looked_between_two_corrections() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    let session = visit(&mut story, "slp", &goal, 4);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    assert_eq!(open(&mut story).goals[0].points[0].of, Some((4, 5)));
    story.edit("slp", &session, "segments.1.minutes", 45, &[&session]);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    let (now, log) = (story.world.clock.now(), story.world.server.log.clone());
    story.world.server.decide(now, |desk| desk.publish_to_family(STUDENTS[0], &log).unwrap());
    let seen = Made { keys: vec![session.keys[1]], ..session.clone() };
    story.edit("slp", &seen, "value.correct", 3, &[&seen]);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    let (page, today) = (open(&mut story), zone().day_of(story.world.clock.now()));
    assert_eq!((page.goals[0].points[0].of, page.goals[0].points[0].corrected), (Some((3, 5)), Some(today)));
    story.ends();
}

#[test]
fn a_paraprofessionals_visit_waits_for_the_supervisor() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    story.sync("slp");
    let session = visit(&mut story, "para", &goal, 3);
    story.sync("para");
    sign(&mut story, "para", "certify", &session);
    assert_eq!(visits(&open(&mut story)).len(), 0, "pending co-signature");
    story.sync("slp");
    let signed = sign(&mut story, "slp", "cosign", &session);
    assert_eq!(visits(&open(&mut story)).len(), 0, "a signature that is held signs nothing");
    story.admit("cm", &[&signed]);
    assert_eq!(visits(&open(&mut story)).len(), 1);
    story.ends();
}

#[test]
fn nothing_held_and_no_note_is_ever_published() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80_000);
    story.sync("slp");
    story.sync("ot");
    let session = visit(&mut story, "slp", &goal, 4);
    story.sync("slp");
    sign(&mut story, "slp", "certify", &session);
    let proposal = story.edit("ot", &goal, "target", 50_000, &[&goal]);
    story.sync("ot");
    assert!(story.hold(&proposal).is_some(), "held as a proposal");
    assert_eq!(target(&open(&mut story)), Stand::Value(80_000, None));
    let published = story.world.server.log.iter().filter_map(|(_, entry)| match entry {
        LogEntry::Family(entry @ FamilyEntry::Published { .. }) => Some(codec::to_bytes(entry)),
        _ => None,
    });
    let published: Vec<u8> = published.flatten().collect();
    let holds = |text: &str| published.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&deeds::canary(plan().id())), "the goal's own words are shown");
    assert!(!holds(&deeds::canary(log().id())), "what was noted in the session is not");
    story.ends();
}
