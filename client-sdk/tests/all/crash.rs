//! The program dies at a named place; what it had printed is there, and what it had not is there whole or not at all.

use serde_json::Value as Json;

use crate::world::{NOW, World, command};

/// Runs a command that dies at a place, and returns what it had printed.
fn dies(world: &World, place: &str, words: &[&str]) -> String {
    let output = command(world.folder.path(), NOW, words).env("CARRYOVER_CRASH_AT", place).output().unwrap();
    assert!(output.status.code().is_none(), "it was to die: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_tap_is_on_the_medium_before_it_is_shown() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    world.done(&["start", "--student", "maya", "--mode", "push-in", "--place", "gym"]);
    let counted = || {
        world.done(&["live"])["counts"]
            .as_array()
            .unwrap()
            .first()
            .map_or(0, |row| row["n"].as_i64().unwrap())
    };
    let mut shown = 0;
    for round in 0..6 {
        let place = if round % 2 == 0 { "before_commit:1" } else { "after_commit:1" };
        assert_eq!(
            dies(&world, place, &["tap", "--goal", &goal]),
            "",
            "nothing is shown that may not be there"
        );
        let there = counted();
        assert!(there == shown || there == shown + 1, "{place}: {shown} {there}");
        assert_eq!(there > shown, round % 2 == 1, "{place}");
        shown = world.done(&["tap", "--goal", &goal])["counts"][0]["n"].as_i64().unwrap();
        assert_eq!(shown, there + 1);
        assert_eq!(counted(), shown);
    }
}

#[test]
fn finishing_is_whole_or_not_at_all() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    world.done(&["start", "--student", "maya", "--mode", "push-in", "--place", "gym"]);
    world.done(&["tap", "--goal", &goal]);
    dies(&world, "before_commit:1", &["finish"]);
    assert_eq!(world.record()["sessions"].as_array().unwrap().len(), 0);
    assert_eq!(world.run(&["live"]).0, 0, "it is still open");
    dies(&world, "after_commit:1", &["finish"]);
    let record = world.record();
    assert_eq!(record["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(record["observations"].as_array().unwrap().len(), 1);
    assert_eq!(world.run(&["live"]).0, 2, "and here it is not");
}

#[test]
fn a_sync_that_dies_anywhere_keeps_what_was_logged() {
    for place in ["before_commit:1", "after_commit:1", "before_send:1"] {
        let world = World::new();
        world.log();
        let before: Json = world.record();
        dies(&world, place, &["sync"]);
        assert_eq!(world.record(), before, "{place}");
        assert_eq!(world.done(&["status"])["waiting"], 4, "{place}");
    }
}

#[test]
fn a_mending_that_dies_goes_on_where_it_was() {
    for place in ["mended:1", "old_log_gone:1"] {
        let world = World::new();
        world.log();
        // A store that is open has its last commits in its log alone.
        let store = world.store();
        let logged = world.log();
        let record = world.record();
        let path = world.folder.path().join("tablet.db");
        let (killed, log) =
            (std::fs::read(&path).unwrap(), std::fs::read(path.with_extension("db-wal")).unwrap());
        drop(store);
        assert!(log.len() > 4096, "{}", log.len());
        std::fs::write(path.with_extension("db-wal"), log).unwrap();
        std::fs::write(&path, [&[7; 100], &killed[100..]].concat()).unwrap();
        dies(&world, place, &["record", "--student", "maya"]);
        assert_eq!(world.record(), record, "{place}: {logged}");
        assert_eq!(world.done(&["status"])["damage"], Json::Null, "{place}");
    }
}
