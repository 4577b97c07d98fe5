//! A folder that gets its name only when all of it is durable.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::store::{FolderLock, LockError};
use crate::whole_file::sync_folder_of;

/// The mode of what is made: its owner alone.
const FOLDER_MODE: u32 = 0o700;
/// What stands behind the name of a folder that is not whole yet.
const UNFINISHED: &str = ".unfinished";

/// A folder on its way to its name. What was only begun is never taken for it: it is removed when it fails, and where the process was
/// killed, the next one of that name clears it away.
pub(super) struct Unfinished {
    to: PathBuf,
    path: PathBuf,
    named: bool,
}

/// Why a folder could not be made.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// Something is in it already.
    #[error("{} is not empty", .0.display())]
    NotEmpty(PathBuf),
    /// It lies in another one from which it must stay apart.
    #[error("{} lies in {}", to.display(), within.display())]
    Within {
        /// The folder.
        to: PathBuf,
        /// What it lies in.
        within: PathBuf,
    },
    /// Another command is making it.
    #[error("another command is writing {}", .0.display())]
    UnderWay(PathBuf),
    /// The disk refused.
    #[error("{} cannot be written", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Unfinished {
    /// Begins a folder that is to be `to`, which is new or empty and lies in none of `apart`. It is locked until it is dropped or
    /// [finished](Self::finish).
    pub(super) fn begin(to: &Path, apart: &[&Path]) -> Result<(Self, FolderLock), FolderError> {
        let to = to.components().as_path();
        for within in apart {
            lies_apart(to, within)?;
        }
        is_free(to)?;
        let mut path = to.as_os_str().to_owned();
        path.push(UNFINISHED);
        let path = PathBuf::from(path);
        let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&path);
        made.map_err(writing(&path))?;
        let lock = match FolderLock::take(&path) {
            Ok(lock) => lock,
            Err(LockError::InUse { .. }) => return Err(FolderError::UnderWay(path)),
            Err(LockError::Io(error)) => return Err(writing(&path)(error)),
        };
        // Whoever held it before may have finished meanwhile; the new folder, which is empty, goes again.
        let unfinished = Self { to: to.to_owned(), path, named: false };
        is_free(to)?;
        clear(&unfinished.path).map_err(writing(&unfinished.path))?;
        Ok((unfinished, lock))
    }

    /// Returns where it is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes it durable and gives it its name. Its lock stays, for whoever uses it.
    pub(super) fn finish(mut self, lock: FolderLock) -> Result<(), FolderError> {
        let finished = self.name();
        // What could not be named is removed while it is held: whoever takes it next has it for themselves.
        drop(self);
        drop(lock);
        finished
    }

    /// Makes it durable and gives it its name, for good: nobody is going to use it as it lies there, and it has no lock.
    pub(super) fn finish_for_good(self, lock: FolderLock) -> Result<(), FolderError> {
        let to = self.to.clone();
        self.finish(lock)?;
        let unlocked = fs::remove_file(to.join(FolderLock::NAME)).and_then(|()| sync_folder(&to));
        unlocked.map_err(writing(&to))
    }

    fn name(&mut self) -> Result<(), FolderError> {
        sync_folder(&self.path).map_err(writing(&self.path))?;
        // An empty folder of that name is replaced by it. Its lock goes with it: were it removed before, somebody could take the folder
        // over, and clear it, while it has no name yet.
        fs::rename(&self.path, &self.to).map_err(writing(&self.to))?;
        self.named = true;
        sync_folder_of(&self.to).map_err(writing(&self.to))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.named {
            // A full disk should not stay full of what nobody can use; what cannot be removed is cleared away the next time.
            drop(fs::remove_dir_all(&self.path));
        }
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder).and_then(|folder| folder.sync_all())
}

fn lies_apart(to: &Path, from: &Path) -> Result<(), FolderError> {
    // Where it does not exist yet, the nearest folder above it that does decides.
    let existing = |path: &Path| path.ancestors().find_map(|above| fs::canonicalize(nonempty(above)).ok());
    match (existing(to), fs::canonicalize(from).ok()) {
        (Some(above), Some(from)) if above.starts_with(&from) => {
            Err(FolderError::Within { to: to.to_owned(), within: from })
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn nonempty(path: &Path) -> &Path {
    if path.as_os_str().is_empty() { Path::new(".") } else { path }
}

fn is_free(to: &Path) -> Result<(), FolderError> {
    let mut entries = match fs::read_dir(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(writing(to))?,
    };
    match entries.next() {
        Some(_) => Err(FolderError::NotEmpty(to.to_owned())),
        None => Ok(()),
    }
}

/// Removes everything but the lock.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name() == FolderLock::NAME {
            continue;
        }
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

pub(super) fn writing(path: &Path) -> impl FnOnce(io::Error) -> FolderError {
    let path = path.to_owned();
    |source| FolderError::Io { path, source }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// How often the race is run: the window was a sync wide, and one round in a few met it.
    const ROUNDS: usize = 200;

    #[test]
    fn nobody_takes_a_folder_over_while_it_gets_its_name() {
        let folder = tempfile::tempdir().unwrap();
        for round in 0..ROUNDS {
            let to = folder.path().join(round.to_string());
            let (unfinished, lock) = Unfinished::begin(&to, &[]).unwrap();
            fs::write(unfinished.path().join("written"), "whole").unwrap();
            let stop = AtomicBool::new(false);
            std::thread::scope(|scope| {
                let rival = scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        if let Ok(taken) = Unfinished::begin(&to, &[]) {
                            return Some(taken);
                        }
                    }
                    None
                });
                let finished = unfinished.finish_for_good(lock);
                stop.store(true, Ordering::Relaxed);
                let taken = rival.join().unwrap();
                assert!(finished.is_ok() && taken.is_none(), "round {round}: {finished:?}");
            });
            let names: Vec<_> = fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            assert_eq!(names, ["written"], "round {round}");
        }
    }
}
