//! The index in sled.
//!
//! Measured against sled 0.34.7: its flush is no `fdatasync`, one flipped bit gives a panic or rows that are
//! silently missing, and values above 128 KiB lie in files that are never synced. So nothing is believed
//! that it cannot show: each value carries a checksum of its own, the mark carries the number of rows and a
//! digest of all of them, a panic is caught and taken for doubt, and in doubt the index is put away and
//! built again from the log.

mod rows;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::condition::{self, Condition, boot_id};
use super::redo::Redo;
use super::{IndexBackend, IndexMark, Overlay};
use crate::crash::crash_point;
use crate::store::frame::{LogId, RunningHash};
use rows::{
    apply_at_once, apply_rows, check_rows, doubtful, guarded, read_mark, row_key, row_pair, row_value,
    rows_of,
};
use sync_core::kv::{KvError, KvRead, Pair};
use sync_core::seeded::{Bug, seeded};

/// sled's page cache, in bytes; by default it would grow to a gigabyte.
pub const SLED_CACHE_BYTES: u64 = 256 * 1024 * 1024;
/// The same while all rows are checked: each page is read once.
const CHECKING_CACHE_BYTES: u64 = 1024 * 1024;

/// How often, and how long apart, sled's lock is tried before it counts as held: five seconds in all.
const RELEASE_TRIES: usize = 1000;
const RELEASE_PAUSE: Duration = Duration::from_millis(5);

/// Rows that go in at once, under a lock of sled's: readers wait for them about a millisecond.
const AT_ONCE_ROWS_MAX: usize = 128;

/// The index in a data folder.
pub(crate) struct SledIndex {
    data: PathBuf,
    /// `None` once closed.
    db: Mutex<Option<sled::Db>>,
    mark: Mutex<IndexMark>,
}

impl SledIndex {
    /// Opens the index of a log, or an empty one where there is none that can be believed.
    ///
    /// `hash_at` returns the log's running hash at the last record of a frame, `None` for any other number.
    pub fn open(
        data: &Path,
        log_id: LogId,
        hash_at: impl Fn(u64) -> Option<RunningHash>,
    ) -> Result<Self, String> {
        Self::open_in_boot(data, log_id, hash_at, &boot_id())
    }

    fn open_in_boot(
        data: &Path,
        log_id: LogId,
        hash_at: impl Fn(u64) -> Option<RunningHash>,
        boot: &str,
    ) -> Result<Self, String> {
        let path = index_path(data);
        let believed = match Condition::read(data).is_sound(boot) {
            true => believe(data, log_id, hash_at),
            false => Err(doubtful("it was not closed in good order")),
        };
        let (db, mark) = match believed {
            Ok(believed) => believed,
            Err(why) => {
                if path.exists() {
                    tracing::warn!(index = %path.display(), %why, "the index is set aside and built again");
                }
                condition::set_aside(data, &path).map_err(|error| error.to_string())?;
                (open_db(&path, SLED_CACHE_BYTES).map_err(|error| error.to_string())?, IndexMark::default())
            }
        };
        Redo::forget(data).map_err(|error| error.to_string())?;
        Condition::Open(boot.to_owned()).write(data).map_err(|error| error.to_string())?;
        Ok(SledIndex { data: data.to_owned(), db: Mutex::new(Some(db)), mark: Mutex::new(mark) })
    }

    /// Checks each value against its checksum and all rows against the mark; returns what is wrong.
    ///
    /// `None` if there is no index to check: it would be built from the log.
    pub fn check(data: &Path) -> Option<Result<IndexMark, String>> {
        let path = index_path(data);
        if !path.exists() || !Condition::read(data).is_sound(&boot_id()) {
            return None;
        }
        let checked = open_checked(data);
        Some(checked.map(|(_, mark)| mark).map_err(|error| error.to_string()))
    }

    fn db(&self) -> Result<sled::Db, KvError> {
        let db = self.db.lock().unwrap_or_else(PoisonError::into_inner);
        db.clone().ok_or_else(|| doubtful("the index is closed"))
    }

    /// Runs a call into sled; what fails is remembered across a restart.
    fn ask<T>(&self, call: impl FnOnce(&sled::Db) -> Result<T, KvError>) -> Result<T, KvError> {
        let db = self.db()?;
        guarded(|| call(&db)).inspect_err(|_| {
            // If even this cannot be written, the failed call itself already stops the store.
            let _ = Condition::Doubtful.write(&self.data);
        })
    }

    fn held_mark(&self) -> MutexGuard<'_, IndexMark> {
        self.mark.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns where the index of a data folder lies.
pub(crate) fn index_path(data: &Path) -> PathBuf {
    data.join("index")
}

/// Waits until sled has really let go of its file.
///
/// A dropped database is closed by whichever of sled's own threads lets go last, some time later, and until then
/// sled's lock stands in the way of opening it again. The data folder's own lock says that nobody
/// else can hold it. When it takes too long, opening fails, which is doubt.
fn await_release(path: &Path) {
    let Ok(file) = File::open(path.join("db")) else { return };
    for _ in 0..RELEASE_TRIES {
        if file.try_lock().is_ok() {
            return;
        }
        thread::sleep(RELEASE_PAUSE);
    }
}

fn open_db(path: &Path, cache_bytes: u64) -> Result<sled::Db, KvError> {
    await_release(path);
    guarded(|| {
        sled::Config::new()
            .path(path)
            .mode(sled::Mode::HighThroughput)
            .cache_capacity(cache_bytes)
            .open()
            .map_err(doubtful)
    })
}

/// Opens an index that holds what was written into it, all of it, and follows from this log.
fn believe(
    data: &Path,
    log_id: LogId,
    hash_at: impl Fn(u64) -> Option<RunningHash>,
) -> Result<(sled::Db, IndexMark), KvError> {
    let (db, mark) = open_checked(data)?;
    let joins = mark.seq == 0 || (mark.log_id == log_id && hash_at(mark.seq) == Some(mark.hash));
    if joins { Ok((db, mark)) } else { Err(doubtful("it does not follow from this log")) }
}

/// Opens an index of which every row is there and as it was written.
fn open_checked(data: &Path) -> Result<(sled::Db, IndexMark), KvError> {
    let path = index_path(data);
    let db = open_db(&path, CHECKING_CACHE_BYTES)?;
    let mut mark = read_mark(&db)?;
    if let Some(redo) = Redo::read(data).filter(|redo| redo.before == mark) {
        guarded(|| apply_rows(&db, &redo.rows, &redo.after))?;
        mark = redo.after;
    }
    if !seeded(Bug::IndexUnchecked) {
        guarded(|| check_rows(&db, &mark))?;
    }
    // Checking reads every page, most of which nobody asks for today: it is done with little memory, and then opened for use.
    drop(db);
    Ok((open_db(&path, SLED_CACHE_BYTES)?, mark))
}

impl KvRead for SledIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        let key = row_key(key);
        self.ask(|db| db.get(&key).map_err(doubtful)?.map(|stored| row_value(&key, &stored)).transpose())
    }

    fn range(&self, start: &[u8], end: &[u8], limit: usize) -> Result<Vec<Pair>, KvError> {
        if start >= end {
            return Ok(Vec::new());
        }
        self.ask(|db| {
            let rows = db.range(row_key(start)..row_key(end)).take(limit);
            rows.map(|row| row.map_err(doubtful).and_then(row_pair)).collect()
        })
    }

    fn last(&self, start: &[u8], end: &[u8]) -> Result<Option<Pair>, KvError> {
        if start >= end {
            return Ok(None);
        }
        self.ask(|db| {
            let last = db.range(row_key(start)..row_key(end)).next_back();
            last.map(|row| row.map_err(doubtful).and_then(row_pair)).transpose()
        })
    }
}

impl IndexBackend for SledIndex {
    fn mark(&self) -> IndexMark {
        *self.held_mark()
    }

    fn apply(&self, writes: &Overlay, log_id: LogId, seq: u64, hash: RunningHash) -> Result<(), KvError> {
        let before = self.mark();
        let mut after = IndexMark { log_id, seq, hash, ..before };
        self.ask(|db| {
            let rows = rows_of(db, writes, &mut after)?;
            let redo = Redo { before, after, rows };
            // Where the disk has no room for a second copy, readers wait.
            if redo.rows.len() <= AT_ONCE_ROWS_MAX || redo.write(&self.data).is_err() {
                return apply_at_once(db, redo.rows, &after);
            }
            apply_rows(db, &redo.rows, &after)?;
            crash_point("after_index_batch");
            // A part of them may be on its way to the file, the mark behind it: until all are there, only the second copy makes them whole.
            db.flush().map_err(doubtful)?;
            Redo::forget(&self.data).map_err(doubtful)
        })?;
        *self.held_mark() = after;
        Ok(())
    }

    fn close(&self) {
        let Some(db) = self.db.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let sound = Condition::read(&self.data) != Condition::Doubtful;
        let flushed = guarded(|| db.flush().map(|_| ()).map_err(doubtful));
        let dropped = guarded(|| {
            drop(db);
            Ok(())
        });
        await_release(&index_path(&self.data));
        // Not closed in good order is no fault: then the next boot does not believe it.
        if sound && flushed.and(dropped).is_ok() && sync_files(&index_path(&self.data)).is_ok() {
            let _ = Condition::Clean.write(&self.data);
        }
    }
}

/// Syncs every file in a folder: what sled leaves to chance.
fn sync_files(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        match path.is_dir() {
            true => sync_files(&path)?,
            false => File::open(&path)?.sync_all()?,
        }
    }
    File::open(dir)?.sync_all()
}

#[cfg(test)]
mod tests;
