//! A grant ends while work waits on the tablet.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};
use tests::process::{Cut, Tablet, World};

use super::{ids, list, log_session, text};

/// What every session of the para says, and nobody but the team may read.
const NOTE: &str = "strung the turquoise beads";

/// Logs the days around the end of a grant, some of it counted, and returns the sessions' ids.
fn days_around(ben: &Tablet) -> Vec<String> {
    let mut late = Vec::new();
    for day in ["2026-10-14", "2026-10-15", "2026-10-16"] {
        for hour in 9..12 {
            late.push(noted(ben, &format!("{day}T{hour:02}:00:00-05:00"), NOTE));
        }
    }
    late.push(noted(ben, "2026-10-16T13:00:00-05:00", NOTE));
    late
}

fn noted(tablet: &Tablet, start: &str, note: &str) -> String {
    let logged = tablet.ok(&format!(
        "log --student s1 --mode push-in --place general-class --start {start} --minutes 30 --note '{note}' \
         --goal g1 --count 3 --seconds 600"
    ));
    text(&logged["session"]).to_owned()
}

/// Returns the rows of a list by their ids, without what is said of lateness, which is not the author's to say.
fn rows(list_of: &Value) -> BTreeMap<String, Value> {
    let row = |row: &Value| {
        let mut row = row.clone();
        row.as_object_mut().unwrap().remove("late").expect("a row says whether it is late");
        (text(&row["id"]).to_owned(), row)
    };
    list(list_of).iter().map(row).collect()
}

#[test]
fn a7_late_work_is_held_handed_in_and_reviewed() {
    let world = World::new();
    let (ana, ben, dov) = (world.tablet("slp1"), world.tablet("para1"), world.tablet("ot1"));
    assert_ne!(ben.files_with("Maribel"), Vec::<PathBuf>::new(), "the search finds what is there");
    ben.network.set_up(false);
    let late = days_around(&ben);
    let made = ben.record("s1");
    assert_eq!(list(&made["sessions"]).len(), 10);
    let grant = world.grant("s1", "para1");
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved to another class'"));

    // The request arrives, and the answer is lost: nothing may go before a receipt is in hand.
    ben.network.cut([Cut::answer(0)]);
    ben.network.set_up(true);
    let broken = ben.exits(3, "sync");
    assert_eq!((&broken["waiting"], &broken["purged"]), (&json!(10), &json!(0)), "{broken}");
    assert_eq!(ben.ok("status")["waiting"], 10);
    assert_eq!(ben.record("s1"), made, "all of it is there");

    let synced = ben.run("sync");
    assert!(matches!(synced.code, Some(4 | 6)), "{synced:?}");
    assert_eq!(synced.json["held"], 10, "{synced:?}");
    assert_eq!((&synced.json["waiting"], &synced.json["stored"]), (&json!(0), &json!(0)));
    assert_eq!(synced.json["round_trips"], 1, "one exchange for all of it: {synced:?}");
    let mut purged = synced.json["purged"].as_u64().unwrap();
    // Whatever the last reply has announced is gone when nothing is left to do.
    for _ in 0..2 {
        purged += ben.run("sync").json["purged"].as_u64().unwrap();
    }
    assert!(purged > 0);
    for name in ["Maribel", "Quintero"] {
        assert_eq!(ben.files_with(name), Vec::<PathBuf>::new());
    }

    // The author is told which of his work waits, and why, in fields and in words.
    let status = ben.ok("status");
    assert_eq!((&status["held"], &status["waiting"], &status["refused"]), (&json!(10), &json!(0), &json!(0)));
    let words = ben.in_words("status");
    assert!(words.contains("10 items waiting for review."), "{words}");
    let own = ben.exits(6, "record --student s1");
    let (mine, waiting) = (ben.ok("holds"), &own["waiting_for_review"]);
    let wanted: BTreeSet<&str> = late.iter().map(String::as_str).collect();
    for holds in [waiting, &mine["holds"]] {
        assert_eq!(list(holds).len(), 10, "{holds}");
        let told: BTreeSet<&str> = list(holds).iter().map(|hold| text(&hold["record"])).collect();
        assert_eq!(told, wanted, "which");
        for hold in list(holds) {
            assert_eq!((&hold["reason"], &hold["state"]), (&json!("access_ended"), &json!("waiting")), "why");
            assert_eq!((&hold["mine"], &hold["late"]), (&json!(true), &json!(true)), "{hold}");
            assert_eq!(hold["present"], json!(null), "nothing of what others wrote: {hold}");
        }
    }
    let one = text(&mine["holds"][0]["id"]);
    for words in [ben.in_words(&format!("hold {one}")), ben.in_words("holds")] {
        assert!(words.contains("waiting for review (access ended)"), "{words}");
    }
    let words = ben.in_words(&format!("hold {one}"));
    assert!(words.contains("by you") && words.contains("It came late"), "{words}");

    // Colleagues see nothing of it but, where they may review it, that it waits.
    let carla = world.tablet("cm1");
    for tablet in [&ana, &carla, &dov] {
        tablet.ok("sync");
        let record = tablet.ok("record --student s1 --week 2026-10-14");
        for what in ["sessions", "observations", "conflicts"] {
            assert_eq!(record[what], json!([]), "{what} for {}", tablet.person);
        }
        for week in list(&record["minutes"]) {
            assert_eq!((&week["delivered"], &week["uncertified"]), (&json!(0), &json!(0)), "{week}");
        }
    }
    let holds = ana.ok("holds");
    assert_eq!(list(&holds["holds"]).len(), 10);
    assert!(list(&holds["holds"]).iter().all(|hold| hold["late"] == true && hold["mine"] == false));
    let by_record = |record: &str| {
        let hold = list(&holds["holds"]).iter().find(|hold| hold["record"] == record).unwrap();
        text(&hold["id"]).to_owned()
    };
    let third = by_record(&late[2]);
    for tablet in [&ana, &carla, &dov] {
        let words = tablet.in_words(&format!("hold {third}"));
        for part in ["by Ben Okafor", "waiting for review (access ended)", "It came late"] {
            assert!(words.contains(part), "{part:?} for {} in {words}", tablet.person);
        }
    }
    ana.ok(&format!("decline {third} --reason 'this was another student'"));
    let others: Vec<String> =
        late.iter().enumerate().filter(|(nth, _)| *nth != 2).map(|(_, one)| by_record(one)).collect();
    ana.ok(&format!("admit {}", others.join(" ")));

    // Then nine of the ten are there for everybody, each as its author made it, and marked.
    let mut made = (rows(&made["sessions"]), rows(&made["observations"]));
    made.0.remove(&late[2]).unwrap();
    made.1.retain(|_, row| row["session"] != json!(late[2]));
    assert_eq!((made.0.len(), made.1.len()), (9, 9));
    for tablet in [&ana, &carla, &dov] {
        tablet.ok("sync");
        let record = tablet.record("s1");
        assert_eq!((rows(&record["sessions"]), rows(&record["observations"])), made, "{}", tablet.person);
        for row in list(&record["sessions"]).iter().chain(list(&record["observations"])) {
            assert_eq!(
                (&row["late"], &row["author"]),
                (&json!(true), &json!(world.person("para1"))),
                "{row}"
            );
        }
        let words = tablet.in_words("record --student s1");
        assert_eq!(words.matches("by Ben Okafor").count(), 9, "{words}");
    }

    // The author is told, and sees why.
    let told = ben.run("sync");
    assert!(matches!(told.code, Some(0 | 6)), "{told:?}");
    let words = ben.in_words(&format!("hold {third}"));
    assert!(words.contains("declined: this was another student"), "{words}");
    let mine = ben.ok("holds");
    let declined: Vec<_> = list(&mine["holds"]).iter().filter(|hold| hold["state"] == "declined").collect();
    assert_eq!(declined.len(), 1, "{mine}");
    assert_eq!(declined[0]["record"], late[2]);
    assert_eq!(declined[0]["declined_because"], "this was another student");
    assert_eq!(declined[0]["reviewer"], json!(world.person("slp1")));
    for hold in list(&mine["holds"]).iter().filter(|hold| hold["record"] != late[2]) {
        assert_eq!((&hold["state"], &hold["declined_because"]), (&json!("admitted"), &json!(null)), "{hold}");
    }
    assert_eq!(ben.ok("status")["held"], 0);
    // What he has seen decided is not listed for ever.
    assert_eq!(list(&ben.ok("holds")["holds"]).len(), 10, "as often as he looks before the next exchange");
    assert!(matches!(ben.run("sync").code, Some(0 | 6)));
    assert_eq!(ben.ok("holds")["holds"], json!([]));
}

#[test]
fn a7_nothing_goes_before_the_last_receipt() {
    let world = World::new();
    let ben = world.tablet("para1");
    ben.network.set_up(false);
    let canaries: Vec<String> = (0..10).map(|nth| format!("bead{nth:02}bead")).collect();
    for (nth, canary) in canaries.iter().enumerate() {
        let note = format!("{canary} {}", "and so on ".repeat(60));
        noted(&ben, &format!("2026-10-15T{:02}:00:00-05:00", 8 + nth), &note);
    }
    let grant = world.grant("s1", "para1");
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved to another class'"));
    ben.network.set_up(true);

    // On a line that breaks the tablet sends less and less at a time: what it has takes several exchanges.
    ben.network.cut([Cut::request(300); 6]);
    for _ in 0..6 {
        assert_eq!(ben.exits(3, "sync")["waiting"], 10);
    }
    let (mut bytes, mut in_between) = (0, 0);
    loop {
        bytes += 250;
        ben.network.cut([Cut::answer(bytes)]);
        let synced = ben.run("sync");
        ben.network.mend();
        let waiting = synced.json["waiting"].as_u64().unwrap();
        if waiting == 0 {
            break;
        }
        // What arrived is held, and what broke off is said beside it.
        assert!(matches!(synced.code, Some(3 | 4)), "{synced:?}");
        in_between += u64::from(waiting < 10);
        assert_eq!(synced.json["purged"], 0, "{waiting} without a receipt: {synced:?}");
        for canary in &canaries {
            assert_ne!(ben.files_with(canary), Vec::<PathBuf>::new(), "{canary}, {waiting} wait");
        }
    }
    assert!(in_between > 0, "at least once some had a receipt, and others not");
    for _ in 0..2 {
        ben.run("sync");
    }
    assert_eq!(ben.files_with("Maribel"), Vec::<PathBuf>::new());
    assert_eq!((&ben.ok("status")["held"], &ben.ok("status")["waiting"]), (&json!(10), &json!(0)));
    let coord = world.as_person("coord1", "hold list");
    assert_eq!(list(&coord["holds"]).len(), 10, "and all of it is at school");
}

#[test]
fn what_a_revoked_tablet_has_not_sent_is_handed_in_and_reviewed() {
    for (how, reason) in [("", "device_revoked"), (" --lost", "device_lost")] {
        let world = World::new();
        let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
        ben.network.set_up(false);
        let session = log_session(&ben, "s1", "2026-10-14T09:00:00-05:00");
        let devices = world.admin("device list --person para1");
        world.admin(&format!("device revoke {}{how}", text(&list(&devices["devices"])[0]["id"])));
        // That it was revoked does not reach it: nothing goes.
        ben.network.cut([Cut::answer(1)]);
        ben.network.set_up(true);
        let broken = ben.exits(3, "sync");
        assert_eq!((&broken["waiting"], &broken["purged"]), (&json!(1), &json!(0)), "{broken}");

        let synced = ben.exits(6, "sync");
        assert_eq!(
            (&synced["held"], &synced["waiting"], &synced["stored"]),
            (&json!(1), &json!(0), &json!(0))
        );
        assert_eq!(synced["round_trips"], 1, "by its certificate, and once: {synced}");
        assert!(synced["purged"].as_u64().unwrap() > 0, "{synced}");
        assert_eq!(ben.files_with("Maribel"), Vec::<PathBuf>::new(), "nothing is left on it");
        assert_eq!(ben.ok("status")["ended"], true);
        let mine = ben.ok("holds");
        let words = ben.in_words(&format!("hold {}", text(&mine["holds"][0]["id"])));
        assert!(words.contains("by you") && words.contains("waiting for review"), "{words}");
        assert!(!words.contains("()"), "{words}");

        ana.ok("sync");
        let holds = ana.ok("holds");
        let [hold] = list(&holds["holds"]) else { panic!("{holds}") };
        assert_eq!((&hold["record"], &hold["reason"]), (&json!(session), &json!(reason)), "{hold}");
        assert_eq!(
            (&hold["mine"], &hold["author"]),
            (&json!(false), &json!(world.person("para1"))),
            "{hold}"
        );
        ana.ok(&format!("admit {}", text(&hold["id"])));
        ana.ok("sync");
        for tablet in [ana, world.tablet("cm1")] {
            assert_eq!(ids(&tablet.record("s1")["sessions"]), BTreeSet::from([session.clone()]), "{reason}");
        }
    }
}
