//! A district narrows its policy: nobody's place ends, and some of what two of them have does.

use serde_json::Value;
use tests::process::World;

use super::{list, log_session, text};

/// Starts the server again on its port, under this policy or the one that is in force.
fn restart(world: &World, policy: Option<u32>) {
    let server = world.take_server();
    let port = server.port();
    server.stop();
    let server = match policy {
        Some(version) => world.installation.serve_under(version, port),
        None => world.installation.serve_on(port),
    };
    world.set_server(server);
}

#[test]
fn a_narrower_policy_takes_tallies_from_paras_and_the_plan_from_assistants() {
    let world = World::new();
    let (ana, ben, mina) = (world.tablet("slp1"), world.tablet("para1"), world.tablet("asst1"));
    let tally = ana.ok("tally open --student s1 --goal g1");
    let tally = text(&tally["tally"]).to_owned();
    for tablet in [&ana, &ben] {
        tablet.ok("sync");
    }
    let goals =
        |record: &Value| list(&record["goals"]).iter().map(|goal| goal["id"].clone()).collect::<Vec<_>>();
    let goal = goals(&ben.record("s1"));
    assert_eq!(goal.len(), 1);
    assert!(goals(&mina.record("s1")).contains(&goal[0]));
    ben.network.set_up(false);
    ben.ok(&format!("tally add {tally} 4"));
    // A lesson is under way.
    mina.ok("start --student s1 --mode push-in --place hallway");
    mina.ok("tap --goal g1");

    restart(&world, Some(2));
    ben.network.set_up(true);
    let synced = ben.exits(4, "sync");
    assert_eq!((&synced["held"], &synced["refused"]), (&1.into(), &0.into()), "{synced}");
    ben.run("sync");
    assert_eq!(ben.exits(7, &format!("tally show {tally}"))["error"]["code"], "not_allowed");
    let waits = ben.ok("holds");
    assert_eq!((list(&waits["holds"]).len(), &waits["holds"][0]["reason"]), (1, &"access_ended".into()));
    let refused = ben.exits(7, "tally open --student s1 --goal g1");
    assert_eq!(refused["error"]["code"], "not_allowed", "a button that is not offered: {refused}");
    log_session(&ben, "s1", "2026-10-12T09:00:00-05:00");
    assert_eq!(ben.ok("sync")["stored"], 1, "all else is as it was");

    // The assistant sees of the plan what is hers to work on, and logs as before: the lesson goes on.
    mina.ok("sync");
    assert_eq!(mina.ok("tap --goal g1")["counts"][0]["n"], 2);
    mina.ok("finish");
    assert_eq!(mina.ok("sync")["stored"], 1);
    assert_eq!(goals(&mina.record("s1")), goal, "from the card");
    log_session(&mina, "s1", "2026-10-12T10:00:00-05:00");
    assert_eq!(mina.ok("sync")["stored"], 1);

    // A start that says nothing of it goes on with what is in force.
    restart(&world, None);
    assert_eq!(ben.exits(7, "tally open --student s1 --goal g1")["error"]["code"], "not_allowed");
    ana.ok("sync");
    let holds = ana.ok("holds");
    ana.ok(&format!("admit {}", text(&holds["holds"][0]["id"])));
    ana.ok("sync");
    assert_eq!(ana.ok(&format!("tally show {tally}"))["total"], 4, "nothing that was counted is lost");

    restart(&world, Some(1));
    ben.ok("sync");
    assert_eq!(ben.ok(&format!("tally show {tally}"))["total"], 4, "it begins again");
    assert!(!world.installation.said().contains("panicked"));
    world.take_server().stop();
    assert_eq!(world.installation.verify().code, Some(0));
}

#[test]
fn a_policy_that_is_not_built_in_is_refused_and_nothing_is_served() {
    let world = World::new();
    world.take_server().stop();
    for unknown in ["3", "0", "two"] {
        let line = format!("serve --json --policy {unknown} --listen 127.0.0.1:0 --data");
        let ran = world.installation.carryover(&line, &[]);
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((ran.code, &said["error"]["code"]), (Some(2), &"unknown_policy".into()), "{ran:?}");
        assert_eq!(said["error"]["message"], format!("policy {unknown} is not built in: 1 and 2 are"));
    }
    world.set_server(world.installation.serve());
}
