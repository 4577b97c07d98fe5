//! The demo district as its program founds it: what is in it, that it is kept, and that it can be begun anew.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan as _;
use jiff::civil::{Date, Weekday};
use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{ids, list, log_session, text, with_id};

/// Who manages the cases of each school: between the two of them they read everybody.
const MANAGERS: [&str; 2] = ["cm-1", "set-3"];
/// The day before that of the stories, and the first school day of the six weeks that end with it.
const YESTERDAY: &str = "2026-10-15";
const FIRST: &str = "2026-09-04";

fn announced_tablet(world: &World, person: &str) -> Tablet {
    let announced = world.with_server(|server| server.announced.clone());
    let row = list(&announced["people"]).iter().find(|one| one["external_id"] == person).unwrap();
    world.paired_with(person, text(&row["pairing_code"]))
}

/// Returns what a list says, counted.
fn counted(list_of: &Value, field: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for row in list(list_of) {
        *counts.entry(row[field].as_str().unwrap_or("-").to_owned()).or_default() += 1;
    }
    counts
}

/// Sorts a list by ids, and takes out what is said to each start anew.
fn lasting(said: &Value) -> Value {
    let mut rows = said.as_array().unwrap().clone();
    rows.sort_by_key(|row| row["id"].to_string());
    for row in &mut rows {
        for passing in ["pairing_code", "invitation", "sign_in_url"] {
            row.as_object_mut().unwrap().remove(passing);
        }
    }
    Value::from(rows)
}

/// Checks who is in it.
fn is_a_district(announced: &Value) {
    let roles = counted(&announced["people"], "role");
    let wanted = [
        ("admin", 1),
        ("asst", 1),
        ("cm", 1),
        ("coord", 1),
        ("ot", 1),
        ("para", 3),
        ("psy", 1),
        ("pt", 1),
        ("set", 3),
        ("slp", 2),
    ];
    assert_eq!(roles, wanted.map(|(role, n)| (role.to_owned(), n)).into(), "fifteen of these roles");
    let schools: BTreeSet<String> = counted(&announced["people"], "school").into_keys().collect();
    assert_eq!(schools, ["-", "elm", "oak"].map(str::to_owned).into(), "two schools, and who works at both");
    let codes: BTreeSet<&str> =
        list(&announced["people"]).iter().map(|one| text(&one["pairing_code"])).collect();
    assert_eq!(codes.len(), 15, "a code of its own for each");
    let students = list(&announced["students"]);
    assert_eq!((students.len(), ids(&announced["students"]).len()), (40, 40));
    let people = ids(&announced["people"]);
    for student in students {
        let goals = list(&student["goals"]);
        assert!(goals.len() >= 2 && list(&student["services"]).len() >= 2, "{student}");
        for goal in goals {
            assert!(["count", "probe", "percent"].contains(&text(&goal["kind"])), "{goal}");
            assert!(goal["target"].is_number() && !text(&goal["statement"]).is_empty(), "{goal}");
        }
        let team: BTreeSet<&str> = list(&student["team"]).iter().map(|one| text(&one["person"])).collect();
        assert!(team.len() >= 2 && team.iter().all(|person| people.contains(*person)), "{student}");
        assert_eq!(list(&student["team"]).iter().filter(|one| one["role"] == "cm").count(), 1, "{student}");
    }
    let guardians = list(&announced["guardians"]);
    assert_eq!(guardians.len(), 40);
    for guardian in guardians {
        assert!(text(&guardian["sign_in_url"]).starts_with(text(&announced["server"])), "{guardian}");
        assert!(guardian["invitation"].is_string(), "{guardian}");
    }
}

/// Returns every school day of the six weeks.
fn school_days() -> BTreeSet<Date> {
    let (first, last): (Date, Date) = (FIRST.parse().unwrap(), YESTERDAY.parse().unwrap());
    let days = first.series(1.day()).take_while(|day| *day <= last);
    days.filter(|day| !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)).collect()
}

/// Returns every student's record, as whoever manages the case reads it.
fn records(managers: &[Tablet; 2]) -> BTreeMap<String, Value> {
    let mut records = BTreeMap::new();
    for tablet in managers {
        for student in list(&tablet.ok("caseload")["students"]) {
            let id = text(&student["id"]);
            records.insert(text(&student["external_id"]).to_owned(), tablet.record(id));
        }
    }
    records
}

#[test]
fn the_demo_is_a_district_with_six_weeks_behind_it_and_is_kept() {
    let world = World::demo();
    let announced = world.with_server(|server| server.announced.clone());
    is_a_district(&announced);
    assert_eq!(lasting(&world.admin("student list")["students"]), lasting(&announced["students"]));
    assert_eq!(lasting(&world.admin("person list")["people"]), lasting(&announced["people"]));

    // Six weeks of work that ended yesterday, on every school day and with every student.
    let managers = MANAGERS.map(|person| announced_tablet(&world, person));
    let before = records(&managers);
    assert_eq!(before.len(), 40, "between them the two read everybody");
    let (mut days, mut kinds, mut states, mut missed, mut authors) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new(), 0, BTreeSet::new());
    let mut sessions = 0;
    for (student, record) in &before {
        let rows = list(&record["sessions"]);
        sessions += rows.len();
        assert!(rows.len() >= 18, "three a week at least: {student} has {}", rows.len());
        for row in rows {
            days.insert(text(&row["start"])[..10].parse::<Date>().unwrap());
            states.insert(text(&row["state"]));
            authors.insert(text(&row["author"]));
        }
        kinds.extend(list(&record["observations"]).iter().map(|row| text(&row["kind"])));
        missed += list(&record["missed"]).len();
        let observed: BTreeSet<&str> =
            list(&record["observations"]).iter().map(|row| text(&row["session"])).collect();
        assert_eq!(observed.len(), rows.len(), "{student}: each session has something to show");
    }
    assert_eq!(days, school_days(), "every school day of six weeks, and none of today");
    assert_eq!(kinds, ["count", "percent", "probe"].into());
    assert_eq!(states, ["certified", "complete", "pending_cosign"].into());
    assert!(
        sessions > 1_000 && missed > 40 && authors.len() >= 10,
        "{sessions}, {missed}, {}",
        authors.len()
    );

    // Two conflicts, each between two people; three acts that wait, of three kinds.
    let conflicts: Vec<Value> =
        managers.iter().flat_map(|tablet| list(&tablet.ok("conflicts")["conflicts"]).to_vec()).collect();
    let mut of: Vec<(&str, Vec<&Value>)> = Vec::new();
    for conflict in &conflicts {
        let values = list(&conflict["values"]);
        assert_ne!(values[0]["by"], values[1]["by"], "{conflict}");
        let mut both: Vec<&Value> = values.iter().map(|value| &value["value"]).collect();
        // In which order they stand follows from ids.
        both.sort_by_key(|value| value.to_string());
        of.push((text(&conflict["field"]), both));
    }
    of.sort_by_key(|(field, _)| *field);
    assert_eq!(of.len(), 2, "{conflicts:?}");
    assert_eq!((of[0].0, of[1].0, &of[1].1[..]), ("statement", "target", &[&json!(75), &json!(85)][..]));
    let holds = world.admin("hold list");
    let wanted = ["access_ended", "not_allowed", "proposal"].map(|reason| (reason.to_owned(), 1));
    assert_eq!(counted(&holds["holds"], "reason"), wanted.into());
    let reviewed = world.as_person("coord-1", "hold list");
    let late: Vec<&Value> = list(&reviewed["holds"]).iter().filter(|hold| hold["late"] == true).collect();
    assert_eq!((late.len(), &late[0]["reason"]), (1, &json!("access_ended")), "{reviewed}");
    let on_tablet = managers[0].ok("holds");
    for hold in list(&reviewed["holds"]) {
        let row = with_id(&on_tablet["holds"], text(&hold["id"]));
        for (name, value) in hold.as_object().unwrap() {
            assert_eq!(value, &row[name], "{name}, as on the tablet");
        }
    }

    // Started again, it is what it was, and what was added meanwhile is there.
    let ada = announced_tablet(&world, "slp-1");
    let session = log_session(&ada, "s02", "2026-10-16T10:00:00-05:00");
    assert_eq!(ada.ok("sync")["stored"], 1);
    let grants = lasting(&world.admin("grant list")["grants"]);
    let token = world.with_server(|server| server.token.clone());
    let server = world.take_server();
    let port = server.port();
    server.stop();
    world.set_server(world.installation.serve_demo_on(port, ""));
    let again = world.with_server(|server| server.announced.clone());
    assert_eq!(lasting(&again["people"]), lasting(&announced["people"]));
    assert_eq!(lasting(&again["students"]), lasting(&announced["students"]));
    assert_eq!(lasting(&again["guardians"]), lasting(&announced["guardians"]));
    for person in list(&again["people"]) {
        let has_tablet = ["cm-1", "set-3", "slp-1"].contains(&text(&person["external_id"]));
        assert_eq!(person["pairing_code"].is_null(), has_tablet, "{person}");
    }
    let listed = world.with_server(|server| server.run_as(&token, "grant list")).ok();
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(lasting(&listed["grants"]), grants, "by the token of before");
    assert_eq!(lasting(&world.admin("hold list")["holds"]), lasting(&holds["holds"]));
    for tablet in managers.iter().chain([&ada]) {
        let synced = tablet.ok("sync");
        assert_eq!((&synced["stored"], &synced["waiting"]), (&json!(0), &json!(0)), "{synced}");
    }
    let mut after = records(&managers);
    let mut record = after.remove("s02").unwrap();
    let rows = record["sessions"].as_array_mut().unwrap();
    rows.retain(|row| row["id"] != json!(session));
    assert_eq!(
        rows.len() + 1,
        list(&managers[0].record("s02")["sessions"]).len(),
        "what was logged is there"
    );
    after.insert("s02".into(), record);
    for (student, record) in &mut after {
        record["minutes"] = before[student]["minutes"].clone();
    }
    assert_eq!(after, before);
    assert_eq!(world.installation.verify().code, Some(0));
}

#[test]
fn a_fresh_demo_starts_over_and_nothing_but_a_demo_is_thrown_away() {
    let world = World::demo();
    let ada = announced_tablet(&world, "slp-1");
    let session = log_session(&ada, "s02", "2026-10-16T10:00:00-05:00");
    assert_eq!(ada.ok("sync")["stored"], 1);
    let announced = world.with_server(|server| server.announced.clone());
    let token = world.with_server(|server| server.token.clone());

    // Not while it is being served.
    let beside = world.installation.carryover("demo --fresh --json --listen 127.0.0.1:0 --data", &[]);
    assert_ne!(beside.code, Some(0), "{beside:?}");
    assert_eq!(ada.ok("sync")["waiting"], 0, "and who is served does not notice");

    let server = world.take_server();
    let port = server.port();
    server.stop();
    world.set_server(world.installation.serve_demo_on(port, "--fresh"));
    let fresh = world.with_server(|server| server.announced.clone());
    is_a_district(&fresh);
    let names = |announced: &Value| -> BTreeSet<String> {
        let students = list(&announced["students"]).iter();
        students.map(|one| format!("{} {}", text(&one["external_id"]), text(&one["display_name"]))).collect()
    };
    assert_eq!(names(&fresh), names(&announced), "the same people, from the same seed");
    assert!(ids(&fresh["students"]).is_disjoint(&ids(&announced["students"])), "of another district");
    // Nothing of before is there: no token, no tablet, no session.
    let refused = world.with_server(|server| server.run_as(&token, "student list"));
    assert_ne!(refused.code, Some(0), "{refused:?}");
    let ended = ada.run("sync");
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert_eq!(ada.ok("status")["waiting"], 0);
    let iris = announced_tablet(&world, "cm-1");
    assert!(!ids(&iris.record("s02")["sessions"]).contains(&session));
    assert_eq!(iris.record("s02")["sessions"].as_array().unwrap().len(), 29, "as many as ever");
    assert_eq!(world.installation.verify().code, Some(0));

    // A district that is none of the demo's is left alone.
    let real = World::new();
    let before = real.admin("student list");
    real.take_server().stop();
    let ran = real.installation.carryover("demo --fresh --json --listen 127.0.0.1:0 --data", &[]);
    let said: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ran.code, &said["error"]["code"]), (Some(2), &json!("not_a_demo")), "{ran:?}");
    real.set_server(real.installation.serve());
    assert_eq!(real.admin("student list"), before);
}
