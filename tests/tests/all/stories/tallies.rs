//! One tally, two pairs of hands.

use serde_json::json;
use tests::process::World;

use super::{list, text};

#[test]
fn a3_five_and_three_make_eight_on_both_tablets() {
    let world = World::new();
    let (ana, ben) = (world.tablet("slp1"), world.tablet("para1"));
    let tally = ana.ok("tally open --student s1 --goal g1");
    let tally = text(&tally["tally"]);
    ana.ok("sync");
    ben.ok("sync");
    for tablet in [&ana, &ben] {
        tablet.network.set_up(false);
    }
    for n in 1..=5 {
        assert_eq!(ana.ok(&format!("tally add {tally}"))["total"], n);
    }
    assert_eq!(ben.ok(&format!("tally add {tally} 4"))["total"], 4);
    assert_eq!(ben.ok(&format!("tally undo {tally} 1"))["total"], 3);
    for tablet in [&ana, &ben] {
        tablet.network.set_up(true);
        tablet.ok("sync");
    }
    ana.ok("sync");
    let people = [world.person("slp1"), world.person("para1")];
    for tablet in [&ana, &ben] {
        let shown = tablet.ok(&format!("tally show {tally}"));
        assert_eq!(shown["total"], 8, "{}: {shown}", tablet.person);
        assert_eq!(list(&shown["by"]).len(), 2);
        for (person, n) in people.iter().zip([5, 3]) {
            assert!(list(&shown["by"]).contains(&json!({"person": person, "n": n})), "{shown}");
        }
    }
}
