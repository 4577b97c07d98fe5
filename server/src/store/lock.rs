//! One server per data folder.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Holds a data folder until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Why a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another process holds it.
    #[error("{} is in use by another process", dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The lock file could not be made or locked.
    #[error("the lock file cannot be used")]
    Io(#[from] io::Error),
}

impl FolderLock {
    /// The name of the file that is locked.
    pub const NAME: &'static str = "lock";

    /// Takes a folder that exists.
    pub fn take(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(Self::NAME);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            // A lock on a file that was removed or moved meanwhile, and made again by somebody else, would be two locks.
            Ok(()) if is_there(&file, &path)? => Ok(FolderLock { _file: file }),
            Ok(()) => Err(LockError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::WouldBlock) => Err(LockError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(error)) => Err(LockError::Io(error)),
        }
    }
}

/// Returns whether a path still leads to an open file.
fn is_there(file: &File, path: &Path) -> io::Result<bool> {
    let opened = file.metadata()?;
    match fs::metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (opened.dev(), opened.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_and_free_again_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let lock = FolderLock::take(dir.path()).unwrap();
        assert!(matches!(FolderLock::take(dir.path()), Err(LockError::InUse { .. })));
        drop(lock);
        FolderLock::take(dir.path()).unwrap();
    }
}
