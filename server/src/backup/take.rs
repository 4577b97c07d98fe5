//! Taking a backup: whole under its name, or not there.

use std::io;
use std::path::{Path, PathBuf};

use sync_core::exchange::server::entry::{LogEntry, Organisation};
use sync_core::time::Moment;

use super::manifest::{BackupFile, MANIFEST, Manifest, VERSION};
use super::unfinished::{FolderError, Unfinished, writing};
use crate::auth::keys::{KeysError, ServerKeys};
use crate::crash::crash_point;
use crate::engine::entry_of;
use crate::register::{LatestBackup, note_backup, owner};
use crate::store::copy::{CopiedFile, CopyLogError, copy_log, durable_end, first_record};
use crate::store::disk::RealDisk;
use crate::store::log_path;
use crate::store::verify::verify_log;
use crate::whole_file::{hex, write_checked};

/// A backup that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// What it says of itself.
    pub manifest: Manifest,
    /// Why the server does not count it, where it does not.
    pub not_counted: Option<NotCounted>,
}

/// Why a backup that is whole is not counted: tablets go on keeping their sealed acts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotCounted {
    /// There is no keys folder where it was looked for.
    #[error("there are no keys in {}", .0.display())]
    NoKeys(PathBuf),
    /// The keys are another organisation's.
    #[error("the keys in {} are another organisation's", .0.display())]
    OtherKeys(PathBuf),
    /// It could not be noted there.
    #[error("it could not be noted beside the keys: {0}")]
    NotNoted(String),
}

/// Why there is no backup. What stood under its name before stands there still.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Where the backup is to go.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// No organisation was founded in the data folder.
    #[error("no organisation is founded in {}", .0.display())]
    NotFounded(PathBuf),
    /// The log could not be copied.
    #[error(transparent)]
    Copy(#[from] CopyLogError),
    /// What was written does not read back as it was written.
    #[error("the copy in {} does not read back as it was written: {what}", file.display())]
    Unlike {
        /// The file.
        file: PathBuf,
        /// What was found.
        what: String,
    },
    /// The log does not begin with an organisation.
    #[error("the log does not begin with an organisation")]
    NoOrganisation,
}

/// Copies what is durable of a data folder to `to`, which is new or empty, and has the server count it.
///
/// A server may be running. What a copy that was cut off left behind is cleared away first.
pub fn take(data: &Path, keys: &Path, to: &Path, now: Moment) -> Result<Backup, BackupError> {
    let until = durable_end(data)?;
    if until.seq == 0 {
        return Err(BackupError::NotFounded(data.to_owned()));
    }
    let (unfinished, lock) = Unfinished::begin(to, &[data, keys])?;
    let log = log_path(unfinished.path());
    crash_point("backup_begun");
    let copied = copy_log(&RealDisk, &log_path(data), &log, until)?;
    check(&log, copied.end.seq)?;
    let organisation = organisation(&log)?;
    let manifest = Manifest {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        organisation: organisation.id,
        log: sync_core::ids::LogId(copied.log_id),
        seq: copied.end.seq,
        running: hex(&copied.end.hash),
        taken: organisation.zone.rfc3339(now),
        key: key(keys),
        files: copied.files.iter().map(backup_file).collect(),
    };
    let path = unfinished.path().join(MANIFEST);
    write_checked(&path, &manifest).map_err(writing(&path))?;
    crash_point("backup_copied");
    unfinished.finish_for_good(lock)?;
    crash_point("backup_in_place");
    Ok(Backup { not_counted: count(&manifest, keys, to).err(), manifest })
}

fn check(log: &Path, seq: u64) -> Result<(), BackupError> {
    let report = verify_log(&RealDisk, log, false).map_err(writing(log))?;
    match report.faults.into_iter().next() {
        Some(fault) => Err(BackupError::Unlike { file: fault.file, what: fault.what }),
        None if report.end_seq == seq => Ok(()),
        None => {
            let what = format!("it ends at record {}, not {seq}", report.end_seq);
            Err(BackupError::Unlike { file: log.to_owned(), what })
        }
    }
}

fn organisation(log: &Path) -> Result<Organisation, BackupError> {
    let first = first_record(&RealDisk, log).map_err(writing(log))?;
    match first.map(|first| entry_of(&first)) {
        Some(Ok(LogEntry::Organisation(organisation))) => Ok(organisation),
        Some(Ok(_) | Err(_)) | None => Err(BackupError::NoOrganisation),
    }
}

/// Returns the name of the key that certificates are signed with: it says which keys a restore will need.
fn key(keys: &Path) -> Option<String> {
    ServerKeys::open(keys).ok().map(|keys| keys.certificate().kid().to_owned())
}

fn backup_file(copied: &CopiedFile) -> BackupFile {
    BackupFile { name: copied.name.clone(), bytes: copied.bytes, sha256: hex(&copied.sha256) }
}

fn count(manifest: &Manifest, keys: &Path, to: &Path) -> Result<(), NotCounted> {
    let failed = |error: io::Error| NotCounted::NotNoted(error.to_string());
    match ServerKeys::open(keys) {
        Err(KeysError::Missing(folder)) => return Err(NotCounted::NoKeys(folder)),
        Err(error) => return Err(NotCounted::NotNoted(error.to_string())),
        Ok(_) => {}
    }
    let owner = owner(keys).map_err(|error| NotCounted::NotNoted(error.to_string()))?;
    if owner != Some(manifest.organisation) {
        return Err(NotCounted::OtherKeys(keys.to_owned()));
    }
    let latest = LatestBackup {
        log: manifest.log,
        seq: manifest.seq,
        running: manifest.running.clone(),
        taken: manifest.taken.clone(),
        folder: std::path::absolute(to).map_err(failed)?,
    };
    note_backup(keys, &latest).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::engine::founded::founded;
    use crate::register::latest_backup;
    use crate::store::FolderLock;

    const NOON: Moment = Moment(1_792_000_000_000);

    #[test]
    fn a_backup_is_whole_names_what_it_is_of_and_is_counted() {
        let (folder, settings) = founded();
        let to = folder.path().join("backups/monday");
        let backup = take(&settings.data, &settings.keys, &to, NOON).unwrap();
        assert_eq!(backup.not_counted, None);
        let manifest: Manifest = crate::whole_file::read_checked(&to.join(MANIFEST)).unwrap().unwrap();
        assert_eq!(manifest, backup.manifest);
        let counted = latest_backup(&settings.keys).unwrap().unwrap();
        assert_eq!((counted.log, counted.seq, counted.folder), (manifest.log, manifest.seq, to.clone()));
        let mut names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["log", MANIFEST], "no keys, no index, no lock");
        assert!(!folder.path().join("backups/monday.unfinished").exists());
    }

    #[test]
    fn a_folder_in_use_and_one_inside_the_data_are_refused_and_left_as_they_are() {
        let (folder, settings) = founded();
        let kept = folder.path().join("kept");
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("letter"), "dear").unwrap();
        let refused = |to: &Path| take(&settings.data, &settings.keys, to, NOON).unwrap_err();
        assert!(matches!(refused(&kept), BackupError::Folder(FolderError::NotEmpty(_))));
        assert_eq!(fs::read_to_string(kept.join("letter")).unwrap(), "dear");
        assert!(matches!(
            refused(&settings.data.join("backup")),
            BackupError::Folder(FolderError::Within { .. })
        ));
        assert!(matches!(
            refused(&settings.keys.join("new/backup")),
            BackupError::Folder(FolderError::Within { .. })
        ));
        assert_eq!(latest_backup(&settings.keys).unwrap(), None, "nothing that was refused counts");
    }

    #[test]
    fn what_a_copy_that_was_cut_off_left_behind_is_cleared_away() {
        let (folder, settings) = founded();
        let to = folder.path().join("monday");
        let unfinished = folder.path().join("monday.unfinished");
        fs::create_dir_all(unfinished.join("log")).unwrap();
        fs::write(unfinished.join("log/00000007.seg"), "half").unwrap();
        let held = FolderLock::take(&unfinished).unwrap();
        let during = take(&settings.data, &settings.keys, &to, NOON);
        assert!(matches!(during, Err(BackupError::Folder(FolderError::UnderWay(_)))), "{during:?}");
        drop(held);
        take(&settings.data, &settings.keys, &to, NOON).unwrap();
        assert!(!to.join("log/00000007.seg").exists() && !unfinished.exists());
    }

    #[test]
    fn a_backup_that_failed_leaves_nothing_behind() {
        let (folder, settings) = founded();
        let segment = settings.data.join("log/00000001.seg");
        let held = FolderLock::take(&settings.data).unwrap();
        // As beside a server: damage is found on the way, when half of it is copied.
        let mut bytes = fs::read(&segment).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(&segment, bytes).unwrap();
        let failed = take(&settings.data, &settings.keys, &folder.path().join("monday"), NOON);
        assert!(matches!(failed, Err(BackupError::Copy(CopyLogError::Damaged { .. }))), "{failed:?}");
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["data", "data.keys"]);
        drop(held);
    }

    #[test]
    fn without_its_keys_a_backup_is_whole_but_not_counted() {
        let (folder, settings) = founded();
        let (other, stranger) = founded();
        let to = |name: &str| folder.path().join(name);
        let nowhere = take(&settings.data, &folder.path().join("none"), &to("one"), NOON).unwrap();
        assert!(matches!(nowhere.not_counted, Some(NotCounted::NoKeys(_))));
        assert_eq!(nowhere.manifest.key, None);
        let others = take(&settings.data, &stranger.keys, &to("two"), NOON).unwrap();
        assert!(matches!(others.not_counted, Some(NotCounted::OtherKeys(_))));
        assert_eq!(
            (latest_backup(&stranger.keys).unwrap(), latest_backup(&settings.keys).unwrap()),
            (None, None)
        );
        drop(other);
    }
}
