//! Copies of the past: a tablet's folder that was copied and lives twice, and a server's folder that did so before it was restored.

use sync_core::document::schema::RecordKind;
use sync_core::exchange::message::HoldReason;
use sync_core::exchange::server::reply::LogRead;
use tests::model::rights::Deed;
use tests::world::deeds::{self, Draft};

use super::{DEVICES, Made, Story, log, waits};

#[test]
fn old_tablet_copy() {
    let mut story = Story::school();
    let before = story.session("slp");
    let old = story.world.tablets[0].clone();
    let day = |story: &mut Story| (0..3).map(|_| story.session("slp")).collect::<Vec<_>>();
    let first_life = day(&mut story);
    story.sync("slp");
    for _ in 0..3 {
        story.world.clock.pass_midnight();
    }
    let new = std::mem::replace(&mut story.world.tablets[0], old);
    let second_life = day(&mut story);
    story.sync("slp");
    story.world.tablets.push(new);
    for made in first_life.iter().chain(&second_life).chain([&before]) {
        assert!(story.stands(made), "every act of both lives");
    }
    let sessions = story.slots(&log()).iter().filter(|slot| slot.container == "sessions").count();
    assert_eq!(sessions, 7, "each once");
    story.ends();
}

/// Lets both lives of the SLP's tablet finish the session that was open when the folder was copied.
fn finished_twice(minutes: [i64; 2]) -> (Story, Made) {
    let mut story = Story::school();
    let note = deeds::canary(log().id());
    let draft = story.draft("slp", &log(), Deed::Log, |make| {
        make.record(RecordKind::Session, deeds::session("slp", minutes[0], note.clone()));
    });
    let mut other = draft.clone();
    // The ids were drawn and journalled at the start; when it was finished, and how long it was, is each life's own.
    other.slots[0].fields = deeds::session("slp", minutes[1], note);
    for (name, value) in [("act", draft.act.id.to_string().into()), ("at", 5.into()), ("offset", 0.into())] {
        other.slots[0].fields.insert(name.into(), value);
    }
    other.act.slots = other.slots.iter().map(deeds::said).collect();
    let made = Made { act: draft.act.id, name: log(), keys: vec![draft.slots[0].key] };
    let copy: Draft = other;
    let second = story.world.tablets[0].clone();
    story.world.tablets.push(second);
    let at = story.world.tablets.len() - 1;
    story.world.keep(0, draft);
    story.world.keep(at, copy);
    story.sync("slp");
    story.world.exchange(at).unwrap();
    (story, made)
}

#[test]
fn copied_live_session() {
    let (story, made) = finished_twice([30, 30]);
    assert!(story.stands(&made) && story.hold(&made).is_none(), "the same act, once");
    story.ends();

    let (mut story, made) = finished_twice([30, 45]);
    assert_eq!(waits(&story, &made), Some(HoldReason::Twin));
    story.admit("cm", &[&made]);
    story.ends();
}

#[test]
fn old_copy_edit() {
    let mut story = Story::school();
    let goal = story.goal("slp", "slp", 80);
    story.sync("slp");
    let ninety = story.edit("slp", &goal, "target", 90, &[&goal]);
    let old = story.world.tablets[0].clone();
    story.sync("slp");
    story.edit("slp", &goal, "target", 85, &[&ninety]);
    story.sync("slp");
    assert_eq!(story.values(&goal, "target"), [85].into());
    story.world.tablets[0] = old;
    story.sync("slp");
    assert_eq!(story.row("slp", &ninety), None, "it stood before");
    assert_eq!(story.values(&goal, "target"), [85].into());
    story.ends();
}

/// Sets the server's folder back behind what was just done; nobody says so, and the case manager, whose tablet has not seen it either, works
/// on. What comes of that is backed up, and restored.
fn set_back_and_restored(story: &mut Story, sessions: usize) -> Vec<Made> {
    story.world.set_back().unwrap();
    let on_top = (0..sessions).map(|_| {
        let made = story.session("cm");
        story.sync("cm");
        made
    });
    let on_top = on_top.collect();
    assert!(story.world.is_set_back(), "nobody finds out");
    story.world.back_up().unwrap();
    story.world.restore().unwrap();
    on_top
}

fn everybody_rests(story: &mut Story) {
    for _ in 0..2 {
        DEVICES.into_iter().for_each(|device| story.sync(device));
        story.world.confirm().unwrap();
    }
}

#[test]
fn stored_in_a_life_that_nobody_saw_end() {
    let mut story = Story::school();
    story.world.take_image().unwrap();
    let lost = story.session("slp");
    story.sync("slp");
    let on_top = set_back_and_restored(&mut story, 5);
    everybody_rests(&mut story);
    // The place of its receipt lies before the backup's end; what stands there is something else.
    assert!(story.stands(&lost) && on_top.iter().all(|made| story.stands(made)));
    story.ends();
}

#[test]
fn held_in_a_life_that_nobody_saw_end() {
    let mut story = Story::school();
    story.world.take_image().unwrap();
    let lost = story.goal("ot", "slp", 80);
    story.sync("ot");
    set_back_and_restored(&mut story, 5);
    assert_eq!(waits(&story, &lost), None);
    everybody_rests(&mut story);
    assert_eq!(waits(&story, &lost), Some(HoldReason::Proposal), "judged again");
    story.ends();
}

#[test]
fn seen_beyond_the_backup_of_another_life() {
    let mut story = Story::school();
    story.world.take_image().unwrap();
    let lost: Vec<Made> = (0..9)
        .map(|_| {
            let made = story.session("slp");
            story.sync("slp");
            made
        })
        .collect();
    set_back_and_restored(&mut story, 2);
    let cursor = story.world.tablets[0].store().cursor().unwrap().unwrap();
    assert!(cursor.seq > story.world.server.log.end(), "its own place says nothing of where the lives part");
    everybody_rests(&mut story);
    assert!(lost.iter().all(|made| story.stands(made)));
    story.ends();
}
