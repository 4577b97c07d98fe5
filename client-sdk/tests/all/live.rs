//! Live sessions through the program: what was shown survives, and finishing makes the same records however often.

use client_sdk::session::STUDENTS_MAX;
use serde_json::json;
use sync_core::roster::role::Role;

use crate::world::{LEO, MAYA, World, run_in};

const AFTER: &str = "2026-11-20T10:20:10-06:00";

fn start(world: &World, words: &[&str]) -> String {
    let base = ["start", "--mode", "push-in", "--place", "general-class", "--student"];
    world.done(&[&base[..], words].concat())["live"].as_str().unwrap().to_owned()
}

#[test]
fn taps_and_trials_become_a_session_with_its_figures() {
    let world = World::new();
    let (count, percent) = (world.count_goal.to_string(), world.percent_goal.to_string());
    let live = start(&world, &["maya"]);
    world.done(&["tap", "--goal", &count]);
    world.done(&["tap", "--goal", &count, "--n", "3"]);
    for result in ["correct", "correct", "incorrect", "no-response"] {
        world.done(&["trial", "--goal", &percent, result]);
    }
    let shown = world.done(&["undo"]);
    assert_eq!(shown["live"], live.as_str());
    let n_of = |goal: &str| {
        let counts = shown["counts"].as_array().unwrap();
        counts.iter().find(|row| row["goal"] == goal).map(|row| row["n"].clone()).unwrap()
    };
    assert_eq!((n_of(&count), n_of(&percent)), (json!(4), json!(3)));
    assert_eq!(world.done(&["live", "--live", &live]), shown);
    let (exit, finished) = world.run_at(AFTER, &["finish", "--note", "calm"]);
    assert_eq!(exit, 0, "{finished}");
    assert_eq!(finished["sessions"][0]["student"], MAYA.to_string());
    let record = world.record();
    assert_eq!(record["sessions"][0]["minutes"], 20);
    let values: Vec<_> =
        record["observations"].as_array().unwrap().iter().map(|one| one["value"].clone()).collect();
    assert!(values.contains(&json!({"correct": 2, "of": 3})), "{values:?}");
    let counted = values.iter().find(|value| value["count"] == 4).unwrap();
    // The clock runs on from where it was set to, by as long as the program took.
    assert!((1_205..=1_215).contains(&counted["seconds"].as_i64().unwrap()), "{counted}");
    assert_eq!(world.run(&["live"]).0, 2, "it is closed");
}

#[test]
fn a_session_of_more_students_than_there_may_be_is_not_begun() {
    let world = World::new();
    let name = |nth: usize| format!("student {nth}");
    let begin = |students: usize| {
        let names: Vec<String> = (0..students).map(name).collect();
        let base = ["start", "--mode", "push-in", "--place", "general-class"];
        let students = names.iter().flat_map(|name| ["--student", name.as_str()]);
        world.run(&base.into_iter().chain(students).collect::<Vec<_>>())
    };
    let (exit, refused) = begin(STUDENTS_MAX + 1);
    assert_eq!(exit, 2);
    assert!(refused["error"]["message"].as_str().unwrap().contains("too many"), "{refused}");
    assert_eq!(begin(STUDENTS_MAX).0, 7, "so many may be: these are none of theirs");
    let (exit, refused) = world.run(&[
        "start",
        "--mode",
        "push-in",
        "--place",
        "general-class",
        "--student",
        "maya",
        "--student",
        "maya",
    ]);
    assert_eq!((exit, refused["error"]["message"].clone()), (2, json!("the same student twice")));
    assert_eq!(world.run(&["live"]).0, 2, "none was begun");
}

#[test]
fn a_copied_folder_finishes_the_same_session() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    start(&world, &["maya"]);
    world.done(&["tap", "--goal", &goal]);
    let copy = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(world.folder.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let (_, here) = world.run_at(AFTER, &["finish"]);
    let (_, there) = run_in(copy.path(), AFTER, &["finish"]);
    assert_eq!(here, there);
}

#[test]
fn a_group_makes_a_record_for_each_who_was_there() {
    let world = World::new();
    let service = world.service.to_string();
    start(&world, &["maya", "leo", "--service", &service]);
    let (exit, finished) = world.run_at(AFTER, &["finish"]);
    assert_eq!(exit, 0, "{finished}");
    let sessions = finished["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let groups: Vec<_> = ["maya", "leo"]
        .map(|student| world.done(&["record", "--student", student])["sessions"][0].clone())
        .into_iter()
        .map(|session| (session["group"].clone(), session["service"].clone()))
        .collect();
    assert_eq!(groups[0].0, groups[1].0);
    assert_eq!(groups[0].0["size"], 2);
    assert_eq!((groups[0].1.as_str(), groups[1].1.as_str()), (Some(service.as_str()), None));
}

#[test]
fn who_was_absent_gets_a_missed_session_where_a_service_promised_one() {
    let world = World::new();
    let service = world.service.to_string();
    start(&world, &["maya", "leo", "--service", &service]);
    let (exit, _) = world.run_at(AFTER, &["finish", "--absent", "somebody"]);
    assert_eq!(exit, 2);
    let (_, finished) = world.run_at(AFTER, &["finish", "--absent", "maya"]);
    assert_eq!(finished["sessions"].as_array().unwrap().len(), 1);
    assert_eq!(finished["sessions"][0]["student"], LEO.to_string());
    let missed = &world.record()["missed"][0];
    assert_eq!(
        (missed["reason"].as_str(), missed["date"].as_str()),
        (Some("student_absent"), Some("2026-11-20"))
    );
    assert_eq!(
        world.done(&["record", "--student", "leo"])["sessions"][0]["group"],
        json!(null),
        "one is no group"
    );
}

#[test]
fn several_open_sessions_must_be_told_apart() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    let first = start(&world, &["maya"]);
    let second = start(&world, &["maya"]);
    assert_ne!(first, second);
    assert_eq!(world.run(&["tap", "--goal", &goal]).0, 2);
    assert_eq!(world.done(&["tap", "--live", &second, "--goal", &goal])["live"], second.as_str());
    assert_eq!(world.done(&["live", "--live", &first])["counts"], json!([]));
}

#[test]
fn what_a_goal_is_not_measured_by_is_not_counted() {
    let world = World::new();
    let (count, percent) = (world.count_goal.to_string(), world.percent_goal.to_string());
    assert_eq!(world.run(&["tap", "--goal", &count]).0, 2, "nothing is open");
    start(&world, &["maya"]);
    assert_eq!(world.run(&["tap", "--goal", &percent]).0, 2);
    assert_eq!(world.run(&["trial", "--goal", &count, "correct"]).0, 2);
    assert_eq!(world.run(&["undo"]).0, 2);
    assert_eq!(world.run(&["tap", "--goal", &count, "--n", "0"]).0, 2);
    assert_eq!(world.done(&["live"])["counts"], json!([]));
}

#[test]
fn whoever_may_not_log_cannot_begin_to() {
    let world = World::of(Role::Coord);
    let (exit, _) = world.run(&["start", "--student", "maya", "--mode", "push-in", "--place", "gym"]);
    assert_eq!(exit, 7);
    assert_eq!(world.run(&["live"]).0, 2);
}

/// A paraprofessional cannot read the goal, so nothing tells how it is measured.
#[test]
fn what_was_counted_in_two_ways_at_one_goal_is_all_there() {
    let world = World::of(Role::Para);
    let goal = world.count_goal.to_string();
    start(&world, &["maya"]);
    world.done(&["tap", "--goal", &goal, "--n", "2"]);
    world.done(&["trial", "--goal", &goal, "correct"]);
    let shown = world.done(&["tap", "--goal", &goal]);
    let n: Vec<_> = shown["counts"].as_array().unwrap().iter().map(|row| row["n"].clone()).collect();
    assert_eq!(n, [json!(3), json!(1)], "{shown}");
    let (exit, finished) = world.run_at(AFTER, &["finish"]);
    assert_eq!(exit, 0, "{finished}");
    assert_eq!(finished["sessions"][0]["observations"].as_array().unwrap().len(), 2, "{finished}");
}

#[test]
fn of_somebody_who_left_nothing_more_is_counted_and_what_was_stays() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    start(&world, &["maya", "leo"]);
    world.done(&["tap", "--goal", &goal]);
    let shown = world.done(&["leave", "--student", "maya"]);
    assert_eq!(shown["counts"][0]["n"], 1);
    let (exit, refused) = world.run(&["tap", "--goal", &goal]);
    assert_eq!((exit, refused["error"]["message"].clone()), (2, json!("this student has left the session")));
    assert_eq!(world.run(&["leave", "--student", "maya"]).0, 2, "once");
    assert_eq!(world.done(&["live"]), shown);
    assert_eq!(world.done(&["undo"])["counts"], json!([]), "what was counted too much is still taken back");
}
