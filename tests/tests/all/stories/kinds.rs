//! The three kinds of figures that every specialist logs.

use std::fs;

use serde_json::json;
use tests::process::World;

use super::{list, text};

const GOAL: &str = "external_id,student,discipline,statement,plain_statement,kind,direction,target,baseline,baseline_date,target_date,criterion,assigned
g1r,s1,slp,Reads a passage aloud,,probe,increase,90,,,,,slp1
";

/// Of a probe the attempts and the errors are told; what was right follows from them.
#[test]
fn a_count_a_probe_and_trials_of_one_session_are_seen_as_they_were_logged() {
    let world = World::new();
    let csv = world.folder("probe");
    fs::write(csv.join("goals.csv"), GOAL).unwrap();
    assert_eq!(world.admin(&format!("import '{}'", csv.display()))["errors"], json!([]));
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let session = "log --student s1 --mode pull-out --place resource-room --start 2026-10-16T09:00:00-05:00 --minutes 30";

    // What cannot be makes nothing, and says what to change.
    for (figures, says) in [
        ("--goal g1r --attempted 40 --errors 41 --seconds 60", "errors must not exceed attempted"),
        ("--goal g1r --attempted 40 --errors 4 --seconds 0", "seconds must be from 1 to 86400"),
        ("--goal g1r --attempted 40 --seconds 60", "these figures make no observation"),
        ("--goal g1p --correct 9 --of 8", "correct must not exceed of"),
    ] {
        let refused = ana.exits(2, &format!("{session} {figures}"));
        assert!(text(&refused["error"]["message"]).contains(says), "{figures}: {refused}");
    }
    assert_eq!(ana.ok("status")["waiting"], 0);

    ana.ok(&format!(
        "{session} --goal g1 --count 6 --seconds 600 --goal g1r --attempted 64 --errors 4 --seconds 60 --goal g1p --correct 8 --of 10"
    ));
    ana.ok("sync");
    carla.ok("sync");
    for tablet in [&ana, &carla] {
        let record = tablet.record("s1");
        let mut seen: Vec<(&str, String)> = list(&record["observations"])
            .iter()
            .map(|one| (text(&one["kind"]), one["value"].to_string()))
            .collect();
        seen.sort_unstable();
        let expected = [
            ("count", json!({"count": 6, "seconds": 600}).to_string()),
            ("percent", json!({"correct": 8, "of": 10}).to_string()),
            ("probe", json!({"attempted": 64, "errors": 4, "seconds": 60}).to_string()),
        ];
        assert_eq!(seen, expected, "{}", tablet.person);
    }
}
