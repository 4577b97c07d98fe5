//! Programs that say more than their people may.

use std::path::PathBuf;

use serde_json::{Value, json};
use tests::process::World;

use super::{list, text};

#[test]
fn a8_a_tampered_edit_waits_for_the_case_manager() {
    let world = World::new();
    let (ana, mina, carla) = (world.tablet("slp1"), world.tablet("asst1"), world.tablet("cm1"));
    let before = "Raises a hand before speaking";
    let statements = |tablet: &tests::process::Tablet| {
        let record = tablet.record("s1");
        list(&record["goals"]).iter().map(|goal| text(&goal["statement"]).to_owned()).collect::<Vec<_>>()
    };

    // The tablet itself does not let her.
    mina.exits(7, "goal g1 --statement 'Shouts the answer'");
    assert_eq!(mina.ok("status")["waiting"], 0);
    mina.ok("goal g1 --statement 'Shouts the answer' --no-local-policy");
    let synced = mina.exits(4, "sync");
    assert_eq!((&synced["held"], &synced["stored"]), (&json!(1), &json!(0)));
    // Later ones report nothing new, and what she logs goes on.
    mina.ok("sync");
    let session = super::log_session(&mina, "s1", "2026-10-16T10:00:00-05:00");
    assert_eq!(mina.ok("sync")["stored"], 1);

    for tablet in [&ana, &carla] {
        tablet.ok("sync");
        assert!(statements(tablet).iter().any(|statement| statement == before));
    }
    let (dov, ben) = (world.tablet("ot1"), world.tablet("para1"));
    for tablet in [&dov, &ben] {
        assert_eq!(tablet.files_with("Shouts the answer"), Vec::<PathBuf>::new(), "{}", tablet.person);
    }
    assert!(!mina.files_with("Shouts the answer").is_empty(), "as her own tablet shows, it would be found");
    let holds = carla.ok("holds");
    assert_eq!(list(&holds["holds"]).len(), 1, "{holds}");
    let hold = &holds["holds"][0];
    assert_eq!((&hold["field"], &hold["state"]), (&json!("statement"), &json!("waiting")));
    assert_eq!((&hold["present"], &hold["proposed"]), (&json!(before), &json!("Shouts the answer")));
    assert_eq!(hold["author"], world.person("asst1"));
    let id = text(&hold["id"]);
    let words = carla.in_words(&format!("hold {id}"));
    for part in ["Mina Sato", before, "Shouts the answer"] {
        assert!(words.contains(part), "{part:?} in {words}");
    }

    // Somebody who may edit does so, not knowing of hers: admitting settles nothing between the two.
    ana.ok("goal g1 --statement 'Raises a hand and waits'");
    ana.ok("sync");
    carla.ok(&format!("admit {id}"));
    for tablet in [&carla, &ana, &mina] {
        tablet.ok("sync");
    }
    for tablet in [&carla, &ana, &mina] {
        let record = tablet.record("s1");
        let hers: Vec<&Value> =
            list(&record["sessions"]).iter().filter(|one| one["id"] == json!(session)).collect();
        assert_eq!(
            (hers.len(), list(&record["sessions"]).len()),
            (1, 1),
            "{}: nothing came twice",
            tablet.person
        );
        let conflicts = tablet.ok("conflicts");
        let mut values: Vec<(&str, &str)> = list(&conflicts["conflicts"][0]["values"])
            .iter()
            .map(|value| (text(&value["value"]), text(&value["by"])))
            .collect();
        values.sort_unstable();
        let (slp, asst) = (world.person("slp1"), world.person("asst1"));
        assert_eq!(values, [("Raises a hand and waits", &*slp), ("Shouts the answer", &*asst)]);
    }
}

#[test]
fn a8_admitted_alone_the_edit_stands_as_its_author_made_it() {
    let world = World::new();
    let (mina, carla) = (world.tablet("asst1"), world.tablet("cm1"));
    mina.ok("goal g1 --target 9 --no-local-policy");
    mina.exits(4, "sync");
    carla.ok("sync");
    let id = carla.ok("holds")["holds"][0]["id"].clone();
    carla.ok(&format!("admit {}", text(&id)));
    carla.ok("sync");
    let record = carla.record("s1");
    let goal = list(&record["goals"]).iter().find(|goal| goal["kind"] == "count").unwrap();
    assert_eq!((&goal["target"], &goal["target_by"]), (&json!(9), &json!(world.person("asst1"))));
    assert_eq!(carla.ok("conflicts")["conflicts"], json!([]));
}

#[test]
fn a8_a_para_who_never_had_the_plan_is_refused() {
    let world = World::new();
    let (ben, carla) = (world.tablet("para1"), world.tablet("cm1"));
    ben.exits(7, "goal g1 --statement 'Shouts the answer'");
    ben.ok("goal g1 --statement 'Shouts the answer' --no-local-policy");
    let synced = ben.exits(5, "sync");
    assert_eq!((&synced["refused"], &synced["held"], &synced["stored"]), (&json!(1), &json!(0), &json!(0)));
    let status = ben.ok("status");
    assert_eq!((&status["refused"], &status["waiting"]), (&json!(1), &json!(0)));
    carla.ok("sync");
    assert_eq!(carla.ok("holds")["holds"], json!([]));
    // The coordinator is told from whom it came and why, and nothing of what it said; nobody else but he is.
    let refusals = |person: &str| {
        let token =
            world.installation.carryover(&format!("admin token --as {person} --days 1 --json --data"), &[]);
        let token: Value = serde_json::from_str(&token.ok().stdout).unwrap();
        let ran = world.with_server(|server| server.run_as(text(&token["token"]), "refusal list")).ok();
        assert!(!ran.stdout.contains("Shouts"), "{ran:?}");
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["refusals"].clone()
    };
    let told = refusals("coord1");
    assert_eq!((list(&told).len(), &told[0]["code"]), (1, &json!("no_such_document")));
    assert_eq!(told[0]["author"], json!(world.person("para1")));
    assert_eq!((refusals("para1"), refusals("cm1")), (told, json!([])));
    // His own work goes on.
    super::log_session(&ben, "s1", "2026-10-16T10:00:00-05:00");
    assert_eq!(ben.ok("sync")["stored"], 1);
}
