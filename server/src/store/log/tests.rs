//! Recovery, table by table.

mod model;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use proptest::prelude::*;

use super::codec::FRAME_HEADER_BYTES;
use super::mark::mark_path;
use super::segment::{SEGMENT_HEADER_BYTES, segment_path};
use super::table::LAST_FRAMES;
use super::{OpenError, SEGMENT_BYTES};
use crate::store::conformance::{self, Backend};
use crate::store::disk::{Fault, FaultError, FaultOn, SimulatedDisk};
use crate::store::frame::{Frame, Record};
use crate::store::verify::verify_log;
use crate::store::{EmbeddedStore, MemoryDisk, MemoryStore, Store};

fn dir() -> PathBuf {
    PathBuf::from("log")
}

fn frame(payloads: &[Vec<u8>]) -> Frame {
    let record =
        |payload: &Vec<u8>| Record { kind: 1, document: [9; 16], key_id: 0, payload: payload.clone() };
    Frame { records: payloads.iter().map(record).collect() }
}

fn create(disk: &SimulatedDisk) {
    EmbeddedStore::create_on(Arc::new(disk.clone()), &dir(), [1; 16]).unwrap();
}

fn open(disk: &SimulatedDisk, segment_bytes: u64) -> Result<EmbeddedStore, OpenError> {
    let mut store = EmbeddedStore::open_on(Arc::new(disk.clone()), &dir(), segment_bytes)?;
    let end = store.reader().end().seq;
    if end > 0 {
        store.catch_up(end, vec![]).map_err(|error| OpenError::Io(std::io::Error::other(error)))?;
    }
    Ok(store)
}

fn payloads(store: &EmbeddedStore) -> Vec<Vec<u8>> {
    let all = store.reader().read_range(1, u64::MAX, usize::MAX).unwrap();
    all.into_iter().map(|stored| stored.record.payload).collect()
}

/// A disk with one synced frame for each payload, each in a group of its own, and the file's frames' ends.
fn disk_with(frames: &[Vec<u8>]) -> (SimulatedDisk, Vec<usize>) {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, SEGMENT_BYTES).unwrap();
    let mut ends = vec![SEGMENT_HEADER_BYTES];
    for payload in frames {
        store.append(&frame(std::slice::from_ref(payload)), vec![]).unwrap();
        store.sync().unwrap();
        ends.push(segment_bytes(&disk, 1).len());
    }
    (disk, ends)
}

fn segment_bytes(disk: &SimulatedDisk, number: u32) -> Vec<u8> {
    disk.bytes(&segment_path(&dir(), number)).unwrap()
}

fn put_segment(disk: &SimulatedDisk, number: u32, bytes: Vec<u8>) {
    disk.put(&segment_path(&dir(), number), bytes);
}

fn three() -> Vec<Vec<u8>> {
    vec![b"first".to_vec(), b"second".to_vec(), b"the third one".to_vec()]
}

/// Expects damage at a place, named alike by opening and verifying, and nothing changed by either.
fn assert_damaged(disk: &SimulatedDisk, file: &Path, offset: Option<u64>, case: &str) {
    let before: Vec<_> = (1..4).map(|number| disk.bytes(&segment_path(&dir(), number))).collect();
    match open(disk, SEGMENT_BYTES) {
        Err(OpenError::Damaged { file: named, offset: at, .. }) => {
            assert_eq!(named, file, "{case}");
            assert!(offset.is_none_or(|offset| offset == at), "{case}: at {at}");
        }
        Err(error) => panic!("{case}: {error}"),
        Ok(store) => panic!("{case}: opened with {:?}", payloads(&store)),
    }
    let after: Vec<_> = (1..4).map(|number| disk.bytes(&segment_path(&dir(), number))).collect();
    assert_eq!(before, after, "{case}");
    let report = verify_log(disk, &dir(), false).unwrap();
    assert_eq!(report.faults.first().map(|fault| fault.file.as_path()), Some(file), "{case}: {report:?}");
}

/// Whether it is still known from writing, or was read: of frames in groups, in several segments, and of more than are kept at hand.
#[test]
fn a_running_hash_is_the_same_from_memory_and_from_the_disk() {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, 64 * 1024).unwrap();
    for group in 0..(LAST_FRAMES / 16 + 20) {
        for at in 0..16 {
            // One frame in four has two records.
            let records = vec![vec![group as u8, at]; 1 + usize::from(at % 4 == 0)];
            store.append(&frame(&records), vec![]).unwrap();
        }
        store.sync().unwrap();
    }
    let (written, read) = (store.reader(), open(&disk, 64 * 1024).unwrap().reader());
    let end = written.end().seq;
    assert!(end > 5 * LAST_FRAMES as u64 / 4);
    for seq in 0..=end + 1 {
        assert_eq!(written.running_hash_at(seq).unwrap(), read.running_hash_at(seq).unwrap(), "at {seq}");
    }
}

struct OnSimulatedDisk(SimulatedDisk);

impl Backend for OnSimulatedDisk {
    fn open(&self) -> Box<dyn Store> {
        Box::new(EmbeddedStore::open_on(Arc::new(self.0.clone()), &dir(), 4096).unwrap())
    }
    fn fail_next_write(&self) {
        // With a reserve to give up it would be written all the same.
        self.0.lose(&dir().join("reserve"));
        self.0.arm(Fault { on: FaultOn::Write, nth: 1, error: FaultError::DiskFull });
    }
    fn fail_next_sync(&self) {
        self.0.arm(Fault { on: FaultOn::Sync, nth: 1, error: FaultError::Io });
    }
}

impl Backend for MemoryDisk {
    fn open(&self) -> Box<dyn Store> {
        Box::new(MemoryStore::open(self))
    }
    fn fail_next_write(&self) {
        MemoryDisk::fail_next_write(self);
    }
    fn fail_next_sync(&self) {
        MemoryDisk::fail_next_sync(self);
    }
}

struct OnRealDisk(tempfile::TempDir);

impl Backend for OnRealDisk {
    fn open(&self) -> Box<dyn Store> {
        Box::new(match EmbeddedStore::open(self.0.path()) {
            Err(OpenError::Missing { .. }) => EmbeddedStore::create(self.0.path(), [1; 16]).unwrap(),
            outcome => outcome.unwrap(),
        })
    }
    fn fail_next_write(&self) {}
    fn fail_next_sync(&self) {}
}

#[test]
fn the_embedded_store_conforms_on_a_simulated_disk() {
    let make = || {
        let disk = SimulatedDisk::new();
        create(&disk);
        OnSimulatedDisk(disk)
    };
    conformance::run_plain(make);
    conformance::run_failing(make);
}

#[test]
fn the_embedded_store_conforms_on_a_real_disk_with_sled() {
    conformance::run_plain(|| OnRealDisk(tempfile::tempdir().unwrap()));
}

#[test]
fn the_memory_store_conforms() {
    conformance::run_plain(|| MemoryDisk::new([1; 16]));
    conformance::run_failing(|| MemoryDisk::new([1; 16]));
}

#[test]
#[should_panic(expected = "only 0 is synced")]
fn the_memory_store_does_not_let_readers_see_what_is_not_synced() {
    let mut store = MemoryStore::open(&MemoryDisk::new([1; 16]));
    store.append(&frame(&three()), vec![]).unwrap();
    let _ = store.reader().read(1);
}

#[test]
fn a_tail_torn_at_any_byte_is_cut_if_it_was_never_synced_and_damage_if_it_was() {
    let (disk, ends) = disk_with(&three()[..2]);
    let old_note = disk.bytes(&mark_path(&dir())).unwrap();
    let (disk, all_ends) = disk_with(&three());
    assert_eq!(ends, all_ends[..3]);
    let bytes = segment_bytes(&disk, 1);
    for cut in ends[2]..all_ends[3] {
        let killed = disk.copy();
        put_segment(&killed, 1, bytes[..cut].to_vec());
        if cut > ends[2] {
            assert_damaged(&killed, &segment_path(&dir(), 1), Some(ends[2] as u64), &format!("cut at {cut}"));
        } else {
            assert_damaged(&killed, &segment_path(&dir(), 1), None, "the last frame is gone");
        }
        killed.put(&mark_path(&dir()), old_note.clone());
        let mut store = open(&killed, SEGMENT_BYTES).unwrap();
        assert_eq!(payloads(&store), three()[..2], "cut at {cut}");
        assert_eq!(segment_bytes(&killed, 1), bytes[..ends[2]], "the torn bytes are gone");
        store.append(&frame(&[b"next".to_vec()]), vec![]).unwrap();
        store.sync().unwrap();
        drop(store);
        killed.power_cut();
        assert_eq!(payloads(&open(&killed, SEGMENT_BYTES).unwrap())[2], b"next", "cut at {cut}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_reported_with_or_without_the_note() {
    let (disk, ends) = disk_with(&three());
    let bytes = segment_bytes(&disk, 1);
    for bit in 0..bytes.len() * 8 {
        let at = bit / 8;
        let bad = disk.copy();
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (bit % 8);
        put_segment(&bad, 1, flipped);
        let start = ends.iter().rev().find(|end| **end <= at).map_or(0, |end| *end as u64);
        for note in [true, false] {
            if !note {
                bad.lose(&mark_path(&dir()));
            }
            assert_damaged(&bad, &segment_path(&dir(), 1), Some(start), &format!("bit {bit}, note {note}"));
        }
    }
}

#[test]
fn a_flipped_bit_in_the_note_loses_nothing_and_is_reported() {
    let (disk, _) = disk_with(&three());
    let note = disk.bytes(&mark_path(&dir())).unwrap();
    for at in 0..note.len() {
        let bad = disk.copy();
        let mut flipped = note.clone();
        flipped[at] ^= 1;
        bad.put(&mark_path(&dir()), flipped);
        assert_eq!(verify_log(&bad, &dir(), false).unwrap().faults.len(), 1);
        assert_eq!(payloads(&open(&bad, SEGMENT_BYTES).unwrap()), three());
        assert!(verify_log(&bad, &dir(), false).unwrap().is_sound());
    }
}

#[test]
fn zeroed_sectors_of_what_was_synced_are_reported() {
    let frames: Vec<_> = (0..4u8).map(|number| vec![number + 1; 1500]).collect();
    let (disk, ends) = disk_with(&frames);
    let bytes = segment_bytes(&disk, 1);
    for from in (0..bytes.len()).step_by(128) {
        let bad = disk.copy();
        let mut zeroed = bytes.clone();
        zeroed.iter_mut().skip(from).take(512).for_each(|byte| *byte = 0);
        put_segment(&bad, 1, zeroed);
        let start = ends.iter().rev().find(|end| **end <= from).map_or(0, |end| *end as u64);
        assert_damaged(&bad, &segment_path(&dir(), 1), Some(start), &format!("zeroed from {from}"));
    }
}

/// Without the note the frames themselves testify: only in the last group may zeros pass for a torn write.
#[test]
fn zeroed_sectors_before_the_last_group_are_reported_without_the_note() {
    let frames: Vec<_> = (0..4u8).map(|number| vec![number + 1; 1500]).collect();
    let (disk, ends) = disk_with(&frames);
    let bytes = segment_bytes(&disk, 1);
    disk.lose(&mark_path(&dir()));
    for from in (SEGMENT_HEADER_BYTES..ends[3]).step_by(64) {
        let bad = disk.copy();
        let mut zeroed = bytes.clone();
        zeroed.iter_mut().take(ends[3]).skip(from).take(512).for_each(|byte| *byte = 0);
        put_segment(&bad, 1, zeroed);
        let start = ends.iter().rev().find(|end| **end <= from).map(|end| *end as u64);
        assert_damaged(&bad, &segment_path(&dir(), 1), start, &format!("zeroed from {from}"));
    }
}

#[test]
fn a_segment_of_another_history_does_not_join() {
    let history = |first: u8| {
        let disk = SimulatedDisk::new();
        create(&disk);
        let mut store = open(&disk, 100).unwrap();
        for payload in [first, 7, 7] {
            store.append(&frame(&[vec![payload; 80]]), vec![]).unwrap();
            store.sync().unwrap();
        }
        disk
    };
    let (ours, theirs) = (history(1), history(2));
    put_segment(&ours, 2, segment_bytes(&theirs, 2));
    assert_damaged(&ours, &segment_path(&dir(), 2), Some(0), "same numbers, other content before");
}

#[test]
fn the_tail_rolls_over_at_its_size_and_reads_go_on_across() {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, 1000).unwrap();
    for number in 0..40u8 {
        store.append(&frame(&[vec![number; 100]]), vec![]).unwrap();
        store.sync().unwrap();
    }
    let sizes: Vec<_> = (1..99)
        .map_while(|number| disk.bytes(&segment_path(&dir(), number)))
        .map(|bytes| bytes.len())
        .collect();
    assert!(sizes.len() > 5 && sizes.iter().all(|size| *size <= 1000), "{sizes:?}");
    let all: Vec<_> = (0..40u8).map(|number| vec![number; 100]).collect();
    assert_eq!(payloads(&store), all);
    drop(store);
    assert_eq!(payloads(&open(&disk, 1000).unwrap()), all);
}

/// After a power cut the note may be old: then zeros at the very end are what the cut left.
#[test]
fn a_group_that_a_power_cut_left_in_pieces_is_cut_whole() {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, SEGMENT_BYTES).unwrap();
    store.append(&frame(&[vec![1; 700]]), vec![]).unwrap();
    store.sync().unwrap();
    let (note, synced) = (disk.bytes(&mark_path(&dir())).unwrap(), segment_bytes(&disk, 1).len());
    for number in 2..6u8 {
        store.append(&frame(&[vec![number; 700]]), vec![]).unwrap();
    }
    store.sync().unwrap();
    drop(store);
    let bytes = segment_bytes(&disk, 1);
    for sector in synced / 512..bytes.len().div_ceil(512) {
        let cut = disk.copy();
        let mut torn = bytes.clone();
        torn.iter_mut()
            .enumerate()
            .filter(|(at, _)| *at >= synced && at / 512 == sector)
            .for_each(|(_, byte)| *byte = 0);
        put_segment(&cut, 1, torn);
        cut.put(&mark_path(&dir()), note.clone());
        let report = verify_log(&cut, &dir(), false).unwrap();
        assert!(report.is_sound() && report.torn_tail.is_some(), "sector {sector}: {report:?}");
        let found = payloads(&open(&cut, SEGMENT_BYTES).unwrap());
        assert!(!found.is_empty() && found.len() < 5, "sector {sector}");
        assert!(found.iter().enumerate().all(|(at, payload)| *payload == vec![at as u8 + 1; 700]));
    }
}

#[test]
fn bytes_of_a_frame_inside_a_payload_count_for_nothing() {
    let (other, _) = disk_with(&three());
    let image = segment_bytes(&other, 1)[SEGMENT_HEADER_BYTES..].to_vec();
    let (disk, ends) = disk_with(&[b"kept".to_vec(), [image, vec![5; 2000]].concat()]);
    let note = disk_with(&[b"kept".to_vec()]).0.bytes(&mark_path(&dir())).unwrap();
    let bytes = segment_bytes(&disk, 1);
    put_segment(&disk, 1, bytes[..ends[2] - 1].to_vec());
    disk.put(&mark_path(&dir()), note);
    assert_eq!(payloads(&open(&disk, SEGMENT_BYTES).unwrap()), [b"kept"]);
}

#[test]
fn sealed_segments_cut_short_or_missing_are_reported() {
    let disk = SimulatedDisk::new();
    create(&disk);
    let mut store = open(&disk, 200).unwrap();
    for number in 0..6u8 {
        store.append(&frame(&[vec![number; 60]]), vec![]).unwrap();
        store.sync().unwrap();
    }
    drop(store);
    let path = |number| segment_path(&dir(), number);
    let last = (1..99).take_while(|number| disk.bytes(&path(*number)).is_some()).last().unwrap();
    assert!(last >= 3);
    for number in 1..=last {
        let bytes = segment_bytes(&disk, number);
        let lost = disk.copy();
        lost.lose(&path(number));
        // Of a missing last segment only the note knows: it is told of the one that now ends the log.
        let named = if number == last { last - 1 } else { number };
        assert_damaged(&lost, &path(named), None, &format!("segment {number} missing"));
        for cut in 0..bytes.len() {
            let short = disk.copy();
            put_segment(&short, number, bytes[..cut].to_vec());
            let whole_frames_cut = cut == SEGMENT_HEADER_BYTES && number < last;
            let named = if whole_frames_cut { number + 1 } else { number };
            assert_damaged(&short, &path(named), None, &format!("segment {number} cut at {cut}"));
        }
        let swapped = disk.copy();
        put_segment(&swapped, number, segment_bytes(&disk, number % last + 1));
        assert_damaged(&swapped, &path(number), Some(0), &format!("segment {number} swapped"));
    }
}

#[test]
fn damage_names_records_and_documents_and_all_of_it() {
    let (disk, ends) = disk_with(&[three(), three()].concat());
    let mut bytes = segment_bytes(&disk, 1);
    bytes[ends[1] + FRAME_HEADER_BYTES + 30] ^= 1;
    bytes[ends[3] + 5] ^= 1;
    bytes[ends[4] + 5] ^= 1;
    put_segment(&disk, 1, bytes);
    let report = verify_log(&disk, &dir(), false).unwrap();
    let seqs: Vec<_> =
        report.faults.iter().map(|fault| (fault.offset.unwrap() as usize, fault.seqs)).collect();
    assert_eq!(seqs, [(ends[1], Some((2, 2))), (ends[3], Some((4, 5)))]);
    assert_eq!(report.faults[0].documents, [[9; 16]]);
    assert_eq!((report.frames, report.end_seq), (3, 6));
}

#[test]
fn beside_a_running_server_a_half_written_frame_is_no_fault() {
    let (disk, ends) = disk_with(&three());
    let bytes = segment_bytes(&disk, 1);
    put_segment(&disk, 1, [&bytes[..], &bytes[ends[2]..ends[2] + 50]].concat());
    let report = verify_log(&disk, &dir(), true).unwrap();
    assert!(report.is_sound() && report.torn_tail.is_some() && report.end_seq == 3);
    put_segment(&disk, 1, bytes[..ends[3] - 1].to_vec());
    assert!(!verify_log(&disk, &dir(), true).unwrap().is_sound());
}
