//! The store keeps what it said it kept, and says so where it could not.

use client_sdk::store::{Kind, Store, StoreError, Table, Writes};
use proptest::prelude::*;
use sync_core::kv::{KvError, KvRead as _, Memory, Write};

fn put(key: &[u8], value: &[u8]) -> Write {
    Write::Put(key.to_vec(), value.to_vec())
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(0u8..4, 0..4)
}

fn write() -> impl Strategy<Value = Write> {
    prop_oneof![
        (bytes(), bytes()).prop_map(|(key, value)| Write::Put(key, value)),
        bytes().prop_map(Write::Delete),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_reads_like_a_map(
        batches in proptest::collection::vec(proptest::collection::vec(write(), 0..6), 0..5),
        start in bytes(), end in bytes(), limit in 0usize..5,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut map = Memory::default();
        for batch in batches {
            // Opened anew for each batch: everything is on the medium.
            Store::open(folder.path()).unwrap().apply(batch.clone()).unwrap();
            map.apply(batch);
        }
        let store = Store::open(folder.path()).unwrap();
        store.read(|state| {
            assert_eq!(state.get(&start), map.get(&start));
            assert_eq!(state.range(&start, &end, limit), map.range(&start, &end, limit));
            assert_eq!(state.last(&start, &end), map.last(&start, &end));
            Ok::<_, StoreError>(())
        }).unwrap();
    }
}

#[test]
fn an_update_that_fails_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    store.apply(vec![put(b"a", b"1")]).unwrap();
    let refused: Result<(), StoreError> = store.update(|_| Err(StoreError::Full));
    assert!(matches!(refused, Err(StoreError::Full)));
    let kept = store.read(|state| Ok::<_, StoreError>(state.get(b"a")?)).unwrap();
    assert_eq!(kept, Some(b"1".to_vec()));
}

#[cfg(unix)]
#[test]
fn nobody_else_can_look_in() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("tablet");
    let store = Store::open(&inside).unwrap();
    store.apply(vec![put(b"a", b"1")]).unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inside), 0o700);
    for file in std::fs::read_dir(&inside).unwrap() {
        let path = file.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{path:?}");
    }
}

/// Changes one byte of a value below the store's feet.
fn damage(folder: &std::path::Path, sql: &str) {
    rusqlite::Connection::open(folder.join("tablet.db")).unwrap().execute(sql, []).unwrap();
}

#[test]
fn a_damaged_or_misplaced_value_is_never_taken_for_the_truth() {
    for sql in [
        "UPDATE kv SET value = CAST(substr(value, 1, 5) || x'00' AS BLOB)",
        "UPDATE kv SET value = x'00'",
        "UPDATE kv SET key = x'62'",
        "DELETE FROM kv",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.apply(vec![put(b"a", b"12")]).unwrap();
        damage(folder.path(), sql);
        let all = |store: &Store| store.read(|state| Ok::<_, StoreError>(state.range(b"", b"z", 9))).unwrap();
        // Under the program's hands it is an error; the next one that opens the store finds out what is gone.
        let seen = all(&store);
        assert!(seen == Err(KvError::Damaged("checksum")) || seen == Ok(vec![]), "{sql}: {seen:?}");
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(all(&store), Ok(vec![]), "{sql}");
        let lost = store.damage().unwrap().unwrap().lost;
        assert_eq!(lost, Some(vec![(Kind::Notes, 1)]), "{sql}");
    }
}

#[test]
fn a_store_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    rusqlite::Connection::open(folder.path().join("tablet.db"))
        .unwrap()
        .execute_batch("PRAGMA user_version = 9; DELETE FROM ledger")
        .unwrap();
    assert!(matches!(Store::open(folder.path()), Err(StoreError::Newer(9))));
}

#[test]
fn what_is_no_store_is_put_aside_and_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tablet.db"), vec![7; 4096]).unwrap();
    let store = Store::open(folder.path()).unwrap();
    let damage = store.damage().unwrap().unwrap();
    assert_eq!(damage.lost, None, "nobody can tell");
    assert_eq!(std::fs::read(damage.kept.join("tablet.db")).unwrap(), vec![7; 4096]);
    // What the person may not read any more may not be in there either.
    store.scrub().unwrap();
    assert!(!damage.kept.exists());
}

#[test]
fn a_store_of_the_first_version_is_counted_and_keeps_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("tablet.db")).unwrap();
    for table in ["kv", "local", "journal", "partial"] {
        let sql = format!("CREATE TABLE {table} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
        raw.execute(&sql, []).unwrap();
    }
    let key = b"a";
    let sum = crc32c::crc32c_append(crc32c::crc32c(&[&1u64.to_be_bytes()[..], key].concat()), b"12");
    let stored = [&sum.to_be_bytes()[..], b"12"].concat();
    raw.execute("INSERT INTO kv VALUES (?1, ?2)", rusqlite::params![key, stored]).unwrap();
    raw.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(raw);
    for _ in 0..2 {
        let store = Store::open(folder.path()).unwrap();
        let kept = store.read(|state| Ok::<_, StoreError>(state.get(b"a")?)).unwrap();
        assert_eq!((kept, store.damage().unwrap()), (Some(b"12".to_vec()), None));
    }
}

#[test]
fn of_a_store_of_the_first_version_only_the_damaged_row_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let raw = rusqlite::Connection::open(folder.path().join("tablet.db")).unwrap();
    for table in Table::ALL.map(Table::name) {
        let sql = format!("CREATE TABLE {table} (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID");
        raw.execute(&sql, []).unwrap();
    }
    for (table, number) in [(Table::Journal, 0..100u8), (Table::Local, 100..110)] {
        for number in number {
            let (key, value) = ([number], [number; 200]);
            let sum =
                crc32c::crc32c_append(crc32c::crc32c(&[&1u64.to_be_bytes()[..], &key].concat()), &value);
            let stored = [&sum.to_be_bytes()[..], &value].concat();
            let sql = format!("INSERT INTO {} VALUES (?1, ?2)", table.name());
            raw.execute(&sql, rusqlite::params![key, stored]).unwrap();
        }
    }
    raw.execute("UPDATE journal SET value = x'00' WHERE key = x'07'", []).unwrap();
    raw.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(raw);
    let store = Store::open(folder.path()).unwrap();
    let keys = |store: &Store, table| {
        let rows = store.read(|state| Ok::<_, StoreError>(state.scan_in(table, &[])?)).unwrap();
        assert!(rows.iter().all(|(key, value)| *key == *b"damage" || *value == vec![key[0]; 200]));
        rows.into_iter().filter(|(key, _)| key.len() == 1).map(|(key, _)| key[0]).collect::<Vec<_>>()
    };
    let all_but_one: Vec<u8> = (0..100).filter(|number| *number != 7).collect();
    assert_eq!(keys(&store, Table::Journal), all_but_one);
    assert_eq!(keys(&store, Table::Local), (100..110).collect::<Vec<u8>>());
    let damage = store.damage().unwrap().expect("it is said");
    assert_eq!(damage.lost, None, "they were not counted");
    drop(store);
    let again = Store::open(folder.path()).unwrap();
    assert!(!again.was_mended() && again.damage().unwrap() == Some(damage), "mended for good");
}

#[test]
fn what_a_killed_mending_left_behind_goes_with_everything_else() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let secret = b"a child's name that is to be gone";
    for name in ["tablet.db.new", "tablet.db.new-journal"] {
        std::fs::write(folder.path().join(name), secret).unwrap();
    }
    store.scrub().unwrap();
    assert!(!anywhere(folder.path(), secret));
}

#[test]
fn writers_wait_for_one_another() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(folder.path()).unwrap());
    std::thread::scope(|scope| {
        for writer in 0u8..4 {
            let path = folder.path();
            scope.spawn(move || {
                let store = Store::open(path).unwrap();
                for _ in 0..25 {
                    store
                        .update(|state| {
                            let count = state.get(b"count")?.map_or(0, |bytes| bytes[0]);
                            Ok::<_, StoreError>((vec![put(b"count", &[count + 1, writer])].into(), ()))
                        })
                        .unwrap();
                }
            });
        }
    });
    let store = Store::open(folder.path()).unwrap();
    let count = store.read(|state| Ok::<_, StoreError>(state.get(b"count")?)).unwrap().unwrap();
    assert_eq!(count[0], 100, "no update was lost");
}

#[test]
fn one_exchange_at_a_time_for_each_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Store::open(folder.path()).unwrap(), Store::open(folder.path()).unwrap());
    let turn = one.turn().unwrap();
    assert!(turn.is_some());
    assert!(other.turn().unwrap().is_none());
    drop(turn);
    assert!(other.turn().unwrap().is_some());
}

/// Returns whether any file of a folder holds these bytes.
pub fn anywhere(folder: &std::path::Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

#[test]
fn nothing_removed_is_left_in_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let secret = b"a child's name that is to be gone";
    let mut writes = Writes::new();
    for n in 0..200u32 {
        for table in Table::ALL {
            writes.put(table, n.to_be_bytes().to_vec(), [secret.as_slice(), &[0; 500]].concat());
        }
    }
    store.apply(writes).unwrap();
    assert!(anywhere(folder.path(), secret), "the search would find it");
    let mut writes = Writes::new();
    for n in 0..200u32 {
        for table in Table::ALL {
            writes.delete(table, n.to_be_bytes().to_vec());
        }
    }
    store.apply(writes).unwrap();
    store.scrub().unwrap();
    assert!(!anywhere(folder.path(), secret));
}
