//! A grant ends while work waits on the tablet.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;
use tests::process::{Cut, World};

use super::{ids, list, log_session, text};

#[test]
fn a7_late_work_is_held_handed_in_and_reviewed() {
    let world = World::new();
    let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
    assert_ne!(ben.files_with("Maribel"), Vec::<PathBuf>::new(), "the search finds what is there");
    ben.network.set_up(false);
    let days = ["2026-10-14", "2026-10-15", "2026-10-16"];
    let mut late = Vec::new();
    for day in days {
        for hour in 9..12 {
            late.push(log_session(&ben, "s1", &format!("{day}T{hour:02}:00:00-05:00")));
        }
    }
    late.push(log_session(&ben, "s1", "2026-10-16T13:00:00-05:00"));
    let grant = world.grant("s1", "para1");
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved to another class'"));

    // The request arrives, and the answer is lost: nothing may go before a receipt is in hand.
    ben.network.cut([Cut::answer(0)]);
    ben.network.set_up(true);
    let broken = ben.exits(3, "sync");
    assert_eq!((&broken["waiting"], &broken["purged"]), (&json!(10), &json!(0)), "{broken}");
    assert_eq!(ben.ok("status")["waiting"], 10);

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
    let status = ben.ok("status");
    assert_eq!(status["held"], 10, "{status}");
    let own = ben.exits(6, "record --student s1");
    assert_eq!(list(&own["waiting_for_review"]).len(), 10, "{own}");

    // Colleagues see nothing of it but that it waits.
    ana.ok("sync");
    assert_eq!(ana.record("s1")["sessions"], json!([]));
    let holds = ana.ok("holds");
    assert_eq!(list(&holds["holds"]).len(), 10);
    assert!(list(&holds["holds"]).iter().all(|hold| hold["late"] == true && hold["mine"] == false));
    let by_record = |record: &str| {
        let hold = list(&holds["holds"]).iter().find(|hold| hold["record"] == record).unwrap();
        text(&hold["id"]).to_owned()
    };
    ana.ok(&format!("decline {} --reason 'this was another student'", by_record(&late[2])));
    let others: Vec<String> =
        late.iter().enumerate().filter(|(nth, _)| *nth != 2).map(|(_, one)| by_record(one)).collect();
    ana.ok(&format!("admit {}", others.join(" ")));
    ana.ok("sync");

    let carla = world.tablet("cm1");
    for tablet in [&ana, &carla] {
        let record = tablet.record("s1");
        let wanted: BTreeSet<String> =
            late.iter().enumerate().filter(|(nth, _)| *nth != 2).map(|(_, one)| one.clone()).collect();
        assert_eq!(ids(&record["sessions"]), wanted);
        for row in list(&record["sessions"]) {
            assert_eq!(
                (&row["late"], &row["author"]),
                (&json!(true), &json!(world.person("para1"))),
                "{row}"
            );
            assert_eq!((&row["minutes"], &row["mode"]), (&json!(30), &json!("push-in")));
        }
    }
    // The author is told, and sees why.
    let told = ben.run("sync");
    assert!(matches!(told.code, Some(0 | 6)), "{told:?}");
    let mine = ben.ok("holds");
    let declined: Vec<_> = list(&mine["holds"]).iter().filter(|hold| hold["state"] == "declined").collect();
    assert_eq!(declined.len(), 1, "{mine}");
    assert_eq!(declined[0]["record"], late[2]);
    assert_eq!(ben.ok("status")["held"], 0);
    // What he has seen decided is not listed for ever.
    assert_eq!(list(&ben.ok("holds")["holds"]).len(), 10, "as often as he looks before the next exchange");
    assert!(matches!(ben.run("sync").code, Some(0 | 6)));
    assert_eq!(ben.ok("holds")["holds"], json!([]));
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
