//! Whose keys these are, so that a token can be made without opening the data, and no other organisation's data is served with them.

use std::io;
use std::path::{Path, PathBuf};

use sync_core::ids::OrgId;

use crate::whole_file::{CheckedError, read_checked, write_checked};

/// The file's name in the keys folder.
const OWNER: &str = "organisation";

/// Why keys could not be noted as somebody's.
#[derive(Debug, thiserror::Error)]
pub enum OwnError {
    /// They are another organisation's.
    #[error("the keys in {} are another organisation's", .0.display())]
    OtherKeys(PathBuf),
    /// What is noted cannot be read.
    #[error(transparent)]
    Unreadable(#[from] CheckedError),
    /// The disk refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Returns whose keys these are; none where they were never used.
pub(crate) fn owner(keys: &Path) -> Result<Option<OrgId>, CheckedError> {
    read_checked(&keys.join(OWNER))
}

/// Notes the keys as an organisation's, unless they are another's.
pub(crate) fn own(keys: &Path, organisation: OrgId) -> Result<(), OwnError> {
    match owner(keys)? {
        Some(owner) if owner == organisation => Ok(()),
        Some(_) => Err(OwnError::OtherKeys(keys.to_owned())),
        None => Ok(write_checked(&keys.join(OWNER), &organisation)?),
    }
}
