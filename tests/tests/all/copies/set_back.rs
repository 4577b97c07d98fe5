//! Folders that were set back, and nobody said so.

use std::fs;

use tests::process::{Cut, Server, Tablet, World};

use super::copied;
use crate::kills::{log, sessions};

/// What the server says when it finds out.
const FOUND_OUT: &str = "the data folder was set back";

/// How the server ends before its folder is set back.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ends {
    Killed,
    Cleanly,
}

/// A world whose data folder was put back to where it stood before the last work, beside keys that know better or not.
fn set_back(ends: Ends) -> (World, Tablet, Tablet, Vec<String>) {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut all = vec![log(&ana, 0)];
    ana.ok("sync");
    carla.ok("sync");
    let (port, data) = (world.with_server(Server::port), world.installation.data());
    world.take_server().stop();
    let past = copied(&data, &world.folder("images").join("data"));
    world.set_server(world.installation.serve_on(port));
    all.extend((1..4).map(|nth| log(&ana, nth)));
    ana.ok("sync");
    carla.ok("sync");
    match ends {
        Ends::Killed => world.take_server().kill(),
        Ends::Cleanly => world.take_server().stop(),
    }
    fs::remove_dir_all(&data).unwrap();
    copied(&past, &data);
    world.set_server(world.installation.serve_on(port));
    (world, ana, carla, all)
}

fn everything_comes_back(world: &World, ana: &Tablet, carla: &Tablet, mut all: Vec<String>) {
    let status = world.admin("restored status");
    assert_eq!((&status["waiting_for_confirmation"], &status["by"]), (&true.into(), &"roll_back".into()));
    assert!(world.installation.said().contains(FOUND_OUT), "it is said loudly");
    all.push(log(ana, 4));
    assert_eq!(ana.run("sync").code, Some(3), "new work waits on the tablet");
    assert!(world.admin("restored status")["resent"].as_u64().unwrap() >= 3);
    world.admin("restored confirm");
    ana.ok("sync --until-done");
    carla.ok("sync --until-done");
    let all = all.into_iter().collect();
    assert_eq!((sessions(ana), sessions(carla)), (all, sessions(ana)));
}

#[test]
fn a_folder_that_was_set_back_is_found_out_by_the_first_tablet_that_has_seen_more() {
    let (world, ana, carla, all) = set_back(Ends::Killed);
    assert_eq!(world.admin("restored status")["waiting_for_confirmation"], false, "nobody knows yet");
    carla.run("sync");
    everything_comes_back(&world, &ana, &carla, all);
}

#[test]
fn a_folder_that_was_set_back_is_found_out_at_the_start_where_the_keys_know_better() {
    let (world, ana, carla, all) = set_back(Ends::Cleanly);
    everything_comes_back(&world, &ana, &carla, all);
}

#[test]
fn a_tablet_that_was_copied_back_three_days_and_used_has_the_work_of_both_lives_once() {
    let mut world = World::new();
    let (mut ana, mut carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut all = vec![log(&ana, 0)];
    ana.ok("sync");
    let friday = copied(ana.store(), &world.folder("images").join("tablet"));
    all.push(log(&ana, 1));
    ana.ok("sync");
    for day in 2..5 {
        world.let_days_pass(1);
        for tablet in [&mut ana, &mut carla] {
            tablet.network.lead_to(&world.url());
            tablet.set_clock(Some(&world.clock.text()));
        }
        // Each day's work arrives, and on the last day the tablet has not seen that it did: the answer breaks off.
        all.push(log(&ana, day));
        if day == 4 {
            ana.network.cut([Cut::answer(1)]);
            ana.exits(3, "sync");
        } else {
            ana.ok("sync");
        }
    }
    fs::remove_dir_all(ana.store()).unwrap();
    copied(&friday, ana.store());
    assert_eq!(sessions(&ana).len(), 1, "it is Friday again on it");
    all.push(log(&ana, 5));
    ana.ok("sync --until-done");
    carla.ok("sync");
    let all = all.into_iter().collect();
    assert_eq!((sessions(&ana), sessions(&carla)), (all, sessions(&ana)));
    assert_eq!(ana.ok("status")["waiting"], 0);
    world.take_server().stop();
    world.installation.verify().ok();
}
