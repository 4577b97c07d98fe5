//! Four children at one table.

use std::collections::BTreeSet;

use serde_json::json;
use tests::process::World;

use super::{list, text};

const FOUR: [(&str, &str); 4] = [("s1", "g1"), ("s2", "g2"), ("s3", "g3"), ("s4", "g4")];

#[test]
fn a9_a_group_of_four_is_four_records() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    let dov = world.tablet("ot1");
    ana.set_clock(Some("2026-10-16T10:00:00-05:00"));
    let students: Vec<String> = FOUR.iter().map(|(student, _)| format!("--student {student}")).collect();
    ana.ok(&format!("start {} --mode push-in --place general-class", students.join(" ")));
    for (_, goal) in FOUR {
        ana.ok(&format!("tap --goal {goal}"));
    }
    ana.ok("tap --goal g3");
    ana.set_clock(Some("2026-10-16T10:30:00-05:00"));
    let finished = ana.ok("finish --absent s2");
    ana.set_clock(None);
    assert!(list(&finished["sessions"]).len() >= 3, "{finished}");
    ana.ok("sync");
    dov.ok("sync");

    let carla = world.tablet("cm1");
    let mut groups = BTreeSet::new();
    for (student, n) in [("s1", 1), ("s3", 2), ("s4", 1)] {
        let record = carla.record(student);
        assert_eq!(list(&record["sessions"]).len(), 1, "{record}");
        let row = &record["sessions"][0];
        assert_eq!(row["minutes"], 30, "minutes count in full for each");
        assert_eq!(row["group"]["size"], 4);
        groups.insert(text(&row["group"]["id"]).to_owned());
        assert_eq!(record["observations"][0]["value"], json!({"count": n, "seconds": 1800}));
    }
    assert_eq!(groups.len(), 1, "one group");
    let absent = carla.record("s2");
    assert_eq!(absent["sessions"], json!([]), "who was not there has no session: {absent}");

    // The therapist of one of them learns of no other, neither from the record nor from anything on his tablet.
    let record = dov.record("s1").to_string();
    for (student, _) in &FOUR[1..] {
        assert!(!record.contains(text(&world.student(student)["id"])));
    }
    for name in ["Lindqvist", "Odell", "Raman"] {
        assert_eq!(dov.files_with(name), Vec::<std::path::PathBuf>::new(), "{name}");
    }
}
