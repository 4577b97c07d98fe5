//! What every store must do, as one suite.
//!
//! A backend hands in a way to open it and levers to make it fail; each case starts with an empty one.
//! [`run_plain`] needs no levers, [`run_failing`] does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test suite that is shared between crates")]

use std::io;

use super::contract::{AppendError, Appended, ReadError, Store, SyncError};
use super::frame::{FRAME_BYTES_MAX, Frame, GENESIS_HASH, PAYLOAD_BYTES_MAX, Record};
use super::group::GROUP_BYTES_MAX;
use super::index::{INDEX_KEY_BYTES_MAX, INDEX_VALUE_BYTES_MAX};
use sync_core::kv::{KvError, Write};

/// A store under test, and what can be done to it from outside.
pub trait Backend {
    /// Opens what the backend holds; the one opened before was dropped.
    fn open(&self) -> Box<dyn Store>;
    /// Lets the next write fail for want of room.
    fn fail_next_write(&self);
    /// Lets the next sync fail.
    fn fail_next_sync(&self);
}

type Case = fn(&dyn Backend);

/// Runs all cases that need no failure.
pub fn run_plain<B: Backend>(make: impl Fn() -> B) {
    let cases: [Case; 9] = [
        numbers_go_up_without_gaps,
        readers_see_only_what_is_synced,
        a_drop_forgets_what_was_not_synced,
        ranges_come_in_order_and_in_parts,
        running_hashes_belong_to_frames,
        the_index_follows_the_log,
        the_index_catches_up_before_anything_is_appended,
        limits_are_refused_without_a_trace,
        another_id_keeps_what_there_is,
    ];
    for case in cases {
        case(&make());
    }
}

/// Runs all cases in which something fails.
pub fn run_failing<B: Backend>(make: impl Fn() -> B) {
    let cases: [Case; 2] = [a_failed_write_is_taken_back, a_failed_sync_poisons];
    for case in cases {
        case(&make());
    }
}

fn record(payload: &[u8]) -> Record {
    Record { kind: 7, document: [3; 16], key_id: 5, payload: payload.to_vec() }
}

fn frame(payloads: &[&[u8]]) -> Frame {
    Frame { records: payloads.iter().map(|payload| record(payload)).collect() }
}

fn put(key: &str, value: &str) -> Write {
    Write::Put(key.into(), value.into())
}

/// Opens a store and brings its index up without any writes.
fn reopen(backend: &dyn Backend) -> Box<dyn Store> {
    let mut store = backend.open();
    let end = store.reader().end().seq;
    if store.index_mark() < end {
        store.catch_up(end, Vec::new()).unwrap();
    }
    store
}

fn numbers_go_up_without_gaps(backend: &dyn Backend) {
    let mut store = reopen(backend);
    assert_eq!((store.next_seq(), store.reader().end().seq), (1, 0));
    assert_eq!(store.append(&frame(&[b"a", b"b"]), vec![]).unwrap(), Appended { first: 1, last: 2 });
    assert_eq!(store.append(&frame(&[b"c"]), vec![]).unwrap(), Appended { first: 3, last: 3 });
    assert_eq!((store.sync().unwrap().seq, store.next_seq()), (3, 4));
    let log_id = store.reader().log_id();
    drop(store);
    let mut store = reopen(backend);
    assert_eq!(store.append(&frame(&[b"d"]), vec![]).unwrap().first, 4);
    assert_eq!(store.reader().log_id(), log_id);
}

fn readers_see_only_what_is_synced(backend: &dyn Backend) {
    let mut store = reopen(backend);
    let reader = store.reader();
    store.append(&frame(&[b"a"]), vec![put("k", "1")]).unwrap();
    assert_eq!((reader.end().seq, reader.index().get(b"k").unwrap()), (0, None));
    assert_eq!(store.index().get(b"k").unwrap(), Some(b"1".to_vec()));
    let end = store.sync().unwrap();
    assert_eq!((reader.end(), reader.index().get(b"k").unwrap()), (end, Some(b"1".to_vec())));
    let stored = reader.read(1).unwrap().unwrap();
    assert_eq!((stored.seq, stored.last_of_frame, stored.record), (1, true, record(b"a")));
    assert_eq!(reader.read(2).unwrap(), None);
    assert_eq!(store.sync().unwrap(), end);
}

fn a_drop_forgets_what_was_not_synced(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"kept"]), vec![]).unwrap();
    store.sync().unwrap();
    store.append(&frame(&[b"lost"]), vec![put("k", "1")]).unwrap();
    drop(store);
    let mut store = reopen(backend);
    assert_eq!((store.next_seq(), store.index().get(b"k").unwrap()), (2, None));
    store.append(&frame(&[b"other"]), vec![]).unwrap();
    store.sync().unwrap();
    assert_eq!(store.reader().read(2).unwrap().unwrap().record, record(b"other"));
}

fn ranges_come_in_order_and_in_parts(backend: &dyn Backend) {
    let mut store = reopen(backend);
    for group in 0..6u8 {
        for frame_of in 0..3u8 {
            let payloads: Vec<Vec<u8>> = (0..=frame_of).map(|at| vec![group, frame_of, at]).collect();
            store.append(&frame(&payloads.iter().map(Vec::as_slice).collect::<Vec<_>>()), vec![]).unwrap();
        }
        store.sync().unwrap();
    }
    let reader = store.reader();
    let all = reader.read_range(1, u64::MAX, usize::MAX).unwrap();
    assert_eq!(all.iter().map(|stored| stored.seq).collect::<Vec<_>>(), (1..=36).collect::<Vec<_>>());
    assert_eq!(all.iter().filter(|stored| stored.last_of_frame).count(), 18);
    for (from, to) in [(1, 1), (2, 9), (6, 30), (36, 36), (30, 99)] {
        let part = reader.read_range(from, to, usize::MAX).unwrap();
        assert_eq!(part, all[from as usize - 1..all.len().min(to as usize)]);
    }
    // In parts of at least one record each, whatever the limit.
    for bytes_max in [0, 1, 7, 30] {
        let mut read = Vec::new();
        while read.len() < 36 {
            let part = reader.read_range(read.len() as u64 + 1, 36, bytes_max).unwrap();
            assert!(!part.is_empty() && part.len() <= bytes_max / 3 + 1);
            read.extend(part);
        }
        assert_eq!(read, all);
    }
    assert_eq!(reader.read_range(37, 99, 10).unwrap(), []);
    for stored in &all {
        assert_eq!(reader.read(stored.seq).unwrap().as_ref(), Some(stored));
    }
}

fn running_hashes_belong_to_frames(backend: &dyn Backend) {
    let mut store = reopen(backend);
    let start = store.reader().running_hash_at(0).unwrap().unwrap();
    assert_eq!((start.hash, start.last), (GENESIS_HASH, 0));
    store.append(&frame(&[b"a", b"b"]), vec![]).unwrap();
    store.append(&frame(&[b"c"]), vec![]).unwrap();
    let end = store.sync().unwrap();
    let reader = store.reader();
    let at = |seq| reader.running_hash_at(seq).unwrap();
    assert_eq!((at(1).unwrap().first, at(1).unwrap().last, at(1)), (1, 2, at(2)));
    assert_eq!((at(3).unwrap().hash, at(4)), (end.hash, None));
    assert!(at(2).unwrap().hash != end.hash && at(2).unwrap().hash != GENESIS_HASH);
    let before = at(2);
    drop(store);
    assert_eq!(reopen(backend).reader().running_hash_at(2).unwrap(), before);
}

fn the_index_follows_the_log(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"1"]), vec![put("a", "1"), put("b", "1"), put("c", "1")]).unwrap();
    store.sync().unwrap();
    store.append(&frame(&[b"2"]), vec![Write::Delete(b"b".to_vec()), put("d", "2")]).unwrap();
    store.append(&frame(&[b"3"]), vec![put("a", "3"), Write::Delete(b"x".to_vec())]).unwrap();
    let pair = |key: &str, value: &str| (key.as_bytes().to_vec(), value.as_bytes().to_vec());
    let reader = store.reader();
    let old = vec![pair("a", "1"), pair("b", "1"), pair("c", "1")];
    let new = vec![pair("a", "3"), pair("c", "1"), pair("d", "2")];
    assert_eq!(reader.index().range(b"a", b"z", 9).unwrap(), old);
    assert_eq!(store.index().range(b"a", b"z", 9).unwrap(), new);
    assert_eq!(store.index().range(b"a", b"c", 9).unwrap(), new[..1]);
    assert_eq!(store.index().range(b"a", b"z", 2).unwrap(), new[..2]);
    assert_eq!(store.index().range(b"z", b"a", 2).unwrap(), []);
    assert_eq!(store.index().last(b"a", b"c").unwrap(), Some(pair("a", "3")));
    assert_eq!(reader.index().last(b"a", b"c").unwrap(), Some(pair("b", "1")));
    store.sync().unwrap();
    assert_eq!(reader.index().range(b"a", b"z", 9).unwrap(), new);
    assert_eq!(store.index_mark(), 3);
}

fn the_index_catches_up_before_anything_is_appended(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"a", b"b"]), vec![put("k", "1")]).unwrap();
    store.sync().unwrap();
    drop(store);
    let mut store = backend.open();
    if store.index_mark() == 0 {
        assert!(matches!(
            store.append(&frame(&[b"c"]), vec![]),
            Err(AppendError::IndexBehind { mark: 0, end: 2 })
        ));
        assert!(store.catch_up(1, vec![]).is_err());
        store.catch_up(2, vec![put("k", "1")]).unwrap();
    }
    assert!(store.catch_up(2, vec![]).is_err());
    assert_eq!(store.index_mark(), 2);
    assert_eq!(store.reader().index().get(b"k").unwrap(), Some(b"1".to_vec()));
    assert_eq!(store.append(&frame(&[b"c"]), vec![]).unwrap().first, 3);
}

fn another_id_keeps_what_there_is(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"a"]), vec![put("k", "v")]).unwrap();
    store.begin_log_id([9; 16]).unwrap();
    let end = store.reader().end();
    assert_eq!((store.reader().log_id(), end.seq, store.next_seq()), ([9; 16], 1, 2));
    assert_eq!(store.reader().index().get(b"k").unwrap(), Some(b"v".to_vec()));
    store.append(&frame(&[b"b"]), vec![]).unwrap();
    store.sync().unwrap();
    drop(store);
    let store = backend.open();
    assert_eq!((store.reader().log_id(), store.reader().end().seq), ([9; 16], 2));
    assert_eq!(store.reader().running_hash_at(1).unwrap().unwrap().hash, end.hash);
}

fn limits_are_refused_without_a_trace(backend: &dyn Backend) {
    let mut store = reopen(backend);
    let large = vec![0; PAYLOAD_BYTES_MAX + 1];
    let most = vec![0; PAYLOAD_BYTES_MAX];
    let refused = |outcome: Result<Appended, AppendError>, kind: &str| {
        assert!(format!("{outcome:?}").starts_with(&format!("Err({kind}")), "{kind}: {outcome:?}");
    };
    refused(store.append(&Frame::default(), vec![]), "Empty");
    refused(store.append(&frame(&[&large]), vec![]), "PayloadTooLarge");
    let many = vec![most.as_slice(); FRAME_BYTES_MAX / PAYLOAD_BYTES_MAX];
    refused(store.append(&frame(&many), vec![]), "FrameTooLarge");
    let key = Write::Delete(vec![0; INDEX_KEY_BYTES_MAX + 1]);
    refused(store.append(&frame(&[b"a"]), vec![key]), "IndexEntryTooLarge");
    let value = Write::Put(vec![], vec![0; INDEX_VALUE_BYTES_MAX + 1]);
    refused(store.append(&frame(&[b"a"]), vec![value]), "IndexEntryTooLarge");
    assert_eq!(store.next_seq(), 1);
    // One frame may be larger than a group; a second one must wait for a sync.
    let larger = &many[..GROUP_BYTES_MAX / PAYLOAD_BYTES_MAX + 1];
    store.append(&frame(larger), vec![]).unwrap();
    refused(store.append(&frame(&[b"a"]), vec![]), "GroupFull");
    let end = store.sync().unwrap().seq;
    assert_eq!(store.append(&frame(&[b"a"]), vec![]).unwrap().first, end + 1);
    store.sync().unwrap();
    drop(store);
    assert_eq!(reopen(backend).reader().read(end).unwrap().unwrap().record.payload, most);
}

fn a_failed_write_is_taken_back(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"a"]), vec![put("k", "1")]).unwrap();
    let end = store.sync().unwrap();
    store.append(&frame(&[b"lost", b"too"]), vec![put("k", "2"), put("l", "2")]).unwrap();
    backend.fail_next_write();
    assert!(
        matches!(store.sync(), Err(SyncError::NotWritten(error)) if error.kind() == io::ErrorKind::StorageFull)
    );
    assert_eq!((store.next_seq(), store.reader().end()), (2, end));
    assert_eq!(store.index().get(b"k").unwrap(), Some(b"1".to_vec()));
    assert_eq!(store.index().get(b"l").unwrap(), None);
    assert_eq!(store.append(&frame(&[b"b"]), vec![put("k", "3")]).unwrap().first, 2);
    store.sync().unwrap();
    drop(store);
    let store = reopen(backend);
    let payloads: Vec<_> =
        store.reader().read_range(1, 9, 99).unwrap().into_iter().map(|s| s.record.payload).collect();
    assert_eq!(payloads, [b"a", b"b"]);
}

fn a_failed_sync_poisons(backend: &dyn Backend) {
    let mut store = reopen(backend);
    store.append(&frame(&[b"a"]), vec![put("k", "1")]).unwrap();
    let end = store.sync().unwrap();
    let reader = store.reader();
    store.append(&frame(&[b"b"]), vec![]).unwrap();
    backend.fail_next_sync();
    assert!(matches!(store.sync(), Err(SyncError::Poisoned)));
    assert!(matches!(store.sync(), Err(SyncError::Poisoned)));
    assert!(matches!(store.append(&frame(&[b"c"]), vec![]), Err(AppendError::Poisoned)));
    assert!(matches!(reader.read(1), Err(ReadError::Poisoned)));
    assert!(matches!(reader.read_range(1, 1, 1), Err(ReadError::Poisoned)));
    assert!(matches!(reader.running_hash_at(1), Err(ReadError::Poisoned)));
    assert_eq!(reader.index().get(b"k"), Err(KvError::Poisoned));
    assert_eq!(store.index().get(b"k"), Err(KvError::Poisoned));
    assert_eq!(reader.end(), end);
    drop((store, reader));
    let store = reopen(backend);
    let stored = store.reader().read(1).unwrap().unwrap();
    assert_eq!(stored.record, record(b"a"));
    assert!(store.next_seq() == 2 || store.reader().read(2).unwrap().unwrap().record == record(b"b"));
}
