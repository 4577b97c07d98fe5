//! Checks every file of an organisation: its log and index, its snapshots, and the keys beside its data.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::affected::Names;
use super::served::served;
use super::snapshot::{FOLDER as SNAPSHOTS, decode};
use crate::auth::keys::ServerKeys;
use crate::register::{RegisterFile, latest_backup, owner};
use crate::store::{self, Fault, Report};
use crate::whole_file::CheckedError;

/// Reads everything and says what is wrong, where, and what it concerns. It changes nothing.
///
/// # Errors
/// The disk refuses; then nothing is known.
pub fn verify(data: &Path, keys: &Path) -> io::Result<Report> {
    let mut names = Names::default();
    let mut report = store::verify(data, &mut |stored| names.learn(&stored))?;
    report.faults.extend(damaged_snapshots(data)?);
    if let Err(error) = ServerKeys::open(keys) {
        let file = error.path().map(Path::to_owned).unwrap_or_default();
        report.faults.push(fault(file, error.to_string(), None));
    }
    let notes = [
        owner(keys).map(drop),
        latest_backup(keys).map(drop),
        RegisterFile::beside(keys).read().map(drop),
        served(keys).map(drop),
    ];
    report.faults.extend(notes.into_iter().filter_map(Result::err).map(|error| note_fault(&error)));
    for fault in &mut report.faults {
        fault.concerns = names.concerns(fault);
    }
    Ok(report)
}

/// Finds the kept snapshots that are not as they were written. A file that is being replaced is left alone.
fn damaged_snapshots(data: &Path) -> io::Result<Vec<Fault>> {
    let files = match fs::read_dir(data.join(SNAPSHOTS)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        files => files?,
    };
    let mut damaged = Vec::new();
    for file in files {
        let path = file?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".new") {
            continue;
        }
        match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            read => {
                if decode(&read?).is_none() {
                    let document: Option<sync_core::ids::DocumentId> = name.parse().ok();
                    let what = "the snapshot does not match its hash; it is built again when it is asked for";
                    damaged.push(fault(path, what.to_owned(), document.map(|document| document.0)));
                }
            }
        }
    }
    Ok(damaged)
}

fn note_fault(error: &CheckedError) -> Fault {
    fault(error.path().to_owned(), error.to_string(), None)
}

fn fault(file: PathBuf, what: String, document: Option<[u8; 16]>) -> Fault {
    Fault { file, what, documents: document.into_iter().collect(), ..Fault::default() }
}
