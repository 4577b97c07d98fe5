//! The peers: the same morning at servers of others, each in its own language, with its own client.
//!
//! They come from npm, pinned by a lock file, and are installed below the target folder, never in the tree. Where that cannot be done,
//! the table says so.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::measure::Failed;
use crate::morning::Cost;

/// The peers' runner, from this package's folder.
const RUNNER: &str = "benches/peers";
/// Where they are installed, from the folder of what is built.
const INSTALLED: &str = "bench/peers";

/// What the peers took, in the order of the mornings that were asked for.
#[derive(Debug, Default)]
pub struct Peers {
    pub automerge_repo: Vec<Cost>,
    pub hocuspocus: Vec<Cost>,
    /// Why there is nothing of them, where there is nothing.
    pub missing: String,
}

/// What the runner prints of one morning.
#[derive(Debug, Deserialize)]
struct Said {
    cpu_s: f64,
    started_mib: f64,
    peak_mib: f64,
    wire_mb: f64,
    /// Whether every tablet had everybody's before patience ended.
    finished: bool,
}

/// Measures the mornings of the peers, once each: they take long, and are far away.
pub fn measure(mornings: &[usize], earlier: usize) -> Peers {
    let mut missing = Vec::new();
    let mut of = |folder: &Path, peer| {
        let each = mornings.iter().map(|tablets| morning(folder, peer, *tablets, earlier));
        let mut costs = Vec::new();
        for cost in each {
            match cost {
                Ok(cost) => costs.push(cost),
                // A larger morning would not fare better.
                Err(error) => {
                    missing.push(error.to_string());
                    break;
                }
            }
        }
        costs
    };
    let (automerge_repo, hocuspocus) = match installed() {
        Ok(folder) => (of(&folder, "automerge-repo"), of(&folder, "hocuspocus")),
        Err(error) => {
            missing.push(error.to_string());
            Default::default()
        }
    };
    Peers { automerge_repo, hocuspocus, missing: missing.join("; ") }
}

/// Installs the runner and what it needs, and returns where.
fn installed() -> Result<PathBuf, Failed> {
    let program = std::env::current_exe()?;
    // The program lies in `deps`, that in `release`, that in the folder of what is built.
    let target = program.ancestors().nth(3).ok_or("no target folder")?;
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join(RUNNER), target.join(INSTALLED));
    fs::create_dir_all(&to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    // By the lock file, as `ci` would: but that also wants the optional packages to be there still, which nobody installs.
    let output = Command::new("npm")
        .args(["install", "--no-audit", "--no-fund", "--omit=optional"])
        .current_dir(&to)
        .output()
        .map_err(|error| format!("npm cannot be run: {error}"))?;
    match output.status.success() {
        true => Ok(to),
        false => Err(format!("npm could not install the peers: {}", first_error(&output.stderr)).into()),
    }
}

fn morning(folder: &Path, peer: &str, tablets: usize, earlier: usize) -> Result<Cost, Failed> {
    let output = Command::new("node")
        .args(["morning.mjs", peer, &tablets.to_string(), &earlier.to_string()])
        .current_dir(folder)
        .output()
        .map_err(|error| format!("node cannot be run: {error}"))?;
    if !output.status.success() {
        return Err(format!("{peer} with {tablets} tablets: {}", last_line(&output.stderr)).into());
    }
    let Said { cpu_s, started_mib, peak_mib, wire_mb, finished } = serde_json::from_slice(&output.stdout)?;
    Ok(Cost { cpu_s, started_mib, peak_mib, wire_mb, unfinished: !finished })
}

/// What npm says first of what is wrong; its last lines say where it keeps its log.
fn first_error(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let said = |line: &&str| line.trim_start_matches("npm error").trim().contains(' ');
    text.lines()
        .filter(|line| line.starts_with("npm error"))
        .find(said)
        .unwrap_or("it said nothing")
        .to_owned()
}

fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it said nothing").to_owned()
}
