//! An index that is opened again, after a stop, a kill, damage, and in another boot.

use super::super::{INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX, seal};
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

/// Copies a folder as it is on the disk at this moment: that is what a kill leaves, without what the process had yet to write.
fn as_a_kill_leaves_it(data: &Path) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            match from.is_dir() {
                true => copy(&from, &to),
                false => assert!(fs::copy(from, to).is_ok()),
            }
        }
    }
    let killed = tempfile::tempdir().unwrap();
    copy(data, killed.path());
    killed
}

#[test]
fn an_index_is_believed_after_a_kill_whatever_sled_had_yet_to_write() {
    let data = tempfile::tempdir().unwrap();
    let index = open(data.path(), "boot");
    for seq in 1..=9u8 {
        // More than sled writes at once, so that it writes a part of it, and the rest some time.
        let row = |number: u16| (number.to_be_bytes().to_vec(), Some(vec![seq; 300]));
        index.apply(&(0..2_000).map(row).collect(), LOG, u64::from(seq), [seq; 8]).unwrap();
        let killed = as_a_kill_leaves_it(data.path());
        let found = open(killed.path(), "boot");
        assert!(!killed.path().join("index.set-aside-1").exists(), "after batch {seq}");
        assert_eq!(found.mark().seq, u64::from(seq));
        assert_eq!(Redo::read(killed.path()), None);
    }
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
