//! What is kept beside the keys, outside the data folder and its backups: so that no copy of the data can take it back.
//!
//! ```text
//! KEYS/organisation    whose keys these are
//! KEYS/register        every life of the log, revoked devices, documents that are gone
//! KEYS/served          the life that was served last, and how far it had come
//! KEYS/backup          the newest backup that was completed
//! ```

mod backups;
mod file;
mod owner;

pub use backups::LatestBackup;
pub(crate) use backups::{latest_backup, note_backup};
pub use file::RegisterError;
pub(crate) use file::RegisterFile;
pub(crate) use owner::{OwnError, own, owner};
