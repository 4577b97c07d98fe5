//! What an author may still do with work that waits for review.

use serde_json::{Value, json};
use tests::process::{Tablet, World};

use super::{list, text};

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
