//! Backups are whole or not there, and only whole ones count.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::Value;
use tests::process::{World, eventually};

use super::{back_up, verify};
use crate::kills::log;

/// Backups that are taken while the server works, at least.
const BACKUPS: usize = 6;
/// Sessions that are logged and sent meanwhile, at least.
const LOGGED: usize = 3;
/// What the server says when it counts a backup.
const COUNTED: &str = "backed up";

#[test]
fn a_backup_beside_a_server_under_load_is_whole_and_counted() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let folder = world.folder("backups");
    let installation = world.installation.clone();
    let to = folder.clone();
    let logged = Arc::new(AtomicUsize::new(0));
    let so_far = Arc::clone(&logged);
    let taking = thread::spawn(move || -> Vec<Value> {
        let mut taken = Vec::new();
        while taken.len() < BACKUPS || so_far.load(Ordering::Relaxed) < LOGGED {
            taken.push(back_up(&installation, &to.join(taken.len().to_string())));
        }
        taken
    });
    while !taking.is_finished() {
        log(&ana, logged.load(Ordering::Relaxed));
        ana.ok("sync");
        logged.fetch_add(1, Ordering::Relaxed);
    }
    let taken = taking.join().unwrap();
    let mut before = 0;
    for (nth, backup) in taken.iter().enumerate() {
        let verified = verify(&world.installation, &folder.join(nth.to_string())).ok();
        let verified: Value = serde_json::from_str(&verified.stdout).unwrap();
        assert_eq!((&verified["seq"], &verified["torn_tail"]), (&backup["seq"], &Value::Null));
        assert!(backup["seq"].as_u64().unwrap() >= before && backup["counted"] == true, "{backup}");
        before = backup["seq"].as_u64().unwrap();
    }
    assert!(before > 0 && logged.load(Ordering::Relaxed) >= LOGGED, "the server worked all the while");
    eventually("the newest backup to be counted", || {
        world.installation.said().contains(&format!("{COUNTED} seq={before}")).then_some(())
    });
}

#[test]
fn a_backup_that_was_killed_is_not_there_and_the_next_one_is_whole() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let to = world.folder("backups").join("monday");
    let line = format!("backup --to '{}' --data", to.display());
    for (nth, place) in ["backup_begun:1", "backup_copied:1"].into_iter().enumerate() {
        log(&ana, nth);
        ana.ok("sync");
        let killed = world.installation.carryover(&line, &[("CARRYOVER_CRASH_AT", place)]);
        assert_eq!(killed.code, None, "{place} was not reached: {killed:?}");
        assert!(!to.exists(), "{place}: what was only begun has no name");
        let counted = world.installation.keys().join("backup");
        assert!(!counted.exists(), "{place}: what was only begun does not count");
    }
    let backup = back_up(&world.installation, &to);
    let verified = verify(&world.installation, &to).ok();
    assert!(verified.stdout.contains(&format!("\"seq\":{}", backup["seq"])), "{verified:?}");
    // Whole and in place, but killed before it was noted: a good copy by which nobody lets go of anything.
    let tuesday = to.with_file_name("tuesday");
    let line = format!("backup --to '{}' --data", tuesday.display());
    log(&ana, 5);
    ana.ok("sync");
    let killed = world.installation.carryover(&line, &[("CARRYOVER_CRASH_AT", "backup_in_place:1")]);
    assert_eq!(killed.code, None, "{killed:?}");
    verify(&world.installation, &tuesday).ok();
    let noted = fs::read_to_string(world.installation.keys().join("backup")).unwrap();
    assert!(noted.contains("monday") && !noted.contains("tuesday"), "{noted}");
}

#[test]
fn what_cannot_be_a_backup_is_refused_with_a_word_of_what_to_do() {
    let world = World::new();
    let kept = world.folder("kept");
    fs::write(kept.join("letter"), "dear").unwrap();
    let refused = |line: &str| -> Value {
        let ran = world.installation.carryover(line, &[]);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["error"].clone()
    };
    let error = refused(&format!("--json backup --to '{}' --data", kept.display()));
    assert_eq!(error["code"], "not_empty");
    assert!(error["help"].as_str().unwrap().contains("--to"), "{error}");
    let inside = world.installation.data().join("backup");
    assert_eq!(refused(&format!("--json backup --to '{}' --data", inside.display()))["code"], "bad_folder");
    assert_eq!(fs::read_to_string(kept.join("letter")).unwrap(), "dear");
}

#[test]
fn a_damaged_log_is_not_copied() {
    let world = World::new();
    world.take_server().stop();
    let segment = world.installation.data().join("log/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let to = world.folder("backups").join("monday");
    let ran = world.installation.carryover(&format!("--json backup --to '{}' --data", to.display()), &[]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let error: Value = serde_json::from_str::<Value>(&ran.stdout).unwrap()["error"].clone();
    assert_eq!(error["code"], "damaged");
    assert!(error["message"].as_str().unwrap().contains("00000001.seg"), "{error}");
    assert!(!to.exists());
}
