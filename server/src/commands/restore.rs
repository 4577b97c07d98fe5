//! `restore`: makes a data folder of a backup, under a new life of the log.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::verify::fault;
use super::{CommandError, Common, Done, Exit, Outcome, outcome};
use crate::auth::keys::KeysError;
use crate::backup::{FolderError, RestoreError, restore};
use crate::engine::OpenEngineError;

#[derive(Debug, Args)]
pub(super) struct Restore {
    /// The backup's folder
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// The data folder: new or empty
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
}

impl Restore {
    pub(super) fn run(&self, common: &Common) -> Outcome {
        let restored = restore(&self.from, &common.settings(&self.data))?;
        let manifest = restored.manifest;
        if let Some(newer) = &restored.newer {
            outcome::warn(format_args!(
                "there is a newer backup of this log, taken {} to {}: tablets have let go of what only that one holds. If it is whole, remove \
                 {} and restore that one",
                newer.taken,
                newer.folder.display(),
                self.data.display(),
            ));
        }
        let newer = restored
            .newer
            .map(|newer| json!({"folder": newer.folder, "seq": newer.seq, "taken": newer.taken}));
        Ok(Done {
            json: json!({
                "data": self.data,
                "organisation": manifest.organisation,
                "log": restored.log,
                "from_log": manifest.log,
                "seq": manifest.seq,
                "taken": manifest.taken,
                "keys": common.keys(&self.data),
                "newer_backup": newer,
                "waiting_for_confirmation": true,
            }),
            words: format!(
                "restored {} as of {}: {} records\n  the log goes on as {}; what was receipted since the copy comes back from the tablets as \
                 they sync\n  next: carryover serve --data {} --listen ADDR\n  then: carryover restored status, and when grants and \
                 revoked devices are right, carryover restored confirm",
                self.data.display(),
                manifest.taken,
                manifest.seq,
                restored.log,
                self.data.display(),
            ),
        })
    }
}

impl From<RestoreError> for CommandError {
    fn from(error: RestoreError) -> Self {
        let (exit, code, help) = match error {
            RestoreError::Engine(OpenEngineError::Keys(KeysError::Missing(folder))) => {
                return Self::new(
                    Exit::Failed,
                    "keys_missing",
                    format!("there are no keys in {}, and a backup leaves them out", folder.display()),
                    "put the copy of the server's keys folder there, or name it with --keys; nothing was restored",
                );
            }
            RestoreError::Engine(error) => return error.into(),
            RestoreError::Damaged(ref faults) => {
                let faults: Vec<_> = faults.iter().map(fault).collect();
                let help = "nothing was restored; take an older backup";
                return Self::of(Exit::Failed, "damaged", &error, help).with(json!({ "faults": faults }));
            }
            RestoreError::NotABackup(_) => {
                (Exit::Usage, "not_a_backup", "name the folder that `carryover backup --to` made")
            }
            RestoreError::Newer(_) => (Exit::Usage, "newer_backup", "update this program first"),
            RestoreError::Folder(FolderError::NotEmpty(_)) => (
                Exit::Usage,
                "not_empty",
                "name a new folder with --data, or move the old one aside: a restore never overwrites anything",
            ),
            RestoreError::Folder(FolderError::Within { .. }) => {
                (Exit::Usage, "bad_folder", "name a data folder outside the backup and the keys")
            }
            RestoreError::Folder(FolderError::UnderWay(_)) => {
                (Exit::Failed, "under_way", "wait for it, or name another folder with --data")
            }
            RestoreError::OtherOrganisation { .. } | RestoreError::OtherKeys(_) => {
                (Exit::Failed, "other_keys", "name the right keys folder with --keys; nothing was restored")
            }
            RestoreError::Manifest(_) | RestoreError::OtherFile(_) => {
                (Exit::Failed, "damaged", "nothing was restored; take an older backup")
            }
            RestoreError::Register(_) => (
                Exit::Failed,
                "keys",
                "nothing was restored; the message names the file, a copy of the keys folder has another one",
            ),
            RestoreError::Copy(_) | RestoreError::Folder(FolderError::Io { .. }) => {
                (Exit::Failed, "storage", "nothing was restored; check room and rights, then try again")
            }
        };
        Self::of(exit, code, &error, help)
    }
}
