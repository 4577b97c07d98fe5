//! The register: what a restored copy must not forget, one file beside the keys.
//!
//! The server and `restore` may both change it, so each change reads it, changes it and writes it whole under a lock.

use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use sync_core::exchange::register::Register;

use crate::auth::keys::FILE_MODE;
use crate::store::log::is_disk_full;
use crate::whole_file::{CheckedError, read_checked, write_checked};

/// The register's name in the keys folder.
const REGISTER: &str = "register";
/// The file that is locked while it is changed.
const LOCK: &str = "register.lock";

/// Why the register could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// It is not as it was written, or cannot be read.
    #[error(transparent)]
    Unreadable(#[from] CheckedError),
    /// It could not be written.
    #[error("{} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl RegisterError {
    /// Returns whether it was for want of room.
    pub(crate) fn is_disk_full(&self) -> bool {
        match self {
            Self::Unwritable { source, .. } => is_disk_full(source),
            Self::Unreadable(_) => false,
        }
    }
}

/// The register of a keys folder.
#[derive(Debug, Clone)]
pub(crate) struct RegisterFile {
    keys: PathBuf,
}

impl RegisterFile {
    /// Names the register beside these keys.
    pub(crate) fn beside(keys: &Path) -> Self {
        Self { keys: keys.to_owned() }
    }

    /// Returns the register; an empty one where there never was one.
    pub(crate) fn read(&self) -> Result<Register, CheckedError> {
        Ok(read_checked(&self.keys.join(REGISTER))?.unwrap_or_default())
    }

    /// Changes the register, and returns it as it is then. It is durable when this returns.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Register)) -> Result<Register, RegisterError> {
        let lock = self.keys.join(LOCK);
        let unwritable = |path: &Path| {
            let path = path.to_owned();
            |source| RegisterError::Unwritable { path, source }
        };
        let file = File::options().create(true).truncate(false).write(true).mode(FILE_MODE).open(&lock);
        let file = file.map_err(unwritable(&lock))?;
        file.lock().map_err(unwritable(&lock))?;
        let before = self.read()?;
        let mut register = before.clone();
        change(&mut register);
        if register != before {
            let path = self.keys.join(REGISTER);
            write_checked(&path, &register).map_err(unwritable(&path))?;
        }
        Ok(register)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use sync_core::ids::{DeviceId, LogId};
    use sync_core::roster::DeviceState;

    use super::*;

    #[test]
    fn what_two_change_at_once_is_there_from_both() {
        let keys = tempfile::tempdir().unwrap();
        let file = RegisterFile::beside(keys.path());
        assert_eq!(file.read().unwrap(), Register::default());
        file.change(|register| *register = Register::founded(LogId([1; 16]))).unwrap();
        thread::scope(|scope| {
            for number in 0..8 {
                let file = file.clone();
                scope.spawn(move || {
                    let device = DeviceId([number; 16]);
                    let lost = |register: &mut Register| {
                        register.devices.insert(device, DeviceState::Lost);
                    };
                    file.change(lost).unwrap();
                });
            }
        });
        let register = file.read().unwrap();
        assert_eq!((register.devices.len(), register.lives.len()), (8, 1));
    }

    #[test]
    fn a_damaged_register_is_never_taken_for_an_empty_one() {
        let keys = tempfile::tempdir().unwrap();
        let file = RegisterFile::beside(keys.path());
        file.change(|register| *register = Register::founded(LogId([1; 16]))).unwrap();
        let path = keys.path().join(REGISTER);
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[20] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(matches!(file.read(), Err(CheckedError::Damaged(_))));
        assert!(file.change(|register| register.lives.clear()).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "and never written over");
    }
}
