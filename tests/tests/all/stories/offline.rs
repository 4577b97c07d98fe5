//! A week without a network, then one that keeps breaking off.

use std::collections::BTreeSet;
use std::time::Duration;

use tests::process::{Cut, World, eventually};

use super::{ids, list, log_session};

const DAYS: [&str; 5] = ["2026-10-12", "2026-10-13", "2026-10-14", "2026-10-15", "2026-10-16"];
const STUDENTS: [&str; 5] = ["s1", "s2", "s3", "s4", "s5"];

#[test]
fn a2_a_week_offline_arrives_once_over_a_line_that_drops() {
    let world = World::new();
    let ana = world.tablet("slp1");
    ana.network.set_up(false);
    let mut logged = BTreeSet::new();
    for day in DAYS {
        for student in STUDENTS {
            for slot in 0..6 {
                let start = format!("{day}T{:02}:00:00-05:00", 9 + slot);
                logged.insert(log_session(&ana, student, &start));
            }
        }
    }
    assert_eq!((logged.len(), ana.ok("status")["waiting"].as_u64()), (150, Some(150)));
    let unreachable = ana.exits(3, "sync");
    assert_eq!((unreachable["waiting"].as_u64(), unreachable["stored"].as_u64()), (Some(150), Some(0)));

    let words = ana.in_words("status");
    assert!(words.starts_with("Offline. 150 items saved on this tablet, waiting to be sent."), "{words}");

    // Nobody presses anything from here on: the tablet is on, and the network comes back.
    let mut watching = ana.watch();
    let tries = ana.network.connections();
    eventually("a try that finds no network", || (ana.network.connections() > tries).then_some(()));
    // Within the request, just before the answer, and within the answer; then what is left of two seconds at a time.
    ana.network.cut([Cut::request(0), Cut::request(3_000), Cut::answer(0), Cut::answer(90)]);
    ana.network.set_pace(Duration::from_millis(20));
    ana.network.drop_every(Duration::from_secs(2));
    ana.network.set_up(true);
    let mut seen = BTreeSet::new();
    eventually("all saved", || {
        let words = ana.in_words("status").trim().to_owned();
        seen.insert(words.clone());
        words.starts_with("All saved to school at 2026-10-16T").then_some(())
    });
    let items = " saved on this tablet, waiting to be sent.";
    assert!(seen.iter().any(|words| words.ends_with(items) && words.contains("150 items")), "{seen:?}");
    assert!(watching.goes_on());
    let done = watching.stop("TERM");
    assert_eq!(done.code, Some(0), "{done:?}");
    let done = done.json;
    assert_eq!((done["waiting"].as_u64(), done["held"].as_u64()), (Some(0), Some(0)), "{done}");
    assert_eq!(done["stored"].as_u64(), Some(150), "each act has one fate, and one only: {done}");
    assert_eq!(ana.network.cuts_left(), 0);
    assert_eq!(ana.ok("sync")["stored"], 0);
    let status = ana.ok("status");
    assert_eq!((&status["waiting"], &status["held"], &status["refused"]), (&0.into(), &0.into(), &0.into()));
    let words = ana.in_words("status");
    assert!(!words.contains("waiting") && !words.contains("refused"), "{words}");

    let carla = world.tablet("cm1");
    for tablet in [&ana, &carla] {
        let mut seen = BTreeSet::new();
        for student in STUDENTS {
            let record = tablet.record(student);
            assert_eq!(list(&record["sessions"]).len(), 30);
            seen.extend(ids(&record["sessions"]));
        }
        assert_eq!(seen, logged);
    }
}

#[test]
fn a_first_sync_over_a_line_that_drops_completes() {
    let world = World::new();
    let ana = world.tablet("slp1");
    for hour in 8..15 {
        log_session(&ana, "s1", &format!("2026-10-12T{hour:02}:00:00-05:00"));
    }
    ana.ok("sync");
    let carla = world.unpaired("cm1");
    let code = world.admin("device code cm1");
    let code = code["code"].as_str().unwrap();
    carla.ok(&format!("pair --server {} --code {code}", carla.network.url()));
    carla.network.cut([400, 900, 1_500, 2_500].map(Cut::answer));
    carla.network.set_pace(Duration::from_millis(5));
    carla.network.drop_every(Duration::from_secs(2));
    carla.ok("sync --until-done");
    assert_eq!(carla.record("s1"), ana.record("s1"));
}
