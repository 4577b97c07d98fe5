//! The tablet dies.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use tests::process::{Tablet, World};

use super::{dice, log, rounds, rounds_at_a_place, sessions};

/// Until when after its start a tablet's program is killed in the rounds of random moments, in microseconds.
const MOMENT_US_MAX: u64 = 120_000;

const LOG: &str = "log --student s1 --mode push-in --place hallway --start 2026-10-13T10:00:00-05:00 --minutes 1 --goal g1 --count 2 --seconds 60";

/// Returns the tablet's sessions, which must be what was logged, with or without the one that was interrupted.
fn settled(ana: &Tablet, logged: &BTreeSet<String>, may_be_more: bool) -> BTreeSet<String> {
    let there = sessions(ana);
    assert!(there.is_superset(logged), "something is gone that the tablet had said was there");
    let more = there.len() - logged.len();
    assert!(more <= usize::from(may_be_more), "{more} more than were logged");
    there
}

/// Lets everything arrive and compares with what a colleague sees.
fn arrives(world: &World, ana: &Tablet, logged: &BTreeSet<String>) {
    ana.ok("sync --until-done");
    let carla = world.tablet("cm1");
    assert_eq!(&sessions(&carla), logged);
    assert_eq!(&sessions(ana), logged);
    assert_eq!(ana.ok("sync")["stored"], 0);
}

#[test]
fn the_tablet_dies_before_and_after_it_has_kept_a_session() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let mut logged = BTreeSet::new();
    for round in 0..rounds_at_a_place() {
        logged.insert(log(&ana, round));
        let died = ana.run_crashing("before_commit:1", LOG);
        assert_eq!(died.code, None, "before_commit was not reached: {died:?}");
        assert_eq!(settled(&ana, &logged, false), logged);
        let died = ana.run_crashing("after_commit:1", LOG);
        assert_eq!(died.code, None, "after_commit was not reached: {died:?}");
        let there = settled(&ana, &logged, true);
        assert_eq!(there.len(), logged.len() + 1, "what was committed is there");
        logged = there;
    }
    arrives(&world, &ana, &logged);
}

#[test]
fn the_tablet_dies_while_it_syncs() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut logged = BTreeSet::new();
    let mut deaths = 0;
    for place in ["before_commit", "after_commit"] {
        for nth in 1..=rounds_at_a_place() {
            logged.insert(log(&ana, logged.len()));
            let died = ana.run_crashing(&format!("{place}:{nth}"), "sync");
            assert!(matches!(died.code, None | Some(0)), "{died:?}");
            deaths += usize::from(died.code.is_none());
            assert_eq!(settled(&ana, &logged, false), logged);
            // The colleague's tablet dies while it takes the same in.
            ana.ok("sync");
            carla.run_crashing(&format!("{place}:{nth}"), "sync");
            carla.ok("sync");
            assert_eq!(sessions(&carla), logged);
        }
    }
    assert!(deaths >= 4, "{deaths} deaths: a sync commits at least twice");
    arrives(&world, &ana, &logged);
}

/// Around its sending and around its taking in of the reply, with a receipt that it never saw in between.
#[test]
fn the_tablet_dies_around_its_send_and_its_taking_in_of_the_reply() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut logged = BTreeSet::new();
    for round in 0..rounds_at_a_place() {
        for (place, arrived, waiting) in [
            ("before_send", false, 1),
            ("after_send", true, 1),
            ("before_take", true, 1),
            ("after_take", true, 0),
        ] {
            let session = log(&ana, logged.len());
            let died = ana.run_crashing(&format!("{place}:1"), "sync");
            assert_eq!(died.code, None, "{place} was not reached in round {round}: {died:?}");
            let there = ana.ok("status")["waiting"].as_u64();
            assert_eq!(there, Some(waiting), "{place}: only a receipt in hand lets go");
            carla.ok("sync");
            assert_eq!(sessions(&carla).contains(&session), arrived, "{place}");
            logged.insert(session);
            assert_eq!(settled(&ana, &logged, false), logged);
            ana.ok("sync");
        }
    }
    arrives(&world, &ana, &logged);
}

#[test]
fn the_tablet_dies_at_any_moment() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let mut logged = BTreeSet::new();
    let mut dice = dice(4);
    for round in 0..rounds() {
        for line in [LOG, "sync"] {
            logged.insert(log(&ana, logged.len()));
            let moment = Duration::from_micros(dice.number() % MOMENT_US_MAX);
            let running = ana.start(line);
            thread::sleep(moment);
            drop(running);
            logged = settled(&ana, &logged, line == LOG);
        }
        if round % 4 == 3 {
            ana.ok("sync --until-done");
        }
    }
    arrives(&world, &ana, &logged);
}

#[test]
fn a_live_session_survives_every_death() {
    let world = World::new();
    let ana = world.tablet("slp1");
    ana.ok("start --student s1 --mode push-in --place hallway");
    let mut n = 0;
    for _ in 0..rounds_at_a_place() {
        for (place, counts) in [("before_commit:1", 0), ("after_commit:1", 1)] {
            assert_eq!(ana.run_crashing(place, "tap --goal g1").code, None);
            n += counts;
            let live = ana.ok("live");
            // Before its first tap a goal may not be listed.
            assert_eq!(live["counts"][0]["n"].as_u64().unwrap_or(0), n, "{place}: {live}");
        }
    }
    assert_eq!(ana.run_crashing("before_commit:1", "finish").code, None);
    assert_eq!(ana.ok("live")["counts"][0]["n"].as_u64(), Some(n));
    // After the commit it is finished, and finishing again makes no second one.
    assert_eq!(ana.run_crashing("after_commit:1", "finish").code, None);
    assert!(ana.run("finish").code.is_some_and(|code| code != 0));
    let there = sessions(&ana);
    assert_eq!(there.len(), 1);
    arrives(&world, &ana, &there);
}
