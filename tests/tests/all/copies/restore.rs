//! A server that comes back from a backup.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::process::{Server, World};

use super::{back_up, copied, restore_and_serve, set_aside};
use crate::kills::{log, sessions};

fn status(world: &World) -> Value {
    world.admin("restored status")
}

#[test]
fn what_was_receipted_since_the_copy_comes_back_held_work_too_and_nothing_twice() {
    let world = World::new();
    let (ana, carla, mina) = (world.tablet("slp1"), world.tablet("cm1"), world.tablet("asst1"));
    let mut all: Vec<String> = (0..2).map(|nth| log(&ana, nth)).collect();
    ana.ok("sync");
    carla.ok("sync");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    // A day's work, which no backup covers.
    all.extend((2..5).map(|nth| log(&ana, nth)));
    ana.ok("sync");
    let goal = mina.record("s1")["goals"][0]["id"].as_str().unwrap().to_owned();
    mina.ok(&format!("--no-local-policy goal {goal} --target 9"));
    assert_eq!(mina.run("sync").code, Some(4), "an assistant's goal edit waits for review");
    carla.ok("sync");
    let before = (carla.record("s1"), sessions(&carla));
    assert_eq!(before.1.len(), 5);
    restore_and_serve(&world, &backup);
    assert_eq!(status(&world)["waiting_for_confirmation"], true);

    // Until it is confirmed not a byte goes down, and what is new waits where it is.
    let newcomer = world.unpaired("cm1");
    let code = world.admin("device code cm1")["code"].as_str().unwrap().to_owned();
    newcomer.ok(&format!("pair --server {} --code {code}", newcomer.network.url()));
    assert_eq!(newcomer.run("sync").code, Some(3));
    assert_eq!(newcomer.ok("caseload")["students"], serde_json::json!([]));
    all.push(log(&ana, 5));
    let synced = ana.run("sync");
    assert_eq!(synced.code, Some(3), "{synced:?}");
    assert_eq!(synced.json["waiting"], 1, "what is new is safe on the tablet: {synced:?}");
    let said = status(&world);
    assert!(said["resent"].as_u64().unwrap() >= 3, "what was receipted comes back meanwhile: {said}");
    carla.run("sync");
    assert_eq!((carla.record("s1"), sessions(&carla)), before, "nothing is taken away meanwhile");

    let confirmed = world.admin("restored confirm");
    assert_eq!(confirmed["waiting_for_confirmation"], false);
    for tablet in [&ana, &mina, &carla, &ana, &carla] {
        tablet.run("sync --until-done");
    }
    let all = all.into_iter().collect();
    for tablet in [&ana, &carla] {
        assert_eq!(sessions(tablet), all, "{}", tablet.person);
        assert_eq!(tablet.ok("status")["waiting"], 0, "{}", tablet.person);
    }
    newcomer.ok("sync");
    assert_eq!(sessions(&newcomer), all, "who begins anew is told the same");
    let holds = world.admin("hold list");
    assert_eq!(holds["holds"].as_array().unwrap().len(), 1, "held there, held again: {holds}");
    assert_eq!(mina.ok("holds")["holds"].as_array().unwrap().len(), 1);
    world.take_server().stop();
    world.installation.verify().ok();
}

#[test]
fn a_device_that_was_revoked_after_the_copy_brings_its_receipted_work_back_and_is_still_out() {
    let world = World::new();
    let (ana, carla, ben) = (world.tablet("slp1"), world.tablet("cm1"), world.tablet("para1"));
    let of_ana = log(&ana, 0);
    ana.ok("sync");
    let backup = world.folder("backups").join("yesterday");
    back_up(&world.installation, &backup);
    // Nobody else's copy has what he did next: after the loss, only his tablet does.
    let receipted = log(&ben, 1);
    assert_eq!(ben.ok("sync")["stored"], 1);
    let devices = world.admin("device list --person para1");
    let device = devices["devices"][0]["id"].as_str().unwrap().to_owned();
    world.admin(&format!("device revoke {device} --lost"));
    log(&ben, 2);
    let handed_in = ben.run("sync");
    assert_eq!((handed_in.code, &handed_in.json["held"]), (Some(6), &1.into()), "{handed_in:?}");
    assert!(ben.files_with("Maribel").is_empty(), "all that it could read is gone from it");
    restore_and_serve(&world, &backup);

    let state = || world.admin("device list --person para1")["devices"][0]["state"].clone();
    assert_eq!(state(), "lost", "the register beside the keys was applied first");
    assert_eq!(ben.run("sync").code, Some(3), "what came after the revocation waits for the confirmation");
    assert_eq!(status(&world)["resent"], 1, "its receipt suffices to bring it back");
    world.admin("restored confirm");
    assert_eq!(
        (state(), ben.run("sync").code),
        ("lost".into(), Some(6)),
        "confirming does not bring it back"
    );
    assert_eq!(ben.ok("status")["waiting"], 0);
    for tablet in [&ana, &carla] {
        tablet.ok("sync --until-done");
        assert_eq!(sessions(tablet), [of_ana.clone(), receipted.clone()].into(), "{}", tablet.person);
    }
    let record = carla.record("s1");
    let by = |session: &str| {
        let mut all = record["sessions"].as_array().unwrap().iter();
        all.find(|one| one["id"] == session).unwrap()["author"].clone()
    };
    assert_eq!(by(&receipted), world.person("para1"));
    let holds = world.admin("hold list")["holds"].clone();
    let held: Vec<_> =
        holds.as_array().unwrap().iter().map(|hold| (&hold["reason"], &hold["state"])).collect();
    assert_eq!(
        held,
        [(&"device_lost".into(), &"waiting".into())],
        "what came after the revocation waits again"
    );
    world.take_server().stop();
    world.installation.verify().ok();
}

#[test]
fn the_same_backup_restored_twice_brings_back_both_lives() {
    let world = World::new();
    let (ana, carla) = (world.tablet("slp1"), world.tablet("cm1"));
    let mut all = vec![log(&ana, 0)];
    ana.ok("sync");
    carla.ok("sync");
    let backup = world.folder("backups").join("sunday");
    back_up(&world.installation, &backup);
    for day in 1..=2 {
        all.push(log(&ana, day));
        ana.ok("sync --until-done");
        carla.ok("sync");
        restore_and_serve(&world, &backup);
        ana.run("sync");
        world.admin("restored confirm");
        ana.ok("sync --until-done");
        carla.ok("sync --until-done");
        let expected = all.iter().cloned().collect();
        assert_eq!((sessions(&ana), sessions(&carla)), (expected, sessions(&ana)), "after restore {day}");
    }
}

#[test]
fn a_restore_that_was_killed_leaves_no_data_folder_and_the_next_one_is_whole() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let first = log(&ana, 0);
    ana.ok("sync");
    let backup = world.folder("backups").join("monday");
    back_up(&world.installation, &backup);
    let port = world.with_server(Server::port);
    world.take_server().stop();
    set_aside(&world.installation);
    let line = format!("restore --from '{}' --data", backup.display());
    for place in ["restore_registered:1", "restore_begun:1"] {
        let killed = world.installation.carryover(&line, &[("CARRYOVER_CRASH_AT", place)]);
        assert_eq!(killed.code, None, "{place} was not reached: {killed:?}");
        assert!(!world.installation.data().exists(), "{place}: half a restore has no name");
    }
    world.installation.carryover(&line, &[]).ok();
    world.installation.verify().ok();
    world.set_server(world.installation.serve_on(port));
    world.admin("restored confirm");
    ana.ok("sync --until-done");
    assert!(sessions(&ana).contains(&first));
}

#[test]
fn what_cannot_be_restored_is_refused_with_a_word_of_what_to_do() {
    let world = World::new();
    let folder = world.folder("backups");
    let backup = folder.join("monday");
    back_up(&world.installation, &backup);
    let keys = world.installation.keys();
    let refused = |from: &Path, data: &Path, keys: &Path, exit: i32| -> Value {
        let line = format!(
            "--json restore --from '{}' --data '{}' --keys '{}'",
            from.display(),
            data.display(),
            keys.display()
        );
        let ran = world.installation.run(&line);
        assert_eq!(ran.code, Some(exit), "{ran:?}");
        let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert!(!answer["error"]["help"].as_str().unwrap().is_empty());
        answer["error"]["code"].clone()
    };
    let new = folder.join("new");
    assert_eq!(refused(&backup, &new, &folder.join("none"), 1), "keys_missing");
    let other = World::new();
    assert_eq!(refused(&backup, &new, &other.installation.keys(), 1), "other_keys");
    assert_eq!(refused(&backup, &world.installation.data(), &keys, 2), "not_empty");
    assert_eq!(refused(&folder, &new, &keys, 2), "not_a_backup");
    assert_eq!(refused(&backup, &backup.join("data"), &keys, 2), "bad_folder");
    for file in ["manifest", "log/00000001.seg", "log/synced"] {
        let bent = copied(&backup, &folder.join("bent"));
        let path = bent.join(file);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(refused(&bent, &new, &keys, 1), "damaged", "{file}");
        fs::remove_dir_all(bent).unwrap();
    }
    let left: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [backup], "nothing that was refused has left anything behind");
}

#[test]
fn restoring_an_older_backup_than_there_is_says_which_is_newer() {
    let world = World::new();
    let ana = world.tablet("slp1");
    let folder = world.folder("backups");
    back_up(&world.installation, &folder.join("monday"));
    log(&ana, 0);
    ana.ok("sync");
    back_up(&world.installation, &folder.join("tuesday"));
    world.take_server().stop();
    set_aside(&world.installation);
    let line = format!("--json restore --from '{}' --data", folder.join("monday").display());
    let ran = world.installation.carryover(&line, &[]).ok();
    let answer: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(answer["newer_backup"]["folder"].as_str().unwrap().ends_with("tuesday"), "{answer}");
    assert!(ran.stderr.contains("tuesday"), "{ran:?}");
}
