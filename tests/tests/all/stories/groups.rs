//! Four children at one table.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{counted, list, text};

const FOUR: [(&str, &str); 4] = [("s1", "g1"), ("s2", "g2"), ("s3", "g3"), ("s4", "g4")];

/// Starts a group of four, taps once for each and once more for the third, and finishes it after half an hour.
fn half_an_hour(ana: &mut Tablet, finish: &str) -> Value {
    ana.set_clock(Some("2026-10-16T10:00:00-05:00"));
    let students: Vec<String> = FOUR.iter().map(|(student, _)| format!("--student {student}")).collect();
    ana.ok(&format!("start {} --mode push-in --place general-class", students.join(" ")));
    for (_, goal) in FOUR {
        ana.ok(&format!("tap --goal {goal}"));
    }
    ana.ok("tap --goal g3");
    ana.set_clock(Some("2026-10-16T10:30:00-05:00"));
    let finished = ana.ok(finish);
    ana.set_clock(None);
    finished
}

/// Checks one member's record and returns the group's id.
fn group_of(record: &Value, size: u64, taps: u64) -> String {
    assert_eq!(list(&record["sessions"]).len(), 1, "{record}");
    let row = &record["sessions"][0];
    assert_eq!(row["minutes"], 30, "minutes count in full for each");
    assert_eq!(row["group"]["size"], size);
    counted(&record["observations"][0]["value"], taps, 1_800);
    text(&row["group"]["id"]).to_owned()
}

#[test]
fn a9_a_group_of_four_is_four_records_and_no_peer_stands_in_any() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    let dov = world.tablet("ot1");
    let finished = half_an_hour(&mut ana, "finish");
    assert_eq!(list(&finished["sessions"]).len(), 4, "{finished}");
    assert_eq!(ana.ok("sync")["stored"], 4);
    dov.ok("sync");

    let carla = world.tablet("cm1");
    let taps = [("s1", 1), ("s2", 1), ("s3", 2), ("s4", 1)];
    let groups: BTreeSet<String> =
        taps.iter().map(|(student, taps)| group_of(&carla.record(student), 4, *taps)).collect();
    assert_eq!(groups.len(), 1, "one group");

    // The therapist of one of them learns of no other, neither from the record nor from anything on his tablet.
    let record = dov.record("s1").to_string();
    for (student, _) in &FOUR[1..] {
        assert!(!record.contains(text(&world.student(student)["id"])));
    }
    for name in ["Lindqvist", "Odell", "Raman"] {
        assert_eq!(dov.files_with(name), Vec::<PathBuf>::new(), "{name}");
    }
}

#[test]
fn a9_one_absent_one_refuses_one_leaves_early() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    let services = ["v1", "v2", "v3", "v4"].map(|line| format!("--service {line}")).join(" ");
    ana.set_clock(Some("2026-10-16T10:00:00-05:00"));
    let students = FOUR.map(|(student, _)| format!("--student {student}")).join(" ");
    ana.ok(&format!("start {students} --mode push-in --place general-class {services}"));
    for (_, goal) in [FOUR[0], FOUR[3]] {
        ana.ok(&format!("tap --goal {goal}"));
    }
    ana.set_clock(Some("2026-10-16T10:12:00-05:00"));
    ana.ok("leave --student s4");
    ana.exits(2, "leave --student s4");
    ana.exits(2, "tap --goal g4");
    ana.set_clock(Some("2026-10-16T10:30:00-05:00"));
    ana.exits(2, "finish --absent s2 --refused s2");
    let finished = ana.ok("finish --absent s2 --refused s3");
    assert_eq!((list(&finished["sessions"]).len(), list(&finished["missed"]).len()), (2, 2), "{finished}");
    ana.set_clock(None);
    assert_eq!(ana.ok("sync")["stored"], 4, "four students, four records");

    let carla = world.tablet("cm1");
    let mut groups = BTreeSet::new();
    for (student, minutes) in [("s1", 30), ("s4", 12)] {
        let record = carla.record(student);
        let row = &record["sessions"][0];
        assert_eq!((&row["minutes"], &row["group"]["size"]), (&json!(minutes), &json!(2)), "{record}");
        counted(&record["observations"][0]["value"], 1, minutes * 60);
        groups.insert(text(&row["group"]["id"]).to_owned());
    }
    assert_eq!(groups.len(), 1, "one group, of those who took part");
    for (student, reason) in [("s2", "student_absent"), ("s3", "student_refused")] {
        let record = carla.record(student);
        assert_eq!((&record["sessions"], &record["observations"]), (&json!([]), &json!([])));
        let missed = &record["missed"][0];
        assert_eq!((&missed["reason"], &missed["date"]), (&json!(reason), &json!("2026-10-16")), "{record}");
        assert_eq!(missed["owed"], 0, "neither is owed: the service was there");
    }
    // Nobody's record says who else was at the table.
    for (student, _) in FOUR {
        let record = carla.record(student).to_string();
        for (other, _) in FOUR.iter().filter(|(other, _)| *other != student) {
            assert!(!record.contains(text(&world.student(other)["id"])));
        }
    }
}

#[test]
fn a9_who_was_absent_has_no_session_and_the_others_have_theirs() {
    let world = World::new();
    let mut ana = world.tablet("slp1");
    half_an_hour(&mut ana, "finish --absent s2");
    ana.ok("sync");
    let carla = world.tablet("cm1");
    let groups: BTreeSet<String> = [("s1", 1), ("s3", 2), ("s4", 1)]
        .iter()
        .map(|(student, taps)| group_of(&carla.record(student), 3, *taps))
        .collect();
    assert_eq!(groups.len(), 1, "one group, of those who were there");
    assert_eq!(carla.record("s2")["sessions"], json!([]));
}
