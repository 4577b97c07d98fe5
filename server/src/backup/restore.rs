//! Restoring a backup: checked whole before anything of it is served, and under a new life of the log.

use std::path::{Path, PathBuf};

use sync_core::exchange::register::Register;
use sync_core::ids::{LogId, OrgId};

use super::manifest::{BackupFile, MANIFEST, Manifest, VERSION};
use super::unfinished::{FolderError, Unfinished};
use crate::auth::keys::ServerKeys;
use crate::crash::crash_point;
use crate::engine::{OpenEngineError, Settings, begin_life_in, draw};
use crate::register::{LatestBackup, OwnError, RegisterError, RegisterFile, latest_backup, owner};
use crate::store::copy::{CopiedLog, CopyLogError, Durable, copy_log};
use crate::store::disk::RealDisk;
use crate::store::verify::verify_log;
use crate::store::{Fault, log_path};
use crate::whole_file::{CheckedError, hex, read_checked};

/// What came of a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// The new life of the log.
    pub log: LogId,
    /// A backup of the same log that reaches further: tablets may have let go of what only that one holds.
    pub newer: Option<LatestBackup>,
}

/// Why nothing was restored. The data folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The folder holds no backup, or one that was only begun.
    #[error("{} is not a backup: it has no {MANIFEST}", .0.display())]
    NotABackup(PathBuf),
    /// The manifest is not as it was written.
    #[error(transparent)]
    Manifest(#[from] CheckedError),
    /// The backup is of a newer version of this program.
    #[error("the backup is of a newer version ({0})")]
    Newer(u32),
    /// Where the data is to go.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The keys, or what lies beside them, or what the restored data says.
    #[error(transparent)]
    Engine(#[from] OpenEngineError),
    /// The keys are not those of the backup's organisation.
    #[error("the keys in {} are of organisation {theirs}, the backup is of {ours}", keys.display())]
    OtherOrganisation {
        /// The keys folder.
        keys: PathBuf,
        /// Whose keys they are.
        theirs: String,
        /// Whose data it is.
        ours: OrgId,
    },
    /// The keys are the organisation's, but not those with which the server worked when the backup was taken.
    #[error("the keys in {} are not those that were in use when the backup was taken", .0.display())]
    OtherKeys(PathBuf),
    /// Something in the backup is not as it was written.
    #[error("the backup is damaged: {}", what(.0))]
    Damaged(Vec<Fault>),
    /// A file of the backup is not the one that the manifest names.
    #[error("{} is not the file that the backup was made with", .0.display())]
    OtherFile(PathBuf),
    /// The copy could not be made.
    #[error(transparent)]
    Copy(#[from] CopyLogError),
    /// The register beside the keys could not be read or written.
    #[error(transparent)]
    Register(#[from] RegisterError),
}

fn what(faults: &[Fault]) -> String {
    let each = faults.iter().map(|fault| format!("{}: {}", fault.place(), fault.what));
    each.collect::<Vec<_>>().join("; ")
}

/// Makes a data folder of a backup: `settings.data`, which is new or empty. A run that was cut off leaves nothing under that name.
pub fn restore(from: &Path, settings: &Settings) -> Result<Restored, RestoreError> {
    let manifest: Manifest =
        read_checked(&from.join(MANIFEST))?.ok_or_else(|| RestoreError::NotABackup(from.to_owned()))?;
    if manifest.version > VERSION {
        return Err(RestoreError::Newer(manifest.version));
    }
    let keys = keys_of(&manifest, &settings.keys)?;
    let newer = latest_backup(&settings.keys)?
        .filter(|latest| latest.log == manifest.log && latest.seq > manifest.seq);
    let (unfinished, lock) = Unfinished::begin(&settings.data, &[from, &settings.keys])?;
    let faults = verify_log(&RealDisk, &log_path(from), false).map_err(unreadable(from))?.faults;
    if !faults.is_empty() {
        return Err(RestoreError::Damaged(faults));
    }
    let until = Durable { seq: manifest.seq, hash: None };
    let copied = copy_log(&RealDisk, &log_path(from), &log_path(unfinished.path()), until)?;
    is_the_backup(from, &manifest, &copied)?;
    let log = LogId(draw().map_err(OpenEngineError::from)?);
    // Known beside the keys before anything is said under it: a receipt of this life can be believed after the next restore.
    let register = RegisterFile::beside(&settings.keys).change(|register| {
        if register.lives.is_empty() {
            *register = Register::founded(manifest.log);
        }
        register.begin(log, manifest.log, manifest.seq);
    })?;
    crash_point("restore_registered");
    let lock = begin_life_in(unfinished.path(), lock, settings, &keys, log, &register)?;
    crash_point("restore_begun");
    unfinished.finish(lock)?;
    Ok(Restored { manifest, log, newer })
}

fn keys_of(manifest: &Manifest, folder: &Path) -> Result<ServerKeys, RestoreError> {
    let keys = ServerKeys::open(folder).map_err(OpenEngineError::from)?;
    let theirs = owner(folder).map_err(OwnError::from).map_err(OpenEngineError::from)?;
    if theirs != Some(manifest.organisation) {
        return Err(RestoreError::OtherOrganisation {
            keys: folder.to_owned(),
            theirs: theirs.map_or_else(|| "nobody".to_owned(), |theirs| theirs.to_string()),
            ours: manifest.organisation,
        });
    }
    match &manifest.key {
        Some(key) if key != keys.certificate().kid() => Err(RestoreError::OtherKeys(folder.to_owned())),
        Some(_) | None => Ok(keys),
    }
}

/// Checks that what was copied is what the manifest names.
fn is_the_backup(from: &Path, manifest: &Manifest, copied: &CopiedLog) -> Result<(), RestoreError> {
    let named = |file: &BackupFile| (file.name.clone(), file.bytes, file.sha256.clone());
    let expected: Vec<_> = manifest.files.iter().map(named).collect();
    let found: Vec<_> =
        copied.files.iter().map(|file| (file.name.clone(), file.bytes, hex(&file.sha256))).collect();
    if let Some((name, ..)) =
        found.iter().zip(&expected).find(|(one, other)| one != other).map(|(one, _)| one)
    {
        return Err(RestoreError::OtherFile(log_path(from).join(name)));
    }
    let whole = found.len() == expected.len()
        && hex(&copied.end.hash) == manifest.running
        && LogId(copied.log_id) == manifest.log;
    if whole { Ok(()) } else { Err(RestoreError::OtherFile(log_path(from))) }
}

fn unreadable(path: &Path) -> impl FnOnce(std::io::Error) -> CopyLogError {
    let path = path.to_owned();
    |source| CopyLogError::Source { path, source }
}
