//! The program without a network: what it prints, how it ends, and that nothing is made where it says so.

use client_sdk::trouble::Trouble;
use serde_json::{Value as Json, json};
use sync_core::exchange::client::state::Tablet;
use sync_core::roster::role::Role;

use crate::world::{ME, World, run_in};

#[test]
fn a_logged_session_is_in_the_record_as_it_was_given() {
    let world = World::new();
    let session = world.log();
    let record = world.record();
    let shown = &record["sessions"][0];
    assert_eq!(shown["id"], session.as_str());
    assert_eq!(shown["author"], ME.to_string());
    assert_eq!(shown["mode"], "push-in");
    assert_eq!(shown["place"], "general-class");
    assert_eq!(shown["start"], "2026-11-20T09:00:00-06:00");
    assert_eq!(shown["minutes"], 20);
    assert_eq!(shown["group"], Json::Null);
    assert_eq!(shown["state"], "complete");
    assert_eq!(shown["late"], false);
    let observation = &record["observations"][0];
    assert_eq!(observation["value"], json!({"correct": 4, "of": 5}));
    assert_eq!(observation["kind"], "percent");
    assert_eq!(observation["session"], session.as_str());
    assert_eq!(record["goals"].as_array().unwrap().len(), 2);
    assert_eq!(record["goals"][0]["target"], 80);
}

#[test]
fn figures_go_with_the_goal_that_they_come_behind() {
    let world = World::new();
    let (count, percent) = (world.count_goal.to_string(), world.percent_goal.to_string());
    let made = world.done(&[
        "log",
        "--student",
        "maya",
        "--segment",
        "push-in,general-class,2026-11-20T09:00:00-06:00,10",
        "--segment",
        "pull-out,quiet-space,2026-11-20T09:10:00-06:00,20",
        "--goal",
        &percent,
        "--of",
        "9",
        "--correct",
        "3",
        "--goal",
        &count,
        "--count",
        "7",
        "--seconds",
        "600",
        "--goal",
        &percent,
        "--correct",
        "1",
        "--of",
        "2",
    ]);
    assert_eq!(made["observations"].as_array().unwrap().len(), 3);
    let record = world.record();
    assert_eq!(record["sessions"][0]["mode"], "blended");
    assert_eq!(record["sessions"][0]["minutes"], 30);
    let value_of = |id: &Json| {
        let all = record["observations"].as_array().unwrap();
        all.iter().find(|one| one["id"] == *id).unwrap()["value"].clone()
    };
    let values: Vec<Json> = made["observations"].as_array().unwrap().iter().map(value_of).collect();
    assert_eq!(
        values,
        [json!({"correct": 3, "of": 9}), json!({"count": 7, "seconds": 600}), json!({"correct": 1, "of": 2})]
    );
}

#[test]
fn a_value_that_cannot_be_makes_nothing_and_says_what_to_change() {
    let world = World::new();
    let goal = world.percent_goal.to_string();
    let base = [
        "log",
        "--student",
        "maya",
        "--mode",
        "push-in",
        "--place",
        "gym",
        "--start",
        "2026-11-20T09:00:00-06:00",
    ];
    let cases: [&[&str]; 9] = [
        &["--minutes", "0"],
        &["--minutes", "-5"],
        &["--minutes", "481"],
        &["--minutes", "20", "--goal", &goal, "--correct", "6", "--of", "5"],
        &["--minutes", "20", "--goal", &goal, "--correct", "-1", "--of", "5"],
        &["--minutes", "20", "--goal", &goal, "--correct", "1"],
        &["--minutes", "20", "--correct", "1", "--of", "5"],
        &["--minutes", "20", "--group", "g", "--size", "1"],
        &["--minutes", "x"],
    ];
    for case in cases {
        let (exit, json) = world.run(&[&base[..], case].concat());
        assert_eq!(exit, 2, "{case:?} {json}");
        for field in ["code", "message", "help"] {
            assert!(!json["error"][field].as_str().unwrap().is_empty(), "{case:?} {field}");
        }
    }
    assert_eq!(world.record()["sessions"], json!([]));
    let (exit, json) = world.run(&[
        "log",
        "--student",
        "maya",
        "--mode",
        "sideways",
        "--place",
        "gym",
        "--start",
        "2026-11-20T09:00:00-06:00",
        "--minutes",
        "5",
    ]);
    assert_eq!((exit, json["error"]["code"].as_str()), (2, Some("usage")));
}

#[test]
fn another_year_is_a_slip_and_makes_nothing() {
    let world = World::new();
    let log = |start: &str| {
        let base =
            ["log", "--student", "maya", "--mode", "push-in", "--place", "gym", "--minutes", "20", "--start"];
        world.run(&[&base[..], &[start]].concat())
    };
    let (exit, json) = log("2036-11-20T09:00:00-06:00");
    assert_eq!((exit, json["error"]["code"].as_str()), (2, Some("invalid_value")), "{json}");
    assert_eq!(log("2026-11-23T09:00:00-06:00").0, 0, "a clock that is behind keeps nobody from logging");
    let missed =
        ["missed", "--student", "maya", "--reason", "provider_absent", "--date", "2036-11-20", "--service"];
    assert_eq!(world.run(&[&missed[..], &[&world.service.to_string()]].concat()).0, 2);
}

/// The clock of a tablet whose battery ran empty begins anew, long before anybody's first day on a team.
#[test]
fn a_clock_that_began_anew_keeps_nobody_from_logging() {
    let world = World::new();
    let then = "1970-01-01T00:07:00Z";
    let (exit, live) =
        world.run_at(then, &["start", "--student", "maya", "--mode", "push-in", "--place", "hallway"]);
    assert_eq!(exit, 0, "{live}");
    assert_eq!(world.run_at(then, &["tap", "--goal", &world.count_goal.to_string()]).0, 0);
    let (exit, finished) = world.run_at("1970-01-01T00:17:00Z", &["finish"]);
    assert_eq!(exit, 0, "{finished}");
    // It stands in a document that the server has, not in one of 1969.
    let store = world.store();
    let homes = store.read(|state| {
        let tablet = Tablet(state);
        let given: Vec<_> = tablet.copies()?.into_iter().map(|copy| copy.name).collect();
        Ok::<_, Trouble>((tablet.acts()?.into_iter().map(|act| act.name).collect::<Vec<_>>(), given))
    });
    let (acts, given) = homes.unwrap();
    assert!(!acts.is_empty() && acts.iter().all(|name| given.contains(name)), "{acts:?}");
}

#[test]
fn amending_voiding_and_certifying_are_told_by_the_record() {
    let world = World::new();
    let session = world.log();
    world.done(&["certify", &session]);
    assert_eq!(world.record()["sessions"][0]["state"], "certified");
    world.done(&["amend", &session, "--set", "minutes=25", "--reason", "bell was late"]);
    let record = world.record();
    assert_eq!(record["sessions"][0]["minutes"], 25);
    assert_eq!(record["sessions"][0]["state"], "amended");
    world.done(&["certify", &session]);
    assert_eq!(world.record()["sessions"][0]["state"], "certified");
    let observation = record["observations"][0]["id"].as_str().unwrap();
    world.done(&["amend", observation, "--set", "correct=5", "of=6", "--reason", "counted again"]);
    assert_eq!(world.record()["observations"][0]["value"], json!({"correct": 5, "of": 6}));
    world.done(&["void", &session, "--reason", "wrong student"]);
    assert_eq!(world.record()["sessions"][0]["state"], "void");
    assert_eq!(world.run(&["certify", &session]).0, 2);
    for set in ["minutes=0", "minutes=x", "mood=good", "role=cm", "minutes"] {
        assert_eq!(world.run(&["amend", &session, "--set", set, "--reason", "r"]).0, 2, "{set}");
    }
    assert_eq!(world.run(&["void", &session, "--reason", " "]).0, 2);
}

#[test]
fn a_goal_takes_its_target_as_it_is_shown() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    world.done(&["goal", &goal, "--target", "12.5", "--statement", "asks twice"]);
    let record = world.record();
    let shown =
        record["goals"].as_array().unwrap().iter().find(|one| one["id"] == goal.as_str()).unwrap().clone();
    assert_eq!(shown["target"], 12.5);
    assert_eq!(shown["statement"], "asks twice");
    assert_eq!(shown["target_by"], ME.to_string());
    assert!(shown["target_at"].as_str().unwrap().starts_with("2026-11-20T10:00:0"), "{shown}");
    assert_eq!(world.run(&["goal", &goal, "--target", "-1"]).0, 2);
    assert_eq!(world.run(&["goal", &goal]).0, 2);
}

#[test]
fn a_missed_session_is_owed_or_not_by_its_reason() {
    let world = World::new();
    let service = world.service.to_string();
    let miss = |reason| {
        world.done(&[
            "missed",
            "--student",
            "maya",
            "--service",
            &service,
            "--date",
            "2026-11-20",
            "--reason",
            reason,
        ])
    };
    miss("provider_absent");
    miss("student_absent");
    let record = world.record();
    let owed: Vec<_> = record["missed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["reason"].clone(), one["owed"].clone()))
        .collect();
    assert!(owed.contains(&(json!("provider_absent"), json!(30))), "{owed:?}");
    assert!(owed.contains(&(json!("student_absent"), json!(0))), "{owed:?}");
    assert_eq!(record["minutes"][0]["week"], "2026-11-16");
    assert_eq!(record["minutes"][0]["mandated"], 60);
    assert_eq!(
        world
            .run(&[
                "missed",
                "--student",
                "maya",
                "--service",
                &service,
                "--date",
                "2026-13-01",
                "--reason",
                "student_absent"
            ])
            .0,
        2
    );
}

#[test]
fn unknown_and_forbidden_look_alike() {
    let world = World::new();
    let nobody = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for student in [nobody, "somebody-else"] {
        let (exit, json) = world.run(&["record", "--student", student]);
        assert_eq!((exit, json["error"]["code"].as_str()), (7, Some("not_allowed")));
        let log = [
            "log",
            "--student",
            student,
            "--mode",
            "push-in",
            "--place",
            "gym",
            "--start",
            "2026-11-20T09:00:00-06:00",
            "--minutes",
            "5",
        ];
        assert_eq!(world.run(&log).0, 7);
    }
    assert_eq!(world.run(&["hold", nobody]).0, 7);
    assert_eq!(world.run(&["resolve", nobody, "--keep", "1"]).0, 7);
    assert_eq!(world.run(&["void", "nonsense", "--reason", "r"]).0, 7);
}

#[test]
fn what_a_role_may_not_do_is_not_made_and_says_who_can_help() {
    let world = World::of(Role::Para);
    let session = world.done(&[
        "log",
        "--student",
        "maya",
        "--mode",
        "push-in",
        "--place",
        "gym",
        "--start",
        "2026-11-20T09:00:00-06:00",
        "--minutes",
        "5",
    ]);
    let session = session["session"].as_str().unwrap();
    let (exit, json) = world.run(&["certify", session]);
    assert_eq!(exit, 7, "{json}");
    assert!(json["error"]["help"].as_str().unwrap().contains("Grace"), "{json}");
    assert_eq!(world.done(&["status"])["waiting"], 1, "nothing was made");
    let (exit, _) = world.run(&["--no-local-policy", "certify", session]);
    assert_eq!(exit, 0);
    assert_eq!(world.done(&["status"])["waiting"], 2);
    assert_eq!(world.record()["minutes"], Json::Null, "a member who does not read the plan gets no figure");
    assert_eq!(world.record()["sessions"][0]["state"], "pending_cosign");
}

#[test]
fn everything_local_works_before_the_first_network() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, json) = run_in(folder.path(), "+0s", &["status"]);
    assert_eq!((exit, json["error"]["code"].as_str()), (2, Some("not_paired")));
    let (exit, json) = run_in(folder.path(), "+0s", &["nonsense"]);
    assert_eq!((exit, json["error"]["code"].as_str()), (2, Some("usage")));
    let world = World::new();
    let (exit, json) = world.run(&["sync"]);
    assert_eq!(exit, 3, "{json}");
    assert_eq!(json["error"]["code"], "unreachable");
    assert_eq!(json["waiting"], 3);
    assert_eq!(json["stored"], 0);
    let status = world.done(&["status"]);
    assert_eq!(status["last_sync"], Json::Null);
    assert_eq!(status["person"], ME.to_string());
    assert_eq!(world.run(&["pair", "--server", "http://127.0.0.1:1", "--code", "X"]).0, 2, "paired already");
    let (exit, _) = run_in(folder.path(), "+0s", &["pair", "--server", "http://127.0.0.1:1", "--code", "X"]);
    assert_eq!(exit, 3);
}

#[test]
fn shared_tallies_count_per_person_and_give_back_only_ones_own() {
    let world = World::new();
    let goal = world.count_goal.to_string();
    let tally = world.done(&["tally", "open", "--student", "maya", "--goal", &goal])["tally"]
        .as_str()
        .unwrap()
        .to_owned();
    world.done(&["tally", "add", &tally, "5"]);
    world.done(&["tally", "add", &tally]);
    world.done(&["tally", "undo", &tally, "2"]);
    let shown = world.done(&["tally", "show", &tally]);
    assert_eq!(shown["total"], 4);
    assert_eq!(shown["by"], json!([{"person": ME.to_string(), "n": 4}]));
    assert_eq!(world.run(&["tally", "undo", &tally, "5"]).0, 2);
}
