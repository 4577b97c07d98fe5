//! The same uploads in other orders, and twice.

use serde_json::Value;
use tests::process::{Tablet, World};

use super::{list, log_session, text};

/// Orders in which four tablets come to the network.
const ORDERS: [[usize; 4]; 5] = [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 2, 1]];

/// Sorts the lists of a record by their members' ids: in which order equals are shown is nobody's promise.
fn settled(mut record: Value) -> Value {
    for list in record.as_object_mut().unwrap().values_mut() {
        if let Some(list) = list.as_array_mut() {
            list.sort_by_key(|one| one.to_string());
            for one in list {
                if let Some(values) = one["values"].as_array_mut() {
                    values.sort_by_key(Value::to_string);
                }
            }
        }
    }
    record
}

#[test]
fn a27_any_order_and_any_repetition_come_to_the_same() {
    let world = World::new();
    let tablets = ["slp1", "cm1", "ot1", "para1"].map(|person| world.tablet(person));
    let [ana, carla, dov, ben] = &tablets;
    let shared = log_session(ana, "s1", "2026-10-12T09:00:00-05:00");
    let tally = ana.ok("tally open --student s1 --goal g1");
    let tally = text(&tally["tally"]).to_owned();
    for tablet in [ana, carla, dov, ben] {
        tablet.ok("sync");
    }
    // Everybody works on the same things, offline.
    log_session(ana, "s1", "2026-10-13T09:00:00-05:00");
    ana.ok("goal g1 --statement 'Raises a hand and waits' --target 8");
    ana.ok(&format!("amend {shared} --set minutes=45 --reason 'began late'"));
    ana.ok(&format!("tally add {tally} 5"));
    carla.ok("goal g1 --statement 'Waits to be called on' --target 10");
    carla.ok(&format!("void {shared} --reason 'entered twice'"));
    log_session(dov, "s1", "2026-10-13T09:10:00-05:00");
    dov.ok("goal g1 --statement 'Puts a hand up' --no-local-policy");
    log_session(ben, "s1", "2026-10-13T11:00:00-05:00");
    ben.ok(&format!("tally add {tally} 3"));
    world.take_server().stop();

    let mut outcomes: Vec<(Value, Value, Value)> = Vec::new();
    for order in ORDERS {
        let copy = World::copied(&world);
        let tablets: Vec<Tablet> = tablets.iter().map(|tablet| copy.adopt(tablet)).collect();
        for nth in order {
            tablets[nth].network.keep();
            assert!(matches!(tablets[nth].run("sync").code, Some(0 | 4)));
            tablets[nth].network.repeat();
        }
        for tablet in &tablets {
            tablet.ok("sync");
        }
        let carla = &tablets[1];
        let holds = carla.ok("holds");
        let mut proposed: Vec<Value> =
            list(&holds["holds"]).iter().map(|hold| hold["proposed"].clone()).collect();
        proposed.sort_by_key(Value::to_string);
        let mut record = settled(carla.ok("record --student s1 --week 2026-10-12"));
        // A hold's id is drawn by the server when it is made.
        record.as_object_mut().unwrap().remove("waiting_for_review");
        let tally = carla.ok(&format!("tally show {tally}"));
        assert_eq!(tally["total"], 8);
        assert_eq!(
            settled(tablets[0].ok("record --student s1 --week 2026-10-12"))["sessions"],
            record["sessions"]
        );
        assert_eq!(copy.installation.verify().code, Some(0));
        outcomes.push((record, tally, Value::from(proposed)));
    }
    for (nth, outcome) in outcomes.iter().enumerate() {
        assert_eq!(outcome, &outcomes[0], "order {:?}", ORDERS[nth]);
    }
}
