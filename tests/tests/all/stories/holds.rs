//! What an author may still do with work that waits for review.

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{list, log_session, text, with_id};

const WAS: &str = "Raises a hand before speaking";

/// An assistant rewords a goal, which is not hers to do, and it is held.
fn reworded(mina: &Tablet, statement: &str) -> String {
    mina.ok(&format!("goal g1 --statement '{statement}' --no-local-policy"));
    assert_eq!(mina.exits(4, "sync")["held"], 1);
    mina.ok("sync");
    let holds = mina.ok("holds");
    let mut own = list(&holds["holds"]).iter().filter(|hold| hold["proposed"] == statement);
    text(&own.next().unwrap_or_else(|| panic!("{holds}"))["id"]).to_owned()
}

fn waiting(tablet: &Tablet) -> Vec<Value> {
    tablet.ok("sync");
    let holds = tablet.ok("holds");
    list(&holds["holds"]).iter().filter(|hold| hold["state"] == "waiting").cloned().collect()
}

fn statement(tablet: &Tablet) -> Vec<Value> {
    let record = tablet.record("s1");
    list(&record["goals"]).iter().map(|goal| goal["statement"].clone()).collect()
}

#[test]
fn a_correction_goes_with_what_it_corrects() {
    let world = World::new();
    let (mina, carla, ana) = (world.tablet("asst1"), world.tablet("cm1"), world.tablet("slp1"));
    let held = reworded(&mina, "Raises a hnad");
    mina.network.set_up(false);
    mina.ok(&format!("correct {held} --set 'statement=Raises a hand and waits'"));
    mina.network.set_up(true);
    assert_eq!(mina.exits(4, "sync")["held"], 1, "the correction waits as what it corrects does");

    let both = waiting(&carla);
    assert_eq!(both.len(), 2, "{both:?}");
    let ids: Vec<&str> = both.iter().map(|hold| text(&hold["id"])).collect();
    let words = ids.iter().map(|id| carla.in_words(&format!("hold {id}"))).collect::<String>();
    assert!(words.contains(WAS) && words.contains("Raises a hand and waits"), "{words}");
    carla.ok(&format!("admit {}", ids.join(" ")));
    for tablet in [&carla, &ana, &mina] {
        tablet.ok("sync");
        assert_eq!(waiting(tablet), Vec::<Value>::new());
    }
    for tablet in [&carla, &ana] {
        assert!(statement(tablet).contains(&json!("Raises a hand and waits")));
        assert_eq!(tablet.ok("conflicts")["conflicts"], json!([]), "one value: the corrected one");
    }
}

#[test]
fn a_declined_base_takes_its_correction_along() {
    let world = World::new();
    let (mina, carla) = (world.tablet("asst1"), world.tablet("cm1"));
    let held = reworded(&mina, "Raises a hnad");
    mina.ok(&format!("correct {held} --set 'statement=Raises a hand and waits'"));
    mina.exits(4, "sync");
    waiting(&carla);
    carla.ok(&format!("decline {held} --reason 'the goal stays as it is'"));
    for tablet in [&carla, &mina] {
        assert_eq!(waiting(tablet), Vec::<Value>::new());
    }
    assert!(statement(&carla).contains(&json!(WAS)));
    assert_eq!(mina.ok("status")["held"], 0);
}

#[test]
fn a_withdrawal_made_offline_is_answered_with_what_stands() {
    let world = World::new();
    let (mina, carla) = (world.tablet("asst1"), world.tablet("cm1"));
    let (first, second) = (reworded(&mina, "Waits"), reworded(&mina, "Waits for a turn"));
    assert_eq!(waiting(&carla).len(), 2);

    // Taken back before anybody has decided.
    mina.network.set_up(false);
    mina.ok(&format!("withdraw {first}"));
    assert_eq!(mina.ok("status")["waiting"], 1);
    mina.network.set_up(true);
    mina.ok("sync");
    let left = waiting(&carla);
    assert_eq!(left.iter().map(|hold| text(&hold["id"])).collect::<Vec<_>>(), [&*second]);

    // Decided first, decided.
    mina.network.set_up(false);
    mina.ok(&format!("withdraw {second}"));
    carla.ok(&format!("admit {second}"));
    mina.network.set_up(true);
    mina.ok("sync");
    assert_eq!((&mina.ok("status")["waiting"], &mina.ok("status")["held"]), (&json!(0), &json!(0)));
    carla.ok("sync");
    assert!(statement(&carla).contains(&json!("Waits for a turn")));
    // Nor is it decided twice: the reviewer is told what stands.
    let late = format!("decline {second} --reason 'too late'");
    assert_eq!(carla.ok(&late)["holds"][0]["state"], "admitted");
    assert!(carla.in_words(&late).contains("it stays admitted"));
    let late = carla.ok(&format!("admit {first}"));
    assert_eq!(late["holds"][0]["state"], "withdrawn");
    assert!(!statement(&carla).contains(&json!("Waits")));
}

/// A student whose team has nobody left for speech: what an occupational therapist proposes there is the coordinator's to decide.
#[test]
fn a_coordinator_decides_by_script_where_nobody_on_the_team_can() {
    let world = World::new();
    world.admin("grant add --student s6 --person ot1 --role ot --from 2026-08-24 --reason caseload");
    let (dov, mina) = (world.tablet("ot1"), world.tablet("asst1"));
    let grant = world.grant("s6", "slp2");
    world.admin(&format!("grant end {grant} --on 2026-10-09 --reason 'moved away'"));
    for edit in ["--statement 'Names the day and the month'", "--statement 'Sings the day'", "--target 90"] {
        dov.ok(&format!("goal g6 {edit} --no-local-policy"));
    }
    let session = log_session(&dov, "s6", "2026-10-14T09:00:00-05:00");
    let synced = dov.exits(4, "sync");
    assert_eq!((&synced["held"], &synced["stored"]), (&json!(3), &json!(1)), "{synced}");
    dov.ok("sync");
    let mine = dov.ok("holds");
    let of = |field: &str, proposed: Value| {
        let mut found = list(&mine["holds"]).iter();
        let hold = found.find(|hold| hold["field"] == field && hold["proposed"] == proposed);
        text(&hold.unwrap_or_else(|| panic!("{mine}"))["id"]).to_owned()
    };
    let (first, second) =
        (of("statement", json!("Names the day and the month")), of("statement", json!("Sings the day")));
    let target = of("target", json!(90));

    // She sees what each would do; an administrator sees that they are there.
    let listed = world.as_person("coord1", "hold list");
    for (id, field, present, proposed) in [
        (&first, "statement", json!("Names the day"), json!("Names the day and the month")),
        (&second, "statement", json!("Names the day"), json!("Sings the day")),
        (&target, "target", json!(80), json!(90)),
    ] {
        let shown = world.as_person("coord1", &format!("hold show {id}"));
        let [shown] = list(&shown["holds"]) else { panic!("{shown}") };
        assert_eq!(shown, with_id(&listed["holds"], id));
        assert_eq!(
            (&shown["field"], &shown["present"], &shown["proposed"]),
            (&json!(field), &present, &proposed)
        );
        assert_eq!((&shown["late"], &shown["mine"]), (&json!(false), &json!(false)), "{shown}");
        assert_eq!((&shown["author"], &shown["reason"]), (&json!(world.person("ot1")), &json!("proposal")));
        let exists = world.admin(&format!("hold show {id}"))["holds"][0].clone();
        assert_eq!((&exists["id"], &exists["state"]), (&json!(id), &json!("waiting")));
        assert_eq!((&exists["proposed"], &exists["author"]), (&Value::Null, &Value::Null), "{exists}");
    }

    // Nobody else decides: neither an administrator, nor a case manager of others, nor a token that is none.
    let admin = world.with_server(|server| server.token.clone());
    for (token, code) in [
        (admin, "forbidden"),
        (world.token_of("cm1"), "not_found"),
        (world.token_of("coord1").replace('.', ".x"), "token_invalid"),
    ] {
        let ran = world.with_server(|server| server.run_as(&token, &format!("hold admit {first}")));
        let said: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(said["error"]["code"], code, "{ran:?}");
        assert_ne!(ran.code, Some(0));
    }
    let admitted = world.as_person("coord1", &format!("hold admit {first} {target}"));
    for id in [&first, &target] {
        assert_eq!(with_id(&admitted["holds"], id)["state"], "admitted", "{admitted}");
    }
    let declined = world.as_person("coord1", &format!("hold decline {second} --reason 'not what was meant'"));
    assert_eq!(declined["holds"][0]["state"], "declined");

    // What stands bears its author's name, and he is told of all three.
    assert_eq!(waiting(&dov), Vec::<Value>::new());
    let another = world.tablet("ot1");
    for tablet in [&dov, &another] {
        let record = tablet.record("s6");
        let [goal] = list(&record["goals"]) else { panic!("{record}") };
        assert_eq!(
            (&goal["statement"], &goal["target"], &goal["target_by"]),
            (&json!("Names the day and the month"), &json!(90), &json!(world.person("ot1"))),
        );
        assert_eq!((&record["conflicts"], &record["waiting_for_review"]), (&json!([]), &json!([])));
        assert_eq!(record["sessions"][0]["id"], session, "nor was anything else kept from going");
    }
    let told = dov.ok("holds");
    for id in [&first, &target] {
        assert_eq!(with_id(&told["holds"], id)["state"], "admitted");
    }
    let hold = with_id(&told["holds"], &second);
    assert_eq!(
        (&hold["state"], &hold["declined_because"], &hold["reviewer"]),
        (&json!("declined"), &json!("not what was meant"), &json!(world.person("coord1")))
    );
    // Nor is it decided twice.
    let late = world.as_person("coord1", &format!("hold decline {first} --reason 'too late'"));
    assert_eq!(late["holds"][0]["state"], "admitted");

    // Where somebody on the team can, it is theirs: she sees it, and decides nothing.
    let held = reworded(&mina, "Waits for a turn");
    let shown = world.as_person("coord1", &format!("hold show {held}"));
    assert_eq!(shown["holds"][0]["proposed"], "Waits for a turn");
    let coordinator = world.token_of("coord1");
    let ran = world.with_server(|server| server.run_as(&coordinator, &format!("hold admit {held}")));
    assert_eq!(ran.code, Some(7), "{ran:?}");
    let manager = world.as_person("cm1", &format!("hold admit {held}"));
    assert_eq!(manager["holds"][0]["state"], "admitted", "nor did her trying decide it");
}
