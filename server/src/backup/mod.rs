//! Copies of an organisation's data: taken beside a running server, counted only when they are whole, and put back under a new life of
//! the log.
//!
//! ```text
//! BACKUP/manifest        what the copy is of, up to where, and the hash of each file; written last
//! BACKUP/log/            the log up to there
//! BACKUP.unfinished/     a copy that was only begun: it is never taken for one
//!
//! KEYS/backup            the newest backup that was completed: what the server tells its tablets
//! ```
//!
//! A backup holds the log and nothing else: index and snapshots follow from it. The keys are not in it, on purpose: whoever finds a lost
//! backup can speak for nobody.
//!
//! > **A backup counts from the moment at which all of it is durable under its name, and not before.** Tablets let go of their sealed acts
//! > by what is counted here.

mod manifest;
mod restore;
mod take;
mod unfinished;

pub use manifest::{BackupFile, MANIFEST, Manifest};
pub use restore::{RestoreError, Restored, restore};
pub use take::{Backup, BackupError, NotCounted, take};
pub use unfinished::FolderError;
