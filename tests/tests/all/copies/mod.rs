//! Copies of the past, with real programs: backups, and what comes back from them.

mod backup;
mod drill;
mod restore;
mod set_back;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::process::{Installation, Ran};

/// Takes a backup that is expected to succeed.
fn back_up(installation: &Installation, to: &Path) -> Value {
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
