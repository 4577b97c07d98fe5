//! `backup`: a consistent copy of the data, also beside a running server.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{CommandError, Common, Done, Exit, Outcome, outcome};
use crate::backup::{BackupError, FolderError, take};
use crate::store::copy::CopyLogError;

#[derive(Debug, Args)]
pub(super) struct Backup {
    /// The data folder; a server may be running on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The backup's folder: new or empty, and not in the data
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
}

impl Backup {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let keys = common.keys(&self.data);
        let backup = take(&self.data, &keys, &self.to, common.clock().now())?;
        let manifest = backup.manifest;
        if let Some(why) = &backup.not_counted {
            outcome::warn(format_args!(
                "{why}; the backup is whole, but the server does not count it and tablets go on keeping what it covers: \
                 name the keys folder with --keys next time"
            ));
        }
        let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
        Ok(Done {
            json: json!({
                "backup": self.to,
                "organisation": manifest.organisation,
                "log": manifest.log,
                "seq": manifest.seq,
                "taken": manifest.taken,
                "bytes": bytes,
                "keys_included": false,
                "keys": keys,
                "counted": backup.not_counted.is_none(),
            }),
            words: format!(
                "backed up to {}: {} records, {bytes} bytes, as of {}\n  the keys are not in it: keep a copy of {} somewhere else, a \
                 restore needs both",
                self.to.display(),
                manifest.seq,
                manifest.taken,
                keys.display(),
            ),
        })
    }
}

impl From<BackupError> for CommandError {
    fn from(error: BackupError) -> Self {
        let (exit, code, help) = match &error {
            BackupError::Folder(FolderError::NotEmpty(_)) => {
                (Exit::Usage, "not_empty", "name a new folder with --to: a backup never overwrites anything")
            }
            BackupError::Folder(FolderError::Within { .. }) => (
                Exit::Usage,
                "bad_folder",
                "name a folder outside the data and the keys, best on another disk",
            ),
            BackupError::NotFounded(_) | BackupError::Copy(CopyLogError::Missing(_)) => {
                (Exit::Usage, "no_data", "check --data")
            }
            BackupError::Folder(FolderError::UnderWay(_)) => {
                (Exit::Failed, "under_way", "wait for it, or name another folder with --to")
            }
            BackupError::Copy(CopyLogError::Damaged { .. }) | BackupError::NoOrganisation => (
                Exit::Failed,
                "damaged",
                "no backup was made of damaged data; run `carryover verify`, and keep the older backups",
            ),
            BackupError::Copy(CopyLogError::NoNote(_)) => (
                Exit::Failed,
                "storage",
                "try again; if it stays so, restart the server, which writes it anew",
            ),
            BackupError::Unlike { .. } => (
                Exit::Failed,
                "unlike",
                "that disk does not keep what is written to it: name a folder on another",
            ),
            BackupError::Copy(CopyLogError::Source { .. } | CopyLogError::Target { .. })
            | BackupError::Folder(FolderError::Io { .. }) => {
                (Exit::Failed, "storage", "no backup was made; check room and rights, then try again")
            }
        };
        Self::of(exit, code, &error, help)
    }
}
