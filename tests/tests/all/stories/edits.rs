//! Two people change one thing while neither hears of the other.

use std::fs;

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{list, log_session, text, with_id};

fn goal<'a>(record: &'a Value, statement: &str) -> &'a Value {
    let mut goals = list(&record["goals"]).iter();
    goals.find(|goal| goal["statement"] == statement).unwrap_or_else(|| panic!("no {statement}: {record}"))
}

fn sync_all(tablets: &[&Tablet]) {
    for _ in 0..2 {
        for tablet in tablets {
            tablet.ok("sync");
        }
    }
}

#[test]
fn a5_both_wordings_stand_until_somebody_decides() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    ana.ok("goal g1 --statement 'Raises a hand and waits'");
    carla.ok("goal g1 --statement 'Waits to be called on'");
    sync_all(&[&ana, &carla]);

    let (slp, cm) = (world.person("slp1"), world.person("cm1"));
    let mut conflict = String::new();
    for tablet in [&ana, &carla] {
        let conflicts = tablet.ok("conflicts");
        assert_eq!(list(&conflicts["conflicts"]).len(), 1, "{conflicts}");
        let one = &conflicts["conflicts"][0];
        assert_eq!(one["field"], "statement");
        let mut values: Vec<(&str, &str)> =
            list(&one["values"]).iter().map(|value| (text(&value["value"]), text(&value["by"]))).collect();
        values.sort_unstable();
        assert_eq!(values, [("Raises a hand and waits", &*slp), ("Waits to be called on", &*cm)]);
        assert_eq!(list(&tablet.record("s1")["conflicts"]).len(), 1);
        conflict = text(&one["id"]).to_owned();
    }

    ana.ok(&format!("resolve {conflict} --value 'Raises a hand and waits to be called on'"));
    assert_eq!(ana.ok("conflicts")["conflicts"], json!([]));
    sync_all(&[&ana, &carla]);
    for tablet in [&ana, &carla] {
        assert_eq!(tablet.ok("conflicts")["conflicts"], json!([]));
        let record = tablet.record("s1");
        goal(&record, "Raises a hand and waits to be called on");
        assert_eq!(record["conflicts"], json!([]));
    }
}

#[test]
fn a5_who_resolved_a_conflict_stands_beside_the_value() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    ana.ok("goal g1 --target 8");
    carla.ok("goal g1 --target 10");
    sync_all(&[&ana, &carla]);
    let conflicts = carla.ok("conflicts");
    let one = &conflicts["conflicts"][0];
    assert_eq!((&one["field"], list(&one["values"]).len()), (&json!("target"), 2));
    carla.ok(&format!("resolve {} --value 9", text(&one["id"])));
    sync_all(&[&carla, &ana]);
    for tablet in [&ana, &carla] {
        let record = tablet.record("s1");
        let goal = goal(&record, "Raises a hand before speaking");
        assert_eq!((&goal["target"], &goal["target_by"]), (&json!(9), &json!(world.person("cm1"))));
        assert_eq!(tablet.ok("conflicts")["conflicts"], json!([]));
    }
}

/// The occupational therapist's own line of `s1`.
const LINE_OF_OT: &str = "external_id,student,discipline,mode,place,sessions,period,minutes,from,to
v1o,s1,ot,pull-out,resource-room,1,week,30,2026-08-24,
";

#[test]
fn a6_minutes_are_amended_while_the_session_is_voided() {
    let world = World::new();
    let csv = world.folder("line of ot");
    fs::write(csv.join("services.csv"), LINE_OF_OT).unwrap();
    assert_eq!(world.admin(&format!("import '{}'", csv.display()))["errors"], json!([]));
    let (dov, carla) = (world.tablet("ot1"), world.tablet("cm1"));
    let logged = dov.ok(
        "log --student s1 --mode pull-out --place resource-room --start 2026-10-12T10:00:00-05:00 --minutes 30 --service v1o",
    );
    let session = text(&logged["session"]);
    dov.ok(&format!("certify {session}"));
    sync_all(&[&dov, &carla]);
    dov.ok(&format!("amend {session} --set minutes=45 --reason 'began late'"));
    carla.ok(&format!("void {session} --reason 'entered twice'"));
    sync_all(&[&dov, &carla]);

    let (ot, cm) = (world.person("ot1"), world.person("cm1"));
    for tablet in [&dov, &carla] {
        let record = excluded(tablet, session);
        let [card] = list(&record["flags"]) else { panic!("{record}") };
        assert_eq!(
            (&card["what"], &card["record"], &card["asks"], &card["kind"]),
            (&json!("void_beside_amendment"), &json!(session), &json!(true), &json!("session"))
        );
        let said: Vec<_> = list(&card["said"])
            .iter()
            .map(|said| (text(&said["field"]), &said["value"], text(&said["by"])))
            .collect();
        assert_eq!(
            said,
            [("void", &json!(true), &*cm), ("segments.1.minutes", &json!(45), &*ot)],
            "both are told, by name"
        );
        assert_eq!(tablet.ok("conflicts")["flags"], record["flags"], "somebody is to decide");
    }
    let told = carla.in_words("conflicts");
    assert!(
        told.contains("to decide, Maribel Quintero: this session was removed, and it was changed"),
        "{told}"
    );
    assert!(
        told.contains("void: true by you") && told.contains("segments.1.minutes: 45 by Dov Katz"),
        "{told}"
    );

    // She has seen both, and says again that it is to stay removed. That is recorded, and the card is gone for everybody.
    carla.ok(&format!("void {session} --reason 'seen, and still entered twice'"));
    sync_all(&[&carla, &dov]);
    for tablet in [&dov, &carla] {
        assert_eq!(excluded(tablet, session)["flags"], json!([]));
        assert_eq!(tablet.ok("conflicts")["flags"], json!([]));
    }
}

/// Looks at the week of the removed session: it counts for nothing, and its amendment is seen.
fn excluded(tablet: &Tablet, session: &str) -> Value {
    let record = tablet.ok("record --student s1 --week 2026-10-12");
    let row = with_id(&record["sessions"], session);
    assert_eq!((&row["state"], &row["minutes"]), (&json!("void"), &json!(45)), "{record}");
    let of_line = |row: &&Value| row["mandated"] == 30;
    let week = list(&record["minutes"]).iter().find(of_line).unwrap_or_else(|| panic!("{record}"));
    assert_eq!((&week["delivered"], &week["owed"]), (&json!(0), &json!(0)));
    record
}

#[test]
fn what_one_has_logged_another_reads() {
    let world = World::new();
    let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
    let session = log_session(&ben, "s1", "2026-10-12T10:00:00-05:00");
    sync_all(&[&ben, &ana]);
    let record = ana.record("s1");
    let row = with_id(&record["sessions"], &session);
    assert_eq!((&row["state"], &row["author"]), (&json!("pending_cosign"), &json!(world.person("para1"))));
}
