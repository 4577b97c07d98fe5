//! Taps in a hallway, and what an empty battery does to them.

use serde_json::json;
use tests::process::World;

use super::{counted, list, text};

#[test]
fn a1_a_battery_dies_at_the_fourth_tap() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    ana.network.set_up(false);
    ana.set_clock(Some("2026-10-16T10:00:00-05:00"));
    let live = ana.ok("start --student s1 --mode push-in --place hallway");
    for n in 1..=3 {
        assert_eq!(ana.ok("tap --goal g1")["counts"][0]["n"], n);
    }
    // The answer to the fourth is out when the program is killed: whoever saw it can rely on it.
    assert_eq!(ana.run_killed_after_answer("tap --goal g1")["counts"][0]["n"], 4);

    let resumed = ana.ok("live");
    assert_eq!((&resumed["live"], &resumed["counts"][0]["n"]), (&live["live"], &json!(4)));
    ana.ok("tap --goal g1");
    assert_eq!(ana.ok("tap --goal g1")["counts"][0]["n"], 6);
    ana.set_clock(Some("2026-10-16T10:03:00-05:00"));
    let finished = ana.ok("finish");
    assert_eq!(list(&finished["sessions"]).len(), 1);
    let session = text(&finished["sessions"][0]["session"]);

    ana.set_clock(None);
    ana.network.set_up(true);
    assert_eq!(ana.ok("sync")["stored"], 1);
    let carla = world.tablet("cm1");
    for tablet in [&ana, &carla] {
        let record = tablet.record("s1");
        assert_eq!(list(&record["sessions"]).len(), 1);
        let row = &record["sessions"][0];
        assert_eq!(
            (&row["id"], &row["mode"], &row["place"]),
            (&json!(session), &json!("push-in"), &json!("hallway"))
        );
        assert_eq!((&row["minutes"], &row["author"]), (&json!(3), &json!(world.person("slp1"))));
        assert_eq!(list(&record["observations"]).len(), 1);
        counted(&record["observations"][0]["value"], 6, 180);
    }
}

#[test]
fn a1_a_tap_that_was_not_answered_is_there_whole_or_not_at_all() {
    let world = World::new();
    let ana = world.tablet("slp1");
    ana.ok("start --student s1 --mode push-in --place hallway");
    ana.ok("tap --goal g1");
    let died = ana.run_crashing("before_commit:1", "tap --goal g1");
    assert_eq!((died.code, died.json), (None, serde_json::Value::Null));
    assert_eq!(ana.ok("live")["counts"][0]["n"], 1);
    let died = ana.run_crashing("after_commit:1", "tap --goal g1");
    assert_eq!(died.code, None);
    assert_eq!(ana.ok("live")["counts"][0]["n"], 2);
    assert_eq!(ana.ok("undo")["counts"][0]["n"], 1);
}
