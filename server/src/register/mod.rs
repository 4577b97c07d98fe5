//! What is kept beside the keys, outside the data folder and its backups: so that no copy of the data can take it back.
//!
//! ```text
//! KEYS/organisation    whose keys these are
//! KEYS/backup          the newest backup that was completed
//! ```

mod backups;
mod owner;

pub use backups::LatestBackup;
pub(crate) use backups::{latest_backup, note_backup};
pub(crate) use owner::{OwnError, own, owner};
