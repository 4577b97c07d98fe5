//! Acts that are kept sealed: from the backup that covers them to the tablet that lets go of them.

use std::path::PathBuf;

use serde_json::Value;
use sync_core::ids::ActId;
use tests::process::{Cut, Tablet, World, eventually};

use super::back_up;
use crate::kills::look_into;

/// In the notes of what is logged.
const SAID: &str = "courgette";

/// Returns of which acts a tablet's folder has sealed copies, in the order in which they were made.
fn sealed(tablet: &Tablet) -> Vec<ActId> {
    look_into(tablet, |tablet| {
        let kept = tablet.kept().unwrap().into_iter();
        // What is kept is there, too, and not only spoken of.
        kept.map(|kept| tablet.sealed(kept.document, kept.act).map(|_| kept.act).unwrap()).collect()
    })
}

fn log(tablet: &Tablet, hour: u8) {
    tablet.ok(&format!(
        "log --student s1 --mode push-in --place hallway --start 2026-10-12T{hour:02}:00:00-05:00 --minutes 1 --note '{SAID}'"
    ));
}

/// Waits until the server has counted a backup.
fn counted(world: &World, backup: &Value) {
    let said = format!("backed up seq={}", backup["seq"]);
    eventually("the backup to be counted", || world.installation.said().contains(&said).then_some(()));
}

#[test]
fn a_sealed_act_goes_when_a_backup_covers_it_and_its_tablet_was_told() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let folder = world.folder("backups");
    log(&ana, 8);
    ana.ok("sync");
    let first = sealed(&ana);
    assert_eq!(first.len(), 1);
    ana.ok("sync");
    assert_eq!(sealed(&ana), first, "no backup, nothing goes");

    // Whole and in place, but killed before it was noted.
    let line = format!("backup --to '{}' --data", folder.join("killed").display());
    let killed = world.installation.carryover(&line, &[("CARRYOVER_CRASH_AT", "backup_in_place:1")]);
    assert_eq!(killed.code, None, "{killed:?}");
    ana.ok("sync");
    assert_eq!(sealed(&ana), first, "a backup that was not noted");

    // Noted and counted, and the tablet hears nothing of it.
    let monday = back_up(&world.installation, &folder.join("monday"));
    counted(&world, &monday);
    log(&ana, 9);
    assert_eq!(sealed(&ana)[..1], first, "a backup of which it was not told");
    ana.network.cut([Cut::answer(1)]);
    ana.exits(3, "sync");
    assert_eq!(sealed(&ana).len(), 2, "the answer was lost");
    ana.ok("sync");
    let second = sealed(&ana);
    assert!(
        second.len() == 1 && second != first,
        "told: what the backup covers is gone, what came later is not"
    );

    // The place on the team ends: nothing is left that the tablet could read, and the sealed act stays until it is covered.
    let grant = world.grant("s1", "slp1");
    assert_ne!(ana.files_with(SAID), Vec::<PathBuf>::new(), "the search finds what is there");
    world.admin(&format!("grant end {grant} --on 2026-10-14 --reason 'moved'"));
    ana.run("sync");
    assert_eq!(ana.files_with(SAID), Vec::<PathBuf>::new());
    assert_eq!(sealed(&ana), second);
    let tuesday = back_up(&world.installation, &folder.join("tuesday"));
    counted(&world, &tuesday);
    ana.run("sync");
    assert_eq!(sealed(&ana), []);
}
