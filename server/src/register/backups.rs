//! Which backup there is: what the server tells its tablets, and what an older copy is held against when it is restored.

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sync_core::ids::LogId;

use crate::whole_file::{CheckedError, read_checked, write_checked};

/// The note's name in the keys folder.
const LATEST: &str = "backup";

/// The newest backup that was completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatestBackup {
    /// Which life of the log.
    pub log: LogId,
    /// Up to which record.
    pub seq: u64,
    /// The running hash there, in hexadecimal: a log that has the same there is the one that was copied.
    pub running: String,
    /// When.
    pub taken: String,
    /// Where it was put.
    pub folder: PathBuf,
}

/// Returns the newest backup that was completed; none where there never was one.
pub(crate) fn latest_backup(keys: &Path) -> Result<Option<LatestBackup>, CheckedError> {
    read_checked(&keys.join(LATEST))
}

/// Notes a completed backup, unless one of the same log that reaches further is noted: two may be taken at once.
pub(crate) fn note_backup(keys: &Path, backup: &LatestBackup) -> io::Result<()> {
    // What cannot be read any more is no reason not to count what is whole.
    if let Ok(Some(noted)) = latest_backup(keys)
        && noted.log == backup.log
        && noted.seq > backup.seq
    {
        return Ok(());
    }
    write_checked(&keys.join(LATEST), backup)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_furthest_of_a_log_is_noted_and_the_newest_of_all() {
        let keys = tempfile::tempdir().unwrap();
        let of = |log: u8, seq| LatestBackup {
            log: LogId([log; 16]),
            seq,
            running: "00".into(),
            taken: "2026-10-16T10:00:00-05:00".into(),
            folder: PathBuf::from("/backups/one"),
        };
        assert_eq!(latest_backup(keys.path()).unwrap(), None);
        for (noted, expected) in [(of(1, 5), of(1, 5)), (of(1, 4), of(1, 5)), (of(2, 3), of(2, 3))] {
            note_backup(keys.path(), &noted).unwrap();
            assert_eq!(latest_backup(keys.path()).unwrap(), Some(expected));
        }
    }
}
