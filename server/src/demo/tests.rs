//! The demo district, founded small: that all of it is there, and that founding leaves sound files behind.

use std::path::Path;

use sync_core::document::name::DocumentKind;
use sync_core::document::slot::Slot;
use sync_core::exchange::message::{HoldReason, HoldState};
use sync_core::record::{Flag, Source, State, fold};
use sync_core::roster::{DeviceState, GrantState};
use sync_core::time::Zone;

use super::story::{CONFLICTS_MADE, HOLDS_MADE};
use super::*;
use crate::engine::holds::{Seen, Viewer};
use crate::store::verify;

const SMALL: Size = Size { students: 5, weeks: 2 };

fn settings(folder: &Path, clock: &str) -> Settings {
    let clock = Clock::start(clock.parse::<ClockSetting>().unwrap());
    Settings {
        data: folder.join("data"),
        keys: folder.join("data.keys"),
        clock,
        verbatim: true,
        policy: None,
    }
}

#[tokio::test]
async fn a_district_has_a_past_that_came_about_as_it_would_in_a_school() {
    let folder = tempfile::tempdir().unwrap();
    // A Sunday: yesterday was no school day.
    let settings = settings(folder.path(), "2026-11-22T09:00:00-06:00");
    assert!(found(&settings, SMALL).unwrap());
    assert!(verify(&settings.data, &mut |_| {}).unwrap().is_sound());
    assert!(!found(&settings, SMALL).unwrap(), "what is there is kept");
    let engine = Engine::open(&settings).unwrap();
    let index = engine.index();
    assert_eq!((index.people().unwrap().len(), index.students().unwrap().len()), (15, 5));
    assert!(index.devices().unwrap().iter().all(|device| device.state == DeviceState::Revoked));
    let zone = Zone::named(ZONE).unwrap();
    let today = zone.day_of(engine.now());
    let ended =
        index.all_grants().unwrap().iter().filter(|grant| grant.state(today) == GrantState::Ended).count();
    assert_eq!(ended, 1);

    let (mut conflicts, mut sessions, mut certified, mut observations) = (0, 0, 0, 0);
    for student in index.students().unwrap() {
        let mut documents: Vec<(_, Vec<Slot>)> = Vec::new();
        for state in index.documents(student.id).unwrap() {
            documents.push((state.name.clone(), engine.slots_in(&state).unwrap()));
        }
        let sources = documents.iter().map(|(name, slots)| Source { name, slots });
        let record = fold(student.id, &zone, sources);
        assert!(record.goals.len() >= 2 && record.services.len() >= 2);
        conflicts += record.conflicts.len();
        assert!(!record.flags.iter().any(Flag::asks), "nobody was in two places at once: {:?}", record.flags);
        sessions += record.sessions.len();
        observations += record.observations.len();
        certified += record.sessions.iter().filter(|session| session.state == State::Certified).count();
        assert!(record.goals.iter().all(|goal| !goal.head.late && !goal.assigned.is_empty()));
    }
    assert_eq!(conflicts, CONFLICTS_MADE);
    // Ten student-lines of two a week for two weeks, and some of one; few are missed.
    assert!((35..=60).contains(&sessions), "{sessions}");
    assert_eq!(sessions, observations);
    assert!(certified > 10 && certified < sessions, "{certified}");

    let holds = engine.holds(Viewer::Administrator).await.unwrap();
    let mut reasons: Vec<(HoldReason, bool)> = Vec::new();
    for hold in &holds {
        let Seen::Exists(hold) = hold else { panic!("an administrator sees no content") };
        assert_eq!(hold.state, HoldState::Waiting);
        reasons.push((hold.reason.clone(), hold.late));
    }
    reasons.sort_by_key(|(reason, _)| reason.name().to_owned());
    assert_eq!(reasons.len(), HOLDS_MADE);
    assert_eq!(
        reasons,
        [(HoldReason::AccessEnded, true), (HoldReason::NotAllowed, false), (HoldReason::Proposal, false)]
    );
    engine.close();
}

#[test]
fn a_past_across_two_school_years_has_plans_in_both() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "2026-08-05T12:00:00-05:00");
    found(&settings, SMALL).unwrap();
    let engine = Engine::open(&settings).unwrap();
    for student in engine.index().students().unwrap() {
        let documents = engine.index().documents(student.id).unwrap();
        let plans: Vec<_> =
            documents.iter().filter(|document| document.name.kind == DocumentKind::Plan).collect();
        assert_eq!(plans.len(), 2);
        assert!(plans.iter().all(|plan| plan.changes > 0));
    }
    engine.close();
}

#[test]
fn only_a_demo_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "2026-11-20T09:00:00-06:00");
    discard(&settings).unwrap();
    found(&settings, SMALL).unwrap();
    discard(&settings).unwrap();
    assert!(!settings.data.exists() && !settings.keys.exists());
    let zone = Zone::named(ZONE).unwrap();
    Engine::found(&settings, Founding { name: "Real".into(), zone }).unwrap();
    assert!(matches!(discard(&settings), Err(DemoError::NotADemo(_))));
    assert!(settings.data.exists());
}

#[test]
fn a_founding_that_was_cut_off_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path(), "2026-11-20T09:00:00-06:00");
    fs::create_dir(beside(&settings.data)).unwrap();
    fs::write(beside(&settings.data).join("half"), "written").unwrap();
    found(&settings, SMALL).unwrap();
    // The last step of all is the data's: keys alone open nothing.
    fs::remove_dir_all(&settings.data).unwrap();
    assert!(found(&settings, SMALL).unwrap());
    Engine::open(&settings).unwrap().close();
}
