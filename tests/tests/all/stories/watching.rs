//! A tablet that keeps in step by itself until somebody stops it.

use serde_json::json;
use tests::process::{Tablet, World, eventually};

use super::{ids, log_session, text};

/// Waits until a tablet shows a session, without asking the server for it.
fn shows(tablet: &Tablet, session: &str) {
    eventually("a session on a tablet", || {
        ids(&tablet.record("s1")["sessions"]).contains(session).then_some(())
    });
}

#[test]
fn a_watching_tablet_goes_on_until_it_is_stopped() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    for (day, signal) in [(12, "TERM"), (13, "INT")] {
        let start = |hour: u32| format!("2026-10-{day}T{hour:02}:00:00-05:00");
        let mut watching = ana.watch();

        // What another command logs meanwhile is sent, and what a colleague logs comes.
        let hers = log_session(&ana, "s1", &start(9));
        eventually("what was logged at school", || {
            carla.ok("sync");
            ids(&carla.record("s1")["sessions"]).contains(&hers).then_some(())
        });
        let theirs = log_session(&carla, "s1", &start(10));
        assert_eq!(carla.ok("sync")["stored"], 1);
        shows(&ana, &theirs);

        // Nor does a network that goes and comes back end it.
        ana.network.set_up(false);
        let offline = log_session(&ana, "s1", &start(11));
        eventually("a try that finds no network", || {
            ana.in_words("status").starts_with("Offline. 1 item saved on this tablet").then_some(())
        });
        assert!(watching.goes_on());
        ana.network.set_up(true);
        eventually("all saved", || ana.in_words("status").starts_with("All saved to school").then_some(()));
        carla.ok("sync");
        assert!(ids(&carla.record("s1")["sessions"]).contains(&offline));

        assert!(watching.goes_on(), "with nothing left to do it goes on");
        let said = watching.stop(signal);
        assert_eq!(said.code, Some(0), "{signal}: {said:?}");
        let told = [&said.json["stored"], &said.json["waiting"], &said.json["held"], &said.json["refused"]];
        assert_eq!(told, [&json!(2), &json!(0), &json!(0), &json!(0)], "{signal}: {said:?}");
        assert_eq!(said.json["error"], json!(null));
        assert!(said.json["round_trips"].as_u64().unwrap() >= 3, "{said:?}");

        // Once it is stopped, nothing goes by itself, and its turn is free.
        log_session(&ana, "s1", &start(12));
        assert_eq!(ana.ok("status")["waiting"], 1);
        assert_eq!(ana.ok("sync")["stored"], 1);
    }
}

#[test]
fn a_watching_tablet_ends_with_the_status_of_what_became_of_its_work() {
    let world = World::new();
    for (person, code, fate) in [("asst1", 4, "held"), ("para1", 5, "refused")] {
        let tablet = world.tablet(person);
        let watching = tablet.watch();
        tablet.ok("goal g1 --target 9 --no-local-policy");
        eventually("a fate", || (tablet.ok("status")[fate] == 1).then_some(()));
        let said = watching.stop("TERM");
        assert_eq!(
            (said.code, &said.json[fate], &said.json["waiting"]),
            (Some(code), &json!(1), &json!(0)),
            "{said:?}"
        );
    }
    // A device whose access ends has nothing more to wait for.
    let ben = world.tablet("para1");
    let paired = text(&ben.ok("status")["person"]).to_owned();
    assert_eq!(paired, world.person("para1"));
    let watching = ben.watch();
    log_session(&ben, "s2", "2026-10-14T09:00:00-05:00");
    eventually("all saved", || ben.in_words("status").starts_with("All saved to school").then_some(()));
    for device in world.admin("device list --person para1")["devices"].as_array().unwrap() {
        world.admin(&format!("device revoke {}", text(&device["id"])));
    }
    let said = watching.end();
    assert_eq!(said.code, Some(6), "{said:?}");
    assert_eq!((&said.json["stored"], &said.json["waiting"]), (&json!(1), &json!(0)), "{said:?}");
    assert!(said.json["purged"].as_u64().unwrap() > 0, "{said:?}");
    assert!(ben.files_with("Maribel").is_empty() && ben.files_with("Lindqvist").is_empty());
}
