//! Reads the CSV files of a folder, and nothing else in it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use super::file::FILE_BYTES_MAX;

/// A folder has at most this many CSV files; an import has eight.
pub const FILES_MAX: usize = 32;

/// Why a folder could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadFolderError {
    /// The folder is not there, is no folder, or may not be read.
    #[error("the folder cannot be read")]
    Folder(#[source] io::Error),
    /// One of its files may not be read.
    #[error("the file {name} cannot be read")]
    File {
        /// The file's name.
        name: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// This is some other folder.
    #[error("the folder has more than {FILES_MAX} CSV files: it is not one for an import")]
    TooManyFiles,
}

/// Reads the files of `folder` whose names end in `.csv`, in any case, by name.
///
/// A file that is too large is read only so far that [`read`](super::read) can say so. What is no file, or
/// has another ending, is passed over; subfolders are not entered.
///
/// # Errors
///
/// See [`ReadFolderError`].
pub fn read_folder(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>, ReadFolderError> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(ReadFolderError::Folder)? {
        let path = entry.map_err(ReadFolderError::Folder)?.path();
        let csv = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let Some(name) = path.file_name().filter(|_| csv && path.is_file()) else { continue };
        if files.len() == FILES_MAX {
            return Err(ReadFolderError::TooManyFiles);
        }
        let name = name.to_string_lossy().into_owned();
        match read_bounded(&path) {
            Ok(bytes) => files.insert(name, bytes),
            Err(source) => return Err(ReadFolderError::File { name, source }),
        };
    }
    Ok(files)
}

/// Reads a file up to one byte more than it may have.
fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::{Code, NothingKnown, read};

    #[test]
    fn only_csv_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("schools.csv"), "external_id,name\noak,Oak\n").unwrap();
        fs::write(folder.path().join("People.CSV"), "x").unwrap();
        fs::write(folder.path().join("README.txt"), "not for us").unwrap();
        fs::create_dir(folder.path().join("old.csv")).unwrap();
        let files = read_folder(folder.path()).unwrap();
        assert_eq!(files.keys().collect::<Vec<_>>(), ["People.CSV", "schools.csv"]);
        assert_eq!(files["schools.csv"], b"external_id,name\noak,Oak\n");
    }

    #[test]
    fn a_file_that_is_too_large_is_read_only_to_be_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = File::create(folder.path().join("goals.csv")).unwrap();
        file.set_len(3 * FILE_BYTES_MAX as u64).unwrap();
        let files = read_folder(folder.path()).unwrap();
        assert_eq!(files["goals.csv"].len(), FILE_BYTES_MAX + 1);
        assert_eq!(read(&files, &NothingKnown).unwrap_err()[0].code, Code::FileTooLarge);
    }

    #[test]
    fn a_folder_that_is_not_one_for_an_import_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(read_folder(&folder.path().join("none")), Err(ReadFolderError::Folder(_))));
        for number in 0..=FILES_MAX {
            fs::write(folder.path().join(format!("{number}.csv")), "").unwrap();
        }
        assert!(matches!(read_folder(folder.path()), Err(ReadFolderError::TooManyFiles)));
    }
}
