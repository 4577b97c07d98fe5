//! What came after the backup and before the loss: devices that were paired then, and work that only a colleague's copy still has.

use std::fs;

use serde_json::Value;
use tests::process::{Tablet, World};

use super::{back_up, restore_and_serve};
use crate::kills::{log, sessions};

#[test]
fn a_device_that_was_paired_after_the_copy_brings_its_work_back_by_its_certificate() {
    let world = World::new();
    let ana = world.tablet("slp1");
    ana.ok("sync");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    let carla = world.tablet("cm1");
    carla.ok("sync");
    let session = log(&carla, 0);
    carla.ok("sync");
    restore_and_serve(&world, &backup);

    let devices = || world.admin("device list --person cm1")["devices"].clone();
    assert_eq!(devices(), serde_json::json!([]), "the copy does not know it");
    assert_eq!(carla.run("sync").code, Some(3), "nothing goes down to it, and nothing of it is lost");
    assert_eq!(world.admin("restored status")["resent"], 1, "its certificate suffices to bring it back");
    assert_eq!(devices()[0]["state"], "unconfirmed");
    world.admin("restored confirm");
    assert_eq!(devices()[0]["state"], "active");
    for tablet in [&carla, &ana] {
        tablet.ok("sync --until-done");
        assert!(sessions(tablet).contains(&session), "{}", tablet.person);
    }
}

/// A student and her specialist who came after the backup, as the roster says it from then on.
const NEWCOMERS: [(&str, &str); 3] = [
    ("people.csv", "external_id,name,email,school,role\nslp3,Noor Haddad,,oak,slp\n"),
    ("students.csv", "external_id,display_name,grade,school,home_language\ns7,Leocadia Brandt,2,oak,\n"),
    (
        "team.csv",
        "student,person,role,from,to,supervisor,reason\n\
         s7,slp3,slp,2026-08-24,,,caseload\ns7,cm1,cm,2026-08-24,,,caseload\n",
    ),
];

fn sessions_of_newcomer(tablet: &Tablet) -> usize {
    tablet.record("s7")["sessions"].as_array().unwrap().len()
}

#[test]
fn the_record_of_a_student_who_came_after_the_copy_is_parked_until_the_roster_names_her() {
    let world = World::new();
    let carla = world.tablet("cm1");
    carla.ok("sync");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    let csv = world.folder("newcomers");
    for (name, text) in NEWCOMERS {
        fs::write(csv.join(name), text).unwrap();
    }
    let import = || world.admin(&format!("import '{}'", csv.display()));
    import();
    let noor = world.tablet("slp3");
    noor.ok(
        "log --student s7 --mode pull-out --place resource-room --start 2026-10-12T09:00:00-05:00 --minutes 30",
    );
    noor.ok("sync");
    carla.ok("sync");
    assert_eq!((sessions_of_newcomer(&noor), sessions_of_newcomer(&carla)), (1, 1));
    restore_and_serve(&world, &backup);

    assert_eq!(noor.run("sync").code, Some(3), "her work comes back; nothing goes down");
    let status = world.admin("restored status");
    assert!(status["parked_documents"].as_u64().unwrap() >= 1, "nobody has named the student: {status}");
    world.admin("restored confirm");
    for tablet in [&carla, &noor] {
        tablet.run("sync --until-done");
        let caseload = tablet.ok("caseload")["students"].to_string();
        assert!(!caseload.contains("Leocadia"), "{}: read by nobody: {caseload}", tablet.person);
    }
    assert!(!world.admin("student list").to_string().contains("Leocadia"));

    import();
    assert_eq!(world.admin("restored status")["parked_documents"], 0);
    for tablet in [&noor, &carla] {
        tablet.ok("sync --until-done");
        assert_eq!(sessions_of_newcomer(tablet), 1, "{}", tablet.person);
    }
    world.take_server().stop();
    world.installation.verify().ok();
}

#[test]
fn what_only_a_colleagues_copy_still_has_is_recovered_and_a_coordinator_admits_it() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    ana.ok("sync");
    carla.ok("sync");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    let session = log(&ana, 0);
    ana.ok("sync");
    carla.ok("sync");
    // Ana's tablet is never seen again.
    drop(ana);
    restore_and_serve(&world, &backup);
    assert_eq!(carla.run("sync").code, Some(3));
    let status = world.admin("restored status");
    assert!(status["recovered"].as_u64().unwrap() >= 1, "{status}");
    world.admin("restored confirm");
    carla.ok("sync --until-done");
    assert!(!sessions(&carla).contains(&session), "it waits for somebody's word");

    let token = world.installation.carryover("admin token --as coord1 --days 1 --json --data", &[]).ok();
    let token: Value = serde_json::from_str(&token.stdout).unwrap();
    let token = token["token"].as_str().unwrap();
    let as_coordinator = |line: &str| -> Value {
        let ran = world.with_server(|server| server.run_as(token, line)).ok();
        serde_json::from_str(&ran.stdout).unwrap()
    };
    let holds = as_coordinator("hold list")["holds"].clone();
    let ids: Vec<&str> = holds.as_array().unwrap().iter().filter_map(|hold| hold["id"].as_str()).collect();
    assert!(!ids.is_empty());
    as_coordinator(&format!("hold admit {}", ids.join(" ")));
    carla.ok("sync --until-done");
    assert!(sessions(&carla).contains(&session), "admitted in bulk");
    let holds = as_coordinator("hold list")["holds"].clone();
    assert!(holds.as_array().unwrap().iter().all(|hold| hold["state"] == "admitted"), "{holds}");
}

/// Returns the state of the one hold of a record, as a reviewer's or its author's tablet tells it.
fn state_of(tablet: &Tablet, record: &str) -> Value {
    let holds = tablet.ok("holds");
    let of_record = |hold: &&Value| hold["record"] == record;
    let found: Vec<&Value> = holds["holds"].as_array().unwrap().iter().filter(of_record).collect();
    assert!(found.len() <= 1, "{}: {holds}", tablet.person);
    found.first().map_or(Value::Null, |hold| hold["state"].clone())
}

#[test]
fn what_was_admitted_after_the_copy_waits_again_and_stands_once_when_it_is_admitted_again() {
    let world = World::new();
    let (ana, carla, ben) = (world.tablet("slp1"), world.tablet("cm1"), world.tablet("para1"));
    let grant = world.grant("s1", "para1");
    let late = log(&ben, 0);
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved to another class'"));
    assert_eq!(ben.run("sync").json["held"], 1, "work that comes after the end waits for review");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);

    let admit = || {
        ana.ok("sync");
        assert_eq!(state_of(&ana, &late), "waiting");
        let holds = ana.ok("holds");
        let hold = holds["holds"].as_array().unwrap().iter().find(|hold| hold["record"] == late).unwrap();
        ana.ok(&format!("admit {}", hold["id"].as_str().unwrap()));
        for tablet in [&ana, &carla] {
            tablet.ok("sync --until-done");
            assert_eq!(sessions(tablet), [late.clone()].into(), "{}", tablet.person);
        }
    };
    admit();
    ben.run("sync");
    restore_and_serve(&world, &backup);
    // Two copies have what stood, and offer it to the server, which has the hold.
    for tablet in [&ana, &carla, &ben] {
        tablet.run("sync");
    }
    world.admin("restored confirm");
    for tablet in [&ana, &carla, &ben, &ana, &carla] {
        tablet.run("sync --until-done");
    }
    for tablet in [&ana, &carla] {
        assert!(sessions(tablet).is_empty(), "{}: nobody has admitted it in this life", tablet.person);
        assert_eq!(state_of(tablet, &late), "waiting", "{}", tablet.person);
    }
    assert_eq!(state_of(&ben, &late), "waiting", "its author is told so, too");
    let holds = world.admin("hold list")["holds"].clone();
    assert_eq!(holds.as_array().unwrap().len(), 1, "the copies of it have joined it: {holds}");

    admit();
    ben.run("sync");
    assert_eq!(state_of(&ben, &late), "admitted");
    let record = carla.record("s1");
    let row = &record["sessions"][0];
    assert_eq!((&row["author"], &row["late"]), (&world.person("para1").into(), &true.into()), "{row}");
    world.take_server().stop();
    world.installation.verify().ok();
}
