//! Up to where a backup of the log exists: what tablets go by when they let go of their sealed acts.
//!
//! A backup is taken by another process, which asks nothing of this one and notes beside the keys what it completed. Here that note is
//! looked at now and then. It counts only where this log has the very running hash that the backup ends with.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::Engine;
use crate::register::{LatestBackup, latest_backup};
use crate::whole_file::hex;

/// What was last seen of the note.
pub(super) struct BackedUp {
    seq: AtomicU64,
    seen: Mutex<Seen>,
}

#[derive(PartialEq, Eq)]
enum Seen {
    /// The note as it was; none where there was none.
    Noted(Option<LatestBackup>),
    /// It could not be read, which was said once.
    Unreadable,
}

impl Default for BackedUp {
    fn default() -> Self {
        Self { seq: AtomicU64::new(0), seen: Mutex::new(Seen::Noted(None)) }
    }
}

impl Engine {
    /// Returns up to which place in the log a backup is known to exist; 0 where none is.
    pub fn backed_up(&self) -> u64 {
        self.backed_up.seq.load(Ordering::Acquire)
    }

    /// Looks whether a backup was completed since, and counts it from here on.
    pub fn heed_backups(&self) {
        let mut seen = self.backed_up.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match latest_backup(&self.keys_folder) {
            Ok(noted) => Seen::Noted(noted),
            Err(error) => {
                if *seen != Seen::Unreadable {
                    tracing::warn!(
                        %error,
                        "which backup there is cannot be read: none counts until the next one, and tablets keep their sealed acts"
                    );
                }
                Seen::Unreadable
            }
        };
        if *seen == now {
            return;
        }
        let counted = match &now {
            Seen::Noted(Some(backup)) => self.counts(backup),
            Seen::Noted(None) | Seen::Unreadable => 0,
        };
        self.backed_up.seq.store(counted, Ordering::Release);
        *seen = now;
    }

    fn counts(&self, backup: &LatestBackup) -> u64 {
        match self.reader().running_hash_at(backup.seq) {
            Ok(Some(at)) if at.last == backup.seq && hex(&at.hash) == backup.running => {
                tracing::info!(seq = backup.seq, taken = %backup.taken, "backed up");
                backup.seq
            }
            Ok(Some(_) | None) => {
                tracing::warn!(
                    seq = backup.seq,
                    taken = %backup.taken,
                    folder = %backup.folder.display(),
                    "the newest backup is of another life of this log, and does not count"
                );
                0
            }
            Err(error) => {
                tracing::warn!(%error, "the newest backup could not be held against the log");
                0
            }
        }
    }
}
