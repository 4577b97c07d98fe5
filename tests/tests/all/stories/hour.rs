//! An hour in the demo district, from the codes that it announces to one record on everybody's tablet.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{Reader, is_nothing_to_a_stranger, list, log_session, text, with_id};

/// The week of single sessions, and the one of the group.
const WEEK: &str = "2026-10-19";
const GROUP_WEEK: &str = "2026-10-26";
/// Students whom the speech therapist and the case manager share.
const FOUR: [&str; 4] = ["s02", "s03", "s04", "s06"];

/// Pairs with the code that stands in the announcement.
fn announced_tablet(world: &World, person: &str) -> Tablet {
    let people = world.with_server(|server| server.announced["people"].clone());
    let row = list(&people).iter().find(|one| one["external_id"] == person).unwrap();
    world.paired_with(person, text(&row["pairing_code"]))
}

fn deliver(tablet: &Tablet, nth: usize, start: &str, more: &str) -> Value {
    let student = FOUR[nth];
    let mode = if more.contains("--segment") {
        String::new()
    } else {
        format!("--mode push-in --place general-class --start {start} --minutes 30")
    };
    tablet.ok(&format!("log --student {student} {mode} --service v-slp-{} {more}", &student[1..]))
}

/// Returns the minutes of one student's speech line in a week.
fn week_of(tablet: &Tablet, student: &str, week: &str) -> Value {
    let line = tablet.ok("caseload");
    let row = list(&line["students"]).iter().find(|one| text(&one["display_name"]) == student).cloned();
    let student = row.unwrap_or_else(|| panic!("no {student} in {line}"));
    let record = tablet.ok(&format!("record --student {} --week {week}", text(&student["id"])));
    let speech = list(&student["services"]).iter().find(|one| one["discipline"] == "slp").unwrap();
    let rows = list(&record["minutes"]);
    let found = rows.iter().find(|row| row["service"] == speech["id"] && row["week"] == week);
    found.unwrap_or_else(|| panic!("no {week} in {record}")).clone()
}

#[test]
fn an_hour_offline_becomes_one_record_on_both_tablets() {
    let mut world = World::demo();
    world.let_days_pass(14);
    let (mut ada, iris) = (announced_tablet(&world, "slp-1"), announced_tablet(&world, "cm-1"));
    let names: Vec<String> =
        FOUR.iter().map(|student| text(&world.student(student)["display_name"]).to_owned()).collect();
    for tablet in [&ada, &iris] {
        tablet.network.set_up(false);
    }

    // What the two of them catch up on: a full week, an absent provider, an absent student, a blended session.
    deliver(&ada, 0, "2026-10-19T10:00:00-05:00", "");
    deliver(&iris, 0, "2026-10-21T10:00:00-05:00", "");
    deliver(&iris, 1, "2026-10-19T10:30:00-05:00", "");
    ada.ok("missed --student s03 --service v-slp-03 --date 2026-10-21 --reason provider_absent");
    deliver(&ada, 2, "2026-10-19T11:00:00-05:00", "");
    iris.ok("missed --student s04 --service v-slp-04 --date 2026-10-21 --reason student_absent");
    deliver(
        &ada,
        3,
        "",
        "--segment push-in,general-class,2026-10-19T13:00:00-05:00,20 \
         --segment pull-out,resource-room,2026-10-19T13:20:00-05:00,15",
    );

    // Then a group of four, whose program is killed with a tap in its hand.
    ada.set_clock(Some("2026-10-28T10:00:00-05:00"));
    let services = FOUR.map(|student| format!("--service v-slp-{}", &student[1..])).join(" ");
    let students = FOUR.map(|student| format!("--student {student}")).join(" ");
    ada.ok(&format!("start {students} --mode push-in --place general-class {services}"));
    ada.ok("trial --goal g-slp-02 correct");
    ada.set_clock(Some("2026-10-28T10:15:00-05:00"));
    assert_eq!(ada.run_killed_after_answer("trial --goal g-slp-02 incorrect")["counts"][0]["n"], 2);
    assert_eq!(ada.run_crashing("before_commit:1", "trial --goal g-slp-02 correct").code, None);
    ada.ok("trial --goal g-slp-03 correct");
    ada.set_clock(Some("2026-10-28T10:30:00-05:00"));
    let finished = ada.ok("finish");
    assert_eq!(list(&finished["sessions"]).len(), 4, "{finished}");
    ada.set_clock(None);

    for tablet in [&ada, &iris] {
        tablet.network.set_up(true);
    }
    // And once more, while it sends.
    assert_eq!(ada.run_crashing("after_send:1", "sync").code, None);
    for tablet in [&ada, &iris, &ada] {
        let synced = tablet.ok("sync --until-done");
        assert_eq!((&synced["waiting"], &synced["refused"]), (&json!(0), &json!(0)), "{synced}");
    }

    let oracles = [
        json!({"mandated": 60, "delivered": 60, "owed": 0, "balance": 0}),
        json!({"mandated": 60, "delivered": 30, "owed": 30, "balance": -30}),
        json!({"mandated": 60, "delivered": 30, "owed": 0, "balance": -30}),
        json!({"mandated": 60, "delivered": 35, "owed": 0, "balance": -25}),
    ];
    for tablet in [&ada, &iris] {
        for (name, oracle) in names.iter().zip(&oracles) {
            let row = week_of(tablet, name, WEEK);
            for (figure, value) in oracle.as_object().unwrap() {
                assert_eq!(&row[figure], value, "{figure} for {}: {row}", tablet.person);
            }
            let row = week_of(tablet, name, GROUP_WEEK);
            assert_eq!(row["delivered"], 30, "half an hour in full for each of four: {row}");
        }
    }
    for student in FOUR {
        assert_eq!(ada.record(student), iris.record(student), "one record");
    }
    let finished = list(&finished["sessions"]);
    let record = iris.record("s02");
    let session = finished
        .iter()
        .find_map(|one| list(&record["sessions"]).iter().find(|row| row["id"] == one["session"]));
    let session = session.expect("the group's session is in the record");
    assert_eq!((&session["group"]["size"], &session["minutes"]), (&json!(4), &json!(30)));
    let trials = list(&record["observations"]).iter().find(|row| row["session"] == session["id"]).unwrap();
    assert_eq!(trials["value"], json!({"correct": 1, "of": 2}), "what was answered before the kill, once");
    with_id(&record["observations"], text(&trials["id"]));

    // Somebody of the other school is told that there is nothing, and gets nothing.
    let bo = announced_tablet(&world, "slp-2");
    let unknown = bo.exits(7, "record --student nobody");
    for (student, name) in FOUR.iter().zip(&names) {
        let record = format!("record --student {student}");
        assert_eq!(bo.exits(7, &record)["error"], unknown["error"], "as one who is not there");
        assert_ne!(iris.ok(&record)["sessions"], json!([]), "who may see it does");
        assert_eq!(bo.files_with(name), Vec::<PathBuf>::new(), "{name}");
        assert_ne!(iris.files_with(name), Vec::<PathBuf>::new(), "{name}, as the search finds it elsewhere");
    }
    let (member, stranger) = (Reader::paired(&world, "cm-1", 9), Reader::paired(&world, "slp-2", 10));
    let four = FOUR.map(|student| world.student(student)["id"].clone());
    let team: Vec<_> =
        member.told.iter().filter(|name| four.contains(&json!(name.subject.to_string()))).collect();
    assert!(team.len() >= 2 * FOUR.len(), "a plan and a log each at least: {team:?}");
    is_nothing_to_a_stranger(&member, &stranger, &team);
    log_session(&bo, "s26", "2026-10-28T10:00:00-05:00");
    assert_eq!(bo.ok("sync")["stored"], 1);
}
