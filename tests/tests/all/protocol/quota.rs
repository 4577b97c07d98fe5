//! A device beyond its quota: what still goes through, and that it is told of the rest.

use sync_core::envelope::Envelope;
use sync_core::exchange::message::{HoldReason, HoldState, Request, Sealed};
use sync_core::exchange::server::answer::Unanswered;
use sync_core::exchange::server::entry::LogEntry;
use sync_core::exchange::server::receive::REFUSED_BYTES_MAX;

use super::{Made, Story, log, waits};

/// Lets so much of a device's be refused that it is beyond its quota.
fn fill(story: &mut Story, device: &str) {
    let (device, now) = (story.world.tablets[story.at(device)].device, story.world.clock.now());
    let envelope = Envelope { body: vec![0; REFUSED_BYTES_MAX as usize], signature: [0; 64] };
    let (document, code) = (log().id(), "bad_signature".to_owned());
    story.world.server.decide(now, |desk| {
        desk.emit(LogEntry::Refused { document, device, envelope, code }).unwrap();
    });
    story.world.observe(u64::MAX).unwrap();
}

/// Returns an act as it was sealed, with its receipt or without.
fn sealed(story: &Story, made: &Made, proven: bool) -> Sealed {
    let (store, document) = (story.world.tablets[0].store(), made.name.id());
    let kept = store.kept_act(document, made.act).unwrap().unwrap();
    let sealed = store.sealed(document, made.act).unwrap();
    Sealed { document, act: made.act, sealed, receipt: kept.receipt.filter(|_| proven) }
}

fn ask(story: &mut Story, sealed: Vec<Sealed>) -> Result<usize, Unanswered> {
    let now = story.world.clock.now();
    let heard = Some(story.world.server.conditions(now).log);
    let request = Request { sealed, heard, ..story.world.bare_request(0, Vec::new()) };
    let checked = story.world.server.check(request)?;
    let decisions = story.world.server.take(now, vec![checked], false).unwrap();
    Ok(decisions[0].taken.fates.len())
}

#[test]
fn what_is_sealed_and_unproven_is_told_so() {
    let mut story = Story::school();
    let made = story.session("slp");
    fill(&mut story, "slp");
    let sealed = sealed(&story, &made, false);
    assert_eq!(ask(&mut story, vec![sealed]), Err(Unanswered::OverQuota), "and not: again, at once");
}

#[test]
fn what_is_proven_goes_through() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let stored = story.session("slp");
    story.sync("slp");
    story.world.restore().unwrap();
    story.world.confirm().unwrap();
    fill(&mut story, "slp");
    let new = story.session("slp");
    let both = [(&stored, true), (&new, false)].map(|(made, proven)| sealed(&story, made, proven)).into();
    assert_eq!(ask(&mut story, both), Ok(1), "the first of them");
    assert!(story.stands(&stored) && !story.stands(&new));
    let rest = vec![sealed(&story, &new, false)];
    assert_eq!(ask(&mut story, rest), Err(Unanswered::OverQuota));
}

#[test]
fn what_was_lost_is_heard_of() {
    let mut story = Story::school();
    story.world.back_up().unwrap();
    let stored = story.session("slp");
    story.sync("slp");
    story.world.restore().unwrap();
    fill(&mut story, "slp");
    let new = story.session("slp");
    story.sync("slp");
    assert!(story.stands(&stored), "brought back, whatever else waits");
    assert!(!story.stands(&new) && story.row("slp", &new).is_some());
}

#[test]
fn what_is_taken_back_makes_room() {
    let mut story = Story::school();
    let goal = story.goal("ot", "slp", 80);
    story.sync("ot");
    assert_eq!(waits(&story, &goal), Some(HoldReason::Proposal));
    fill(&mut story, "ot");
    let (new, id) = (story.session("ot"), story.id(&goal));
    story.world.tablets[2].withdraw(id);
    story.sync("ot");
    assert_eq!(story.hold(&goal).unwrap().2, HoldState::Withdrawn);
    assert!(!story.stands(&new) && story.row("ot", &new).is_some(), "the rest stays where it is");
    assert!(story.world.counts["unanswered"] > 0, "and is not silently left");
}
