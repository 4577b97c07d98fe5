//! Copying a log, also beside the server that writes it.
//!
//! A copy ends where the log is known to be durable: it holds every frame that was acknowledged when it began, and none that was not.
//! Sealed segments never change, frames are only ever appended, and a tail that is written anew at a start holds the same frames; so a
//! copy needs nothing of the server. Every frame is held against its checksum on the way.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use super::contract::End;
use super::disk::{Disk, DiskFile, RealDisk};
use super::embedded::log_path;
use super::frame::{GENESIS_HASH, LogId, RunningHash, StoredRecord};
use super::lock::{FolderLock, LockError};
use super::log::codec;
use super::log::cursor::{Cursor, Found};
use super::log::mark::{Mark, MarkFile, MarkRead};
use super::log::open::{joins, read_head};
use super::log::segment::{PlaceError, SEGMENT_HEADER_BYTES, segment_path};
use super::verify::{read_note, verify_log};

/// Bytes that are copied at once.
const COPY_BYTES: usize = 1024 * 1024;

/// Up to where a log may be copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Durable {
    /// The last durable record.
    pub seq: u64,
    /// The running hash there, where it is known beforehand.
    pub hash: Option<RunningHash>,
}

/// A segment as it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedFile {
    /// Its name in the log's folder.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// The SHA-256 of its content.
    pub sha256: [u8; 32],
}

/// A log as it was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CopiedLog {
    /// Its segments, in order.
    pub files: Vec<CopiedFile>,
    /// The id that it goes by.
    pub log_id: LogId,
    /// Where it ends.
    pub end: End,
}

/// Why a log was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyLogError {
    /// Something in it is not as it was written.
    #[error("{place} is damaged: {what}")]
    Damaged {
        /// The file, and where in it if that is known.
        place: String,
        /// What was found there.
        what: String,
    },
    /// There is no log.
    #[error("there is no log in {}", .0.display())]
    Missing(PathBuf),
    /// A server writes the log, and its note of what is durable cannot be read.
    #[error("the note of what is durable in {} cannot be read beside the server that writes it", .0.display())]
    NoNote(PathBuf),
    /// What was to be copied cannot be read.
    #[error("{} cannot be read", path.display())]
    Source {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The copy cannot be written.
    #[error("{} cannot be written", path.display())]
    Target {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Finds out up to where the log of a data folder is durable, whether or not a server writes it.
pub(crate) fn durable_end(data: &Path) -> Result<Durable, CopyLogError> {
    let dir = log_path(data);
    if !dir.is_dir() {
        return Err(CopyLogError::Missing(dir));
    }
    match FolderLock::take(data) {
        // Nobody writes: the frames themselves say where they end, as they will at the next start.
        Ok(_lock) => {
            let report = verify_log(&RealDisk, &dir, false).map_err(reading(&dir))?;
            match report.faults.into_iter().next() {
                None => Ok(Durable { seq: report.end_seq, hash: None }),
                Some(fault) => Err(CopyLogError::Damaged { place: fault.place(), what: fault.what }),
            }
        }
        Err(LockError::InUse { .. }) => match read_note(&RealDisk, &dir, true).map_err(reading(&dir))? {
            MarkRead::Stands(mark) => Ok(Durable { seq: mark.end.seq, hash: Some(mark.end.hash) }),
            MarkRead::Missing | MarkRead::Unreadable => Err(CopyLogError::NoNote(dir)),
        },
        Err(LockError::Io(source)) => Err(CopyLogError::Source { path: data.join(FolderLock::NAME), source }),
    }
}

/// Copies a log up to `until` into an empty folder, and syncs all of it.
pub(crate) fn copy_log(
    disk: &dyn Disk,
    from: &Path,
    to: &Path,
    until: Durable,
) -> Result<CopiedLog, CopyLogError> {
    disk.create_dir(to).map_err(writing(to))?;
    let mut end = End { seq: 0, hash: GENESIS_HASH };
    let (mut files, mut log_id) = (Vec::new(), None);
    for number in 1.. {
        let path = segment_path(from, number);
        let file = match disk.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            opened => opened.map_err(reading(&path))?,
        };
        let head = read_head(&*file).map_err(reading(&path))?.map_err(|what| damaged(&path, 0, what))?;
        if head.first_seq > until.seq + 1 {
            break;
        }
        joins(&head, number, end).map_err(|what| damaged(&path, 0, what))?;
        let len = frames_until(&path, &*file, &mut end, until.seq)?;
        files.push(copy_file(disk, &path, &*file, len, to)?);
        log_id = Some(head.log_id);
    }
    let Some(log_id) = log_id else { return Err(CopyLogError::Missing(from.to_owned())) };
    if end.seq != until.seq {
        let last = segment_path(from, files.len() as u32);
        return Err(damaged(&last, 0, "the log ends before what is known to be durable"));
    }
    if until.hash.is_some_and(|hash| hash != end.hash) {
        let last = segment_path(from, files.len() as u32);
        return Err(damaged(&last, 0, "the log holds something else than what is known to be durable"));
    }
    MarkFile::place(disk, to, Mark { log_id, end }).map_err(PlaceError::into_io).map_err(writing(to))?;
    disk.sync_dir(to).map_err(writing(to))?;
    Ok(CopiedLog { files, log_id, end })
}

/// Returns the first record of a log: what founded it.
pub(crate) fn first_record(disk: &dyn Disk, dir: &Path) -> io::Result<Option<StoredRecord>> {
    let file = disk.open(&segment_path(dir, 1))?;
    let mut cursor = Cursor::new(&*file, SEGMENT_HEADER_BYTES as u64, file.size()?);
    Ok(match cursor.next_frame()? {
        Found::Whole(head, body) => codec::records(&head, body).into_iter().next(),
        Found::End | Found::Broken(_) => None,
    })
}

/// Walks over a segment's frames up to a record; returns where they end in the file.
fn frames_until(path: &Path, file: &dyn DiskFile, end: &mut End, until: u64) -> Result<u64, CopyLogError> {
    let size = file.size().map_err(reading(path))?;
    let mut cursor = Cursor::new(file, SEGMENT_HEADER_BYTES as u64, size);
    loop {
        let offset = cursor.offset();
        if end.seq >= until {
            return Ok(offset);
        }
        match cursor.next_frame().map_err(reading(path))? {
            Found::End => return Ok(offset),
            Found::Broken(broken) => return Err(damaged(path, offset, broken.what())),
            Found::Whole(head, body) => {
                if head.first_seq != end.seq + 1 {
                    return Err(damaged(
                        path,
                        offset,
                        "a frame does not go on where the one before it ended",
                    ));
                }
                if head.hash_after(&end.hash, body) != head.hash {
                    return Err(damaged(path, offset, "a frame's running hash is not that of the log"));
                }
                *end = End { seq: head.last_seq(), hash: head.hash };
            }
        }
    }
}

fn copy_file(
    disk: &dyn Disk,
    path: &Path,
    file: &dyn DiskFile,
    len: u64,
    to: &Path,
) -> Result<CopiedFile, CopyLogError> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let target_path = to.join(&name);
    let target: Arc<dyn DiskFile> = disk.create(&target_path).map_err(writing(&target_path))?;
    let (mut hash, mut done) = (Sha256::new(), 0);
    let mut buffer = vec![0; COPY_BYTES];
    while done < len {
        let wanted = (len - done).min(COPY_BYTES as u64) as usize;
        let Some(chunk) = buffer.get_mut(..wanted) else { break };
        if file.read_at(chunk, done).map_err(reading(path))? != wanted {
            return Err(damaged(path, done, "the file became shorter while it was read"));
        }
        hash.update(&*chunk);
        target.write_at(chunk, done).map_err(writing(&target_path))?;
        done += wanted as u64;
    }
    target.sync().map_err(writing(&target_path))?;
    Ok(CopiedFile { name, bytes: len, sha256: hash.finalize().into() })
}

fn damaged(file: &Path, offset: u64, what: &str) -> CopyLogError {
    CopyLogError::Damaged { place: format!("{} at byte {offset}", file.display()), what: what.to_owned() }
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> CopyLogError {
    let path = path.to_owned();
    |source| CopyLogError::Source { path, source }
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> CopyLogError {
    let path = path.to_owned();
    |source| CopyLogError::Target { path, source }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::store::disk::SimulatedDisk;
    use crate::store::{EmbeddedStore, Record, Store};

    fn record(number: u8) -> Record {
        Record { kind: 1, document: [number; 16], key_id: 0, payload: vec![number; 90] }
    }

    fn append(store: &mut EmbeddedStore, number: u8) {
        store.append(&record(number).into(), vec![]).unwrap();
        store.sync().unwrap();
    }

    #[test]
    fn beside_a_server_a_copy_holds_what_is_durable_and_nothing_of_what_is_being_written() {
        let (data, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        (0..20).for_each(|number| append(&mut store, number));
        let until = durable_end(data.path()).unwrap();
        assert_eq!((until.seq, until.hash), (20, Some(store.reader().end().hash)));
        // What is written from here on is not in the copy, nor is a frame of which only half is there.
        append(&mut store, 20);
        let tail = segment_path(&log_path(data.path()), 1);
        let bytes = fs::read(&tail).unwrap();
        fs::write(&tail, [&bytes[..], &bytes[64..100]].concat()).unwrap();
        let copied = copy_log(&RealDisk, &log_path(data.path()), &log_path(copy.path()), until).unwrap();
        assert_eq!((copied.end.seq, copied.log_id, copied.files.len()), (20, [1; 16], 1));
        let report = verify_log(&RealDisk, &log_path(copy.path()), false).unwrap();
        assert!(report.is_sound() && report.torn_tail.is_none() && report.end_seq == 20, "{report:?}");
        assert_eq!(EmbeddedStore::open(copy.path()).unwrap().reader().end().seq, 20);
    }

    #[test]
    fn of_a_stopped_server_a_torn_tail_stays_behind_and_damage_is_not_copied() {
        let (data, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut store = EmbeddedStore::create(data.path(), [1; 16]).unwrap();
        (0..3).for_each(|number| append(&mut store, number));
        drop(store);
        let tail = segment_path(&log_path(data.path()), 1);
        let bytes = fs::read(&tail).unwrap();
        fs::write(&tail, [&bytes[..], &bytes[64..100]].concat()).unwrap();
        let until = durable_end(data.path()).unwrap();
        let copied = copy_log(&RealDisk, &log_path(data.path()), &log_path(copy.path()), until).unwrap();
        assert_eq!((copied.end.seq, copied.files[0].bytes), (3, bytes.len() as u64));
        let mut bent = bytes.clone();
        bent[200] ^= 1;
        fs::write(&tail, bent).unwrap();
        assert!(matches!(durable_end(data.path()), Err(CopyLogError::Damaged { .. })));
        let again = copy_log(&RealDisk, &log_path(data.path()), &copy.path().join("again"), until);
        assert!(matches!(again, Err(CopyLogError::Damaged { .. })), "{again:?}");
    }

    #[test]
    fn many_segments_and_lives_come_along() {
        let disk = SimulatedDisk::new();
        let (from, to) = (Path::new("log"), Path::new("copy"));
        EmbeddedStore::create_on(Arc::new(disk.clone()), from, [1; 16]).unwrap();
        let mut store = EmbeddedStore::open_on(Arc::new(disk.clone()), from, 400).unwrap();
        (0..9).for_each(|number| append(&mut store, number));
        store.begin_log_id([2; 16]).unwrap();
        let end = store.reader().end();
        let until = Durable { seq: end.seq, hash: Some(end.hash) };
        let copied = copy_log(&disk, from, to, until).unwrap();
        assert!(copied.files.len() > 3 && copied.log_id == [2; 16], "{copied:?}");
        disk.power_cut();
        let report = verify_log(&disk, to, false).unwrap();
        assert!(report.is_sound(), "{report:?}");
        assert_eq!((report.end_seq, report.log_ids), (9, vec![[1; 16], [2; 16]]));
    }
}
