//! Copies of the past, with real programs: backups, and what comes back from them.

mod backup;
mod drill;
mod gone;
mod lost_tail;
mod restore;
mod sealed;
mod set_back;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::process::{Installation, Ran, Server, World};

/// Takes a backup that is expected to succeed.
pub(crate) fn back_up(installation: &Installation, to: &Path) -> Value {
    let ran = installation.carryover(&format!("--json backup --to '{}' --data", to.display()), &[]).ok();
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Checks a backup as it would be checked when it is restored.
fn verify(installation: &Installation, backup: &Path) -> Ran {
    let keys = installation.keys();
    installation.run(&format!("--json verify --data '{}' --keys '{}'", backup.display(), keys.display()))
}

/// Copies a folder as it is, permissions included, and returns the copy.
fn copied(from: &Path, to: &Path) -> PathBuf {
    tests::process::copy(from, to);
    to.to_owned()
}

/// Restores a backup in place of the data, and serves it where the tablets look for it.
pub(crate) fn restore_and_serve(world: &World, backup: &Path) {
    let port = world.with_server(Server::port);
    world.take_server().stop();
    set_aside(&world.installation);
    restore(&world.installation, backup);
    world.set_server(world.installation.serve_on(port));
}

fn restore(installation: &Installation, backup: &Path) -> Value {
    let ran =
        installation.carryover(&format!("--json restore --from '{}' --data", backup.display()), &[]).ok();
    serde_json::from_str(&ran.stdout).unwrap()
}

/// Moves the data out of the way.
fn set_aside(installation: &Installation) {
    let data = installation.data();
    let mut aside = data.with_extension("old");
    while aside.exists() {
        aside = aside.with_extension("older");
    }
    fs::rename(data, aside).unwrap();
}
