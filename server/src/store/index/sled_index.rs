//! The index in sled.
//!
//! Measured against sled 0.34.7: its flush is no `fdatasync`, one flipped bit gives a panic or rows that are
//! silently missing, and values above 128 KiB lie in files that are never synced. So nothing is believed
//! that it cannot show: each value carries a checksum of its own, the mark carries the number of rows and a
//! digest of all of them, a panic is caught and taken for doubt, and in doubt the index is put away and
//! built again from the log.

use std::fs::{self, File};
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::condition::{self, Condition, boot_id};
use super::redo::{Redo, Row};
use super::{IndexBackend, IndexMark, Overlay, seal, unseal};
use crate::store::frame::{LogId, RunningHash};
use crate::store::log::codec::u64_at;
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

/// Where the mark lies; all other keys have the prefix below, so none can collide with it.
const MARK_KEY: &[u8] = &[0];
const ROW_PREFIX: u8 = 1;

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
                Redo::forget(data).map_err(|error| error.to_string())?;
                (open_db(&path, SLED_CACHE_BYTES).map_err(|error| error.to_string())?, IndexMark::default())
            }
        };
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

fn doubtful(what: impl ToString) -> KvError {
    KvError::Unreadable(what.to_string())
}

/// Turns sled's panics into doubt.
fn guarded<T>(call: impl FnOnce() -> Result<T, KvError>) -> Result<T, KvError> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err(doubtful("sled panicked")))
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

/// Returns the rows that an overlay makes of those in sled, and counts them into the mark.
fn rows_of(db: &sled::Db, writes: &Overlay, mark: &mut IndexMark) -> Result<Vec<Row>, KvError> {
    let mut rows = Vec::with_capacity(writes.len());
    for (key, value) in writes {
        let key = row_key(key);
        if let Some(old) = db.get(&key).map_err(doubtful)? {
            mark.rows = mark.rows.wrapping_sub(1);
            mark.digest = mark.digest.wrapping_sub(row_digest(&key, &old));
        }
        let stored = value.as_ref().map(|value| seal(&key, value));
        if let Some(stored) = &stored {
            mark.rows = mark.rows.wrapping_add(1);
            mark.digest = mark.digest.wrapping_add(row_digest(&key, stored));
        }
        rows.push((key, stored));
    }
    Ok(rows)
}

/// Applies rows one by one, and then the mark. Readers go on meanwhile: what is being applied, they have from memory.
fn apply_rows(db: &sled::Db, rows: &[Row], mark: &IndexMark) -> Result<(), KvError> {
    for (key, stored) in rows {
        match stored {
            Some(stored) => db.insert(key, stored.as_slice()),
            None => db.remove(key),
        }
        .map_err(doubtful)?;
    }
    db.insert(MARK_KEY, seal(MARK_KEY, &mark.encode())).map(drop).map_err(doubtful)
}

/// Applies rows and the mark in one step of sled's own.
fn apply_at_once(db: &sled::Db, rows: Vec<Row>, mark: &IndexMark) -> Result<(), KvError> {
    let mut batch = sled::Batch::default();
    for (key, stored) in rows {
        match stored {
            Some(stored) => batch.insert(key, stored),
            None => batch.remove(key),
        }
    }
    batch.insert(MARK_KEY, seal(MARK_KEY, &mark.encode()));
    db.apply_batch(batch).map_err(doubtful)
}

fn read_mark(db: &sled::Db) -> Result<IndexMark, KvError> {
    guarded(|| {
        let Some(stored) = db.get(MARK_KEY).map_err(doubtful)? else {
            return match db.is_empty() {
                true => Ok(IndexMark::default()),
                false => Err(doubtful("rows without a mark")),
            };
        };
        unseal(MARK_KEY, &stored)
            .and_then(IndexMark::decode)
            .ok_or_else(|| doubtful("the mark does not match its checksum"))
    })
}

fn check_rows(db: &sled::Db, mark: &IndexMark) -> Result<(), KvError> {
    let (mut rows, mut digest) = (0u64, 0u64);
    for row in db.range([ROW_PREFIX]..) {
        let (key, stored) = row.map_err(doubtful)?;
        unseal(&key, &stored)
            .ok_or_else(|| doubtful(format_args!("row {} does not match its checksum", rows + 1)))?;
        rows += 1;
        digest = digest.wrapping_add(row_digest(&key, &stored));
    }
    match rows == mark.rows && digest == mark.digest {
        true => Ok(()),
        false => Err(doubtful(format_args!("{rows} rows where {} were kept, or others", mark.rows))),
    }
}

fn row_digest(key: &[u8], stored: &[u8]) -> u64 {
    let mut hasher = Sha256::new();
    hasher.update((key.len() as u64).to_le_bytes());
    hasher.update(key);
    hasher.update(stored);
    u64_at(&hasher.finalize(), 0).unwrap_or_default()
}

fn row_key(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1 + key.len());
    out.push(ROW_PREFIX);
    out.extend_from_slice(key);
    out
}

fn row_value(key: &[u8], stored: &[u8]) -> Result<Vec<u8>, KvError> {
    let value = unseal(key, stored).ok_or_else(|| doubtful("a value does not match its checksum"))?;
    Ok(value.to_vec())
}

fn row_pair((key, stored): (sled::IVec, sled::IVec)) -> Result<(Vec<u8>, Vec<u8>), KvError> {
    Ok((key.get(1..).unwrap_or_default().to_vec(), row_value(&key, &stored)?))
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
mod tests {
    use super::super::{INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX};
    use super::*;

    const LOG: LogId = [1; 16];

    fn open(data: &Path, boot: &str) -> SledIndex {
        SledIndex::open_in_boot(data, LOG, |seq| (seq <= 9).then_some([seq as u8; 8]), boot).unwrap()
    }

    fn put(index: &SledIndex, key: &[u8], value: &[u8], seq: u64) {
        let writes = Overlay::from([(key.to_vec(), Some(value.to_vec()))]);
        index.apply(&writes, LOG, seq, [seq as u8; 8]).unwrap();
    }

    #[test]
    fn what_was_applied_is_there_with_its_mark_when_opened_again() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        put(&index, b"a", b"1", 1);
        put(&index, b"a", b"2", 2);
        put(&index, b"b", b"3", 3);
        index.apply(&Overlay::from([(b"b".to_vec(), None)]), LOG, 4, [4; 8]).unwrap();
        index.close();
        let index = open(data.path(), "another boot");
        assert_eq!((index.mark().seq, index.mark().rows), (4, 1));
        assert_eq!(index.get(b"a").unwrap(), Some(b"2".to_vec()));
        assert_eq!(index.last(b"", b"z").unwrap(), Some((b"a".to_vec(), b"2".to_vec())));
    }

    #[test]
    fn an_index_ahead_foreign_or_of_a_stopped_machine_is_set_aside() {
        type Reopen = fn(&Path) -> SledIndex;
        let cases: [(&str, Reopen); 3] = [
            ("ahead of the log", |data| SledIndex::open_in_boot(data, LOG, |_| None, "boot").unwrap()),
            ("of another log", |data| {
                SledIndex::open_in_boot(data, [2; 16], |s| Some([s as u8; 8]), "boot").unwrap()
            }),
            ("other history", |data| SledIndex::open_in_boot(data, LOG, |_| Some([0; 8]), "boot").unwrap()),
        ];
        for (case, reopen) in cases {
            let data = tempfile::tempdir().unwrap();
            let index = open(data.path(), "boot");
            put(&index, b"a", b"1", 1);
            index.close();
            let index = reopen(data.path());
            assert_eq!((index.mark().seq, index.get(b"a").unwrap()), (0, None), "{case}");
            assert!(data.path().join("index.set-aside-1").exists(), "{case}");
        }
    }

    #[test]
    fn an_index_left_open_is_believed_in_the_same_boot_only() {
        for (boot, seq) in [("boot", 1), ("next boot", 0)] {
            let data = tempfile::tempdir().unwrap();
            let index = open(data.path(), "boot");
            put(&index, b"a", b"1", 1);
            // As a killed process leaves it: the files are written, nothing says that it was closed.
            drop(index.db.lock().unwrap().take());
            assert_eq!(open(data.path(), boot).mark().seq, seq);
        }
    }

    fn many(value: u8) -> Overlay {
        (0..400u16).map(|number| (number.to_be_bytes().to_vec(), Some(vec![value; 9]))).collect()
    }

    #[test]
    fn a_long_batch_is_whole_wherever_the_process_was_killed_in_it() {
        for done in [0, 1, 200, 399, 400] {
            let data = tempfile::tempdir().unwrap();
            let index = open(data.path(), "boot");
            index.apply(&many(1), LOG, 1, [1; 8]).unwrap();
            let writes: Overlay = many(2).into_iter().chain([(0u16.to_be_bytes().to_vec(), None)]).collect();
            let db = index.db().unwrap();
            let before = index.mark();
            let mut after = IndexMark { seq: 2, hash: [2; 8], ..before };
            let redo = Redo { before, rows: rows_of(&db, &writes, &mut after).unwrap(), after };
            redo.write(data.path()).unwrap();
            for (key, stored) in &redo.rows[..done] {
                match stored {
                    Some(stored) => db.insert(key, stored.as_slice()).unwrap(),
                    None => db.remove(key).unwrap(),
                };
            }
            drop((db, index.db.lock().unwrap().take()));
            let index = open(data.path(), "boot");
            assert_eq!((index.mark().seq, index.mark().rows), (2, 399), "after {done} rows");
            assert_eq!(index.get(&[0, 0]).unwrap(), None);
            assert_eq!(index.get(&[0, 7]).unwrap(), Some(vec![2; 9]));
        }
    }

    #[test]
    fn half_a_long_batch_of_which_nothing_else_is_left_is_doubt() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        index.apply(&many(1), LOG, 1, [1; 8]).unwrap();
        let db = index.db().unwrap();
        db.insert(row_key(&[0, 7]), seal(&row_key(&[0, 7]), &[2; 9])).unwrap();
        drop((db, index.db.lock().unwrap().take()));
        assert_eq!(open(data.path(), "boot").mark().seq, 0);
    }

    #[test]
    fn of_a_batch_that_is_in_nothing_stays_beside_the_index() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        index.apply(&many(1), LOG, 1, [1; 8]).unwrap();
        assert_eq!(Redo::read(data.path()), None);
        // Where it cannot be written, the batch goes in all the same.
        fs::create_dir(data.path().join("index.redo")).unwrap();
        index.apply(&many(2), LOG, 2, [2; 8]).unwrap();
        assert_eq!((index.mark().seq, index.get(&[0, 7]).unwrap()), (2, Some(vec![2; 9])));
    }

    #[test]
    fn a_database_that_is_let_go_late_is_waited_for() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        put(&index, b"a", b"1", 1);
        let lingering = index.db().unwrap();
        drop(index.db.lock().unwrap().take());
        thread::scope(|scope| {
            scope.spawn(move || {
                thread::sleep(RELEASE_PAUSE * 10);
                drop(lingering);
            });
            assert_eq!(open(data.path(), "boot").mark().seq, 1);
        });
    }

    #[test]
    fn a_flipped_value_is_doubt_now_and_after_a_restart() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        put(&index, b"a", b"1", 1);
        let db = index.db().unwrap();
        db.insert(row_key(b"a"), &b"nonsense"[..]).unwrap();
        drop(db);
        assert!(matches!(index.get(b"a"), Err(KvError::Unreadable(_))));
        index.close();
        assert_eq!(Condition::read(data.path()), Condition::Doubtful);
        assert_eq!(open(data.path(), "boot").mark().seq, 0);
    }

    #[test]
    fn a_row_that_vanished_is_found_by_the_check() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        put(&index, b"a", b"1", 1);
        put(&index, b"b", b"2", 2);
        index.close();
        assert_eq!(SledIndex::check(data.path()).unwrap().unwrap().rows, 2);
        let db = open_db(&index_path(data.path()), SLED_CACHE_BYTES).unwrap();
        db.remove(row_key(b"a")).unwrap();
        drop(db);
        assert!(SledIndex::check(data.path()).unwrap().is_err());
    }

    #[test]
    fn noise_in_sleds_files_never_panics_and_never_hides_or_changes_a_row() {
        for place in 0..24usize {
            let data = tempfile::tempdir().unwrap();
            let index = open(data.path(), "boot");
            for number in 0..200u64 {
                put(&index, &number.to_be_bytes(), &[number as u8; 40], 1 + number % 9);
            }
            index.close();
            let file = index_path(data.path()).join("db");
            let mut bytes = fs::read(&file).unwrap();
            let at = bytes.len() * place / 24;
            for byte in bytes.iter_mut().skip(at).take(64) {
                *byte ^= 0x55;
            }
            fs::write(&file, bytes).unwrap();
            let index = open(data.path(), "boot");
            let mut rows = 0;
            for number in 0..200u64 {
                if let Some(value) = index.get(&number.to_be_bytes()).unwrap() {
                    assert_eq!(value, [number as u8; 40]);
                    rows += 1;
                }
            }
            // It may be empty, or as it was a while ago: the log has the rest. But it knows.
            assert_eq!(index.mark().rows, rows, "place {place}");
        }
    }

    #[test]
    fn the_largest_values_make_no_blob_files() {
        let data = tempfile::tempdir().unwrap();
        let index = open(data.path(), "boot");
        let key = |number: u32| {
            let mut key = vec![7; INDEX_KEY_BYTES_MAX];
            key[..4].copy_from_slice(&number.wrapping_mul(0x9e37_79b9).to_be_bytes());
            key
        };
        let apply = |numbers: std::ops::Range<u32>, value: Option<usize>| {
            let writes = numbers.map(|number| (key(number), value.map(|bytes| vec![1; bytes])));
            index.apply(&writes.collect(), LOG, 1, [1; 8]).unwrap();
        };
        // In one batch, one by one, overwritten, and thinned out so that leaves merge.
        apply(0..400, Some(INDEX_VALUE_BYTES_MAX));
        (400..500).for_each(|number| apply(number..number + 1, Some(INDEX_VALUE_BYTES_MAX)));
        (0..3).for_each(|_| apply(100..300, Some(INDEX_VALUE_BYTES_MAX)));
        (0..500).filter(|number| number % 5 > 0).for_each(|number| apply(number..number + 1, None));
        apply(0..500, Some(INDEX_VALUE_BYTES_MAX));
        index.close();
        let blobs = index_path(data.path()).join("blobs");
        assert_eq!(fs::read_dir(blobs).map_or(0, Iterator::count), 0);
    }
}
